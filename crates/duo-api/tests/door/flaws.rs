//! What broke others (the classes are numbered as in the list of their advisories), tried on the routes that are here.

use crate::{
    house::{House, Reply, each_engine, on_engine, patient},
    support::signing::{Version, pairs, sign},
};
use auth::Answer;
use countersign_e2e::engines::Engine;
use directory::{Status, UserPatch};
use serde_json::json;
use std::time::Duration;
use types::{Millis, SecretString};

async fn sign_in(house: &House, params: &[(&str, &str)]) -> Reply {
    house.clock.advance(Duration::from_secs(1));
    house.call(&house.a.app, Version::V5, ("POST", "/auth/v2/auth"), &pairs(params)).await
}

async fn preauth(house: &House, params: &[(&str, &str)]) -> Reply {
    house.call(&house.a.app, Version::V5, ("POST", "/auth/v2/preauth"), &pairs(params)).await
}

async fn admin(house: &House, call: (&str, &str), params: &[(&str, &str)]) -> Reply {
    house.clock.advance(Duration::from_secs(1));
    house.call(&house.a.admin, Version::V5, call, &pairs(params)).await
}

/// Classes 17: fields that only the server writes, sent by a client.
#[test]
fn class_17_what_only_the_server_writes_no_client_can_set() {
    each_engine(patient(), async |house| {
        let scope = house.store.tenant(house.a.id);
        let other = house.b.user.to_string();
        let extra = [
            ("user_id", other.as_str()),
            ("id", &other),
            ("tenant", &other),
            ("account_id", &other),
            ("created", "1"),
            ("last_login", "1"),
            ("failures", "-100"),
            ("locked_at", "1"),
            ("deleted_at", "1"),
            ("is_enrolled", "true"),
            ("verified", "true"),
            ("role", "Owner"),
            ("lockout_reason", ""),
        ];
        let made = admin(house, ("POST", "/admin/v1/users"), &[&[("username", "carol")], &extra[..]].concat()).await;
        let id: types::UserId = made.said("user_id").parse().unwrap_or_else(|_| panic!("{made:?}"));
        assert_ne!(id, house.b.user);
        let before = scope.user(id).await.unwrap().unwrap();
        assert_eq!((before.failures, before.locked_at, before.deleted_at), (0, None, None));
        assert!(before.last_login.is_none() && before.created > Millis(1_795_000_000_000), "{}", before.created.0);
        let path = format!("/admin/v1/users/{id}");
        admin(house, ("POST", &path), &[&[("realname", "Carol")], &extra[..]].concat()).await;
        let after = scope.user(id).await.unwrap().unwrap();
        assert_eq!(after.realname, "Carol");
        assert_eq!(
            (after.id, after.created, after.failures, after.locked_at, after.deleted_at),
            (before.id, before.created, 0, None, None)
        );
        // A status that is the server's to give can't be chosen.
        for status in ["locked out", "pending deletion", "owner", "ACTIVE\u{0}", "2"] {
            let reply = admin(house, ("POST", &path), &[("status", status)]).await;
            reply.assert_refused(status);
        }
        // An integration's keys, and the grants that the caller doesn't have.
        let new = [
            ("name", "n"),
            ("type", "authapi"),
            ("integration_key", "DIQQQQQQQQQQQQQQQQQQ"),
            ("secret_key", "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"),
            ("ikey", "DIQQQQQQQQQQQQQQQQQQ"),
            ("tenant", &other),
        ];
        let made = admin(house, ("POST", "/admin/v1/integrations"), &new).await;
        assert_ne!(made.said("integration_key"), "DIQQQQQQQQQQQQQQQQQQ", "{made:?}");
        assert_ne!(made.said("secret_key"), new[3].1, "{made:?}");
        let powerful =
            [("name", "n"), ("type", "adminapi"), ("adminapi_allow_to_set_permissions", "1"), ("adminapi_admins", "1")];
        let made = admin(house, ("POST", "/admin/v1/integrations"), &powerful).await;
        made.assert_refused("a grant that the caller doesn't have");
        // Devices: that one is activated, or whose it is.
        let phone = house.a.phone.to_string();
        let row = scope.phone(house.a.phone).await.unwrap().unwrap();
        let forged = [
            ("activated", "true"),
            ("public_key", "BAAA"),
            ("phone_id", &other),
            ("name", "renamed"),
            ("last_seen", "1"),
        ];
        admin(house, ("POST", &format!("/admin/v1/phones/{phone}")), &forged).await;
        let now = scope.phone(house.a.phone).await.unwrap().unwrap();
        assert_eq!((now.name.as_str(), &now.public_key, now.last_seen), ("renamed", &row.public_key, row.last_seen));
        let token = [
            ("type", "h6"),
            ("serial", "forged"),
            ("secret", "3132333435363738393031323334353637383930"),
            ("drift", "99"),
            ("token_id", &other),
        ];
        let made = admin(house, ("POST", "/admin/v1/tokens"), &token).await;
        let id: types::TokenId = made.said("token_id").parse().unwrap_or_else(|_| panic!("{made:?}"));
        assert_eq!(scope.token(id).await.unwrap().unwrap().drift, 0);
    });
}

