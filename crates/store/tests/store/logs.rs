//! The three logs.

use crate::support::{NOW, Site, each_engine};
use countersign_store::{AuthLogRow, BillingCount, ResultCount, Span, StoreError};
use types::{LogId, Millis};

const DAY: i64 = 86_400_000;

/// Entries a second apart, and some of another tenant among them.
async fn filled(site: &Site) -> Vec<AuthLogRow> {
    let mut entries = Vec::new();
    for n in 0..10 {
        let result = if n % 3 == 0 { "denied" } else { "success" };
        entries.push(site.new_auth_log(Millis(NOW.0 + n * 1000), result));
        let other = site.new_auth_log(Millis(NOW.0 + n * 1000), "fraud");
        site.write_as(site.b, async |tx| tx.insert_auth_log(&other).await).await;
    }
    site.write(async |tx| {
        // Not in the order of time.
        for entry in entries.iter().rev() {
            tx.insert_auth_log(entry).await?;
        }
        Ok(())
    })
    .await;
    entries
}

fn ids(rows: &[AuthLogRow]) -> Vec<LogId> {
    rows.iter().map(|row| row.id).collect()
}

#[test]
fn a_log_is_read_by_time_in_pages_both_ways() {
    each_engine(async |site| {
        let mut entries = filled(site).await;
        assert_eq!(site.a().auth_log_entry(entries[4].id).await.unwrap().as_ref(), Some(&entries[4]));
        for newest_first in [false, true] {
            let mut span = Span::new(Millis(NOW.0 + 2000), Millis(NOW.0 + 8000), 4);
            span.newest_first = newest_first;
            let mut expected = ids(&entries[2..8]);
            if newest_first {
                expected.reverse();
            }
            let first = site.a().auth_log(&span).await.unwrap();
            assert_eq!(ids(&first), expected[..4]);
            let rest = site.a().auth_log(&span.after(first[3].id)).await.unwrap();
            assert_eq!(ids(&rest), expected[4..]);
            assert!(site.a().auth_log(&span.after(rest[1].id)).await.unwrap().is_empty());
        }
        let all = Span::new(Millis(0), Millis(i64::MAX), 100);
        let read = site.a().auth_log(&all).await.unwrap();
        entries.sort_by_key(|row| row.id);
        assert_eq!(read, entries);
    });
}

#[test]
fn counts_follow_the_span_and_stop_where_they_are_told() {
    each_engine(async |site| {
        filled(site).await;
        let all = Span::new(Millis(0), Millis(i64::MAX), 1);
        assert_eq!(site.a().auth_log_count(&all, 1000).await.unwrap(), 10);
        assert_eq!(site.a().auth_log_count(&all, 3).await.unwrap(), 3);
        let half = Span::new(Millis(NOW.0 + 5000), Millis(i64::MAX), 1);
        assert_eq!(site.a().auth_log_count(&half, 1000).await.unwrap(), 5);
        let results = site.a().auth_log_results(Millis(0), Millis(i64::MAX)).await.unwrap();
        let count = |result: &str, count| ResultCount { result: result.to_owned(), count };
        assert_eq!(results, [count("denied", 4), count("success", 6)]);
        let people = site.a().auth_log_user_results(Millis(0), Millis(i64::MAX)).await.unwrap();
        assert_eq!(people.iter().map(|row| row.result.as_str()).collect::<Vec<_>>(), ["denied", "success"]);
        assert!(people.iter().zip(&results).all(|(people, attempts)| people.count <= attempts.count), "{people:?}");
    });
}

#[test]
fn retention_deletes_the_oldest_in_bounded_steps() {
    each_engine(async |site| {
        let entries = filled(site).await;
        let before = Millis(NOW.0 + 7000);
        let mut deleted = Vec::new();
        loop {
            let gone = site.write(async |tx| tx.delete_auth_log(before, 3).await).await;
            deleted.push(gone);
            if gone < 3 {
                break;
            }
        }
        assert_eq!(deleted, [3, 3, 1]);
        let all = Span::new(Millis(0), Millis(i64::MAX), 100);
        assert_eq!(ids(&site.a().auth_log(&all).await.unwrap()), ids(&entries[7..]));
        assert_eq!(site.b().auth_log_count(&all, 100).await.unwrap(), 10);
    });
}

#[test]
fn the_administrator_log_does_the_same() {
    each_engine(async |site| {
        let mut entries = Vec::new();
        for n in 0..5 {
            entries.push(site.new_admin_log(Millis(NOW.0 + n)));
        }
        site.write(async |tx| {
            for entry in &entries {
                tx.insert_admin_log(entry).await?;
            }
            Ok(())
        })
        .await;
        let span = Span::new(Millis(NOW.0 + 1), Millis(NOW.0 + 4), 2);
        assert_eq!(site.a().admin_log(&span).await.unwrap(), entries[1..3]);
        assert_eq!(site.a().admin_log(&span.after(entries[2].id)).await.unwrap(), entries[3..4]);
        let newest = site.a().admin_log(&span.newest_first()).await.unwrap();
        assert_eq!(newest.iter().map(|row| row.id).collect::<Vec<_>>(), [entries[3].id, entries[2].id]);
        assert_eq!(site.a().admin_log_count(&span, 100).await.unwrap(), 3);
        assert_eq!(site.a().admin_log_entry(entries[0].id).await.unwrap().as_ref(), Some(&entries[0]));
        let gone = site.write(async |tx| tx.delete_admin_log(Millis(NOW.0 + 2), 100).await).await;
        assert_eq!(gone, 2);
        assert_eq!(site.a().admin_log_count(&Span::new(Millis(0), Millis(i64::MAX), 0), 100).await.unwrap(), 3);
    });
}

