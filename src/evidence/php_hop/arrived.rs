//! How a request arrived in PHP, against how it was sent: the doctor judges, which has the values.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::saw::{PhpSaw, SiteSecret};
use crate::evidence::change::{Change, Changed, OtherName};
use crate::evidence::company::{Crossing, Skew};
use crate::evidence::credential::{self, Scheme};
use crate::evidence::hop_name::HopName;
use crate::evidence::past::{PhpTold, Secret};
use crate::evidence::sighting::{Look, Sighting, Sightings, Spelling, Watched};
use crate::message::Fields;
use crate::moment::Moment;
use crate::secret::{Fingerprint, KeyId, TrailKey};

/// Where in PHP the value of `Authorization` stands that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reached {
    /// In `HTTP_AUTHORIZATION`; or, as a login, in `PHP_AUTH_USER`.
    InPlace,
    /// In `REDIRECT_HTTP_AUTHORIZATION` alone, which WordPress reads and some plugins do not.
    Redirected,
    /// There, while `HTTP_AUTHORIZATION` is there without a value, which hides it from whoever asks `isset()`.
    RedirectedAndHidden,
    /// In `REDIRECT_REDIRECT_HTTP_AUTHORIZATION` alone, which nobody reads.
    RedirectedTwice,
    /// In `getallheaders()` alone, under this spelling.
    OnlyInAllHeaders(Spelling),
    /// Under another name.
    Elsewhere(OtherName),
    /// Nowhere; another value stands in its place.
    Replaced(Sighting),
    /// Nowhere, but `AUTH_TYPE` tells that it was there.
    OnlyItsType,
    /// Nowhere; its variable is there without a value.
    Emptied,
    /// Nowhere.
    Missing,
}

impl Reached {
    /// What happened to the header, for whoever reads what WordPress reads.
    fn change(&self) -> Option<(Change, Option<OtherName>)> {
        Some(match self {
            Self::InPlace | Self::Redirected | Self::RedirectedAndHidden => return None,
            Self::RedirectedTwice => (Change::Moved, OtherName::new(b"redirect_redirect_http_authorization")),
            Self::Elsewhere(name) => (Change::Moved, Some(name.clone())),
            Self::Replaced(_) => (Change::Replaced, None),
            Self::Emptied => (Change::Emptied, None),
            Self::OnlyInAllHeaders(_) | Self::OnlyItsType | Self::Missing => (Change::Missing, None),
        })
    }
}

/// What PHP saw of a request, and what became of it on its way there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// What PHP told.
    pub saw: PhpSaw,
    /// Where `Authorization` is; nothing where none was sent with a value, or several.
    pub reached: Option<Reached>,
    /// How the watched headers look there. What is equal looks as it was sent.
    pub seen: Sightings,
    /// What differs.
    pub changes: Vec<Changed>,
    /// When it was asked, by the doctor's clock.
    pub asked: Moment,
    /// When its reply came, likewise.
    pub came: Moment,
}

impl Arrived {
    /// Judges what PHP `saw` by what was sent in `fields`, as `look` found them. `key` is the one that was asked with, `sent` the
    /// doctor's own sightings.
    #[must_use]
    pub fn judge(saw: PhpSaw, look: &Look, fields: &Fields, sent: &Sightings, key: &TrailKey) -> Self {
        let print = |value: &[u8]| key.php().fingerprint(value);
        let value = look.value(Watched::Authorization, fields);
        let value = value.filter(|value| !value.is_empty() && look.count(Watched::Authorization) == 1);
        let reached = value.map(|value| reached(&saw, value, &print, sent.has_copy()));
        let (mut seen, mut changes) = (*sent, Vec::new());
        seen =
            seen.with(Watched::Authorization, authorization(&saw, reached.as_ref(), sent)).with_copy(false);
        if let Some((change, to)) = reached.as_ref().and_then(Reached::change) {
            changes.push(Changed { header: Watched::Authorization, change, to });
        }
        for (header, found) in Watched::ALL.into_iter().skip(1).zip(saw.watched) {
            let Some(found) = found else { continue };
            let was = look.value(header, fields).unwrap_or_default();
            let is_same = found.once().is_some_and(|found| found.fingerprint == print(was));
            if !is_same {
                seen = seen.with(header, found);
            }
            changes.extend(lost(header, sent.of(header), found));
        }
        Self { saw, reached, seen, changes, asked: Moment::default(), came: Moment::default() }
    }

    /// The same, asked and answered then.
    #[must_use]
    pub fn between(self, asked: Moment, came: Moment) -> Self {
        Self { asked, came, ..self }
    }

    /// The way from the doctor `after` to PHP.
    #[must_use]
    pub fn crossing(&self, after: HopName, sent: Sightings) -> Crossing {
        let (sent, arrived) = (Some(sent), Some(self.seen));
        Crossing { after, before: HopName::php(), sent, arrived, changes: self.changes.clone() }
    }

