//! The database's files hold no number, seed, code or secret in clear; that the search works is shown by what stands there in clear.

use crate::support::{Site, named};
use countersign_directory::{NewBypassCodes, NewIntegration, NewPhone, NewToken, NewUser, Seed};
use types::SecretString;

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[tokio::test]
async fn no_number_seed_code_or_secret_stands_in_the_files() {
    let site = Site::new().await;
    let user = NewUser { notes: "a note that stands in clear".to_owned(), ..named("positive-control") };
    let user = site.a().create_user(&user).await.unwrap();
    let number = "+15035559472";
    let phone = NewPhone { number: Some(number.parse().unwrap()), ..NewPhone::default() };
    site.a().create_phone(&phone).await.unwrap();
    let seed = Seed::generate(site.directory.store().world());
    let token = NewToken::Hotp { serial: "serial-in-clear".to_owned(), seed: seed.clone(), digits: 6, next: 0 };
    site.a().create_token(&token).await.unwrap();
    let aes = [0xec_u8, 0xde, 0x18, 0xdb, 0xe7, 0x6f, 0xbd, 0x0c, 0x33, 0x33, 0x0f, 0x1c, 0x35, 0x48, 0x71, 0xdb];
    let yubico = NewToken::Yubico {
        serial: "yk".to_owned(),
        aes_key: SecretString::new("ecde18dbe76fbd0c33330f1c354871db".to_owned()),
        private_id: SecretString::new("8792ebfe26cc".to_owned()),
    };
    site.a().create_token(&yubico).await.unwrap();
    let (codes, _) = site.a().create_bypass_codes(user.id, &NewBypassCodes::default()).await.unwrap();
    let new = NewIntegration { name: "n".to_owned(), r#type: "unix".to_owned(), ..NewIntegration::default() };
    let (row, keys) = site.a().create_integration(&new).await.unwrap();

    let bytes = site.bytes();
    for control in ["positive-control", "a note that stands in clear", "serial-in-clear", row.ikey.as_str()] {
        assert!(holds(&bytes, control.as_bytes()), "the search does not find {control}, so it proves nothing");
    }
    let mut secrets: Vec<Vec<u8>> = vec![
        number.as_bytes().to_vec(),
        number.as_bytes()[1..].to_vec(),
        seed.bytes().expose().to_vec(),
        seed.to_base32().expose().as_bytes().to_vec(),
        aes.to_vec(),
        vec![0x87, 0x92, 0xeb, 0xfe, 0x26, 0xcc],
        keys.secret.text().expose().as_bytes().to_vec(),
    ];
    secrets.extend(codes.iter().map(|code| code.expose().as_bytes().to_vec()));
    for (place, secret) in secrets.iter().enumerate() {
        assert!(!holds(&bytes, secret), "secret {place} stands in the database in clear");
    }
}
