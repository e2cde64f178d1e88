//! What PHP saw, as the plugin tells it. Unknown names are passed over and unreadable values count as untold, so that a plugin
//! of another release is understood as far as it goes.

use std::fmt;
use std::sync::Arc;

use crate::evidence::change::OtherName;
use crate::evidence::credential::Scheme;
use crate::evidence::query::{Plus, decoded};
use crate::evidence::sighting::{Seen, Sighting, Spelling, Watched};
use crate::moment::Moment;
use crate::secret::{Fingerprint, looks_secret};

/// A word of PHP's that may be printed: up to 120 visible letters of ASCII, and none that looks like a credential where it could be one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Word(Arc<str>);

impl Word {
    fn new(text: &str) -> Option<Self> {
        Self::of_code(text).filter(|word| !looks_secret(word.0.as_bytes()))
    }

    /// A word of the site's own code, where names of classes and patterns of routes change between capitals and digits as well.
    fn of_code(text: &str) -> Option<Self> {
        let text = decoded(text.as_bytes(), Plus::Stays);
        let is_plain = text.iter().all(u8::is_ascii_graphic) && (1..=120).contains(&text.len());
        let text = str::from_utf8(&text).ok().filter(|_| is_plain)?;
        Some(Self(text.into()))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The secret that the site signs tokens with (`JWT_AUTH_SECRET_KEY`), as far as it may be known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SiteSecret {
    /// It is not defined.
    #[default]
    Undefined,
    /// It is defined and empty.
    Empty,
    /// It is there. Twenty bits stand for it under the shared key: two that differ are two secrets; equal ones are most likely one.
    There(u32),
}

/// By what WordPress knew the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// By nothing.
    Nobody,
    /// By a login cookie.
    Cookie,
    /// By an application password.
    ApplicationPassword,
    /// By something else, with a Bearer token there.
    Token,
    /// By something else.
    Other,
}

impl By {
    /// In a few words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Nobody => "nothing",
            Self::Cookie => "a login cookie",
            Self::ApplicationPassword => "an application password",
            Self::Token => "a token",
            Self::Other => "something else",
        }
    }
}

/// Whom WordPress took the caller for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhpUser {
    /// The number of the user; 0 for nobody.
    pub id: u64,
    /// By what.
    pub by: By,
    /// The user's roles, at most four.
    pub roles: Vec<Word>,
}

/// What PHP saw. All fingerprints are under PHP's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhpSaw {
    /// PHP's clock when it answered.
    pub clock: Moment,
    /// How PHP is run: `fpm-fcgi`, `apache2handler`.
    pub sapi: Option<Word>,
    /// `HTTP_AUTHORIZATION`.
    pub server: Sighting,
    /// `REDIRECT_HTTP_AUTHORIZATION`.
    pub redirected: Sighting,
    /// `REDIRECT_REDIRECT_HTTP_AUTHORIZATION`.
    pub redirected_twice: Sighting,
    /// `Authorization` in `getallheaders()`, in whatever spelling.
    pub all_headers: Sighting,
    /// The login in `PHP_AUTH_USER` and `PHP_AUTH_PW`, as the header that says it.
    pub login: Sighting,
    /// Whether there is a `PHP_AUTH_DIGEST`.
    pub has_digest: bool,
    /// Whether there is a `REMOTE_USER`.
    pub has_remote_user: bool,
    /// `AUTH_TYPE`.
    pub auth_type: Option<Word>,
    /// Other headers that look as if they bore a credential, at most three.
    pub others: Vec<(OtherName, Sighting)>,
    /// The other watched headers, in the order of [`Watched::ALL`] without `Authorization`; nothing of one that is not told.
    pub watched: [Option<Sighting>; Watched::COUNT - 1],
    /// Whether WordPress believes in TLS (`is_ssl()`).
    pub is_ssl: bool,
    /// The secret of tokens.
    pub site_secret: SiteSecret,
    /// The user; nothing where WordPress did not ask.
    pub user: Option<PhpUser>,
    /// `home_url()`.
    pub home: Option<Word>,
    /// `wp_get_environment_type()`.
    pub environment: Option<Word>,
    /// Active plugins that read tokens, by folder, each with its version.
    pub plugins: Vec<(Word, Option<Word>)>,
    /// Whether the REST server has routes under `jwt-auth/v1`.
    pub has_token_routes: bool,
    /// The pattern of the REST route that matched.
    pub route: Option<Word>,
    /// Whose function answers there.
    pub handler: Option<Word>,
    /// The code of the refusal.
    pub refusal: Option<Word>,
}

impl PhpSaw {
    /// Reads it where all that is told of the credential is understood: what is not is not to be taken for absent.
    pub(super) fn understood(clock: Moment, text: &str) -> Option<Self> {
        let is_understood = |pair: &str| match pair.split_once('=') {
            Some(("a" | "r" | "rr" | "l", value)) => sighting(value).is_some(),
            Some(("g", value)) => spelled(value).is_some(),
            _ => true,
        };
        text.split(';').all(is_understood).then(|| Self::read(clock, text))
    }

