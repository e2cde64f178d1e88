//! Asks PHP what arrives there of a request, and takes its answer off the reply.
//!
//! PHP is asked where a plugin was put there to answer, by the doctor that was told so: the one nearest to it. An answer keeps its
//! reply out of caches, so nothing is asked with requests that a cache might have answered.

use super::notes::Notes;
use super::site::Told;
use crate::evidence::php_hop;
use crate::evidence::signed::{Bound, Direction, Member};
use crate::evidence::{Arrived, ExchangeId, HopName, Instance, Look, Watched};
use crate::message::{Method, Name, ReplyHead, RequestHead, Status};
use crate::moment::Moment;

impl Notes {
    /// Asks PHP what arrives there of this request, where it was told so and no cache would have answered: an answer keeps its
    /// reply out of caches. `at` tells the time.
    pub(super) fn ask_php(
        &mut self,
        head: &mut RequestHead,
        sent: &Look,
        told: &Told,
        exchange: ExchangeId,
        at: impl FnOnce() -> Moment,
    ) {
        if !self.signing.asks_php || !is_private(head, sent) {
            return;
        }
        let at = at();
        let bound = Bound::new(Direction::There, head.method, head.method_text(), told.sealed(head));
        let question = php_hop::question(self.signing.keys.signing(), exchange, at, &bound);
        let value = head.fields.store(&question);
        head.fields.push(Name::HeaderDoctorAsk, value);
        self.asked = Some((exchange, at));
    }

    /// What PHP answered, compared with what was sent.
    pub(super) fn hear_php(
        &self,
        reply: &ReplyHead,
        head: &RequestHead,
        sent: &Look,
        told: &Told,
        came: Moment,
    ) -> Option<Box<Arrived>> {
        let (exchange, asked) = self.asked?;
        let bound = Bound::new(Direction::Back, head.method, head.method_text(), told.sealed(head));
        let lines = reply.fields.all(Name::HeaderDoctorAnswer);
        let saw = php_hop::answered(lines, &self.signing.keys, exchange, &bound)?;
        let key = self.signing.keys.signing();
        let seen = self.sent_on(head, sent, told);
        Some(Box::new(Arrived::judge(saw, sent, &head.fields, &seen, key).between(asked, came)))
    }

    /// What PHP answered.
    pub(super) fn php(&self) -> Option<&Arrived> {
        self.php.as_deref()
    }

    /// What PHP saw, as a doctor there would report it: of an error, and where something was changed.
    pub(super) fn php_as_member(&self, status: Status) -> Option<Member> {
        let php = self.php.as_deref().filter(|php| status.is_error() || !php.changes.is_empty())?;
        let (seen, changes) = (Some(php.seen), php.changes.clone());
        let key = self.signing.keys.signing().id().clone();
        Some(Member { hop: HopName::php(), instance: Instance::default(), key, seen, changes })
    }
}

/// Whether no cache answers such a request: it carries a credential, or asks for something to be done.
fn is_private(head: &RequestHead, sent: &Look) -> bool {
    let does = !matches!(head.method, Method::Get | Method::Head | Method::Options);
    does || sent.has(Watched::Authorization) || sent.has(Watched::WpNonce)
}
