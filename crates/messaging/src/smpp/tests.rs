use super::*;
use crate::{CallAnswers, Surroundings, courier::Words, links::Heard, testing::Fixture};
use smpp::Status;

fn table(more: &str) -> toml::Table {
    toml::from_str(&format!(
        "host = \"127.0.0.1\"\nsystem_id = \"acme\"\npassword = \"secret08\"\nfrom = \"Acme\"\n{more}"
    ))
    .unwrap()
}

fn around() -> Surroundings {
    let (world, _) = World::made(crate::testing::NOW, 5);
    Surroundings { world, public_url: None, data_dir: None }
}

fn refused(more: &str) -> String {
    from_keys("main", table(more), &around()).map(drop).unwrap_err()
}

#[test]
fn keys() {
    let all = "security = \"plain\"\nport = 2776\nsystem_type = \"x\"\nservice_type = \"CMT\"\nmode = \"pair\"\nany_sender = true\n\
               window = 50\nper_second = 100\nenquire_link_seconds = 5\nresponse_seconds = 2\nconcatenation = \"sar\"\n\
               alphabet = \"latin1\"\nreceipts = false\nreceipt_ids = \"as-is\"\nunmarked_receipts = true\n\
               validity = \"absolute\"\nsource = { ton = 3, npi = 0 }\ndestination = { ton = 2, npi = 1 }";
    let channel = from_keys("main", table(all), &around()).unwrap();
    assert_eq!(channel.name(), "main");
    assert!(channel.carries(ChannelKind::Sms) && !channel.carries(ChannelKind::Voice));
    assert!(!channel.reports(ChannelKind::Sms) && !channel.is_ready());
    assert!(from_keys("main", table("security = \"plain\""), &around()).unwrap().reports(ChannelKind::Sms));
    assert!(from_keys("main", table("security = \"tls\"\ntls_name = \"smsc.test\""), &around()).is_ok());
}

/// The keys of the page are the keys of the code, and its example is one.
#[test]
fn the_page_for_operators() {
    let page = include_str!("../../../../docs/smpp.md");
    let start = page.find("[carriers.main]").unwrap() + "[carriers.main]".len();
    let length = page[start..].find("```").unwrap();
    let mut example: toml::Table = toml::from_str(&page[start..start + length]).unwrap();
    assert_eq!(example.remove("kind"), Some("smpp".into()));
    example.remove("password_file").unwrap();
    example.insert("password".to_owned(), "secret08".into());
    assert!(from_keys("main", example, &around()).is_ok());
    for key in [
        "host",
        "port",
        "security",
        "tls_name",
        "ca_file",
        "certificate_file",
        "key_file",
        "system_id",
        "password",
        "password_file",
        "system_type",
        "service_type",
        "mode",
        "from",
        "any_sender",
        "window",
        "per_second",
        "enquire_link_seconds",
        "response_seconds",
        "concatenation",
        "alphabet",
        "receipts",
        "receipt_ids",
        "unmarked_receipts",
        "validity",
        "source",
        "destination",
    ] {
        assert!(page.contains(&format!("`{key}`")), "{key}");
        // The code knows it: another type is what is wrong with it.
        let error = from_keys("main", table(&format!("{key}_ = 1")), &around()).map(drop).unwrap_err();
        assert!(error.contains(&format!("`{key}`")), "{error}");
    }
}

#[test]
fn what_is_wrong_is_named_without_its_value() {
    assert!(refused("security = \"plain\"\nhots = 1").contains("hots"));
    assert!(refused("security = \"plain\"\nwindow = 0").contains("`window`"));
    assert!(refused("security = \"plain\"\nresponse_seconds = 60").contains("`response_seconds`"));
    assert!(refused("security = \"plain\"\npassword_file = \"/nowhere\"").contains("exclude each other"));
    assert!(refused("ca_file = \"/nowhere\"").contains("`ca_file`"));
    assert!(refused("key_file = \"/nowhere\"").contains("`key_file`"));
    let mut away = table("security = \"plain\"");
    away.insert("host".to_owned(), "smsc.example".into());
    assert!(from_keys("main", away.clone(), &around()).map(drop).unwrap_err().contains("this machine only"));
    away.insert("security".to_owned(), "tunnel".into());
    assert!(from_keys("main", away, &around()).is_ok());
    let mut long = table("security = \"plain\"");
    long.insert("system_id".to_owned(), "0123456789abcdef".into());
    let error = from_keys("main", long, &around()).map(drop).unwrap_err();
    assert!(error.contains("`system_id`") && !error.contains("0123456789abcdef"));
}

