//! What is told: the kinds of events, and a token's claims for each.
//!
//! Facts: OpenID Shared Signals Framework 1.0 §4 (the token: no `sub`, no `exp`, one event, `sub_id`), §8.1.4 (verification), §8.1.5
//! (stream-updated); CAEP 1.0 §3.1 (session-revoked), §3.3 (credential-change); RISC 1.0 §2.7 (credential-compromise); the CAEP
//! Interoperability Profile (`reason_admin` isn't empty, RS256).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    SessionRevoked,
    CredentialChange,
    CredentialCompromise,
    AccountDisabled,
    AccountEnabled,
    Verification,
    StreamUpdated,
}

impl Kind {
    /// What a stream may ask for.
    pub(crate) const OFFERED: [Self; 5] = [
        Self::SessionRevoked,
        Self::CredentialChange,
        Self::CredentialCompromise,
        Self::AccountDisabled,
        Self::AccountEnabled,
    ];

    /// Its name in the store.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::SessionRevoked => "session-revoked",
            Self::CredentialChange => "credential-change",
            Self::CredentialCompromise => "credential-compromise",
            Self::AccountDisabled => "account-disabled",
            Self::AccountEnabled => "account-enabled",
            Self::Verification => "verification",
            Self::StreamUpdated => "stream-updated",
        }
    }

    /// Its name on the wire.
    pub(crate) const fn uri(self) -> &'static str {
        match self {
            Self::SessionRevoked => "https://schemas.openid.net/secevent/caep/event-type/session-revoked",
            Self::CredentialChange => "https://schemas.openid.net/secevent/caep/event-type/credential-change",
            Self::CredentialCompromise => "https://schemas.openid.net/secevent/risc/event-type/credential-compromise",
            Self::AccountDisabled => "https://schemas.openid.net/secevent/risc/event-type/account-disabled",
            Self::AccountEnabled => "https://schemas.openid.net/secevent/risc/event-type/account-enabled",
            Self::Verification => "https://schemas.openid.net/secevent/ssf/event-type/verification",
            Self::StreamUpdated => "https://schemas.openid.net/secevent/ssf/event-type/stream-updated",
        }
    }

    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::OFFERED.into_iter().chain([Self::Verification, Self::StreamUpdated]).find(|kind| kind.word() == word)
    }

    pub(crate) fn of_uri(uri: &str) -> Option<Self> {
        Self::OFFERED.into_iter().find(|kind| kind.uri() == uri)
    }
}

/// What the store keeps of an event, as whoever caused it wrote it.
#[derive(Default, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Detail {
    /// The one session that ended; none where all did.
    pub(crate) session: Option<String>,
    /// `admin`, `user`, `policy`, `system`.
    pub(crate) by: Option<String>,
    /// Why, for the receiver's administrators.
    pub(crate) reason: Option<String>,
    /// As a change calls it: `passkey`, `token` … See [`credential_type`].
    pub(crate) credential: Option<String>,
    /// `create`, `revoke`, `update`, `delete`.
    pub(crate) change: Option<String>,
    /// What the receiver gave, to know its verification again.
    pub(crate) state: Option<String>,
    /// A stream's new status.
    pub(crate) status: Option<String>,
}

/// CAEP's word for what somebody signs in with (§3.3.1); one of our own, which it allows, where it has none. Where a passkey is kept isn't
/// noted with its change: most are kept by a platform.
fn credential_type(ours: &str) -> &str {
    match ours {
        "passkey" => "fido2-platform",
        "authenticator" => "app",
        "phone" => "phone-sms",
        "token" => "otp",
        "recovery_codes" | "bypass_codes" => "recovery-code",
        "access_pass" | "enrollment_link" | "addition_request" => "enrollment",
        // `password` is theirs, too.
        other => other,
    }
}

/// Who an event is about (RFC 9493).
pub(crate) enum Subject<'a> {
    /// A person, as this stream names people.
    User(Value),
    /// One session of a person.
    Session(Value, &'a str),
    /// The stream itself.
    Stream(&'a str),
}

impl Subject<'_> {
    fn value(self) -> Value {
        match self {
            Self::User(user) => user,
            Self::Session(user, sid) => {
                json!({ "format": "complex", "user": user, "session": { "format": "opaque", "id": sid } })
            }
            Self::Stream(id) => json!({ "format": "opaque", "id": id }),
        }
    }
}

/// The whole of a token's claims. Times are Unix seconds.
pub(crate) struct Token<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) audience: &'a str,
    pub(crate) id: String,
    pub(crate) issued: i64,
    pub(crate) happened: i64,
    pub(crate) kind: Kind,
    pub(crate) subject: Subject<'a>,
    pub(crate) detail: &'a Detail,
}

