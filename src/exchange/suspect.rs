//! Whether an exchange is worth a second look: the few comparisons that every reply costs, sick or not.

use super::diagnose::Seen;
use super::record::{Keeps, Record};
use crate::evidence::{Led, LoginPage, Route, RouteClass, Watched, is_led_past_rest, is_replayed};
use crate::message::{Method, ReplyHead};

impl Record {
    /// Whether the reply may have to be kept as it came, before the policy changes it. 304 tells nothing new.
    pub(super) fn may_be_sick(&self, reply: &ReplyHead) -> bool {
        let status = reply.status.code();
        (status >= 300 && status != 304)
            || self.arrived.has(Watched::Origin)
            || self.is_noteworthy
            || self.may_be_replayed(reply)
    }

    /// Whether a reply needs a diagnosis. What is no error may still be one to a browser, or lead astray.
    pub(super) fn is_suspect(&self, reply: &ReplyHead, seen: &Seen) -> bool {
        let leads_astray = seen.led.is_some_and(|led| led.away || led.back || self.loses_post(reply, led));
        reply.status.is_error()
            || leads_astray
            || seen.blocked.is_some()
            || self.is_noteworthy
            || LoginPage::of(reply).is_some()
            || self.is_led_past(reply)
            || self.may_be_replayed(reply)
    }

    /// Whether a redirect makes a GET of a POST to a REST route, at the same path.
    fn loses_post(&self, reply: &ReplyHead, led: Led) -> bool {
        led.same_path
            && self.head.method == Method::Post
            && matches!(reply.status.code(), 301 | 302)
            && Route::of(&self.head).class != RouteClass::NotRest
    }

    /// Whether WordPress led past its REST API somebody who means it, and no scanner, which asks every site.
    fn is_led_past(&self, reply: &ReplyHead) -> bool {
        let is_meant = self.sent.has(Watched::Authorization) || self.head.method == Method::Post;
        is_meant && is_led_past_rest(&self.head, reply)
    }

    /// Whether a cache answered a credential with what it should not have kept. Without `Authorization` nothing is looked at; with it the
    /// lengths of the reply's names are, and no more where no cache says that it answered.
    fn may_be_replayed(&self, reply: &ReplyHead) -> bool {
        let is_of_a_user = || memchr::memmem::find(self.head.target(), b"users/me").is_some();
        (self.sent.has(Watched::Authorization) || is_of_a_user()) && is_replayed(&self.head, reply)
    }

    /// Whether there is something to tell, or to remember, whatever the reply is.
    pub(super) fn is_odd(&self) -> bool {
        let is_retried = !self.route().borrow().failed.is_empty();
        let is_kept = self.recorder.keeps == Keeps::All;
        is_kept || is_retried || self.is_renewal || self.handed_out.is_some() || self.has_complained()
    }
}
