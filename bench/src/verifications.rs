//! Passkeys' answers verified, by one thread and without a server: what of a prompt's cost is the signature's.

use crate::{
    passkey::{self, Passkey},
    report::Report,
};
use anyhow::{Context as _, Result, bail};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use std::{hint::black_box, time::Duration};
use tokio::time::Instant;
use types::World;
use webauthn::{PasskeyForSignIn, RelyingParty, Verification};

const PART: &str = "webauthn, one core";
const HOST: &str = "bench.test";
/// So many answers are made before they are verified.
const PIECE: usize = 500;

/// For as long as `length`, each.
pub(crate) fn run(passkey: &Passkey, length: Duration, report: &mut Report) -> Result<()> {
    let party = passkey::relying_party(HOST);
    let known = PasskeyForSignIn {
        credential_id: vec![7; 16],
        credential: passkey.credential()?,
        transports: "internal".to_owned(),
        counter: 0,
        user_handle: vec![1; 16],
    };
    let full = verified(passkey, &party, &known, length)?;
    report.add(PART, "answers verified", full, "/s");
    let bare = bare(passkey, length)?;
    report.add(PART, "bare signatures verified (aws-lc)", bare, "/s");
    report.add(PART, "ratio to bare signatures", full / bare, "");
    Ok(())
}

/// Answers a second: a challenge was made and kept, and its answer is read and verified as the server does.
fn verified(passkey: &Passkey, party: &RelyingParty, known: &PasskeyForSignIn, length: Duration) -> Result<f64> {
    let world = World::real();
    let (mut spent, mut count) = (Duration::ZERO, 0_u32);
    while spent < length {
        let mut answers = Vec::with_capacity(PIECE);
        for _ in 0..PIECE {
            let allow = std::slice::from_ref(known);
            let (options, state) = party.start_assertion(allow, Verification::Preferred, world.random.as_ref())?;
            let challenge = options.get("challenge").and_then(serde_json::Value::as_str).context("no challenge")?;
            answers.push((state, passkey.assertion(&known.credential_id, HOST, challenge)?));
        }
        let began = Instant::now();
        for (state, answer) in answers {
            let identified = RelyingParty::identify(answer.as_bytes())?;
            if identified.credential_id != known.credential_id {
                bail!("another passkey");
            }
            black_box(party.finish_assertion(state, answer.as_bytes(), known)?);
            count += 1;
        }
        spent += began.elapsed();
    }
    Ok(f64::from(count) / spent.as_secs_f64())
}

/// The same signatures, without anything around them.
fn bare(passkey: &Passkey, length: Duration) -> Result<f64> {
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, passkey.point().to_vec());
    let signed = [3_u8; 69];
    let signature = passkey.sign(&signed)?;
    let (began, mut count) = (Instant::now(), 0_u32);
    while began.elapsed() < length {
        for _ in 0..100 {
            if key.verify(black_box(&signed), black_box(&signature)).is_err() {
                bail!("a right signature was refused");
            }
            count += 1;
        }
    }
    Ok(f64::from(count) / began.elapsed().as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
    };

    #[test]
    fn the_software_authenticators_answers_are_taken() {
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new()).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, made.as_ref()).unwrap();
        let mut report = Report::default();
        run(&Passkey::new(key), Duration::from_millis(1), &mut report).unwrap();
        assert!(report.best(PART, "answers verified") > 0.0);
    }
}
