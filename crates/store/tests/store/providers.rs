//! A tenant's providers, whose their subjects are, and browsers on their way.

use crate::{
    rows::LATER,
    support::{NOW, each_engine},
};
use countersign_store::{ProviderLinkRow, ProviderRequestRow, ProviderRow, sealed};
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
            assert!(!tx.change_provider(&ProviderRow { kind: "saml".to_owned(), ..row("corp", None) }).await?);
            assert!(
                tx.change_provider(&ProviderRow { enabled: false, ..row("corp", Some(b"old")) }).await?
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
            assert!(!tx.change_provider(&row("corp", None)).await? && !tx.delete_provider("corp").await?);
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
