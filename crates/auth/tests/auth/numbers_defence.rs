//! Defence M5 and M10 in the engine: a number is opened for a live sign-in, a code is stored nowhere; and who loses a telephone hears of it.

use crate::support::{House, each_engine};
use aws_lc_rs::{digest, hmac};
use countersign_auth::{AuthError, Factor};
use std::{fs, path::Path, time::Duration};
use store::{GUARD, Span, fields};
use types::{Millis, ct_eq};

const NUMBER: &str = "+15035550100";
const SOON: Duration = Duration::from_secs(20);

/// Every file below a directory, one after the other.
fn dump(directory: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        all.extend(if path.is_dir() { dump(&path) } else { fs::read(&path).unwrap() });
    }
    all
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

async fn code(house: &House) -> String {
    let sent = house.outbox.wait_for(NUMBER, SOON).await.unwrap();
    let text = sent.text.expose();
    let code = text.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 7);
    code.unwrap_or_else(|| panic!("no code in {text}")).to_owned()
}

#[test]
fn m10_a_dump_during_a_live_sign_in_holds_no_code_and_leads_to_none() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        let phone = house.phone(user, NUMBER).await;
        house.begin("ana", Factor::Sms, false).await.unwrap();
        let code = code(house).await;
        // The code counts, and stands nowhere: not as digits, not as a number, not as a plain hash.
        let stolen = dump(house.path());
        let number: u32 = code.parse().unwrap();
        let hash = digest::digest(&digest::SHA256, code.as_bytes());
        for form in [code.as_bytes(), &number.to_be_bytes(), &number.to_le_bytes(), hash.as_ref()] {
            assert!(!contains(&stolen, form));
        }
        let scope = house.store.tenant(house.tenant);
        let rows = scope.sms_codes(phone, house.world.now()).await.unwrap();
        let [row] = rows.as_slice() else { panic!("{} codes", rows.len()) };
        // The thief has the row, and a million codes to try, because the first digit stands there. He has all that the database has, and
        // not the key.
        assert!(code.starts_with(&row.first_digit));
        let first: u32 = row.first_digit.parse().unwrap();
        let known = [phone.as_bytes().as_slice(), house.tenant.as_bytes(), row.id.as_bytes(), &[0; 32]];
        let keys: Vec<_> = known.iter().map(|key| hmac::Key::new(hmac::HMAC_SHA256, key)).collect();
        for guess in first * 1_000_000..(first + 1) * 1_000_000 {
            let guess = guess.to_string();
            let key = &keys[guess.as_bytes()[6] as usize % keys.len()];
            assert!(hmac::sign(key, guess.as_bytes()).as_ref() != row.digest);
        }
        assert!(known.iter().all(|salt| {
            let mut context = digest::Context::new(&digest::SHA256);
            context.update(salt);
            context.update(code.as_bytes());
            context.finish().as_ref() != row.digest
        }));
        // With the key it is found: the search is no sham.
        let keys = scope.keys().await.unwrap();
        let right = keys.digest(fields::SMS_CODE, &[phone.as_bytes(), code.as_bytes()]);
        assert!(ct_eq(&right, &row.digest));
        // Used, it is worth nothing.
        assert!(house.passcode("ana", &code).await.allow);
        assert!(!house.passcode("ana", &code).await.allow);
    });
}

#[test]
fn m5_sign_ins_open_their_numbers_and_nothing_else_does() {
    each_engine("{}", async |house| {
        // More people than a minute has numbers, all at once: each has a sign-in of their own.
        for place in 0..40 {
            let user = house.user(&format!("user{place}")).await;
            house.phone(user, &format!("+1503555{:04}", 200 + place)).await;
        }
        for place in 0..40 {
            house.begin(&format!("user{place}"), Factor::Sms, false).await.unwrap();
        }
        let span = Span::new(Millis(0), Millis(i64::MAX), 1000);
        let scope = house.store.tenant(house.tenant);
        let alarms = async || {
            let acts = scope.admin_log(&span).await.unwrap();
            acts.into_iter().filter(|act| act.actor == GUARD).map(|act| act.action).collect::<Vec<_>>()
        };
        assert_eq!(alarms().await, Vec::<String>::new());
        // Codes by an administrator's key are counted where it comes in; here each opens the one number that is meant.
        let ana = house.user("ana").await;
        let phone = house.phone(ana, NUMBER).await;
        assert_eq!(house.auth.send_passcodes(&*house.app().await, phone).await.unwrap().status, "sent");
        // A loop inside, with no sign-in behind it.
        let row = scope.phone(phone).await.unwrap().unwrap();
        let mut opened = 0;
        while scope.number_to_send(&row, Some(ana)).await.is_ok() {
            opened += 1;
        }
        assert!(opened <= 20, "{opened}");
        assert_eq!(alarms().await, ["numbers_without_a_sign_in"]);
        let refused: AuthError = scope.number_to_send(&row, Some(ana)).await.unwrap_err().into();
        assert!(matches!(refused, AuthError::Limited { .. }));
    });
}

#[test]
fn m5_an_alarm_is_mailed() {
    const SETTINGS: &str = r#"{"fraud_email": "soc@acme.example", "fraud_email_enabled": true}"#;
    each_engine(SETTINGS, async |house| {
        let scope = house.store.tenant(house.tenant);
        scope.raise("numbers_refused", "DIADMINADMINADMINAAA", "{}").await.unwrap();
        let mail = house.outbox.wait_for("soc@acme.example", SOON).await.unwrap();
        let text = mail.text.expose();
        assert!(text.contains("DIADMINADMINADMINAAA asked for more telephone numbers"), "{text}");
    });
}

#[test]
fn who_loses_a_telephone_hears_of_it_on_that_telephone() {
    each_engine("{}", async |house| {
        let user = house.user("ana").await;
        let phone = house.phone(user, NUMBER).await;
        let scope = house.store.tenant(house.tenant);
        let row = scope.phone(phone).await.unwrap().unwrap();
        let mut tx = scope.begin().await.unwrap();
        assert!(tx.detach_phone(user, phone).await.unwrap());
        tx.commit().await.unwrap();
        house.auth.announce_removal(house.tenant, user, &row).await;
        let told = house.outbox.wait_for(NUMBER, SOON).await.unwrap();
        assert!(told.text.expose().contains("was removed"), "{}", told.text.expose());
    });
}
