//! Vectors: of the suppliers' own libraries where they publish some, else made by a few lines of Python after the suppliers' words.

use super::*;
use http::{HeaderMap, HeaderName, HeaderValue};

/// 14 November 2026, 10:20:30 UTC.
const NOW: Millis = Millis(1_794_651_630_000);

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pair =
        |(name, value): &(&str, &str)| (HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
    pairs.iter().map(pair).collect()
}

fn fields(text: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

fn is_good(signature: &Signature, url: &str, pairs: &[(&str, &str)], body: &str, now: Millis) -> bool {
    let headers = headers(pairs);
    let callback = Callback { url, headers: &headers, body: body.as_bytes() };
    signature.check(&callback, &fields(body), now).is_ok_and(|signed| signed)
}

#[test]
fn sinch_as_its_sdk_tests_it() {
    let body = r#"{"at":"2025-01-13T09:22:40.914Z","batch_id":"01JHFFHQ0P99JPPNQPJDV7JTBP","client_reference":"a client reference","code":0,"operator_status_at":"2025-01-13T09:22:00Z","recipient":"33662162466","status":"Delivered","type":"recipient_delivery_report_sms"}"#;
    let pairs = |signature: &'static str| {
        [
            ("x-sinch-webhook-signature", signature),
            ("x-sinch-webhook-signature-algorithm", "HmacSHA256"),
            ("x-sinch-webhook-signature-nonce", "01JHFFHWYY7HSS4FWTMDTQEK8V"),
            ("x-sinch-webhook-signature-timestamp", "1736760161"),
        ]
    };
    let good = pairs("ZoHei66PPN/kZjw7hFVfGhJOnml3iGNCMWoyQVcE5o0=");
    let then = Millis::from_seconds(1_736_760_200);
    let signature = Signature::Sinch(secret("SMSWebhooksSecret"));
    assert!(is_good(&signature, "", &good, body, then));
    assert!(!is_good(&signature, "", &pairs("invalid-signature"), body, then));
    assert!(!is_good(&signature, "", &good, &body.replace("Delivered", "Failed"), then));
    assert!(!is_good(&Signature::Sinch(secret("other")), "", &good, body, then));
    assert!(!is_good(&signature, "", &good, body, NOW), "a receipt of another year");
    assert!(!is_good(&signature, "", &good[..3], body, then), "no time, no trust");
}

#[test]
fn plivo_in_both_forms() {
    let url = "https://mfa.example/telephony/p/status/TICKET";
    let body = "MessageUUID=5b40a428-bfc7-4daf-9d06-726c558bf3b8&Status=delivered&To=15035550100";
    let nonce = ("x-plivo-signature-v3-nonce", "12345");
    let signature = Signature::Plivo(secret("the-token"));
    let plain = [("x-plivo-signature-v3", "8u9Y+roqn0r2VJ5M3a/zx0O3V3OkxrJNqTZJ1tz5q5o="), nonce];
    assert!(is_good(&signature, url, &plain, body, NOW));
    let several = [("x-plivo-signature-v3", "bm9uZQ==,8u9Y+roqn0r2VJ5M3a/zx0O3V3OkxrJNqTZJ1tz5q5o="), nonce];
    assert!(is_good(&signature, url, &several, body, NOW));
    let asked = [("x-plivo-signature-v3", "rjASDOPEAT9slIr/wXEsJ9rcVJDNyybmUibEgqgcCpc="), nonce];
    assert!(is_good(&signature, &format!("{url}?a=2&b=1"), &asked, body, NOW));
    assert!(!is_good(&signature, url, &asked, body, NOW));
    assert!(!is_good(&signature, url, &plain, &body.replace("delivered", "failed"), NOW));
    assert!(!is_good(&signature, "https://mfa.example/telephony/p/status/OTHER", &plain, body, NOW));
    // Version 2, as the SDK tests it.
    let second = |nonce: &'static str| {
        [
            ("x-plivo-signature-v2", "ehV3IKhLysWBxC1sy8INm0qGoQYdYsHwuoKjsX7FsXc="),
            ("x-plivo-signature-v2-nonce", nonce),
        ]
    };
    let token = Signature::Plivo(secret("my_auth_token"));
    assert!(is_good(&token, "https://answer.url", &second("12345"), "", NOW));
    assert!(!is_good(&token, "https://answer.url", &second("12346"), "", NOW));
    assert!(!is_good(&Signature::Plivo(secret("my_auth_tokens")), "https://answer.url", &second("12345"), "", NOW));
}

