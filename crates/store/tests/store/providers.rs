//! A tenant's providers, whose their subjects are, and browsers on their way.

use crate::{
    rows::LATER,
    support::{NOW, each_engine},
};
use countersign_store::{ProviderLinkRow, ProviderRequestRow, ProviderRow, SignInRow, sealed};
use futures_util::future::join_all;
use types::{SignInId, UserId};

fn row(key: &str, secret: Option<&[u8]>) -> ProviderRow {
    ProviderRow {
        key: key.to_owned(),
        kind: "oidc".to_owned(),
        settings: "{}".to_owned(),
        secret: secret.map(<[u8]>::to_vec),
        enabled: true,
        set_at: NOW,
        set_by: "helpdesk".to_owned(),
    }
}

fn link(subject: &str, user_id: UserId) -> ProviderLinkRow {
    ProviderLinkRow {
        provider: "corp".to_owned(),
        subject: subject.to_owned(),
        user_id,
        created: NOW,
        made_by: "helpdesk".to_owned(),
    }
}

fn request(digest: u8, sign_in: SignInId) -> ProviderRequestRow {
    ProviderRequestRow {
        digest: vec![digest; 32],
        provider: "corp".to_owned(),
        sign_in,
        sealed: vec![1; 40],
        answer: None,
        created: NOW,
        expires: LATER,
    }
}

#[test]
fn a_subject_is_one_persons_and_a_person_has_one_at_each_provider() {
    each_engine(async |site| {
        let (ana, bob) = (site.user("ana").await, site.user("bob").await);
        site.write(async |tx| {
            assert!(tx.insert_provider(&row("corp", None)).await? && !tx.insert_provider(&row("corp", None)).await?);
            assert!(tx.insert_provider_link(&link("one", ana)).await?);
            assert!(!tx.insert_provider_link(&link("one", bob)).await?, "it is ana's");
            assert!(!tx.insert_provider_link(&link("two", ana)).await?, "she has one");
            assert!(
                tx.insert_provider_link(&ProviderLinkRow { provider: "other".to_owned(), ..link("one", bob) }).await?
            );
            Ok(())
        })
        .await;
        assert_eq!(site.a().provider_link("corp", "one").await.unwrap().unwrap().user_id, ana);
        assert_eq!(site.a().provider_links_of_user(bob).await.unwrap().len(), 1);
        site.write(async |tx| {
            assert!(tx.delete_provider("corp").await? && !tx.delete_provider("corp").await?);
            assert!(tx.delete_user(bob).await?);
            Ok(())
        })
        .await;
        assert!(site.a().provider_link("corp", "one").await.unwrap().is_none(), "it went with the provider");
        assert!(site.a().provider_link("other", "one").await.unwrap().is_none(), "it went with the user");
    });
}

#[test]
fn a_provider_keeps_its_kind_and_is_sealed_anew() {
    each_engine(async |site| {
        site.write(async |tx| {
            tx.insert_provider(&row("corp", Some(b"old"))).await?;
            assert!(!tx.change_provider(&ProviderRow { kind: "saml".to_owned(), ..row("corp", None) }, NOW).await?);
            assert!(
                tx.change_provider(&ProviderRow { enabled: false, ..row("corp", Some(b"old")) }, NOW).await?
                    && tx.provider_stands("corp").await?.is_none()
                    && tx.provider_stands("nobody").await?.is_none()
            );
            Ok(())
        })
        .await;
        let rows = site.a().sealed(sealed::Kind::Provider, None, 10).await.unwrap();
        let [(place, old)] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!(old, b"old");
        assert!(site.write(async |tx| tx.reseal(place, b"old", b"new").await).await);
        assert_eq!(site.a().provider("corp").await.unwrap().unwrap().secret.as_deref(), Some(&b"new"[..]));
        assert_eq!(site.a().providers().await.unwrap().len(), 1);
    });
}

#[test]
fn of_a_hundred_who_bring_an_answer_one_gets_the_request() {
    each_engine(async |site| {
        let id: SignInId = site.id();
        site.write(async |tx| {
            tx.insert_provider_request(&request(1, id)).await?;
            assert!(tx.answer_provider_request(&[1; 32], b"first", NOW).await?);
            assert!(!tx.answer_provider_request(&[1; 32], b"second", NOW).await?);
            assert!(tx.take_provider_request(&[1; 32], site.id(), NOW).await?.is_none(), "another sign-in's");
            assert!(tx.take_provider_request(&[1; 32], id, LATER).await?.is_none(), "too late");
            Ok(())
        })
        .await;
        let taken = join_all((0..100).map(async |_| {
            let mut tx = site.a().begin().await.unwrap();
            let taken = tx.take_provider_request(&[1; 32], id, NOW).await.unwrap();
            tx.commit().await.unwrap();
            taken
        }));
        let taken: Vec<_> = taken.await.into_iter().flatten().collect();
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].answer.as_deref(), Some(&b"first"[..]));
        site.write(async |tx| {
            tx.insert_provider_request(&request(3, id)).await?;
            assert_eq!(tx.drop_provider_requests(id).await?, 1);
            tx.insert_provider_request(&request(2, id)).await
        })
        .await;
        assert_eq!(site.store.purge_provider_requests(LATER, 10).await.unwrap(), 0);
        assert_eq!(site.store.purge_provider_requests(types::Millis(LATER.0 + 1), 10).await.unwrap(), 1);
    });
}

