//! What the supplier calls back.

use crate::{
    supplier::{Answer as Said, Request},
    support::NOW,
    twilio::{ACCOUNT, House, PUBLIC, TOKEN, house},
};
use messaging::{Answer, CallAnswer, HOOKS_PATH, Hook, HookError, HookReply, Hooks, What, log, signature};
use std::{sync::Arc, time::Duration};
use tokio::sync::broadcast::{Receiver, error::TryRecvError};
use types::SecretString;

const NUMBER: &str = "+4915112345678";
const STATUS_PATH: &str = "/telephony/twilio/status/";
const INBOUND_PATH: &str = "/telephony/twilio/inbound";

type Form = Vec<(String, String)>;

fn form(pairs: &[(&str, &str)]) -> Form {
    let mut form: Form = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    form.push(("AccountSid".to_owned(), ACCOUNT.to_owned()));
    form
}

fn signed(url: &str, form: &Form) -> String {
    signature::sign(&SecretString::new(TOKEN.to_owned()), &format!("{PUBLIC}{url}"), form)
}

struct Hooked {
    house: House,
    hooks: Hooks,
    answers: Receiver<CallAnswer>,
}

async fn hooked() -> Hooked {
    let house = house(|_| {}).await;
    let hooks = Hooks::new(&house.courier);
    let answers = house.courier.call_answers();
    Hooked { house, hooks, answers }
}

impl Hooked {
    /// Sends a text; its id in the log, the path of its callback, the supplier's id.
    async fn text(&self, number: &str) -> (types::MessageId, String, String) {
        let message = self.house.fixture.text(self.house.tenant, number, "Acme: sign-in. Your code is 778899");
        let id = log::day_id(message.id);
        self.house.courier.deliver(message).await.unwrap();
        let request = self.last();
        (id, path(request.value("StatusCallback").unwrap()), self.last_id("SM"))
    }

    /// Makes a call; its attempt, the paths for keys and for its end, the supplier's id.
    async fn call(&self, number: &str) -> (types::AttemptId, String, String, String) {
        let (message, txid) = self.house.fixture.call(self.house.tenant, number, "");
        self.house.courier.deliver(message).await.unwrap();
        let request = self.last();
        let twiml = request.value("Twiml").unwrap();
        let keys = twiml.split("action=\"").nth(1).unwrap().split('"').next().unwrap();
        (txid, path(keys), path(request.value("StatusCallback").unwrap()), self.last_id("CA"))
    }

    fn last(&self) -> Request {
        self.house.supplier.requests().iter().rfind(|request| request.method == "POST").unwrap().clone()
    }

    fn last_id(&self, kind: &str) -> String {
        let posts = self.house.supplier.requests().iter().filter(|request| request.method == "POST").count();
        format!("{kind}{posts:032x}")
    }

    async fn status(&self, url: &str, pairs: &[(&str, &str)]) -> Result<HookReply, HookError> {
        let form = form(pairs);
        take(&self.hooks, url, Some(&signed(url, &form)), &form).await
    }

    async fn keys(&self, url: &str, pairs: &[(&str, &str)]) -> Result<HookReply, HookError> {
        let form = form(pairs);
        take(&self.hooks, url, Some(&signed(url, &form)), &form).await
    }

    async fn state(&self, id: types::MessageId) -> String {
        self.house.fixture.store.tenant(self.house.tenant).message(id).await.unwrap().unwrap().state
    }