    /// Reads `NAME=VALUE;…`.
    #[must_use]
    pub fn read(clock: Moment, text: &str) -> Self {
        let pairs = || text.split(';').filter_map(|pair| pair.split_once('='));
        let value = |name: &str| pairs().find(|(is, _)| *is == name).map(|(_, value)| value);
        let seen = |name: &str| value(name).and_then(sighting).unwrap_or(Sighting::Absent);
        let word = |name: &str| value(name).and_then(Word::new);
        let is = |name: &str| value(name) == Some("1");
        Self {
            clock,
            sapi: word("s"),
            server: seen("a"),
            redirected: seen("r"),
            redirected_twice: seen("rr"),
            all_headers: value("g").and_then(spelled).unwrap_or(Sighting::Absent),
            login: seen("l"),
            has_digest: is("d"),
            has_remote_user: is("u"),
            auth_type: word("y"),
            others: value("o").map(others).unwrap_or_default(),
            watched: watched(value("w").unwrap_or_default()),
            is_ssl: is("h"),
            site_secret: value("k").map(site_secret).unwrap_or_default(),
            user: value("i").and_then(user),
            home: word("n"),
            environment: word("e"),
            plugins: value("j").map(plugins).unwrap_or_default(),
            has_token_routes: is("z"),
            route: value("p").and_then(Word::of_code),
            handler: value("c").and_then(Word::of_code),
            refusal: word("f"),
        }
    }

    /// Whether PHP runs within Apache, where `HTTP_AUTHORIZATION` is set by rules alone.
    #[must_use]
    pub fn is_mod_php(&self) -> bool {
        self.sapi.as_ref().is_some_and(|sapi| sapi.as_str() == "apache2handler")
    }

    /// Whether PHP runs behind mod_cgi, mod_fcgid or their like.
    #[must_use]
    pub fn is_cgi(&self) -> bool {
        self.sapi.as_ref().is_some_and(|sapi| sapi.as_str() == "cgi-fcgi")
    }

    /// Whether WordPress took the caller for somebody.
    #[must_use]
    pub fn knows_user(&self) -> bool {
        self.user.as_ref().is_some_and(|user| user.id != 0)
    }

    /// Whether a plugin is active that is known by its folder.
    #[must_use]
    pub fn has_plugin(&self, folder: &str) -> bool {
        self.plugins.iter().any(|(name, _)| name.as_str() == folder)
    }
}

/// `-`, `e`, or `LENGTH.SCHEME.FINGERPRINT`.
fn sighting(text: &str) -> Option<Sighting> {
    match text {
        "-" => return Some(Sighting::Absent),
        "e" => return Some(Sighting::Empty),
        _ => {}
    }
    let mut parts = text.split('.');
    let (length, scheme, bits) = (parts.next()?, parts.next()?, parts.next()?);
    let length = length.parse::<u32>().ok().and_then(|length| usize::try_from(length).ok())?;
    let bits = (bits.len() == 16).then(|| u64::from_str_radix(bits, 16).ok())??;
    Some(Sighting::Once(Seen {
        length,
        fingerprint: Fingerprint::from_bits(bits),
        scheme: scheme_of(scheme),
        spelling: Spelling::Canonical,
    }))
}

fn scheme_of(letter: &str) -> Option<Scheme> {
    Some(match letter {
        "b" => Scheme::Bearer,
        "o" => Scheme::BearerOtherCase,
        "s" => Scheme::Basic,
        "x" => Scheme::Other,
        "n" => Scheme::Missing,
        _ => return None,
    })
}

/// The same, and how the name is spelled.
fn spelled(text: &str) -> Option<Sighting> {
    let (seen, spelling) = text.rsplit_once('.')?;
    let spelling = match spelling {
        "c" => Spelling::Canonical,
        "l" => Spelling::Lower,
        "o" => Spelling::Other,
        _ => return None,
    };
    Some(match sighting(seen)? {
        Sighting::Once(seen) => Sighting::Once(Seen { spelling, ..seen }),
        other => other,
    })
}

fn others(text: &str) -> Vec<(OtherName, Sighting)> {
    let other = |pair: &str| {
        let (name, seen) = pair.split_once(':')?;
        Some((OtherName::new(name.as_bytes())?, sighting(seen)?))
    };
    text.split(',').filter_map(other).take(3).collect()
}

fn watched(text: &str) -> [Option<Sighting>; Watched::COUNT - 1] {
    let mut seen = text.split(',').map(sighting);
    std::array::from_fn(|_| seen.next().flatten())
}

fn site_secret(text: &str) -> SiteSecret {
    let bits = || u32::from_str_radix(text, 16).ok().filter(|_| text.len() == 5);
    match text {
        "e" => SiteSecret::Empty,
        _ => bits().map_or(SiteSecret::Undefined, SiteSecret::There),
    }
}

fn user(text: &str) -> Option<PhpUser> {
    let mut parts = text.split(',');
    let id = parts.next()?.parse().ok()?;
    let by = match parts.next()? {
        "none" => By::Nobody,
        "cookie" => By::Cookie,
        "password" => By::ApplicationPassword,
        "token" => By::Token,
        _ => By::Other,
    };
    Some(PhpUser { id, by, roles: parts.filter_map(Word::new).take(4).collect() })
}

fn plugins(text: &str) -> Vec<(Word, Option<Word>)> {
    let plugin = |pair: &str| {
        let (folder, version) = pair.split_once(':')?;
        Some((Word::new(folder)?, Word::new(version)))
    };
    text.split(',').filter_map(plugin).take(2).collect()
}
