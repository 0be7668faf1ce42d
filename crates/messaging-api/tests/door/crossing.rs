//! Every route, asked by a stranger about another organisation's things, by nobody, and with rubbish.

use crate::house::{Account, House};
use countersign_messaging_api::{Surface, surface};
use data_encoding::BASE64;
use http::StatusCode;
use std::collections::HashMap;

/// One of everything that an account can have, by the segment that names it.
async fn things(house: &House, who: &Account, number: &str) -> HashMap<&'static str, String> {
    let mut things = HashMap::from([("account", who.sid.clone()), ("identity", "alice".to_owned())]);
    let account = format!("/2010-04-01/Accounts/{}", who.sid);
    let mut keep = |name: &'static str, reply: &crate::house::Reply| {
        things.insert(name, reply.text("sid").to_owned());
    };
    keep("key", &house.make(who, &format!("{account}/Keys.json"), &[("FriendlyName", "k")]).await);
    let message = [("To", number), ("Body", "hello"), ("From", "+15005550006")];
    keep("message", &house.make(who, &format!("{account}/Messages.json"), &message).await);
    let call = [("To", "+15035550190"), ("From", "+15005550006"), ("Twiml", "<Response><Say>hello</Say></Response>")];
    keep("call", &house.make(who, &format!("{account}/Calls.json"), &call).await);
    let service = house.make(who, "/v2/Services", &[("FriendlyName", "Example")]).await;
    keep("service", &service);
    let under = |what: &str| format!("/v2/Services/{}/{what}", service.text("sid"));
    let begun = house.make(who, &under("Verifications"), &[("To", "+15035550191"), ("Channel", "sms")]).await;
    keep("verification", &begun);
    things.insert("attempt", begun.body["send_code_attempts"][0]["attempt_sid"].as_str().unwrap().to_owned());
    let mut keep = |name: &'static str, reply: &crate::house::Reply| {
        things.insert(name, reply.text("sid").to_owned());
    };
    let limit = house.make(who, &under("RateLimits"), &[("UniqueName", "ip")]).await;
    keep("limit", &limit);
    let buckets = under(&format!("RateLimits/{}/Buckets", limit.text("sid")));
    keep("bucket", &house.make(who, &buckets, &[("Max", "5"), ("Interval", "60")]).await);
    let factors = under("Entities/alice/Factors");
    let seed = [("FactorType", "totp"), ("FriendlyName", "f"), ("Binding.Secret", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")];
    let factor = house.make(who, &factors, &seed).await;
    keep("factor", &factor);
    let factor = factor.text("sid").to_owned();
    let code = passcode();
    let verified = house.ask(who, "POST", &format!("{factors}/{factor}"), &[("AuthPayload", code.as_str())]).await;
    assert_eq!(verified.text("status"), "verified", "{}", verified.body);
    let challenge = house.make(who, &under("Entities/alice/Challenges"), &[("FactorSid", factor.as_str())]).await;
    keep("challenge", &challenge);
    things
}

/// What RFC 6238's own seed shows now.
pub(crate) fn passcode() -> String {
    let step = auth::otp::totp_step(crate::house::NOW, 30);
    auth::otp::hotp(b"12345678901234567890", u64::try_from(step).unwrap(), 6)
}

/// The route's path with these things in it.
fn path(route: Surface, things: &HashMap<&'static str, String>) -> String {
    let mut out = String::new();
    let mut rest = route.path;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap();
        out.push_str(before);
        if name == "number" {
            out.push_str("%2B15035550100");
        } else {
            out.push_str(things.get(name).unwrap_or_else(|| panic!("{}: no thing named {name}", route.path)));
        }
        rest = after;
    }
    out.push_str(rest);
    if out.starts_with("/2010") && !out.ends_with(".json") {
        out.push_str(".json");
    }
    out
}

#[tokio::test]
async fn nothing_of_anothers_is_found_or_changed_by_any_route() {
    let house = House::new().await;
    let theirs = things(&house, &house.a, "+15035550101").await;
    // The stranger's own account in the path, and another's things behind it.
    let mut mixed = theirs.clone();
    mixed.insert("account", house.b.sid.clone());
    let forms: &[(&str, &str)] = &[
        ("FriendlyName", "stolen"),
        ("Status", "canceled"),
        ("To", "+15035550191"),
        ("Channel", "sms"),
        ("Code", "123456"),
        ("UniqueName", "stolen"),
        ("Max", "9"),
        ("Interval", "9"),
        ("Identity", "mallory"),
        ("FactorType", "totp"),
        ("AuthPayload", "123456"),
        ("FactorSid", theirs["factor"].as_str()),
    ];
    for route in surface() {
        for things in [&theirs, &mixed] {
            let (path, named) = (path(route, things), route.path.contains('{'));
            let of_its_own = !named || route.path.contains("{number}") || path == "/v2/Services";
            let account_only = route.path.matches('{').count() == 1 && route.path.contains("{account}");
            if of_its_own || (account_only && things["account"] == house.b.sid) {
                if route.method == "POST" {
                    continue;
                }
                let reply = house.ask(&house.b, route.method, &path, &[]).await;
                let said = reply.body.to_string();
                for (name, thing) in &theirs {
                    assert!(
                        *name == "identity" || !said.contains(thing.as_str()),
                        "{} tells {name}: {said}",
                        route.path
                    );
                }
                continue;
            }
            let reply =
                house.ask(&house.b, route.method, &path, if route.method == "POST" { forms } else { &[] }).await;
            assert_eq!(reply.status, StatusCode::NOT_FOUND, "{} {path}: {}", route.method, reply.body);
            assert_eq!(reply.code(), 20404);
        }
    }
    // All of it is there, and its owner finds it by the same requests.
    for route in surface().filter(|route| route.method == "GET") {
        let reply = house.ask(&house.a, "GET", &path(route, &theirs), &[]).await;
        assert_eq!(reply.status, StatusCode::OK, "{}: {}", route.path, reply.body);
        assert!(!reply.body.to_string().contains("stolen"), "{}", route.path);
    }
}

