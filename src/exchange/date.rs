//! The date of a reply that came without one.
//!
//! PHP leaves it to its web server (RFC 9110 §6.6.1), which the doctor is there. It is the same for all replies of a
//! second, so each worker writes it once.

use std::cell::RefCell;

use crate::message::{Fields, Name};
use crate::moment::Moment;

thread_local! {
    static WRITTEN: RefCell<(i64, String)> = const { RefCell::new((i64::MIN, String::new())) };
}

/// Says when the reply was made, unless it says so itself.
pub(super) fn say(fields: &mut Fields, now: Moment) {
    if fields.has(Name::Date) {
        return;
    }
    WRITTEN.with_borrow_mut(|(second, text)| {
        if *second != now.seconds() {
            (*second, *text) = (now.seconds(), now.to_http());
        }
        fields.append(b"Date", text.as_bytes());
    });
}

#[cfg(test)]
mod tests {
    use super::say;
    use crate::message::{Fields, Name};
    use crate::moment::Moment;

    #[test]
    fn a_date_is_of_its_second_and_never_said_twice() {
        let said = |millis, mut fields: Fields| {
            say(&mut fields, Moment::from_millis(millis));
            fields.only(Name::Date).map(<[u8]>::to_vec)
        };
        let expected = |seconds| Some(Moment::from_seconds(seconds).to_http().into_bytes());
        for (millis, seconds) in [(5_000, 5), (5_999, 5), (6_000, 6), (4_000, 4)] {
            assert_eq!(said(millis, Fields::new()), expected(seconds));
        }
        assert_eq!(said(7_000, Fields::from([("Date", "before")])), Some(b"before".to_vec()));
    }
}
