//! The headers of the message log's segments: each tenant's own, read by their days, gone with their day; and which day keys the house uses.

use crate::support::{NOW, Site, each_engine};
use countersign_store::{Span, StoreError};
use keys::{DayKeys, FileRoot, KeyError, KeyRing};
use std::{sync::Arc, time::Duration};
use types::{Millis, SegmentId};

const DAY: i64 = 86_400_000;
const HEADER: &[u8] = b"a header";

fn segment(site: &Site, day: i64) -> SegmentId {
    SegmentId::new(Millis(day * DAY), site.world.random.as_ref())
}

fn always() -> Span {
    Span::new(Millis(0), Millis(i64::MAX), 100)
}

#[test]
fn a_tenant_reads_its_own_headers_by_their_days() {
    each_engine(async |site| {
        let today = NOW.day();
        let ids: Vec<SegmentId> = (-1..=1).map(|n| segment(site, today + n)).collect();
        for (id, day) in ids.iter().zip(today - 1..) {
            site.a().add_log_segment(*id, day, HEADER).await.unwrap();
        }
        let all = site.a().log_segments(&always()).await.unwrap();
        assert_eq!(all.iter().map(|one| one.id).collect::<Vec<_>>(), ids);
        assert!(all.iter().all(|one| one.header.as_deref() == Some(HEADER)));
        // A span of minutes has the segment of its day; pages go on after the last.
        let moment = Span::new(NOW, NOW + Duration::from_secs(60), 100);
        assert_eq!(site.a().log_segments(&moment).await.unwrap(), [all[1].clone()]);
        let two = Span { limit: 2, ..always() };
        let first = site.a().log_segments(&two).await.unwrap();
        let rest = site.a().log_segments(&two.after(first[1].id)).await.unwrap();
        assert_eq!([first, rest].concat(), all);
        // Another tenant's are not there, its own under the same id are its own, and it can't delete these.
        assert!(site.b().log_segments(&always()).await.unwrap().is_empty());
        site.b().add_log_segment(ids[0], today - 1, b"another").await.unwrap();
        site.write_as(site.b, async |tx| {
            assert_eq!(tx.delete_log_segments(Millis(i64::MAX), 10).await?, 1);
            Ok(())
        })
        .await;
        assert_eq!(site.a().log_segments(&always()).await.unwrap(), all);
        // What is deleted is whole days before the moment's own.
        site.write_as(site.a, async |tx| {
            assert_eq!(tx.delete_log_segments(NOW, 10).await?, 1);
            Ok(())
        })
        .await;
        assert_eq!(site.a().log_segments(&always()).await.unwrap(), all[1..]);
        let twice = site.a().add_log_segment(ids[1], today, HEADER).await;
        assert!(matches!(twice, Err(StoreError::Duplicate)));
    });
}

/// M4: a row that is still there, as in a backup, has no header any more.
#[test]
fn a_day_that_the_ratchet_has_passed_has_no_header() {
    each_engine(async |site| {
        let today = NOW.day();
        site.a().add_log_segment(segment(site, today), today, HEADER).await.unwrap();
        let days = Arc::clone(site.store.day_keys().unwrap());
        site.clock.advance(Duration::from_secs(86_400));
        assert!(days.advance(today + 1, &site.world).unwrap());
        let all = site.a().log_segments(&always()).await.unwrap();
        assert_eq!((all.len(), all[0].header.as_deref()), (1, None));
        let over = site.a().add_log_segment(segment(site, today), today, HEADER).await;
        assert!(matches!(over, Err(StoreError::Key(KeyError::Shredded))));
    });
}

#[test]
fn a_node_with_other_day_keys_is_told_so() {
    each_engine(async |site| {
        let other = tempfile::tempdir().unwrap();
        let root = FileRoot::open_or_create(&other.path().join("root.key"), &site.world).unwrap();
        let ring = KeyRing::new(Arc::new(root));
        let other = DayKeys::open_or_create(&other.path().join("log-days.key"), &ring, &site.world).unwrap();
        let days = site.store.day_keys().unwrap();
        assert!(!site.store.has_log_days().await.unwrap());
        assert!(site.store.agree_on_log_days(days).await.unwrap());
        assert!(site.store.has_log_days().await.unwrap());
        assert!(site.store.agree_on_log_days(days).await.unwrap());
        assert!(!site.store.agree_on_log_days(&other).await.unwrap());
        // Days later, with days forgotten, the note has moved along, and the other still isn't the house's.
        for _ in 0..3 {
            site.clock.advance(Duration::from_secs(86_400));
            assert!(site.store.agree_on_log_days(days).await.unwrap());
            days.advance(site.world.now().day(), &site.world).unwrap();
            assert!(site.store.agree_on_log_days(days).await.unwrap());
            assert!(!site.store.agree_on_log_days(&other).await.unwrap());
        }
        // After a restore elsewhere the machine's own count.
        site.store.forget_log_days().await.unwrap();
        assert!(site.store.agree_on_log_days(&other).await.unwrap());
        assert!(!site.store.agree_on_log_days(days).await.unwrap());
    });
}
