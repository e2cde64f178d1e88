//! An expired token that its client renews at once is how tokens with a short life are meant to be used, and no finding.
//!
//! So on hosts where tokens are renewed, an exchange whose only fault is an expired token waits for a while, and is
//! forgotten when the same client's renewal succeeds meanwhile. Where nobody ever renewed a token nothing waits:
//! whoever debugs with curl reads the verdict at once. Time is a parameter.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::event::Event;

/// How long a client may take to renew its token.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many exchanges wait at a time; the oldest is written when another one comes.
const MOST: usize = 1024;

/// The rules whose findings a renewal explains away.
const EXPLAINED: [&str; 2] = ["token-expired", "stale-token-on-public-route"];

/// The hosts where tokens are renewed, and the exchanges that wait.
#[derive(Debug, Default)]
pub(super) struct Renewals {
    hosts: HashSet<String>,
    waiting: VecDeque<(Instant, Arc<Event>)>,
}

impl Renewals {
    /// Takes an event; gives back what is to be written now.
    pub(super) fn pass(&mut self, event: Arc<Event>, now: Instant) -> Option<Arc<Event>> {
        if event.is_renewal {
            self.renewed(&event);
            let is_told = !event.findings.is_empty() || event.failure.is_some();
            return is_told.then_some(event);
        }
        if !is_explained(&event) || !self.hosts.contains(host(&event)) {
            return Some(event);
        }
        self.waiting.push_back((now + PATIENCE, event));
        if self.waiting.len() > MOST { self.waiting.pop_front().map(|(_, event)| event) } else { None }
    }

    /// The exchanges that have waited long enough.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Arc<Event>> {
        let count = self.waiting.iter().take_while(|(until, _)| *until <= now).count();
        self.waiting.drain(..count).map(|(_, event)| event).collect()
    }

    /// All that wait, at the end.
    pub(super) fn rest(&mut self) -> Vec<Arc<Event>> {
        self.waiting.drain(..).map(|(_, event)| event).collect()
    }

    /// When the first has waited long enough.
    pub(super) fn next(&self) -> Option<Instant> {
        self.waiting.front().map(|(until, _)| *until)
    }

    fn renewed(&mut self, renewal: &Event) {
        if self.hosts.len() < MOST {
            self.hosts.insert(host(renewal).to_owned());
        }
        let is_same = |event: &Event| event.whose.is_some() && event.whose == renewal.whose;
        self.waiting.retain(|(_, event)| !(is_same(event) && host(event) == host(renewal)));
    }
}

fn is_explained(event: &Event) -> bool {
    let mut rules = event.findings.iter().map(|scoped| scoped.finding.rule);
    rules.clone().any(|rule| rule == "token-expired")
        && rules.all(|rule| EXPLAINED.contains(&rule))
        && event.failure.is_none()
}

fn host(event: &Event) -> &str {
    event.host.as_ref().map(|host| host.as_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use super::{Event, Renewals};
    use crate::diagnosis::{Finding, Proof, rule};
    use crate::event::{ExchangeId, Redacted, Scoped, Tally};
    use crate::moment::Moment;
    use crate::secret::Key;

    fn event(client: &str, found: &str) -> Arc<Event> {
        let mut event = Event::unread(ExchangeId::new(1), Moment::default(), "doctor".into());
        event.host = Some(Redacted::host(b"a.test"));
        event.whose = Some(Key::from_bytes(&[1; 32]).fingerprint(client.as_bytes()));
        let finding = rule(found).map(|rule| Finding::of(rule, Proof::Proved, "any", "").unwrap());
        let scoped = |finding: Finding| Scoped {
            scope: Tally::new(Moment::default()).find(finding.rule, true),
            finding,
        };
        event.findings.extend(finding.map(scoped));
        Arc::new(event)
    }

    fn renewal(client: &str) -> Arc<Event> {
        Arc::new(Event { is_renewal: true, ..Event::clone(&event(client, "")) })
    }

    #[test]
    fn an_expired_token_that_is_renewed_in_time_is_forgotten() {
        let (mut renewals, now) = (Renewals::default(), Instant::now());
        assert!(renewals.pass(event("a", "token-expired"), now).is_some(), "nobody renews here yet");
        assert!(renewals.pass(renewal("a"), now).is_none(), "a healthy renewal is not written");
        for client in ["a", "b"] {
            assert!(renewals.pass(event(client, "token-expired"), now).is_none());
        }
        assert!(renewals.pass(renewal("a"), now).is_none());
        let later = now + Duration::from_secs(30);
        assert_eq!(renewals.next(), Some(later));
        assert!(renewals.due(later - Duration::from_millis(1)).is_empty());
        let due = renewals.due(later);
        assert_eq!(due.len(), 1);
        assert_eq!(due[0].whose, event("b", "").whose);
        assert!(renewals.rest().is_empty());
    }

    #[test]
    fn what_a_renewal_does_not_explain_waits_for_nobody() {
        let (mut renewals, now) = (Renewals::default(), Instant::now());
        renewals.pass(renewal("a"), now);
        assert!(renewals.pass(event("a", "token-issuer-mismatch"), now).is_some());
        assert!(renewals.pass(event("a", ""), now).is_some());
        assert!(renewals.pass(event("a", "token-expired"), now).is_none());
        assert_eq!(renewals.rest().len(), 1);
    }
}
