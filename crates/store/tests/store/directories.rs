//! A tenant's directory, and whose entry is whose.

use crate::support::{NOW, each_engine};
use countersign_store::DirectoryRow;

fn row(secret: &[u8]) -> DirectoryRow {
    DirectoryRow { settings: "{}".to_owned(), secret: secret.to_vec(), set_at: NOW, set_by: "helpdesk".to_owned() }
}

#[test]
fn an_entry_is_one_persons_and_a_person_has_one() {
    each_engine(async |site| {
        let (ana, bob) = (site.user("ana").await, site.user("bob").await);
        site.write(async |tx| {
            assert!(tx.link_directory(ana, b"one", NOW).await?);
            assert!(!tx.link_directory(bob, b"one", NOW).await?, "it is ana's");
            assert!(!tx.link_directory(ana, b"two", NOW).await?, "she has one");
            Ok(())
        })
        .await;
        assert_eq!(site.a().directory_link(ana).await.unwrap().as_deref(), Some(&b"one"[..]));
        assert_eq!(site.a().directory_link(bob).await.unwrap(), None);
        assert_eq!(site.write(async |tx| tx.unlink_directory_of_all().await).await, 1);
        assert!(site.write(async |tx| tx.link_directory(bob, b"one", NOW).await).await);
    });
}

#[test]
fn it_is_its_tenants() {
    each_engine(async |site| {
        let ana = site.user("ana").await;
        site.write(async |tx| {
            tx.set_user_directory(&row(b"one")).await?;
            tx.link_directory(ana, b"entry", NOW).await
        })
        .await;
        assert!(site.b().user_directory().await.unwrap().is_none());
        assert!(site.b().directory_link(ana).await.unwrap().is_none());
        site.write_as(site.b, async |tx| {
            assert!(!tx.reseal_user_directory(b"one", b"two").await?);
            assert!(!tx.delete_user_directory().await?);
            assert!(!tx.unlink_directory(ana).await?);
            assert_eq!(tx.unlink_directory_of_all().await?, 0);
            tx.set_user_directory(&row(b"theirs")).await
        })
        .await;
        assert_eq!(site.a().user_directory().await.unwrap(), Some(row(b"one")));
        assert!(site.a().directory_link(ana).await.unwrap().is_some());
    });
}
