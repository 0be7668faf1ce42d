//! Users, names, groups.

use crate::support::{ALL, Site, named, refused};
use countersign_directory::{GroupPatch, NewGroup, NewUser, Status, UserPatch};
use serde_json::json;
use std::sync::Arc;
use types::{Normalization, UserName};

#[tokio::test]
async fn a_name_is_taken_once_in_every_spelling_and_by_aliases_too() {
    let site = Site::new().await;
    let alice = NewUser { aliases: vec!["asmith".to_owned()], ..named("Alice") };
    let alice = site.a().create_user(&alice).await.unwrap();
    assert_eq!(alice.username, "Alice");
    for name in ["alice", " ALICE ", "asmith", "ASmith", "ａｌｉｃｅ"] {
        assert_eq!(refused(site.a().create_user(&named(name)).await), "username already exists", "{name}");
    }
    let bob = site.user("bob").await;
    let patch = UserPatch { aliases: Some(vec!["ALICE".to_owned()]), ..UserPatch::default() };
    assert_eq!(refused(site.a().change_user(bob.id, &patch).await), "alias already exists");
    let patch = UserPatch { username: Some("asmith".to_owned()), ..UserPatch::default() };
    assert_eq!(refused(site.a().change_user(bob.id, &patch).await), "username already exists");
    // The other tenant has its own names.
    site.b().create_user(&named("alice")).await.unwrap();
}

#[tokio::test]
async fn a_refused_change_changes_nothing() {
    let site = Site::new().await;
    let (_, bob) = (site.user("alice").await, site.user("bob").await);
    let log = site.log().await.len();
    let patch = UserPatch {
        username: Some("alice".to_owned()),
        email: Some("bob@example.org".to_owned()),
        status: Some(Status::Bypass),
        ..UserPatch::default()
    };
    assert_eq!(refused(site.a().change_user(bob.id, &patch).await), "username already exists");
    assert_eq!(site.a().rows().user(bob.id).await.unwrap().unwrap(), bob);
    assert_eq!(site.log().await.len(), log);
    let names = [named("carol"), named("bob")];
    assert_eq!(refused(site.a().create_users(&names).await), "username already exists");
    assert_eq!(site.a().rows().users(None, ALL).await.unwrap().total, 2);
}

