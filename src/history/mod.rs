//! What one exchange has to do with those before it: which tokens were handed out in place of which, who took or refused
//! the very same one, and what a client did in a row.
//!
//! There is one historian for a process, behind a lock that only sick exchanges, token routes and the sampled acceptances
//! take. What it tells is complete for that process alone: a doctor beside it, or one before a restart, saw other
//! exchanges. It holds no value: tokens, refresh tokens, users and clients are keyed hashes, times and upstreams' names
//! stand in the log anyway. Everything is bounded; what is oldest is forgotten first, and whatever is forgotten is as if
//! it had not happened. Time is a parameter, on a clock that nobody sets: one that was put back would make a minute of an hour.
//!
//! Two exchanges have to do with one another at the same WordPress alone: the number of a user, and what an upstream makes of a
//! token, are another's at another host or in another folder, on however few machines they live.

mod bounded;
mod memory;

use std::sync::{Arc, Mutex, PoisonError};

use crate::evidence::{Form, Issue, Message, Opinion, Past, PhpNode, PhpTold, RouteClass, Symptom, Trail};
use crate::moment::Moment;
use crate::secret::Fingerprint;
use memory::Remembered;

/// The historian.
#[derive(Debug, Default)]
pub struct History(Mutex<Remembered>);

/// Who asked whom for what with which token, and when.
#[derive(Clone, Debug)]
pub struct Scene {
    /// When the request came, since the process began.
    pub began: Moment,
    /// When its reply came, likewise.
    pub at: Moment,
    /// What stands for the client: its address, its program, and the host that it asks.
    pub client: Fingerprint,
    /// What stands for the WordPress that was asked: its host and its folder.
    pub home: Fingerprint,
    /// What stands for the user whom the token names, where it names one.
    pub user: Option<Fingerprint>,
    /// What stands for the `Bearer` that was sent on.
    pub token: Option<Fingerprint>,
    /// What stands for the refresh token that came.
    pub refresh: Option<Fingerprint>,
    /// The upstreams of the site: only among them are two compared.
    pub site: Arc<str>,
    /// The one that answered.
    pub upstream: Arc<str>,
    /// What was asked for.
    pub class: RouteClass,
    /// By which form of URL.
    pub form: Form,
    /// How far its clock is ahead of this machine's by the reply's `Date`, in seconds; negative when it is behind.
    pub offset: Option<i64>,
    /// What PHP told of itself.
    pub php: Option<PhpTold>,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A token was handed out.
    Issued(Issue),
    /// A token was taken.
    Taken,
    /// A request was refused.
    Refused(Refusal),
    /// The doctor's own question was answered.
    Answered(Opinion),
}

/// Why a request was refused, as far as it matters to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The signature of the token is not by the secret there.
    Signature,
    /// The token was read and is no good for another reason.
    Token,
    /// WordPress found no token.
    NoToken,
    /// The user may not do this.
    Permission,
    /// The refresh token is no good.
    Refresh,
}

impl Refusal {
    /// Why this reply refuses; nothing when it does not, or nobody can say whose words they are.
    #[must_use]
    pub fn of(trail: &Trail, symptom: &Symptom) -> Option<Self> {
        if symptom.from_cache || !matches!(symptom.status.code(), 400 | 401 | 403) {
            return None;
        }
        let code = symptom.code();
        let is_of_token = !matches!(code, "jwt_auth_no_auth_cookie" | "jwt_auth_bad_config");
        let is_plugins =
            is_of_token && (code.starts_with("jwt_auth_") || code.starts_with("simple_jwt_login_"));
        let read = symptom.refused_with("jwt_auth_invalid_token").then(|| symptom.message());
        match read {
            Some(Some(Message::SIGNATURE)) => return Some(Self::Signature),
            Some(_) => return Some(Self::Token),
            None if trail.route.class == RouteClass::Refresh && is_plugins => return Some(Self::Refresh),
            None => {}
        }
        match code {
            "jwt_auth_bad_iss" | "jwt_auth_bad_request" | "jwt_auth_obsolete_token" => Some(Self::Token),
            "jwt_auth_no_auth_header" => Some(Self::NoToken),
            _ if symptom.is_permission(401) => Some(Self::NoToken),
            _ if symptom.is_permission(403) => Some(Self::Permission),
            _ => None,
        }
    }
}

impl History {
    /// What happened before this that bears on it.
    #[must_use]
    pub fn recall(&self, scene: &Scene) -> Past {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).recall(scene)
    }

    /// What PHP told last behind each upstream, as far as that is not long ago.
    #[must_use]
    pub fn php_nodes(&self, at: Moment) -> Vec<PhpNode> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).php_nodes(at)
    }

    /// Whether the doctor may ask by itself here; then it may not for an hour.
    pub fn may_ask(&self, scene: &Scene) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).may_ask(scene)
    }

    /// Remembers what came of it.
    pub fn note(&self, scene: &Scene, deed: Deed) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).note(scene, deed);
    }
}

#[cfg(test)]
mod tests;
