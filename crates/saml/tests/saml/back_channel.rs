//! Telling applications without a browser: what they are told, and which answers count.

use super::{
    ear::Ear,
    logout::{Told, answer_of, sign_in},
    support::*,
    wrapped::{WRAPPED, wrapped},
};
use auth::account::Strength;
use sso::party::{Binding, LogoutEndpoint, SamlParty};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};
use types::Millis;
use xmlsig::{Accept, Document, Fragment, Limits, SigningKey, Verified, Xml, ns, redirect};

const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";

/// An envelope around a message, as an application's library writes it.
pub(crate) fn envelope(message: Fragment) -> String {
    let body = Xml::new("S:Body").fragment(message);
    Xml::new("S:Envelope").with("xmlns:S", SOAP).child(body).render().unwrap().into_document()
}

/// The one message in an envelope of ours, verified.
pub(crate) async fn opened(house: &House, text: &str) -> Verified {
    let document = Document::parse(text.as_bytes(), &Limits::MESSAGE).unwrap();
    let body = document.root().only(SOAP, "Body").unwrap();
    let message = body.children().next().unwrap();
    xmlsig::verify(message, &house.keys().await, Accept::default()).unwrap()
}

fn id_of(request: &str) -> String {
    let document = Document::parse(request.as_bytes(), &Limits::MESSAGE).unwrap();
    let body = document.root().only(SOAP, "Body").unwrap();
    body.only(ns::SAMLP, "LogoutRequest").unwrap().attribute("ID").unwrap().to_owned()
}

