//! Suppliers over HTTP as carriers of the courier: what is sent to whom, and whose receipts are believed.

use crate::{
    supplier::{Answer, Supplier},
    support::{Fixture, NOW},
};
use aws_lc_rs::{digest, hmac};
use data_encoding::{BASE64, HEXLOWER};
use messaging::{
    ChannelKind, Content, Courier, Gateway, HOOKS_PATH, Hook, HookError, HookReply, Hooks, SendError, Surroundings,
    What, log,
};
use serde_json::{Value, json};
use std::sync::Arc;
use types::{MessageId, SecretString, TenantId};

const PUBLIC: &str = "https://mfa.example.com";
const NUMBER: &str = "+4915112345678";

struct House {
    fixture: Fixture,
    supplier: Supplier,
    courier: Arc<Courier>,
    hooks: Hooks,
    tenant: TenantId,
}

/// One machine plays all suppliers; `sms` is the one that texts go through.
async fn house(sms: &str) -> House {
    let fixture = Fixture::new().await;
    let supplier = Supplier::start().await;
    let url = &supplier.url;
    let text = format!(
        r#"
        [carriers.plivo]
        kind = "plivo"
        base_url = "{url}"
        auth_id = "MAPLIVO"
        auth_token = "the-token"
        from = "Acme"
        [carriers.vonage]
        kind = "vonage"
        base_url = "{url}"
        redact_url = "{url}"
        api_key = "k"
        api_secret = "s"
        signature_secret = "the-signature"
        from = "Acme"
        [carriers.whatsapp]
        kind = "whatsapp"
        base_url = "{url}"
        phone_number_id = "106"
        access_token = "t"
        app_secret = "the-app"
        verify_token = "v"
        template = "login_code"
        languages = ["en_US"]
        [carriers.telegram]
        kind = "telegram"
        base_url = "{url}"
        token = "the-token"
        "#
    );
    let around =
        Surroundings { world: fixture.store.world().clone(), public_url: Some(format!("{PUBLIC}/")), data_dir: None };
    let carriers = Gateway::read(&text).unwrap().set_up(&[], &around).unwrap();
    let mut channels: Vec<_> = carriers.into_iter().map(|carrier| carrier.channel).collect();
    channels.sort_by_key(|channel| channel.name() != sms);
    let courier = Arc::new(Courier::new(Arc::clone(&fixture.store), channels));
    let hooks = Hooks::new(&courier);
    let (tenant, _) = fixture.tenant("{}", true).await;
    House { fixture, supplier, courier, hooks, tenant }
}

impl House {
    fn answers(&self, answers: &[Value]) {
        self.supplier.answer(answers.iter().map(|body| Answer::Json(200, body.to_string())));
    }

    async fn deliver(&self, content: Content) -> (MessageId, Result<(), SendError>) {
        let mut message = self.fixture.text(self.tenant, NUMBER, "");
        message.content = content;
        let id = log::day_id(message.id);
        (id, self.courier.deliver(message).await)
    }

    async fn text(&self) -> MessageId {
        let text = SecretString::new("Acme: never share this. Your code is 778899".to_owned());
        let (id, done) = self.deliver(Content::Text(text)).await;
        done.unwrap();
        id
    }

    async fn code(&self, by: ChannelKind) -> (MessageId, Result<(), SendError>) {
        let code = SecretString::new("778899".to_owned());
        self.deliver(Content::Code { by, code, brand: "Acme".to_owned() }).await
    }

    async fn state(&self, id: MessageId) -> (String, String, String) {
        let row = self.fixture.store.tenant(self.tenant).message(id).await.unwrap().unwrap();
        (row.supplier, row.state, row.error_class)
    }

