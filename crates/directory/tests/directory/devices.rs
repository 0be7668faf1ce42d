//! Telephones, tokens, bypass codes.

use crate::support::{ALL, Site, named, refused};
use countersign_directory::{Codes, NewBypassCodes, NewPhone, NewToken, PhonePatch, Seed};
use std::{collections::HashSet, sync::Arc, time::Duration};
use types::{E164, SecretString};

fn secret(text: &str) -> SecretString {
    SecretString::new(text.to_owned())
}

fn number(text: &str) -> E164 {
    text.parse().unwrap()
}

fn seed() -> Seed {
    Seed::from_hex(&secret("3132333435363738393031323334353637383930")).unwrap()
}

fn hotp(serial: &str, next: i64) -> NewToken {
    NewToken::Hotp { serial: serial.to_owned(), seed: seed(), digits: 6, next }
}

#[tokio::test]
async fn a_number_goes_in_sealed_and_comes_out_for_its_tenant_only() {
    let site = Site::new().await;
    let new = NewPhone { number: Some(number("+1 503 555 0100")), name: "desk".to_owned(), ..NewPhone::default() };
    let phone = site.a().create_phone(&new).await.unwrap();
    assert_eq!((phone.r#type.as_str(), phone.platform.as_str()), ("unknown", "unknown"));
    assert_eq!(site.a().phone_number(&phone).await.unwrap(), Some(number("+15035550100")));
    assert!(site.b().phone_number(&phone).await.is_err(), "the other tenant's key opened it");
    let found = site.a().phone_by_number(&number("+15035550100"), "", false).await.unwrap();
    assert_eq!(found.map(|phone| phone.id), Some(phone.id));
    for (other, extension) in [("+15035550101", ""), ("+15045550100", ""), ("+15035550100", "5")] {
        assert!(
            site.a().phone_by_number(&number(other), extension, false).await.unwrap().is_none(),
            "{other} {extension}"
        );
    }
    assert!(site.b().phone_by_number(&number("+15035550100"), "", false).await.unwrap().is_none());
    let patch = PhonePatch { number: Some(None), platform: Some("Apple iOS".to_owned()), ..PhonePatch::default() };
    site.a().change_phone(phone.id, &patch).await.unwrap();
    let phone = site.a().rows().phone(phone.id).await.unwrap().unwrap();
    assert_eq!((phone.number, phone.tail, phone.platform.as_str()), (None, None, "apple ios"));
}

#[tokio::test]
async fn what_is_no_telephone_is_refused_by_its_name() {
    let site = Site::new().await;
    let phone = NewPhone::default;
    for (what, new) in [
        ("invalid: extension", NewPhone { extension: "12x".to_owned(), ..phone() }),
        ("invalid: type", NewPhone { r#type: "pager".to_owned(), ..phone() }),
        ("invalid: platform", NewPhone { platform: "abacus".to_owned(), ..phone() }),
        ("invalid: predelay", NewPhone { predelay: -1, ..phone() }),
        ("invalid: postdelay", NewPhone { postdelay: 121, ..phone() }),
        ("invalid: name", NewPhone { name: "\u{1b}[2J".to_owned(), ..phone() }),
    ] {
        assert_eq!(refused(site.a().create_phone(&new).await), what);
    }
}

#[tokio::test]
async fn another_tenants_devices_are_none() {
    let site = Site::new().await;
    let alice = site.user("alice").await.id;
    let bob = site.b().create_user(&named("bob")).await.unwrap().id;
    let phone = site.a().create_phone(&NewPhone::default()).await.unwrap().id;
    let token = site.a().create_token(&hotp("1", 0)).await.unwrap().id;
    site.a().attach_phone(alice, phone).await.unwrap();
    site.a().attach_token(alice, token).await.unwrap();
    let b = site.b();
    for (what, result) in [
        ("no such phone", b.change_phone(phone, &PhonePatch::default()).await.map(drop)),
        ("no such phone", b.deactivate_phone(phone).await),
        ("no such phone", b.delete_phone(phone).await.map(drop)),
        ("no such phone", b.attach_phone(bob, phone).await.map(drop)),
        ("no such phone", b.detach_phone(bob, phone).await.map(drop)),
        ("no such user", b.detach_phone(alice, phone).await.map(drop)),
        ("no such token", b.delete_token(token).await),
        ("no such token", b.attach_token(bob, token).await.map(drop)),
        ("no such token", b.detach_token(bob, token).await),
        ("no such user", b.attach_token(alice, token).await.map(drop)),
        ("no such user", site.a().attach_phone(bob, phone).await.map(drop)),
        ("no such user", b.delete_bypass_codes(alice).await),
    ] {
        assert_eq!(refused(result), what);
    }
    assert_eq!(refused(b.create_bypass_codes(alice, &NewBypassCodes::default()).await.map(drop)), "no such user");
    site.a().create_bypass_codes(alice, &NewBypassCodes::default()).await.unwrap();
    let code = site.a().rows().bypass_code_page(None, ALL).await.unwrap().rows.remove(0).id;
    assert_eq!(refused(b.delete_bypass_code(code).await), "no such bypass code");
    site.a().delete_bypass_code(code).await.unwrap();
    assert_eq!(site.a().rows().phones_of_users(&[alice]).await.unwrap().len(), 1);
    assert_eq!(site.a().rows().tokens_of_users(&[alice]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_token_stands_before_its_next_code() {
    let site = Site::new().await;
    for (new, r#type, digits, period, counter) in [
        (hotp("1", 0), "h6", 6, 0, -1),
        (hotp("2", 41), "h6", 6, 0, 40),
        (NewToken::Hotp { serial: "3".to_owned(), seed: seed(), digits: 8, next: 0 }, "h8", 8, 0, -1),
        (NewToken::Totp { serial: "4".to_owned(), seed: seed(), digits: 6, step: 30 }, "t6", 6, 30, -1),
        (NewToken::Totp { serial: "5".to_owned(), seed: seed(), digits: 8, step: 60 }, "t8", 8, 60, -1),
        (
            NewToken::Yubico {
                serial: "6".to_owned(),
                aes_key: secret("ecde18dbe76fbd0c33330f1c354871db"),
                private_id: secret("8792ebfe26cc"),
            },
            "yk",
            44,
            0,
            -1,
        ),
    ] {
        let row = site.a().create_token(&new).await.unwrap();
        assert_eq!((row.r#type.as_str(), row.digits, row.period, row.counter), (r#type, digits, period, counter));
    }
    assert_eq!(refused(site.a().create_token(&hotp("1", 0)).await), "token already exists");
    let totp = site.a().rows().token_by_serial("t6", "4").await.unwrap().unwrap().id;
    let mut tx = site.a().rows().begin().await.unwrap();
    tx.resync_token(totp, -1, 59_842_686, 3).await.unwrap();
    tx.commit().await.unwrap();
    site.a().set_token_step(totp, 60).await.unwrap();
    let row = site.a().rows().token(totp).await.unwrap().unwrap();
    assert_eq!((row.period, row.counter, row.drift), (60, 29_921_343, 0), "the same moment in other steps");
    assert_eq!(refused(site.a().set_token_step(totp, 45).await), "invalid: totp_step");
    let hotp_id = site.a().rows().token_by_serial("h6", "1").await.unwrap().unwrap().id;
    assert_eq!(refused(site.a().set_token_step(hotp_id, 30).await), "invalid: totp_step");
    assert_eq!(refused(site.b().set_token_step(totp, 30).await), "no such token");
    site.b().create_token(&hotp("1", 0)).await.unwrap();
}

#[tokio::test]
async fn what_is_no_token_is_refused_by_its_name() {
    let site = Site::new().await;
    let yubico =
        |aes: &str, id: &str| NewToken::Yubico { serial: "1".to_owned(), aes_key: secret(aes), private_id: secret(id) };
    for (what, new) in [
        ("invalid: serial", hotp("", 0)),
        ("invalid: counter", hotp("1", -1)),
        ("invalid: type", NewToken::Hotp { serial: "1".to_owned(), seed: seed(), digits: 7, next: 0 }),
        ("invalid: totp_step", NewToken::Totp { serial: "1".to_owned(), seed: seed(), digits: 6, step: 1 }),
        ("invalid: aes_key", yubico("00", "8792ebfe26cc")),
        ("invalid: aes_key", yubico("zz", "8792ebfe26cc")),
        ("invalid: private_id", yubico("ecde18dbe76fbd0c33330f1c354871db", "87")),
    ] {
        assert_eq!(refused(site.a().create_token(&new).await), what);
    }
    for text in
        ["", "00", "313233343536373839303132333435", "zz32333435363738393031323334353637383930", &"ab".repeat(65)]
    {
        assert_eq!(refused(Seed::from_hex(&secret(text))), "invalid: secret", "{text}");
    }
    for text in ["", "GEZDGNBV", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ1"] {
        assert_eq!(refused(Seed::from_base32(&secret(text))), "invalid: secret", "{text}");
    }
    let same = Seed::from_base32(&secret("gezd gnbv gy3t qojq gezd gnbv gy3t qojq==")).unwrap();
    assert!(same.bytes().ct_eq(seed().bytes().expose()));
    assert_eq!(same.to_base32().expose(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
}

#[tokio::test]
async fn bypass_codes_are_shown_once_and_replace_one_another() {
    let site = Site::new().await;
    let alice = site.user("alice").await.id;
    let (codes, _) = site.a().create_bypass_codes(alice, &NewBypassCodes::default()).await.unwrap();
    let distinct: HashSet<_> = codes.iter().map(|code| code.expose().to_owned()).collect();
    assert_eq!(distinct.len(), 10);
    assert!(distinct.iter().all(|code| code.len() == 9 && code.bytes().all(|b| b.is_ascii_digit())));
    let kept = async || site.a().rows().bypass_code_page(Some(alice), ALL).await.unwrap().rows;
    assert!(kept().await.iter().all(|code| code.uses_left == Some(1) && code.expires.is_none()));
    let more = NewBypassCodes {
        codes: Codes::Chosen(vec![secret("407176182")]),
        uses: None,
        valid_for: Some(Duration::from_secs(3600)),
        preserve_existing: true,
    };
    site.a().create_bypass_codes(alice, &more).await.unwrap();
    assert_eq!(kept().await.len(), 11);
    assert_eq!(refused(site.a().create_bypass_codes(alice, &more).await.map(drop)), "bypass code already exists");
    let last = kept().await.into_iter().find(|code| code.uses_left.is_none()).unwrap();
    assert_eq!(last.expires, Some(crate::support::NOW + Duration::from_secs(3600)));
    assert_eq!(last.created_by, "admin of a");
    let again = NewBypassCodes { codes: Codes::Generated(1), ..NewBypassCodes::default() };
    site.a().create_bypass_codes(alice, &again).await.unwrap();
    assert_eq!(kept().await.len(), 1);
    site.a().delete_bypass_codes(alice).await.unwrap();
    assert_eq!(kept().await.len(), 0);
}

#[tokio::test]
async fn bypass_codes_that_could_be_guessed_or_are_too_many_are_refused() {
    let site = Site::new().await;
    let alice = site.user("alice").await.id;
    let chosen = |codes: &[&str]| Codes::Chosen(codes.iter().map(|code| secret(code)).collect());
    for (what, codes) in [
        ("invalid: count", Codes::Generated(0)),
        ("invalid: count", Codes::Generated(11)),
        ("invalid: codes", chosen(&[])),
        ("invalid: codes", chosen(&["12345"])),
        ("invalid: codes", chosen(&["push12"])),
        ("invalid: codes", chosen(&["1234567890123456789"])),
        ("bypass code already exists", chosen(&["123456", "123456"])),
    ] {
        let new = NewBypassCodes { codes, ..NewBypassCodes::default() };
        assert_eq!(refused(site.a().create_bypass_codes(alice, &new).await.map(drop)), what);
    }
    let ten = NewBypassCodes { preserve_existing: true, ..NewBypassCodes::default() };
    for _ in 0..10 {
        site.a().create_bypass_codes(alice, &ten).await.unwrap();
    }
    assert_eq!(refused(site.a().create_bypass_codes(alice, &ten).await.map(drop)), "invalid: too many bypass codes");
    let uses = NewBypassCodes { uses: Some(0), ..NewBypassCodes::default() };
    assert_eq!(refused(site.a().create_bypass_codes(alice, &uses).await.map(drop)), "invalid: reuse_count");
}

#[tokio::test]
async fn of_a_hundred_creators_of_one_serial_one_wins() {
    let site = Arc::new(Site::new().await);
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let site = Arc::clone(&site);
            tokio::spawn(async move { site.a().create_token(&hotp("7", 0)).await.is_ok() })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        won += usize::from(task.await.unwrap());
    }
    assert_eq!(won, 1);
}