#[test]
fn they_are_their_tenants() {
    each_engine(async |site| {
        let (ana, id): (_, SignInId) = (site.user("ana").await, site.id());
        let sign_in = site.new_sign_in();
        site.write(async |tx| {
            tx.insert_provider(&row("corp", Some(b"one"))).await?;
            tx.insert_provider_link(&link("one", ana)).await?;
            tx.insert_sign_in(&sign_in).await?;
            tx.insert_provider_request(&request(1, id)).await
        })
        .await;
        let other = site.b();
        assert!(other.provider("corp").await.unwrap().is_none() && other.providers().await.unwrap().is_empty());
        assert!(other.provider_link("corp", "one").await.unwrap().is_none());
        assert!(other.provider_links_of_user(ana).await.unwrap().is_empty());
        assert!(other.provider_request(&[1; 32]).await.unwrap().is_none());
        site.write_as(site.b, async |tx| {
            assert!(!tx.change_provider(&row("corp", None), NOW).await? && !tx.delete_provider("corp").await?);
            assert!(!tx.enable_provider("corp", false, LATER, "them").await?);
            assert!(!tx.hold_provider_link("corp", "one", ana).await? && !tx.unlink_provider(ana, "corp", NOW).await?);
            assert_eq!(tx.drop_sign_ins_of_provider("corp").await?, 0);
            tx.insert_activation_of_provider([9; 32], ana, "corp", LATER, NOW).await?;
            assert!(tx.spend_activation(&[9; 32], NOW).await?.is_none(), "ana is linked elsewhere");
            assert!(tx.provider_stands("corp").await?.is_none() && tx.provider_subject("corp", "one").await?.is_none());
            assert!(!tx.delete_provider_link(ana, "corp").await?);
            assert!(!tx.answer_provider_request(&[1; 32], b"x", NOW).await?);
            assert!(tx.take_provider_request(&[1; 32], id, NOW).await?.is_none());
            assert_eq!(tx.drop_provider_requests(id).await?, 0);
            assert!(!tx.identify_sign_in(sign_in.id, &sign_in.request, &[9], ana, NOW).await?);
            tx.insert_provider(&row("corp", Some(b"theirs"))).await.map(drop)
        })
        .await;
        assert_eq!(site.a().provider("corp").await.unwrap(), Some(row("corp", Some(b"one"))));
        assert_eq!(site.a().provider_link("corp", "one").await.unwrap(), Some(link("one", ana)));
        assert_eq!(site.a().provider_request(&[1; 32]).await.unwrap(), Some(request(1, id)));
        site.write(async |tx| {
            assert!(tx.identify_sign_in(sign_in.id, &sign_in.request, &[9], ana, NOW).await?);
            assert!(!tx.identify_sign_in(sign_in.id, &sign_in.request, &[8], ana, NOW).await?, "it was changed");
            Ok(())
        })
        .await;
        assert_eq!(site.a().sign_in(sign_in.id).await.unwrap().unwrap().user_id, Some(ana));
    });
}

/// Of a hundred who change what they have read one does; who switches it off in between is not undone by the others.
#[test]
fn a_change_holds_against_whoever_has_read_what_was_before() {
    each_engine(async |site| {
        site.write(async |tx| tx.insert_provider(&row("corp", None)).await.map(drop)).await;
        let changed = join_all((0..100).map(async |n: i32| {
            let changed = ProviderRow { settings: n.to_string(), ..row("corp", None) };
            let mut tx = site.a().begin().await.unwrap();
            let done = tx.change_provider(&changed, NOW).await.unwrap();
            tx.commit().await.unwrap();
            done
        }));
        assert_eq!(changed.await.into_iter().filter(|done| *done).count(), 1);
        let read = site.a().provider("corp").await.unwrap().unwrap();
        assert!(read.set_at > NOW, "another moment, although the clock stands");
        let off = async |now| site.write(async |tx| tx.enable_provider("corp", false, now, "incident").await).await;
        assert!(off(NOW).await);
        let stale = ProviderRow { settings: "stale".to_owned(), enabled: true, ..read.clone() };
        assert!(!site.write(async |tx| tx.change_provider(&stale, read.set_at).await).await);
        let left = site.a().provider("corp").await.unwrap().unwrap();
        assert_eq!((left.enabled, &left.settings, left.set_by.as_str()), (false, &read.settings, "incident"));
        assert!(off(LATER).await);
        assert_eq!(site.a().provider("corp").await.unwrap().unwrap().set_at, LATER);
    });
}

