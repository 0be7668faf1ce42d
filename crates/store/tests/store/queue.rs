//! The queue of messages, and the carriers that are cut off.

use crate::support::{NOW, Site, each_engine};
use countersign_store::{QueuedRow, SupplierDeletionRow};
use futures_util::future::join_all;
use types::MessageId;

const DEAD: [u8; 16] = [1; 16];

async fn queued(site: &Site, count: usize) -> Vec<MessageId> {
    let mut ids = Vec::new();
    for _ in 0..count {
        let message = site.new_message(NOW.day(), "sms");
        let row = QueuedRow {
            tenant: site.a,
            id: message.id,
            holder: DEAD.to_vec(),
            key_id: vec![2; 16],
            until: 7,
            state: "queued".to_owned(),
            carrier: String::new(),
            sealed: vec![3; 64],
        };
        site.write(async |tx| {
            tx.insert_message(&message).await?;
            tx.queue_message(&row).await
        })
        .await;
        ids.push(message.id);
    }
    ids
}

#[test]
fn of_many_who_take_over_each_row_has_one() {
    each_engine(async |site| {
        let ids = queued(site, 40).await;
        let heirs: Vec<[u8; 16]> = (10..30).map(|n| [n; 16]).collect();
        let taken = join_all(heirs.iter().map(|heir| site.store.take_over_messages(&DEAD, heir))).await;
        let mut taken: Vec<MessageId> = taken.into_iter().flat_map(Result::unwrap).map(|row| row.id).collect();
        taken.sort();
        let mut wanted = ids;
        wanted.sort();
        assert_eq!(taken, wanted, "a row was taken twice, or not at all");
        assert!(site.store.take_over_messages(&DEAD, &[99; 16]).await.unwrap().is_empty());
    });
}

#[test]
fn what_is_handed_is_the_holders_and_is_taken_back_no_more() {
    each_engine(async |site| {
        let ids = queued(site, 3).await;
        let handed = |ids: &[MessageId]| ids.iter().map(|id| (site.a, *id, "main".to_owned())).collect::<Vec<_>>();
        assert!(site.store.hand_messages(&[9; 16], &handed(&ids)).await.unwrap().is_empty(), "another's");
        site.write(async |tx| {
            assert!(tx.take_back_message(ids[0]).await?);
            assert!(!tx.take_back_message(ids[0]).await?);
            Ok(())
        })
        .await;
        let mut ours = site.store.hand_messages(&DEAD, &handed(&ids)).await.unwrap();
        ours.sort();
        let mut wanted = vec![(site.a, ids[1]), (site.a, ids[2])];
        wanted.sort();
        assert_eq!(ours, wanted, "one that was taken back goes nowhere");
        let row = site.a().message(ids[1]).await.unwrap().unwrap();
        assert_eq!((row.supplier.as_str(), row.state.as_str()), ("main", "queued"));
        site.write(async |tx| {
            assert!(!tx.take_back_message(ids[1]).await?);
            assert!(tx.unqueue_message(ids[1]).await?);
            assert!(!tx.unqueue_message(ids[1]).await?);
            Ok(())
        })
        .await;
        assert_eq!(site.store.left_messages(8, 10).await.unwrap().len(), 1);
        assert!(site.store.left_messages(7, 10).await.unwrap().is_empty(), "its time isn't over");
    });
}

#[test]
fn after_a_restore_what_was_under_way_is_reported() {
    each_engine(async |site| {
        let ids = queued(site, 2).await;
        site.write(async |tx| tx.void_after_restore(NOW).await).await;
        for id in ids {
            let row = site.a().message(id).await.unwrap().unwrap();
            assert_eq!((row.state.as_str(), row.error_class.as_str()), ("failed", "lost"));
        }
        assert!(site.store.take_over_messages(&DEAD, &[99; 16]).await.unwrap().is_empty());
    });
}

#[test]
fn a_carrier_is_cut_once_and_restored_once() {
    each_engine(async |site| {
        assert!(site.store.cut_carrier("main", "a test").await.unwrap());
        assert!(!site.store.cut_carrier("main", "again").await.unwrap());
        let cuts = site.store.carrier_cuts().await.unwrap();
        assert_eq!(
            cuts.iter().map(|cut| (cut.carrier.as_str(), cut.reason.as_str())).collect::<Vec<_>>(),
            [("main", "a test")]
        );
        assert!(site.store.restore_carrier("main").await.unwrap());
        assert!(!site.store.restore_carrier("main").await.unwrap());
        assert!(site.store.carrier_cuts().await.unwrap().is_empty());
    });
}

#[test]
fn what_suppliers_are_to_forget_is_taken_over_once_and_removed() {
    each_engine(async |site| {
        let row = |n: u8, until: i64| SupplierDeletionRow {
            id: vec![n; 16],
            holder: DEAD.to_vec(),
            key_id: vec![2; 16],
            carrier: "main".to_owned(),
            until,
            sealed: vec![n],
        };
        site.store.note_supplier_deletions(&[row(1, 10), row(2, 10), row(3, 5)], &[]).await.unwrap();
        site.store.note_supplier_deletions(&[], &[vec![2; 16]]).await.unwrap();
        assert_eq!(site.store.purge_supplier_deletions(6, 10).await.unwrap(), 1);
        let (first, second) = tokio::join!(
            site.store.take_over_supplier_deletions(&DEAD, &[7; 16]),
            site.store.take_over_supplier_deletions(&DEAD, &[8; 16])
        );
        let both: Vec<_> = first.unwrap().into_iter().chain(second.unwrap()).collect();
        let [taken] = &both[..] else { panic!("{both:?}") };
        assert!(taken.id == vec![1; 16] && taken.holder != DEAD.to_vec());
    });
}
