//! Hostile texts in everything that a page shows: they are shown, and nothing else.

use crate::support::{Browser, House};
use html5ever::{driver::ParseOpts, parse_document, tendril::TendrilSink as _};
use markup5ever_rcdom::{Handle, NodeData, RcDom};

const HOSTILE: [&str; 8] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</title><svg onload=alert(1)>",
    "{{ 7*7 }}${7*7}{% raw %}",
    "&lt;script&gt;&#60;script&#62;",
    "javascript:alert(1)//",
    "\u{202e}gnp.exe\u{2066}",
];

/// What script there is in a page that isn't one of our files.
fn script_in(node: &Handle, found: &mut Vec<String>) {
    if let NodeData::Element { name, attrs, .. } = &node.data {
        let tag = name.local.to_string();
        for attr in attrs.borrow().iter() {
            let (name, value) = (attr.name.local.to_string(), attr.value.to_string());
            let address = matches!(name.as_str(), "href" | "src" | "action" | "formaction");
            if name.starts_with("on")
                || name == "style"
                || (address && value.trim().to_lowercase().starts_with("javascript"))
            {
                found.push(format!("{tag} {name}={value}"));
            }
            if tag == "script" && name == "src" && !value.starts_with("/assets/") {
                found.push(value);
            }
        }
        if matches!(tag.as_str(), "iframe" | "object" | "embed" | "base" | "template")
            || (tag == "img" && attrs.borrow().iter().any(|a| &*a.value == "x"))
        {
            found.push(tag);
        } else if tag == "script" && !node.children.borrow().is_empty() {
            found.push("inline script".to_owned());
        }
    }
    for child in node.children.borrow().iter() {
        script_in(child, found);
    }
}

async fn is_clean(browser: &Browser<'_>, path: &str, hostile: &str) -> String {
    let answer = browser.get(path).await;
    let html = answer.text();
    let dom = parse_document(RcDom::default(), ParseOpts::default()).one(html.as_str());
    let mut found = Vec::new();
    script_in(&dom.document, &mut found);
    assert!(found.is_empty(), "{hostile} at {path}: {found:?}");
    assert!(dom.errors.borrow().is_empty(), "{hostile} at {path}: {:?}", dom.errors.borrow());
    html
}

#[tokio::test]
async fn names_and_brands_are_texts() {
    for hostile in HOSTILE {
        let settings = serde_json::json!({
            "brand": hostile,
            "push_in_new_browsers": true,
            "page": { "accent": hostile, "background": hostile, "help_url": hostile, "help_text": hostile, "welcome": hostile, "language": hostile },
            "logo": hostile,
        });
        let house = House::with(&settings.to_string(), hostile).await;
        let user = house.user("ana").await;
        house.phone(user, "+12025550143", hostile).await;
        house.authenticator(user, hostile).await;
        house.token(user).await;
        let (browser, base) = house.at_application("ana").await;
        let html = is_clean(&browser, &base, hostile).await;
        assert!(html.contains("A request is sent to"), "{hostile}");
        let sent = browser.submit(&base, &format!("{base}/push"), &[("device", "")]).await;
        is_clean(&browser, sent.location(), hostile).await;
        is_clean(&browser, &format!("{base}/passcode"), hostile).await;
        is_clean(&browser, &format!("{base}/sms"), hostile).await;
        is_clean(&browser, "/sign-in/nothing", hostile).await;
        let portal = browser.get("/account/sign-in").await.location().to_owned();
        is_clean(&browser, &portal, hostile).await;
    }
}

#[tokio::test]
async fn what_a_person_types_is_a_text() {
    let house = House::new().await;
    for hostile in HOSTILE {
        let browser = house.browser();
        let base = browser.get("/account/sign-in").await.location().to_owned();
        let answer = browser.submit(&base, &format!("{base}/name"), &[("username", hostile)]).await;
        assert!(!answer.text().contains("<script>alert") && !answer.text().contains("<img src=x"), "{hostile}");
        is_clean(&browser, &base, hostile).await;
        is_clean(&browser, &format!("{base}/passcode"), hostile).await;
        // In the address, too.
        let query: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("lang", hostile)
            .append_pair("way", hostile)
            .finish();
        is_clean(&browser, &format!("{base}?{query}"), hostile).await;
    }
}

#[tokio::test]
async fn an_applications_state_comes_back_as_it_was_and_shows_nowhere() {
    let house = House::new().await;
    let user = house.user("ana").await;
    house.token(user).await;
    for hostile in HOSTILE {
        let back = "https://app.example/back?x='onload='1";
        let (browser, base) = house.at_application_with("ana", back, hostile).await;
        let html = is_clean(&browser, &base, hostile).await;
        assert!(!html.contains(hostile) && !html.contains("onload"), "{hostile}");
        let right = browser.submit(&base, &format!("{base}/passcode"), &[("code", &house.totp())]).await;
        let done = browser.get(right.location()).await;
        let state = done.location().rsplit("&state=").next().unwrap().to_owned();
        let (_, state) = form_urlencoded::parse(format!("s={state}").as_bytes())
            .next()
            .map(|(k, v)| (k.into_owned(), v.into_owned()))
            .unwrap();
        assert_eq!(state, hostile);
        assert!(!done.location().contains(['<', '"', '\r', '\n', ' ']), "{}", done.location());
        house.clock.advance(std::time::Duration::from_secs(30));
        // Giving up shows the way back as a link, not as markup.
        let (browser, base) = house.at_application_with("ana", back, hostile).await;
        let cancelled = browser.submit(&base, &format!("{base}/cancel"), &[]).await.text();
        let dom = parse_document(RcDom::default(), ParseOpts::default()).one(cancelled.as_str());
        let mut found = Vec::new();
        script_in(&dom.document, &mut found);
        assert!(found.is_empty(), "{hostile}: {found:?}");
    }
}
