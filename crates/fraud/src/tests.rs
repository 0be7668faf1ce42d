use super::*;
use crate::window::Window;
use numbers::look;
use proptest::prelude::*;
use std::{net::IpAddr, sync::Arc, time::Duration};
use types::{E164, MessageId, Millis, TenantId, UserId, World};

mod organic;
mod pumping;
mod scenarios;

/// 14 November 2026, 10:00 UTC.
const NOW: Millis = Millis(1_794_650_400_000);

struct House {
    guard: Guard,
    rules: Rules,
    world: World,
    tenant: TenantId,
    now: Millis,
}

impl House {
    fn new() -> Self {
        let (world, _) = World::made(NOW, 5);
        let mut rules = Rules::default();
        rules.set_countries(["DE", "US", "GB"]).unwrap();
        let tenant = TenantId::new(NOW, world.random.as_ref());
        Self { guard: Guard::new(), rules, world, tenant, now: NOW }
    }

    fn wait(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
    }

    /// Asks for a code to anybody's number.
    fn ask(&self, number: &str) -> Result<MessageId, Refusal> {
        self.ask_as(number, Standing::New, None)
    }

    fn ask_as(&self, number: &str, standing: Standing, source: Option<IpAddr>) -> Result<MessageId, Refusal> {
        let message = MessageId::new(self.now, self.world.random.as_ref());
        let number: E164 = number.parse().unwrap();
        let request = Request { standing, source, ..self.request(message, &number) };
        let facts = look(&number);
        self.guard.ask(&Request { facts: &facts, ..request }, self.now).map(|_| message)
    }

    fn request<'r>(&'r self, message: MessageId, number: &'r E164) -> Request<'r> {
        static NOTHING: std::sync::LazyLock<numbers::Facts> =
            std::sync::LazyLock::new(|| look(&"+4915112345678".parse().unwrap()));
        Request {
            tenant: self.tenant,
            rules: &self.rules,
            message,
            user: None,
            number,
            facts: &NOTHING,
            way: Way::Text,
            standing: Standing::New,
            source: None,
            checked: true,
        }
    }

    fn verified(&self, message: MessageId) {
        self.guard.verified(self.tenant, None, Some(message), self.now);
    }

    fn number(&self, begin: &str, digits: usize) -> String {
        format!("{begin}{}", self.world.digits(digits))
    }
}

fn rule<T>(outcome: Result<T, Refusal>) -> Option<Rule> {
    outcome.err().map(|refusal| refusal.rule)
}

#[test]
fn kinds_and_countries() {
    let mut house = House::new();
    for (number, expected) in [
        ("+4915112345678", None),
        ("+15035550100", None),
        ("+447400123456", None),
        ("+33612345678", Some(Rule::Country)),
        ("+18765551234", Some(Rule::Country)),
        ("+449098790000", Some(Rule::Kind)),
        ("+18005550100", Some(Rule::Kind)),
        ("+493012345678", Some(Rule::Kind)),
        ("+881612345678", Some(Rule::Kind)),
        ("+4970012345678", Some(Rule::Kind)),
        ("+1503555010", Some(Rule::Number)),
        ("+9990000000", Some(Rule::Number)),
    ] {
        assert_eq!(rule(house.ask(number)), expected, "{number}");
    }
    // A call to a fixed line or to where the callee pays is heard; a premium line is not called either.
    let call = |number: &str| {
        let number: E164 = number.parse().unwrap();
        let facts = look(&number);
        let message = MessageId::new(house.now, house.world.random.as_ref());
        let request = Request { way: Way::Voice, facts: &facts, ..house.request(message, &number) };
        rule(house.guard.ask(&request, house.now))
    };
    assert_eq!(call("+493012345678"), None);
    assert_eq!(call("+18005550100"), None);
    assert_eq!(call("+449098790000"), Some(Rule::Kind));
    // What the directory holds may be anywhere, but not of any kind; unless the tenant says where.
    assert_eq!(rule(house.ask_as("+33612345678", Standing::Known, None)), None);
    assert_eq!(rule(house.ask_as("+881612345678", Standing::Known, None)), Some(Rule::Kind));
    house.rules.known_anywhere = false;
    assert_eq!(rule(house.ask_as("+33612345679", Standing::Known, None)), Some(Rule::Country));
    house.rules.set_prefixes(["8816"]).unwrap();
    assert_eq!(rule(house.ask("+881612345678")), None);
    assert_eq!(rule(house.ask("+881712345678")), Some(Rule::Kind));
    house.rules.set_refused_kinds(["mobile"]).unwrap();
    assert_eq!(rule(house.ask("+4915112345670")), Some(Rule::Kind));
    assert_eq!(rule(house.ask("+493012345678")), None);
}

