//! Whatever is wrong with a request, at every route: the documented refusal in the envelope. Never a 5xx, never a way in, and at a
//! sign-in a 401 for bad credentials alone, because Duo's clients let people in on the others (duo-wire.md §0, constraints 3 and 4).

use crate::{
    crossing::{Open, cases, keys},
    house::{House, Reply, each_engine, on_engine, patient, request},
    support::signing::{Keys, Signed, Version, pairs, sign, signed},
};
use countersign_duo_api::{Closed, Route, Surface, routes};
use countersign_e2e::engines::Engine;
use std::time::Duration;

/// The route's path with B's own objects in it.
fn path(house: &House, open: &Open, route: &Route) -> String {
    cases(house, open, route).remove(0).path
}

/// A request of B's, signed as it should be.
fn good(house: &House, open: &Open, route: &Route) -> (Keys, Version, String, Vec<(String, String)>) {
    let (keys, version) = keys(&house.b, route);
    let case = cases(house, open, route).remove(0);
    (keys, version, case.path, case.params)
}

/// What holds for every answer to a request whose signature is good.
fn assert_closed(route: &Route, reply: &Reply, what: &str) {
    let what = format!("{} {}: {what}", route.method.http(), route.path);
    assert!(!reply.status.is_server_error(), "{what}: {reply:?}");
    assert_ne!(reply.result(), "allow", "{what}: {reply:?}");
    assert_ne!(reply.status.as_u16(), 401, "{what}: credentials are good: {reply:?}");
    assert_ne!(reply.code(), 42_901, "{what}: the limit hides the answer");
    if reply.status.is_success() {
        assert_eq!(reply.value["stat"], "OK", "{what}: {reply:?}");
    } else {
        reply.assert_refused(&what);
    }
}

#[test]
fn constraint_3_and_4_bad_credentials_are_told_apart_at_every_route() {
    each_engine(patient(), async |house| {
        let open = Open::of(house).await;
        for route in routes() {
            let (keys, version, path, params) = good(house, &open, route);
            let method = route.method.http();
            let what = format!("{method} {path}");
            let right = sign(&keys, version, method.as_str(), &path, &params, house.world.now());
            let with = |value: Option<&str>| {
                let mut signed = right.clone();
                signed.headers.retain(|(name, _)| name != "authorization");
                signed.headers.extend(value.map(|value| ("authorization".to_owned(), value.to_owned())));
                signed
            };
            let reply = house.send(&with(None)).await;
            reply.assert_refused(&what);
            assert_eq!(reply.code(), 40_101, "{what}");
            for malformed in [
                "",
                "Basic",
                "Basic !!!!",
                "Bearer abcdef",
                "Basic REk6",
                "Basic OjA=",
                "Digest username=\"x\"",
                "Basic RElBQUFBQUFBQUFBQUFBQUFBQUE6enp6eg==",
                "\u{1f600}",
            ] {
                let reply = house.send(&with(Some(malformed))).await;
                reply.assert_refused(&what);
                assert_eq!(reply.code(), 40_104, "{what}: {malformed}");
            }
            let mut twice = right.clone();
            twice.headers.extend(right.headers.iter().filter(|(name, _)| name == "authorization").cloned());
            assert_eq!(house.send(&twice).await.code(), 40_104, "{what}: twice");

            let unknown = Keys { ikey: "DIZZZZZZZZZZZZZZZZZZ".to_owned(), ..keys.clone() };
            let wrong = Keys { skey: "x".repeat(40), ..keys.clone() };
            let another = Keys { skey: house.a.app.skey.clone(), ..keys.clone() };
            for (keys, code) in [(unknown, 40_102), (wrong, 40_103), (another, 40_103)] {
                let reply = house.call(&keys, version, (method.as_str(), &path), &params).await;
                reply.assert_refused(&what);
                assert_eq!(reply.code(), code, "{what}: {reply:?}");
            }
            // The right key for the other surface.
            let other = match route.surface {
                Surface::Auth => &house.b.admin,
                Surface::Admin(_) => &house.b.app,
            };
            let reply = house.call(other, Version::V5, (method.as_str(), &path), &params).await;
            reply.assert_refused(&what);
            assert_eq!(reply.code(), 40_301, "{what}");
            assert!(reply.text().contains("Wrong integration type for this API."), "{what}: {reply:?}");
            // A date that is six minutes off.
            for off in [-360_000, 360_000] {
                if version != Version::V1 {
                    let then = types::Millis(house.world.now().0 + off);
                    let reply = house.send(&sign(&keys, version, method.as_str(), &path, &params, then)).await;
                    reply.assert_refused(&what);
                    assert_eq!(reply.code(), 40_105, "{what}");
                }
            }
        }
    });
}