#[test]
fn vonage_by_a_field() {
    let body = "msisdn=15035550100&to=Acme&network-code=310090&messageId=0A0000001234567B&price=0.03&status=delivered\
                &scts=2611141020&err-code=0&api-key=abcd1234&message-timestamp=2026-11-14+10%3A20%3A30\
                &timestamp=1794651600&nonce=aaaa%26b%3Dc\
                &sig=D14AE1ECF57A73B71CC4B3583AD5A2B5124F18CAC8E2B1A121345AB1BD77C40E";
    let signature = Signature::Vonage(secret("the-secret"));
    assert!(is_good(&signature, "", &[], body, NOW));
    assert!(!is_good(&signature, "", &[], &body.replace("delivered", "failed"), NOW));
    assert!(!is_good(&signature, "", &[], &body.replace("&timestamp=1794651600", ""), NOW));
    assert!(!is_good(&signature, "", &[], body, Millis(NOW.0 + 2 * 86_400_000)));
    assert!(!is_good(&Signature::Vonage(secret("other")), "", &[], body, NOW));
}

#[test]
fn vonage_by_a_token() {
    let body = r#"{"message_uuid":"u-1","status":"delivered"}"#;
    let claims = "eyJpYXQiOiAxNzk0NjUxNjAwLCAianRpIjogIngiLCAiaXNzIjogIlZvbmFnZSIsICJwYXlsb2FkX2hhc2giOiAiZTk0YjgwZTkyMjNhYmU4MzU4ZjIwN2EyZWIwZDcwNmMxMDkyNWU4ZTJiOTg2YjMyYWNlNjdkNzc2MTkzYTQwYiIsICJhcGlfa2V5IjogImFiY2QxMjM0In0";
    let good =
        format!("Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.{claims}.-jA_qXArzWWXCjmQddPYPCa_tQn6fhgagEhyWdCYbWs");
    let signature = Signature::Vonage(secret("the-secret"));
    let check = |token: &str, body: &str, now| is_good(&signature, "", &[("authorization", token)], body, now);
    assert!(check(&good, body, NOW));
    assert!(!check(&good, &body.replace("delivered", "rejected"), NOW), "the hash is of another body");
    assert!(!check(&good, body, Millis(NOW.0 + 2 * 86_400_000)));
    assert!(!check(&good, body, Millis(NOW.0 - 86_400_000)), "signed tomorrow");
    // Without an algorithm, with the signature of another, cut short.
    assert!(!check(&format!("Bearer eyJhbGciOiJub25lIn0.{claims}."), body, NOW));
    for bad in ["Bearer ", "Bearer a.b.c", "Bearer ...", "Basic x", &good[..good.len() - 1]] {
        assert!(!check(bad, body, NOW), "{bad}");
    }
    // The token of the SDK's tests vouches for no body.
    let sdk = "Bearer eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJPbmxpbmUgSldUIEJ1aWxkZXIiLCJpYXQiOjE2OTc2MzQ2ODAsImV4cCI6MzMyNTQ1NDA4MjgsImF1ZCI6IiIsInN1YiI6IiJ9.88vJc3I2HhuqEDixHXVhc9R30tA6U_HQHZTC29y6CGM";
    let then = Millis::from_seconds(1_697_634_700);
    let theirs = Signature::Vonage(secret("qwertyuiopasdfghjklzxcvbnm123456"));
    assert!(is_good(&theirs, "", &[("authorization", sdk)], "", then));
    assert!(!is_good(&theirs, "", &[("authorization", sdk)], body, then));
}

