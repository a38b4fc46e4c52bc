//! What the tables keep, and for how long.

use super::{Availability, HIGHEST, Mark, Marks, ShortId, Tag, Target};

const HOUR: u64 = 3600;
const DAY: u64 = 86_400;

fn marks(keep_for: Option<u32>) -> Marks {
    Marks::new(Availability::new(true, None), keep_for)
}

fn tag(number: u64) -> Tag {
    Tag::new("user", number)
}

fn mark(of: u64, number: u64, until: u64) -> Mark {
    Mark { target: Target::Tag(tag(of)), number, until }
}

#[test]
fn a_sweep_forgets_what_nobody_needs_and_nothing_else() {
    let marks = marks(None);
    marks.add(&[mark(1, 5, 1000), mark(2, 6, 1001)], 10);
    let last = 1000 + DAY;
    marks.sweep(last - 1);
    assert_eq!(marks.len(), 2);
    assert!(marks.has_tag(&[tag(1)], 4) && marks.has_tag(&[tag(2)], 5));
    marks.sweep(last);
    assert_eq!(marks.len(), 1);
    assert!(!marks.has_tag(&[tag(1)], 4) && marks.has_tag(&[tag(2)], 5));
}

#[test]
fn a_number_that_no_store_has_given_counts_for_its_tag_alone() {
    let marks = marks(None);
    marks.add(&[mark(1, HIGHEST + 1, 1000)], 10);
    marks.note_read_to(HIGHEST + 1);
    assert_eq!((marks.highest(), marks.seen_now()), (0, 0));
    assert!(marks.has_tag(&[tag(1)], HIGHEST));
    marks.add(&[mark(2, HIGHEST, 1000)], 10);
    marks.note_read_to(HIGHEST);
    assert_eq!((marks.highest(), marks.seen_now()), (HIGHEST, HIGHEST));
}

#[test]
fn marks_are_kept_for_what_was_said_or_for_the_longest_session() {
    let said = marks(Some(50));
    assert!(said.keep_for_sessions_of(51).is_err());
    said.keep_for_sessions_of(50).unwrap();
    assert_eq!(said.keep_for(), 50);
    let unsaid = marks(None);
    assert_eq!(u64::from(unsaid.keep_for()), 30 * DAY);
    for (absolute, kept) in [(20, 20), (30, 30), (10, 30)] {
        unsaid.keep_for_sessions_of(absolute).unwrap();
        assert_eq!(unsaid.keep_for(), kept);
    }
}

#[test]
fn marks_are_swept_every_hour() {
    let marks = marks(None);
    let first = 100_000;
    // Not needed any longer some minutes after the first sweep.
    marks.add(&[mark(1, 5, first - DAY + 1000)], first - DAY);
    for (number, now, left) in [(2, first, 2), (3, first + HOUR - 1, 3), (4, first + HOUR, 3)] {
        marks.add(&[mark(number, 6, now + 30 * DAY)], now);
        assert_eq!(marks.len(), left, "{now}");
    }
}

#[test]
fn a_short_id_is_the_same_from_its_bytes() {
    let bytes = [1, 2, 3, 4, 5, 6, 7, 8];
    assert_eq!(ShortId::from_bytes(bytes).to_bytes(), bytes);
}