#[test]
fn a_message_moves_from_state_to_state_once() {
    each_engine(async |site| {
        let mut message = site.new_message(20_000, "sms");
        message.txid = Some(site.id());
        site.write(async |tx| tx.insert_message(&message).await).await;
        assert_eq!(site.a().message(message.id).await.unwrap().as_ref(), Some(&message));
        site.write(async |tx| {
            assert!(tx.set_message_state(message.id, "queued", "sent", "", Some("2")).await?);
            assert!(!tx.set_message_state(message.id, "queued", "failed", "unreachable", None).await?);
            assert!(tx.set_message_state(message.id, "sent", "delivered", "", None).await?);
            Ok(())
        })
        .await;
        let read = site.a().message(message.id).await.unwrap().unwrap();
        assert_eq!(
            (read.state.as_str(), read.billing_class.as_str(), read.error_class.as_str()),
            ("delivered", "2", "")
        );
    });
}

#[test]
fn a_receipt_leads_to_its_message_until_it_expires() {
    each_engine(async |site| {
        let messages: Vec<_> = (0..3).map(|_| site.new_message(NOW.day(), "sms")).collect();
        let later = |n: i64| Millis(NOW.0 + n);
        for (n, message) in (1..).zip(&messages) {
            site.write(async |tx| tx.insert_message(message).await).await;
            let receipt = format!("receipt {n}");
            assert!(site.made(site.a, |it| it.add_receipt(message.id, receipt.as_bytes(), later(n * 10))).await);
        }
        assert!(!site.made(site.a, |it| it.add_receipt(site.id(), b"of nothing", later(10))).await);
        let find = async |receipt: &str, now| {
            let found = site.store.message_of_receipt(receipt.as_bytes(), now).await.unwrap();
            found.map(|(tenant, message)| (tenant, message.id))
        };
        assert_eq!(find("receipt 2", NOW).await, Some((site.a, messages[1].id)));
        let (_, whole) = site.store.message_of_receipt(b"receipt 2", NOW).await.unwrap().unwrap();
        assert_eq!(Some(whole), site.a().message(messages[1].id).await.unwrap());
        assert_eq!(find("receipt 2", later(20)).await, None);
        assert_eq!(find("of nothing", NOW).await, None);
        assert_eq!(site.a().message(messages[0].id).await.unwrap().unwrap().receipt.unwrap(), b"receipt 1");
        let mut plan = site.a().plan();
        plan.add_receipt(messages[0].id, b"receipt 2", later(10));
        assert!(matches!(plan.commit().await, Err(StoreError::Duplicate)));
        assert_eq!(site.a().message(messages[0].id).await.unwrap().unwrap().receipt.unwrap(), b"receipt 1");
        assert_eq!(site.store.purge_receipts(later(20), 1).await.unwrap(), 1);
        assert_eq!(site.store.purge_receipts(later(20), 100).await.unwrap(), 1);
        assert_eq!(site.store.purge_receipts(later(20), 100).await.unwrap(), 0);
        assert_eq!(find("receipt 1", NOW).await, None);
        assert!(find("receipt 3", NOW).await.is_some());
    });
}

#[test]
fn billing_counts_by_day_and_leaves_small_groups_out() {
    each_engine(async |site| {
        let day = NOW.day();
        site.write(async |tx| {
            for n in 0..12 {
                tx.insert_message(&site.new_message(day, "sms")).await?;
                tx.insert_message(&site.new_message(day + 1, "sms")).await?;
                if n < 9 {
                    tx.insert_message(&site.new_message(day, "voice")).await?;
                }
            }
            Ok(())
        })
        .await;
        let (from, to) = (Millis(day * DAY), Millis((day + 1) * DAY));
        let count =
            |channel: &str, count| BillingCount { channel: channel.to_owned(), billing_class: "1".to_owned(), count };
        assert_eq!(site.a().billing(from, to, 10).await.unwrap(), [count("sms", 12)]);
        assert_eq!(site.a().billing(from, to, 1).await.unwrap(), [count("sms", 12), count("voice", 9)]);
        assert!(site.b().billing(from, to, 1).await.unwrap().is_empty());
        let outcomes = site.a().message_outcomes(from, to).await.unwrap();
        let counted: Vec<_> = outcomes.iter().map(|it| (it.channel.as_str(), it.count)).collect();
        assert_eq!(counted, [("sms", 12), ("voice", 9)]);
        assert!(site.b().message_outcomes(from, to).await.unwrap().is_empty());
        let span = Span::new(from, to, 5);
        assert_eq!(site.a().message_count(&span, 1000).await.unwrap(), 21);
        let page = site.a().messages(&span).await.unwrap();
        let next = site.a().messages(&span.after(page[4].id)).await.unwrap();
        assert!(page.iter().chain(&next).all(|message| message.day == day));
        assert!(page[4].id < next[0].id);
        assert_eq!(site.a().messages(&span.newest_first()).await.unwrap().len(), 5);
        assert_eq!(site.write(async |tx| tx.delete_messages(to, 100).await).await, 21);
        assert_eq!(site.a().message_count(&Span::new(Millis(0), Millis(i64::MAX), 0), 1000).await.unwrap(), 12);
    });
}
