//! What each preset says, byte by byte, and what it understands.

use crate::{
    Callback, Class, Content, Driver, Letter, Patience, Progress, Settings,
    client::Client,
    recipe::{Recipe, Step},
    secret::Secret,
    template::Values,
};
use http::HeaderMap;
use serde_json::json;
use std::time::Duration;
use types::{Millis, SecretString, World};

/// 14 November 2026, 10:20:30.405 UTC.
const NOW: Millis = Millis(1_794_651_630_405);

pub(crate) fn recipe(kind: &str, table: serde_json::Value) -> Recipe {
    Settings::read(kind, table).unwrap().unwrap().made().unwrap().recipe
}

fn letter(content: Content) -> Letter {
    Letter {
        to: "+15035550100".parse().unwrap(),
        content,
        from: None,
        callback: Some("https://mfa.example/hook".to_owned()),
        validity: Duration::from_secs(300),
        language: "de-AT".to_owned(),
    }
}

fn text() -> Letter {
    letter(Content::Text(SecretString::new("Acme: your code is 778899".to_owned())))
}

fn code() -> Letter {
    letter(Content::Code { code: SecretString::new("778899".to_owned()), brand: "Acme".to_owned() })
}

/// A request as it goes out: method and address, `authorization`, type and body.
fn said(step: &Step, values: &Values<'_>) -> (String, String, String) {
    let (world, _) = World::made(NOW, 5);
    let client = Client::new(Duration::from_secs(1), world).unwrap();
    let request = client.request(step, values).unwrap();
    let header = |name: &str| request.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
    let body = format!("{} {}", header("content-type"), String::from_utf8(body.to_vec()).unwrap());
    (format!("{} {}", request.method(), request.url()), header("authorization"), body)
}

fn values<'a>(letter: &'a Letter, from: &'a str) -> Values<'a> {
    Values {
        letter: Some(letter),
        from: Some(from),
        language: Some("de"),
        request: Some("r-1"),
        id: Some("m-1"),
        now: NOW,
    }
}

fn check(step: &Step, letter: &Letter, from: &str, wanted: (&str, &str, &str)) {
    let (line, authorization, body) = said(step, &values(letter, from));
    assert_eq!(line, wanted.0);
    assert_eq!(authorization, wanted.1);
    let form = "application/x-www-form-urlencoded";
    assert_eq!(body, format!("{} {}", if wanted.2.starts_with('{') { "application/json" } else { form }, wanted.2));
}

#[test]
fn vonage_by_the_sms_api() {
    let table = json!({"api_key": "k", "api_secret": "s", "from": "x", "signature_secret": "y"});
    let recipe = recipe("vonage", table);
    check(
        &recipe.send,
        &text(),
        "Acme",
        (
            "POST https://rest.nexmo.com/sms/json",
            "Basic azpz",
            "callback=https%3A%2F%2Fmfa.example%2Fhook&from=Acme&text=Acme%3A+your+code+is+778899&to=15035550100&ttl=300000&type=text",
        ),
    );
    let forget = recipe.forget.unwrap();
    check(
        &forget.step,
        &text(),
        "Acme",
        (
            "POST https://api.nexmo.com/v1/redact/transaction",
            "Basic azpz",
            r#"{"id":"m-1","product":"sms","type":"outbound"}"#,
        ),
    );
    assert!(recipe.one_address, "its callback takes a hundred characters");
    let cyrillic = letter(Content::Text(SecretString::new("Код 778899".to_owned())));
    assert!(said(&recipe.send, &values(&cyrillic, "Acme")).2.ends_with("&type=unicode"));
}

