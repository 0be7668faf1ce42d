//! One organisation's web clients against another's sign-ins, codes and hosts.

use crate::{
    house::{each_engine, patient},
    oauth::{HEALTH_CHECK, STATE, TOKEN, at_page, code, jti, redeem, refused, send, token, web_client},
    support::{
        signing::pairs,
        web_client::{FORMS, FormOf, Sent, WebClient, post},
    },
};
use http::StatusCode;

#[test]
fn nobody_redeems_another_organisations_code_or_changes_anything_of_it() {
    each_engine(patient(), async |house| {
        let (ours, theirs) = (web_client(house, &house.a).await, web_client(house, &house.b).await);
        let code = code(house, &house.b, &theirs).await;
        let before = house.database.dump(house.b.id);
        for form in FORMS {
            assert_eq!(refused(&redeem(house, &ours, form, &code).await), "invalid_grant");
            // With their key and our secret, and the other way round.
            for mixed in [
                WebClient {
                    keys: crate::support::signing::Keys { skey: ours.keys.skey.clone(), ..theirs.keys.clone() },
                    ..theirs.clone()
                },
                WebClient {
                    keys: crate::support::signing::Keys { ikey: theirs.keys.ikey.clone(), ..ours.keys.clone() },
                    ..ours.clone()
                },
            ] {
                assert_eq!(refused(&redeem(house, &mixed, form, &code).await), "invalid_client");
            }
        }
        // Our client at their host, and ours for the name of theirs.
        let astray = WebClient { host: house.b.host.clone(), ..ours.clone() };
        assert_eq!(refused(&redeem(house, &astray, FormOf::Body, &code).await), "invalid_client");
        assert_eq!(house.database.dump(house.b.id), before, "something of theirs changed");
        token(&redeem(house, &theirs, FormOf::Body, &code).await, &theirs);
    });
}

#[test]
fn a_sign_in_is_its_own_browsers_at_its_own_organisation() {
    each_engine(patient(), async |house| {
        let (ours, theirs) = (web_client(house, &house.a).await, web_client(house, &house.b).await);
        let now = house.world.now();
        let page = |client: WebClient, name: String| async move {
            let request = client.sign(&client.request(&name, STATE, now));
            at_page(&send(house, &client.authorize(&request, &[])).await).unwrap()
        };
        let (a, b) = (page(ours, house.a.username.clone()).await, page(theirs, house.b.username.clone()).await);
        assert_ne!(a.cookie, b.cookie);
        for (tenant, id, cookie) in [
            (house.b.id, a.id, &a.cookie),
            (house.a.id, b.id, &b.cookie),
            (house.a.id, a.id, &b.cookie),
            (house.a.id, b.id, &a.cookie),
            (house.b.id, b.id, &a.cookie),
        ] {
            assert!(house.auth.sign_in(tenant, id, cookie).await.is_err());
        }
        assert!(house.auth.sign_in(house.a.id, a.id, &a.cookie).await.is_ok(), "the control");
    });
}

#[test]
fn a_foreign_host_opens_no_sign_in_and_gets_into_no_token() {
    each_engine(patient(), async |house| {
        let client = web_client(house, &house.a).await;
        let request = client.sign(&client.request(&house.a.username, STATE, house.world.now()));
        let good = client.authorize(&request, &[]);
        for host in [
            house.b.host.as_str(),
            "evil.example.test",
            &format!("{}.evil.example.test", house.a.host),
            &format!("evil.example.test:443@{}", house.a.host),
            &format!("{}:x", house.a.host),
            &format!("{}:443:443", house.a.host),
            &format!("{}/", house.a.host),
            "",
        ] {
            let reply = send(house, &Sent { host: host.to_owned(), ..good.clone() }).await;
            assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{host}");
            assert!(!reply.headers.contains_key("location") && !reply.headers.contains_key("set-cookie"), "{host}");
        }
        for host in [house.a.host.to_uppercase(), format!("{}:8443", house.a.host)] {
            assert!(at_page(&send(house, &Sent { host, ..good.clone() }).await).is_some());
        }
        // The issuer is what the client signed, whatever host the request came by.
        let code = code(house, &house.a, &client).await;
        let assertion = client.sign(&client.assertion(TOKEN, &jti(), house.world.now()));
        let sent = post("evil.example.test", TOKEN, FormOf::Body, &client.redemption(&code, &assertion));
        token(&send(house, &sent).await, &client);
        let health = client.sign(&client.assertion(HEALTH_CHECK, &jti(), house.world.now()));
        let params = pairs(&[("client_id", client.keys.ikey.as_str()), ("client_assertion", health.as_str())]);
        let reply = send(house, &post("evil.example.test", HEALTH_CHECK, FormOf::Body, &params)).await;
        assert!(!reply.text().contains("evil"), "{reply:?}");
    });
}
