//! `Schedule`: which key of a set seals at which time. It reads no clock.

/// When a key may seal, and since when this server has known it. Milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "key-directory"), allow(dead_code, reason = "for dated keys"))]
pub(crate) struct Dated {
    pub(crate) from: u64,
    pub(crate) known: u64,
    /// It came while this server ran, so that others may not know it yet.
    pub(crate) is_found: bool,
}

/// Which key of a set seals at which time. The keys are numbered, the newest first.
///
/// It is computed when the keys are read, so that a request only compares a few numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    /// From this time on, this key seals. The latest step comes first; the last one begins at 0.
    steps: Vec<(u64, usize)>,
}

impl Schedule {
    /// One key at all times.
    pub(crate) fn always(key: usize) -> Self {
        Self { steps: vec![(0, key)] }
    }

    /// The schedule of dated keys, the newest first. At each time seals
    ///
    /// 1. the newest key whose time has come and that this server has known for `settle`, so that the
    ///    other servers know it too;
    /// 2. if there is none, the oldest key whose time has come, if possible one that was there when this
    ///    server started;
    /// 3. if there is none, the oldest key.
    #[cfg_attr(not(feature = "key-directory"), allow(dead_code, reason = "for dated keys"))]
    pub(crate) fn of(keys: &[Dated], settle: u64) -> Self {
        let settled = |key: &Dated| key.known.saturating_add(settle);
        let seals = |now: u64| {
            let has_come = |key: &Dated| key.from <= now;
            keys.iter()
                .position(|key| has_come(key) && settled(key) <= now)
                .or_else(|| keys.iter().rposition(|key| has_come(key) && !key.is_found))
                .or_else(|| keys.iter().rposition(has_come))
                .unwrap_or(keys.len().saturating_sub(1))
        };
        let mut times: Vec<u64> = keys.iter().flat_map(|key| [key.from, settled(key)]).collect();
        times.push(0);
        times.sort_unstable();
        let mut steps: Vec<_> = times.into_iter().map(|time| (time, seals(time))).collect();
        steps.dedup_by_key(|(_, key)| *key);
        steps.reverse();
        Self { steps }
    }

    /// The key that seals at this time.
    pub(crate) fn at(&self, now: u64) -> usize {
        self.steps.iter().find(|(start, _)| *start <= now).map_or(0, |(_, key)| *key)
    }

    /// When another key begins to seal.
    #[cfg_attr(not(feature = "key-directory"), allow(dead_code, reason = "for dated keys"))]
    pub(crate) fn next_change(&self, now: u64) -> Option<u64> {
        self.steps.iter().map(|(start, _)| *start).take_while(|start| *start > now).last()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTLE: u64 = 300;

    fn dated((from, known): (u64, u64), is_found: bool) -> Dated {
        Dated { from, known, is_found }
    }

    /// Keys of these times, known since these times, the newest first.
    fn schedule(keys: &[(u64, u64)]) -> Schedule {
        let keys: Vec<_> = keys.iter().map(|&key| dated(key, false)).collect();
        Schedule::of(&keys, SETTLE)
    }

    #[test]
    fn a_key_seals_when_its_time_has_come() {
        let schedule = schedule(&[(10_000, 100), (1000, 100)]);
        assert_eq!((schedule.at(9_999), schedule.at(10_000)), (1, 0));
        assert_eq!(schedule.next_change(9_999), Some(10_000));
        assert_eq!(schedule.next_change(10_000), None);
    }

    #[test]
    fn a_key_that_was_not_known_for_long_waits() {
        let schedule = schedule(&[(10_000, 9_900), (1000, 100)]);
        assert_eq!((schedule.at(10_000), schedule.at(10_199), schedule.at(10_200)), (1, 1, 0));
    }

    #[test]
    fn without_a_settled_key_the_oldest_seals_whose_time_has_come() {
        let schedule = schedule(&[(20_000, 15_000), (10_000, 15_000), (1000, 15_000)]);
        assert_eq!((schedule.at(15_000), schedule.at(15_300), schedule.at(20_000)), (2, 1, 0));
    }

    #[test]
    fn a_key_that_came_meanwhile_does_not_seal_before_those_that_were_there() {
        let keys = [dated((4000, 5000), false), dated((1000, 5020), true)];
        let schedule = Schedule::of(&keys, SETTLE);
        assert_eq!((schedule.at(5000), schedule.at(5020), schedule.at(5320)), (0, 0, 0));
    }

    #[test]
    fn if_no_time_has_come_the_earliest_seals() {
        let schedule = schedule(&[(20_000, 0), (10_000, 0)]);
        assert_eq!((schedule.at(0), schedule.at(9_999), schedule.at(20_000)), (1, 1, 0));
    }

    #[test]
    fn a_key_on_its_own_seals_at_once() {
        let schedule = schedule(&[(10_000, 10_000)]);
        assert_eq!((schedule.at(0), schedule.at(10_000), schedule.next_change(0)), (0, 0, None));
    }

    #[test]
    fn it_agrees_with_its_rule_at_every_time() {
        let mut random = 1_u64;
        let mut draw = |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) % below
        };
        for _ in 0..2000 {
            let mut keys: Vec<_> =
                (0..=draw(5)).map(|_| dated((draw(40), draw(40)), draw(3) == 0)).collect();
            keys.sort_by_key(|key| std::cmp::Reverse(key.from));
            let settle = draw(10);
            let schedule = Schedule::of(&keys, settle);
            for now in 0..60 {
                let due: Vec<_> = (0..keys.len()).filter(|key| keys[*key].from <= now).collect();
                let settled = due.iter().find(|key| now >= keys[**key].known + settle);
                let there = due.iter().rfind(|key| !keys[**key].is_found);
                let expected = settled.or(there).or(due.last());
                let expected = expected.copied().unwrap_or(keys.len() - 1);
                assert_eq!(schedule.at(now), expected, "{keys:?} at {now}, settle {settle}");
                let later = (now + 1..80).find(|later| schedule.at(*later) != schedule.at(now));
                assert_eq!(schedule.next_change(now), later, "{keys:?} after {now}");
            }
        }
    }
}
