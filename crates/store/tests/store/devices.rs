//! Phones and tokens.

use crate::support::{ALL, NOW, each_engine};
use countersign_store::{PhoneChange, SealedNumber, StoreError};
use types::Millis;

#[test]
fn a_phone_is_read_as_written_and_changed_in_part() {
    each_engine(async |site| {
        let mut phone = site.new_phone();
        site.write(async |tx| tx.insert_phone(&phone).await).await;
        assert_eq!(site.a().phone(phone.id).await.unwrap().as_ref(), Some(&phone));
        let change = PhoneChange { name: Some("other".to_owned()), predelay: Some(3), ..PhoneChange::default() };
        let key = vec![4; 65];
        site.write(async |tx| {
            assert!(tx.change_phone(phone.id, &change).await?);
            assert!(tx.set_phone_key(phone.id, &key, "pixel", NOW).await?);
            Ok(())
        })
        .await;
        phone.name = "other".to_owned();
        phone.predelay = 3;
        phone.public_key = Some(key);
        phone.device_name = "pixel".to_owned();
        phone.last_seen = Some(NOW);
        assert_eq!(site.a().phone(phone.id).await.unwrap().as_ref(), Some(&phone));
        site.write(async |tx| {
            assert!(!tx.phone_seen(phone.id, Millis(NOW.0 - 1)).await?, "time doesn't run back");
            assert!(tx.phone_seen(phone.id, Millis(NOW.0 + 1)).await?);
            assert!(tx.clear_phone_key(phone.id).await?);
            assert!(tx.set_phone_number(phone.id, SealedNumber::default()).await?);
            Ok(())
        })
        .await;
        let read = site.a().phone(phone.id).await.unwrap().unwrap();
        assert_eq!(
            (read.public_key, read.number, read.tail, read.last_seen),
            (None, None, None, Some(Millis(NOW.0 + 1)))
        );
    });
}

#[test]
fn a_number_is_sealed_anew_only_while_it_is_the_same() {
    each_engine(async |site| {
        let phone = site.phone().await;
        let sealed = |number: &[u8]| SealedNumber { number: Some(number.to_vec()), tail: None };
        site.write(async |tx| {
            let first = SealedNumber { number: Some(vec![1, 2, 3]), tail: Some(vec![4]) };
            assert!(!tx.reseal_phone(phone, sealed(&[1, 2, 3]), sealed(&[9])).await?);
            assert!(tx.reseal_phone(phone, first.clone(), sealed(&[9])).await?);
            assert!(!tx.reseal_phone(phone, first, sealed(&[8])).await?);
            // Nothing is a value like another here.
            assert!(tx.reseal_phone(phone, sealed(&[9]), sealed(&[7])).await?);
            Ok(())
        })
        .await;
        assert_eq!(site.a().phone(phone).await.unwrap().unwrap().number, Some(vec![7]));
    });
}