#[tokio::test]
async fn nobody_is_answered_anything() {
    let house = House::new().await;
    let theirs = things(&house, &house.a, "+15035550101").await;
    let basic = |text: &str| format!("Basic {}", BASE64.encode(text.as_bytes()));
    let strangers = [
        String::new(),
        "Bearer x".to_owned(),
        basic(&format!("{}:", house.a.sid)),
        basic(&format!("{}:{}", house.a.sid, house.b.token)),
        basic(&format!("{}:{}", house.b.sid, house.a.token)),
        basic(&format!("{}:{}x", house.a.sid, house.a.token)),
        basic(&format!("{}:{}", theirs["key"], house.a.token)),
        basic(&format!("AC{}:{}", "0".repeat(32), house.a.token)),
        basic(&format!("SK{}:{}", "0".repeat(32), house.a.token)),
    ];
    for route in surface() {
        for stranger in &strangers {
            let headers = [("authorization", stranger.as_str()), ("host", "localhost")];
            let reply = house.raw(route.method, &path(route, &theirs), &headers, Vec::new()).await;
            assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{} {}", route.method, route.path);
            assert_eq!(reply.code(), 20003);
        }
    }
    // Right, but at the host of another organisation.
    let right = basic(&format!("{}:{}", house.a.sid, house.a.token));
    let balance = format!("/2010-04-01/Accounts/{}/Balance.json", house.a.sid);
    for (host, wanted) in [
        ("api-a.example.org", 200),
        ("API-A.example.org:8443", 200),
        ("127.0.0.1:8443", 200),
        ("api-b.example.org", 401),
    ] {
        let reply = house.raw("GET", &balance, &[("authorization", &right), ("host", host)], Vec::new()).await;
        assert_eq!(reply.status.as_u16(), wanted, "{host}");
    }
}

#[tokio::test]
async fn rubbish_is_refused_and_never_a_failure_of_ours() {
    let house = House::new().await;
    let mine = things(&house, &house.a, "+15035550101").await;
    let right = format!("Basic {}", BASE64.encode(format!("{}:{}", house.a.sid, house.a.token).as_bytes()));
    let bodies: Vec<Vec<u8>> = vec![
        b"%".to_vec(),
        b"a=%00".to_vec(),
        b"To=%ff".to_vec(),
        vec![b'&'; 60_000],
        vec![b'a'; 70_000],
        "a=1&".repeat(300).into_bytes(),
        b"To=%2B1&To=%2B2&Channel=sms&Code=1&FriendlyName=".to_vec(),
        b"Channel=pigeon&To=x&RateLimits=%5B%5D&Code=&Body=x&FactorType=x&Identity=a%2Fb&UniqueName=&Max=-1&Interval=x"
            .to_vec(),
        b"CodeLength=99999999999999999999&FriendlyName=x&LookupEnabled=maybe".to_vec(),
        b"AuthPayload=..&Status=&FactorSid=YF&Details.Fields=%7B%7D&HiddenDetails=x&ExpirationDate=never".to_vec(),
    ];
    let mut strange = mine.clone();
    for (name, thing) in &mut strange {
        if !matches!(*name, "account") {
            *thing = format!("{}%C3%A9..%2F%00", thing.get(..2).unwrap_or_default());
        }
    }
    for route in surface().filter(|route| route.method != "DELETE") {
        for things in [&mine, &strange] {
            for body in &bodies {
                for kind in ["application/x-www-form-urlencoded", "application/json"] {
                    let path = path(route, things);
                    let query = String::from_utf8_lossy(body)
                        .chars()
                        .filter(char::is_ascii_graphic)
                        .take(200)
                        .collect::<String>();
                    let path = if route.method == "GET" { format!("{path}?{}", query.replace('#', "")) } else { path };
                    let headers =
                        [("authorization", right.as_str()), ("content-type", kind), ("host", house.a.host.as_str())];
                    let reply = house.raw(route.method, &path, &headers, body.clone()).await;
                    assert!(!reply.status.is_server_error(), "{} {path} {body:?}: {}", route.method, reply.body);
                }
            }
        }
    }
}
