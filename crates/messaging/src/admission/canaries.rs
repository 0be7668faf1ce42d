//! Texts that come for, or from, a number that is nobody's.
//!
//! A number that stands in the directory to be stolen is one of the organisation's own that nobody uses, so a text that arrives for it was
//! written by somebody who has it from there; and one that comes from it was written in its name. Both are alarms. Whoever writes is told
//! nothing.

use crate::Inbound;
use std::time::Duration;
use store::{Store, StoreError, fields, limits::Limit};
use types::{E164, Millis, TenantId};

/// Tenants that are looked at together.
const PAGE: i64 = 200;
/// So many of these alarms a tenant gets: anybody can write texts, and the log is not to be filled by them.
const ALARMS: Limit = Limit { max: 20, window: Duration::from_secs(3600) };

/// Raises the alarm of each tenant one of whose canaries a text names. Whether there was any.
pub(crate) async fn heed(store: &Store, inbound: &Inbound, now: Millis) -> Result<bool, StoreError> {
    let mut last: Option<TenantId> = None;
    let mut found = false;
    let to = number(&inbound.to);
    loop {
        let page = store.tenants_with_canary_numbers(last, PAGE).await?;
        let Some(end) = page.last() else { return Ok(found) };
        last = Some(*end);
        for tenant in page {
            let scope = store.tenant(tenant);
            let what = match &to {
                Some(to) if scope.is_canary_number(to).await? => "number_canary_written_to",
                _ if scope.is_canary_number(&inbound.from).await? => "number_canary_wrote",
                _ => continue,
            };
            found = true;
            let bucket = scope.keys().await?.digest(fields::LIMIT, &[b"canary-inbound", what.as_bytes()]);
            let mut tx = scope.begin().await?;
            let may = tx.spend(bucket, ALARMS, 1, now).await?;
            tx.commit().await?;
            if may {
                scope.raise(what, "", r#"{"inbound":true}"#).await?;
            }
        }
    }
}

/// The number that was written to, with or without its `+`; none for a short code or a name.
fn number(to: &str) -> Option<E164> {
    let digits = to.trim().trim_start_matches('+');
    format!("+{digits}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Fixture;
    use store::{GUARD, Span};
    use types::SecretString;

    const NOBODYS: &str = "+4915100000009";
    const SOMEBODYS: &str = "+4915100000008";

    fn text(from: &str, to: &str) -> Inbound {
        Inbound { from: from.parse().unwrap(), to: to.to_owned(), text: SecretString::new("hello".to_owned()) }
    }

    #[tokio::test]
    async fn m7_a_text_for_or_from_a_number_that_is_nobodys_is_an_alarm_of_its_tenant() {
        let fixture = Fixture::new().await;
        let (tenant, _) = fixture.tenant("{}", true).await;
        let (other, _) = fixture.tenant("{}", true).await;
        let (store, now) = (&fixture.store, fixture.store.world().now());
        let scope = store.tenant(tenant);
        let mark = scope.canary_mark(&NOBODYS.parse().unwrap()).await.unwrap();
        scope.set_canary_number("admin", &mark, true).await.unwrap();
        let mut heard = store.alarms();
        for quiet in [text(SOMEBODYS, SOMEBODYS), text(SOMEBODYS, "Acme"), text(SOMEBODYS, "12345")] {
            assert!(!heed(store, &quiet, now).await.unwrap());
        }
        assert!(heard.try_recv().is_err());
        for (alarming, what) in [
            (text(SOMEBODYS, NOBODYS), "number_canary_written_to"),
            (text(SOMEBODYS, &NOBODYS[1..]), "number_canary_written_to"),
            (text(NOBODYS, "Acme"), "number_canary_wrote"),
        ] {
            assert!(heed(store, &alarming, now).await.unwrap());
            let alarm = heard.try_recv().unwrap();
            assert_eq!((alarm.tenant, alarm.what, alarm.who.as_str()), (tenant, what, ""));
        }
        // Whoever writes a thousand texts fills no log.
        for _ in 0..50 {
            assert!(heed(store, &text(SOMEBODYS, NOBODYS), now).await.unwrap());
        }
        let everything = Span::new(Millis(0), Millis(i64::MAX), 1000);
        let alarms =
            |acts: Vec<store::AdminLogRow>| acts.into_iter().filter(|act| act.actor == GUARD).collect::<Vec<_>>();
        let theirs = alarms(scope.admin_log(&everything).await.unwrap());
        assert_eq!(theirs.len(), 21, "twenty of one kind in an hour, and one of the other");
        assert!(theirs.iter().all(|act| !act.detail.contains(&NOBODYS[4..])));
        assert!(alarms(store.tenant(other).admin_log(&everything).await.unwrap()).is_empty());
    }
}