#[test]
fn sinch_infobip_plivo_and_bird() {
    let sinch = recipe("sinch", json!({"service_plan_id": "plan1", "token": "t", "region": "eu", "from": "x"}));
    check(
        &sinch.send,
        &text(),
        "+4930123",
        (
            "POST https://eu.sms.api.sinch.com/xms/v1/plan1/batches",
            "Bearer t",
            r#"{"from":"4930123","to":["15035550100"],"body":"Acme: your code is 778899","type":"mt_text","expire_at":"2026-11-14T10:25:30Z","delivery_report":"per_recipient","callback_url":"https://mfa.example/hook"}"#,
        ),
    );
    let infobip = recipe("infobip", json!({"base_url": "https://xyz.api.infobip.com", "api_key": "k", "from": "x"}));
    check(
        &infobip.send,
        &text(),
        "Acme",
        (
            "POST https://xyz.api.infobip.com/sms/3/messages",
            "App k",
            r#"{"messages":[{"sender":"Acme","destinations":[{"to":"15035550100"}],"content":{"text":"Acme: your code is 778899"},"options":{"validityPeriod":{"amount":5,"timeUnit":"MINUTES"}},"webhooks":{"delivery":{"url":"https://mfa.example/hook","intermediateReport":true},"contentType":"application/json"}}]}"#,
        ),
    );
    let plivo = recipe("plivo", json!({"auth_id": "MA1", "auth_token": "t", "from": "x"}));
    check(
        &plivo.send,
        &text(),
        "Acme",
        (
            "POST https://api.plivo.com/v1/Account/MA1/Message/",
            "Basic TUExOnQ=",
            r#"{"src":"Acme","dst":"15035550100","text":"Acme: your code is 778899","type":"sms","log":"false","message_expiry":300,"url":"https://mfa.example/hook","method":"POST"}"#,
        ),
    );
    let bird =
        recipe("bird", json!({"workspace_id": "w-1", "channel_id": "c-1", "access_key": "k", "signing_key": "s"}));
    check(
        &bird.send,
        &text(),
        "",
        (
            "POST https://api.bird.com/workspaces/w-1/channels/c-1/messages",
            "AccessKey k",
            r#"{"receiver":{"contacts":[{"identifierKey":"phonenumber","identifierValue":"+15035550100"}]},"body":{"type":"text","text":{"text":"Acme: your code is 778899"}}}"#,
        ),
    );
}

