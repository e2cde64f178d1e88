//! A defect of the doctor itself must cost one diagnosis or one request, never the process.
//!
//! The words here are constant: what a panic says may hold text of the request. Where it happened is in the log.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::own;
use crate::event::{Failure, Side};
use crate::message::{Reply, Status};

const CODE: &str = "header_doctor_panic";
const WHAT: &str = "the doctor itself failed; its log says where";

/// The doctor's code panicked, and what it was about to do is lost.
#[derive(Debug)]
pub(super) struct Panicked;

/// Does what may panic. Whatever it was changing is to be used no more, or must be good at every step.
pub(super) fn isolate(risky: impl FnOnce()) -> Result<(), Panicked> {
    catch_unwind(AssertUnwindSafe(risky)).map_err(|_| Panicked)
}

/// What an event says of it.
pub(super) const fn failure() -> Failure {
    Failure { who: Side::Doctor, code: CODE, what: Cow::Borrowed(WHAT) }
}

/// What the client is told, when it has been told nothing yet.
pub(super) fn reply() -> Reply<'static> {
    own::error(Status::INTERNAL_ERROR, CODE, WHAT)
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;
    use std::sync::Arc;
    use std::task::{Context, Poll, Waker};

    use super::{CODE, isolate};
    use crate::diagnosis::{Finding, Rule};
    use crate::event::{Event, Events, ExchangeIds, Failure, Side, Tally, bus, now};
    use crate::evidence::{Symptom, Trail};
    use crate::exchange::record::{Record, Shared};
    use crate::exchange::{Keeps, Recorder, SecondOpinion, Shows};
    use crate::headers::{Peer, Scheme, Trusted};
    use crate::message::{Body, Fields, Fill, Reply, ReplyHead, RequestHead, Source, Status};
    use crate::secret::Key;

    struct Defective;

    impl Rule for Defective {
        fn id(&self) -> &'static str {
            "defective"
        }

        fn text(&self) -> &'static str {
            ""
        }

        fn judge(&self, _: &Trail, _: &Symptom) -> Option<Finding> {
            panic!("on purpose")
        }
    }

    fn record() -> (Record, Events) {
        let (bus, events) = bus(8);
        let recorder = Recorder {
            key: Key::from_bytes(&[3; 32]),
            client_key: Key::from_bytes(&[4; 32]),
            ids: ExchangeIds::random().unwrap(),
            hop: "doctor".into(),
            rules: &[&Defective],
            site_codes: Arc::default(),
            bus,
            tally: Arc::new(Tally::new(now())),
            history: Arc::default(),
            began: std::time::Instant::now(),
            second_opinion: SecondOpinion::Ask,
            keeps: Keeps::Sick,
            least: None,
            shows: Shows::Nothing,
            php_errors: crate::event::complaint,
            signing: None,
        };
        let head = RequestHead::build("GET", "/wp-json/", Fields::from([("Host", "a")]));
        let peer = Peer::new("127.0.0.1".parse().unwrap(), &Trusted::default(), Scheme::Http);
        (Rc::new(recorder).open(peer, head, Rc::new(Shared::default())), events)
    }

    fn told(event: &Event) -> (Option<u16>, Option<(Side, &'static str)>) {
        let failure = event.failure.as_ref();
        (event.status.map(Status::code), failure.map(|Failure { who, code, .. }| (*who, *code)))
    }

    #[test]
    fn a_client_is_known_again_whatever_key_is_shared() {
        let (record, events) = record();
        drop(record);
        let known = Key::from_bytes(&[4; 32]).fingerprint(b"127.0.0.1");
        assert_eq!(events.wait().unwrap().whose, Some(known));
    }

    #[test]
    fn a_rule_that_panics_costs_its_diagnosis_and_not_the_reply() {
        let (record, events) = record();
        let head = ReplyHead::build(Status::new(401).unwrap(), Fields::new());
        let mut reply = record.answered(Reply { head, body: Body::full(b"refused".to_vec()), close: false });
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(reply.body.poll_fill(&mut context), Poll::Ready(Ok(Fill::Data)));
        assert_eq!(reply.body.data(), b"refused");
        reply.body.consume(7);
        assert_eq!(reply.body.poll_fill(&mut context), Poll::Ready(Ok(Fill::End)));
        assert_eq!(told(&events.wait().unwrap()), (Some(401), Some((Side::Doctor, CODE))));
        drop(reply);
        assert!(events.at_hand().is_err(), "one exchange is one event");
    }

    #[test]
    fn a_panic_before_the_reply_is_told_as_the_doctors_own() {
        let (record, events) = record();
        let panicked = isolate(move || {
            let _record = record;
            panic!("on purpose")
        });
        assert!(panicked.is_err());
        let event = events.wait().unwrap();
        assert_eq!(told(&event), (Some(500), Some((Side::Doctor, CODE))));
        assert!(!event.client_gone);
    }
}
