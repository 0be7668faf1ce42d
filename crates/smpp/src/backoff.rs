//! How long to wait before the next try to connect.

use std::time::Duration;
use types::World;

const FIRST: Duration = Duration::from_millis(500);
const LAST: Duration = Duration::from_secs(60);
/// A session that held for this long was a good one: the next loss is a new story.
const GOOD: Duration = Duration::from_secs(30);

/// Doubles from half a second to a minute, each with jitter down to its half: the binds of a cluster that lost its SMSC at one moment
/// don't come back at one moment.
#[derive(Default)]
pub(crate) struct Backoff {
    tries: u32,
}

impl Backoff {
    /// After a session that held for so long (zero: none came about).
    pub(crate) fn next(&mut self, held: Duration, world: &World) -> Duration {
        if held >= GOOD {
            self.tries = 0;
        }
        let longest = FIRST.saturating_mul(2_u32.saturating_pow(self.tries)).min(LAST);
        self.tries = self.tries.saturating_add(1).min(16);
        let half = longest / 2;
        let jitter = world.below(u64::try_from(half.as_millis()).unwrap_or(u64::MAX).saturating_add(1));
        half + Duration::from_millis(jitter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::Millis;

    #[test]
    fn it_doubles_with_jitter_up_to_a_minute_and_begins_again_after_a_good_session() {
        let (world, _) = World::made(Millis(0), 7);
        let mut backoff = Backoff::default();
        for longest in [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000] {
            let wait = backoff.next(Duration::ZERO, &world).as_millis();
            assert!((longest / 2..=longest).contains(&wait), "{wait} of {longest}");
        }
        assert!(backoff.next(Duration::from_secs(29), &world) >= LAST / 2);
        assert!(backoff.next(GOOD, &world) <= FIRST);
        let waits: std::collections::HashSet<_> = (0..20).map(|_| Backoff::default().next(GOOD, &world)).collect();
        assert!(waits.len() > 5);
    }
}