fn http(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/xml\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

fn signed(message: &Fragment, asked: &str, key: &SigningKey) -> String {
    envelope(xmlsig::sign(message, &format!("_answer-{asked}"), key).unwrap())
}

/// What an application that has heard answers.
fn right(request: &str) -> Vec<u8> {
    let asked = id_of(request);
    http("200 OK", &signed(&answer_of(APP, &asked, "Success"), &asked, &own().signing))
}

type Answer = Box<dyn FnOnce(&str) -> Vec<u8> + Send>;

/// An application's server, that gives these answers and then the right one.
async fn ear(answers: Vec<Answer>) -> Ear {
    let answers = Mutex::new(VecDeque::from(answers));
    Ear::listen(move |request| {
        let next = answers.lock().unwrap().pop_front();
        next.map_or_else(|| right(request), |answer| answer(request))
    })
    .await
}

fn by_soap(ear: &Ear) -> SamlParty {
    SamlParty { slo_soap: Some(ear.url("/soap")), ..party() }
}

impl House {
    /// Ends what a session of this browser's is, as a command line does it.
    async fn revoke(&self, user: types::UserId) {
        let mut tx = self.store.tenant(self.tenant).begin().await.unwrap();
        tx.sign_out_everywhere(user, None, self.world.now()).await.unwrap();
        tx.commit().await.unwrap();
        self.logouts.wake();
    }

    /// Waits until something is, or isn't, due then.
    async fn until_due(&self, then: Millis, is: bool) {
        let wait = async {
            while self.store.logouts_due(then).await.unwrap() != is {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), wait).await.unwrap();
    }

    pub(crate) async fn nothing_is_owed(&self) {
        self.until_due(Millis(i64::MAX), false).await;
    }

    /// The try that is under way has failed: the next one is due a little later, and this is then.
    async fn next_try(&self, wait: Duration) {
        self.until_due(self.world.now() + wait, true).await;
        self.clock.advance(wait);
        self.logouts.wake();
    }

    async fn person(&self, name: &str) -> (Told, types::UserId) {
        let (browser, user, _) = self.signed_in(name, Strength::Passkey).await;
        (sign_in(self, &browser, &format!("_of-{name}"), APP).await, user)
    }
}

const FIRST: Duration = Duration::from_secs(2);

#[tokio::test]
async fn an_end_is_told_by_soap_and_heard() {
    let mut ear = ear(Vec::new()).await;
    let house = House::with(by_soap(&ear)).await;
    let (told, user) = house.person("alice").await;
    house.revoke(user).await;
    let request = ear.hear().await;
    let head = request.head.to_ascii_lowercase();
    assert!(head.starts_with("post /soap "), "{head}");
    assert!(head.contains("soapaction: \"http://www.oasis-open.org/committees/security\""), "{head}");
    assert!(head.contains("content-type: text/xml"), "{head}");
    let verified = opened(&house, &request.body).await;
    let root = verified.root();
    assert!(root.is(ns::SAMLP, "LogoutRequest"));
    assert_eq!(root.attribute("Destination"), Some(ear.url("/soap").as_str()));
    assert_eq!(root.attribute("NotOnOrAfter").unwrap(), at(house.world.now() + Duration::from_secs(300)));
    assert_eq!(root.only(ns::SAML, "Issuer").unwrap().text().unwrap(), format!("{ORIGIN}/saml/metadata"));
    assert_eq!(root.only(ns::SAML, "NameID").unwrap().text().unwrap(), told.name);
    assert_eq!(root.only(ns::SAMLP, "SessionIndex").unwrap().text().unwrap(), told.session);
    house.nothing_is_owed().await;
    assert!(ear.is_silent());
}

#[tokio::test]
async fn who_is_told_behind_is_not_told_in_front() {
    let mut ear = ear(Vec::new()).await;
    let house = House::with(by_soap(&ear)).await;
    let (browser, user, session) = house.signed_in("alice", Strength::Passkey).await;
    sign_in(&house, &browser, "_a", APP).await;
    let parts = http::Request::get("/").header("host", HOST).body(()).unwrap().into_parts().0;
    let visit = house.sso.visit(&parts).await.unwrap().unwrap();
    let ended = house.sso.end_session(house.tenant, session, user, None).await.unwrap();
    assert_eq!(ended.len(), 1);
    assert!(house.sso.farewell(&visit, &ended, "/account").await.unwrap().is_none());
    house.logouts.wake();
    ear.hear().await;
    house.nothing_is_owed().await;
}

#[tokio::test]
async fn a_deleted_person_is_signed_out_too() {
    let mut ear = ear(Vec::new()).await;
    let house = House::with(by_soap(&ear)).await;
    let (told, user) = house.person("alice").await;
    let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
    tx.sign_out_everywhere(user, None, house.world.now()).await.unwrap();
    assert!(tx.delete_user(user).await.unwrap());
    tx.commit().await.unwrap();
    house.logouts.wake();
    let verified = opened(&house, &ear.hear().await.body).await;
    assert_eq!(verified.root().only(ns::SAML, "NameID").unwrap().text().unwrap(), told.name);
}

/// Answers that nobody needs to believe.
fn wrong() -> Vec<(&'static str, Answer)> {
    fn said(change: impl Fn(&str) -> Fragment + Send + 'static, key: Option<&'static SigningKey>) -> Answer {
        Box::new(move |request| {
            let asked = id_of(request);
            let message = change(&asked);
            let body = match key {
                Some(key) => signed(&message, &asked, key),
                None => envelope(message),
            };
            http("200 OK", &body)
        })
    }
    fn changed(from: &'static str, to: &'static str) -> Answer {
        Box::new(move |request| {
            let asked = id_of(request);
            let text = answer_of(APP, &asked, "Success").as_str().replace(from, to);
            // The text is read and written again, so that it is a fragment.
            let signed = resign(&text, &asked);
            http("200 OK", &signed)
        })
    }
    fn around(place: usize) -> Answer {
        Box::new(move |request| {
            // It said that it didn't, and somebody on the line makes a yes of it.
            let asked = id_of(request);
            let id = format!("_answer-{asked}");
            let good = xmlsig::sign(&answer_of(APP, &asked, "Responder"), &id, own_key()).unwrap();
            let forge = |text: &str| text.replace(&id, "_evil").replace("status:Responder", "status:Success");
            let evil = &wrapped(good.as_str(), forge)[place].1;
            http("200 OK", &envelope(good.clone()).replace(good.as_str(), evil))
        })
    }
    let own = &own().signing;
    let success = |asked: &str| answer_of(APP, asked, "Success");
    let mut all = vec![
        ("unsigned", said(success, None)),
        ("a stranger's", said(success, Some(&strangers().signing))),
        ("another application's", said(|asked| answer_of(SECOND, asked, "Success"), Some(own))),
        ("for another", changed("/saml/slo", "/saml/other")),
        ("old", changed("2026-11-22T05", "2026-11-22T04")),
        ("from the future", changed("2026-11-22T05", "2026-11-22T06")),
        (
            "signed around nothing",
            Box::new(|request| {
                // The signed answer to another request inside one that isn't signed.
                let asked = id_of(request);
                let inner = xmlsig::sign(&answer_of(APP, "_other", "Success"), "_answer-_other", own_key()).unwrap();
                let code = Xml::new("samlp:StatusCode").with("Value", "urn:oasis:names:tc:SAML:2.0:status:Success");
                let outer = Xml::new("samlp:LogoutResponse")
                    .with("xmlns:samlp", ns::SAMLP)
                    .with("xmlns:saml", ns::SAML)
                    .with("ID", "_outer")
                    .with("Version", "2.0")
                    .with("IssueInstant", at(NOW))
                    .with("InResponseTo", asked)
                    .child(Xml::new("saml:Issuer").text(APP))
                    .child(Xml::new("samlp:Extensions").fragment(inner))
                    .child(Xml::new("samlp:Status").child(code));
                http("200 OK", &envelope(outer.render().unwrap()))
            }),
        ),
        (
            "two",
            Box::new(|request| {
                let asked = id_of(request);
                let one = xmlsig::sign(&answer_of(APP, &asked, "Success"), &format!("_answer-{asked}"), own_key());
                let body = Xml::new("S:Body").fragment(one.unwrap()).fragment(answer_of(APP, "_x", "Success"));
                let whole = Xml::new("S:Envelope").with("xmlns:S", SOAP).child(body).render().unwrap();
                http("200 OK", whole.as_str())
            }),
        ),
        (
            "a bomb",
            Box::new(|_| {
                let bomb = "<!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>";
                http("200 OK", &format!("{bomb}<l>&b;</l>"))
            }),
        ),
        ("huge", Box::new(|_| http("200 OK", &format!("<l>{}</l>", "x".repeat(100_000))))),
        ("deep", Box::new(|_| http("200 OK", &format!("{}{}", "<l>".repeat(5_000), "</l>".repeat(5_000))))),
        ("a page", Box::new(|_| http("200 OK", "<!doctype html><p>Hello"))),
        ("nothing", Box::new(|_| http("200 OK", ""))),
        ("no answer", Box::new(|_| Vec::new())),
        ("an error", Box::new(|_| http("500 Internal Server Error", "<e/>"))),
        ("a way elsewhere", Box::new(|_| http("302 Found\r\nLocation: https://app.example/", ""))),
    ];
    all.extend((0..WRAPPED).map(|place| ("wrapped", around(place))));
    all
}

fn own_key() -> &'static SigningKey {
    &own().signing
}

