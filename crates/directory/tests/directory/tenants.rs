//! Tenants and their settings.

use crate::support::{NOW, Site, refused};
use countersign_directory::{NewTenant, SettingsFields};
use keys::TenantPrivateKey;
use serde_json::{Value, json};

#[tokio::test]
async fn a_tenant_comes_with_a_key_and_a_global_policy() {
    let site = Site::new().await;
    assert!(site.a().rows().keys().await.is_ok());
    assert!(site.a().rows().global_policy().await.unwrap().unwrap().is_global);
    assert_eq!(site.log().await[0].action, "customer_create");
    let again = NewTenant { name: "x".to_owned(), api_host: "API-A.example.org".to_owned(), ..NewTenant::default() };
    assert_eq!(refused(site.directory.create_tenant(&again, "x").await), "api_host already exists");
    for host in ["", "a..b", "-a.example", "a_b.example", "a:443", "ä.example", &"a".repeat(64)] {
        let new = NewTenant { name: "x".to_owned(), api_host: host.to_owned(), ..NewTenant::default() };
        assert_eq!(refused(site.directory.create_tenant(&new, "x").await), "invalid: api_host", "{host}");
    }
    assert_eq!(site.directory.store().tenants(None, 10).await.unwrap().len(), 2, "a refused one left nothing behind");
}

#[tokio::test]
async fn settings_are_set_one_by_one_and_told_to_every_node() {
    let site = Site::new().await;
    let mut notices = site.directory.store().engine().notices();
    let settings = async || -> Value { serde_json::from_str(&site.a().row().await.unwrap().settings).unwrap() };
    let fields = SettingsFields::default().with("lockout_threshold", 5).unwrap();
    site.a().change_settings(&fields).await.unwrap();
    assert_eq!(notices.recv().await.unwrap(), format!("tenant:{}", site.a));
    site.a().change_settings(&SettingsFields::default().with("sms_batch", 3).unwrap()).await.unwrap();
    assert_eq!(settings().await, json!({ "lockout_threshold": 5, "sms_batch": 3 }));
    let bad = SettingsFields::default().with("sms_message", "refused").unwrap();
    assert_eq!(refused(site.a().change_settings(&bad).await), "invalid: refused");
    assert_eq!(settings().await["sms_batch"], 3);
    assert_eq!(site.b().row().await.unwrap().settings, "{}");
}

#[tokio::test]
async fn a_log_key_is_a_public_key_or_nothing() {
    let site = Site::new().await;
    let key = TenantPrivateKey::generate(site.directory.store().world().random.as_ref());
    for text in ["", "cspub1", key.to_text().expose()] {
        assert_eq!(refused(site.a().set_log_key(Some(text)).await), "invalid: log_key");
    }
    site.a().set_log_key(Some(&key.public().to_text())).await.unwrap();
    assert_eq!(site.a().row().await.unwrap().log_key, Some(key.public().to_text()));
    site.a().set_log_key(None).await.unwrap();
    assert_eq!(site.a().row().await.unwrap().log_key, None);
    assert_eq!(site.a().row().await.unwrap().created, NOW);
}
