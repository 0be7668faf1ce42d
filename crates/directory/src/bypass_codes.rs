//! Bypass codes: shown to the administrator once, kept as a keyed hash.

use crate::{DirectoryError, Scope, error::found, text};
use serde_json::json;
use std::time::Duration;
use store::{Addition, codes::BypassRow, fields};
use types::{BypassId, SecretString, UserId, ct_eq};

/// Digits of a code that is made here.
const DIGITS: usize = 9;
/// Codes made at once at most, as at Duo.
const MOST_AT_ONCE: usize = 10;
/// Codes of one user at most, as at Duo.
const MOST_OF_USER: usize = 100;
/// Digits of a code that an administrator chose. Fewer could be guessed; letters could be taken for the name of a factor.
const CHOSEN: std::ops::RangeInclusive<usize> = 6..=18;
/// The longest life that can be asked for, in seconds.
const LONGEST: u64 = 3_155_760_000;

/// Which codes.
#[derive(Clone)]
pub enum Codes {
    /// So many new ones: 1 to 10.
    Generated(usize),
    /// These: 6 to 18 digits each.
    Chosen(Vec<SecretString>),
}

/// Bypass codes to be made.
#[derive(Clone)]
pub struct NewBypassCodes {
    /// Which.
    pub codes: Codes,
    /// How often each can be used; `None` means without limit.
    pub uses: Option<i64>,
    /// For how long; `None` means for ever.
    pub valid_for: Option<Duration>,
    /// Whether the user's other codes stay.
    pub preserve_existing: bool,
}

impl Default for NewBypassCodes {
    /// As Duo's Admin API makes them when it is told nothing: ten codes, for one use each, for ever, in the place of all others.
    fn default() -> Self {
        Self { codes: Codes::Generated(MOST_AT_ONCE), uses: Some(1), valid_for: None, preserve_existing: false }
    }
}

impl Scope<'_> {
    /// Makes bypass codes for a user and gives them, this once. [`DirectoryError::Guarded`] where that takes two.
    pub async fn create_bypass_codes(
        &self,
        user: UserId,
        new: &NewBypassCodes,
    ) -> Result<(Vec<SecretString>, Option<Addition>), DirectoryError> {
        let uses = new.uses.map(|uses| text::within(uses, 1..=1_000_000, "reuse_count")).transpose()?;
        if new.valid_for.is_some_and(|length| length.is_zero() || length.as_secs() > LONGEST) {
            return Err(DirectoryError::Invalid("valid_secs"));
        }
        let codes = self.codes(&new.codes)?;
        let (row, keys, now) = (self.user(user).await?, self.rows().keys().await?, self.world().now());
        let existing = if new.preserve_existing { self.rows().bypass_codes(user, now).await? } else { Vec::new() };
        if existing.len() + codes.len() > MOST_OF_USER {
            return Err(DirectoryError::Invalid("too many bypass codes"));
        }
        self.admit_addition(user).await?;
        let mut tx = self.begin().await?;
        let before = tx.authenticators_of(user).await?;
        if !new.preserve_existing {
            tx.delete_bypass_codes(user).await?;
        }
        let mut ids = Vec::with_capacity(codes.len());
        for code in &codes {
            let parts: [&[u8]; 2] = [user.as_bytes(), code.expose().as_bytes()];
            let candidates = keys.digest_candidates(fields::BYPASS_CODE, &parts);
            if existing.iter().any(|old| candidates.iter().any(|digest| ct_eq(digest, &old.digest))) {
                return Err(DirectoryError::Duplicate("bypass code"));
            }
            let id = BypassId::new(now, self.world().random.as_ref());
            tx.insert_bypass_code(&BypassRow {
                id,
                user_id: user,
                digest: keys.digest(fields::BYPASS_CODE, &parts).to_vec(),
                uses_left: uses,
                expires: new.valid_for.map(|length| now + length),
                created: now,
                created_by: self.actor().to_owned(),
            })
            .await?;
            ids.push(id.to_string());
        }
        let detail = json!({
            "user_id": user.to_string(), "bypass_code_ids": ids, "reuse_count": uses,
            "valid_secs": new.valid_for.map(|length| length.as_secs()), "preserve_existing": new.preserve_existing,
        });
        self.log(&mut tx, "bypass_create", &row.username, detail).await?;
        let added = self.note_addition(&mut tx, user, before, &keys, ("bypass_codes", "", "")).await?;
        tx.commit().await?;
        Ok((codes, added))
    }

    /// The codes, all different.
    fn codes(&self, wanted: &Codes) -> Result<Vec<SecretString>, DirectoryError> {
        let mut codes: Vec<SecretString> = Vec::new();
        match wanted {
            Codes::Generated(count) => {
                if !(1..=MOST_AT_ONCE).contains(count) {
                    return Err(DirectoryError::Invalid("count"));
                }
                while codes.len() < *count {
                    let code = self.world().digits(DIGITS);
                    if !codes.iter().any(|other| other.ct_eq(&code)) {
                        codes.push(SecretString::new(code));
                    }
                }
            }
            Codes::Chosen(chosen) => {
                if chosen.is_empty() || chosen.len() > MOST_AT_ONCE {
                    return Err(DirectoryError::Invalid("codes"));
                }
                for code in chosen {
                    let text = code.expose().trim();
                    if !CHOSEN.contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_digit()) {
                        return Err(DirectoryError::Invalid("codes"));
                    }
                    if codes.iter().any(|other| other.ct_eq(text)) {
                        return Err(DirectoryError::Duplicate("bypass code"));
                    }
                    codes.push(SecretString::new(text.to_owned()));
                }
            }
        }
        Ok(codes)
    }

    /// Deletes one bypass code.
    pub async fn delete_bypass_code(&self, id: BypassId) -> Result<(), DirectoryError> {
        let code = self.rows().bypass_code(id).await?.ok_or(DirectoryError::NotFound("bypass code"))?;
        let user = self.user(code.user_id).await?;
        let mut tx = self.begin().await?;
        found(tx.delete_bypass_code(id).await?, "bypass code")?;
        let detail = json!({ "user_id": user.id.to_string(), "bypass_code_ids": [id.to_string()] });
        self.log(&mut tx, "bypass_delete", &user.username, detail).await?;
        Ok(tx.commit().await?)
    }

    /// Deletes all bypass codes of a user.
    pub async fn delete_bypass_codes(&self, user: UserId) -> Result<(), DirectoryError> {
        let row = self.user(user).await?;
        let mut tx = self.begin().await?;
        tx.delete_bypass_codes(user).await?;
        self.log(&mut tx, "bypass_delete", &row.username, json!({ "user_id": user.to_string() })).await?;
        Ok(tx.commit().await?)
    }
}
