use super::*;

fn given(preset: &Preset) -> Given {
    let url = match preset.name {
        "slack" => "https://acme.slack.com/",
        "salesforce" => "https://acme.my.salesforce.com",
        _ => "https://app.example.org/",
    };
    let value = |name: &str| match name {
        "domain" => "example.org",
        "account" => "123456789012",
        "redirect" => "https://app.example.org/callback, https://app.example.org/other",
        "entity" => "https://app.example.org/saml/metadata",
        "acs" => "https://app.example.org/saml/acs",
        other => panic!("{other}"),
    };
    let needed = preset.options.iter().filter(|option| option.needed);
    Given::new(url, needed.map(|option| (option.name.to_owned(), value(option.name).to_owned())).collect()).unwrap()
}

#[test]
fn every_preset_makes_settings_that_can_be_stored_and_says_what_to_put_where() {
    for preset in ALL {
        let given = given(preset);
        let (key, settings) = preset.settings(&given).unwrap_or_else(|error| panic!("{}: {error}", preset.name));
        let key = key.unwrap_or_else(|| "DIABCDEFGHIJKLMNOPQR".to_owned());
        settings.check(&key).unwrap_or_else(|error| panic!("{}: {error}", preset.name));
        assert_eq!((settings.protocol(), settings.tile.preset.as_str()), (preset.protocol, preset.name));
        let text = serde_json::to_string(&settings).unwrap();
        let back: Settings = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&back).unwrap(), text, "{}", preset.name);

        let facts = Facts {
            issuer: "https://login.example.test:8443",
            key: &key,
            secret: Some("the-secret-of-the-client-0123456789"),
            name: "Acme\"; exec 'x' #{y}",
            given: &given,
        };
        let said: String = preset.snippets(&facts).iter().map(|one| format!("{}\n{}", one.place, one.text)).collect();
        assert!(said.contains("https://login.example.test:8443"), "{said}");
        assert!(!said.contains("exec 'x'") && !said.contains("#{y}"), "{said}");
        if preset.protocol == Protocol::Oidc {
            assert!(said.contains(&key) && said.contains("the-secret-of-the-client-0123456789"), "{said}");
        }
        assert!(named(preset.name).is_some_and(|found| std::ptr::eq(found, *preset)));
    }
}

#[test]
fn what_is_missing_or_unknown_is_named() {
    let aws = named("aws").unwrap();
    let error = aws.settings(&Given::new("https://signin.aws.amazon.com", BTreeMap::new()).unwrap()).map(drop);
    assert!(error.unwrap_err().to_string().starts_with("account: is needed"));
    let options = BTreeMap::from([("colour".to_owned(), "blue".to_owned())]);
    let error = named("gitlab").unwrap().settings(&Given::new("https://git.example.org", options).unwrap()).map(drop);
    assert!(error.unwrap_err().to_string().contains("no option of gitlab"));
    for wrong in [
        "gitlab.example.org",
        "",
        "https://",
        "https://a.example/?x=1",
        "https://a.example/#x",
        "https://a.example/';id;'",
    ] {
        assert!(Given::new(wrong, BTreeMap::new()).is_err(), "{wrong}");
    }
    // Nothing is written into somebody's configuration that ends its text.
    let options = BTreeMap::from([("admins".to_owned(), "a' || 'Admin".to_owned())]);
    let grafana = named("grafana").unwrap();
    assert!(grafana.settings(&Given::new("https://grafana.example.org", options).unwrap()).is_err());
}

#[test]
fn a_redirect_address_that_isnt_https_is_refused_whatever_preset_made_it() {
    for wrong in ["http://app.example.org", "ftp://app.example.org"] {
        let given = Given::new(wrong, BTreeMap::new()).unwrap();
        let (_, settings) = named("gitlab").unwrap().settings(&given).unwrap();
        assert!(settings.check("DIABCDEFGHIJKLMNOPQR").is_err(), "{wrong}");
    }
}