#[tokio::test]
async fn a_name_is_stored_as_it_is_and_found_by_its_form() {
    let site = Site::new().await;
    let bob = site.user(r"CORP\Bob").await;
    let find = async |text: &str, how| {
        let name = UserName::new(text, how).unwrap();
        site.a().rows().user_by_name(&name).await.unwrap().map(|user| user.id)
    };
    assert_eq!(find(r"corp\BOB", Normalization::None).await, Some(bob.id));
    assert_eq!(
        find(r"CORP\bob", Normalization::Simple).await,
        None,
        "an application that strips finds only what is bare"
    );
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_by_its_name() {
    let site = Site::new().await;
    let user = || named("x");
    for (what, new) in [
        ("invalid: username", named("")),
        ("invalid: username", named(" \u{3000}")),
        ("invalid: username", named("a\u{0}b")),
        ("invalid: username", named(&"x".repeat(256))),
        ("invalid: realname", NewUser { realname: "a\nb".to_owned(), ..user() }),
        ("invalid: email", NewUser { email: "not an address".to_owned(), ..user() }),
        ("invalid: email", NewUser { email: "@example.org".to_owned(), ..user() }),
        ("invalid: notes", NewUser { notes: "x".repeat(3000), ..user() }),
        ("invalid: aliases", NewUser { aliases: (0..9).map(|n| format!("alias{n}")).collect(), ..user() }),
        ("invalid: aliases", NewUser { aliases: vec![String::new()], ..user() }),
        ("alias already exists", NewUser { aliases: vec!["X".to_owned()], ..user() }),
        ("alias already exists", NewUser { aliases: vec!["y".to_owned(), "Y".to_owned()], ..user() }),
        (
            "invalid: custom_attributes",
            NewUser { attributes: json!({ "a": 1 }).as_object().unwrap().clone(), ..user() },
        ),
    ] {
        assert_eq!(refused(site.a().create_user(&new).await), what);
    }
    assert_eq!(site.a().rows().users(None, ALL).await.unwrap().total, 0);
}

#[tokio::test]
async fn a_user_is_changed_locked_trashed_restored_and_deleted() {
    let site = Site::new().await;
    let id = site.user("alice").await.id;
    let row = async || site.a().rows().user(id).await.unwrap().unwrap();
    let patch = UserPatch {
        username: Some("Alice2".to_owned()),
        aliases: Some(vec!["al".to_owned()]),
        realname: Some(" Alice A. ".to_owned()),
        email: Some("alice@example.org".to_owned()),
        status: Some(Status::Disabled),
        ..UserPatch::default()
    };
    site.a().change_user(id, &patch).await.unwrap();
    let now = row().await;
    assert_eq!((now.username.as_str(), now.realname.as_str(), now.status.as_str()), ("Alice2", "Alice A.", "disabled"));
    assert!(site.a().lock_user(id).await.unwrap());
    assert!(!site.a().lock_user(id).await.unwrap());
    assert!(row().await.locked_at.is_some());
    let active = UserPatch { status: Some(Status::Active), ..UserPatch::default() };
    site.a().change_user(id, &active).await.unwrap();
    assert_eq!((row().await.locked_at, row().await.status.as_str()), (None, "active"));
    assert!(site.a().trash_user(id).await.unwrap());
    assert!(!site.a().trash_user(id).await.unwrap());
    assert!(row().await.deleted_at.is_some());
    assert!(site.a().restore_user(id).await.unwrap());
    site.a().delete_user(id).await.unwrap();
    assert_eq!(refused(site.a().delete_user(id).await), "no such user");
    site.user("alice2").await;
    site.user("al").await;
}

#[tokio::test]
async fn of_a_hundred_creators_of_one_name_one_wins() {
    let site = Arc::new(Site::new().await);
    let mut tasks = Vec::new();
    for n in 0..100 {
        let site = Arc::clone(&site);
        tasks.push(tokio::spawn(async move {
            // Half of them want the name for an alias.
            let user = if n % 2 == 0 {
                named("Alice")
            } else {
                NewUser { aliases: vec!["alice".to_owned()], ..named(&format!("u{n}")) }
            };
            site.a().create_user(&user).await.is_ok()
        }));
    }
    let mut won = 0;
    for task in tasks {
        won += usize::from(task.await.unwrap());
    }
    assert_eq!(won, 1);
    assert_eq!(site.a().rows().users(None, ALL).await.unwrap().total, 1, "a loser left nothing behind");
}

#[tokio::test]
async fn groups_have_members_of_their_own_tenant_only() {
    let site = Site::new().await;
    let (alice, stranger) = (site.user("alice").await.id, site.b().create_user(&named("bob")).await.unwrap().id);
    let new = NewGroup { name: "VPN".to_owned(), status: Status::Bypass, ..NewGroup::default() };
    let group = site.a().create_group(&new).await.unwrap();
    assert_eq!(refused(site.a().create_group(&new).await), "group already exists");
    site.a().add_to_group(alice, group.id).await.unwrap();
    site.a().add_to_group(alice, group.id).await.unwrap();
    assert_eq!(site.a().rows().members(group.id, ALL).await.unwrap().total, 1);
    assert_eq!(refused(site.a().add_to_group(stranger, group.id).await), "no such user");
    assert_eq!(refused(site.b().add_to_group(stranger, group.id).await), "no such group");
    assert_eq!(refused(site.b().remove_from_group(stranger, group.id).await), "no such group");
    let patch = GroupPatch { description: Some("x".to_owned()), ..GroupPatch::default() };
    assert_eq!(refused(site.b().change_group(group.id, &patch).await), "no such group");
    assert_eq!(refused(site.b().delete_group(group.id).await), "no such group");
    site.a().change_group(group.id, &patch).await.unwrap();
    site.a().remove_from_group(alice, group.id).await.unwrap();
    site.a().delete_group(group.id).await.unwrap();
    assert!(site.a().rows().group(group.id).await.unwrap().is_none());
}

#[tokio::test]
async fn another_tenants_user_is_no_user() {
    let site = Site::new().await;
    let alice = site.user("alice").await;
    let b = site.b();
    let none = "no such user";
    assert_eq!(refused(b.change_user(alice.id, &UserPatch::default()).await), none);
    assert_eq!(refused(b.lock_user(alice.id).await), none);
    assert_eq!(refused(b.unlock_user(alice.id).await), none);
    assert_eq!(refused(b.resume_prompts(alice.id).await), none);
    assert_eq!(refused(b.trash_user(alice.id).await), none);
    assert_eq!(refused(b.restore_user(alice.id).await), none);
    assert_eq!(refused(b.distrust_devices(alice.id).await), none);
    assert_eq!(refused(b.delete_user(alice.id).await), none);
    assert_eq!(site.a().rows().user(alice.id).await.unwrap().unwrap(), alice);
}
