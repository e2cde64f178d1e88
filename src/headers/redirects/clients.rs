//! What common clients do with `Authorization` when a redirect leaves the origin.
//!
//! Measured in November 2026, each client against servers of our own; Guzzle and WordPress are read from their
//! source. Within an origin all of them keep the field.

use super::{Change, Kinship};

/// A client, and what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its name, with the version that was looked at.
    pub name: &'static str,
    to_tls: Fate,
    below: Fate,
    above: Fate,
    other: Fate,
    port: Fate,
}

/// What becomes of the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is sent to the new origin, too.
    Kept,
    /// It is not.
    Lost,
}

use Fate::{Kept, Lost};

const fn client(name: &'static str, [to_tls, below, above, other, port]: [Fate; 5]) -> Client {
    Client { name, to_tls, below, above, other, port }
}

impl Client {
    /// Those that were looked at.
    pub const ALL: [Self; 13] = [
        client("browsers and Node's fetch", [Lost; 5]),
        client("curl -L 7.88", [Lost; 5]),
        client("curl --location-trusted 7.88", [Kept; 5]),
        client("axios 1.21", [Lost; 5]),
        client("Python requests 2.34", [Kept, Lost, Lost, Lost, Lost]),
        client("got 11", [Kept, Lost, Lost, Lost, Lost]),
        client("node-fetch 2.7", [Lost, Kept, Lost, Lost, Kept]),
        client("Go net/http 1.19", [Lost, Kept, Lost, Lost, Lost]),
        client("Guzzle 7", [Lost; 5]),
        client("PHP 8.2, curl and streams", [Lost; 5]),
        client("Python urllib", [Kept; 5]),
        client("wget 1.21", [Kept; 5]),
        client("WordPress wp_remote_*", [Kept; 5]),
    ];

    /// What becomes of the field on a redirect with this change; nothing for a change that was not looked at: from
    /// `https` to `http`, by a client that treats some changes unlike others.
    #[must_use]
    pub fn fate(&self, change: Change, to: super::Scheme) -> Option<Fate> {
        if let Some(always) = self.always() {
            return Some(if change.leaves_origin() { always } else { Kept });
        }
        if change.scheme && to == super::Scheme::Http {
            return None;
        }
        let host = match change.host {
            Kinship::Same => Kept,
            Kinship::Below => self.below,
            Kinship::Above => self.above,
            Kinship::Other => self.other,
        };
        let scheme = if change.scheme { self.to_tls } else { Kept };
        let port = if change.port { self.port } else { Kept };
        Some(if [host, scheme, port].contains(&Lost) { Lost } else { Kept })
    }

    /// The fate that all changes have in common.
    fn always(&self) -> Option<Fate> {
        let rest = [self.below, self.above, self.other, self.port];
        rest.iter().all(|fate| *fate == self.to_tls).then_some(self.to_tls)
    }
}

#[cfg(test)]
mod tests {
    use super::{Client, Fate, Kinship};
    use crate::headers::Scheme;
    use crate::headers::redirects::Change;

    const NONE: Change = Change { scheme: false, host: Kinship::Same, port: false };

    fn losing(change: Change, to: Scheme) -> Vec<&'static str> {
        let loses = |client: &&Client| client.fate(change, to) == Some(Fate::Lost);
        Client::ALL.iter().filter(loses).map(|client| client.name).collect()
    }

    #[test]
    fn nobody_loses_the_field_within_an_origin() {
        assert_eq!(losing(NONE, Scheme::Https), [""; 0]);
    }

    #[test]
    fn what_loses_it_depends_on_client_and_change() {
        let strict = 5;
        let table = [
            (Change { scheme: true, ..NONE }, strict + 2),
            (Change { host: Kinship::Below, ..NONE }, strict + 2),
            (Change { host: Kinship::Above, ..NONE }, strict + 4),
            (Change { host: Kinship::Other, ..NONE }, strict + 4),
            (Change { port: true, ..NONE }, strict + 3),
            (Change { scheme: true, host: Kinship::Below, port: false }, strict + 4),
        ];
        for (change, count) in table {
            assert_eq!(losing(change, Scheme::Https).len(), count, "{change:?}");
        }
    }

    #[test]
    fn what_was_not_looked_at_is_not_told() {
        let change = Change { scheme: true, ..NONE };
        let untold = Client::ALL.iter().filter(|client| client.fate(change, Scheme::Http).is_none());
        assert_eq!(untold.count(), 4);
    }
}