/// Class 18: all spellings of a name are one user, for the Admin API and for sign-ins; a second user can't be made beside.
#[test]
fn class_18_spellings_of_a_name_are_one_user() {
    each_engine(patient(), async |house| {
        let id = house.a.user.to_string();
        for name in
            ["alfa.person", "ALFA.Person", " alfa.person", "alfa.person ", "\u{ff41}lfa.person", "ALFA.PERSON\t"]
        {
            let found = admin(house, ("GET", "/admin/v1/users"), &[("username", name)]).await;
            assert_eq!(found.value["response"][0]["user_id"], id.as_str(), "{name:?}: {found:?}");
            let made = admin(house, ("POST", "/admin/v1/users"), &[("username", name)]).await;
            made.assert_refused(name);
            let alias = [("username", "dora"), ("alias1", name)];
            admin(house, ("POST", "/admin/v1/users"), &alias).await.assert_refused(name);
            assert_eq!(preauth(house, &[("username", name)]).await.result(), "auth", "{name:?}");
            let params = pairs(&[("username", name)]);
            let enrolled = house.call(&house.a.app, Version::V5, ("POST", "/auth/v2/enroll"), &params).await;
            enrolled.assert_refused(name);
        }
        // With the application's normalisation also those.
        for name in ["CORP\\alfa.person", "alfa.person@corp.example", "corp\\ALFA.person@x"] {
            assert_eq!(preauth(house, &[("username", name)]).await.result(), "auth", "{name:?}");
        }
    });
}

