//! The id token: what happened at a sign-in, signed for the application with its own secret key.
//!
//! Every member that a client's types name is there, with the type that they want: times are whole seconds (Java's `exp` is an
//! Integer), `aud` is a text (PHP compares it), locations are objects even where nothing is known. The names are those of npm's
//! `TokenResponsePayload` and Go's `AccessDevice`.

use crate::wire::jwt::{self, JwtError};
use auth::{
    Application, Location,
    sign_in::{Agent, Redeemed},
};
use serde_json::{Value, json};
use std::time::Duration;
use types::Millis;

/// How long the token is valid.
pub(super) const LIFE: Duration = Duration::from_secs(300);

/// Makes it. `host` is how the client calls this server: it compares the issuer byte for byte.
pub(super) fn make(app: &Application, host: &str, redeemed: &Redeemed, now: Millis) -> Result<String, JwtError> {
    jwt::sign(&app.secret, &claims(app, host, redeemed, now))
}

fn claims(app: &Application, host: &str, redeemed: &Redeemed, now: Millis) -> Value {
    let mut claims = json!({
        "iss": format!("https://{host}{}", super::TOKEN),
        // The subject is the name, as at Duo; `preferred_username` is what clients compare.
        "sub": redeemed.username,
        "aud": app.ikey,
        "exp": (now + LIFE).seconds(),
        "iat": now.seconds(),
        "auth_time": redeemed.auth_time,
        "preferred_username": redeemed.username,
        "auth_result": {
            "result": redeemed.result,
            "status": redeemed.status,
            "status_msg": redeemed.message,
        },
        "auth_context": context(redeemed, (&app.name, &app.ikey)),
    });
    if let (Some(nonce), Some(claims)) = (&redeemed.nonce, claims.as_object_mut()) {
        claims.insert("nonce".to_owned(), nonce.as_str().into());
    }
    claims
}

/// The circumstances.
fn context(redeemed: &Redeemed, (name, key): (&str, &str)) -> Value {
    json!({
        "txid": redeemed.txid,
        "timestamp": redeemed.auth_time,
        "isotimestamp": iso(Millis::from_seconds(redeemed.auth_time)),
        "event_type": "authentication",
        "result": "success",
        "reason": redeemed.reason,
        "factor": redeemed.factor,
        "user": {
            "name": redeemed.user_name,
            "key": redeemed.user.map(|user| user.to_string()),
            "groups": redeemed.groups,
        },
        "email": redeemed.email,
        "alias": alias(redeemed),
        "application": { "name": name, "key": key },
        "auth_device": {
            "name": Some(&redeemed.auth_device).filter(|name| !name.is_empty()),
            "ip": Value::Null,
            "location": location(&Location::default()),
        },
        "access_device": access_device(redeemed),
        "adaptive_trust_assessments": {},
        "ood_software": Value::Null,
    })
}

/// The name that was given, where the directory calls the user otherwise.
fn alias(redeemed: &Redeemed) -> &str {
    if redeemed.user_name.eq_ignore_ascii_case(&redeemed.username) { "" } else { &redeemed.username }
}

/// Texts, also where nothing is known, as the npm client's types have them.
fn location(it: &Location) -> Value {
    json!({ "city": it.city, "state": it.region, "country": it.country })
}

fn access_device(redeemed: &Redeemed) -> Value {
    let agent = Agent::read(&redeemed.user_agent);
    json!({
        "ip": redeemed.ip.map(|ip| ip.to_string()).unwrap_or_default(),
        "location": location(&redeemed.location),
        "hostname": Value::Null,
        "epkey": Value::Null,
        "browser": agent.browser,
        "browser_version": agent.version,
        "os": agent.system,
        "os_version": "",
        "flash_version": "uninstalled",
        "java_version": "uninstalled",
        "is_encryption_enabled": "unknown",
        "is_firewall_enabled": "unknown",
        "is_password_set": "unknown",
    })
}

/// As `2026-11-21T17:03:21+00:00`.
fn iso(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map(|at| at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn redeemed() -> Redeemed {
        Redeemed {
            username: "Änna@Example.test".to_owned(),
            user: None,
            user_name: "anna".to_owned(),
            email: "anna@example.test".to_owned(),
            groups: vec!["staff".to_owned()],
            factor: "webauthn_credential".to_owned(),
            txid: "0b1e".to_owned(),
            nonce: None,
            result: "allow",
            status: "allow".to_owned(),
            message: "Success. Logging you in...".to_owned(),
            reason: "user_approved".to_owned(),
            auth_time: 1_795_280_601,
            ip: Some("192.0.2.7".parse().unwrap()),
            location: Location { city: "Lyon".to_owned(), region: String::new(), country: "France".to_owned() },
            user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned(),
            auth_device: String::new(),
        }
    }

    fn names(value: &Value) -> BTreeSet<&str> {
        value.as_object().unwrap().keys().map(String::as_str).collect()
    }

    #[test]
    fn every_member_that_a_client_knows_is_there_with_its_type() {
        let context = context(&redeemed(), ("Wiki", "DIXXXXXXXXXXXXXXXXXX"));
        assert!(names(&context).is_superset(&BTreeSet::from([
            "txid",
            "timestamp",
            "user",
            "application",
            "auth_device",
            "access_device",
            "factor",
            "event_type",
            "result",
            "reason",
            "alias",
            "isotimestamp",
            "email",
            "ood_software",
        ])));
        for place in ["auth_device", "access_device"] {
            let location = &context[place]["location"];
            assert_eq!(names(location), BTreeSet::from(["city", "country", "state"]));
            assert!(location.as_object().unwrap().values().all(Value::is_string));
        }
        assert!(names(&context["access_device"]).is_superset(&BTreeSet::from([
            "browser",
            "browser_version",
            "epkey",
            "flash_version",
            "hostname",
            "ip",
            "is_encryption_enabled",
            "is_firewall_enabled",
            "is_password_set",
            "java_version",
            "location",
            "os",
            "os_version",
        ])));
        assert_eq!(context["timestamp"], json!(1_795_280_601));
        assert_eq!(context["isotimestamp"], "2026-11-21T17:03:21+00:00");
        assert_eq!(context["access_device"]["ip"], "192.0.2.7");
        assert_eq!(context["access_device"]["browser"], "Firefox");
        assert_eq!(context["auth_device"]["name"], Value::Null);
        assert_eq!(context["alias"], "Änna@Example.test");
    }
}
