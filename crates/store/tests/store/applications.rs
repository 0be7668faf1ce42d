//! Integrations and policies.

use crate::support::{ALL, each_engine};
use countersign_store::{GroupPolicyRow, IntegrationChange, PolicyChange, Slice, StoreError};

const IKEY: &str = "DIAAAAAAAAAAAAAAAAAA";

#[test]
fn an_integration_leads_to_its_tenant_until_it_is_deleted() {
    each_engine(async |site| {
        let mut row = site.new_integration(IKEY);
        site.write(async |tx| tx.insert_integration(&row).await).await;
        assert_eq!(site.store.tenant_of_ikey(IKEY).await.unwrap(), Some(site.a));
        assert_eq!(site.a().integration(IKEY).await.unwrap().as_ref(), Some(&row));
        for tenant in [site.a, site.b] {
            let mut tx = site.store.tenant(tenant).begin().await.unwrap();
            assert!(matches!(tx.insert_integration(&row).await, Err(StoreError::Duplicate)));
        }
        let change = IntegrationChange {
            signature_v1: Some(false),
            name: Some("vpn".to_owned()),
            ..IntegrationChange::default()
        };
        site.write(async |tx| {
            assert!(tx.change_integration(IKEY, &change).await?);
            assert!(!tx.set_integration_secret(IKEY, &[1], &[2]).await?);
            assert!(tx.set_integration_secret(IKEY, &[5; 40], &[2]).await?);
            Ok(())
        })
        .await;
        (row.signature_v1, row.name, row.secret) = (false, "vpn".to_owned(), vec![2]);
        assert_eq!(site.a().integration(IKEY).await.unwrap().as_ref(), Some(&row));
        site.write(async |tx| {
            assert!(tx.delete_integration(IKEY).await?);
            assert!(!tx.delete_integration(IKEY).await?);
            Ok(())
        })
        .await;
        assert_eq!(site.store.tenant_of_ikey(IKEY).await.unwrap(), None);
        site.write_as(site.b, async |tx| tx.insert_integration(&row).await).await;
        assert_eq!(site.store.tenant_of_ikey(IKEY).await.unwrap(), Some(site.b));
    });
}

#[test]
fn integrations_come_in_pages() {
    each_engine(async |site| {
        for n in 0..5 {
            site.integration(&format!("DI{n}")).await;
        }
        let page = site.a().integrations(Slice { offset: 3, limit: 10 }).await.unwrap();
        assert_eq!(page.total, 5);
        assert_eq!(page.rows.iter().map(|row| row.ikey.as_str()).collect::<Vec<_>>(), ["DI3", "DI4"]);
    });
}

#[test]
fn a_tenant_has_one_global_policy_and_keeps_it() {
    each_engine(async |site| {
        assert!(site.a().global_policy().await.unwrap().is_none());
        let global = site.new_policy("Global", true);
        site.write(async |tx| tx.insert_policy(&global).await).await;
        let mut tx = site.a().begin().await.unwrap();
        let second = tx.insert_policy(&site.new_policy("Another", true)).await;
        assert!(matches!(second, Err(StoreError::Duplicate)));
        drop(tx);
        site.write_as(site.b, async |tx| tx.insert_policy(&site.new_policy("Global", true)).await).await;
        let sections = PolicyChange { sections: Some("{\"a\":1}".to_owned()), ..PolicyChange::default() };
        site.write(async |tx| {
            assert!(!tx.delete_policy(global.id).await?);
            assert!(tx.change_policy(global.id, &sections).await?);
            Ok(())
        })
        .await;
        let read = site.a().global_policy().await.unwrap().unwrap();
        assert_eq!((read.id, read.sections.as_str(), read.name.as_str()), (global.id, "{\"a\":1}", "Global"));
    });
}

#[test]
fn policies_apply_to_integrations_and_to_groups_in_order() {
    each_engine(async |site| {
        site.integration(IKEY).await;
        let (strict, lax) = (site.policy("strict").await, site.policy("lax").await);
        let (one, two) = (site.group("one").await, site.group("two").await);
        let link = |group_id, policy, place| GroupPolicyRow { ikey: IKEY.to_owned(), group_id, policy, place };
        site.write(async |tx| {
            assert!(tx.set_integration_policy(IKEY, Some(strict)).await?);
            assert!(!tx.set_integration_policy(IKEY, Some(site.id())).await?, "no such policy");
            assert!(!tx.set_integration_policy("DI none", None).await?);
            assert!(tx.set_group_policy(&link(one, strict, 2)).await?);
            assert!(tx.set_group_policy(&link(two, strict, 1)).await?);
            assert!(tx.set_group_policy(&link(one, lax, 0)).await?, "the group's second replaces its first");
            assert!(!tx.set_group_policy(&link(site.id(), lax, 0)).await?);
            assert!(!tx.set_group_policy(&link(one, site.id(), 0)).await?);
            let elsewhere = GroupPolicyRow { ikey: "DI none".to_owned(), ..link(one, lax, 0) };
            assert!(!tx.set_group_policy(&elsewhere).await?);
            Ok(())
        })
        .await;
        assert_eq!(site.a().group_policies(IKEY).await.unwrap(), [link(one, lax, 0), link(two, strict, 1)]);
        assert_eq!(site.a().group_policies_of(strict).await.unwrap(), [link(two, strict, 1)]);
        assert_eq!(site.a().integrations_of_policy(strict).await.unwrap().len(), 1);
        site.write(async |tx| {
            assert!(tx.delete_policy(strict).await?);
            assert!(tx.remove_group_policy(IKEY, one).await?);
            assert!(!tx.remove_group_policy(IKEY, one).await?);
            Ok(())
        })
        .await;
        assert!(site.a().group_policies(IKEY).await.unwrap().is_empty());
        assert_eq!(site.a().integration(IKEY).await.unwrap().unwrap().policy, None);
        assert_eq!(site.a().policies(ALL).await.unwrap().rows[0].id, lax);
    });
}
