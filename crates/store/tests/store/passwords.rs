//! Passwords, and what is sealed in rows that last.

use crate::support::{NOW, Site, each_engine};
use countersign_store::{
    PasswordRow,
    sealed::{Kind, Place},
};
use types::UserId;

fn row(user: UserId, hash: &[u8]) -> PasswordRow {
    PasswordRow { user_id: user, hash: hash.to_vec(), set_at: NOW, set_by: "helpdesk".to_owned() }
}

async fn given(site: &Site, hash: &[u8]) -> UserId {
    let user = site.user("narroway").await;
    site.write(async |tx| tx.set_password(&row(user, hash)).await).await;
    user
}

#[test]
fn there_is_one_and_the_last_that_was_set_is_it() {
    each_engine(async |site| {
        let user = given(site, b"one").await;
        site.write(async |tx| tx.set_password(&row(user, b"two")).await).await;
        assert_eq!(site.a().password(user).await.unwrap(), Some(row(user, b"two")));
        site.write(async |tx| {
            assert!(!tx.replace_password(user, b"one", b"three").await?, "another was set meanwhile");
            assert!(tx.replace_password(user, b"two", b"two again").await?);
            Ok(())
        })
        .await;
        assert!(site.write(async |tx| tx.delete_password(user).await).await);
        assert!(!site.write(async |tx| tx.delete_password(user).await).await);
        assert!(site.a().password(user).await.unwrap().is_none());
    });
}

#[test]
fn it_is_its_tenants() {
    each_engine(async |site| {
        let user = given(site, b"one").await;
        assert!(site.b().password(user).await.unwrap().is_none());
        site.write_as(site.b, async |tx| {
            assert!(!tx.replace_password(user, b"one", b"two").await?);
            assert!(!tx.delete_password(user).await?);
            assert!(!tx.reseal(&Place::Password(user), b"one", b"two").await?);
            tx.set_password(&row(user, b"theirs")).await
        })
        .await;
        assert_eq!(site.a().password(user).await.unwrap(), Some(row(user, b"one")));
        assert_eq!(site.b().sealed(Kind::Password, None, 10).await.unwrap().len(), 1);
    });
}

#[test]
fn the_first_proof_is_noted_once_and_for_its_user() {
    each_engine(async |site| {
        let (user, other) = (site.user("ana").await, site.user("bob").await);
        let mut sign_in = site.new_sign_in();
        sign_in.user_id = Some(user);
        site.write(async |tx| tx.insert_sign_in(&sign_in).await).await;
        let (id, old) = (sign_in.id, sign_in.request.clone());
        site.write_as(site.b, async |tx| {
            assert!(!tx.prove_first(id, &old, b"theirs", user).await?);
            assert_eq!(tx.drop_sign_ins(user).await?, 0);
            Ok(())
        })
        .await;
        site.write(async |tx| {
            assert!(!tx.prove_first(id, &old, b"anew", other).await?);
            assert!(!tx.prove_first(id, b"another", b"anew", user).await?);
            assert!(tx.prove_first(id, &old, b"anew", user).await?);
            assert!(!tx.prove_first(id, &old, b"anew", user).await?);
            assert_eq!(tx.drop_sign_ins(user).await?, 1);
            assert!(!tx.prove_first(id, b"anew", b"again", user).await?, "it is over");
            Ok(())
        })
        .await;
    });
}

#[test]
fn what_is_sealed_is_found_row_by_row_and_changed_only_where_it_is_still_the_same() {
    each_engine(async |site| {
        let mut users = Vec::new();
        for name in ["ana", "bob", "carla"] {
            let user = site.user(name).await;
            site.write(async |tx| tx.set_password(&row(user, name.as_bytes())).await).await;
            users.push(user);
        }
        users.sort();
        let (mut seen, mut after) = (Vec::new(), None);
        while let Some((place, old)) = site.a().sealed(Kind::Password, after.as_ref(), 1).await.unwrap().pop() {
            let new = [&old[..], b" anew"].concat();
            site.write(async |tx| {
                assert!(tx.reseal(&place, &old, &new).await?);
                assert!(!tx.reseal(&place, &old, &new).await?);
                Ok(())
            })
            .await;
            seen.push(place.clone());
            after = Some(place);
        }
        assert_eq!(seen, users.iter().map(|user| Place::Password(*user)).collect::<Vec<_>>());
        for kind in Kind::ALL {
            let found = site.a().sealed(kind, None, 10).await.unwrap();
            assert_eq!(found.len(), if kind == Kind::Password { 3 } else { 0 }, "{kind:?}");
        }
    });
}
