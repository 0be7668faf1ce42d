//! The authenticator's door between organisations: the device of one answers what waits on another's.

use crate::{
    program::{Caller, each_engine},
    support::{
        organisation::Organisation,
        signing::{Version, pairs},
    },
};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use directory::SettingsFields;
use serde_json::{Value, json};
use types::{PhoneId, TenantId, World};

/// A request as an authenticator signs it: written from the door's description.
pub(crate) async fn send(
    caller: &Caller,
    signer: &Organisation,
    (tenant, phone): (TenantId, PhoneId),
    (method, path): (&str, &str),
    body: &Value,
) -> (u16, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let at = World::real().now().0;
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body.as_bytes());
    let lines = format!("countersign-device-v1\n{method}\n{path}\n{at}\n{}", HEXLOWER.encode(hash.as_ref()));
    let signature = BASE64URL_NOPAD.encode(&signer.device.sign(lines.as_bytes()));
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let request = caller.http.request(method, format!("{}{path}", caller.base)).body(body);
    let header = format!("Countersign-Device {tenant}.{phone}.{at}.{signature}");
    let answer = request.header("authorization", header).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default())
}

/// Begins a push and gives its id with the code that the sign-in shows.
pub(crate) async fn push(caller: &Caller, of: &Organisation) -> (String, String) {
    let params = pairs(&[("username", &of.username), ("factor", "push"), ("device", "auto"), ("async", "1")]);
    let (_, begun) = caller.call(&of.app, Version::V5, ("POST", "/auth/v2/auth"), &params).await.unwrap();
    let txid = begun["response"]["txid"].as_str().unwrap_or_else(|| panic!("{begun}")).to_owned();
    let status = pairs(&[("txid", &txid)]);
    let (_, told) = caller.call(&of.app, Version::V5, ("GET", "/auth/v2/auth_status"), &status).await.unwrap();
    let said = told["response"]["status_msg"].as_str().unwrap_or_default();
    (txid, said.chars().filter(char::is_ascii_digit).collect())
}

#[test]
fn a_device_sees_and_answers_nothing_of_another_organisation() {
    each_engine(false, async |site, _| {
        let house = site.open().await;
        let settings = || SettingsFields::default().with("prompt_spacing", 0).unwrap();
        let a = Organisation::make(&house.directory, &house.auth, "alfa", 1, settings()).await;
        let b = Organisation::make(&house.directory, &house.auth, "bravo", 2, settings()).await;
        drop(house);
        let program = site.serve(&[]).await;
        let caller = program.caller();
        let (txid, code) = push(&caller, &b).await;
        let before = site.database.dump(b.id);
        let path = format!("/authenticator/v1/requests/{txid}");
        // As itself.
        let (status, list) =
            send(&caller, &a, (a.id, a.phone), ("GET", "/authenticator/v1/requests"), &Value::Null).await;
        assert_eq!((status, list["requests"].as_array().map(Vec::len)), (200, Some(0)), "{list}");
        for answer in
            [json!({ "answer": "approve", "code": code }), json!({ "answer": "deny" }), json!({ "answer": "fraud" })]
        {
            let (status, said) = send(&caller, &a, (a.id, a.phone), ("POST", &path), &answer).await;
            assert_eq!(status, 400, "{said}");
            // Under the other's names, with its own key.
            for who in [(b.id, b.phone), (b.id, a.phone), (a.id, b.phone)] {
                let (status, said) = send(&caller, &a, who, ("POST", &path), &answer).await;
                assert_eq!(status, 401, "{said}");
                let (status, _) = send(&caller, &a, who, ("GET", "/authenticator/v1/requests"), &Value::Null).await;
                assert_eq!(status, 401);
            }
        }
        // B's activation code under A's name.
        let house = site.open().await;
        let (activation, _) =
            house.auth.activation(b.id, b.user, None, std::time::Duration::from_secs(60)).await.unwrap();
        let key = BASE64URL_NOPAD.encode(a.device.public_key());
        let asked = json!({ "tenant": a.id.to_string(), "code": activation.expose(), "public_key": key, "name": "x" });
        let url = format!("{}/authenticator/v1/activate", caller.base);
        let answer = caller.http.post(url).body(asked.to_string()).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 400);
        let mut after = site.database.dump(b.id);
        // The code that this test made is all that is new.
        after.get_mut("activation").unwrap().retain(|row| before["activation"].contains(row));
        assert_eq!(before, after);
        // The owner's own answer counts.
        let yes = json!({ "answer": "approve", "code": code });
        let (status, said) = send(&caller, &b, (b.id, b.phone), ("POST", &path), &yes).await;
        assert_eq!((status, &said["accepted"]), (200, &json!(true)), "{said}");
    });
}