#[test]
fn devices_belong_to_several_users() {
    each_engine(async |site| {
        let (one, two) = (site.user("one").await, site.user("two").await);
        let (phone, token) = (site.phone().await, site.token("1").await);
        site.write(async |tx| {
            for user in [one, two, one] {
                assert!(tx.attach_phone(user, phone).await?);
                assert!(tx.attach_token(user, token).await?);
            }
            assert!(!tx.attach_phone(one, site.id()).await?);
            assert!(!tx.attach_token(site.id(), token).await?);
            Ok(())
        })
        .await;
        let users = |found: Vec<(_, countersign_store::UserRow)>| {
            let mut names: Vec<_> = found.into_iter().map(|(_, user)| user.username).collect();
            names.sort();
            names
        };
        let by_phone = site.a().users_of_phones(&[phone]).await.unwrap();
        assert_eq!(users(by_phone.into_iter().map(|(_, user)| ((), user)).collect()), ["one", "two"]);
        let by_token = site.a().users_of_tokens(&[token]).await.unwrap();
        assert_eq!(users(by_token.into_iter().map(|(_, user)| ((), user)).collect()), ["one", "two"]);
        let armed = async || site.a().phone(phone).await.unwrap().unwrap().public_key.is_some();
        site.write(async |tx| tx.set_phone_key(phone, &[1; 65], "pixel", NOW).await).await;
        site.write(async |tx| tx.detach_phone(two, phone).await).await;
        assert!(armed().await, "another has it still");
        site.write(async |tx| tx.attach_phone(two, phone).await).await;
        site.write(async |tx| {
            assert!(tx.detach_phone(one, phone).await?);
            assert!(!tx.detach_phone(one, phone).await?);
            assert!(tx.detach_token(one, token).await?);
            Ok(())
        })
        .await;
        assert_eq!(site.a().phones_of_users(&[one, two]).await.unwrap().len(), 1);
        assert_eq!(site.a().tokens_of_users(&[one, two]).await.unwrap()[0].0, two);
        assert!(armed().await);
        site.write(async |tx| tx.detach_phone(two, phone).await).await;
        assert!(!armed().await, "nobody has it: whoever gets it next gets no authenticator with it");
        site.write(async |tx| tx.attach_phone(two, phone).await).await;
        site.write(async |tx| {
            assert!(tx.delete_phone(phone).await?);
            assert!(tx.delete_token(token).await?);
            assert!(!tx.delete_phone(phone).await?);
            assert!(!tx.delete_token(token).await?);
            Ok(())
        })
        .await;
        assert!(site.a().phones_of_users(&[two]).await.unwrap().is_empty());
        assert!(site.a().tokens_of_users(&[two]).await.unwrap().is_empty());
        assert_eq!(site.a().phones(ALL).await.unwrap().total, 0);
    });
}

#[test]
fn a_serial_is_once_for_each_type() {
    each_engine(async |site| {
        let mut token = site.new_token("42");
        site.write(async |tx| tx.insert_token(&token).await).await;
        assert_eq!(site.a().token(token.id).await.unwrap().as_ref(), Some(&token));
        assert_eq!(site.a().token_by_serial("t6", "42").await.unwrap().as_ref(), Some(&token));
        assert!(site.a().token_by_serial("h6", "42").await.unwrap().is_none());
        token.id = site.id();
        let mut tx = site.a().begin().await.unwrap();
        assert!(matches!(tx.insert_token(&token).await, Err(StoreError::Duplicate)));
        drop(tx);
        token.r#type = "h6".to_owned();
        site.write(async |tx| tx.insert_token(&token).await).await;
        assert_eq!(site.a().tokens(ALL).await.unwrap().total, 2);
    });
}

#[test]
fn another_step_tells_the_same_moment() {
    each_engine(async |site| {
        let token = site.token("1").await;
        site.write(async |tx| {
            assert!(tx.resync_token(token, 7, 59_842_687, 2).await?);
            assert!(tx.set_token_period(token, 60).await?);
            Ok(())
        })
        .await;
        let read = site.a().token(token).await.unwrap().unwrap();
        assert_eq!((read.period, read.counter, read.drift), (60, 29_921_343, 0));
    });
}

#[test]
fn a_counter_is_moved_only_from_where_it_was_seen() {
    each_engine(async |site| {
        let token = site.token("1").await;
        site.write(async |tx| {
            assert!(!tx.resync_token(token, 6, 100, 1).await?);
            assert!(tx.resync_token(token, 7, 100, -2).await?);
            assert!(!tx.resync_token(token, 7, 101, 0).await?);
            assert!(tx.reseal_token(token, &[9; 20], &[8; 20]).await?);
            assert!(!tx.reseal_token(token, &[9; 20], &[7; 20]).await?);
            Ok(())
        })
        .await;
        let read = site.a().token(token).await.unwrap().unwrap();
        assert_eq!((read.counter, read.drift, read.seed), (100, -2, vec![8; 20]));
    });
}
