//! That the documentation's examples are what they say.

use crate::{ChannelKind, Gateway, Surroundings};
use types::World;

const DOCUMENT: &str = include_str!("../../../../docs/suppliers.md");

#[tokio::test]
async fn every_example_of_the_documentation_is_taken() {
    let around =
        Surroundings { world: World::real(), public_url: Some("https://mfa.example".to_owned()), data_dir: None };
    let mut kinds = Vec::new();
    for block in DOCUMENT.split("```toml\n").skip(1) {
        let text = block.split("```").next().unwrap();
        if !text.contains("[carriers.") {
            continue;
        }
        let gateway = Gateway::read(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let carriers = gateway.set_up(&[], &around).unwrap_or_else(|error| panic!("{error}: {text}"));
        let [carrier] = &carriers[..] else { panic!("one carrier an example: {text}") };
        let messenger = match carrier.channel.name() {
            "whatsapp" => ChannelKind::WhatsApp,
            "telegram" => ChannelKind::Telegram,
            _ => ChannelKind::Sms,
        };
        assert!(carrier.channel.carries(messenger), "{text}");
        assert_eq!(carrier.channel.reports(messenger), !["sns", "playsms"].contains(&carrier.channel.name()), "{text}");
        kinds.extend(gateway.names().map(|(_, kind)| kind.to_owned()));
    }
    for kind in ["twilio", "vonage", "sinch", "infobip", "plivo", "bird", "sns", "whatsapp", "telegram", "http"] {
        assert!(kinds.iter().any(|it| it == kind), "no example of {kind}");
    }
}

#[tokio::test]
async fn a_credential_may_stand_in_a_file() {
    let around = Surroundings { world: World::real(), public_url: None, data_dir: None };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key");
    std::fs::write(&file, "the-key-in-the-file\n").unwrap();
    let set_up = |lines: &str| {
        let text = format!("[carriers.x]\nkind = \"http\"\nrequest.url = \"https://x.example/\"\n{lines}\n");
        Gateway::read(&text).unwrap().set_up(&[], &around).map(drop).map_err(|error| error.to_string())
    };
    let auth = |inner: &str| format!("request.auth = {{ header = {{ name = \"x-key\", {inner} }} }}");
    assert_eq!(set_up(&auth(&format!("value_file = {file:?}"))), Ok(()));
    let both = set_up(&auth(&format!("value = \"the-key\", value_file = {file:?}"))).unwrap_err();
    assert!(both.contains("exclude each other") && !both.contains("the-key"), "{both}");
    let missing = set_up(&auth("value_file = \"/nowhere/the-key\"")).unwrap_err();
    assert!(missing.contains("value_file"), "{missing}");
    let unknown = set_up("colour = \"the-key\"").unwrap_err();
    assert!(unknown.contains("colour") && !unknown.contains("the-key"), "{unknown}");
}