/// Class 19: what comes beside the name and the code (addresses, hosts, headers) gives nobody more when it is garbage.
#[test]
fn class_19_a_garbled_address_or_header_gives_no_privilege() {
    each_engine(patient(), async |house| {
        let scope = house.directory.tenant(house.a.id, "setup");
        let policies = scope.rows().policies(store::Slice { offset: 0, limit: 9 }).await.unwrap().rows;
        let global = policies.iter().find(|policy| policy.is_global).unwrap().id;
        let sections = json!({ "authorized_networks": {
            "no_2fa_required": { "ip_list": ["10.0.0.0/8", "2001:db8::/32"] },
            "blocked": { "ip_list": ["203.0.113.0/24"] },
        } });
        scope.change_policy(global, None, Some(sections.as_object().unwrap())).await.unwrap();
        house.auth.applications().forget_tenant(house.a.id);
        let name = house.a.username.as_str();
        assert_eq!(
            preauth(house, &[("username", name), ("ipaddr", "10.1.2.3")]).await.result(),
            "allow",
            "the control"
        );
        assert_eq!(
            preauth(house, &[("username", name), ("ipaddr", "203.0.113.9")]).await.result(),
            "deny",
            "the control"
        );
        let garbled = [
            "",
            " ",
            "10.1.2.3.4",
            "10.1.2",
            "010.1.2.3",
            "0x0a010203",
            "167837955",
            "10.1.2.3, 203.0.113.9",
            "10.1.2.3:22",
            "10.1.2.3/8",
            "10.0.0.0/8",
            "[2001:db8::1]",
            "2001:db8::1%eth0",
            "::ffff:10.1.2.3.4",
            "localhost",
            "-",
            "0.0.0.0",
            "::",
            "10.1.2.3\u{0}",
            "１０.1.2.3",
            "*",
            "10.*",
            "null",
            "{}",
        ];
        for ip in garbled {
            let reply = preauth(house, &[("username", name), ("ipaddr", ip)]).await;
            assert_ne!(reply.result(), "allow", "{ip:?}: {reply:?}");
            let reply =
                sign_in(house, &[("username", name), ("factor", "passcode"), ("passcode", "000000"), ("ipaddr", ip)])
                    .await;
            assert_ne!(reply.result(), "allow", "{ip:?}: {reply:?}");
        }
        // A blocked address can't be hidden in a garbled one.
        for ip in [
            "203.0.113.9, 10.1.2.3",
            "203.0.113.9:22",
            "203.0.113.9/32",
            "::ffff:203.0.113.9",
            " 203.0.113.9 ",
            "203.0.113.9x",
            "x",
        ] {
            let reply = preauth(house, &[("username", name), ("ipaddr", ip)]).await;
            assert_eq!(reply.result(), "deny", "{ip:?}: {reply:?}");
        }
        // Headers that proxies and frameworks believe elsewhere.
        for (header, value) in [
            ("x-forwarded-for", "10.1.2.3"),
            ("x-forwarded-for", "\u{7f}"),
            ("forwarded", "for=10.1.2.3;host=evil"),
            ("x-real-ip", "10.1.2.3"),
            ("x-original-url", "/auth/v2/ping"),
            ("x-rewrite-url", "/auth/v2/ping"),
            ("x-http-method-override", "GET"),
            ("x-forwarded-host", "evil.example"),
            ("cookie", "session=admin"),
            ("transfer-encoding", "identity"),
            ("content-encoding", "gzip"),
            ("expect", "100-continue"),
        ] {
            let params = pairs(&[("username", name)]);
            let mut signed = sign(&house.a.app, Version::V5, "POST", "/auth/v2/preauth", &params, house.world.now());
            signed.headers.push((header.to_owned(), value.to_owned()));
            if crate::house::request(&signed).is_none() {
                continue;
            }
            let reply = house.send(&signed).await;
            assert_eq!(reply.result(), "auth", "{header}: {reply:?}");
            assert!(!reply.text().contains("evil"), "{header}: {reply:?}");
        }
    });
}

/// What stands for the ways to lose one's right to sign in.
#[derive(Clone, Copy, Debug)]
enum Loss {
    Disabled,
    Trashed,
    Deleted,
    GroupDisabled,
}

async fn lose(house: &House, loss: Loss) {
    let scope = house.directory.tenant(house.a.id, "setup");
    match loss {
        Loss::Disabled => {
            let patch = UserPatch { status: Some(Status::Disabled), ..UserPatch::default() };
            scope.change_user(house.a.user, &patch).await.unwrap();
        }
        Loss::Trashed => assert!(scope.trash_user(house.a.user).await.unwrap()),
        Loss::Deleted => scope.delete_user(house.a.user).await.unwrap(),
        Loss::GroupDisabled => {
            let patch = directory::GroupPatch { status: Some(Status::Disabled), ..directory::GroupPatch::default() };
            scope.change_group(house.a.group, &patch).await.unwrap();
        }
    }
}