    /// What bears on other exchanges; `key` is the one that PHP was asked with.
    #[must_use]
    pub fn told(&self, key: &KeyId) -> PhpTold {
        let secret = match self.saw.site_secret {
            SiteSecret::There(bits) => Some(Secret { key: key.clone(), bits }),
            SiteSecret::Undefined | SiteSecret::Empty => None,
        };
        PhpTold { home: self.saw.home.clone(), secret, ahead: self.ahead() }
    }

    /// How far PHP's clock is ahead of ours, in milliseconds, if it answered half-way.
    const fn ahead(&self) -> i64 {
        let (asked, came) = (self.asked.millis(), self.came.millis());
        self.saw.clock.millis().saturating_sub(asked.saturating_add(came.saturating_sub(asked) / 2))
    }

    /// By how much PHP's clock is off at least: it answered after it was asked and before its reply came.
    #[must_use]
    pub fn skew(&self) -> Option<Skew> {
        let by = |later: Moment, earlier: Moment| {
            Duration::from_millis(u64::try_from(later.millis().saturating_sub(earlier.millis())).unwrap_or(0))
        };
        let (theirs, ours) = (by(self.saw.clock, self.came), by(self.asked, self.saw.clock));
        match (theirs.is_zero(), ours.is_zero()) {
            (false, _) => Some(Skew::Theirs(theirs)),
            (true, false) => Some(Skew::Ours(ours)),
            (true, true) => None,
        }
    }
}

fn reached(saw: &PhpSaw, value: &[u8], print: &impl Fn(&[u8]) -> Fingerprint, has_copy: bool) -> Reached {
    let sent = print(value);
    let is = |seen: Sighting| seen.once().is_some_and(|seen| seen.fingerprint == sent);
    let is_login = |seen: Sighting| {
        let login = login(value);
        seen.once().zip(login).is_some_and(|(seen, login)| seen.fingerprint == print(&login))
    };
    let is_there = |seen: Sighting| seen.once().is_some();
    match (saw.server, saw.redirected) {
        (server, _) if is(server) => return Reached::InPlace,
        (server, _) if is_there(server) => return Reached::Replaced(server),
        _ if is_login(saw.login) => return Reached::InPlace,
        (Sighting::Empty, redirected) if is(redirected) => return Reached::RedirectedAndHidden,
        (_, redirected) if is(redirected) => return Reached::Redirected,
        (_, redirected) if is_there(redirected) => return Reached::Replaced(redirected),
        _ if is_there(saw.login) => return Reached::Replaced(saw.login),
        _ if is(saw.redirected_twice) => return Reached::RedirectedTwice,
        _ => {}
    }
    if let Some(seen) = saw.all_headers.once().filter(|_| is(saw.all_headers)) {
        return Reached::OnlyInAllHeaders(seen.spelling);
    }
    if let Some((name, _)) = saw.others.iter().find(|(_, seen)| is(*seen) && !has_copy) {
        return Reached::Elsewhere(name.clone());
    }
    if saw.auth_type.is_some() {
        return Reached::OnlyItsType;
    }
    let is_emptied = [saw.server, saw.redirected, saw.all_headers].contains(&Sighting::Empty);
    if is_emptied { Reached::Emptied } else { Reached::Missing }
}

/// A login as PHP's variables have it: `Basic` and the canonical form of what was sent.
fn login(value: &[u8]) -> Option<Vec<u8>> {
    if credential::scheme(value) != Scheme::Basic {
        return None;
    }
    let coded = value.split(|byte| byte.is_ascii_whitespace()).rfind(|word| !word.is_empty())?;
    let login = STANDARD.decode(coded).ok().filter(|login| login.contains(&b':'))?;
    Some(format!("Basic {}", STANDARD.encode(login)).into_bytes())
}

/// How `Authorization` looks to WordPress.
fn authorization(saw: &PhpSaw, reached: Option<&Reached>, sent: &Sightings) -> Sighting {
    match reached {
        Some(Reached::InPlace | Reached::Redirected | Reached::RedirectedAndHidden) => {
            sent.of(Watched::Authorization)
        }
        Some(Reached::Replaced(seen)) => *seen,
        Some(Reached::Emptied) => Sighting::Empty,
        Some(_) => Sighting::Absent,
        None => saw.server,
    }
}

/// Web servers add, rewrite and normalise headers all day; that one is gone which a rule asks for is all that is told.
fn lost(header: Watched, sent: Sighting, found: Sighting) -> Option<Changed> {
    let matters = match header {
        Watched::Cookie | Watched::WpNonce | Watched::Origin | Watched::ContentType => true,
        Watched::Authorization | Watched::UserAgent | Watched::Host | Watched::ForwardedProto => false,
    };
    let change = match found {
        Sighting::Absent => Change::Missing,
        Sighting::Empty => Change::Emptied,
        Sighting::Once(_) | Sighting::Several(_) => return None,
    };
    (matters && sent.once().is_some()).then_some(Changed { header, change, to: None })
}