/// Signs a text that is a message.
fn resign(text: &str, asked: &str) -> String {
    let document = Document::parse(text.as_bytes(), &Limits::MESSAGE).unwrap();
    let root = document.root();
    let destination = root.attribute("Destination").unwrap();
    let issued = root.attribute("IssueInstant").unwrap();
    let code = Xml::new("samlp:StatusCode").with("Value", "urn:oasis:names:tc:SAML:2.0:status:Success");
    let message = Xml::new("samlp:LogoutResponse")
        .with("xmlns:samlp", ns::SAMLP)
        .with("xmlns:saml", ns::SAML)
        .with("ID", format!("_answer-{asked}"))
        .with("Version", "2.0")
        .with("IssueInstant", issued)
        .with("Destination", destination)
        .with("InResponseTo", asked)
        .child(Xml::new("saml:Issuer").text(APP))
        .child(Xml::new("samlp:Status").child(code));
    signed(&message.render().unwrap(), asked, &own().signing)
}

#[tokio::test]
async fn answers_that_do_not_count_are_no_end_of_it() {
    let (names, answers): (Vec<_>, Vec<_>) = wrong().into_iter().unzip();
    let turn: Arc<Mutex<Option<Answer>>> = Arc::default();
    let now = Arc::clone(&turn);
    let mut ear = Ear::listen(move |request| {
        let answer = now.lock().unwrap().take();
        answer.map_or_else(|| right(request), |answer| answer(request))
    })
    .await;
    let house = House::with(by_soap(&ear)).await;
    for (place, (name, answer)) in names.into_iter().zip(answers).enumerate() {
        let (told, user) = house.person(&format!("person-{place}")).await;
        *turn.lock().unwrap() = Some(answer);
        house.revoke(user).await;
        let first = ear.hear().await;
        house.next_try(FIRST).await;
        let second = ear.hear().await;
        assert_ne!(id_of(&first.body), id_of(&second.body), "{name}");
        assert!(second.body.contains(&told.session), "{name}");
        house.nothing_is_owed().await;
    }
}

#[tokio::test]
async fn an_answer_to_another_request_is_no_answer() {
    // The right answer to the first request is kept, and shown again to the second.
    let kept: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
    let answers = Arc::clone(&kept);
    let mut tries = 0;
    let mut ear = Ear::listen(move |request| {
        tries += 1;
        let mut kept = answers.lock().unwrap();
        match tries {
            1 => kept.insert(right(request)).clone(),
            2 => kept.clone().unwrap(),
            _ => right(request),
        }
    })
    .await;
    let house = House::with(by_soap(&ear)).await;
    let (_, alice) = house.person("alice").await;
    let (_, bob) = house.person("bob").await;
    house.revoke(alice).await;
    ear.hear().await;
    house.nothing_is_owed().await;
    house.revoke(bob).await;
    ear.hear().await;
    house.next_try(FIRST).await;
    ear.hear().await;
    house.nothing_is_owed().await;
}