/// Class 23: who has lost the right to sign in gets in by no factor, by no token from before, and by no push that was under way.
#[test]
fn class_23_a_disabled_or_deleted_user_is_out_with_every_factor() {
    for loss in [Loss::Disabled, Loss::Trashed, Loss::Deleted, Loss::GroupDisabled] {
        each_engine(patient(), async |house| {
            let (a, name, id) = (&house.a, house.a.username.as_str(), house.a.user.to_string());
            crate::crossing::remember(house, a).await;
            let login = sign_in(house, &[("username", name), ("factor", "passcode"), ("passcode", &a.hotp(0))]).await;
            let token = login.said("trusted_device_token").to_owned();
            assert_eq!(preauth(house, &[("username", name), ("trusted_device_token", &token)]).await.result(), "allow");
            sign_in(house, &[("username", name), ("factor", "sms"), ("device", "auto")]).await;
            let text = house.outbox.wait_for(&a.number, Duration::from_secs(5)).await.unwrap().text;
            let sms =
                text.expose().split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 7).unwrap().to_owned();
            let (pushed, shown) = house.push(a).await;
            lose(house, loss).await;

            let hotp = a.hotp(1);
            let totp = a.totp(&house.world);
            for code in [&hotp, &totp, &sms, &a.bypass_code] {
                for who in [("username", name), ("user_id", id.as_str())] {
                    let reply = sign_in(house, &[who, ("factor", "passcode"), ("passcode", code)]).await;
                    assert_ne!(reply.result(), "allow", "{loss:?} {who:?}: {reply:?}");
                    assert!(!reply.status.is_server_error() && reply.status.as_u16() != 401, "{reply:?}");
                }
            }
            for factor in ["push", "phone", "sms", "auto"] {
                let reply =
                    sign_in(house, &[("user_id", &id), ("factor", factor), ("device", "auto"), ("async", "0")]).await;
                assert_ne!(reply.result(), "allow", "{loss:?} {factor}: {reply:?}");
            }
            assert!(house.outbox.take().is_empty(), "{loss:?}: a message went out");
            for who in [("username", name), ("user_id", id.as_str())] {
                let reply = preauth(house, &[who, ("trusted_device_token", &token)]).await;
                assert!(!matches!(reply.result(), "allow" | "auth"), "{loss:?}: {reply:?}");
            }
            let _ = house.answer(a, pushed, Answer::Approve(Some(SecretString::new(shown)))).await;
            let txid = pairs(&[("txid", &pushed.to_string())]);
            let told = house.call(&a.app, Version::V5, ("GET", "/auth/v2/auth_status"), &txid).await;
            assert_ne!(told.result(), "allow", "{loss:?}: a push that was approved after it: {told:?}");
        });
    }
}

/// Class 23: every token cut short, made longer or changed in one place is none.
#[test]
fn class_23_a_changed_token_is_none() {
    on_engine(Engine::Sqlite, patient(), async |house| {
        let (a, name) = (&house.a, house.a.username.as_str());
        crate::crossing::remember(house, a).await;
        let login = sign_in(house, &[("username", name), ("factor", "passcode"), ("passcode", &a.hotp(0))]).await;
        let token = login.said("trusted_device_token").to_owned();
        let changed = |token: &str| {
            let mut all: Vec<String> = (0..token.len()).map(|end| token[..end].to_owned()).collect();
            all.extend((1..token.len()).map(|start| token[start..].to_owned()));
            all.extend(["x", " ", "\u{0}", "=", "A"].map(|more| format!("{token}{more}")));
            all.extend((0..token.len()).map(|place| {
                let there = token.as_bytes()[place];
                let other = if there == b'A' { 'B' } else { 'A' };
                format!("{}{other}{}", &token[..place], &token[place + 1..])
            }));
            all.push(format!("{token}{token}"));
            all.retain(|text| text != token);
            all
        };
        for token in changed(&token) {
            let reply = preauth(house, &[("username", name), ("trusted_device_token", &token)]).await;
            assert_ne!(reply.result(), "allow", "{token}: {reply:?}");
        }
        let control = preauth(house, &[("username", name), ("trusted_device_token", &token)]).await;
        assert_eq!(control.result(), "allow");
        // An activation code, at the engine: no prefix of it attaches a device.
        let (code, _) = house.auth.activation(a.id, a.user, None, Duration::from_secs(600)).await.unwrap();
        let device = crate::support::device::Device::new(a.id);
        for code in changed(code.expose()) {
            assert!(house.auth.activate(a.id, &code, device.public_key(), "x").await.is_err(), "{code}");
        }
        assert!(house.auth.activate(a.id, code.expose(), device.public_key(), "x").await.is_ok());
        // A passcode with more or fewer digits, or in other digits.
        let right = a.hotp(1);
        let wide: String = right.chars().map(|c| char::from_u32(u32::from(c) - 0x30 + 0xff10).unwrap()).collect();
        for code in [
            &right[..5],
            &format!("{right}0"),
            &format!("0{right}"),
            &format!("+{right}"),
            &wide,
            &format!("{right}{right}"),
        ] {
            let reply = sign_in(house, &[("username", name), ("factor", "passcode"), ("passcode", code)]).await;
            assert_eq!(reply.result(), "deny", "{code}: {reply:?}");
        }
        let reply = sign_in(house, &[("username", name), ("factor", "passcode"), ("passcode", &right)]).await;
        assert_eq!(reply.result(), "allow", "the control");
    });
}