#[tokio::test]
async fn without_a_bind_nothing_was_shown_to_anybody() {
    let fixture = Fixture::new().await;
    let (tenant, _) = fixture.tenant("{}", false).await;
    let channel = from_keys("main", table("security = \"plain\"\nport = 1"), &around()).unwrap();
    let message = fixture.text(tenant, "+15035550100", "hello");
    let ticket = Ticket::new("t".to_owned());
    assert!(matches!(channel.send(&message, &ticket).await, Err(SendError::Down)));
    let (links, _heard) = Links::new(CallAnswers::new(), Words::unheard());
    channel.connect(&links);
    assert!(matches!(channel.send(&message, &ticket).await, Err(SendError::Down)));
    assert!(!channel.is_ready());
}

#[test]
fn refusals_say_what_was_seen() {
    let channel = Smpp {
        name: "main".to_owned(),
        config: Config::new("h".to_owned(), 1, "s".to_owned(), SecretString::new("p".to_owned())),
        from: "Acme".to_owned(),
        any_sender: false,
        receipts: true,
        world: around().world,
        client: OnceLock::new(),
    };
    let class = |status| match channel.refusal(SubmitError::Refused(status)) {
        SendError::Refused(class) => class,
        _ => panic!(),
    };
    assert_eq!(class(Status::RINVDSTADR), ErrorClass::BadAddress);
    assert_eq!(class(Status::RINVSRCADR), ErrorClass::Account);
    assert_eq!(class(Status::RSYSERR), ErrorClass::Supplier);
    assert_eq!(class(Status::RSUBMITFAIL), ErrorClass::Other);
    assert!(matches!(channel.refusal(SubmitError::NotSent), SendError::Down));
    assert!(matches!(channel.refusal(SubmitError::Throttled), SendError::Throttled { .. }));
    assert!(matches!(channel.refusal(SubmitError::Unknown), SendError::Unavailable));
}

#[test]
fn receipts_and_texts_go_up() {
    let (links, mut heard) = Links::new(CallAnswers::new(), Words::unheard());
    let hears = Hears { carrier: "main".to_owned(), links };
    let receipt = |state, error: Option<&str>| Receipt { id: "7a".to_owned(), state, error: error.map(str::to_owned) };
    for (state, delivery, class) in [
        (State::Delivered, Delivery::Delivered, ErrorClass::None),
        (State::Expired, Delivery::Undelivered, ErrorClass::Expired),
        (State::Rejected, Delivery::Undelivered, ErrorClass::Blocked),
        (State::Undeliverable, Delivery::Undelivered, ErrorClass::Unreachable),
    ] {
        assert!(hears.receipt(receipt(state, Some("27"))));
        let Ok(Heard::Report(carrier, report)) = heard.try_recv() else { panic!() };
        assert_eq!((carrier.as_str(), report.id.as_str()), ("main", "7a"));
        assert_eq!((report.delivery, report.class), (delivery, class));
        assert_eq!(report.raw, format!("stat:{} err:27", state.as_str()));
    }
    assert!(hears.receipt(receipt(State::EnRoute, None)));
    assert!(heard.try_recv().is_err());
    hears.inbound("15035550100", "72345", SecretString::new("STOP".to_owned()));
    let Ok(Heard::Inbound(carrier, inbound)) = heard.try_recv() else { panic!() };
    assert_eq!((carrier.as_str(), inbound.from.expose(), inbound.to.as_str()), ("main", "+15035550100", "72345"));
    assert_eq!(inbound.text.expose(), "STOP");
    hears.inbound("Sparkasse", "72345", SecretString::new("buy".to_owned()));
    assert!(heard.try_recv().is_err());
}
