//! Where sessions are signed in, what people are called there, and their end everywhere.

use crate::{
    house::{CALLBACK, Site, client, settings},
    support::each_engine,
};
use countersign_sso::{
    Ask, Kind, OidcClient, Participant, SamlParty, Settings, SsoError, Stand,
    claims::{ClaimRule, ClaimsMap, Source, Wanted},
    party::{Endpoint, Subject},
};
use std::sync::Arc;

fn pairwise(sector: &str) -> OidcClient {
    OidcClient {
        redirect_uris: vec![CALLBACK.to_owned()],
        subject: Subject::Pairwise { sector: sector.to_owned() },
        ..OidcClient::default()
    }
}

#[test]
fn a_session_has_one_name_at_each_relying_party_and_ends_everywhere_at_once() {
    each_engine("{}", async |house| {
        let site = Site::open(house).await;
        let browser = site.signed_in().await;
        let signed = site.signed(&browser).await;
        let (wiki, mail) = (site.party().await, site.another("Mail", settings(client())).await);
        let told = |subject: &str| Participant::Oidc { subject: subject.to_owned() };
        let sid = site.sso.participate(&signed, &wiki, &told("a")).await.unwrap();
        assert_eq!(site.sso.participate(&signed, &wiki, &told("b")).await.unwrap(), sid);
        // The log says once that it was opened.
        let span = store::Span::new(types::Millis(0), house.world.now() + std::time::Duration::from_secs(60), 100);
        let log = house.store.tenant(house.tenant).auth_log(&span).await.unwrap();
        let opened: Vec<_> = log.iter().filter(|row| row.factor == "single_sign_on").collect();
        assert_eq!(opened.len(), 1);
        assert_eq!((opened[0].ikey.as_str(), opened[0].username.as_str()), (wiki.ikey(), "ana"));
        let other = site.sso.participate(&signed, &mail, &told("a")).await.unwrap();
        assert_ne!(sid, other);
        // Another's sid is nobody's.
        assert!(site.sso.participant_by_sid(&mail, &sid).await.unwrap().is_none());
        let found = site.sso.participant_by_sid(&wiki, &sid).await.unwrap().unwrap();
        assert_eq!((found.session, found.user, found.detail), (signed.session, site.ana, told("b")));
        assert_eq!(site.sso.participants(house.tenant, signed.session).await.unwrap().len(), 2);
        assert_eq!(site.sso.participants_of_user(house.tenant, site.ana).await.unwrap().len(), 2);
        // As long as the session lasts it is known who must be told of its end.
        let rows = house.store.tenant(house.tenant);
        let lasts = rows.session(signed.session).await.unwrap().unwrap().expires;
        assert!(rows.participants(signed.session).await.unwrap().iter().all(|row| row.expires > lasts));

        // Of two who end it, one tells the others.
        let end = || {
            let (sso, signed) = (Arc::clone(&site.sso), signed.clone());
            async move { sso.end_session(signed.tenant, signed.session, signed.user, None).await.unwrap().len() }
        };
        let (one, two) = tokio::join!(end(), end());
        assert_eq!((one.min(two), one.max(two)), (0, 2));
        assert!(matches!(site.stand(&browser, &Ask::default()).await, Stand::SignIn(_)));
        assert!(site.sso.participants(house.tenant, signed.session).await.unwrap().is_empty());
        // Whoever comes after the end is told that it was.
        let late = site.sso.participate(&signed, &wiki, &told("a")).await;
        assert!(matches!(late, Err(SsoError::Over)));
        assert!(site.sso.still(&wiki, site.ana, Some(signed.session)).await.unwrap().is_none());
    });
}

#[test]
fn sectors_cant_compare_what_a_person_is_called() {
    each_engine("{}", async |house| {
        let site = Site::open(house).await;
        let bob = house.user("bob").await;
        let public = site.party().await;
        assert_eq!(site.sso.subject(site.ana, &public).await.unwrap(), site.ana.to_string());
        let a = site.another("A", settings(pairwise("a.example"))).await;
        let same = site.another("A too", settings(pairwise("a.example"))).await;
        let b = site.another("B", settings(pairwise("b.example"))).await;
        let name = async |party, user| site.sso.subject(user, party).await.unwrap();
        let at_a = name(&a, site.ana).await;
        assert_eq!(at_a, name(&same, site.ana).await);
        assert_ne!(at_a, name(&b, site.ana).await);
        assert_ne!(at_a, name(&a, bob).await);
        assert_eq!(at_a.len(), 43);
        // Another node, which has kept nothing, says the same: also after the tenant's keys were rotated.
        let keys = house.store.ring().create_tenant_key(house.tenant, 2, &house.world).unwrap();
        let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
        tx.add_tenant_key(&keys, house.world.now()).await.unwrap();
        tx.commit().await.unwrap();
        house.store.forget_keys(house.tenant);
        let again = countersign_sso::Sso::start(Arc::clone(&house.auth), countersign_sso::Options::default());
        let party = again.party_of(house.tenant, a.ikey()).await.unwrap().unwrap();
        assert_eq!(again.subject(site.ana, &party).await.unwrap(), at_a);
    });
}

#[test]
fn claims_come_from_the_directory_and_from_the_map() {
    each_engine("{}", async |house| {
        let site = Site::open(house).await;
        let rule = |name: &str, source: &str| ClaimRule::new(name, source.parse::<Source>().unwrap());
        let map = ClaimsMap(vec![rule("upn", "{username}@acme.example"), rule("names", "aliases")]);
        let scope = site.scope();
        let group = scope.create_group(&directory::NewGroup { name: "staff".to_owned(), ..Default::default() }).await;
        scope.add_to_group(site.ana, group.unwrap().id).await.unwrap();
        scope
            .change_user(
                site.ana,
                &directory::UserPatch { email: Some("ana@acme.example".to_owned()), ..Default::default() },
            )
            .await
            .unwrap();
        let party = site.another("Map", settings(OidcClient { claims: map, ..client() })).await;
        let person = site.sso.still(&party, site.ana, None).await.unwrap().unwrap();
        let scopes = ["openid", "email", "groups"].map(str::to_owned);
        let claims = site.sso.claims(&person, &party, Wanted { scopes: &scopes, names: &[] });
        let wanted = serde_json::json!({
            "email": "ana@acme.example", "email_verified": true, "groups": ["staff"], "upn": "ana@acme.example",
        });
        assert_eq!(serde_json::Value::Object(claims), wanted);
        assert!(
            site.sso
                .still(&party, types::UserId::new(house.world.now(), house.world.random.as_ref()), None)
                .await
                .unwrap()
                .is_none()
        );
    });
}

#[test]
fn a_service_providers_settings_are_kept_as_they_were_given() {
    each_engine("{}", async |house| {
        let site = Site::open(house).await;
        let acs = vec![Endpoint { url: "https://sp.example/acs".to_owned(), index: 0, default: true }];
        let saml = Settings::of(Kind::Saml(Box::new(SamlParty { acs, ..SamlParty::default() })));
        let new = countersign_sso::manage::NewParty {
            key: Some("https://sp.example/metadata".to_owned()),
            ..countersign_sso::manage::NewParty::new("SP", saml)
        };
        let made = countersign_sso::manage::create(&site.scope(), new).await.unwrap();
        assert!(made.secret.is_none());
        let party = site
            .sso
            .party(house.tenant, countersign_sso::Protocol::Saml, "https://sp.example/metadata")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(party.saml().unwrap().default_acs().unwrap().url, "https://sp.example/acs");
        assert_eq!(site.sso.subject(site.ana, &party).await.unwrap().len(), 43);
    });
}
