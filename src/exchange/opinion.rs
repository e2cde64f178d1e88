//! A second opinion: where a verdict is only possible, one request without a credential may decide it for those to come.
//!
//! The question is the one that the finding prints as a command: `token/validate` with a `Bearer` that is no token says whether
//! the header arrives. It is asked beside the exchange, at most once an hour for each upstream and form of URL, of the WordPress
//! that was asked, and it names itself. Whatever is no clear answer, a page that blocks, 429 or silence, ends the asking for a
//! day. Nobody waits for it, and only `diagnosis.second_opinion: auto` makes the doctor ask; a site that is only observed gets
//! no request that no client sent. Of doctors on one path the last asks, for a question brings no trail.

use std::cell::RefCell;
use std::future::poll_fn;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::timeout;

use super::record::{Record, Recorder};
use super::site::Site;
use super::watch::COPIED;
use crate::diagnosis::Finding;
use crate::event::now;
use crate::evidence::{Opinion, Route as Asked, RouteClass, Symptom, Watched, beside};
use crate::history::{Deed, Scene};
use crate::message::{Body, Fields, Fill, Name, ReplyHead, RequestHead, Source as _};
use crate::upstream::{Caller, Route};

/// What is done where a question would decide a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondOpinion {
    /// Nothing is said of it.
    Never,
    /// The question stands in the verdict.
    Ask,
    /// The doctor asks as well, where it can.
    Auto,
}

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who asks, to a PHP that is asked directly: a plugin there that counts bad logins must not count this one for the client.
const OURS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

const USER_AGENT: &str =
    concat!("header-doctor/", env!("CARGO_PKG_VERSION"), " (second opinion; diagnosis.second_opinion: auto)");

impl Record {
    /// Does what is to be done about the questions of these findings.
    pub(super) fn second_opinion(&self, findings: &mut [Finding], scene: Option<&Scene>) {
        match (self.recorder.second_opinion, scene) {
            (SecondOpinion::Never, _) => findings.iter_mut().for_each(|finding| finding.decide = None),
            (SecondOpinion::Auto, Some(scene)) if findings.iter().any(can_be_asked) => self.ask(scene),
            (SecondOpinion::Ask | SecondOpinion::Auto, _) => {}
        }
    }

    fn ask(&self, scene: &Scene) {
        let is_last = self.recorder.signing.as_ref().is_none_or(|signing| signing.ends_here);
        let Some(site) = self.site.as_ref().filter(|site| is_last && site.treats()) else { return };
        let Some(head) = self.question().filter(|_| self.recorder.history.may_ask(scene)) else { return };
        let question = Question {
            head,
            caller: Caller { address: OURS, ..self.caller() },
            site: Rc::clone(site),
            recorder: Rc::clone(&self.recorder),
            scene: Scene { class: RouteClass::Validate, user: None, token: None, ..scene.clone() },
        };
        drop(tokio::task::spawn_local(question.asked()));
    }

    /// The question, at the host and by the form of URL that was asked, as if by the same scheme.
    fn question(&self) -> Option<RequestHead> {
        let target = beside(&self.head, "/jwt-auth/v1/token/validate")?;
        let mut fields = Fields::new();
        let asked = &self.head.fields;
        fields.append(b"Host", asked.first(Name::Host).unwrap_or_default());
        fields.append(b"User-Agent", USER_AGENT.as_bytes());
        fields.append(b"Authorization", b"Bearer header-doctor");
        fields.append(b"Accept", b"application/json");
        fields.append(b"Content-Length", b"0");
        if let Some(scheme) = self.sent.value(Watched::ForwardedProto, asked) {
            fields.append(b"X-Forwarded-Proto", scheme);
        }
        Some(RequestHead::build("POST", &target, fields))
    }
}

/// Whether the question that would decide a finding needs no credential: it brings the doctor's own word in its place.
fn can_be_asked(finding: &Finding) -> bool {
    let asks =
        |command: &str| command.contains("token/validate") && command.contains("Bearer header-doctor\"");
    finding.decide.as_ref().is_some_and(|decision| asks(&decision.command))
}

/// A question under way.
struct Question {
    head: RequestHead,
    caller: Caller,
    site: Rc<Site>,
    recorder: Rc<Recorder>,
    scene: Scene,
}

impl Question {
    async fn asked(self) {
        let route = RefCell::new(Route::default());
        let answer = timeout(PATIENCE, self.answer(&route)).await.ok().flatten();
        let upstream = route.into_inner().to.unwrap_or_else(|| self.site.upstream_name());
        let at = self.recorder.at();
        let scene = Scene { upstream, began: at, at, offset: None, ..self.scene };
        self.recorder.history.note(&scene, Deed::Answered(answer.unwrap_or(Opinion::Unclear)));
    }

    async fn answer(&self, route: &RefCell<Route>) -> Option<Opinion> {
        let group = self.site.upstreams();
        let (mut pending, mut reply) =
            group.send(&self.head, Body::empty(), self.caller, route).await.ok()?;
        while reply.status.is_interim() {
            reply = pending.head().await.ok()?;
        }
        let body = pending.body(&mut reply).ok()?;
        let read = read(body).await;
        Some(opinion(&self.head, &reply, &read))
    }
}

/// The beginning of a body; one that breaks off is read as far as it came.
async fn read(mut body: Body<'_>) -> Vec<u8> {
    let mut read = Vec::new();
    while read.len() < COPIED {
        let fill = poll_fn(|context| Pin::new(&mut body).get_mut().poll_fill(context)).await;
        if !matches!(fill, Ok(Fill::Data)) {
            break;
        }
        read.extend_from_slice(body.data());
        let count = body.data().len();
        body.consume(count);
    }
    read
}

fn opinion(request: &RequestHead, reply: &ReplyHead, body: &[u8]) -> Opinion {
    debug_assert_eq!(Asked::of(request).class, RouteClass::Validate);
    let symptom = Symptom::read(request, reply, body, now());
    if symptom.refused_with("jwt_auth_no_auth_header") {
        return Opinion::Lost;
    }
    let arrives = ["jwt_auth_invalid_token", "jwt_auth_bad_auth_header"];
    if arrives.iter().any(|code| symptom.refused_with(code)) { Opinion::Arrives } else { Opinion::Unclear }
}
