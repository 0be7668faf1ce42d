//! After a restore: what could have been used meanwhile is used up.

use crate::support::{ALL, NOW, each_engine};
use countersign_store::codes::SmsCodeRow;
use types::SmsCodeId;

#[test]
fn steps_up_to_now_are_used_up_and_what_was_sent_is_gone_but_only_in_that_tenant() {
    each_engine(async |site| {
        let random = site.world.random.as_ref();
        let mut made = Vec::new();
        for tenant in [site.a, site.b] {
            let rows =
                [("t6", 30, 0, 5), ("t8", 60, 2, 5), ("t6", 30, -3, i64::MAX / 2), ("h6", 0, 0, 7), ("yk", 0, 0, 8)];
            for (place, (kind, period, drift, counter)) in rows.into_iter().enumerate() {
                let mut token = site.new_token(&format!("{kind}-{place}"));
                (token.r#type, token.period, token.drift, token.counter) = (kind.to_owned(), period, drift, counter);
                site.write_as(tenant, async |tx| tx.insert_token(&token).await).await;
                made.push((tenant, token.id, counter));
            }
            let phone = site.new_phone();
            let code = SmsCodeRow {
                id: SmsCodeId::new(NOW, random),
                phone_id: phone.id,
                digest: vec![1; 32],
                first_digit: "1".to_owned(),
                expires: None,
                used_at: None,
                created: NOW,
            };
            site.write_as(tenant, async |tx| {
                tx.insert_phone(&phone).await?;
                tx.replace_sms_codes(phone.id, std::slice::from_ref(&code)).await
            })
            .await;
        }
        site.write(async |tx| tx.void_after_restore(NOW).await).await;
        let step = NOW.seconds() / 30;
        let wanted = [step + 1, NOW.seconds() / 60 + 3, i64::MAX / 2, 7, 8];
        for ((tenant, token, before), wanted) in
            made.into_iter().zip(wanted.into_iter().chain([5, 5, i64::MAX / 2, 7, 8]))
        {
            let counter = site.store.tenant(tenant).token(token).await.unwrap().unwrap().counter;
            assert_eq!(counter, wanted, "was {before}");
        }
        for (tenant, left) in [(site.a, 0), (site.b, 1)] {
            let scope = site.store.tenant(tenant);
            let phones = scope.phones(ALL).await.unwrap().rows;
            assert_eq!(scope.sms_codes(phones[0].id, NOW).await.unwrap().len(), left);
        }
    });
}