#[test]
fn without_countries_nobody_elses_number_gets_anything() {
    let house = House { rules: Rules::default(), ..House::new() };
    for number in ["+4915112345678", "+15035550100", "+33612345678", "+8613812345678"] {
        assert_eq!(rule(house.ask(number)), Some(Rule::Country), "{number}");
    }
}

#[test]
fn rules_that_cannot_be() {
    let mut rules = Rules::default();
    assert_eq!(rules.set_countries(["DE", "QQ"]), Err(InvalidRules::Country));
    assert_eq!(rules.set_countries([""]), Err(InvalidRules::Country));
    assert_eq!(rules.set_prefixes(["+49"]), Err(InvalidRules::Prefix));
    assert_eq!(rules.set_prefixes([""]), Err(InvalidRules::Prefix));
    assert_eq!(rules.set_refused_kinds(["cheap"]), Err(InvalidRules::Kind));
    assert_eq!(rules.set_safe(["49"], ["10.0.0.0/33"]), Err(InvalidRules::Address));
    assert_eq!(rules, Rules::default());
}

#[test]
fn pauses_grow_and_end_with_a_code() {
    let mut house = House::new();
    let number = "+4915112345678";
    for pause in [30, 60, 120, 300, 300] {
        let message = house.ask(number).unwrap();
        house.wait(pause - 1);
        let refused = house.ask(number).unwrap_err();
        assert_eq!((refused.rule, refused.retry_after), (Rule::Pace, Some(Duration::from_secs(1))));
        house.wait(1);
        let _ = message;
    }
    let message = house.ask(number).unwrap();
    house.verified(message);
    assert!(house.ask(number).is_ok(), "who has entered a code waits for no other");
    // Who gets no text may ask for a call at once.
    let to: E164 = number.parse().unwrap();
    let call = MessageId::new(house.now, house.world.random.as_ref());
    assert!(house.guard.ask(&Request { way: Way::Voice, ..house.request(call, &to) }, house.now).is_ok());
}

#[test]
fn neighbours() {
    let mut house = House::new();
    for last in 0..5 {
        house.ask(&format!("+491511234567{last}")).unwrap();
        house.wait(20);
    }
    let refused = house.ask("+4915112345675").unwrap_err();
    assert_eq!((refused.rule, refused.alarm), (Rule::Adjacency, true));
    let refused = house.ask("+4915112340000").unwrap_err();
    assert_eq!((refused.rule, refused.alarm), (Rule::Adjacency, false), "a block is announced once");
    assert!(house.ask("+4915112355678").is_ok(), "the next block of numbers");
    // A quarter of an hour, then twice as long.
    house.wait(15 * 60);
    for last in 0..5 {
        house.ask(&format!("+491511234568{last}")).unwrap();
    }
    let refused = house.ask("+4915112345689").unwrap_err();
    assert_eq!((refused.alarm, refused.retry_after), (true, Some(Duration::from_secs(30 * 60))));
    let blocks = house.guard.blocks(house.tenant, house.now);
    assert_eq!(blocks.len(), 1);
    assert_eq!((blocks[0].rule, blocks[0].country, blocks[0].strikes), (Rule::Adjacency, "DE", 2));
    let other = TenantId::new(house.now, house.world.random.as_ref());
    assert_eq!(house.guard.blocks(other, house.now), []);
}

#[test]
fn neighbours_who_answer_are_colleagues() {
    let mut house = House::new();
    for last in 0..40 {
        let message = house.ask(&format!("+49151123456{last:02}")).unwrap();
        house.wait(15);
        house.verified(message);
    }
}

#[test]
fn a_country_that_answers_nothing_is_blocked_and_somebody_is_told() {
    let mut house = House::new();
    // Twenty numbers, far from each other, one every two minutes.
    for turn in 0..20 {
        house.ask(&format!("+4915{}{}", turn % 10, house.world.digits(7) + &format!("{:01}", turn / 10))).unwrap();
        house.wait(120);
    }
    house.wait(180);
    let refused = house.ask("+4917612345678").unwrap_err();
    assert!(matches!(refused.rule, Rule::Conversion | Rule::CountryConversion), "{:?}", refused.rule);
    assert!(refused.alarm);
    // Another country, another tenant, and the tenant's own people are not concerned.
    assert!(house.ask("+447400123456").is_ok());
    assert!(house.ask_as("+4917612345678", Standing::Known, None).is_ok());
    house.tenant = TenantId::new(house.now, house.world.random.as_ref());
    assert!(house.ask("+4917612345678").is_ok());
}

#[test]
fn blocks_double_up_to_half_a_day() {
    let mut memory = crate::memory::Memory::default();
    let tenant = House::new().tenant;
    let mut now = NOW;
    let mut lengths = Vec::new();
    for _ in 0..8 {
        let until = memory.block(1, tenant, Rule::Conversion, "DE", now);
        lengths.push(until.since(now).as_secs() / 60);
        now = until;
    }
    assert_eq!(lengths, [15, 30, 60, 120, 240, 480, 720, 720]);
    let until = memory.block(1, tenant, Rule::Conversion, "DE", now + Duration::from_secs(86_400));
    assert_eq!(until.since(now + Duration::from_secs(86_400)).as_secs(), 15 * 60, "after a quiet day it begins anew");
}

