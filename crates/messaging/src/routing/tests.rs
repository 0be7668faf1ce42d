use super::{
    health::{HALF_LIFE, Health, Outcome},
    *,
};
use proptest::prelude::*;
use types::Millis;

fn route(kind: ChannelKind, prefixes: &[&str], carriers: &[&str]) -> Route {
    Route {
        kind,
        prefixes: prefixes.iter().map(|text| (*text).to_owned()).collect(),
        carriers: carriers.iter().map(|text| (*text).to_owned()).collect(),
        cost: 0.0,
        per_second: None,
        then: None,
    }
}

#[test]
fn the_longest_prefix_counts_and_a_network_before_it() {
    let table = Table {
        routes: vec![
            route(ChannelKind::Sms, &[], &["world"]),
            route(ChannelKind::Sms, &["49", "1"], &["near"]),
            route(ChannelKind::Sms, &["49151"], &["cheap"]),
            route(ChannelKind::Sms, &["262:01"], &["own"]),
            route(ChannelKind::Voice, &["49"], &["trunk"]),
        ],
    };
    let of = |kind, digits, network| {
        table.of(kind, digits, network).map(|found| (found.route.unwrap().carriers[0].as_str(), found.prefix))
    };
    assert_eq!(of(ChannelKind::Sms, "4915112345678", None), Some(("cheap", "49151")));
    assert_eq!(of(ChannelKind::Sms, "4915112345678", Some("262:01")), Some(("own", "262:01")));
    assert_eq!(of(ChannelKind::Sms, "4916012345678", Some("262:02")), Some(("near", "49")));
    assert_eq!(of(ChannelKind::Sms, "33612345678", None), Some(("world", "")));
    assert_eq!(of(ChannelKind::Voice, "4930123", None), Some(("trunk", "49")));
    assert_eq!(of(ChannelKind::Voice, "33612345678", None), None, "no route leads there");
    assert!(table.of(ChannelKind::Email, "", None).unwrap().route.is_none(), "no route is written for mail");
}

#[test]
fn who_does_worse_is_asked_later_and_gets_another_chance() {
    let mut health = Health::default();
    let now = Millis(1_794_651_630_405);
    let ordered = |health: &Health, now| {
        let score = |name: &str| Look { ready: true, score: health.score(name, "49", now), ..Look::default() };
        order(&["a", "b"], score).join(",")
    };
    for turn in 0..29 {
        health.count("b", "49", Outcome::Delivered, now);
        health.count("a", "49", if turn % 2 == 0 { Outcome::Lost } else { Outcome::Delivered }, now);
    }
    assert_eq!(ordered(&health, now), "a,b", "29 say nothing");
    health.count("a", "49", Outcome::Lost, now);
    health.count("b", "49", Outcome::Delivered, now);
    assert_eq!(ordered(&health, now), "b,a");
    assert_eq!(ordered(&health, now + HALF_LIFE), "a,b", "half of it is forgotten");
    for _ in 0..60 {
        health.count("a", "49", Outcome::Delivered, now);
        health.count("a", "49", Outcome::Unused, now);
        health.count("b", "49", Outcome::Verified, now);
    }
    assert_eq!(ordered(&health, now), "b,a", "what it says arrives, and nobody enters it");
    assert_eq!(health.score("a", "1", now), health::Score::default(), "each prefix has a record of its own");
}

#[derive(Clone, Copy, Debug)]
struct Made {
    cut: bool,
    seen: bool,
    ready: bool,
    delivered: Option<f64>,
    verified: Option<f64>,
}

fn made() -> impl Strategy<Value = Made> {
    let share = || proptest::option::of(0.0_f64..=1.0);
    (any::<bool>(), any::<bool>(), any::<bool>(), share(), share())
        .prop_map(|(cut, seen, ready, delivered, verified)| Made { cut, seen, ready, delivered, verified })
}

proptest! {
    #[test]
    fn an_order_leaves_nobody_out_but_who_must_be_and_is_never_unfair(looks in proptest::collection::vec(made(), 0..8)) {
        let names: Vec<String> = (0..looks.len()).map(|n| n.to_string()).collect();
        let carriers: Vec<&str> = names.iter().map(String::as_str).collect();
        let of = |name: &str| looks[name.parse::<usize>().unwrap()];
        let look = |name: &str| {
            let made = of(name);
            Look { cut: made.cut, seen: made.seen, ready: made.ready,
                score: health::Score { delivered: made.delivered, verified: made.verified } }
        };
        let ordered = order(&carriers, look);
        let open = carriers.iter().filter(|name| !of(name).cut && !of(name).seen).count();
        prop_assert_eq!(ordered.len(), open, "a carrier is missing or doubled, or one that is cut or has seen it may be asked");
        let best = health::Score::best(ordered.iter().filter(|name| of(name).ready).map(|name| look(name).score));
        for pair in ordered.windows(2) {
            let (a, b) = (look(pair[0]), look(pair[1]));
            prop_assert!(a.ready >= b.ready, "one that can't take anything stands before one that can");
            if a.ready == b.ready {
                let (a_behind, b_behind) = (a.score.is_behind(best), b.score.is_behind(best));
                prop_assert!(a_behind <= b_behind, "a worse one stands before a better one");
                if a_behind == b_behind {
                    prop_assert!(pair[0].parse::<usize>().unwrap() < pair[1].parse::<usize>().unwrap(), "the file's order is lost");
                }
            }
        }
    }

    #[test]
    fn no_better_prefix_was_passed_over(prefixes in proptest::collection::vec("[0-9]{0,5}|[0-9]{3}:[0-9]{2}", 1..8), digits in "[0-9]{6,15}",
            network in proptest::option::of("[0-9]{3}:[0-9]{2}")) {
        let routes = prefixes.iter().map(|prefix| route(ChannelKind::Sms, &[prefix], &["a"])).collect();
        let table = Table { routes };
        let fit = |prefix: &str| Prefix::read(prefix).unwrap().fits(&digits, network.as_deref());
        match table.of(ChannelKind::Sms, &digits, network.as_deref()) {
            None => prop_assert!(prefixes.iter().all(|prefix| fit(prefix).is_none())),
            Some(found) => prop_assert_eq!(fit(found.prefix), prefixes.iter().filter_map(|prefix| fit(prefix)).max()),
        }
    }

    #[test]
    fn no_text_makes_it_panic_and_what_is_read_fits_or_not(text in "\\PC{0,20}") {
        if let Some(prefix) = Prefix::read(&text) {
            let _ = prefix.fits("4915112345678", Some("262:01"));
        }
    }
}
