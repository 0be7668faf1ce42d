//! Users and groups.

use crate::support::{ALL, NOW, Site, each_engine, user_name};
use countersign_store::{GroupChange, Slice, StoreError, UserChange, UserNameRow, UserRow};
use std::time::Duration;
use types::{Millis, UserId};

#[test]
fn a_user_is_read_as_written_by_id_name_and_alias() {
    each_engine(async |site| {
        let mut user = site.new_user("Narroway");
        user.locked_at = Some(NOW);
        user.last_login = Some(Millis(5));
        user.notes = "émigré 'quoted' $1 ?2".to_owned();
        let aliases = [user_name("nell"), user_name("n@corp.example")];
        site.write(async |tx| tx.insert_user(&user, &user_name("Narroway"), &aliases).await).await;
        assert_eq!(site.a().user(user.id).await.unwrap().as_ref(), Some(&user));
        for name in ["narroway", "NELL", "n@corp.example"] {
            assert_eq!(site.a().user_by_name(&user_name(name)).await.unwrap().as_ref(), Some(&user), "{name}");
        }
        assert!(site.a().user_by_name(&user_name("nobody")).await.unwrap().is_none());
        let names = site.a().user_names(&[user.id]).await.unwrap();
        let row = |name: &str, place| (user.id, UserNameRow { name: name.to_owned(), place });
        assert_eq!(names, [row("narroway", 0), row("nell", 1), row("n@corp.example", 2)]);
    });
}

#[test]
fn a_name_belongs_to_one_user_also_as_an_alias() {
    each_engine(async |site| {
        let first = site.new_user("first");
        site.write(async |tx| tx.insert_user(&first, &user_name("first"), &[user_name("alias")]).await).await;
        for (name, alias) in
            [("alias", "x"), ("first", "x"), ("second", "first"), ("second", "alias"), ("twice", "twice")]
        {
            let mut tx = site.a().begin().await.unwrap();
            let done = tx.insert_user(&site.new_user(name), &user_name(name), &[user_name(alias)]).await;
            assert!(matches!(done, Err(StoreError::Duplicate)), "{name} {alias}: {done:?}");
        }
        let second = site.user("second").await;
        for taken in ["first", "alias"] {
            let mut tx = site.a().begin().await.unwrap();
            let renamed = tx.rename_user(second, taken, &user_name(taken)).await;
            assert!(matches!(renamed, Err(StoreError::Duplicate)), "{taken}");
            drop(tx);
            let mut tx = site.a().begin().await.unwrap();
            let aliased = tx.set_aliases(second, &[user_name(taken)]).await;
            assert!(matches!(aliased, Err(StoreError::Duplicate)), "{taken}");
        }
        assert_eq!(site.a().user_count().await.unwrap(), 2);
    });
}

#[test]
fn names_change_and_old_ones_are_free_again() {
    each_engine(async |site| {
        let user = site.user("old").await;
        site.write(async |tx| {
            assert!(tx.rename_user(user, "New", &user_name("new")).await?);
            assert!(tx.set_aliases(user, &[user_name("one"), user_name("two")]).await?);
            assert!(tx.set_aliases(user, &[user_name("two"), user_name("three")]).await?);
            Ok(())
        })
        .await;
        let found: Vec<_> = site.a().user_names(&[user]).await.unwrap().into_iter().map(|(_, row)| row.name).collect();
        assert_eq!(found, ["new", "two", "three"]);
        assert_eq!(site.a().user(user).await.unwrap().unwrap().username, "New");
        site.user("old").await;
        site.user("one").await;
    });
}

#[test]
fn a_change_touches_only_what_it_names() {
    each_engine(async |site| {
        let user = site.user("narroway").await;
        let before = site.a().user(user).await.unwrap().unwrap();
        let change = UserChange { email: Some(String::new()), notes: Some("new".to_owned()), ..UserChange::default() };
        site.write(async |tx| tx.change_user(user, &change).await).await;
        let mut expected = before;
        expected.email = String::new();
        expected.notes = "new".to_owned();
        assert_eq!(site.a().user(user).await.unwrap(), Some(expected));
    });
}

#[test]
fn lock_unlock_mark_and_restore() {
    each_engine(async |site| {
        let mut user = site.new_user("narroway");
        user.failures = 9;
        site.write(async |tx| tx.insert_user(&user, &user_name("narroway"), &[]).await).await;
        let id = user.id;
        site.write(async |tx| {
            assert!(tx.set_user_status(id, "bypass").await?);
            assert!(tx.lock_user(id, NOW).await?);
            assert!(!tx.lock_user(id, Millis(NOW.0 + 1)).await?);
            assert!(tx.mark_user_deleted(id, NOW).await?);
            assert!(!tx.mark_user_deleted(id, Millis(NOW.0 + 1)).await?);
            Ok(())
        })
        .await;
        let read = site.a().user(id).await.unwrap().unwrap();
        assert_eq!((read.status.as_str(), read.locked_at, read.deleted_at), ("bypass", Some(NOW), Some(NOW)));
        let due = async |before| site.a().users_deleted_before(before, 10).await.unwrap().len();
        assert_eq!((due(NOW).await, due(Millis(NOW.0 + 1)).await), (0, 1));
        site.write(async |tx| {
            assert!(tx.unlock_user(id).await?);
            assert!(tx.restore_user(id).await?);
            assert!(!tx.restore_user(id).await?);
            Ok(())
        })
        .await;
        let read = site.a().user(id).await.unwrap().unwrap();
        assert_eq!((read.failures, read.locked_at, read.deleted_at), (0, None, None));
        assert_eq!(due(Millis(i64::MAX)).await, 0);
    });
}

