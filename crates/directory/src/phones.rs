//! Telephones: the number sealed, and the four digits that may be shown sealed apart from it.

use crate::{
    DirectoryError, Scope,
    error::found,
    scope::{checked, named},
    text,
};
use serde_json::json;
use store::{Addition, PhoneChange, PhoneRow, SealedNumber, Slice, fields, numbers::Asker};
use types::{E164, PhoneId, UserId};

/// Duo's types of telephones.
const TYPES: &[&str] = &["mobile", "landline", "unknown"];
/// Duo's platforms.
const PLATFORMS: &[&str] = &[
    "unknown",
    "apple ios",
    "google android",
    "generic smartphone",
    "windows phone",
    "windows mobile",
    "rim blackberry",
    "java j2me",
    "palm webos",
    "symbian os",
];
/// The longest pause around an extension, in seconds.
const LONGEST_DELAY: i64 = 120;
/// How many phones are looked through for a number. Numbers are sealed, so there is no index of them.
const MOST_SEARCHED: i64 = 20_000;
/// How many at once.
const SEARCHED_AT_ONCE: i64 = 500;

/// A telephone to be made.
#[derive(Clone, Debug, Default)]
pub struct NewPhone {
    /// Its number, if it has one.
    pub number: Option<E164>,
    /// Digits to dial after the call is answered; `,` waits.
    pub extension: String,
    /// For people.
    pub name: String,
    /// `mobile`, `landline` or `unknown`; empty for unknown.
    pub r#type: String,
    /// Duo's name of its platform; empty for unknown.
    pub platform: String,
    /// The device's model.
    pub model: String,
    /// Seconds to wait before the extension is dialled.
    pub predelay: i64,
    /// Seconds to wait after it.
    pub postdelay: i64,
}

/// A telephone that somebody has no more, because an administrator took it away: they must hear of it, on that telephone too.
#[derive(Clone, Debug)]
pub struct Removal {
    /// Whose it was.
    pub user: UserId,
    /// As it was.
    pub phone: PhoneRow,
}

/// A change of a telephone; what is `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct PhonePatch {
    /// See [`NewPhone::number`]; the inner `None` removes it.
    pub number: Option<Option<E164>>,
    /// See [`NewPhone::extension`].
    pub extension: Option<String>,
    /// See [`NewPhone::name`].
    pub name: Option<String>,
    /// See [`NewPhone::r#type`].
    pub r#type: Option<String>,
    /// See [`NewPhone::platform`].
    pub platform: Option<String>,
    /// See [`NewPhone::model`].
    pub model: Option<String>,
    /// See [`NewPhone::predelay`].
    pub predelay: Option<i64>,
    /// See [`NewPhone::postdelay`].
    pub postdelay: Option<i64>,
}

fn extension(text: &str) -> Result<String, DirectoryError> {
    let text = text::line(text, 32, "extension")?;
    if text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b',' | b'*' | b'#')) {
        Ok(text)
    } else {
        Err(DirectoryError::Invalid("extension"))
    }
}

fn word(text: &str, known: &[&str], what: &'static str) -> Result<String, DirectoryError> {
    match text.trim().to_lowercase() {
        text if text.is_empty() => Ok("unknown".to_owned()),
        text if known.contains(&text.as_str()) => Ok(text),
        _ => Err(DirectoryError::Invalid(what)),
    }
}

fn kind(text: &str) -> Result<String, DirectoryError> {
    word(text, TYPES, "type")
}

fn platform(text: &str) -> Result<String, DirectoryError> {
    word(text, PLATFORMS, "platform")
}

fn label(text: &str) -> Result<String, DirectoryError> {
    text::line(text, 255, "name")
}

fn model(text: &str) -> Result<String, DirectoryError> {
    text::line(text, 255, "model")
}

