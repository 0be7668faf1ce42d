//! Objects as Duo's Admin API shows them, with the field names of its clients and its Postman collection.

use super::desk::{Desk, failed, refused};
use crate::{door::Call, wire::ApiError};
use serde_json::{Map, Value, json};
use std::{collections::HashMap, hash::Hash};
use store::{GroupRow, PasskeyRow, PhoneRow, StoreError, TokenRow, UserRow};
use types::{E164, Millis, PhoneId, TokenId, UserId};

/// Aliases that have a field of their own beside `aliases`.
const OLD_ALIASES: usize = 4;

/// What is said of a user without asking further tables.
fn user_alone(call: &Call, user: &UserRow, now: Millis) -> Map<String, Value> {
    let locked = user.locked_at.is_some_and(|since| match call.app.settings.lockout_length() {
        Some(length) => now.since(since) < length,
        None => true,
    });
    let status = match user.status.as_str() {
        _ if user.deleted_at.is_some() => "pending deletion",
        _ if locked => "locked out",
        chosen => chosen,
    };
    // A damaged column must not hide the user; it shows as nothing.
    let attributes: Value = serde_json::from_str(&user.attributes).unwrap_or_default();
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
    put("user_id", user.id.to_string().into());
    put("username", user.username.as_str().into());
    put("realname", user.realname.as_str().into());
    put("firstname", user.firstname.as_str().into());
    put("lastname", user.lastname.as_str().into());
    put("email", user.email.as_str().into());
    put("notes", user.notes.as_str().into());
    put("status", status.into());
    put("lockout_reason", if locked { "Failed Attempts".into() } else { Value::Null });
    put("created", user.created.seconds().into());
    put("custom_attributes", attributes);
    put("last_directory_sync", Value::Null);
    put("external_id", Value::Null);
    put("enable_auto_prompt", true.into());
    object
}

/// Lists by owner.
fn grouped<K: Eq + Hash, T>(pairs: Vec<(K, T)>) -> HashMap<K, Vec<T>> {
    let mut by: HashMap<K, Vec<T>> = HashMap::new();
    for (owner, row) in pairs {
        by.entry(owner).or_default().push(row);
    }
    by
}

/// Users with everything that hangs on them: six statements for any number of users.
pub(super) async fn users(call: &Call, desk: &Desk, users: &[UserRow]) -> Result<Vec<Value>, ApiError> {
    let ids: Vec<UserId> = users.iter().map(|user| user.id).collect();
    let rows = desk.rows();
    let error = |error: StoreError| failed(&error);
    let mut names = grouped(rows.user_names(&ids).await.map_err(error)?);
    let mut groups = grouped(rows.groups_of_users(&ids).await.map_err(error)?);
    let mut phones = grouped(rows.phones_of_users(&ids).await.map_err(error)?);
    let mut tokens = grouped(rows.tokens_of_users(&ids).await.map_err(error)?);
    let mut passkeys = grouped(rows.passkeys_of_users(&ids).await.map_err(error)?);
    let logins: HashMap<_, _> = rows.last_logins(&ids).await.map_err(error)?.into_iter().collect();
    let now = call.auth().world().now();
    let in_order: Vec<PhoneRow> = ids.iter().flat_map(|id| phones.get(id).into_iter().flatten()).cloned().collect();
    let mut numbers = listed_numbers(call, desk, &in_order).await?.into_iter();
    let mut objects = Vec::with_capacity(users.len());
    for user in users {
        let mut object = user_alone(call, user, now);
        let names = names.remove(&user.id).unwrap_or_default();
        let aliases: Vec<_> = names.into_iter().filter(|name| name.place > 0).map(|name| name.name).collect();
        let (phones, tokens) =
            (phones.remove(&user.id).unwrap_or_default(), tokens.remove(&user.id).unwrap_or_default());
        let groups: Vec<_> = groups.remove(&user.id).unwrap_or_default().iter().map(group).collect();
        let passkeys = passkeys.remove(&user.id).unwrap_or_default();
        let enrolled = !phones.is_empty() || !tokens.is_empty() || !passkeys.is_empty();
        let mut shown = Vec::with_capacity(phones.len());
        for phone in &phones {
            shown.push(Value::Object(phone_alone(phone, numbers.next().unwrap_or_default())));
        }
        for place in 0..OLD_ALIASES {
            object.insert(format!("alias{}", place + 1), aliases.get(place).cloned().into());
        }
        let all = aliases.into_iter().enumerate().map(|(place, name)| (format!("alias{}", place + 1), name.into()));
        let all: Map<String, Value> = all.collect();
        let login = logins.get(&user.id).copied().flatten();
        for (name, value) in [
            ("aliases", Value::Object(all)),
            ("is_enrolled", enrolled.into()),
            ("last_login", login.map(Millis::seconds).into()),
            ("groups", groups.into()),
            ("phones", shown.into()),
            ("tokens", tokens.iter().map(|token| Value::Object(token_alone(token))).collect()),
            ("u2ftokens", json!([])),
            ("webauthncredentials", passkeys.iter().map(|passkey| Value::Object(passkey_alone(passkey))).collect()),
            ("desktoptokens", json!([])),
            ("desktop_authenticators", json!([])),
        ] {
            object.insert(name.to_owned(), value);
        }
        objects.push(Value::Object(object));
    }
    Ok(objects)
}