/// The signature was computed by another program (Python's `hmac`) after AWS's description.
#[test]
fn sns_signed_byte_by_byte() {
    let table = json!({
        "region": "eu-central-1", "access_key_id": "AKIDEXAMPLE",
        "secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    });
    check(
        &recipe("sns", table).send,
        &text(),
        "Acme",
        (
            "POST https://sns.eu-central-1.amazonaws.com/",
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261114/eu-central-1/sns/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=bb93f1433a801a30e9ad71ee226fce503d751814e5180e0dc7e8e4780f5cb9cc",
            "Action=Publish&Message=Acme%3A+your+code+is+778899&MessageAttributes.entry.1.Name=AWS.SNS.SMS.SMSType\
             &MessageAttributes.entry.1.Value.DataType=String&MessageAttributes.entry.1.Value.StringValue=Transactional\
             &PhoneNumber=%2B15035550100&Version=2010-03-31",
        ),
    );
}

fn whatsapp() -> serde_json::Value {
    json!({"phone_number_id": "106", "access_token": "t", "app_secret": "a", "verify_token": "v", "template": "login_code",
        "languages": ["en_US", "de"]})
}

#[test]
fn whatsapp_and_telegram_carry_codes_only() {
    check(
        &recipe("whatsapp", whatsapp()).send,
        &code(),
        "",
        (
            "POST https://graph.facebook.com/v23.0/106/messages",
            "Bearer t",
            r#"{"messaging_product":"whatsapp","recipient_type":"individual","to":"+15035550100","type":"template","template":{"name":"login_code","language":{"code":"de"},"components":[{"type":"body","parameters":[{"type":"text","text":"778899"}]},{"type":"button","sub_type":"url","index":"0","parameters":[{"type":"text","text":"778899"}]}]}}"#,
        ),
    );
    let telegram = recipe("telegram", json!({"token": "t", "from": "acme"}));
    let (prepare, _) = telegram.prepare.unwrap();
    check(
        &prepare,
        &code(),
        "acme",
        ("POST https://gatewayapi.telegram.org/checkSendAbility", "Bearer t", r#"{"phone_number":"+15035550100"}"#),
    );
    check(
        &telegram.send,
        &code(),
        "acme",
        (
            "POST https://gatewayapi.telegram.org/sendVerificationMessage",
            "Bearer t",
            r#"{"phone_number":"+15035550100","request_id":"r-1","code":"778899","ttl":300,"sender_username":"acme","callback_url":"https://mfa.example/hook"}"#,
        ),
    );
    check(
        &telegram.forget.unwrap().step,
        &code(),
        "",
        ("POST https://gatewayapi.telegram.org/revokeVerificationMessage", "Bearer t", r#"{"request_id":"m-1"}"#),
    );
}

/// Kannel's `sendsms` and playSMS, as the documentation shows them.
#[test]
fn gateways_of_ones_own() {
    let kannel = r#"
        from = "Acme"
        allow_plain_http = true
        [request]
        method = "GET"
        url = "http://10.0.0.5:13013/cgi-bin/sendsms"
        query = { from = "{from}", to = "{to}", text = "{text}", charset = "UTF-8", coding = "2", validity = "{minutes}", dlr-mask = "19", dlr-url = "{callback}?state=%d" }
        auth = { query = { username = "u", password = "p&w" } }
        [answer]
        success = [{ begins = "0: " }, { is = ["0: Accepted for delivery", "0: Accepted for delivery\n"] }]
        [receipts]
        state = "/state"
        states = { 1 = "delivered", 2 = "undelivered", 8 = "sent", 16 = "failed" }
    "#;
    let table: toml::Table = toml::from_str(kannel).unwrap();
    let settings = Settings::read("http", toml::Value::Table(table)).unwrap().unwrap();
    let made = settings.made().unwrap();
    let (line, authorization, body) = said(&made.recipe.send, &values(&text(), "Acme"));
    assert_eq!(
        line,
        "GET http://10.0.0.5:13013/cgi-bin/sendsms?charset=UTF-8&coding=2&dlr-mask=19\
         &dlr-url=https%3A%2F%2Fmfa.example%2Fhook%3Fstate%3D%25d&from=Acme&text=Acme%3A+your+code+is+778899&to=%2B15035550100\
         &validity=5&password=p%26w&username=u"
    );
    assert_eq!((authorization.as_str(), body.as_str()), ("", " "));
}

fn heard(kind: &str, table: serde_json::Value, query: &str, body: &str) -> Vec<(String, Progress, Class)> {
    let (world, _) = World::made(NOW, 5);
    let settings = Settings::read(kind, table).unwrap().unwrap();
    let driver = Driver::new(settings, Patience::default(), world).unwrap();
    let url = format!("https://mfa.example/hook{query}");
    let heard = driver.hear(&Callback { url: &url, headers: &HeaderMap::new(), body: body.as_bytes() }).unwrap();
    heard.statuses.into_iter().map(|status| (status.id, status.progress, status.class)).collect()
}

#[test]
fn receipts_that_nobody_signs() {
    let infobip = || json!({"base_url": "https://xyz.api.infobip.com", "api_key": "k", "from": "x"});
    let body = json!({"results": [
        {"messageId": "m-1", "to": "15035550100", "status": {"groupId": 3, "groupName": "DELIVERED", "name": "DELIVERED_TO_HANDSET"},
         "error": {"groupName": "OK", "id": 0, "name": "NO_ERROR", "permanent": false}},
        {"messageId": "m-2", "status": {"groupName": "UNDELIVERABLE"}, "error": {"name": "EC_ABSENT_SUBSCRIBER"}},
        {"messageId": "m-3", "status": {"groupName": "EXPIRED"}, "error": {"name": "NO_ERROR"}},
        {"messageId": "m-4", "status": {"groupName": "SOMETHING_NEW"}},
        {"status": {"groupName": "DELIVERED"}},
    ]});
    assert_eq!(
        heard("infobip", infobip(), "", &body.to_string()),
        [
            ("m-1".to_owned(), Progress::Delivered, Class::None),
            ("m-2".to_owned(), Progress::Undelivered, Class::Unreachable),
            ("m-3".to_owned(), Progress::Undelivered, Class::Expired),
        ]
    );
    let sinch = || json!({"service_plan_id": "plan1", "token": "t", "from": "x"});
    let body = json!({"type": "recipient_delivery_report_sms", "batch_id": "b-1", "status": "Failed", "code": 404, "recipient": "15035550100"});
    assert_eq!(
        heard("sinch", sinch(), "", &body.to_string()),
        [("b-1".to_owned(), Progress::Undelivered, Class::Unreachable)]
    );
}

#[test]
fn a_webhook_of_meta_is_registered_by_who_knows_the_token() {
    let (world, _) = World::made(NOW, 5);
    let settings = Settings::read("whatsapp", whatsapp()).unwrap().unwrap();
    let driver = Driver::new(settings, Patience::default(), world).unwrap();
    let query = |token: &str, mode: &str, challenge: &str| {
        format!("hub.mode={mode}&hub.challenge={challenge}&hub.verify_token={token}")
    };
    assert_eq!(driver.challenge(&query("v", "subscribe", "1158201444")).as_deref(), Some("1158201444"));
    for bad in [
        query("w", "subscribe", "1"),
        query("", "subscribe", "1"),
        query("v", "unsubscribe", "1"),
        query("v", "subscribe", "<script>"),
        query("v", "subscribe", ""),
        "hub.challenge=1".to_owned(),
    ] {
        assert_eq!(driver.challenge(&bad), None, "{bad}");
    }
    // Nobody else is asked.
    let (world, _) = World::made(NOW, 5);
    let settings = Settings::read("telegram", json!({"token": "t"})).unwrap().unwrap();
    assert_eq!(
        Driver::new(settings, Patience::default(), world).unwrap().challenge(&query("", "subscribe", "1")),
        None
    );
}

#[test]
fn settings_that_are_refused_without_repeating_them() {
    let read = |kind: &str, table: serde_json::Value| -> String {
        match Settings::read(kind, table).unwrap() {
            Err(error) => error.to_string(),
            Ok(settings) => {
                let (world, _) = World::made(NOW, 5);
                Driver::new(settings, Patience::default(), world).err().expect(kind).to_string()
            }
        }
    };
    let step = |url: &str| json!({"request": {"url": url, "form": {"to": "{to}"}}});
    for (kind, table) in [
        ("vonage", json!({"api_key": "k", "api_secret": 77_889_900, "from": "x"})),
        ("vonage", json!({"api_key": "k", "api_secret": "", "from": "x"})),
        ("vonage", json!({"api_key": "k", "api_secret": "s", "from": "x", "application_id": "a"})),
        (
            "vonage",
            json!({"api_key": "k", "api_secret": "s", "from": "x", "application_id": "a", "private_key": "secret77889900"}),
        ),
        ("plivo", json!({"auth_id": "../x", "auth_token": "t", "from": "x"})),
        ("sinch", json!({"service_plan_id": "p", "token": "t", "from": "x", "region": "evil.example/"})),
        ("sinch", json!({"service_plan_id": "p", "token": "t", "from": "x", "colour": "red"})),
        ("infobip", json!({"base_url": "http://xyz.api.infobip.com", "api_key": "k", "from": "x"})),
        ("infobip", json!({"base_url": "https://{text}.example", "api_key": "k", "from": "x"})),
        (
            "whatsapp",
            json!({"phone_number_id": "1", "access_token": "t", "app_secret": "a", "verify_token": "v", "template": "x", "languages": []}),
        ),
        ("http", step("http://10.0.0.5/send")),
        ("http", step("https://{to}.example/")),
        ("http", json!({"request": {"url": "https://x.example/", "form": {"to": "{to}"}, "json": {"a": "b"}}})),
        ("http", json!({"request": {"url": "https://x.example/", "headers": {"host": "y.example"}}})),
        ("http", json!({"request": {"url": "https://x.example/", "headers": {"a b": "c"}}})),
        (
            "http",
            json!({"request": {"url": "https://x.example/"}, "forget": {"request": {"url": "https://x.example/{id}"}}}),
        ),
        ("http", json!({"request": {"url": "https://x.example/", "form": {"to": "{password}"}}})),
    ] {
        let error = read(kind, table.clone());
        assert!(!error.contains("77889900") && !error.is_empty(), "{table}: {error}");
    }
    assert!(Settings::read("carrier-pigeon", json!({})).is_none());
}

#[test]
fn secrets_are_read_from_text_only() {
    let read =
        |value: serde_json::Value| serde_json::from_value::<Secret>(value).map_err(|error| error.to_string()).err();
    assert_eq!(read(json!("x")), None);
    for value in [json!(12345678), json!(-12345678), json!(1234.5678), json!(""), json!(["12345678"])] {
        assert!(!read(value.clone()).unwrap().contains("5678"), "{value}");
    }
}
