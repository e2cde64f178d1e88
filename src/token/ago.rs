//! How far a time is from now, in words.

use crate::moment::Moment;

/// `3 minutes ago`, `in 2 days`, `now`.
#[must_use]
pub fn ago(time: Moment, now: Moment) -> String {
    let between = now.seconds().saturating_sub(time.seconds());
    let words = long(between.unsigned_abs());
    match between {
        0 => "now".to_owned(),
        1.. => format!("{words} ago"),
        _ => format!("in {words}"),
    }
}

/// In the largest unit that there are two of, so that little is lost.
fn long(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400 * 365, "year"), (86_400, "day"), (3600, "hour"), (60, "minute")];
    let unit = UNITS.into_iter().find(|(length, _)| seconds >= 2 * length);
    let (count, name) = unit.map_or((seconds, "second"), |(length, name)| (seconds / length, name));
    if count == 1 { format!("{count} {name}") } else { format!("{count} {name}s") }
}

#[cfg(test)]
mod tests {
    use super::ago;
    use crate::moment::Moment;

    #[test]
    fn a_distance_is_told_in_the_unit_that_fits() {
        let now = Moment::from_seconds(1_000_000_000);
        let table = [
            (0, "now"),
            (1, "1 second ago"),
            (119, "119 seconds ago"),
            (180, "3 minutes ago"),
            (-300, "in 5 minutes"),
            (7200, "2 hours ago"),
            (-7 * 86_400, "in 7 days"),
            (3 * 365 * 86_400, "3 years ago"),
        ];
        for (seconds, words) in table {
            assert_eq!(ago(Moment::from_seconds(1_000_000_000 - seconds), now), words);
        }
        assert!(ago(Moment::from_seconds(i64::MAX), now).starts_with("in "));
    }
}