impl Scope<'_> {
    async fn seal(&self, phone: PhoneId, number: Option<&E164>) -> Result<SealedNumber, DirectoryError> {
        let Some(number) = number else { return Ok(SealedNumber::default()) };
        let (keys, random) = (self.rows().keys().await?, self.world().random.as_ref());
        Ok(SealedNumber {
            number: Some(keys.seal(fields::phone_number(&phone), number.expose().as_bytes(), random)?),
            tail: Some(keys.seal(fields::phone_tail(&phone), number.tail().as_bytes(), random)?),
        })
    }

    /// Opens one telephone's number, to be shown to whoever acts here: for the tenant's own Admin API. Counted ([`store::numbers`]).
    pub async fn phone_number(&self, phone: &PhoneRow) -> Result<Option<E164>, DirectoryError> {
        let asker = Asker { who: self.actor(), in_bulk: false };
        let numbers = self.rows().numbers_to_show(asker, std::slice::from_ref(phone)).await?;
        Ok(numbers.into_iter().flatten().next())
    }

    /// The numbers of several telephones, for who was given leave to read them in bulk.
    pub async fn phone_numbers(&self, phones: &[PhoneRow]) -> Result<Vec<Option<E164>>, DirectoryError> {
        Ok(self.rows().numbers_to_show(Asker { who: self.actor(), in_bulk: true }, phones).await?)
    }

    /// Takes leave to have one number told to a carrier, as for one that is shown.
    pub async fn spend_number(&self, in_bulk: bool) -> Result<(), DirectoryError> {
        Ok(self.rows().spend_numbers(Asker { who: self.actor(), in_bulk }, 1).await?)
    }

    /// What may be shown of a telephone's number by anybody: its last four digits.
    pub async fn phone_tail(&self, phone: &PhoneRow) -> Result<Option<String>, DirectoryError> {
        let Some(tail) = &phone.tail else { return Ok(None) };
        let tail = self.rows().open(fields::phone_tail(&phone.id), tail).await?;
        Ok(Some(E164::masked(&String::from_utf8_lossy(tail.expose()))))
    }

    /// The telephone with this number and extension, the oldest if there are several. Looks through the last four digits of up to
    /// 20,000 telephones and compares only the numbers that end alike; [`DirectoryError::Invalid`] where there are more. Whether somebody
    /// is here is told, so a number that is found counts as one that is shown.
    pub async fn phone_by_number(
        &self,
        number: &E164,
        extension: &str,
        in_bulk: bool,
    ) -> Result<Option<PhoneRow>, DirectoryError> {
        let rows = self.rows();
        let mut slice = Slice { offset: 0, limit: SEARCHED_AT_ONCE };
        loop {
            let page = rows.phones(slice).await?;
            for phone in page.rows {
                let Some(tail) = phone.tail.as_ref().filter(|_| phone.extension == extension) else { continue };
                let alike = rows.open(fields::phone_tail(&phone.id), tail).await?.ct_eq(number.tail().as_bytes());
                if alike && rows.has_number(&phone, number).await? {
                    self.spend_number(in_bulk).await?;
                    return Ok(Some(phone));
                }
            }
            slice.offset += slice.limit;
            if slice.offset >= page.total {
                return Ok(None);
            }
            if slice.offset >= MOST_SEARCHED {
                return Err(DirectoryError::Invalid("number"));
            }
        }
    }

    /// Makes a telephone that nobody has yet.
    pub async fn create_phone(&self, phone: &NewPhone) -> Result<PhoneRow, DirectoryError> {
        let now = self.world().now();
        let id = PhoneId::new(now, self.world().random.as_ref());
        let delay = |seconds, what| text::within(seconds, 0..=LONGEST_DELAY, what);
        let row = PhoneRow {
            id,
            number: None,
            tail: None,
            extension: extension(&phone.extension)?,
            name: label(&phone.name)?,
            r#type: kind(&phone.r#type)?,
            platform: platform(&phone.platform)?,
            model: model(&phone.model)?,
            predelay: delay(phone.predelay, "predelay")?,
            postdelay: delay(phone.postdelay, "postdelay")?,
            public_key: None,
            device_name: String::new(),
            last_seen: None,
            sms_sent: 0,
            last_used: None,
            created: now,
        };
        let SealedNumber { number, tail } = self.seal(id, phone.number.as_ref()).await?;
        let row = PhoneRow { number, tail, ..row };
        let mut tx = self.begin().await?;
        tx.insert_phone(&row).await?;
        let detail = json!({ "type": row.r#type, "platform": row.platform, "number": row.number.is_some() });
        self.log(&mut tx, "phone_create", &id.to_string(), detail).await?;
        tx.commit().await?;
        Ok(row)
    }

    pub(crate) async fn phone(&self, id: PhoneId) -> Result<PhoneRow, DirectoryError> {
        self.rows().phone(id).await?.ok_or(DirectoryError::NotFound("phone"))
    }

    /// Changes a telephone. Passcodes that were sent to another number than the new one die with the change. Another number is an
    /// addition to the account of everybody who has the telephone: [`DirectoryError::Guarded`] where that takes two.
    pub async fn change_phone(&self, id: PhoneId, patch: &PhonePatch) -> Result<Vec<Addition>, DirectoryError> {
        let delay = |value: Option<i64>, what| value.map(|v| text::within(v, 0..=LONGEST_DELAY, what)).transpose();
        let change = PhoneChange {
            extension: checked(patch.extension.as_ref(), extension)?,
            name: checked(patch.name.as_ref(), label)?,
            r#type: checked(patch.r#type.as_ref(), kind)?,
            platform: checked(patch.platform.as_ref(), platform)?,
            model: checked(patch.model.as_ref(), model)?,
            predelay: delay(patch.predelay, "predelay")?,
            postdelay: delay(patch.postdelay, "postdelay")?,
        };
        let before = self.phone(id).await?;
        let other_number = match &patch.number {
            Some(None) if before.number.is_some() => Some(self.seal(id, None).await?),
            Some(Some(number)) if !self.rows().has_number(&before, number).await? => {
                Some(self.seal(id, Some(number)).await?)
            }
            _ => None,
        };
        let new_number = other_number.as_ref().is_some_and(|number| number.number.is_some());
        let owners = match new_number {
            true => self.rows().users_of_phones(&[id]).await?,
            false => Vec::new(),
        };
        for (_, owner) in &owners {
            self.admit_addition(owner.id).await?;
        }
        let keys = self.rows().keys().await?;
        let fields = named(&[
            ("number", other_number.is_some()),
            ("extension", change.extension.is_some()),
            ("name", change.name.is_some()),
            ("type", change.r#type.is_some()),
            ("platform", change.platform.is_some()),
            ("model", change.model.is_some()),
            ("predelay", change.predelay.is_some()),
            ("postdelay", change.postdelay.is_some()),
        ]);
        let mut tx = self.begin().await?;
        found(tx.change_phone(id, &change).await?, "phone")?;
        if let Some(sealed) = other_number {
            tx.set_phone_number(id, sealed).await?;
            tx.replace_sms_codes(id, &[]).await?;
        }
        let mut added = Vec::new();
        for (_, owner) in owners {
            let before = tx.authenticators_of(owner.id).await?;
            added.extend(self.note_addition(&mut tx, owner.id, before, &keys, ("phone", &id.to_string(), "")).await?);
        }
        self.log(&mut tx, "phone_update", &id.to_string(), json!({ "fields": fields })).await?;
        tx.commit().await?;
        Ok(added)
    }

    /// Ends push on a telephone: its authenticator must be activated again.
    pub async fn deactivate_phone(&self, id: PhoneId) -> Result<(), DirectoryError> {
        let mut tx = self.begin().await?;
        found(tx.clear_phone_key(id).await?, "phone")?;
        self.log(&mut tx, "phone_deactivate", &id.to_string(), json!({})).await?;
        Ok(tx.commit().await?)
    }

    /// Deletes a telephone, the passcodes sent to it and its activations. Gives what to tell those who had it.
    pub async fn delete_phone(&self, id: PhoneId) -> Result<Vec<Removal>, DirectoryError> {
        let row = self.phone(id).await?;
        let owners = self.rows().users_of_phones(&[id]).await?;
        let mut tx = self.begin().await?;
        found(tx.delete_phone(id).await?, "phone")?;
        self.log(&mut tx, "phone_delete", &id.to_string(), json!({})).await?;
        tx.commit().await?;
        Ok(owners.into_iter().map(|(_, owner)| Removal { user: owner.id, phone: row.clone() }).collect())
    }

    /// Gives a user a telephone, which may be the user's already. [`DirectoryError::Guarded`] where that takes two.
    pub async fn attach_phone(&self, user: UserId, phone: PhoneId) -> Result<Option<Addition>, DirectoryError> {
        let (row, _, keys) = (self.user(user).await?, self.phone(phone).await?, self.rows().keys().await?);
        let had = self.rows().phones_of_users(&[user]).await?.iter().any(|(_, had)| had.id == phone);
        if !had {
            self.admit_addition(user).await?;
        }
        let mut tx = self.begin().await?;
        tx.hold_user(user).await?;
        let before = if had { 0 } else { tx.authenticators_of(user).await? };
        found(tx.attach_phone(user, phone).await?, "phone")?;
        let added = self.note_addition(&mut tx, user, before, &keys, ("phone", &phone.to_string(), "")).await?;
        let detail = json!({ "user_id": user.to_string(), "phone_id": phone.to_string() });
        self.log(&mut tx, "phone_associate", &row.username, detail).await?;
        tx.commit().await?;
        Ok(added)
    }

    /// Takes a telephone from a user, who may not have it. Gives what to tell who had it.
    pub async fn detach_phone(&self, user: UserId, phone: PhoneId) -> Result<Option<Removal>, DirectoryError> {
        let (row, taken) = (self.user(user).await?, self.phone(phone).await?);
        let mut tx = self.begin().await?;
        let had = tx.detach_phone(user, phone).await?;
        if had {
            let detail = json!({ "user_id": user.to_string(), "phone_id": phone.to_string() });
            self.log(&mut tx, "phone_disassociate", &row.username, detail).await?;
        }
        tx.commit().await?;
        Ok(had.then_some(Removal { user, phone: taken }))
    }
}
