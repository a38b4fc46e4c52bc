//! The gauges of a set of keys that a server follows, for the `metrics` facade.

#![cfg_attr(
    not(feature = "metrics"),
    allow(dead_code, unused_variables, reason = "nothing is measured")
)]

use std::time::SystemTime;

/// What a server knows of a set of keys that it follows.
pub(crate) struct KeysSeen {
    /// How many keys there are.
    pub(crate) count: usize,
    /// When the set was last read without an error.
    pub(crate) read_at: SystemTime,
    /// When another key will seal, if that is known.
    pub(crate) next_change: Option<SystemTime>,
}

/// Sets the gauges. `set` names the set: its path. Call it at each look, also if the look failed.
pub(crate) fn keys_seen(set: &str, seen: &KeysSeen) {
    #[cfg(feature = "metrics")]
    facade::set(set, seen);
}

#[cfg(feature = "metrics")]
mod facade {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::UNIX_EPOCH;

    use metrics::{Gauge, Label, Unit, describe_gauge};

    use super::KeysSeen;
    use crate::events::counters::METADATA;

    const COUNT: &str = "sealed_session_keys";
    /// Not an age: if a look never ends, nobody would set that.
    const READ_AT: &str = "sealed_session_keys_read_timestamp_seconds";
    const NEXT_CHANGE: &str = "sealed_session_keys_next_change_timestamp_seconds";

    pub(super) fn set(set: &str, seen: &KeysSeen) {
        static DESCRIBED: AtomicBool = AtomicBool::new(false);
        if !DESCRIBED.swap(true, Ordering::Relaxed) {
            describe();
        }
        gauge(COUNT, set).set(seen.count as f64);
        let read_at = seen.read_at.duration_since(UNIX_EPOCH).unwrap_or_default();
        gauge(READ_AT, set).set(read_at.as_secs_f64());
        // Without a next change it is never.
        let next = seen.next_change.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        gauge(NEXT_CHANGE, set).set(next.map_or(f64::INFINITY, |since| since.as_secs_f64()));
    }

    fn gauge(name: &'static str, set: &str) -> Gauge {
        let key = metrics::Key::from_parts(name, vec![Label::new("set", set.to_owned())]);
        metrics::with_recorder(|recorder| recorder.register_gauge(&key, &METADATA))
    }

    fn describe() {
        describe_gauge!(COUNT, Unit::Count, "Keys in a set of keys");
        describe_gauge!(READ_AT, Unit::Seconds, "When a set of keys was last read, in Unix time");
        describe_gauge!(NEXT_CHANGE, Unit::Seconds, "When another key will seal, in Unix time");
    }
}

#[cfg(all(test, feature = "metrics"))]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use metrics::{Counter, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder};
    use metrics::{SharedString, Unit, with_local_recorder};

    use super::{KeysSeen, keys_seen};

    #[derive(Clone, Default)]
    struct Values(Arc<Mutex<Vec<String>>>);

    struct Named(String, Values);

    impl GaugeFn for Named {
        fn increment(&self, _: f64) {}
        fn decrement(&self, _: f64) {}
        fn set(&self, value: f64) {
            self.1.0.lock().expect("no test panicked").push(format!("{} {value}", self.0));
        }
    }

    impl Recorder for Values {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
            Counter::noop()
        }
        fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
            let labels = key.labels().map(|label| format!("{}={}", label.key(), label.value()));
            let name = format!("{}{{{}}}", key.name(), labels.collect::<String>());
            Gauge::from_arc(Arc::new(Named(name, self.clone())))
        }
        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::noop()
        }
    }

    fn values(next_change: Option<SystemTime>) -> Vec<String> {
        let values = Values::default();
        let read_at = UNIX_EPOCH + Duration::from_millis(1500);
        let seen = KeysSeen { count: 3, read_at, next_change };
        with_local_recorder(&values, || keys_seen("keys", &seen));
        values.0.lock().expect("no test panicked").clone()
    }

    #[test]
    fn a_set_of_keys_has_its_number_its_last_look_and_its_next_change() {
        let next = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let both = [
            "sealed_session_keys{set=keys} 3",
            "sealed_session_keys_read_timestamp_seconds{set=keys} 1.5",
        ];
        let name = "sealed_session_keys_next_change_timestamp_seconds{set=keys}";
        let set = values(Some(next));
        assert_eq!(set[..2], both);
        assert_eq!(set[2..], [format!("{name} 1700000000")]);
        assert_eq!(values(None)[2..], [format!("{name} inf")]);
    }
}
