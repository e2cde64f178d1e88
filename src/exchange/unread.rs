//! A trail that is read only when something is to be told.
//!
//! Nearly all requests come through whole and are answered well. Of those no doctor says anything, so it is enough that their
//! trail looks so; to believe it would cost more than all else that is done for it. Where something is to be told after
//! all, the trail is read then, as it came: the text of a head is only ever appended to. What a credential that did come
//! looks like is not even compared: where the reply is good, a change of it is a note, and one request a second is read anyway.

use super::notes::Signed;
use super::signing::Signing;
use crate::evidence::signed::{Claim, claim, claimed_exchange};
use crate::evidence::{ExchangeId, Look, Watched, came_whole};
use crate::headers::{Peer, forwarded};
use crate::message::{Fields, Name, RequestHead, Span};

/// Where it lies, with what it may have been signed for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unread {
    line: Span,
    forwarded_host: Option<Span>,
    /// Whether the request carries `Authorization`.
    pub(super) has_credential: bool,
}

impl Unread {
    /// The trail of a request that came through whole by its own word, and the exchange that it names. Nobody's exchange is named to
    /// the upstream (`X-Request-Id`) or logged before it is believed.
    pub(super) fn of(
        signing: &Signing,
        head: &RequestHead,
        look: &Look,
        peer: &Peer,
    ) -> Option<(Self, ExchangeId)> {
        if !signing.ends_here || !look.has_notes() || !forwarded::keeps_request_id(&head.fields, peer) {
            return None;
        }
        let line = span(&head.fields, Name::HeaderDoctorTrail)?;
        let (key, text) = (signing.keys.signing(), head.fields.text(line));
        let has_credential = look.count(Watched::Authorization) == 1 && look.has(Watched::Authorization);
        // One that is there is judged later just as well: from where it stands now.
        let exchange = if has_credential {
            claimed_exchange(text, key.id())?
        } else {
            let Claim { exchange, seen } = claim(text, key.id())?;
            came_whole(&seen, look, &head.fields, key.fingerprints()).then_some(exchange)?
        };
        let forwarded_host = span(&head.fields, Name::XForwardedHost);
        Some((Self { line, forwarded_host, has_credential }, exchange))
    }

    /// What there is to be believed, from the head as it is by now. Where the request came from is trusted.
    pub(super) fn signed<'f>(&self, fields: &'f Fields, look: &Look) -> Signed<'f> {
        let host = look.value(Watched::Host, fields).filter(|_| look.count(Watched::Host) == 1);
        let forwarded = self.forwarded_host.and_then(|span| forwarded::first_of_list(fields.text(span)));
        Signed { lines: vec![fields.text(self.line)], authorities: [host, forwarded] }
    }
}

/// Where the value of the only field with this name lies.
fn span(fields: &Fields, id: Name) -> Option<Span> {
    let mut entries = fields.entries().filter(|entry| entry.id == id);
    let only = entries.next()?;
    entries.next().is_none().then_some(only.value)
}