/// An integration of the Admin API without the route's grant.
#[test]
fn a_grant_that_was_not_given_is_missed_at_every_route_of_the_admin_api() {
    each_engine(patient(), async |house| {
        let open = Open::of(house).await;
        let fields = directory::IntegrationFields::default();
        let b = &house.b;
        let bare =
            crate::support::organisation::application(&house.directory, (b.id, "b"), &b.host, "adminapi", fields);
        let bare = bare.await;
        for route in routes().filter(|route| matches!(route.surface, Surface::Admin(_))) {
            let (_, version, path, params) = good(house, &open, route);
            let reply = house.call(&bare, version, (route.method.http().as_str(), &path), &params).await;
            reply.assert_refused(&path);
            assert_eq!(reply.code(), 40_301, "{path}");
        }
    });
}

/// Programs that send messages have it; it signs nobody in and administers nothing.
#[test]
fn a_token_of_the_messaging_api_opens_no_route() {
    on_engine(Engine::Sqlite, patient(), async |house| {
        let open = Open::of(house).await;
        let (fields, b) = (directory::IntegrationFields::default(), &house.b);
        let token =
            crate::support::organisation::application(&house.directory, (b.id, "b"), &b.host, "messaging", fields);
        let token = token.await;
        for route in routes() {
            let (_, version, path, params) = good(house, &open, route);
            let reply = house.call(&token, version, (route.method.http().as_str(), &path), &params).await;
            reply.assert_refused(&path);
            // Requests without a date are not even read: its integration knows none.
            assert!(matches!(reply.code(), 40_301 | 40_105), "{path}: {reply:?}");
        }
    });
}

#[test]
fn a_method_that_a_path_does_not_have_is_refused_in_the_envelope() {
    on_engine(Engine::Sqlite, patient(), async |house| {
        let open = Open::of(house).await;
        let mut paths: Vec<(String, Vec<http::Method>)> = routes()
            .map(|route| {
                let there = routes().filter(|other| other.path == route.path).map(|other| other.method.http());
                (path(house, &open, route), there.collect())
            })
            .collect();
        paths.extend(["/auth/v2/ping", "/auth/v2/logo"].map(|path| (path.to_owned(), vec![http::Method::GET])));
        for (path, there) in paths {
            for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW"] {
                let method: http::Method = method.parse().unwrap();
                if there.contains(&method) {
                    continue;
                }
                let sent = Signed {
                    method: method.to_string(),
                    target: path.clone(),
                    headers: vec![("host".to_owned(), house.b.host.clone())],
                    body: Vec::new(),
                };
                let reply = house.send(&sent).await;
                reply.assert_refused(&format!("{method} {path}"));
                assert_eq!(reply.code(), 40_501, "{method} {path}");
            }
        }
        for path in ["/", "/auth/v2/", "/auth/v2/Preauth", "/auth/v3/preauth", "/rest/v1/auth.xml", "/admin/v1/user"] {
            let sent = sign(&house.b.app, Version::V5, "POST", path, &[], house.world.now());
            let reply = house.send(&sent).await;
            reply.assert_refused(path);
            assert_eq!(reply.code(), 40_401, "{path}");
        }
    });
}

