use super::*;
use proptest::prelude::*;
use serde_json::json;
use types::{GroupId, Millis, TenantId, UserId, World};

fn ana() -> Person {
    let random = World::real().random;
    let id = || GroupId::new(Millis(1), random.as_ref());
    Person {
        tenant: TenantId::new(Millis(1), random.as_ref()),
        id: UserId::new(Millis(1), random.as_ref()),
        username: "ana".to_owned(),
        realname: String::new(),
        firstname: "Ana".to_owned(),
        lastname: "Lima".to_owned(),
        email: "Ana.Lima@Example.org".to_owned(),
        status: "active".to_owned(),
        groups: vec![(id(), "app-dev".to_owned()), (id(), "staff".to_owned()), (id(), "app-".to_owned())],
        aliases: vec!["alima".to_owned()],
        attributes: json!({ "site": "Lisboa", "level": 3, "list": [1] }).as_object().unwrap().clone(),
    }
}

fn value(text: &str) -> Option<Value> {
    text.parse::<Source>().unwrap_or_else(|error| panic!("{text}: {error}")).value(&ana())
}

#[test]
fn sources_say_what_they_are_asked_for() {
    assert_eq!(value("username"), Some(json!("ana")));
    assert_eq!(value("realname"), Some(json!("Ana Lima")));
    assert_eq!(value("groups"), Some(json!(["app-dev", "staff", "app-"])));
    assert_eq!(value("groups:prefix=app-,strip"), Some(json!(["dev"])));
    assert_eq!(value("groups:only=staff|nobody"), Some(json!(["staff"])));
    assert_eq!(value("groups:prefix=app-,strip,each=role/{},x=1"), Some(json!(["role/dev,x=1"])));
    assert_eq!(value("groups:prefix=none-"), None);
    assert_eq!(value("aliases"), Some(json!(["alima"])));
    assert_eq!(value("attribute:site"), Some(json!("Lisboa")));
    assert_eq!(value("attribute:level"), Some(json!("3")));
    assert_eq!((value("attribute:list"), value("attribute:none")), (None, None));
    assert_eq!(value("const:gold"), Some(json!("gold")));
    assert_eq!(value("{username}@example.org"), Some(json!("ana@example.org")));
    assert_eq!(
        value("{email|local}-{email|domain|lower}".replace("|domain|lower", "|lower").as_str()),
        Some(json!("Ana.Lima-ana.lima@example.org"))
    );
    assert_eq!(value("{{{lastname|upper}}}"), Some(json!("{LIMA}")));
    // What is empty leaves nothing of the text, so that no name is everybody's.
    assert_eq!(value("{attribute:none}@example.org"), None);
}

#[test]
fn what_cant_be_used_says_why() {
    for (text, why) in [
        ("user", "none of"),
        ("{user}", "none of"),
        ("{username", "never closed"),
        ("username}{email}", "closes nothing"),
        ("{username|rot13}", "lower, upper"),
        ("attribute:", "no usable name"),
        ("groups:strip", "no prefix"),
        ("groups:each=x", "no {}"),
        ("groups:colour=blue", "none of them"),
    ] {
        let error = text.parse::<Source>().unwrap_err().to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn claims_follow_their_scopes_and_names() {
    let scopes = |list: &[&str]| list.iter().map(|scope| (*scope).to_owned()).collect::<Vec<_>>();
    let map = ClaimsMap(vec![
        ClaimRule::new("site", "attribute:site".parse().unwrap()),
        ClaimRule {
            scope: Some("roles".to_owned()),
            ..ClaimRule::new("roles", "groups:prefix=app-,strip".parse().unwrap())
        },
        ClaimRule {
            scope: Some("email".to_owned()),
            ..ClaimRule::new("email", "{username}@acme.example".parse().unwrap())
        },
    ]);
    map.check("oidc.claims", true).unwrap();
    let (none, some) = (scopes(&["openid"]), scopes(&["openid", "email", "roles"]));
    let claims = map.claims(&ana(), Wanted { scopes: &none, names: &[] });
    assert_eq!(Value::Object(claims), json!({ "site": "Lisboa" }));
    let claims = map.claims(&ana(), Wanted { scopes: &some, names: &[] });
    let wanted = json!({ "site": "Lisboa", "roles": ["dev"], "email": "ana@acme.example", "email_verified": true });
    assert_eq!(Value::Object(claims), wanted);
    let claims = map.claims(&ana(), Wanted { scopes: &none, names: &["given_name".to_owned()] });
    assert_eq!(Value::Object(claims), json!({ "site": "Lisboa", "given_name": "Ana" }));
    let profile = scopes(&["profile", "groups"]);
    let claims = ClaimsMap::default().claims(&ana(), Wanted { scopes: &profile, names: &[] });
    let names: Vec<_> = claims.keys().map(String::as_str).collect();
    assert_eq!(names, ["name", "given_name", "family_name", "preferred_username", "groups"]);
}

#[test]
fn a_map_with_a_mistake_says_where() {
    for (map, place) in [
        (vec![ClaimRule::new("", Source::default())], "oidc.claims.0.name"),
        (vec![ClaimRule::new("a b", Source::default())], "oidc.claims.0.name"),
        (vec![ClaimRule::new("a", Source::default()), ClaimRule::new("sub", Source::default())], "oidc.claims.1.name"),
        (vec![ClaimRule::new("a", Source::default()), ClaimRule::new("a", Source::default())], "oidc.claims.1.name"),
        (vec![ClaimRule::new("a", Source::Constant(json!({ "b": 1 })))], "oidc.claims.0.value"),
        (vec![ClaimRule::default(); MOST_CLAIMS + 1], "oidc.claims"),
    ] {
        let Err(SsoError::Invalid { at, .. }) = ClaimsMap(map).check("oidc.claims", true) else { panic!("{place}") };
        assert_eq!(at, place);
    }
    let attribute = ClaimsMap(vec![ClaimRule::new("sub", Source::default())]);
    assert!(attribute.check("saml.attributes", false).is_ok());
    // What was stored before a name became the token's own is still never told.
    assert!(attribute.claims(&ana(), Wanted::default()).is_empty());
}

proptest! {
    #[test]
    fn a_template_is_written_as_it_is_read(text in "([{}a-z@|:]|\\{username\\}|\\{email\\|lower\\}|\\{\\{|\\}\\}){0,20}") {
        if let Ok(template) = text.parse::<Template>() {
            prop_assert_eq!(template.to_string().parse::<Template>(), Ok(template.clone()));
            let _ = template.fill(&ana());
        }
    }

    #[test]
    fn any_text_is_read_without_panic_and_nothing_empty_is_told(text in "\\PC{0,60}|(groups:|attribute:|const:)[a-z=,|{}]{0,30}") {
        if let Ok(source) = text.parse::<Source>() {
            let back: Source = serde_json::from_value(serde_json::to_value(&source).unwrap()).unwrap();
            prop_assert_eq!(&back, &source);
            if let Some(value) = source.value(&ana()) {
                prop_assert!(value != json!([]));
            }
        }
    }

    #[test]
    fn settings_are_read_without_panic(text in "\\PC{0,100}") {
        if let Ok(settings) = serde_json::from_str::<crate::Settings>(&text) {
            let _ = settings.check("x");
        }
    }
}