/// What is under way for those who are linked at a provider ends with it, and for nobody else.
#[test]
fn sign_ins_end_with_the_provider_or_the_link() {
    each_engine(async |site| {
        let (ana, bob) = (site.user("ana").await, site.user("bob").await);
        let mut sign_ins = Vec::new();
        for (user, state) in [(ana, "open"), (ana, "allowed"), (ana, "redeemed"), (bob, "allowed")] {
            let sign_in =
                SignInRow { id: site.id(), user_id: Some(user), state: state.to_owned(), ..site.new_sign_in() };
            site.write(async |tx| tx.insert_sign_in(&sign_in).await).await;
            sign_ins.push(sign_in);
        }
        let states = async || {
            let mut states = Vec::new();
            for sign_in in &sign_ins {
                states.push(site.a().sign_in(sign_in.id).await.unwrap().unwrap().state);
            }
            states
        };
        site.write(async |tx| {
            assert!(tx.insert_provider(&row("corp", None)).await? && tx.insert_provider_link(&link("one", ana)).await?);
            assert!(tx.enable_provider("corp", true, NOW, "helpdesk").await?);
            Ok(())
        })
        .await;
        assert_eq!(states().await, ["open", "allowed", "redeemed", "allowed"], "switched on");
        for how in 0..4 {
            let off = ProviderRow { enabled: false, ..row("corp", None) };
            let set_at = site.a().provider("corp").await.unwrap().unwrap().set_at;
            // Rolled back, so that each finds the same.
            let mut tx = site.a().begin().await.unwrap();
            assert!(match how {
                0 => tx.enable_provider("corp", false, NOW, "x").await.unwrap(),
                1 => tx.change_provider(&off, set_at).await.unwrap(),
                2 => tx.delete_provider("corp").await.unwrap(),
                _ => tx.unlink_provider(ana, "corp", NOW).await.unwrap(),
            });
            assert!(!tx.finish_sign_in(sign_ins[1].id, NOW).await.unwrap(), "{how}");
            assert!(tx.finish_sign_in(sign_ins[3].id, NOW).await.unwrap(), "{how}: bob is nobody there");
            drop(tx);
        }
        site.write(async |tx| tx.delete_provider("corp").await.map(drop)).await;
        assert_eq!(states().await, ["denied", "denied", "redeemed", "allowed"]);
    });
}

#[test]
fn a_code_of_a_providers_word_counts_as_long_as_that() {
    each_engine(async |site| {
        let ana = site.user("ana").await;
        let at = |n: i64| types::Millis(NOW.0 + n);
        site.write(async |tx| {
            tx.insert_provider(&row("corp", None)).await?;
            assert!(tx.insert_provider_link(&link("one", ana)).await?);
            for n in 1..=4 {
                tx.insert_activation_of_provider([n; 32], ana, "corp", LATER, at(1)).await?;
            }
            assert_eq!(tx.spend_activation(&[1; 32], at(2)).await?, Some((ana, None)));
            assert_eq!(tx.spend_activation(&[1; 32], at(2)).await?, None, "once");
            assert!(tx.enable_provider("corp", false, at(3), "x").await?);
            assert_eq!(tx.spend_activation(&[2; 32], at(4)).await?, None, "it is off");
            assert!(tx.enable_provider("corp", true, at(5), "x").await?);
            assert_eq!(tx.spend_activation(&[2; 32], at(6)).await?, None, "it was off");
            tx.insert_activation_of_provider([5; 32], ana, "corp", LATER, at(6)).await?;
            assert!(tx.delete_provider_link(ana, "corp").await?);
            assert_eq!(tx.spend_activation(&[5; 32], at(7)).await?, None, "ana is nobody there");
            assert!(tx.insert_provider_link(&ProviderLinkRow { created: at(8), ..link("two", ana) }).await?);
            assert_eq!(tx.spend_activation(&[5; 32], at(9)).await?, None, "she was somebody else there");
            tx.insert_activation_of_provider([6; 32], ana, "corp", LATER, at(9)).await?;
            assert_eq!(tx.spend_activation(&[6; 32], at(9)).await?, Some((ana, None)));
            Ok(())
        })
        .await;
    });
}