/// Bodies that were signed by the right key and hold nothing good.
fn bodies() -> Vec<(&'static str, Vec<u8>)> {
    let deep = format!("{{\"username\":{}1{}}}", "[".repeat(5000), "]".repeat(5000));
    let many: Vec<String> = (0..600).map(|n| format!("p{n}=1")).collect();
    vec![
        ("empty", Vec::new()),
        ("garbage", vec![0x80, 0xff, 0x00, 0x13, 0x37]),
        ("a list", b"[]".to_vec()),
        ("a text", b"\"username\"".to_vec()),
        ("truncated", b"{\"username\":\"brav".to_vec()),
        ("a name twice", b"{\"username\":\"a\",\"username\":\"b\"}".to_vec()),
        ("deep", deep.into_bytes()),
        ("an object for a text", b"{\"username\":{\"$ne\":null},\"user\":{},\"factor\":[1],\"user_id\":[]}".to_vec()),
        ("nulls", b"{\"username\":null,\"user\":null,\"factor\":null,\"name\":null}".to_vec()),
        ("not UTF-8", b"{\"username\":\"\xff\xfe\"}".to_vec()),
        ("half a surrogate", b"{\"username\":\"\\ud800\"}".to_vec()),
        ("a form with a broken escape", b"username=%zz&user=%".to_vec()),
        ("a form that isn't UTF-8", b"username=%ff%fe&user=%c3".to_vec()),
        ("a form with a NUL", b"username=a%00b&user=a%00b".to_vec()),
        (
            "repeated",
            b"username=a&username=b&user=a&user=b&factor=push&factor=sms&txid=1&txid=2&name=a&name=b".to_vec(),
        ),
        ("too many", many.join("&").into_bytes()),
        ("too large", [b"username=".as_slice(), &vec![b'a'; 2 * 1024 * 1024]].concat()),
    ]
}

#[test]
fn a_signed_body_of_any_kind_is_no_way_in_and_no_fault() {
    on_engine(Engine::Sqlite, patient(), async |house| {
        let open = Open::of(house).await;
        for route in routes() {
            let (keys, version, path, _) = good(house, &open, route);
            let method = route.method.http();
            let dated = if version == Version::V1 { Version::V1 } else { Version::V5 };
            for (what, body) in bodies() {
                house.clock.advance(Duration::from_secs(2));
                let now = house.world.now();
                let kinds =
                    ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""];
                for kind in kinds.into_iter().filter(|_| method != http::Method::GET) {
                    let kind = Some(kind).filter(|kind| !kind.is_empty());
                    let sent = signed(&keys, dated, method.as_str(), &path, "", body.clone(), kind, now);
                    let reply = house.send(&sent).await;
                    // Version 1 and 2 can't sign what is no form: that is a wrong signature, and 401 says so.
                    if dated == Version::V5 {
                        assert_closed(route, &reply, &format!("{what} as {kind:?}"));
                    }
                    assert!(!reply.lets_in(), "{what}: {reply:?}");
                }
                // The same in the query.
                if let Ok(query) = std::str::from_utf8(&body)
                    && body.len() < 60_000
                    && !query.is_empty()
                {
                    let sent = signed(&keys, Version::V5, method.as_str(), &path, query, Vec::new(), None, now);
                    if let Some(sent) = request(&sent) {
                        let reply = Reply::of(&house.router, sent).await;
                        assert!(!reply.lets_in(), "{what} in the query: {reply:?}");
                        assert!(!reply.status.is_server_error(), "{what} in the query: {reply:?}");
                    }
                }
            }
        }
    });
}

const HOSTILE: &[&str] = &[
    "",
    " ",
    "\n",
    "\u{0}",
    "\u{7f}\u{1b}[2J",
    "'; DROP TABLE users; --",
    "\" OR 1=1",
    "<script>alert(1)</script>",
    "../../../../etc/passwd",
    "%00%ff%2e%2e",
    "${jndi:ldap://x}",
    "{{7*7}}",
    "\u{202e}\u{feff}\u{200b}",
    "\u{1f600}\u{0301}\u{0301}",
    "I\u{307}\u{131}\u{17f}\u{212a}",
    "-1",
    "0",
    "99999999999999999999999",
    "1e9999",
    "NaN",
    "true",
    "null",
    "[]",
    "[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]",
    "{\"$gt\":\"\"}",
    "[null,true,1e400,{}]",
    "auto",
    "allow",
    "DU000000000000000000",
    "duAAAAAAAAAAAAAAAAAA",
    "00000000-0000-0000-0000-000000000000",
    "2001:db8::1%eth0",
];

