//! The same for what programs make and send through the messaging API.

use crate::{
    rows::LATER,
    support::{ALL, NOW, Site, each_engine},
};
use countersign_store::{
    ApiMessageRow, ApiObjectRow, AttemptFilter, ChallengeRow, FactorRow, StoreError, Tenant, Tx, VerificationRow,
    VerifyAttemptRow,
};
use types::{ApiObjectId, ChallengeId, FactorId, MessageId, Millis, VerificationId, VerifyAttemptId};

const DIGEST: &[u8] = &[9; 32];
const ROOT: ApiObjectId = ApiObjectRow::ROOT;
const ALWAYS: (Millis, Millis) = (Millis(0), Millis(i64::MAX));

/// One of each thing, all of tenant A.
struct Things {
    service: ApiObjectRow,
    entity: ApiObjectId,
    message: ApiMessageRow,
    verification: VerificationRow,
    attempt: VerifyAttemptId,
    factor: FactorRow,
    challenge: ChallengeRow,
}

fn object(site: &Site, kind: &str, parent: ApiObjectId, handle: Option<&str>) -> ApiObjectRow {
    ApiObjectRow {
        id: ApiObjectId::new(NOW, site.world.random.as_ref()),
        kind: kind.to_owned(),
        parent,
        handle: handle.map(ToOwned::to_owned),
        name: "name".to_owned(),
        detail: "{}".to_owned(),
        digest: None,
        created: NOW,
        updated: NOW,
    }
}

fn made(site: &Site) -> (ApiObjectRow, ApiObjectRow, Things) {
    let random = site.world.random.as_ref();
    let service = object(site, "service", ROOT, None);
    let entity = object(site, "entity", service.id, Some("alice"));
    let message = ApiMessageRow {
        id: MessageId::new(NOW, random),
        kind: "message".to_owned(),
        mark: DIGEST.to_vec(),
        once: Some(DIGEST.to_vec()),
        sealed: Some(DIGEST.to_vec()),
        told: String::new(),
        tries: 0,
        due: Some(NOW),
        leased: Millis(0),
    };
    let verification = VerificationRow {
        id: VerificationId::new(NOW, random),
        service: service.id,
        whose: DIGEST.to_vec(),
        digest: DIGEST.to_vec(),
        sealed: DIGEST.to_vec(),
        channel: "sms".to_owned(),
        sends: 1,
        checks: 0,
        message: None,
        created: NOW,
        updated: NOW,
        expires: LATER,
    };
    let factor = FactorRow {
        id: FactorId::new(NOW, random),
        entity: entity.id,
        kind: "totp".to_owned(),
        name: "name".to_owned(),
        state: "verified".to_owned(),
        config: "{}".to_owned(),
        sealed: DIGEST.to_vec(),
        period: 30,
        last_step: 0,
        drift: 0,
        created: NOW,
        updated: NOW,
    };
    let challenge = ChallengeRow {
        id: ChallengeId::new(NOW, random),
        entity: entity.id,
        factor: factor.id,
        state: "pending".to_owned(),
        sealed: DIGEST.to_vec(),
        created: NOW,
        updated: NOW,
        responded: None,
        expires: LATER,
    };
    let things = Things {
        service: service.clone(),
        entity: entity.id,
        message,
        verification,
        attempt: VerifyAttemptId::new(NOW, random),
        factor,
        challenge,
    };
    (service, entity, things)
}

async fn things(site: &Site) -> Things {
    let (service, entity, of) = made(site);
    site.write(async |tx| {
        assert!(tx.insert_api_object(&service).await? && tx.insert_api_object(&entity).await?);
        assert!(tx.insert_api_message(&of.message).await?);
        assert!(tx.insert_verification(&of.verification, NOW).await?);
        tx.insert_verify_attempt(&VerifyAttemptRow {
            id: of.attempt,
            service: of.service.id,
            verification: of.verification.id,
            channel: "sms".to_owned(),
            country: "US".to_owned(),
            converted: false,
        })
        .await?;
        assert!(tx.insert_factor(&of.factor).await?);
        assert!(tx.insert_challenge(&of.challenge).await?);
        Ok(())
    })
    .await;
    of
}

fn filter() -> AttemptFilter {
    AttemptFilter {
        from: ALWAYS.0,
        to: ALWAYS.1,
        service: None,
        verification: None,
        channel: None,
        country: None,
        converted: None,
    }
}