impl Token<'_> {
    /// As they are signed.
    pub(crate) fn claims(self) -> Value {
        let mut event = Map::new();
        let detail = self.detail;
        match self.kind {
            Kind::Verification => {
                if let Some(state) = &detail.state {
                    event.insert("state".to_owned(), json!(state));
                }
            }
            Kind::StreamUpdated => {
                event.insert("status".to_owned(), json!(detail.status.as_deref().unwrap_or("enabled")));
            }
            kind => {
                event.insert("event_timestamp".to_owned(), json!(self.happened));
                event.insert("initiating_entity".to_owned(), json!(detail.by.as_deref().unwrap_or("system")));
                let reason = detail.reason.as_deref().unwrap_or(match kind {
                    Kind::SessionRevoked if detail.session.is_some() => "A session ended",
                    Kind::SessionRevoked => "All sessions were ended",
                    Kind::CredentialCompromise => "A request was reported as fraud",
                    Kind::AccountDisabled => "The account was disabled",
                    Kind::AccountEnabled => "The account was enabled",
                    _ => "What the person signs in with was changed",
                });
                event.insert("reason_admin".to_owned(), json!({ "en": reason }));
                if matches!(kind, Kind::CredentialChange | Kind::CredentialCompromise) {
                    let credential = detail.credential.as_deref().map_or("app", credential_type);
                    event.insert("credential_type".to_owned(), json!(credential));
                }
                if kind == Kind::CredentialChange {
                    event.insert("change_type".to_owned(), json!(detail.change.as_deref().unwrap_or("update")));
                }
            }
        }
        json!({
            "iss": self.issuer,
            "jti": self.id,
            "iat": self.issued,
            "aud": self.audience,
            "txn": self.id,
            "sub_id": self.subject.value(),
            "events": { self.kind.uri(): event },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token<'a>(kind: Kind, subject: Subject<'a>, detail: &'a Detail) -> Value {
        Token {
            issuer: "https://sso.example",
            audience: "DIAAAA",
            id: "1".to_owned(),
            issued: 20,
            happened: 10,
            kind,
            subject,
            detail,
        }
        .claims()
    }

    #[test]
    fn one_event_with_a_reason_and_neither_sub_nor_exp() {
        let user = json!({ "format": "email", "email": "ana@example.test" });
        for kind in Kind::OFFERED {
            let claims = token(kind, Subject::User(user.clone()), &Detail::default());
            assert_eq!(claims["events"].as_object().unwrap().len(), 1);
            let event = &claims["events"][kind.uri()];
            assert!(!event["reason_admin"]["en"].as_str().unwrap().is_empty(), "{kind:?}");
            assert_eq!(event["event_timestamp"], 10);
            assert!(claims.get("sub").is_none() && claims.get("exp").is_none());
            assert_eq!(claims["sub_id"], user);
            assert_eq!((Kind::of_uri(kind.uri()), Kind::of_word(kind.word())), (Some(kind), Some(kind)));
        }
    }

    #[test]
    fn a_change_is_told_in_the_standards_words() {
        let user = || Subject::User(json!({ "format": "email", "email": "ana@example.test" }));
        for (ours, theirs) in [
            ("password", "password"),
            ("passkey", "fido2-platform"),
            ("authenticator", "app"),
            ("phone", "phone-sms"),
            ("token", "otp"),
        ] {
            let detail =
                Detail { credential: Some(ours.to_owned()), change: Some("delete".to_owned()), ..Detail::default() };
            let event = token(Kind::CredentialChange, user(), &detail)["events"][Kind::CredentialChange.uri()].clone();
            assert_eq!((&event["credential_type"], &event["change_type"]), (&json!(theirs), &json!("delete")));
        }
    }

    #[test]
    fn a_single_session_is_named_beside_its_person() {
        let user = json!({ "format": "iss_sub", "iss": "https://sso.example", "sub": "x" });
        let detail = Detail { session: Some("s".to_owned()), ..Detail::default() };
        let claims = token(Kind::SessionRevoked, Subject::Session(user.clone(), "s"), &detail);
        assert_eq!(claims["sub_id"]["format"], "complex");
        assert_eq!(claims["sub_id"]["user"], user);
        assert_eq!(claims["sub_id"]["session"]["id"], "s");
    }

    #[test]
    fn a_verification_brings_its_state_back_and_is_about_the_stream() {
        let detail = Detail { state: Some("abc".to_owned()), ..Detail::default() };
        let claims = token(Kind::Verification, Subject::Stream("st"), &detail);
        assert_eq!(claims["events"][Kind::Verification.uri()], json!({ "state": "abc" }));
        assert_eq!(claims["sub_id"], json!({ "format": "opaque", "id": "st" }));
        assert_eq!(Kind::of_uri(Kind::Verification.uri()), None, "nobody asks for it as a kind");
    }

    #[test]
    fn what_the_store_has_is_read_also_where_fields_are_missing() {
        let detail: Detail = serde_json::from_str(r#"{"session":"x","later":1}"#).unwrap();
        assert_eq!(detail.session.as_deref(), Some("x"));
    }
}