#[test]
fn bird_telegram_and_meta() {
    let url = "https://mfa.example/telephony/b/inbound";
    let body = r#"{"service":"channels","event":"sms.outbound","payload":{"id":"m-1","status":"delivered"}}"#;
    let pairs = [
        ("messagebird-signature", "XtAohJNc9mLW4ls7SBzICLCrEmcUZiGcdZvzl3amSkE="),
        ("messagebird-request-timestamp", "1794651600"),
    ];
    let bird = Signature::Bird(secret("key"));
    assert!(is_good(&bird, url, &pairs, body, NOW));
    assert!(!is_good(&bird, &format!("{url}/x"), &pairs, body, NOW));
    assert!(!is_good(&bird, url, &pairs, "{}", NOW));

    let body = r#"{"request_id":"r-1","phone_number":"+15035550100","request_cost":0,"delivery_status":{"status":"read","updated_at":1794651600}}"#;
    let pairs = [
        ("x-request-signature", "a63df31d00792420752aa990666f52f4b6e3a958b61d7c3a82f875e3544843ae"),
        ("x-request-timestamp", "1794651600"),
    ];
    let telegram = Signature::Telegram(secret("the-token"));
    assert!(is_good(&telegram, "", &pairs, body, NOW));
    assert!(!is_good(&telegram, "", &pairs, &body.replace("read", "sent"), NOW));
    assert!(!is_good(&telegram, "", &[pairs[0], ("x-request-timestamp", "1794651601")], body, NOW));

    // The scheme is GitHub's, which publishes this vector.
    let pairs = [("x-hub-signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")];
    let meta = Signature::meta(secret("It's a Secret to Everybody"));
    assert!(is_good(&meta, "", &pairs, "Hello, World!", NOW));
    assert!(!is_good(&meta, "", &pairs, "Hello, World?", NOW));
    assert!(!is_good(&meta, "", &[("x-hub-signature-256", &pairs[0].1[7..])], "Hello, World!", NOW));
}

#[test]
fn a_password_that_the_supplier_was_told() {
    let signature = Signature::Basic { user: "hook".to_owned(), password: secret("pa:ss") };
    assert!(is_good(&signature, "", &[("authorization", "Basic aG9vazpwYTpzcw==")], "", NOW));
    assert!(!is_good(&signature, "", &[("authorization", "Basic aG9vazpwYXNz")], "", NOW));
    assert!(!is_good(&signature, "", &[], "", NOW));
}

#[test]
fn where_nobody_signs_nothing_is_signed() {
    let headers = HeaderMap::new();
    let callback = Callback { url: "", headers: &headers, body: b"" };
    assert_eq!(Signature::None.check(&callback, &[], NOW), Ok(false));
}

#[test]
fn our_own_tokens_are_verified_by_their_public_key() {
    use aws_lc_rs::{
        encoding::AsDer as _,
        rsa::KeySize,
        signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey},
    };
    let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = key.as_der().unwrap();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        data_encoding::BASE64.encode(der.as_ref())
    );
    let application = Application::new("app-1".to_owned(), &secret(&pem)).unwrap();
    let (world, _) = World::made(NOW, 3);
    let token = token(&application, &world).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref());
    public.verify(signed.as_bytes(), &BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap()).unwrap();
    let claims = BASE64URL_NOPAD.decode(signed.split('.').nth(1).unwrap().as_bytes()).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!((&claims["application_id"], &claims["exp"]), (&"app-1".into(), &(NOW.seconds() + 300).into()));
    assert_ne!(token, super::token(&application, &world).unwrap(), "each has an id of its own");
    assert!(Application::new("x".to_owned(), &secret("no key")).is_err());
}