#[test]
fn addresses() {
    let mut house = House::new();
    let source = Some("203.0.113.7".parse().unwrap());
    for turn in 0..10 {
        house.ask_as(&house.number(&format!("+49151{turn}"), 7), Standing::New, source).unwrap();
        house.wait(30);
    }
    assert_eq!(rule(house.ask_as("+4917612345678", Standing::New, source)), Some(Rule::AddressHour));
    assert!(house.ask_as("+4917612345678", Standing::New, Some("203.0.113.8".parse().unwrap())).is_ok());
    // An office of people who answer may ask for as many as they are.
    let office = Some("198.51.100.1".parse().unwrap());
    for turn in 0..60 {
        let message = house.ask_as(&house.number("+447400", 6), Standing::New, office).unwrap();
        house.wait(30);
        if turn % 5 != 0 {
            house.verified(message);
        }
    }
    // Of IPv6 a network is one.
    for turn in 0..10 {
        let source = format!("2001:db8::{turn}").parse().ok();
        house.ask_as(&house.number(&format!("+1503{}55", turn % 8 + 2), 4), Standing::New, source).unwrap();
        house.wait(30);
    }
    let same = "2001:db8::ffff".parse().ok();
    assert_eq!(rule(house.ask_as("+15035550100", Standing::New, same)), Some(Rule::AddressHour));
    assert!(house.ask_as("+15035550100", Standing::New, "2001:db8:1::1".parse().ok()).is_ok());
}

#[test]
fn what_is_safe_is_never_refused() {
    let mut house = House::new();
    house.rules.set_safe(["33"], ["192.0.2.0/24"]).unwrap();
    for last in 0..100 {
        house.ask(&format!("+336123456{last:02}")).unwrap();
        house.ask_as(&format!("+491511234{last:02}"), Standing::New, "192.0.2.9".parse().ok()).unwrap();
    }
}

#[test]
fn what_did_not_leave_is_not_counted() {
    let mut house = House::new();
    let number: E164 = "+4915112345678".parse().unwrap();
    for _ in 0..100 {
        let message = MessageId::new(house.now, house.world.random.as_ref());
        let pass = house.guard.ask(&house.request(message, &number), house.now).unwrap();
        house.guard.give_back(pass);
        house.wait(31);
    }
}

#[test]
fn a_code_counts_once_and_for_its_user() {
    let mut house = House::new();
    let user = UserId::new(house.now, house.world.random.as_ref());
    let number: E164 = "+4915112345678".parse().unwrap();
    for _ in 0..100 {
        let message = MessageId::new(house.now, house.world.random.as_ref());
        let request = Request { user: Some(user), ..house.request(message, &number) };
        drop(house.guard.ask(&request, house.now).unwrap());
        house.guard.verified(house.tenant, Some(user), None, house.now);
        house.guard.verified(house.tenant, Some(user), Some(message), house.now);
        house.wait(1);
    }
    // Another tenant's word is worth nothing.
    let message = house.ask("+4915112345679").unwrap();
    let other = TenantId::new(house.now, house.world.random.as_ref());
    house.guard.verified(other, Some(user), Some(message), house.now);
    assert_eq!(rule(house.ask("+4915112345679")), Some(Rule::Pace));
}

#[test]
fn of_a_hundred_at_once_no_more_than_of_a_hundred() {
    let house = Arc::new(House::new());
    let tasks: Vec<_> = (0..100)
        .map(|turn| {
            let house = Arc::clone(&house);
            std::thread::spawn(move || house.ask(&format!("+491511234{turn:04}")).is_ok())
        })
        .collect();
    let sent = tasks.into_iter().map(|task| task.join().unwrap()).filter(|sent| *sent).count();
    assert_eq!(sent, 5);
}

#[test]
fn what_was_seen_shows_no_number() {
    for rule in Rule::ALL {
        let refusal = Refusal { rule: *rule, retry_after: None, alarm: false };
        assert!(refusal.to_string().contains(rule.name()) && rule.class().starts_with("fraud-"));
    }
}

proptest! {
    #[test]
    fn whatever_comes_no_more_than_twenty_unanswered_in_an_hour_and_a_beginning(
        steps in proptest::collection::vec((0_u64..200, 0_u32..20_000, 0_u8..3), 1..300)
    ) {
        let mut house = House::new();
        let mut window = Window::default();
        for (seconds, last, _) in steps {
            house.wait(seconds);
            if house.ask(&format!("+49151123{last:05}")).is_ok() {
                window.sent(house.now);
            }
            prop_assert!(window.hour(house.now).sent <= 20);
        }
    }
}
