//! Where exchanges come from and go to, as far as a finding may hold for one such place alone.
//!
//! "Only from this origin" takes two facts: that all exchanges with the finding came from there, and that others came from
//! elsewhere. The first is kept per rule; the second is known of sick exchanges and of one healthy exchange now and then,
//! so no healthy exchange pays for it. Of each only so much is kept as tells one place from several.

use std::sync::{Arc, Mutex, PoisonError};

/// Where an exchange came from and went to, in the form in which it may be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whence {
    /// The upstream that answered, where there are several.
    pub upstream: Option<Arc<str>>,
    /// The origin of the page that asked.
    pub origin: Option<Arc<str>>,
    /// The client's address, as much of it as may be shown.
    pub client: Option<Arc<str>>,
}

impl Whence {
    fn parts(&self) -> [&Option<Arc<str>>; 3] {
        [&self.upstream, &self.origin, &self.client]
    }
}

/// How many exchanges with a finding say that it holds for one place alone.
const ENOUGH: u64 = 3;

/// The places of the exchanges with one finding: one, or several.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<[Place; 3]>);

#[derive(Clone, Debug, Default)]
enum Place {
    #[default]
    None,
    One(Option<Arc<str>>),
    Several,
}

impl Place {
    fn add(&mut self, part: &Option<Arc<str>>) {
        let is_other = match self {
            Self::None => return *self = Self::One(part.clone()),
            Self::One(known) => known != part,
            Self::Several => false,
        };
        if is_other {
            *self = Self::Several;
        }
    }
}

/// Two different places of each kind among all exchanges that were looked at.
#[derive(Debug, Default)]
pub(super) struct Others(Mutex<[Vec<Option<Arc<str>>>; 3]>);

impl Others {
    /// An exchange was there.
    pub(super) fn add(&self, whence: &Whence) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (known, part) in known.iter_mut().zip(whence.parts()) {
            if known.len() < 2 && !known.contains(part) {
                known.push(part.clone());
            }
        }
    }

    fn are_several(&self) -> [bool; 3] {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.each_ref().map(|places| places.len() > 1)
    }
}

impl Places {
    /// Adds an exchange; gives the places that all exchanges with the finding share, where others do not.
    pub(super) fn add(&self, whence: &Whence, count: u64, others: &Others) -> Option<Arc<Whence>> {
        let shared = {
            let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            places.iter_mut().zip(whence.parts()).for_each(|(place, part)| place.add(part));
            places.clone()
        };
        if count < ENOUGH {
            return None;
        }
        let mut alone = shared.into_iter().zip(others.are_several()).map(|(place, are_others)| match place {
            Place::One(only) => only.filter(|_| are_others),
            Place::None | Place::Several => None,
        });
        let mut next = || alone.next().flatten();
        let only = Whence { upstream: next(), origin: next(), client: next() };
        (only != Whence::default()).then(|| Arc::new(only))
    }
}

impl std::fmt::Display for Whence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words = [("at", &self.upstream), ("from", &self.origin), ("from", &self.client)];
        let words = words.into_iter().filter_map(|(word, part)| Some(format!("{word} {}", part.as_ref()?)));
        f.write_str(&words.collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::{Others, Places, Whence};

    fn whence(upstream: Option<&str>, origin: Option<&str>, client: &str) -> Whence {
        Whence {
            upstream: upstream.map(Into::into),
            origin: origin.map(Into::into),
            client: Some(client.into()),
        }
    }

    #[test]
    fn only_takes_all_of_the_finding_and_others_elsewhere() {
        let (app, node) = (Some("https://app.example.com"), Some("http://10.0.0.7:8080"));
        let (places, others) = (Places::default(), Others::default());
        let find = |one: &Whence, count| {
            others.add(one);
            places.add(one, count, &others).map(|only| only.to_string())
        };
        let sick = whence(node, app, "192.0.2.0/24");
        assert_eq!(
            (find(&sick, 1), find(&sick, 2), find(&sick, 3)),
            (None, None, None),
            "nothing else is known"
        );
        others.add(&whence(Some("http://10.0.0.8:8080"), None, "192.0.2.0/24"));
        let only = "at http://10.0.0.7:8080, from https://app.example.com";
        assert_eq!(find(&sick, 4).as_deref(), Some(only));
        assert_eq!(find(&whence(node, None, "192.0.2.0/24"), 5).as_deref(), Some("at http://10.0.0.7:8080"));
        assert_eq!(find(&whence(None, app, "198.51.100.0/24"), 6), None);
    }

    #[test]
    fn that_no_page_asked_is_no_place() {
        let (places, others) = (Places::default(), Others::default());
        let curl = whence(None, None, "192.0.2.0/24");
        others.add(&curl);
        others.add(&whence(None, Some("https://app.example.com"), "192.0.2.0/24"));
        let found: Vec<_> = (1..5).map(|count| places.add(&curl, count, &others)).collect();
        assert_eq!(found, [None, None, None, None]);
    }
}
