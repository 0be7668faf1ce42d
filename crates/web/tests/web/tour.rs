//! Every page, found by walking to it. What must hold for all of them is tested on this list: a page that isn't on it fails
//! `pages::every_template_is_on_the_tour`.

use crate::support::{Answer, Browser, House, approve};

/// A page on the tour.
pub(crate) struct Stop {
    /// What it shows.
    pub(crate) name: &'static str,
    pub(crate) answer: Answer,
}

/// Walks through all pages in a language.
pub(crate) async fn tour(settings: &str, language: &'static str) -> Vec<Stop> {
    let house = House::with(&with_passwords(settings), "Travel expenses").await;
    let mut stops = Vec::new();
    let ana = house.user("ana").await;
    house.passkey(ana).await;
    let ben = house.user("ben.ferrante@acme.example").await;
    let device = house.authenticator(ben, "Ben’s phone").await;
    house.phone(ben, "+12025550143", "").await;
    house.token(ben).await;
    let cleo = house.user("cleo").await;
    house.token(cleo).await;
    let dora = house.user("dora").await;
    house.phone(dora, "+12025550144", "Private").await;
    house.user("emil").await;

    // The first page is an application's; ben is known in this browser from a sign-in before.
    let mut at = Walk { house: &house, browser: speaks(&house, language), stops: &mut stops };
    let base = at.browser.open_application("ana", crate::support::BACK, "s").await;
    at.page("passkey first", &base).await;
    let base = at.browser.open_application("ben.ferrante@acme.example", crate::support::BACK, "s").await;
    at.page("new browser", &base).await;
    at.page("passcode", &format!("{base}/passcode")).await;
    let wrong =
        at.browser.submit(&format!("{base}/passcode"), &format!("{base}/passcode"), &[("code", "000000")]).await;
    at.add("wrong passcode", wrong);
    let code = house.totp();
    let right = at.browser.submit(&format!("{base}/passcode"), &format!("{base}/passcode"), &[("code", &code)]).await;
    assert!(right.location().ends_with("/done"), "{}", right.text());
    at.browser.go(right.location()).await;

    let base = at.browser.open_application("ben.ferrante@acme.example", crate::support::BACK, "s").await;
    at.page("push first", &base).await;
    let sent = at.browser.submit(&base, &format!("{base}/push"), &[("device", "")]).await;
    assert!(sent.location().ends_with("/push"), "{}", sent.text());
    let page = at.page("push", &format!("{base}/push")).await;
    assert!(page.contains("data:image/svg+xml"), "{page}");
    let digits: String = page
        .split_once("class=\"digits\"")
        .unwrap()
        .1
        .split("</p>")
        .next()
        .unwrap()
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    assert!(device.answer(&house, device.waiting(&house).await, approve(&digits)).await);
    assert!(at.browser.get(&format!("{base}/push")).await.location().ends_with("/done"));

    house.clock.advance(std::time::Duration::from_secs(60));
    let base = at.browser.open_application("ben.ferrante@acme.example", crate::support::BACK, "s").await;
    at.browser.submit(&base, &format!("{base}/call"), &[("device", "")]).await;
    at.page("call", &format!("{base}/call")).await;

    let base = at.browser.open_application("dora", crate::support::BACK, "s").await;
    at.page("message first", &base).await;
    at.browser.submit(&base, &format!("{base}/sms"), &[("device", "")]).await;
    at.page("message sent", &format!("{base}/sms")).await;
    let cancelled = at.browser.submit(&base, &format!("{base}/cancel"), &[]).await;
    at.add("cancelled", cancelled);

    let base = at.browser.open_sso("dora").await;
    at.page("password, as another way", &base).await;
    at.page("password", &format!("{base}/password")).await;
    let own = format!("{base}/password");
    at.add("wrong password", at.browser.submit(&own, &own, &[("password", "what it isn't")]).await);

    let base = at.browser.open_application("emil", crate::support::BACK, "s").await;
    at.page("enroll", &base).await;

    let base = at.browser.get("/account/sign-in").await.location().to_owned();
    at.page("name", &base).await;
    let unusable = at.browser.submit(&base, &format!("{base}/name"), &[("username", "")]).await;
    at.add("unusable name", unusable);
    let named = at.browser.submit(&base, &format!("{base}/name"), &[("username", "cleo")]).await;
    assert_eq!(named.location(), base);
    at.page("portal", &base).await;
    at.page("recovery", &format!("{base}/recovery")).await;

    let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
    assert!(tx.set_user_status(cleo, "disabled").await.unwrap());
    tx.commit().await.unwrap();
    let base = at.browser.open_application("cleo", crate::support::BACK, "s").await;
    at.page("denied", &base).await;

    let stranger = at.browser.open_application("dora", crate::support::BACK, "s").await;
    at.browser.jar.lock().unwrap().clear();
    at.page("other browser", &stranger).await;
    at.page("no such page", "/sign-in/nothing").await;
    for name in crate::leaves::PLAIN {
        at.page(name, &format!("/leaf/{name}")).await;
    }
    drop(at);
    stops.extend(remembering(language).await);
    stops.extend(crate::account::tour(settings, language).await);
    stops
}