/// One user with everything.
pub(super) async fn user(call: &Call, desk: &Desk, row: UserRow) -> Result<Value, ApiError> {
    users(call, desk, &[row]).await?.pop().ok_or_else(ApiError::not_found)
}

/// As `Mobile` or `Apple iOS`: Duo stores small letters and shows these.
fn shown(word: &str) -> String {
    match word {
        "apple ios" => return "Apple iOS".to_owned(),
        "rim blackberry" => return "RIM BlackBerry".to_owned(),
        "java j2me" => return "Java J2ME".to_owned(),
        "palm webos" => return "Palm webOS".to_owned(),
        "symbian os" => return "Symbian OS".to_owned(),
        _ => {}
    }
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    };
    word.split(' ').map(capital).collect::<Vec<_>>().join(" ")
}

/// What a device itself can do; what a sign-in offers is decided there, by policy and by the channels at hand.
fn capabilities(phone: &PhoneRow) -> Vec<&'static str> {
    let (push, number) = (phone.public_key.is_some(), phone.number.is_some());
    let can =
        [("auto", push || number), ("push", push), ("sms", number && phone.r#type != "landline"), ("phone", number)];
    can.into_iter().filter(|(_, can)| *can).map(|(name, _)| name).collect()
}

/// The numbers of telephones in a list, as the caller may see them: whole with the grant for it, else their last four digits.
async fn listed_numbers(call: &Call, desk: &Desk, phones: &[PhoneRow]) -> Result<Vec<String>, ApiError> {
    let scope = desk.scope();
    if super::grants::reads_numbers(call) {
        let numbers = scope.phone_numbers(phones).await.map_err(refused)?;
        return Ok(numbers.into_iter().map(spelled).collect());
    }
    let mut tails = Vec::with_capacity(phones.len());
    for phone in phones {
        tails.push(scope.phone_tail(phone).await.map_err(refused)?.unwrap_or_default());
    }
    Ok(tails)
}

fn spelled(number: Option<E164>) -> String {
    number.map(|number| number.expose().to_owned()).unwrap_or_default()
}

/// A telephone without its users.
fn phone_alone(phone: &PhoneRow, number: String) -> Map<String, Value> {
    let value = json!({
        "phone_id": phone.id.to_string(),
        "number": number,
        "extension": phone.extension,
        "name": phone.name,
        "type": shown(&phone.r#type),
        "platform": shown(&phone.platform),
        "model": if phone.model.is_empty() { &phone.device_name } else { &phone.model },
        "predelay": phone.predelay,
        "postdelay": phone.postdelay,
        "activated": phone.public_key.is_some(),
        "capabilities": capabilities(phone),
        "sms_passcodes_sent": phone.sms_sent > 0,
        "encrypted": "",
        "fingerprint": "",
        "screenlock": "",
        "tampered": "",
        "last_seen": phone.last_seen.map(super::logs_v1::iso).unwrap_or_default(),
    });
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

/// Telephones with their users.
pub(super) async fn phones(call: &Call, desk: &Desk, phones: &[PhoneRow]) -> Result<Vec<Value>, ApiError> {
    let numbers = listed_numbers(call, desk, phones).await?;
    with_users(call, desk, phones, numbers).await
}

async fn with_users(
    call: &Call,
    desk: &Desk,
    phones: &[PhoneRow],
    numbers: Vec<String>,
) -> Result<Vec<Value>, ApiError> {
    let ids: Vec<PhoneId> = phones.iter().map(|phone| phone.id).collect();
    let mut users = grouped(desk.rows().users_of_phones(&ids).await.map_err(|error| failed(&error))?);
    let now = call.auth().world().now();
    let mut objects = Vec::with_capacity(phones.len());
    for (phone, number) in phones.iter().zip(numbers) {
        let mut object = phone_alone(phone, number);
        let users = users.remove(&phone.id).unwrap_or_default();
        object.insert("users".to_owned(), users.iter().map(|u| Value::Object(user_alone(call, u, now))).collect());
        objects.push(Value::Object(object));
    }
    Ok(objects)
}

/// One telephone that the caller has named, with its number and its users.
pub(super) async fn phone(call: &Call, desk: &Desk, row: PhoneRow) -> Result<Value, ApiError> {
    let phones = std::slice::from_ref(&row);
    let numbers = if super::grants::reads_numbers(call) {
        listed_numbers(call, desk, phones).await?
    } else {
        vec![spelled(desk.scope().phone_number(&row).await.map_err(refused)?)]
    };
    with_users(call, desk, phones, numbers).await?.pop().ok_or_else(ApiError::not_found)
}

/// One telephone whose number the caller has just told us, which opens nothing; without one as in a list.
pub(super) async fn phone_with(
    call: &Call,
    desk: &Desk,
    row: PhoneRow,
    number: Option<E164>,
) -> Result<Value, ApiError> {
    let phones = std::slice::from_ref(&row);
    let numbers = match number {
        Some(number) => vec![spelled(Some(number))],
        None => listed_numbers(call, desk, phones).await?,
    };
    with_users(call, desk, phones, numbers).await?.pop().ok_or_else(ApiError::not_found)
}

/// A token without its users.
fn token_alone(token: &TokenRow) -> Map<String, Value> {
    let step = token.r#type.starts_with('t').then_some(token.period);
    let mut object = Map::new();
    object.insert("token_id".to_owned(), token.id.to_string().into());
    object.insert("type".to_owned(), token.r#type.as_str().into());
    object.insert("serial".to_owned(), token.serial.as_str().into());
    object.insert("totp_step".to_owned(), step.into());
    object
}

/// Tokens with their users.
pub(super) async fn tokens(call: &Call, desk: &Desk, tokens: &[TokenRow]) -> Result<Vec<Value>, ApiError> {
    let ids: Vec<TokenId> = tokens.iter().map(|token| token.id).collect();
    let mut users = grouped(desk.rows().users_of_tokens(&ids).await.map_err(|error| failed(&error))?);
    let now = call.auth().world().now();
    let with_users = |token: &TokenRow| {
        let mut object = token_alone(token);
        let users = users.remove(&token.id).unwrap_or_default();
        object.insert("users".to_owned(), users.iter().map(|u| Value::Object(user_alone(call, u, now))).collect());
        object.insert("admins".to_owned(), json!([]));
        Value::Object(object)
    };
    Ok(tokens.iter().map(with_users).collect())
}

/// One token with its users.
pub(super) async fn token(call: &Call, desk: &Desk, row: TokenRow) -> Result<Value, ApiError> {
    tokens(call, desk, &[row]).await?.pop().ok_or_else(ApiError::not_found)
}

/// A passkey without its user. The label says what kind it is, as Duo's does.
pub(super) fn passkey_alone(passkey: &PasskeyRow) -> Map<String, Value> {
    let platform = passkey.transports.split(',').any(|transport| transport == "internal");
    let mut object = Map::new();
    object.insert("webauthnkey".to_owned(), passkey.id.to_string().into());
    object.insert("credential_name".to_owned(), passkey.name.as_str().into());
    object.insert("label".to_owned(), if platform { "Platform authenticator" } else { "Security key" }.into());
    object.insert("date_added".to_owned(), passkey.created.seconds().into());
    object
}

/// Passkeys with their users.
pub(super) async fn passkeys(call: &Call, desk: &Desk, passkeys: &[PasskeyRow]) -> Result<Vec<Value>, ApiError> {
    let mut objects = Vec::with_capacity(passkeys.len());
    for passkey in passkeys {
        let user = desk.rows().user(passkey.user_id).await.map_err(|error| failed(&error))?;
        let mut object = passkey_alone(passkey);
        object.insert("user".to_owned(), user.map(|user| owner(call, &user)).into());
        object.insert("admin".to_owned(), Value::Null);
        objects.push(Value::Object(object));
    }
    Ok(objects)
}

/// A group. The four `…_enabled` are legacy at Duo too: they had an effect once and are always false now.
pub(super) fn group(group: &GroupRow) -> Value {
    json!({
        "group_id": group.id.to_string(),
        "name": group.name,
        "desc": group.description,
        "status": shown(&group.status),
        "push_enabled": false,
        "sms_enabled": false,
        "voice_enabled": false,
        "mobile_otp_enabled": false,
    })
}

/// A user as a group's list of members shows one.
pub(super) fn member(user: &UserRow) -> Value {
    json!({ "user_id": user.id.to_string(), "username": user.username })
}

/// A user without what hangs on them, for a bypass code.
pub(super) fn owner(call: &Call, user: &UserRow) -> Value {
    Value::Object(user_alone(call, user, call.auth().world().now()))
}