/// Each reading method, and whether it found something.
async fn reads(tenant: Tenant<'_>, of: &Things) -> Result<Vec<(&'static str, bool)>, StoreError> {
    let (service, entity) = (of.service.id, of.entity);
    Ok(vec![
        ("api_object", tenant.api_object("service", ROOT, service).await?.is_some()),
        ("api_object_named", tenant.api_object_named("entity", service, "alice").await?.is_some()),
        ("api_objects", !tenant.api_objects("entity", service, None, 5).await?.is_empty()),
        ("api_message", tenant.api_message("message", of.message.id).await?.is_some()),
        ("api_message_once", tenant.api_message_once(DIGEST).await?.is_some()),
        ("api_messages", !tenant.api_messages("message", ALWAYS, None, 5).await?.is_empty()),
        ("verification", tenant.verification(service, of.verification.id, NOW).await?.is_some()),
        ("verification_of", tenant.verification_of(service, DIGEST, NOW).await?.is_some()),
        ("verify_attempt", tenant.verify_attempt(of.attempt).await?.is_some()),
        ("verify_attempts", !tenant.verify_attempts(&filter(), None, 5).await?.is_empty()),
        ("verify_conversion", tenant.verify_conversion(&filter()).await?.0 > 0),
        ("factor", tenant.factor(entity, of.factor.id).await?.is_some()),
        ("factors_of", !tenant.factors_of(entity, None, 5).await?.is_empty()),
        ("factors", tenant.factors(ALL).await?.total > 0),
        ("challenge", tenant.challenge(entity, of.challenge.id).await?.is_some()),
        ("challenges", !tenant.challenges(entity, None, None, 5).await?.is_empty()),
    ])
}

/// Each writing method, and whether it changed something; in an order in which the owner's all do.
async fn writes(tx: &mut Tx, of: &Things) -> Result<Vec<(&'static str, bool)>, StoreError> {
    let (service, entity, verification) = (of.service.id, of.entity, of.verification.id);
    let again = VerificationRow { digest: vec![8; 32], ..of.verification.clone() };
    Ok(vec![
        ("change_api_object", tx.change_api_object(&of.service, Some("other"), None, NOW).await?),
        ("lease_api_message", tx.lease_api_message(of.message.id, LATER, NOW).await?.is_some()),
        ("tell_api_message", tx.tell_api_message(of.message.id, "sent", 0, Some(LATER)).await?),
        ("delete_api_message", tx.delete_api_message("message", of.message.id).await?),
        ("send_verification_again", tx.send_verification_again(&again, 5, 5).await?),
        ("note_verification_message", tx.note_verification_message(verification, of.message.id).await?),
        ("renew_verification", tx.renew_verification(verification, &[8; 32], &[7; 32], "call", NOW).await?),
        ("spend_verification_check", tx.spend_verification_check(service, verification, 5, NOW).await?.is_some()),
        ("convert_verify_attempt", tx.convert_verify_attempt(of.attempt).await?),
        ("end_verification", tx.end_verification(verification, &[7; 32]).await?),
        ("change_factor", tx.change_factor(of.factor.id, "other", "{}", NOW).await?),
        ("spend_factor_step", tx.spend_factor_step(of.factor.id, 5, 0).await?),
        ("reseal_factor", tx.reseal_factor(of.factor.id, DIGEST, &[8; 32]).await?),
        ("answer_challenge", tx.answer_challenge(of.challenge.id, "approved", NOW).await?),
        ("delete_factor", tx.delete_factor(entity, of.factor.id).await?),
        ("delete_api_object", tx.delete_api_object("service", ROOT, service).await?),
    ])
}

