//! What the policy of its site does to an exchange: on the way there and on the way back.
//!
//! Each step asks one pure module what to do and does it. Where the site only observes, nothing is changed but what ends
//! at this hop by the protocol.

use super::memory::{Kind, proves_acceptance};
use super::record::Record;
use crate::browser::{Ask, Blocked, Origin, withheld};
use crate::evidence::{Denied, Route, Watched, is_for_a_known_user, look};
use crate::headers::authorization::{self, BadCredentials};
use crate::headers::cors::{Decision, Denial};
use crate::headers::hop_by_hop;
use crate::message::{Method, Name, Reply, ReplyHead, Status};

impl Record {
    /// The answer to a preflight, where the policy for pages of other origins holds. It is never sent on.
    pub(super) fn preflight(&mut self) -> Option<Decision> {
        if self.head.method != Method::Options {
            return None;
        }
        self.note_promise();
        self.site.as_ref()?.cors(&self.head)?.preflight(&self.head)
    }

    /// Answers a preflight as it was decided.
    pub(super) fn decided(mut self, decision: Decision) -> Reply<'static> {
        let Decision::Refused(denial) = &decision else {
            return self.granted(decision.reply());
        };
        self.treatment.denied = Some(denied(denial));
        let reason = denial.message();
        self.replied(decision.reply(), Denial::CODE, reason)
    }

    /// Refuses credentials that cannot be forwarded in one meaning, removes what ends at this hop and looks again at
    /// what is sent on. A request of HTTP/1.0 may name no host; in HTTP/1.1 it must (RFC 9112 §3.2).
    ///
    /// # Errors
    /// The credentials cannot be forwarded.
    pub(super) fn treat(&mut self) -> Result<(), BadCredentials> {
        let Some(site) = self.site.clone() else { return Ok(()) };
        if site.treats() {
            authorization::check(&self.head.fields)?;
        }
        self.treatment.nominated = hop_by_hop::remove(&mut self.head.fields);
        if !self.head.fields.has(Name::Host) {
            self.head.fields.set(Name::Host, site.authority());
        }
        self.sent = look(&self.head.fields);
        Ok(())
    }

    /// Makes a reply say to pages of other origins what the policy says, whoever made it.
    pub(super) fn dress(&self, reply: &mut ReplyHead) {
        let Some(policy) = self.site.as_ref().and_then(|site| site.cors(&self.head)) else { return };
        policy.dress(Origin::of(&self.head.fields).ok().as_ref(), &mut reply.fields);
    }

    /// Why the browser that asked keeps this reply from its page, if it does.
    pub(super) fn blocked(&self, reply: &ReplyHead) -> Option<Box<Blocked>> {
        if !self.arrived.has(Watched::Origin) {
            return None;
        }
        withheld(&self.head, reply)
    }

    /// Whether something about the request is worth telling whatever the reply is.
    pub(super) fn is_noteworthy(&self) -> bool {
        !self.treatment.nominated.is_empty() || self.treatment.disbelieved.is_some()
    }

    /// Notes that the upstream took the credential, once in a while: a path that lets one through loses none.
    pub(super) fn note_acceptance(&self, reply: &ReplyHead) {
        let Some(site) = self.site.as_ref().filter(|_| reply.status == Status::OK) else { return };
        let Some(value) = self.sent.value(Watched::Authorization, &self.head.fields) else { return };
        let Some(kind) = Kind::of_value(value).filter(|kind| site.acceptances().is_due(*kind, self.started))
        else {
            return;
        };
        let route = Route::of(&self.head);
        if proves_acceptance(route.class) || is_for_a_known_user(&reply.fields) {
            site.acceptances().note(kind, route.form, self.started);
        }
    }

    /// Remembers that a page is about to send `Authorization`.
    fn note_promise(&self) {
        let Some(ask) = Ask::of_preflight(&self.head) else { return };
        let announces = ask.headers.iter().any(|name| name.as_str() == "authorization");
        if let Some(origin) = self.head.fields.only(Name::Origin).filter(|_| announces) {
            self.promises.note(self.client.address.ip(), origin, self.head.target(), self.started);
        }
    }
}

fn denied(denial: &Denial) -> Denied {
    let missing = match denial {
        Denial::Origin(origin) => origin.as_ref().map(|origin| origin.as_str().to_owned()),
        Denial::Method { method, .. } => method.as_ref().map(|method| method.as_str().to_owned()),
        Denial::Headers { names, .. } => {
            let names: Vec<_> = names.iter().map(|name| name.as_str()).collect();
            (!names.is_empty()).then(|| names.join(", "))
        }
    };
    Denied { message: denial.message(), setting: denial.setting(), missing }
}
