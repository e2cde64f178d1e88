//! What happened before an exchange that bears on it, as the historian tells it.
//!
//! It is data: who remembers it, for how long and how much of it is the historian's business. Everything here is
//! complete for one process alone. Whatever is not known is as if it had not happened, so a rule that finds nothing
//! here stays silent.

use std::sync::Arc;
use std::time::Duration;

use super::php_hop::Word;
use crate::secret::KeyId;

/// What happened before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// The upstream that answered, by the name the log has for it.
    pub here: Option<Arc<str>>,
    /// A newer token was handed out in place of the one that came.
    pub newer: Option<Newer>,
    /// What the same user on the same client did within the last minute.
    pub minute: Minute,
    /// How often within the last five minutes the same user was refused for want of a permission, fetched a new token for
    /// it, and was refused again; this exchange included.
    pub pointless: u16,
    /// What is known of the refresh token that came.
    pub refresh: Refresh,
    /// How long ago the very same token was found good by `token/validate`, at the same upstream and by the same form of
    /// URL.
    pub validated: Option<Duration>,
    /// How long ago the very same token was taken by another route than that, likewise.
    pub served: Option<Duration>,
    /// Another upstream of the same site that took the very same token, or issued it.
    pub elsewhere: Option<Elsewhere>,
    /// The same upstream took the very same token not long ago, or issued it.
    pub taken_here: Option<TakenHere>,
    /// Another upstream of the same site whose clock was that of this machine not long ago.
    pub agreeing: Option<Arc<str>>,
    /// An upstream of the same site of which PHP told another secret not long ago than it tells now; the same upstream where
    /// machines behind it differ.
    pub other_secret: Option<Arc<str>>,
    /// The upstream that issued the token, where its clock was ahead when it did.
    pub issued_ahead: Option<IssuedAhead>,
    /// What the doctor found out by asking the same upstream itself, by the same form of URL, and how long ago.
    pub opinion: Option<(Opinion, Duration)>,
    /// How long ago the same upstream read, by the same form of URL, a token that was no good, shortly after it had found none
    /// where one was sent.
    pub read_a_bad_one: Option<Duration>,
}

/// A token that was handed out in place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newer {
    /// How long ago.
    pub ago: Duration,
    /// In return for what.
    pub by: By,
    /// How long the old one has been refused since, if it was refused before.
    pub refused_for: Option<Duration>,
}

/// What a token was handed out for, and so how sure it is that it was in place of the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The refresh token that was handed out with the old one.
    ItsRefreshToken,
    /// A refresh or a login of the same user by the same program at the same address.
    TheSameUser,
}

/// What the same user on the same client did within a minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Minute {
    /// How many tokens were fetched.
    pub tokens: u16,
    /// How many requests were refused.
    pub refusals: u16,
    /// How often the very same token was refused.
    pub same_token: u16,
}

/// What is known of a refresh token that came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refresh {
    /// How long ago it was exchanged for another one.
    pub rotated: Option<Duration>,
    /// How often it was refused within the last five minutes.
    pub refused: u16,
    /// Whether it is a token that was handed out, or used, as an access token.
    pub is_access_token: bool,
}

/// What became of a `Bearer` that the doctor sent by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// WordPress found none.
    Lost,
    /// WordPress read it.
    Arrives,
    /// Nobody can say: the question was blocked, or there is no such route.
    Unclear,
}

/// Another upstream that knows a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// Which.
    pub upstream: Arc<str>,
    /// How long ago.
    pub ago: Duration,
    /// Whether it issued the token; else it took it.
    pub issued: bool,
    /// Whether the upstream that refuses it now refused its signature before that, too: no change of a secret in between
    /// explains both.
    pub unsigned_before: bool,
    /// Whether the upstream that refuses it now read it before that, too, and refused it for another fault, its times most
    /// often.
    pub refused_before: bool,
}

/// The upstream that refuses a token took it before, or issued it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenHere {
    /// How long ago.
    pub ago: Duration,
    /// Whether it issued the token; else it took it.
    pub issued: bool,
    /// Whether it had refused the token's signature before that: a single change of the secret does not explain both.
    pub refused_before: bool,
}

/// An upstream that issued a token from the future.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedAhead {
    /// Which.
    pub upstream: Arc<str>,
    /// By how much.
    pub by: Duration,
}

/// What PHP told last of itself, behind one upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhpNode {
    /// The one that it is behind.
    pub upstream: Arc<str>,
    /// What it told.
    pub told: PhpTold,
}

/// What bears on other exchanges of what PHP told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhpTold {
    /// The site's address by its own word (`home_url()`).
    pub home: Option<Word>,
    /// What stands for the secret that tokens are signed with there.
    pub secret: Option<Secret>,
    /// How far its clock is ahead of the doctor's, in milliseconds; negative when it is behind.
    pub ahead: i64,
}

/// What stands for a site's secret. Two under the same key that differ are two secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// The key that PHP was asked with.
    pub key: KeyId,
    /// Twenty bits under it.
    pub bits: u32,
}
