//! What the policy of its site does to an exchange: on the way there and on the way back.
//!
//! Each step asks one pure module what to do and does it. Where the site only observes, nothing is changed but what ends
//! at this hop by the protocol.

use std::net::IpAddr;
use std::sync::Arc;

use super::memory::{Kind, proves_acceptance};
use super::notes::{self, Now};
use super::record::Record;
use super::site::Told;
use crate::browser::{Ask, Blocked, Origin, withheld};
use crate::event::{Preflight, now};
use crate::evidence::{Arrived, Company, Denied, Led, Route, RouteClass, Watched, is_for_a_known_user, look};
use crate::headers::authorization::{BadCredentials, Recovery};
use crate::headers::cors::{Decision, Denial};
use crate::headers::redirects::{self, Asked, Redirect};
use crate::headers::upgrade::Protocols;
use crate::headers::{forwarded, hop_by_hop};
use crate::message::{Method, Name, Reply, ReplyHead, Status};
use crate::upstream::Caller;

impl Record {
    /// The answer to a preflight, where the policy for pages of other origins holds. It is never sent on.
    pub(super) fn preflight(&mut self) -> Option<Decision> {
        if self.head.method != Method::Options {
            return None;
        }
        self.note_promise();
        let policy = self.site.as_ref().and_then(|site| site.cors(&self.head));
        let decision = policy.and_then(|policy| policy.preflight(&self.head));
        self.count_preflight(match &decision {
            Some(Decision::Refused(_)) => Preflight::Refused,
            Some(_) => Preflight::Answered,
            None => Preflight::Passed,
        });
        decision
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

    /// Removes what ends at this hop, but for a switch of protocols that may be asked for; then, unless the site only observes, does to `Authorization` what the policy says
    /// and says to WordPress what is known of the client. A request of HTTP/1.0 may name no host; in HTTP/1.1 it must
    /// (RFC 9112 §3.2).
    ///
    /// # Errors
    /// The credentials cannot be forwarded.
    pub(super) fn treat(&mut self) -> Result<(), BadCredentials> {
        let Some(site) = self.site.clone() else { return Ok(()) };
        let upgrades = Protocols::asked(&self.head);
        let fields = &mut self.head.fields;
        self.treatment.nominated = hop_by_hop::remove(fields);
        if let Some(upgrades) = upgrades {
            upgrades.say(fields);
        }
        self.is_noteworthy |= self.treatment.nominated.contains(&Name::Authorization);
        if !fields.has(Name::Host) {
            fields.set(Name::Host, site.authority());
        }
        if site.treats() {
            let recovery = site.authorization().apply(fields, &self.peer)?;
            if let Recovery::From(name) = recovery {
                self.treatment.recovered_from = Some(name.as_str().into());
            }
            let id = self.id.digits();
            let id = std::str::from_utf8(&id).unwrap_or_default();
            let report = forwarded::apply(fields, &self.peer, self.head.version, site.via(), id);
            if report.claimed_https {
                self.is_disbelieved = true;
                self.is_noteworthy |= self.shared.strangers.is_new(self.peer.address());
            }
        }
        self.sent = look(&self.head.fields);
        if let Some(notes) = &mut self.notes {
            notes.hand_on(&mut self.head, &self.arrived, &self.sent, site.told(), self.id, now);
            notes.ask_php(&mut self.head, &self.sent, site.told(), self.id, now);
        }
        Ok(())
    }

    /// The host that the upstream is told.
    fn told(&self) -> &Told {
        self.site.as_ref().map_or(&Told::Asked, |site| site.told())
    }

    /// What the doctors of the path know together.
    pub(super) fn company(&self) -> Option<Company> {
        self.notes.as_ref().map(|notes| notes.company(&self.head, &self.sent, self.told()))
    }

    /// What PHP saw of the request, where it was asked and answered.
    pub(super) fn seen_by_php(&self) -> Option<Box<Arrived>> {
        self.notes.as_ref().and_then(|notes| notes.php()).cloned().map(Box::new)
    }

    /// Who asks, as PHP is told where it is asked directly.
    pub(super) fn caller(&self) -> Caller {
        Caller { address: self.client, scheme: forwarded::scheme(&self.head.fields, &self.peer) }
    }

    /// Takes what the doctors behind report off the reply. Nobody else may say such a thing to a client.
    pub(super) fn come_back(&mut self, reply: &mut ReplyHead) {
        let Some(notes) = &mut self.notes else {
            notes::strip(&mut reply.fields);
            return;
        };
        let told = self.site.as_ref().map_or(&Told::Asked, |site| site.told());
        notes.come_back(reply, &self.head, &self.sent, told, self.id, now);
        notes.count_failure(&self.recorder.tally);
        let signing = self.recorder.signing.as_ref().filter(|_| notes.prove_a_stripped_origin());
        if let Some(signing) = signing {
            signing.stripped.note(self.started);
        }
        self.is_noteworthy |= notes.are_noteworthy(&self.shared.neighbours, self.started);
    }

    /// Reports to the doctor in front.
    pub(super) fn report(&mut self, reply: &mut ReplyHead) {
        let is_chosen = self.is_chosen_for_report(reply.status);
        if is_chosen || reply.status.is_error() {
            self.settle();
        }
        if let Some(notes) = &self.notes {
            let neighbours = &self.shared.neighbours;
            let is_time = |is_changed| is_chosen || neighbours.may_report(is_changed, self.started);
            let is_restored = self.treatment.recovered_from.is_some();
            notes.report(reply, &self.head, is_restored, is_time, now);
        }
    }

    /// Whether a trail is to be read for nothing but a report that all is well.
    fn is_chosen_for_report(&self, status: Status) -> bool {
        let unread = self.notes.as_ref().and_then(|notes| notes.unread());
        unread.is_some_and(|unread| unread.has_credential)
            && notes::has_place(status)
            && self.shared.neighbours.may_report(false, self.started)
    }

    /// Reads the trail of the request, where that was put off: something is to be told. From here on both doctors call the
    /// exchange by one name.
    pub(super) fn settle(&mut self) {
        let Some(notes) = self.notes.as_mut().filter(|notes| notes.unread().is_some()) else { return };
        let at = || now().before(self.started.elapsed());
        let now = Now { shared: &self.shared, at: &at, started: self.started, may_wait: false };
        notes.settle(&self.head, &self.arrived, &now);
        notes.count_failure(&self.recorder.tally);
        self.is_noteworthy |= notes.are_noteworthy(&self.shared.neighbours, self.started);
        self.id = notes.exchange().unwrap_or(self.id);
    }

    /// The peer whose word was not believed, as much of it as may be shown. One on a private network names no person.
    pub(super) fn disbelieved(&self) -> Option<Arc<str>> {
        if !self.is_disbelieved {
            return None;
        }
        let address = self.peer.address();
        if is_private(address) {
            return Some(address.to_string().into());
        }
        Some(self.recorder.shown(address).unwrap_or_else(|| "a public address".to_owned()).into())
    }

    /// Where a redirect leads. Where the policy says so, one that only names the site otherwise stays here.
    pub(super) fn redirect(&self, reply: &mut ReplyHead) -> Option<Led> {
        if !matches!(reply.status.code(), 300..=399) {
            return None;
        }
        let site = self.site.as_ref()?;
        let scheme = forwarded::scheme(&self.head.fields, &self.peer);
        let asked = Asked::new(&self.head, scheme)?;
        let led = Redirect::read(reply, &self.asked_by_client(asked))?.led();
        let rewritten = site.rewrites() && redirects::rewrite(reply, &asked, site.own());
        Some(Led { rewritten, ..led })
    }

    /// What the client asked for, where a trusted proxy says that it asked for another host than `Host` names.
    fn asked_by_client<'h>(&'h self, asked: Asked<'h>) -> Asked<'h> {
        let said = self.head.fields.only(Name::XForwardedHost).filter(|_| self.peer.is_trusted());
        said.and_then(forwarded::first_of_list).map_or(asked, |host| asked.of_client(host))
    }

    /// Makes a reply say to pages of other origins what the policy says, whoever made it. What they may say
    /// over a WebSocket its server decides by `Origin` alone (RFC 6455 §10.2).
    pub(super) fn dress(&mut self, reply: &mut ReplyHead) {
        if reply.status == Status::SWITCHING_PROTOCOLS {
            return;
        }
        let Some(policy) = self.site.as_ref().and_then(|site| site.cors_on(&self.head, reply)) else {
            return;
        };
        policy.dress(Origin::of(&self.head.fields).ok().as_ref(), &mut reply.fields);
        self.treatment.undressed = !reply.fields.has(Name::AccessControlAllowOrigin);
    }

    /// Why the browser that asked keeps this reply from its page, if it does. A page can send `Upgrade` only by opening a
    /// WebSocket, which no CORS check is made for.
    pub(super) fn blocked(&self, reply: &ReplyHead) -> Option<Box<Blocked>> {
        if !self.arrived.has(Watched::Origin) || self.head.fields.has(Name::Upgrade) {
            return None;
        }
        withheld(&self.head, reply)
    }

    /// Notes that the upstream took the credential, once in a while: a path that lets one through loses none.
    pub(super) fn note_acceptance(&self, reply: &ReplyHead) {
        let Some(site) = self.site.as_ref().filter(|_| reply.status == Status::OK) else { return };
        // A login cookie, or a cache, may have earned it.
        if self.sent.has(Watched::Cookie) || self.may_be_cached(reply) {
            return;
        }
        let Some(value) = self.sent.value(Watched::Authorization, &self.head.fields) else { return };
        let Some(kind) = Kind::of_value(value).filter(|kind| site.acceptances().is_due(*kind, self.started))
        else {
            return;
        };
        let route = Route::of(&self.head);
        if proves_acceptance(route.class) || is_for_a_known_user(&reply.fields) {
            site.acceptances().note(kind, route.form, self.started);
            self.note_taken(reply);
        }
    }

    /// Whether a cache may have answered: caches say their age also of what they just fetched, and a doctor behind knows better.
    fn may_be_cached(&self, reply: &ReplyHead) -> bool {
        let is_answer = self.notes.as_ref().and_then(|notes| notes.is_answer());
        is_answer.map_or_else(
            || reply.fields.has(Name::Age) || reply.fields.has(Name::XCache),
            |is_answer| !is_answer,
        )
    }

    /// Whether a token was renewed.
    pub(super) fn renews(&self, reply: &ReplyHead) -> bool {
        let may_be = || memchr::memmem::find(self.head.target(), b"refresh").is_some();
        self.head.method == Method::Post
            && reply.status.is_success()
            && may_be()
            && Route::of(&self.head).class == RouteClass::Refresh
    }

    /// Remembers that a page is about to send `Authorization`.
    fn note_promise(&self) {
        let Some(ask) = Ask::of_preflight(&self.head) else { return };
        let announces = ask.headers.iter().any(|name| name.as_str() == "authorization");
        if let Some(origin) = self.head.fields.only(Name::Origin).filter(|_| announces) {
            self.shared.promises.note(self.client, origin, self.head.target(), self.started);
        }
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_private() || address.is_loopback() || address.is_link_local(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
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