#[test]
fn another_tenant_finds_and_changes_nothing_of_a_programs() {
    each_engine(async |site| {
        let of = things(site).await;
        for (name, found) in reads(site.b(), &of).await.unwrap() {
            assert!(!found, "{name} finds tenant A's for tenant B");
        }
        for (name, changed) in site.write_as(site.b, async |tx| writes(tx, &of).await).await {
            assert!(!changed, "{name} changes tenant A's for tenant B");
        }
        // What is part of another's is not made either.
        site.write_as(site.b, async |tx| {
            assert!(!tx.verify_factor(of.factor.id, NOW).await?);
            assert!(!tx.delete_verification(of.service.id, of.verification.id).await?);
            let random = site.world.random.as_ref();
            let factor = FactorRow { id: FactorId::new(NOW, random), ..of.factor.clone() };
            assert!(!tx.insert_factor(&factor).await?);
            let challenge = ChallengeRow { id: ChallengeId::new(NOW, random), ..of.challenge.clone() };
            assert!(!tx.insert_challenge(&challenge).await?);
            Ok(())
        })
        .await;
        for (name, found) in reads(site.a(), &of).await.unwrap() {
            assert!(found, "{name} finds nothing for its owner");
        }
        for (name, changed) in site.write(async |tx| writes(tx, &of).await).await {
            assert!(changed, "{name} changes nothing for its owner");
        }
        // With the service all that was part of it is gone.
        assert!(site.a().api_object_named("entity", of.service.id, "alice").await.unwrap().is_none());
    });
}

#[test]
fn an_unverified_factor_is_verified_once_and_asked_nothing_before() {
    each_engine(async |site| {
        let (service, entity, mut of) = made(site);
        of.factor.state = "unverified".to_owned();
        site.write(async |tx| {
            assert!(tx.insert_api_object(&service).await? && tx.insert_api_object(&entity).await?);
            assert!(!tx.insert_api_object(&object(site, "entity", service.id, Some("alice"))).await?);
            assert!(tx.insert_factor(&of.factor).await?);
            assert!(!tx.insert_challenge(&of.challenge).await?);
            assert!(tx.verify_factor(of.factor.id, NOW).await?);
            assert!(!tx.verify_factor(of.factor.id, NOW).await?);
            assert!(tx.spend_factor_step(of.factor.id, 7, 0).await?);
            for used in [7, 6] {
                assert!(!tx.spend_factor_step(of.factor.id, used, 0).await?, "a replay");
            }
            assert!(tx.insert_challenge(&of.challenge).await?);
            assert!(!tx.answer_challenge(of.challenge.id, "approved", LATER).await?, "too late");
            assert!(tx.answer_challenge(of.challenge.id, "denied", NOW).await?);
            assert!(!tx.answer_challenge(of.challenge.id, "approved", NOW).await?, "twice");
            Ok(())
        })
        .await;
        // A key is found before anybody knows whose it is; another kind of object isn't.
        let key = object(site, "key", ROOT, None);
        site.write(async |tx| tx.insert_api_object(&key).await).await;
        assert_eq!(site.store.tenant_of_api_key(key.id).await.unwrap(), Some(site.a));
        assert_eq!(site.store.tenant_of_api_key(service.id).await.unwrap(), None);
    });
}

#[test]
fn what_is_over_is_purged_and_a_restore_brings_no_step_back() {
    each_engine(async |site| {
        let of = things(site).await;
        assert_eq!(site.store.api_messages_due(NOW, 5).await.unwrap(), [(site.a, of.message.id)]);
        assert_eq!(site.store.purge_verifications(NOW, 5).await.unwrap(), 0);
        site.write(async |tx| tx.void_after_restore(NOW).await).await;
        let factor = site.a().factor(of.entity, of.factor.id).await.unwrap().unwrap();
        assert_eq!(factor.last_step, NOW.seconds() / 30 + 1);
        assert!(site.a().verification(of.service.id, of.verification.id, NOW).await.unwrap().is_none());
        assert!(site.a().challenge(of.entity, of.challenge.id).await.unwrap().is_none());
        site.write(async |tx| {
            assert!(tx.insert_verification(&of.verification, NOW).await?);
            assert!(tx.insert_challenge(&of.challenge).await?);
            Ok(())
        })
        .await;
        let after = LATER + std::time::Duration::from_secs(1);
        assert_eq!(site.store.purge_verifications(after, 5).await.unwrap(), 1);
        assert_eq!(site.store.purge_challenges(after, 5).await.unwrap(), 1);
        let later = NOW + std::time::Duration::from_secs(2 * 86_400);
        site.write(async |tx| {
            assert_eq!(tx.delete_api_messages(later, 5).await?, 1);
            assert_eq!(tx.delete_verify_attempts(later, 5).await?, 1);
            Ok(())
        })
        .await;
    });
}