#[test]
fn hostile_texts_in_every_parameter_and_part_of_a_path_are_no_way_in_and_no_fault() {
    on_engine(Engine::Sqlite, patient(), async |house| {
        let open = Open::of(house).await;
        let long = "a".repeat(9000);
        let hostile: Vec<&str> = HOSTILE.iter().copied().chain([long.as_str()]).collect();
        // Some handlers have several paths; one of each is enough here.
        let again = |path: &str| {
            path.ends_with(".json")
                || path.starts_with("/admin/v1/integrations")
                || path.starts_with("/admin/v2/integrations")
        };
        for route in routes().filter(|route| !again(route.path) || route.path.ends_with("/skey")) {
            let (keys, version, path, mut params) = good(house, &open, route);
            let (method, there) = (route.method.http(), params.len());
            // What a client may send beside.
            let beside: &[&str] = match route.surface {
                Surface::Auth => &["ipaddr", "hostname", "pushinfo", "async", "device", "txid", "trusted_device_token"],
                Surface::Admin(_) => &["limit", "offset", "status", "mintime", "next_offset", "aliases", "sections"],
            };
            for name in beside {
                if !params.iter().any(|(there, _)| there == name) {
                    params.push(((*name).to_owned(), String::new()));
                }
            }
            for place in 0..params.len() {
                // Only what was there from the start stays beside the one that is tried.
                let (name, _) = params[place].clone();
                let others = params.iter().filter(|(other, value)| *other != name && !value.is_empty());
                let others: Vec<_> = others.cloned().collect();
                // Every one in what the route is about; some in what may stand beside it.
                let step = if place < there { 1 } else { 5 };
                for value in hostile.iter().skip(place % step).step_by(step) {
                    house.clock.advance(Duration::from_secs(2));
                    let sent = [&others[..], &pairs(&[(&name, value)])].concat();
                    let reply = house.call(&keys, version, (method.as_str(), &path), &sent).await;
                    // A bypass code of B's is in some of the requests: with it a garbled detail beside changes nothing.
                    if reply.result() == "allow" {
                        assert!(
                            matches!(route.closed, Closed::Deny(_))
                                && others.iter().any(|(_, v)| *v == house.b.bypass_code)
                        );
                        continue;
                    }
                    assert_closed(route, &reply, &format!("{name}={value:?}"));
                }
            }
            // In the path, percent-encoded and raw; also bytes that are no UTF-8.
            if !route.path.contains('{') {
                continue;
            }
            // Some of these are good names of providers, and were given to some by the requests before.
            let named = |text: &str| route.path.contains("{provider}") && ::auth::providers::is_key(text);
            let strange = hostile.iter().filter(|text| !named(text)).map(|text| crate::support::signing::quote(text));
            for value in strange.chain(["%FF%FE".to_owned()]) {
                house.clock.advance(Duration::from_secs(2));
                let parts = route.path.split('/');
                let path = parts.map(|part| if part.starts_with('{') { value.as_str() } else { part });
                let path = path.collect::<Vec<_>>().join("/");
                let sent = sign(&keys, version, method.as_str(), &path, &[], house.world.now());
                let Some(sent) = request(&sent) else { continue };
                let reply = Reply::of(&house.router, sent).await;
                let what = format!("{method} {path}");
                assert!(!reply.status.is_server_error() && !reply.status.is_success(), "{what}: {reply:?}");
                reply.assert_refused(&what);
            }
        }
    });
}

/// The routes that are served unsigned answer whatever they are sent.
#[test]
fn what_needs_no_signature_is_no_fault_either() {
    on_engine(Engine::Sqlite, patient(), async |house| {
        for target in
            ["/auth/v2/ping", "/auth/v2/ping?a=%ff", "/frame/qr", "/frame/qr?value=%ff&value=", "/auth/v2/logo"]
        {
            for header in [None, Some(("authorization", "Basic %%%")), Some(("date", "\u{1f600}"))] {
                let mut request = http::Request::get(target).header("host", "x");
                if let Some((name, value)) = header {
                    request = request.header(name, value);
                }
                let reply = Reply::of(&house.router, request.body(axum::body::Body::empty()).unwrap()).await;
                assert!(!reply.status.is_server_error(), "{target}: {reply:?}");
                if reply.status.is_client_error() {
                    reply.assert_refused(target);
                }
            }
        }
    });
}
