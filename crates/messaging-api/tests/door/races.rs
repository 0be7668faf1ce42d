//! What counts once: the right code, a step of time, an answer to a challenge, a request that is repeated.

use crate::{
    crossing::passcode,
    house::{House, Reply},
};
use std::time::Duration;

async fn service(house: &House) -> String {
    house.make(&house.a, "/v2/Services", &[("FriendlyName", "Example")]).await.text("sid").to_owned()
}

/// As many at once as there are `forms`.
async fn all(house: &House, path: &str, forms: Vec<Vec<(&str, &str)>>) -> Vec<Reply> {
    let asked = forms.iter().map(|form| house.ask(&house.a, "POST", path, form));
    futures_util::future::join_all(asked).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_right_answers_one_is_approved() {
    let house = House::new().await;
    let service = service(&house).await;
    let begin = format!("/v2/Services/{service}/Verifications");
    let check = format!("/v2/Services/{service}/VerificationCheck");
    let to = ("To", "+15035550110");
    house.make(&house.a, &begin, &[to, ("Channel", "sms")]).await;
    let code = house.code();
    let replies = all(&house, &check, vec![vec![to, ("Code", code.as_str())]; 100]).await;
    let approved = replies.iter().filter(|reply| reply.body["status"] == "approved").count();
    assert_eq!(approved, 1);
    for reply in replies.iter().filter(|reply| reply.body["status"] != "approved") {
        assert!(matches!(reply.code(), 20404 | 60202), "{}", reply.body);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_guesses_a_hundred_at_once_has_five_guesses() {
    let house = House::new().await;
    let service = service(&house).await;
    let check = format!("/v2/Services/{service}/VerificationCheck");
    let to = ("To", "+15035550111");
    house.make(&house.a, &format!("/v2/Services/{service}/Verifications"), &[to, ("Channel", "sms")]).await;
    let code = house.code();
    let replies = all(&house, &check, vec![vec![to, ("Code", "nothing")]; 100]).await;
    assert_eq!(replies.iter().filter(|reply| reply.body["status"] == "pending").count(), 5);
    assert_eq!(replies.iter().filter(|reply| reply.code() == 60202).count(), 95);
    // Nor does the right one help any more, nor another code.
    let right = house.ask(&house.a, "POST", &check, &[to, ("Code", code.as_str())]).await;
    assert_eq!(right.code(), 60202);
    house.clock.advance(Duration::from_secs(60));
    let again =
        house.ask(&house.a, "POST", &format!("/v2/Services/{service}/Verifications"), &[to, ("Channel", "sms")]).await;
    assert_eq!(again.code(), 60202);
    // Ten minutes after its beginning it is over, and so is its code.
    house.clock.advance(Duration::from_secs(600));
    let late = house.ask(&house.a, "POST", &check, &[to, ("Code", code.as_str())]).await;
    assert_eq!(late.code(), 20404);
}

#[tokio::test]
async fn each_sending_has_a_code_of_its_own_and_the_last_one_counts() {
    let house = House::new().await;
    let service = service(&house).await;
    let begin = format!("/v2/Services/{service}/Verifications");
    let check = format!("/v2/Services/{service}/VerificationCheck");
    let to = ("To", "+15035550112");
    let first = house.make(&house.a, &begin, &[to, ("Channel", "sms")]).await;
    let old = house.code();
    house.clock.advance(Duration::from_secs(60));
    let second = house.make(&house.a, &begin, &[to, ("Channel", "call")]).await;
    assert_eq!(first.text("sid"), second.text("sid"));
    assert_eq!(second.body["send_code_attempts"].as_array().unwrap().len(), 2);
    let new = house.outbox.take().pop().unwrap();
    let digits: String = new.text.expose().chars().filter(char::is_ascii_digit).collect();
    assert_eq!(house.ask(&house.a, "POST", &check, &[to, ("Code", old.as_str())]).await.text("status"), "pending");
    let new = digits.get(..6).unwrap().to_owned();
    assert_eq!(house.ask(&house.a, "POST", &check, &[to, ("Code", new.as_str())]).await.text("status"), "approved");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_passcode_opens_one_of_fifty_challenges_and_tries_are_counted() {
    let house = House::new().await;
    let service = service(&house).await;
    let entity = format!("/v2/Services/{service}/Entities/alice");
    let seed = [("FactorType", "totp"), ("FriendlyName", "f"), ("Binding.Secret", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")];
    let factor = house.make(&house.a, &format!("{entity}/Factors"), &seed).await.text("sid").to_owned();
    let unverified =
        house.ask(&house.a, "POST", &format!("{entity}/Challenges"), &[("FactorSid", factor.as_str())]).await;
    assert_eq!(unverified.code(), 60311);
    let verify = format!("{entity}/Factors/{factor}");
    let code = passcode();
    assert_eq!(
        house.ask(&house.a, "POST", &verify, &[("AuthPayload", code.as_str())]).await.text("status"),
        "verified"
    );
    // Two steps on, because the clock of the device may be one behind.
    house.clock.advance(Duration::from_secs(60));
    let step = auth::otp::totp_step(crate::house::NOW, 30) + 2;
    let code = auth::otp::hotp(b"12345678901234567890", u64::try_from(step).unwrap(), 6);
    let form = vec![("FactorSid", factor.as_str()), ("AuthPayload", code.as_str())];
    let replies = all(&house, &format!("{entity}/Challenges"), vec![form; 50]).await;
    assert_eq!(replies.iter().filter(|reply| reply.body["status"] == "approved").count(), 1);
    assert!(replies.iter().filter(|reply| reply.code() == 20429).count() >= 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rate_limit_holds_against_many_at_once() {
    let house = House::new().await;
    let service = service(&house).await;
    let limits = format!("/v2/Services/{service}/RateLimits");
    let limit = house.make(&house.a, &limits, &[("UniqueName", "ip")]).await.text("sid").to_owned();
    house.make(&house.a, &format!("{limits}/{limit}/Buckets"), &[("Max", "3"), ("Interval", "60")]).await;
    // Neighbouring numbers would be somebody who pumps messages.
    let areas = [201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224, 225, 228];
    let numbers: Vec<String> = areas.iter().map(|area| format!("+1{area}5550123")).collect();
    let of = |number| vec![("To", number), ("Channel", "sms"), ("RateLimits", "{\"ip\":\"203.0.113.9\"}")];
    let forms = numbers.iter().map(|number| of(number.as_str())).collect();
    let replies = all(&house, &format!("/v2/Services/{service}/Verifications"), forms).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 3);
    assert_eq!(replies.iter().filter(|reply| reply.code() == 60207).count(), 17);
}
