//! Authgear's published table: which days pass its thresholds and which don't.

use super::*;
use crate::thresholds::PUBLISHED;

/// A day in the table, in codes.
struct Day {
    name: &'static str,
    /// Entered on the best of the days before.
    best: u32,
    /// Entered today before this hour, and not entered.
    today: (u32, u32),
    /// The same in this hour.
    hour: (u32, u32),
    /// The published thresholds, for the day and for the hour.
    thresholds: (u32, u32),
    triggered: bool,
}

/// One code in ten is not entered by those who are no attackers; an attack is 500 within the hour at a tenant of 1,000 a day, and 50 at
/// one of 15.
const DAYS: &[Day] = &[
    Day { name: "launch", best: 0, today: (0, 0), hour: (300, 30), thresholds: (60, 60), triggered: false },
    Day { name: "normal", best: 1_000, today: (700, 70), hour: (200, 20), thresholds: (200, 40), triggered: false },
    Day { name: "spike", best: 1_000, today: (1_600, 160), hour: (400, 28), thresholds: (400, 80), triggered: false },
    Day {
        name: "attack, quiet",
        best: 1_000,
        today: (450, 45),
        hour: (50, 505),
        thresholds: (200, 33),
        triggered: true,
    },
    Day {
        name: "attack, spike",
        best: 1_000,
        today: (1_600, 160),
        hour: (400, 540),
        thresholds: (400, 80),
        triggered: true,
    },
    Day { name: "small launch", best: 0, today: (0, 0), hour: (10, 1), thresholds: (20, 3), triggered: false },
    Day { name: "small normal", best: 15, today: (10, 1), hour: (5, 0), thresholds: (20, 3), triggered: false },
    Day { name: "small spike", best: 15, today: (20, 2), hour: (10, 1), thresholds: (20, 3), triggered: false },
    Day { name: "small attack, quiet", best: 15, today: (5, 0), hour: (2, 50), thresholds: (20, 3), triggered: true },
    Day { name: "small attack, spike", best: 15, today: (20, 2), hour: (10, 51), thresholds: (20, 3), triggered: true },
];

impl Day {
    fn window(&self) -> Window {
        let mut window = Window::default();
        let mut went = |at: Millis, entered: u32, not: u32| {
            for turn in 0..entered + not {
                window.sent(at);
                if turn < entered {
                    window.verified(at);
                }
            }
        };
        went(NOW - Duration::from_secs(5 * 86_400), self.best, self.best / 10);
        went(NOW - Duration::from_secs(3 * 3_600), self.today.0, self.today.1);
        went(NOW - Duration::from_secs(600), self.hour.0, self.hour.1);
        window
    }
}

#[test]
fn thresholds_are_the_published_ones() {
    for day in DAYS {
        let window = day.window();
        let found = (PUBLISHED.country_day(&window, NOW, 1), PUBLISHED.country_hour(&window, NOW, 1));
        assert_eq!(found, day.thresholds, "{}", day.name);
        let (of_day, of_hour) = (window.day(NOW).unverified(), window.hour(NOW).unverified());
        assert_eq!(of_day > found.0, day.triggered, "{}: the day, {of_day}", day.name);
        assert_eq!(of_hour > found.1, day.triggered, "{}: the hour, {of_hour}", day.name);
    }
}

#[test]
fn a_strict_tenant_refuses_just_those() {
    for day in DAYS {
        let mut house = House::new();
        let send = |house: &mut House, entered: u32, not: u32, seconds: u64| {
            for turn in 0..entered + not {
                // Safe while the day is made: what is asked is whether the next one goes. Spread, so that only the country's rules speak.
                let number = format!(
                    "+49{}{}",
                    ["151", "160", "170", "171", "172", "175", "176", "177", "178", "179"][(turn % 10) as usize],
                    house.world.digits(8)
                );
                house.force(&number, turn < entered);
            }
            house.wait(seconds);
        };
        house.now = NOW - Duration::from_secs(5 * 86_400);
        send(&mut house, day.best, day.best / 10, 5 * 86_400 - 3 * 3_600);
        send(&mut house, day.today.0, day.today.1, 3 * 3_600 - 100);
        send(&mut house, day.hour.0, day.hour.1, 100);
        house.rules.strict = true;
        let refused = rule(house.ask("+4915799999999"));
        let by_country = [Rule::CountryHour, Rule::CountryDay, Rule::CountryConversion, Rule::Velocity];
        assert_eq!(refused.is_some_and(|rule| by_country.contains(&rule)), day.triggered, "{}: {refused:?}", day.name);
    }
}

impl House {
    /// A message that went, whatever the rules say.
    fn force(&self, number: &str, entered: bool) {
        let number: E164 = number.parse().unwrap();
        let facts = look(&number);
        let message = MessageId::new(self.now, self.world.random.as_ref());
        let request = Request { facts: &facts, ..self.request(message, &number) };
        self.guard.force(&request, self.now);
        if entered {
            self.verified(message);
        }
    }
}

#[test]
fn one_address_that_asks_for_many_countries() {
    let mut house = House::new();
    house.rules.set_countries(["DE", "GB", "FR", "ES", "IT", "NL"]).unwrap();
    let source = "203.0.113.7".parse().ok();
    let ask = |house: &House, number: &str| house.ask_as(number, Standing::New, source);
    ask(&house, "+4915112345678").unwrap();
    ask(&house, "+447400123456").unwrap();
    let french = ask(&house, "+33612345678").unwrap();
    assert_eq!(rule(ask(&house, "+34612345678")), Some(Rule::AddressCountries));
    // A country of which a code was entered is no attacker's.
    house.verified(french);
    ask(&house, "+34612345678").unwrap();
    assert_eq!(rule(ask(&house, "+393123456789")), Some(Rule::AddressCountries));
    house.wait(86_400);
    ask(&house, "+393123456789").unwrap();
}

#[test]
fn one_address_in_a_day_and_in_an_hour() {
    let mut house = House::new();
    house.rules.strict = true;
    let source = "203.0.113.7".parse().ok();
    let mut sent = Vec::new();
    for turn in 0..24 * 20 {
        // Ever other countries and beginnings, so that only the address's rules speak.
        let number = [house.number("+4915", 9), house.number("+447400", 6), house.number("+1503", 7)][turn % 3].clone();
        if house.ask_as(&number, Standing::New, source).is_ok() {
            sent.push(house.now);
        }
        let hour = sent.iter().filter(|at| house.now.since(**at) < Duration::from_secs(3_540)).count();
        assert!(hour <= 5, "{hour} in an hour");
        house.wait(180);
    }
    assert!(sent.len() <= 10, "{} in a day", sent.len());
}