    fn heard(&mut self) -> Option<CallAnswer> {
        match self.answers.try_recv() {
            Ok(answer) => Some(answer),
            Err(TryRecvError::Empty) => None,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Hands a request over as the server's door does: the address says which carrier it is for and what it is about.
async fn take(hooks: &Hooks, url: &str, signature: Option<&str>, form: &Form) -> Result<HookReply, HookError> {
    let path = url.split('?').next().unwrap();
    let mut parts = path.strip_prefix(HOOKS_PATH).ok_or(HookError::NotFound)?.splitn(3, '/');
    let (carrier, what) = (parts.next().unwrap_or_default(), parts.next().and_then(What::of));
    let mut headers = http::HeaderMap::new();
    if let Some(signature) = signature {
        headers.insert("x-twilio-signature", signature.parse().unwrap());
    }
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let hook = Hook {
        what: what.ok_or(HookError::NotFound)?,
        ticket: parts.next().unwrap_or_default(),
        is_get: false,
        target: url,
        headers: &headers,
        body: body.as_bytes(),
    };
    hooks.take(carrier, &hook).await
}

fn path(url: &str) -> String {
    url.strip_prefix(PUBLIC).unwrap().to_owned()
}

#[tokio::test]
async fn receipts_move_a_text_on_and_the_last_one_deletes_it_there() {
    let it = hooked().await;
    let (id, url, sid) = it.text(NUMBER).await;
    assert_eq!(it.state(id).await, "sent");
    let receipt = |status| [("MessageSid", sid.as_str()), ("MessageStatus", status), ("To", NUMBER)];
    it.status(&url, &receipt("sending")).await.unwrap();
    it.house.supplier.answer([Said::Json(400, r#"{"code":20009}"#.to_owned())]);
    assert_eq!(it.status(&url, &receipt("delivered")).await.unwrap().status, 204);
    assert_eq!(it.state(id).await, "delivered");
    let requests = it.house.supplier.wait_for(3).await;
    for request in &requests[1..] {
        assert_eq!(request.method, "DELETE");
        assert!(request.path.ends_with(&format!("/Messages/{sid}.json")), "{}", request.path);
    }
    // Again, and backward: answered as if new, and nothing changes.
    for status in ["delivered", "sent", "failed"] {
        it.status(&url, &receipt(status)).await.unwrap();
        assert_eq!(it.state(id).await, "delivered");
    }
    let row = it.house.fixture.store.tenant(it.house.tenant).message(id).await.unwrap().unwrap();
    let opened = it.house.fixture.opened(it.house.tenant, &it.house.private, &row).await;
    assert_eq!((opened.to(), opened.receipt_id()), (NUMBER, sid.as_str()));
    assert_eq!(opened.receipt_words(), "status=delivered code=0 done=");
}

#[tokio::test]
async fn an_undelivered_text_says_why() {
    let it = hooked().await;
    let (id, url, sid) = it.text(NUMBER).await;
    let receipt = [("MessageSid", sid.as_str()), ("MessageStatus", "undelivered"), ("ErrorCode", "30005")];
    it.status(&url, &receipt).await.unwrap();
    let row = it.house.fixture.store.tenant(it.house.tenant).message(id).await.unwrap().unwrap();
    assert_eq!((row.state.as_str(), row.error_class.as_str()), ("undelivered", "bad-address"));
}

#[tokio::test]
async fn what_is_not_signed_or_not_ours_is_refused() {
    let it = hooked().await;
    let (id, url, sid) = it.text(NUMBER).await;
    let receipt = form(&[("MessageSid", &sid), ("MessageStatus", "delivered")]);
    let good = signed(&url, &receipt);

    let refused = async |url: &str, signature: Option<&str>, form: &Form| {
        take(&it.hooks, url, signature, form).await.unwrap_err().status()
    };
    assert_eq!(refused(&url, None, &receipt).await, 403);
    assert_eq!(refused(&url, Some(""), &receipt).await, 403);
    assert_eq!(refused(&url, Some(&good.to_lowercase()), &receipt).await, 403);
    // The same signature over another form, or another address.
    let other = form(&[("MessageSid", &sid), ("MessageStatus", "failed")]);
    assert_eq!(refused(&url, Some(&good), &other).await, 403);
    assert_eq!(refused(&format!("{url}?x=1"), Some(&good), &receipt).await, 403);
    // Another carrier's address, or nobody's.
    for other in [url.replace("twilio", "other"), url.replace("/status/", "/keys/"), url.replace("/status/", "/else/")]
    {
        assert!([403, 404].contains(&refused(&other, Some(&good), &receipt).await), "{other}");
    }
    // Rightly signed, but with no ticket of this house, or one for something else.
    for url in [STATUS_PATH.to_owned(), format!("{STATUS_PATH}AAAA"), format!("{url}A")] {
        assert_eq!(refused(&url, Some(&signed(&url, &receipt)), &receipt).await, 404, "{url}");
    }
    // Another account, another message under this ticket, no message at all.
    let mut foreign = receipt.clone();
    foreign.retain(|(name, _)| name != "AccountSid");
    foreign.push(("AccountSid".to_owned(), "AC00000000000000000000000000000002".to_owned()));
    assert_eq!(refused(&url, Some(&signed(&url, &foreign)), &foreign).await, 403);
    let swapped = form(&[("MessageSid", "SM0000000000000000000000000000beef"), ("MessageStatus", "failed")]);
    assert_eq!(refused(&url, Some(&signed(&url, &swapped)), &swapped).await, 404);
    let empty = form(&[]);
    assert_eq!(refused(&url, Some(&signed(&url, &empty)), &empty).await, 400);
    let long: Form = (0..201).map(|n| (n.to_string(), String::new())).collect();
    assert_eq!(refused(&url, Some(&signed(&url, &long)), &long).await, 400);
    assert_eq!(it.state(id).await, "sent");
    // Too old.
    it.house.fixture.clock.set(NOW + Duration::from_secs(3 * 86_400 + 1));
    assert_eq!(refused(&url, Some(&good), &receipt).await, 404);
    assert_eq!(it.house.supplier.requests().len(), 1, "nothing was deleted for a forger");
}

#[tokio::test]
async fn pressed_keys_reach_the_attempt_once() {
    let mut it = hooked().await;
    let (txid, keys, status, sid) = it.call(NUMBER).await;
    let reply = it.keys(&keys, &[("CallSid", &sid), ("Digits", "42")]).await.unwrap();
    assert_eq!((reply.status, reply.content_type), (200, "text/xml; charset=utf-8"));
    assert!(reply.body.contains("<Hangup/>"));
    let answer = it.heard().unwrap();
    assert_eq!((answer.tenant, answer.txid), (it.house.tenant, txid));
    assert!(matches!(&answer.answer, Answer::Keys(keys) if keys.ct_eq("42")));
    // The same request again, another try in the same call, the call's end.
    it.keys(&keys, &[("CallSid", &sid), ("Digits", "42")]).await.unwrap();
    it.keys(&keys, &[("CallSid", &sid), ("Digits", "43")]).await.unwrap();
    it.status(&status, &[("CallSid", &sid), ("CallStatus", "completed")]).await.unwrap();
    assert!(it.heard().is_none(), "an answer counted twice");
    let requests = it.house.supplier.wait_for(2).await;
    assert!(requests[1].method == "DELETE" && requests[1].path.ends_with(&format!("/Calls/{sid}.json")));
}

#[tokio::test]
async fn a_code_is_told_when_a_key_was_pressed_and_not_before() {
    let mut it = hooked().await;
    let mut urls = Vec::new();
    for (number, code) in [(NUMBER, "907918"), ("+4915112345679", "223344")] {
        let mut message = it.house.fixture.text(it.house.tenant, number, "");
        let code = SecretString::new(code.to_owned());
        message.content = messaging::Content::Call(messaging::text::calls::code_call("Acme", &code, "de").unwrap());
        message.language = "de".to_owned();
        it.house.courier.deliver(message).await.unwrap();
        let twiml = it.last().value("Twiml").unwrap().to_owned();
        assert!(twiml.contains("Hier ist Acme.") && !twiml.contains(code.expose()), "{twiml}");
        let url = path(twiml.split("action=\"").nth(1).unwrap().split('"').next().unwrap());
        assert!(!url.contains(code.expose()));
        urls.push((url, it.last_id("CA")));
    }
    let (url, sid) = &urls[0];
    let silent = it.keys(url, &[("CallSid", sid)]).await.unwrap();
    assert!(silent.body.contains("<Hangup/>") && !silent.body.contains("9, 0, 7"));
    let told = it.keys(url, &[("CallSid", sid), ("Digits", "5")]).await.unwrap();
    assert_eq!(told.body.matches("Ihr Code lautet: 9, 0, 7, 9, 1, 8.").count(), 2, "{}", told.body);
    assert!(!format!("{told:?}").contains("9, 0, 7"));
    assert!(it.heard().is_none(), "such a key approves nothing");
    // The words of one call under the ticket of another, and garbled ones.
    let (other, other_sid) = &urls[1];
    let (ticket, words) = (other.split('?').next().unwrap(), url.split('?').nth(1).unwrap());
    for wrong in [format!("{ticket}?{words}"), format!("{url}x"), format!("{ticket}?words=")] {
        let refused = it.keys(&wrong, &[("CallSid", other_sid), ("Digits", "5")]).await.unwrap_err();
        assert_eq!(refused.status(), 404, "{wrong}");
    }
    it.house.fixture.clock.set(NOW + Duration::from_secs(601));
    assert_eq!(it.keys(other, &[("CallSid", other_sid), ("Digits", "5")]).await.unwrap_err().status(), 404, "too late");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_key_presses_at_once_one_counts() {
    let it = hooked().await;
    let (_, keys, _, sid) = it.call(NUMBER).await;
    let mut answers = it.house.courier.call_answers();
    let hooks = Arc::new(it.hooks);
    let tasks: Vec<_> = (0..100)
        .map(|turn| {
            let (hooks, keys) = (Arc::clone(&hooks), keys.clone());
            let form = form(&[("CallSid", &sid), ("Digits", &format!("{turn:02}"))]);
            tokio::spawn(async move { take(&hooks, &keys, Some(&signed(&keys, &form)), &form).await.unwrap() })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert!(answers.try_recv().is_ok());
    assert!(matches!(answers.try_recv(), Err(TryRecvError::Empty)));
}

#[tokio::test]
async fn how_calls_end() {
    let mut it = hooked().await;
    for (turn, (pressed, status)) in
        [(Some("9"), ""), (Some(""), ""), (None, "busy"), (None, "no-answer"), (None, "failed"), (None, "completed")]
            .into_iter()
            .enumerate()
    {
        let (txid, keys, end, sid) = it.call(&format!("+49151123456{turn:02}")).await;
        match pressed {
            Some(digits) => it.keys(&keys, &[("CallSid", &sid), ("Digits", digits)]).await.unwrap(),
            None => it.status(&end, &[("CallSid", &sid), ("CallStatus", status)]).await.unwrap(),
        };
        let answer = it.heard().unwrap();
        assert_eq!(answer.txid, txid);
        let right = match (pressed, status) {
            (Some("9"), _) => matches!(answer.answer, Answer::Fraud),
            (_, "busy") => matches!(answer.answer, Answer::Busy),
            (_, "failed") => matches!(answer.answer, Answer::Failed),
            _ => matches!(answer.answer, Answer::NoAnswer),
        };
        assert!(right, "{pressed:?} {status}");
        assert!(it.heard().is_none());
    }
}

#[tokio::test]
async fn keys_come_in_time_or_not_at_all() {
    let mut it = hooked().await;
    let (_, keys, status, sid) = it.call(NUMBER).await;
    let pressed = [("CallSid", sid.as_str()), ("Digits", "42")];
    let unsigned = form(&pressed);
    assert_eq!(take(&it.hooks, &keys, None, &unsigned).await.unwrap_err().status(), 403);
    // A receipt's address takes no keys.
    assert_eq!(it.keys(&status, &pressed).await.unwrap_err().status(), 400);
    let long = "4".repeat(21);
    assert_eq!(it.keys(&keys, &[("CallSid", &sid), ("Digits", &long)]).await.unwrap_err().status(), 400);
    it.house.fixture.clock.advance(Duration::from_secs(601));
    assert_eq!(it.keys(&keys, &pressed).await.unwrap_err().status(), 404);
    assert!(it.heard().is_none());
}

#[tokio::test]
async fn what_people_write_to_us_is_forgotten_on_both_sides() {
    let it = hooked().await;
    let sid = "SM000000000000000000000000000000aa";
    let message = form(&[("MessageSid", sid), ("From", NUMBER), ("Body", "STOP")]);
    let reply = take(&it.hooks, INBOUND_PATH, Some(&signed(INBOUND_PATH, &message)), &message).await.unwrap();
    assert!(reply.status == 200 && reply.body.ends_with("<Response/>"));
    let requests = it.house.supplier.wait_for(1).await;
    assert!(requests[0].method == "DELETE" && requests[0].path.ends_with(&format!("/Messages/{sid}.json")));
    let call = form(&[("CallSid", "CA1")]);
    let reply = take(&it.hooks, INBOUND_PATH, Some(&signed(INBOUND_PATH, &call)), &call).await.unwrap();
    assert!(reply.body.contains("<Reject/>"));
    assert_eq!(take(&it.hooks, INBOUND_PATH, None, &message).await.unwrap_err().status(), 403);
}
