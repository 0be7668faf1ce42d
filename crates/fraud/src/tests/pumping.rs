//! SMS pumping: somebody asks for codes to numbers that earn him money, and enters none.

use super::*;

/// How many of 5,000 requests were admitted, one every `pause` milliseconds.
fn sent(house: &mut House, pause: u64, mut number: impl FnMut(&House, u32) -> String) -> usize {
    let mut sent = 0;
    for turn in 0..5_000 {
        let source = IpAddr::from([203, 0, (turn / 250 % 250) as u8, (turn % 250) as u8]);
        sent += usize::from(house.ask_as(&number(house, turn), Standing::New, Some(source)).is_ok());
        house.now = house.now + Duration::from_millis(pause);
    }
    sent
}

#[test]
fn numbers_in_a_row() {
    assert!(sent(&mut House::new(), 100, |_, turn| format!("+4915112{turn:06}")) <= 20);
}

#[test]
fn any_numbers_of_one_beginning_at_any_speed() {
    // Eight minutes, an hour and a half, and 14 hours for the whole attack.
    for pause in [100, 1_000, 10_000] {
        let sent = sent(&mut House::new(), pause, |house, _| house.number("+4915112", 6));
        assert!((1..=20).contains(&sent), "{sent} sent at {pause} ms");
    }
}

#[test]
fn a_whole_country_with_ever_new_addresses() {
    let sent = sent(&mut House::new(), 100, |house, _| house.number("+44740", 7));
    assert!((1..=30).contains(&sent), "{sent}");
}

#[test]
fn beside_good_traffic_in_the_same_country() {
    let mut house = House::new();
    // A hundred people sign up in an hour, nine of ten with success.
    for turn in 0..100 {
        let message =
            house.ask(&house.number(&format!("+49{}", ["1511", "1721", "1601", "1761"][turn % 4]), 7)).unwrap();
        house.wait(36);
        if turn % 10 != 0 {
            house.verified(message);
        }
    }
    let attacked = sent(&mut house, 200, |house, _| house.number("+49152554", 5));
    assert!((1..=20).contains(&attacked), "{attacked}");
    // And the others go on.
    for turn in 0..20 {
        let message =
            house.ask(&house.number(&format!("+49{}", ["1511", "1721", "1601", "1761"][turn % 4]), 7)).unwrap();
        house.wait(30);
        house.verified(message);
    }
}

#[test]
fn the_attacker_who_enters_some_codes_is_slower_not_through() {
    let mut house = House::new();
    let (mut sent, mut entered) = (0, 0);
    for turn in 0..5_000 {
        if let Ok(message) = house.ask(&house.number("+4915112", 6)) {
            sent += 1;
            // He has one telephone in twenty of those that he is paid for.
            if turn % 20 == 0 {
                house.verified(message);
                entered += 1;
            }
        }
        house.now = house.now + Duration::from_millis(500);
    }
    assert!(2 * sent <= 40 + 5 * entered, "{sent} sent, {entered} entered");
}