#[test]
fn pages_are_in_order_complete_and_counted() {
    each_engine(async |site| {
        let mut ids = Vec::new();
        for n in 0..7 {
            site.clock.advance(Duration::from_millis(1));
            ids.push(site.user(&format!("user{n}")).await);
        }
        site.user_of(site.b, "user0").await;
        let mut seen: Vec<UserId> = Vec::new();
        for offset in [0, 3, 6, 9] {
            let page = site.a().users(None, Slice { offset, limit: 3 }).await.unwrap();
            assert_eq!(page.total, 7);
            seen.extend(page.rows.iter().map(|user| user.id));
        }
        assert_eq!(seen, ids);
        let page = site.a().users(Some("user3@example.test"), ALL).await.unwrap();
        assert_eq!((page.total, page.rows.len(), page.rows[0].id), (1, 1, ids[3]));
        assert_eq!(site.a().users(Some("nobody@example.test"), ALL).await.unwrap().total, 0);
        let odd = site.a().users(None, Slice { offset: -1, limit: -1 }).await.unwrap();
        assert_eq!((odd.rows.len(), odd.total), (0, 7));
    });
}

#[test]
fn an_address_is_found_however_its_letters_are_written() {
    each_engine(async |site| {
        let with = async |name: &str, email: &str| {
            let row = UserRow { email: email.to_owned(), ..site.new_user(name) };
            site.write(async |tx| tx.insert_user(&row, &user_name(name), &[]).await).await;
            row.id
        };
        let found = async |email: &str, limit| -> Vec<UserId> {
            let rows = site.a().users_by_email_in_any_case(email, limit).await.unwrap();
            rows.into_iter().map(|user| user.id).collect()
        };
        let one = with("one", "One@Example.test").await;
        site.user_of(site.b, "one").await;
        for asked in ["one@example.test", "ONE@EXAMPLE.TEST", "One@Example.test"] {
            assert_eq!(found(asked, 2).await, [one], "{asked}");
        }
        site.clock.advance(Duration::from_millis(1));
        let two = with("two", "one@example.TEST").await;
        assert_eq!(found("one@example.test", 2).await, [one, two]);
        assert_eq!((found("one@example.test", 1).await.len(), found("one@example.test", -1).await.len()), (1, 0));
        // A to Z and no others: what else is one letter depends on the language. Not dotless either, where that is Turkish.
        let odd = with("odd", "\u{c9}I@example.test").await;
        assert_eq!(found("\u{c9}i@EXAMPLE.test", 2).await, [odd]);
        for nobody in ["\u{e9}i@example.test", "\u{c9}\u{131}@example.test", "%", "_ne@example.test", "one@example.tes"]
        {
            assert!(found(nobody, 2).await.is_empty(), "{nobody}");
        }
    });
}

#[test]
fn groups_and_their_members() {
    each_engine(async |site| {
        let (admins, others) = (site.group("admins").await, site.group("others").await);
        let (one, two) = (site.user("one").await, site.user("two").await);
        site.write(async |tx| {
            assert!(tx.add_member(one, admins).await?);
            assert!(tx.add_member(one, admins).await?, "again is no error");
            assert!(tx.add_member(two, admins).await?);
            assert!(tx.add_member(one, others).await?);
            assert!(!tx.add_member(site.id(), admins).await?, "no such user");
            assert!(!tx.add_member(one, site.id()).await?, "no such group");
            Ok(())
        })
        .await;
        let members = site.a().members(admins, Slice { offset: 1, limit: 5 }).await.unwrap();
        assert_eq!((members.total, members.rows.len(), members.rows[0].id), (2, 1, one.max(two)));
        let groups = site.a().groups_of_users(&[two, one, site.id()]).await.unwrap();
        let count = |user| groups.iter().filter(|(owner, _)| *owner == user).count();
        assert_eq!((count(one), count(two), groups.len()), (2, 1, 3));
        assert_eq!(site.a().group_by_name("admins").await.unwrap().unwrap().id, admins);

        let change = |name: &str| GroupChange { name: Some(name.to_owned()), ..GroupChange::default() };
        let mut tx = site.a().begin().await.unwrap();
        assert!(matches!(tx.change_group(others, &change("admins")).await, Err(StoreError::Duplicate)));
        drop(tx);
        site.write(async |tx| {
            assert!(tx.remove_member(two, admins).await?);
            assert!(!tx.remove_member(two, admins).await?);
            assert!(tx.change_group(others, &change("renamed")).await?);
            assert!(tx.delete_group(admins).await?);
            assert!(!tx.delete_group(admins).await?);
            Ok(())
        })
        .await;
        let groups = site.a().groups_of_users(&[one, two]).await.unwrap();
        assert_eq!(groups.iter().map(|(_, group)| group.name.as_str()).collect::<Vec<_>>(), ["renamed"]);
        assert_eq!(site.a().groups(ALL).await.unwrap().total, 1);
    });
}

