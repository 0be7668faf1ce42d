//! Applications behind a proxy: what each request is held against.

use crate::{
    house::Site,
    support::{SEED, each_engine},
};
use auth::{account::Strength, sign_in::Level};
use countersign_sso::{
    Kind, Protocol, Settings, SignedIn,
    forward::{ForwardAnswer, Forwarded, PASS, Peer},
    manage::{self, NewParty},
    party::ForwardHost,
};
use http::{HeaderMap, HeaderValue};
use store::PolicyRow;
use types::PolicyId;

#[test]
fn a_pass_is_worth_nothing_where_what_was_proved_is_not_enough_any_more() {
    each_engine("{}", async |house| {
        let site = Site::open(house).await;
        let bob = house.user("bob").await;
        house.token(bob, "t6", SEED).await;
        // With which he could still sign in.
        house.phone(bob, "+15035550100").await;
        let host = ForwardHost {
            origin: "https://wiki.example".to_owned(),
            level: Level::Single,
            session_seconds: 86_400,
            ..ForwardHost::default()
        };
        let mut new = NewParty::new("Wiki", Settings::of(Kind::Forward(Box::new(host))));
        new.key = Some("wiki.example".to_owned());
        manage::create(&site.scope(), new).await.unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-forwarded-host", "wiki.example"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-uri", "/page"),
            ("x-forwarded-for", "192.0.2.7"),
            ("x-forwarded-method", "GET"),
            // A script's request: it is led nowhere.
            ("sec-fetch-mode", "cors"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let (_, session) = house
            .auth
            .open_session(house.tenant, bob, Strength::Otp, &auth::sign_in::Browser::default())
            .await
            .unwrap();
        let session = house.auth.session_by_id(house.tenant, session).await.unwrap().unwrap();
        let party = site.sso.party(house.tenant, Protocol::Forward, "wiki.example").await.unwrap().unwrap();
        let asked = Forwarded::read(&headers).unwrap();
        let code = site.sso.hand_over(&SignedIn::of(&session), &party, "a state").await.unwrap().unwrap();
        let (pass, _) = site.sso.take_over(&party, &asked, code.expose(), "a state").await.unwrap().unwrap();
        headers.insert("cookie", HeaderValue::from_str(&format!("{PASS}={}", pass.expose())).unwrap());
        // As each request of the proxy finds it.
        let answer = async || {
            let peer = Some(Peer("127.0.0.1:4711".parse().unwrap()));
            let (party, asked) = site.sso.forwarded(house.tenant, peer, &headers).await.unwrap().ok().unwrap();
            site.sso.forward(&party, &asked, &headers).await.unwrap()
        };
        assert!(matches!(answer().await, ForwardAnswer::Pass(_)));
        // Policy takes no passcodes any more.
        let policy = PolicyRow {
            id: PolicyId::new(house.world.now(), house.world.random.as_ref()),
            name: "global".to_owned(),
            is_global: true,
            sections: r#"{"authentication_methods":{"blocked_auth_list":["hardware-token"]}}"#.to_owned(),
            created: house.world.now(),
        };
        let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
        tx.insert_policy(&policy).await.unwrap();
        tx.commit().await.unwrap();
        house.auth.applications().forget_tenant(house.tenant);
        assert!(matches!(answer().await, ForwardAnswer::SignIn));
    });
}