#[tokio::test]
async fn who_refuses_is_asked_a_few_times_more_and_no_longer() {
    let refuses = || -> Answer {
        Box::new(|request| {
            let asked = id_of(request);
            http("200 OK", &signed(&answer_of(APP, &asked, "Responder"), &asked, &own().signing))
        })
    };
    let mut ear = ear((0..6).map(|_| refuses()).collect()).await;
    let house = House::with(by_soap(&ear)).await;
    let (_, user) = house.person("alice").await;
    house.revoke(user).await;
    for wait in [2, 4, 8, 16] {
        ear.hear().await;
        house.next_try(Duration::from_secs(wait)).await;
    }
    ear.hear().await;
    house.nothing_is_owed().await;
}

#[tokio::test]
async fn who_keeps_silent_keeps_nobody_else_waiting() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/soap", silent.local_addr().unwrap());
    let mut ear = Ear::listen(|request| {
        let asked = id_of(request);
        let message = answer_of(SECOND, &asked, "Success");
        http("200 OK", &signed(&message, &asked, &strangers().signing))
    })
    .await;
    let house = House::with(SamlParty { slo_soap: Some(address), ..party() }).await;
    house.change(SECOND_IKEY, |party| party.slo_soap = Some(ear.url("/soap"))).await;
    let (browser, user, _) = house.signed_in("alice", Strength::Passkey).await;
    sign_in(&house, &browser, "_a", APP).await;
    let there = sign_in(&house, &browser, "_b", SECOND).await;
    house.revoke(user).await;
    assert!(ear.hear().await.body.contains(&there.session));
}

#[tokio::test]
async fn a_network_that_nobody_may_name_is_not_asked() {
    let house = House::with(SamlParty { slo_soap: Some("https://10.0.0.1/soap".to_owned()), ..party() }).await;
    let (_, user) = house.person("alice").await;
    house.revoke(user).await;
    // The try has failed, and comes again.
    house.next_try(FIRST).await;
    house.until_due(house.world.now() + Duration::from_secs(4), true).await;
}

#[tokio::test]
async fn another_organisations_application_hears_nothing() {
    let mut ours = ear(Vec::new()).await;
    let mut theirs = ear(Vec::new()).await;
    let house = House::with(by_soap(&ours)).await;
    // The same application, by the same name and key, of another organisation.
    house.application(house.other, "DIOOOOOOOOOOOOOOOOOO", APP, by_soap(&theirs)).await;
    let (_, user) = house.person("alice").await;
    house.revoke(user).await;
    ours.hear().await;
    house.nothing_is_owed().await;
    assert!(theirs.is_silent());
}

#[tokio::test]
async fn who_says_so_is_told_as_by_a_browser() {
    for (binding, status) in [(Binding::Post, "200 OK"), (Binding::Redirect, "303 See Other\r\nLocation: /")] {
        let mut ear = Ear::listen(move |_| http(status, "")).await;
        let slo = LogoutEndpoint { url: ear.url("/slo?x=1"), response_url: None, binding };
        let direct = SamlParty { slo: vec![slo], direct_logout: true, ..party() };
        let house = House::with(direct).await;
        let (told, user) = house.person("alice").await;
        house.revoke(user).await;
        let request = ear.hear().await;
        let keys = house.keys().await;
        let verified = match binding {
            Binding::Post => {
                assert!(request.head.starts_with("POST /slo?x=1 "), "{}", request.head);
                let fields: Vec<_> = form_urlencoded::parse(request.body.as_bytes()).collect();
                assert_eq!((fields.len(), fields[0].0.as_ref()), (1, "SAMLRequest"));
                let document = xmlsig::post::decode(&fields[0].1, &Limits::MESSAGE).unwrap();
                xmlsig::verify(document.root(), &keys, Accept::default()).unwrap()
            }
            Binding::Redirect => {
                let line = request.head.split(' ').nth(1).unwrap();
                let query = line.strip_prefix("/slo?x=1&").unwrap();
                redirect::Message::parse(query, &Limits::MESSAGE).unwrap().verify(&keys, Accept::default()).unwrap().0
            }
        };
        let root = verified.root();
        assert_eq!(root.only(ns::SAMLP, "SessionIndex").unwrap().text().unwrap(), told.session);
        house.nothing_is_owed().await;
    }
}

#[tokio::test]
async fn who_only_browsers_can_tell_is_owed_nothing_behind() {
    let house = House::new().await;
    let (_, user) = house.person("alice").await;
    house.revoke(user).await;
    house.nothing_is_owed().await;
}
