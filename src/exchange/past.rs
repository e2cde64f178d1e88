//! What is handed to the historian, and what it tells.
//!
//! Sick exchanges and those of token routes come here, and of the healthy others one now and then whose credential was
//! taken. A request's body is overheard where a token is refreshed, and nowhere else.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::memory::Kind;
use super::record::{Record, Recorder};
use super::watch::watch;
use crate::browser::Origin;
use crate::event::{Whence, now};
use crate::evidence::{
    Credential, Issue, Offset, PhpTold, READ, Route, RouteClass, Symptom, Token, Trail, Watched,
};
use crate::evidence::{finds_good, folder, refresh_token, user};
use crate::history::{Deed, Refusal, Scene};
use crate::message::{Body, Method, Name, ReplyHead, host_of};
use crate::moment::Moment;

/// The body of a request for a refresh, once it has passed.
pub(super) type Heard = Rc<RefCell<Vec<u8>>>;

impl Recorder {
    /// What time it is in the memory of exchanges, which must not go by a clock that may be put back.
    pub(super) fn at(&self) -> Moment {
        Moment::default().after(self.began.elapsed())
    }
}

impl Record {
    /// Lets the body of a request for a refresh be read as it passes: the refresh token tells which token is renewed.
    pub(super) fn overhear<'c>(&mut self, body: Body<'c>) -> Body<'c> {
        let may_be = || self.recorder.judges() && self.may_be_of_tokens(b"refresh");
        if body.is_empty() || !may_be() || self.class() != RouteClass::Refresh {
            return body;
        }
        let heard = Heard::default();
        self.heard = Some(Rc::clone(&heard));
        watch(body, READ, move |copy: &[u8], _| heard.borrow_mut().extend_from_slice(copy))
    }

    /// Whether a good reply hands out a token, or says that one is good.
    pub(super) fn is_about_tokens(&self, reply: &ReplyHead) -> bool {
        let may_be = || self.may_be_of_tokens(b"token") || self.may_be_of_tokens(b"auth");
        reply.status.is_success()
            && may_be()
            && matches!(self.class(), RouteClass::Token | RouteClass::Refresh | RouteClass::Validate)
    }

    fn may_be_of_tokens(&self, word: &[u8]) -> bool {
        self.head.method == Method::Post && memchr::memmem::find(self.head.target(), word).is_some()
    }

    fn class(&self) -> RouteClass {
        Route::of(&self.head).class
    }

    /// Remembers what a good reply of a token route says.
    pub(super) fn note_token(&self, reply: &ReplyHead, copy: &[u8]) {
        self.recorder.tally.meet(&self.whence());
        let (at, key) = (now(), &self.recorder.client_key);
        let Some(mut scene) = self.scene(date_of(reply, at)) else { return };
        if scene.class == RouteClass::Validate {
            let taken = finds_good(reply, copy).then_some(Deed::Taken);
            return taken.into_iter().for_each(|taken| self.recorder.history.note(&scene, taken));
        }
        let Some(issue) = Issue::read(reply, copy, at, key) else { return };
        scene.user = issue.user;
        self.recorder.history.note(&scene, Deed::Issued(issue));
    }

    /// Remembers that a token was taken by another route. What those of tokens make of one stands in their bodies.
    pub(super) fn note_taken(&self, reply: &ReplyHead) {
        self.recorder.tally.meet(&self.whence());
        let is_other = |scene: &Scene| {
            !matches!(scene.class, RouteClass::Token | RouteClass::Refresh | RouteClass::Validate)
        };
        let scene = self.scene(date_of(reply, now())).filter(is_other);
        if let Some(scene) = scene.filter(|scene| scene.token.is_some()) {
            self.recorder.history.note(&scene, Deed::Taken);
        }
    }

    /// Where the exchange came from and went to, as far as it may be shown.
    pub(super) fn whence(&self) -> Whence {
        let has_several = self.site.as_ref().is_some_and(|site| site.upstreams().has_several());
        Whence {
            upstream: self.route().borrow().to.clone().filter(|_| has_several),
            origin: Origin::of(&self.head.fields).ok().map(|origin| origin.as_str().into()),
            client: self.recorder.shown(self.client).map(Into::into),
        }
    }

    /// Asks what happened before.
    pub(super) fn recall(&self, trail: &mut Trail, symptom: &Symptom) -> Option<Scene> {
        let scene = self.scene(symptom.offset)?;
        *trail.past = self.recorder.history.recall(&scene);
        Some(scene)
    }

    /// Remembers why a request was refused.
    pub(super) fn note_refusal(&self, scene: &Scene, trail: &Trail, symptom: &Symptom) {
        let Some(refusal) = Refusal::of(trail, symptom) else { return };
        self.recorder.history.note(scene, Deed::Refused(refusal));
        // Whether another machine takes the very same token shows in what comes next, or not at all.
        if let Some(site) =
            self.site.as_ref().filter(|_| matches!(refusal, Refusal::Signature | Refusal::Token))
        {
            site.acceptances().look_again(Kind::Bearer);
        }
    }

    /// Nothing where no upstream was asked.
    fn scene(&self, offset: Option<Offset>) -> Option<Scene> {
        let site = self.site.as_ref()?.upstream_name();
        let route = self.route().borrow();
        if route.is_own {
            return None;
        }
        let Route { class, form } = Route::of(&self.head);
        let (fields, key) = (&self.head.fields, &self.recorder.client_key);
        let token = self.sent.value(Watched::Authorization, fields).and_then(token);
        let heard = self.heard.as_ref().map(|heard| heard.borrow());
        let refresh = (class == RouteClass::Refresh)
            .then(|| refresh_token(fields, heard.as_deref().map_or(&[][..], Vec::as_slice), key));
        let program = fields.first(Name::UserAgent).unwrap_or_default();
        let host = host_of(fields.first(Name::Host).unwrap_or_default()).to_ascii_lowercase();
        let client = [self.client.to_string().as_bytes(), b" ", &host, b" ", program].concat();
        let at = self.recorder.at();
        Some(Scene {
            began: at.before(self.started.elapsed()),
            at,
            client: key.fingerprint(&client),
            home: key.fingerprint(&[&host, folder(&self.head)].concat()),
            user: token.and_then(|token| user(token, key)),
            token: token.map(|token| key.fingerprint(token)),
            refresh: refresh.flatten(),
            upstream: route.to.as_ref().map_or_else(|| Arc::clone(&site), Arc::clone),
            site,
            class,
            form,
            offset: offset.map(|offset| offset.seconds),
            php: self.told_by_php(),
        })
    }

    /// What PHP told of itself.
    fn told_by_php(&self) -> Option<PhpTold> {
        let php = self.notes.as_ref()?.php()?;
        Some(php.told(self.recorder.signing.as_ref()?.keys.signing().id()))
    }
}

/// The token behind `Bearer`. What is no token is not any one client's.
fn token(value: &[u8]) -> Option<&[u8]> {
    let is_token = matches!(Credential::of(value), Credential::Bearer(Token::Jwt | Token::Wrapped(_)));
    value.strip_prefix(b"Bearer").map(<[u8]>::trim_ascii).filter(|_| is_token)
}

/// How far a clock is from ours, where no cache answered.
fn date_of(reply: &ReplyHead, received: Moment) -> Option<Offset> {
    let date = reply.fields.only(Name::Date).and_then(Moment::from_http)?;
    (!reply.fields.has(Name::Age)).then(|| Offset::between(date, received))
}
