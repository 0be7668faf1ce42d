//! People: hardly one of a thousand is refused.

use super::*;
use std::collections::BTreeMap;

/// A country, the beginnings of its numbers, how many digits follow, messages a day, and how many of a hundred codes are entered.
///
/// Volumes as in Authgear's simulation (about 1,000 a day, and fewer than 20), a fifth of them in the busiest hour; conversion from
/// what Telnyx calls the lower end of healthy (60 %) to what a good form reaches (90 %).
const COUNTRIES: &[(&str, &[&str], usize, u32, u64)] = &[
    ("DE", &["+49151", "+49160", "+49170", "+49176"], 8, 1_000, 85),
    ("US", &["+1503", "+1212", "+1415", "+1650"], 7, 2_000, 90),
    ("IN", &["+9198", "+9197", "+9170"], 8, 1_000, 60),
    ("BR", &["+55119", "+55219"], 8, 300, 70),
    ("GB", &["+447400", "+447500"], 6, 200, 80),
    ("NG", &["+234803", "+234806"], 7, 100, 65),
    ("EE", &["+3725"], 7, 15, 75),
    ("KE", &["+25472"], 7, 12, 60),
];

/// Of a thousand messages a day, so many in each hour, UTC.
const HOURS: [u32; 24] = [4, 2, 1, 1, 2, 6, 20, 60, 120, 200, 110, 80, 60, 60, 60, 50, 40, 30, 28, 24, 18, 12, 8, 4];

#[test]
fn days_of_people() {
    let mut house = House::new();
    house.rules.set_countries(COUNTRIES.iter().map(|(country, ..)| *country)).unwrap();
    assert_eq!(HOURS.iter().sum::<u32>(), 1_000);
    let below = |house: &House, bound: u64| house.world.below(bound);
    let mut asked: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    let mut rules: BTreeMap<Rule, u32> = BTreeMap::new();
    let midnight = NOW.day() * 86_400_000;
    for day in 0..4 {
        // When each asks, then one after the other in time.
        let mut turns: Vec<(i64, usize)> = Vec::new();
        for (place, (.., volume, _)) in COUNTRIES.iter().enumerate() {
            for (hour, share) in HOURS.iter().enumerate() {
                let expected = u64::from(volume * share);
                let count = expected / 1_000 + u64::from(below(&house, 1_000) < expected % 1_000);
                for _ in 0..count {
                    let at = midnight + day * 86_400_000 + hour as i64 * 3_600_000 + below(&house, 3_600_000) as i64;
                    turns.push((at, place));
                }
            }
        }
        turns.sort_unstable();
        let mut entering: BTreeMap<(i64, u64), MessageId> = BTreeMap::new();
        for (turn, (at, place)) in turns.into_iter().enumerate() {
            while let Some((due, message)) = entering.first_key_value().map(|(due, message)| (*due, *message)) {
                if due.0 > at {
                    break;
                }
                house.now = Millis(due.0);
                house.verified(message);
                entering.remove(&due);
            }
            house.now = Millis(at);
            let (country, begins, digits, _, converts) = COUNTRIES[place];
            let begin = begins[below(&house, begins.len() as u64) as usize];
            // The first digit of a local number in America is 2 to 9.
            let number = if begin.starts_with("+1") {
                format!("{begin}{}{}", below(&house, 8) + 2, house.world.digits(digits - 1))
            } else {
                house.number(begin, digits)
            };
            // A third sits in one of ten offices; the others have an address of their own.
            let source = if below(&house, 3) == 0 {
                IpAddr::from([198, 51, 100, (place % 2 * 5) as u8 + below(&house, 5) as u8])
            } else {
                IpAddr::from([100, 64 + below(&house, 60) as u8, below(&house, 250) as u8, below(&house, 250) as u8])
            };
            let count = asked.entry(country).or_default();
            count.0 += 1;
            match house.ask_as(&number, Standing::New, Some(source)) {
                Ok(message) if below(&house, 100) < converts => {
                    // From ten seconds to two minutes.
                    entering.insert((at + 10_000 + below(&house, 110_000) as i64, turn as u64), message);
                }
                Ok(_) => {}
                Err(refusal) => {
                    count.1 += 1;
                    *rules.entry(refusal.rule).or_default() += 1;
                }
            }
        }
    }
    let (all, refused) = asked.values().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
    assert!(all > 15_000, "{all}");
    assert!(refused * 1_000 <= all, "{refused} of {all}: {asked:?} {rules:?}");
}

#[test]
fn a_thousand_people_at_nine_o_clock() {
    let mut house = House::new();
    let office = "198.51.100.1".parse().ok();
    let mut entering = std::collections::VecDeque::new();
    for turn in 0_u32..1_000 {
        // 100 a minute, from one office, each half a minute later with a code.
        house.now = house.now + Duration::from_millis(600);
        while let Some((due, message)) = entering.front().copied() {
            if due > house.now {
                break;
            }
            house.verified(message);
            entering.pop_front();
        }
        let number = house.number(["+49151", "+49160", "+49170"][(turn % 3) as usize], 8);
        let message =
            house.ask_as(&number, Standing::Known, office).unwrap_or_else(|refusal| panic!("{turn}: {refusal}"));
        if turn % 20 != 0 {
            entering.push_back((house.now + Duration::from_secs(30), message));
        }
    }
}