/// The settings, at a tenant whose people have passwords.
pub(crate) fn with_passwords(settings: &str) -> String {
    settings.replacen('{', r#"{"passwords":true,"#, 1).replace(",}", "}")
}

/// At a tenant that lets browsers be remembered, and one that takes passkeys only.
async fn remembering(language: &'static str) -> Vec<Stop> {
    let house = House::new().await;
    let mut stops = Vec::new();
    let policy = store::PolicyRow {
        id: types::PolicyId::new(house.world.now(), house.world.random.as_ref()),
        name: "global".to_owned(),
        is_global: true,
        sections: r#"{"remembered_devices":{"enabled":true,"days":30}}"#.to_owned(),
        created: house.world.now(),
    };
    let mut tx = house.store.tenant(house.tenant).begin().await.unwrap();
    tx.insert_policy(&policy).await.unwrap();
    tx.commit().await.unwrap();
    house.auth.applications().forget_tenant(house.tenant);
    let ben = house.user("ben").await;
    house.token(ben).await;
    let mut at = Walk { house: &house, browser: speaks(&house, language), stops: &mut stops };
    let base = at.browser.open_application("ben", crate::support::BACK, "s").await;
    let right = at.browser.submit(&base, &format!("{base}/passcode"), &[("code", &at.house.totp())]).await;
    assert!(right.location().ends_with("/remember"), "{}", right.location());
    at.page("remember", &format!("{base}/remember")).await;
    drop(at);
    let house = House::with(r#"{"passkey_only":true}"#, "Vault").await;
    let ben = house.user("ben").await;
    house.token(ben).await;
    let mut at = Walk { house: &house, browser: speaks(&house, language), stops: &mut stops };
    let base = at.browser.open_application("ben", crate::support::BACK, "s").await;
    at.page("nothing to offer", &base).await;
    drop(at);
    stops
}

fn speaks<'h>(house: &'h House, language: &'static str) -> Browser<'h> {
    Browser { language, ..house.browser() }
}

struct Walk<'h, 's> {
    house: &'h House,
    browser: Browser<'h>,
    stops: &'s mut Vec<Stop>,
}

impl Walk<'_, '_> {
    async fn page(&mut self, name: &'static str, path: &str) -> String {
        let answer = self.browser.get(path).await;
        let text = answer.text();
        assert!(!text.is_empty(), "{name}: {} to {}", answer.status, answer.location());
        self.add(name, answer);
        text
    }

    fn add(&mut self, name: &'static str, answer: Answer) {
        self.stops.push(Stop { name, answer });
    }
}
