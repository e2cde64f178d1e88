//! A point in time, as replies and tokens tell it and as the log writes it.
//!
//! Only a number and its two spellings: the pure modules compare times without ever asking a clock, and no date
//! library is needed for one format in and one out. The civil calendar is computed in days since 0000-03-01, so
//! that the leap day is the last of its year.

use std::fmt;
use std::time::Duration;

const DAY: i64 = 86_400;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH: i64 = 719_468;
const MONTHS: [&[u8]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

/// Milliseconds since 1970-01-01T00:00:00Z. `Display` writes it by RFC 3339, in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(i64);

impl Moment {
    /// The moment this many milliseconds after the epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// The moment this many seconds after the epoch, as in the claims of a token (RFC 7519 §2, `NumericDate`).
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Whole seconds since the epoch.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// This moment and a while.
    #[must_use]
    pub fn after(self, while_: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(while_.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This moment, a while ago.
    #[must_use]
    pub fn before(self, while_: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(while_.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Reads the date of an HTTP field in its one current form, `Sun, 06 Nov 1994 08:49:37 GMT`
    /// (RFC 9110 §5.6.7). The obsolete forms count as unreadable.
    #[must_use]
    pub fn from_http(text: &[u8]) -> Option<Self> {
        let text = text.strip_suffix(b" GMT")?;
        let (_, text) = text.split_at_checked(5)?;
        let mut parts = text.split(|byte| matches!(byte, b' ' | b':'));
        let number = |of: Option<&[u8]>| number(of?);
        let day = number(parts.next())?;
        let name = parts.next()?;
        let month = (1..).zip(MONTHS).find(|(_, month)| *month == name)?.0;
        let year = number(parts.next())?;
        let (hour, minute, second) = (number(parts.next())?, number(parts.next())?, number(parts.next())?);
        let known = (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
        if !known || parts.next().is_some() {
            return None;
        }
        let seconds = days(year, month, day) * DAY + hour * 3600 + minute * 60 + second;
        Some(Self::from_seconds(seconds))
    }

    /// Writes the form that [`Moment::from_http`] reads, in years of four digits.
    #[must_use]
    pub fn to_http(self) -> String {
        const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
        let (day, second) = (self.seconds().div_euclid(DAY), self.seconds().rem_euclid(DAY));
        let (year, month, date) = civil(day);
        let name = usize::try_from(day.rem_euclid(7)).ok().and_then(|day| DAYS.get(day)).unwrap_or(&"");
        let month = usize::try_from(month - 1).ok().and_then(|month| MONTHS.get(month)).copied();
        let month = String::from_utf8_lossy(month.unwrap_or_default());
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        format!("{name}, {date:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
    }

    /// Reads a date as PHP writes it with `DateTime::ISO8601`, `2026-11-23T15:17:59+0000`, or with a colon in the
    /// offset or `Z` for it (RFC 3339 §5.6).
    #[must_use]
    pub fn from_iso8601(text: &[u8]) -> Option<Self> {
        let (local, offset) = text.split_at_checked(19)?;
        let mut parts = local.split(|byte| matches!(byte, b'-' | b'T' | b':'));
        let mut next = || number(parts.next()?);
        let (year, month, day) = (next()?, next()?, next()?);
        let (hour, minute, second) = (next()?, next()?, next()?);
        let date = (1..=12).contains(&month) && (1..=31).contains(&day);
        if !date || hour >= 24 || minute >= 60 || second > 60 {
            return None;
        }
        let local = days(year, month, day) * DAY + hour * 3600 + minute * 60 + second;
        Some(Self::from_seconds(local - east_of_utc(offset)?))
    }

    /// The hour and minute of the day in UTC, `14:02`.
    #[must_use]
    pub fn clock(self) -> String {
        let second = self.seconds().rem_euclid(DAY);
        format!("{:02}:{:02}", second / 3600, second / 60 % 60)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, millis) = (self.seconds(), self.0.rem_euclid(1000));
        let (year, month, day) = civil(seconds.div_euclid(DAY));
        let second = seconds.rem_euclid(DAY);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

/// Seconds east of UTC: `Z`, `+0100` or `+01:00`.
fn east_of_utc(offset: &[u8]) -> Option<i64> {
    let (sign, hour, minute) = match offset {
        b"Z" => return Some(0),
        [sign, a, b, c, d] | [sign, a, b, b':', c, d] => (sign, [*a, *b], [*c, *d]),
        _ => return None,
    };
    let seconds = number(&hour)? * 3600 + number(&minute)? * 60;
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

/// At most four digits.
fn number(digits: &[u8]) -> Option<i64> {
    let plausible = (1..=4).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    plausible.then(|| digits.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
}

/// Days since the epoch of a date in the proleptic Gregorian calendar.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH
}

/// The date of a day since the epoch.
const fn civil(days: i64) -> (i64, i64, i64) {
    let days = days.saturating_add(EPOCH);
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + (month <= 2) as i64, month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{Moment, civil, days};

    #[test]
    fn http_dates_are_read() {
        let read = |text: &str| Moment::from_http(text.as_bytes()).map(Moment::seconds);
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(read("Thu, 29 Feb 2024 23:59:59 GMT"), Some(1_709_251_199));
        for text in ["", "GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37", "é, 06 Nov"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read("Sun, 99 Nov 1994 08:49:37 GMT"), None);
    }

    #[test]
    fn http_dates_are_written() {
        for text in [
            "Thu, 01 Jan 1970 00:00:00 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Thu, 29 Feb 2024 23:59:59 GMT",
            "Wed, 25 Nov 2026 19:07:19 GMT",
        ] {
            assert_eq!(Moment::from_http(text.as_bytes()).unwrap().to_http(), text);
        }
    }

    #[test]
    fn iso_dates_are_read() {
        let read = |text: &str| Moment::from_iso8601(text.as_bytes()).map(Moment::seconds);
        for text in ["1994-11-06T08:49:37Z", "1994-11-06T08:49:37+0000", "1994-11-06T10:49:37+02:00"] {
            assert_eq!(read(text), Some(784_111_777), "{text}");
        }
        assert_eq!(read("1994-11-06T04:19:37-0430"), Some(784_111_777));
        for text in
            ["", "1994-11-06T08:49:37", "1994-13-06T08:49:37Z", "1994-11-06T08:49:37 UTC", "ééééééééééééé"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn moments_are_written_by_rfc_3339() {
        assert_eq!(Moment::from_millis(784_111_777_089).to_string(), "1994-11-06T08:49:37.089Z");
        assert_eq!(Moment::from_seconds(1_709_251_199).to_string(), "2024-02-29T23:59:59.000Z");
        assert_eq!(Moment::default().to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Moment::from_millis(784_111_777_089).clock(), "08:49");
    }

    proptest! {
        #[test]
        fn calendar_and_days_agree(day in -1_000_000i64..1_000_000) {
            let (year, month, of_month) = civil(day);
            assert_eq!(days(year, month, of_month), day);
        }

        #[test]
        fn what_is_written_is_read(second in 0i64..250_000_000_000) {
            let text = Moment::from_seconds(second).to_string().replace(".000", "");
            assert_eq!(Moment::from_iso8601(text.as_bytes()), Some(Moment::from_seconds(second)));
        }

        #[test]
        fn any_bytes_are_a_date_or_not(text in any::<Vec<u8>>(), millis in any::<i64>()) {
            std::hint::black_box(Moment::from_http(&text));
            std::hint::black_box(Moment::from_iso8601(&text));
            std::hint::black_box(Moment::from_millis(millis).to_string());
        }
    }
}
