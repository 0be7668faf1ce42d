//! The states that a program hears of, in their order.

use messaging::State;

/// The states that a message goes through until it stands so.
const fn path(state: State) -> &'static [&'static str] {
    match state {
        State::Scheduled => &["scheduled"],
        State::Queued => &["queued"],
        State::Sent => &["queued", "sent"],
        State::Delivered => &["queued", "sent", "delivered"],
        State::Undelivered => &["queued", "sent", "undelivered"],
        State::Failed => &["queued", "failed"],
        State::Canceled => &["canceled"],
    }
}

/// Whether nothing is told after this.
pub(super) fn is_last(told: &str) -> bool {
    State::of(told).as_str() == told && State::of(told).is_final()
}

/// What is to be told next of a message that stands so, after `told` (empty for nothing yet). `None`: all has been told.
pub(super) fn next(told: &str, state: State) -> Option<&'static str> {
    if is_last(told) {
        return None;
    }
    let path = path(state);
    let mut rest = path.iter().skip_while(|step| **step != told);
    match rest.next() {
        Some(_) => rest.next().copied(),
        // Of another way: its first step, or its end where more than that was told.
        None if matches!(told, "" | "scheduled") => path.first().copied(),
        None => path.last().copied().filter(|last| is_last(last)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [State; 7] = [
        State::Scheduled,
        State::Queued,
        State::Sent,
        State::Delivered,
        State::Undelivered,
        State::Failed,
        State::Canceled,
    ];

    fn told_until(state: State) -> Vec<&'static str> {
        let mut all = Vec::new();
        while let Some(step) = next(all.last().copied().unwrap_or_default(), state) {
            all.push(step);
        }
        all
    }

    #[test]
    fn each_step_once_and_in_order() {
        assert_eq!(told_until(State::Delivered), ["queued", "sent", "delivered"]);
        assert_eq!(told_until(State::Undelivered), ["queued", "sent", "undelivered"]);
        assert_eq!(told_until(State::Failed), ["queued", "failed"]);
        assert_eq!(next("scheduled", State::Delivered), Some("queued"));
        assert_eq!(next("scheduled", State::Canceled), Some("canceled"));
        assert_eq!(next("queued", State::Canceled), Some("canceled"));
        assert_eq!(next("sent", State::Failed), Some("failed"));
        assert_eq!(next("sent", State::Queued), None);
        assert_eq!(next("scheduled", State::Scheduled), None);
    }

    #[test]
    fn nothing_follows_an_end_and_no_way_is_without_end() {
        for state in ALL {
            for told in ALL.map(State::as_str) {
                let mut last = told;
                for _ in 0..5 {
                    let Some(step) = next(last, state) else { break };
                    assert!(!is_last(last), "{last} {step}");
                    last = step;
                }
                assert_eq!(next(last, state), None, "{told} {state:?}");
            }
        }
    }
}