    async fn take(&self, target: &str, headers: &[(&'static str, String)], body: &str) -> Result<HookReply, HookError> {
        let path = target.split('?').next().unwrap();
        let mut parts = path.strip_prefix(HOOKS_PATH).unwrap().splitn(3, '/');
        let (carrier, what) = (parts.next().unwrap(), What::of(parts.next().unwrap()).unwrap());
        let headers =
            headers.iter().map(|(name, value)| ((*name).try_into().unwrap(), value.parse().unwrap())).collect();
        let hook = Hook {
            what,
            ticket: parts.next().unwrap_or_default(),
            is_get: false,
            target,
            headers: &headers,
            body: body.as_bytes(),
        };
        self.hooks.take(carrier, &hook).await
    }

    async fn refused(&self, target: &str, headers: &[(&'static str, String)], body: &str) -> u16 {
        self.take(target, headers, body).await.unwrap_err().status()
    }
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), &parts.concat()).as_ref().to_vec()
}

fn by_meta(body: &str) -> [(&'static str, String); 1] {
    [("x-hub-signature-256", format!("sha256={}", HEXLOWER.encode(&mac(b"the-app", &[body.as_bytes()]))))]
}

fn by_telegram(body: &str) -> [(&'static str, String); 2] {
    let at = NOW.seconds().to_string();
    let key = digest::digest(&digest::SHA256, b"the-token");
    let signature = HEXLOWER.encode(&mac(key.as_ref(), &[at.as_bytes(), b"\n", body.as_bytes()]));
    [("x-request-signature", signature), ("x-request-timestamp", at)]
}

fn by_plivo(target: &str) -> [(&'static str, String); 2] {
    let base = format!("{PUBLIC}{target}");
    let signature = BASE64.encode(&mac(b"the-token", &[base.as_bytes(), b"4711"]));
    [("x-plivo-signature-v2", signature), ("x-plivo-signature-v2-nonce", "4711".to_owned())]
}

/// A form with Vonage's `sig` at its end.
fn by_vonage(fields: &[(&str, &str)]) -> String {
    let at = NOW.seconds().to_string();
    let mut fields = [fields, &[("timestamp", at.as_str())]].concat();
    fields.sort_unstable();
    let text: String = fields.iter().map(|(name, value)| format!("&{name}={value}")).collect();
    let sig = HEXLOWER.encode(&mac(b"the-signature", &[text.as_bytes()]));
    let form: String = fields.iter().map(|(name, value)| format!("{name}={value}&")).collect();
    format!("{form}sig={sig}")
}

fn statuses(list: &Value) -> String {
    json!({"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages", "value": {"statuses": list}}]}]})
        .to_string()
}

const INBOUND: &str = "/telephony/whatsapp/inbound";

#[tokio::test]
async fn a_code_by_whatsapp_and_its_receipts() {
    let house = house("plivo").await;
    house.answers(&[json!({"messages": [{"id": "wamid.A=="}]}), json!({"messages": [{"id": "wamid.B=="}]})]);
    let (first, done) = house.code(ChannelKind::WhatsApp).await;
    done.unwrap();
    let told = statuses(
        &json!([{"id": "wamid.of-another-app", "status": "delivered"}, {"id": "wamid.A==", "status": "delivered"}]),
    );
    assert_eq!(house.refused(INBOUND, &[], &told).await, 403);
    assert_eq!(house.refused(INBOUND, &by_meta("{}"), &told).await, 403);
    assert_eq!(house.state(first).await.1, "sent");
    assert_eq!(house.take(INBOUND, &by_meta(&told), &told).await.unwrap().status, 200);
    assert_eq!(house.state(first).await, ("whatsapp".to_owned(), "delivered".to_owned(), String::new()));
    // Once more, and one that comes late: nothing changes.
    let late = statuses(&json!([{"id": "wamid.A==", "status": "failed", "errors": [{"code": 131_026}]}]));
    for told in [&told, &late] {
        assert_eq!(house.take(INBOUND, &by_meta(told), told).await.unwrap().status, 200);
    }
    assert_eq!(house.state(first).await.1, "delivered");

    house.fixture.clock.advance(std::time::Duration::from_secs(120));
    let (second, done) = house.code(ChannelKind::WhatsApp).await;
    done.unwrap();
    let failed = statuses(&json!([{"id": "wamid.B==", "status": "failed", "errors": [{"code": 131_026}]}]));
    house.take(INBOUND, &by_meta(&failed), &failed).await.unwrap();
    assert_eq!(house.state(second).await, ("whatsapp".to_owned(), "undelivered".to_owned(), "bad-address".to_owned()));
}

#[tokio::test]
async fn a_code_by_telegram_and_its_report() {
    let house = house("plivo").await;
    let answer = json!({"ok": true, "result": {"request_id": "r-1", "phone_number": NUMBER}});
    house.answers(&[answer.clone(), answer]);
    let (id, done) = house.code(ChannelKind::Telegram).await;
    done.unwrap();
    let asked = house.supplier.requests();
    assert_eq!((asked[0].path.as_str(), asked[1].path.as_str()), ("/checkSendAbility", "/sendVerificationMessage"));
    let body: Value = serde_json::from_str(&asked[1].body).unwrap();
    let callback = body["callback_url"].as_str().unwrap().strip_prefix(PUBLIC).unwrap();
    assert!(callback.starts_with("/telephony/telegram/status/"));
    assert!(body["callback_url"].as_str().unwrap().len() <= 256, "Telegram takes no longer one");
    let report =
        json!({"request_id": "r-1", "phone_number": NUMBER, "delivery_status": {"status": "read", "updated_at": 1}});
    let report = report.to_string();
    assert_eq!(house.refused(callback, &[], &report).await, 403);
    assert_eq!(house.refused(&format!("{callback}A"), &by_telegram(&report), &report).await, 404);
    // Rightly signed, but of another request.
    let other = report.replace("r-1", "r-2");
    assert_eq!(house.refused(callback, &by_telegram(&other), &other).await, 404);
    assert_eq!(
        house.take(callback, &by_telegram(&report), &report).await.unwrap().status,
        200,
        "204 is no success there"
    );
    assert_eq!(house.state(id).await, ("telegram".to_owned(), "delivered".to_owned(), String::new()));
}

#[tokio::test]
async fn a_refusal_says_why_and_to_whom() {
    let house = house("plivo").await;
    house.supplier.answer([Answer::Json(400, json!({"error": {"code": 131_026, "message": NUMBER}}).to_string())]);
    let (id, done) = house.code(ChannelKind::WhatsApp).await;
    let error = done.unwrap_err();
    assert!(!error.to_string().contains("151"), "{error}");
    assert_eq!(house.state(id).await, ("whatsapp".to_owned(), "failed".to_owned(), "bad-address".to_owned()));
}

#[tokio::test]
async fn a_receipt_of_another_carriers_message_is_nobodys() {
    let house = house("plivo").await;
    house.answers(&[json!({"message_uuid": ["u-1"]})]);
    let id = house.text().await;
    let body: Value = serde_json::from_str(&house.supplier.requests()[0].body).unwrap();
    let callback = body["url"].as_str().unwrap().strip_prefix(PUBLIC).unwrap().to_owned();
    let form = "MessageUUID=u-1&Status=failed&ErrorCode=50";
    // Nobody's signature, another's ticket, another carrier's address with everything right.
    assert_eq!(house.refused(&callback, &[], form).await, 403);
    let elsewhere = callback.replace("/plivo/", "/telegram/");
    assert_eq!(house.refused(&elsewhere, &by_plivo(&elsewhere), form).await, 403);
    let report = json!({"request_id": "u-1", "delivery_status": {"status": "expired"}}).to_string();
    assert_eq!(house.refused(&elsewhere, &by_telegram(&report), &report).await, 404);
    let unknown = callback.replace("/plivo/", "/nobody/");
    assert_eq!(house.refused(&unknown, &by_plivo(&unknown), form).await, 404);
    // Vonage vouches for an id that isn't its message's.
    let vonage = by_vonage(&[("messageId", "u-1"), ("status", "failed")]);
    assert_eq!(house.take("/telephony/vonage/inbound", &[], &vonage).await.unwrap().status, 200);
    assert_eq!(house.state(id).await.1, "sent");
    house.take(&callback, &by_plivo(&callback), form).await.unwrap();
    assert_eq!(house.state(id).await, ("plivo".to_owned(), "failed".to_owned(), "bad-address".to_owned()));
}

#[tokio::test]
async fn after_its_receipt_a_text_is_redacted() {
    let house = house("vonage").await;
    house.answers(&[json!({"message-count": "1", "messages": [{"status": "0", "message-id": "m-1"}]})]);
    let id = house.text().await;
    let sent = house.supplier.requests()[0].clone();
    assert_eq!(sent.value("callback"), Some("https://mfa.example.com/telephony/vonage/inbound"));
    house.answers(&[json!({})]);
    let told =
        by_vonage(&[("messageId", "m-1"), ("status", "delivered"), ("err-code", "0"), ("msisdn", "4915112345678")]);
    house.take("/telephony/vonage/inbound", &[], &told).await.unwrap();
    assert_eq!(house.state(id).await.1, "delivered");
    let requests = house.supplier.wait_for(2).await;
    assert_eq!(requests[1].path, "/v1/redact/transaction");
    assert_eq!(requests[1].body, r#"{"id":"m-1","product":"sms","type":"outbound"}"#);
    // Of a message that isn't ours nothing is redacted: the account may have other uses.
    let other = by_vonage(&[("messageId", "m-of-others"), ("status", "delivered")]);
    house.take("/telephony/vonage/inbound", &[], &other).await.unwrap();
    assert_eq!(house.supplier.requests().len(), 2);
}
