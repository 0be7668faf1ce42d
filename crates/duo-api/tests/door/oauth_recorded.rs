//! Requests that Duo's own web libraries made (`tests/oauth/record.py`), sent to the door on the day on which they were made.

use crate::{
    house::{NOW, each_engine, patient},
    oauth::{at_page, code_in, pass, send, token},
    support::{
        signing::Keys,
        web_client::{Sent, WebClient},
    },
};
use directory::{IntegrationKeys, NewIntegration};
use serde::Deserialize;
use std::collections::HashMap;
use types::SecretString;

#[derive(Deserialize)]
struct Recorded {
    key: String,
    secret: String,
    username: String,
    redirect_uri: String,
    state: String,
    nonce: String,
    code: String,
    requests: Vec<Request>,
}

#[derive(Deserialize)]
struct Request {
    client: String,
    name: String,
    method: String,
    target: String,
    host: String,
    content_type: String,
    body: String,
}

impl Request {
    /// As it was sent, with the code that there is now: no library signs it.
    fn sent(&self, code: (&str, &str)) -> Sent {
        let with = |text: &str| {
            let text = text.replace(&format!("code={}&", code.0), &format!("code={}&", code.1));
            text.replace(&format!("\r\n\r\n{}\r\n", code.0), &format!("\r\n\r\n{}\r\n", code.1))
        };
        Sent {
            method: if self.method == "GET" { "GET" } else { "POST" },
            target: with(&self.target),
            host: self.host.clone(),
            kind: (!self.content_type.is_empty()).then(|| String::leak(self.content_type.clone()) as &str),
            body: with(&self.body),
        }
    }
}

#[test]
fn constraint_5_every_librarys_own_requests_are_understood() {
    let recorded: Recorded = serde_json::from_str(include_str!("../oauth/recorded.json")).unwrap();
    assert!(recorded.requests.len() > 20);
    each_engine(patient(), async |house| {
        assert_eq!(house.world.now(), NOW, "the libraries' clock stood at the house's");
        let keys = IntegrationKeys::parse(&recorded.key, &SecretString::new(recorded.secret.clone())).unwrap();
        let new = NewIntegration {
            name: "wiki".to_owned(),
            r#type: "websdk".to_owned(),
            keys: Some(keys),
            ..NewIntegration::default()
        };
        house.directory.tenant(house.a.id, "setup").create_integration(&new).await.unwrap();
        let keys = Keys { ikey: recorded.key.clone(), skey: recorded.secret.clone(), host: house.a.host.clone() };
        let mut open: HashMap<(&str, &str), Vec<String>> = HashMap::new();
        let mut tokens = 0;
        for request in &recorded.requests {
            let what = format!("{} {} at {}", request.client, request.name, request.host);
            let library = (request.client.as_str(), request.host.as_str());
            match request.name.as_str() {
                "health_check" => {
                    let reply = send(house, &request.sent(("", ""))).await;
                    assert_eq!(reply.value["stat"], "OK", "{what}: {reply:?}");
                    assert!(reply.value["response"]["timestamp"].is_i64());
                }
                "token" => {
                    let client = WebClient {
                        keys: keys.clone(),
                        host: request.host.clone(),
                        redirect_uri: recorded.redirect_uri.clone(),
                    };
                    // curl stands for PHP's library, whose way to the page is npm's.
                    let code = match open.get_mut(&library).and_then(Vec::pop) {
                        Some(code) => code,
                        None => crate::oauth::code(house, &house.a, &client).await,
                    };
                    let reply = send(house, &request.sent((&recorded.code, &code))).await;
                    let claims = token(&reply, &client);
                    assert_eq!(claims["preferred_username"], recorded.username, "{what}");
                    if let Some(nonce) = claims.get("nonce") {
                        assert_eq!(*nonce, recorded.nonce);
                    }
                    tokens += 1;
                }
                _ => {
                    let reply = send(house, &request.sent(("", ""))).await;
                    let page = at_page(&reply).unwrap_or_else(|| panic!("{what}: {reply:?}"));
                    let back = pass(house, &house.a, &page).await;
                    assert!(back.contains(&format!("&state={}", recorded.state)), "{what}: {back}");
                    let name = if back.contains("duo_code=") { "duo_code" } else { "code" };
                    open.entry(library).or_default().push(code_in(&back, name));
                }
            }
        }
        assert!(tokens >= 8, "{tokens}");
    });
}