#[test]
fn many_users_are_asked_about_at_once() {
    each_engine(async |site| {
        let group = site.group("all").await;
        let mut users = Vec::new();
        for n in 0..150 {
            users.push(site.user(&format!("user{n}")).await);
        }
        site.write(async |tx| {
            for user in &users {
                tx.add_member(*user, group).await?;
            }
            Ok(())
        })
        .await;
        // More than one statement's worth of rows on PostgreSQL.
        let found = site.a().groups_of_users(&users).await.unwrap();
        let mut owners: Vec<_> = found.into_iter().map(|(user, _)| user).collect();
        owners.sort();
        users.sort();
        assert_eq!(owners, users);
        assert!(site.a().groups_of_users(&[]).await.unwrap().is_empty());
    });
}

#[test]
fn deleting_a_user_takes_everything_that_hangs_on_it() {
    each_engine(async |site| {
        let (user, other) = (site.user("narroway").await, site.user("other").await);
        let (group, phone, token) = (site.group("admins").await, site.phone().await, site.token("1").await);
        let (world, later) = (&site.world, Millis(NOW.0 + 1000));
        site.write(async |tx| {
            for user in [user, other] {
                tx.set_aliases(user, &[user_name(&format!("alias-{user}"))]).await?;
                tx.add_member(user, group).await?;
                tx.attach_phone(user, phone).await?;
                tx.attach_token(user, token).await?;
                tx.trust_device(world.bytes(), user, "DI", NOW, later).await?;
                tx.insert_activation(world.bytes(), user, None, later, NOW).await?;
                tx.insert_bypass_code(&countersign_store::codes::BypassRow {
                    id: site.id(),
                    user_id: user,
                    digest: vec![0; 32],
                    uses_left: None,
                    expires: None,
                    created: NOW,
                    created_by: String::new(),
                })
                .await?;
            }
            Ok(())
        })
        .await;
        let before = left(site, "user_id").await;
        site.write(async |tx| {
            assert!(tx.delete_user(user).await?);
            assert!(!tx.delete_user(user).await?);
            Ok(())
        })
        .await;
        let after = left(site, "user_id").await;
        for ((table, before), (_, after)) in before.into_iter().zip(after) {
            assert_eq!(after * 2, before, "{table}");
            assert!(after > 0, "{table} is not tried here");
        }
        assert_eq!(site.a().phones(ALL).await.unwrap().total, 1, "devices stay");
        assert!(site.a().user(other).await.unwrap().is_some());
        site.user("narroway").await;
    });
}

/// How many rows each of these tables has.
async fn left(site: &Site, column: &str) -> Vec<(&'static str, i64)> {
    use countersign_store::engine::Statement;
    let mut out = Vec::new();
    for table in ["user_name", "membership", "user_phone", "user_token", "bypass_code", "trusted_device", "activation"]
    {
        let sql = Box::leak(format!("SELECT COUNT({column}) FROM {table}").into_boxed_str());
        let statement = Box::leak(Box::new(Statement::new(table, sql, &[])));
        let rows = site.store.engine().read(vec![(statement, Vec::new())]).await.unwrap();
        out.push((table, rows.into_iter().flatten().next().unwrap().read().take().unwrap()));
    }
    out
}

#[test]
fn the_last_login_is_the_newest_of_all_means() {
    each_engine(async |site| {
        let users = [site.user("never").await, site.user("by token").await, site.user("by phone").await];
        let mut own = site.new_user("by itself");
        own.last_login = Some(Millis(50));
        let (mut token, mut phone) = (site.new_token("1"), site.new_phone());
        token.last_used = Some(Millis(10));
        phone.last_used = Some(Millis(20));
        site.write(async |tx| {
            tx.insert_user(&own, &user_name("by itself"), &[]).await?;
            tx.insert_token(&token).await?;
            tx.insert_phone(&phone).await?;
            tx.attach_token(users[1], token.id).await?;
            tx.attach_token(users[2], token.id).await?;
            tx.attach_phone(users[2], phone.id).await?;
            tx.attach_phone(own.id, phone.id).await?;
            Ok(())
        })
        .await;
        let asked = [users[0], users[1], users[2], own.id, site.id()];
        let found = site.a().last_logins(&asked).await.unwrap();
        let of = |user| found.iter().find(|(found, _)| *found == user).map(|(_, at)| *at);
        assert_eq!(of(users[0]), Some(None));
        assert_eq!(of(users[1]), Some(Some(Millis(10))));
        assert_eq!(of(users[2]), Some(Some(Millis(20))));
        assert_eq!(of(own.id), Some(Some(Millis(50))));
        assert_eq!(found.len(), 4);
    });
}
