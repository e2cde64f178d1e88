//! The sightings of one request in the order of the hops.
//!
//! A trail has two measured stations: how the request arrived and how the doctor sent it on; and a third where a plugin in PHP
//! tells what arrived there. What else lies behind is known by inference.

use std::sync::Arc;

use super::basic::Basic;
use super::claims::{Claims, Times};
use super::company::Company;
use super::content::Content;
use super::credential::{self, Credential};
use super::elsewhere::OddLetter;
use super::hop_name::HopName;
use super::issue::refresh_cookie;
use super::past::Past;
use super::php::Script;
use super::php_hop::Arrived;
use super::product::Product;
use super::query::parameter;
use super::route::{self, Route};
use super::sighting::{Look, Sighting, Sightings, Watched};
use super::site_code::SiteCode;
use crate::browser::Ask;
use crate::message::{Method, Name, RequestHead};
use crate::secret::Key;

/// A place on the path where a request is seen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Hop {
    /// The client; its sightings are those of the request as it arrived here.
    Client,
    /// Whatever stands between the client and the doctor.
    Edge,
    /// Another authentication between the doctor and the web server.
    Gate,
    /// This doctor; its sightings are those of the request as it was sent on.
    Doctor,
    /// The web server behind the doctor.
    WebServer,
    /// PHP, and WordPress in it.
    Php,
    /// A doctor by its name, where several compare notes.
    Named(HopName),
}

impl Hop {
    /// The hop's stable name in JSON.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Client => "client",
            Self::Edge => "edge",
            Self::Doctor => "doctor",
            Self::Gate => "gate",
            Self::WebServer => "web-server",
            Self::Php => "php",
            Self::Named(name) => name.as_str(),
        }
    }

    /// The hop's name in a verdict.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Client => "client",
            Self::Edge => "edge",
            Self::Doctor => "doctor",
            Self::Gate => "gate",
            Self::WebServer => "web server",
            Self::Php => "PHP",
            Self::Named(name) => name.as_str(),
        }
    }
}

/// How far a login cookie can carry a request (`rest_cookie_check_errors` in `wp-includes/rest-api.php`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    /// No login cookie.
    None,
    /// A login cookie alone: a REST route treats the request as anonymous, on purpose.
    WithoutNonce,
    /// A login cookie and a nonce.
    WithNonce,
}

/// What the doctor did to a request, beside what its policy does to every one.
#[derive(Clone, Debug, Default)]
pub struct Treatment {
    /// The fields that `Connection` nominated for removal and that stayed nevertheless.
    pub nominated: Vec<Name>,
    /// The configured header that `Authorization` was recovered from.
    pub recovered_from: Option<Arc<str>>,
    /// The preflight that the policy refused.
    pub denied: Option<Denied>,
    /// Whether the policy covers the request and let its reply go without `Access-Control-Allow-Origin`.
    pub undressed: bool,
    /// Who said `X-Forwarded-Proto: https` without being trusted, as much of the address as may be shown; the doctor
    /// sent `http` on.
    pub disbelieved: Option<Arc<str>>,
}

/// A preflight that the doctor's own policy refused, in words that may be printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// What was refused, and why.
    pub message: String,
    /// The setting that would have to allow it: `sites[].cors.allow_origins`.
    pub setting: &'static str,
    /// What has to be listed there; nothing when it could not be read.
    pub missing: Option<String>,
}

/// What the doctor remembers that bears on an exchange.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// A preflight for the same URL from the same client announced `authorization` shortly before.
    pub promised: bool,
    /// The same upstream accepted a credential of the same scheme on the same form of URL shortly before: the path
    /// is clear.
    pub accepted: bool,
    /// PHP itself was asked: no web server stands behind the doctor that could lose or change a header.
    pub direct: bool,
    /// The doctors behind proved shortly before that `Origin` does not reach them.
    pub origin_stripped: bool,
    /// The index of the site offers no application passwords.
    pub unoffered: bool,
    /// The doctor asked by itself: it is the client, and no hop stands between the two.
    pub probe: bool,
    /// The very same request did well by another way to the same site; nothing where it was not asked, or did no better.
    pub other_way: Option<OtherWay>,
}

/// Another way to a site, by which a request did well that failed by this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherWay {
    /// Straight to the origin, past whatever stands in front: what fails here lies before the origin.
    Behind,
    /// To another address of the site: what fails here is this machine's own.
    Beside,
}

/// What was asked, with what credential, and how the headers looked on the way.
#[derive(Clone, Debug)]
pub struct Trail {
    /// The method.
    pub method: Method,
    /// The route.
    pub route: Route,
    /// The methods that the route takes, where it is a login plugin's; empty where nobody knows.
    pub methods: &'static [Method],
    /// Whether the route is one of Simple JWT Login.
    pub is_simple_jwt_login: bool,
    /// The script, where PHP is asked for one by its name.
    pub script: Script,
    /// The kind of the credential WordPress was to judge: the one that was sent on.
    pub credential: Credential,
    /// What it says of itself, when it is a token whose payload can be read.
    pub claims: Option<Claims>,
    /// Whether the token's issuer has the host that was asked for: then it is no other site's, whatever WordPress calls itself.
    pub is_of_host: bool,
    /// The form of the login, where the credential is `Basic`.
    pub basic: Option<Basic>,
    /// Whether the token is the beginning of a JWT: its end is missing.
    pub is_cut: bool,
    /// Whether the route is of a plugin that issues Bearer tokens of its own.
    pub has_other_bearers: bool,
    /// The method that WordPress is told to take the request for, where that is another one.
    pub method_override: Option<Method>,
    /// Whether `X-Forwarded-Proto` says on that the client uses TLS; nothing where it says neither.
    pub says_tls: Option<bool>,
    /// The name, of our own list, of another header that carries a credential.
    /// The name, of our own list, of another header that carries a credential.
    pub elsewhere: Option<&'static str>,
    /// The letter in the name of a header with a credential for which servers drop it.
    pub odd_letter: Option<OddLetter>,
    /// The product that the request came through, as far as it betrays itself.
    pub edge: Product,
    /// How long the head of the request is, in bytes.
    pub head_bytes: usize,
    /// What the doctor did.
    pub treatment: Treatment,
    /// What it remembers.
    pub memory: Memory,
    /// What happened before, by the historian's word.
    pub past: Box<Past>,
    /// Whether a login cookie came along.
    pub session: Session,
    /// Whether the cookie left the doctor that JWT Auth keeps its refresh token in.
    pub has_refresh_cookie: bool,
    /// Whether the request carried `Origin`: a script in a browser asked.
    pub has_origin: bool,
    /// Whether it is a preflight that announces `authorization`.
    pub announces_authorization: bool,
    /// Whether a login stands in the query: `get_param` of `WP_REST_Request` reads it there, too.
    pub has_login_in_query: bool,
    /// Whether a key of `WooCommerce` stands in the query, as itself or as what it signed with.
    pub has_key_in_query: bool,
    /// What WordPress takes the body for.
    pub content: Content,
    /// Whether the body is said to be empty.
    pub is_bodyless: bool,
    /// Whether the body is of no length that was said before.
    pub is_chunked: bool,
    /// The codes that the configuration explains.
    pub site_codes: Arc<[SiteCode]>,
    /// What the doctors of the path told one another, where they share a key.
    pub company: Option<Box<Company>>,
    /// What PHP saw, where the plugin there answered this doctor. Beside what the verdicts need it holds what one PHP has and another
    /// may not: [`PhpSaw::site_secret`](super::PhpSaw::site_secret) and, by [`Arrived::skew`], its clock.
    pub php: Option<Box<Arrived>>,
    hops: Vec<(Hop, Sightings)>,
}

impl Trail {
    /// The trail of a request, from what was noted when it arrived and when it was sent on.
    #[must_use]
    pub fn read(head: &RequestHead, arrived: &Look, sent: &Look, key: &Key) -> Self {
        let fields = &head.fields;
        let authorization = sent.value(Watched::Authorization, fields).unwrap_or_default();
        let credential = credential(sent.count(Watched::Authorization), authorization);
        let claims = credential::jwt(authorization).and_then(Claims::of);
        Self {
            method: head.method,
            route: Route::of(head),
            methods: route::methods(head),
            is_simple_jwt_login: route::is_simple_jwt_login(head),
            script: Script::of(head.path()),
            credential,
            basic: (credential == Credential::Basic).then(|| Basic::of(authorization)),
            is_cut: claims.as_ref().is_some_and(Claims::is_cut) || credential::is_stump(authorization),
            is_of_host: claims
                .as_ref()
                .is_some_and(|claims| fields.only(Name::Host).is_some_and(|host| claims.is_of(host))),
            claims,
            has_other_bearers: route::has_other_bearers(head),
            method_override: method_override(head),
            says_tls: says_tls(fields.only(Name::XForwardedProto)),
            elsewhere: super::elsewhere::elsewhere(fields),
            odd_letter: super::elsewhere::odd_letter(fields),
            edge: Product::of_request(fields),
            head_bytes: head_bytes(head),
            treatment: Treatment::default(),
            memory: Memory::default(),
            past: Box::default(),
            session: session(head, sent),
            has_refresh_cookie: refresh_cookie(fields).is_some(),
            has_origin: arrived.has(Watched::Origin),
            announces_authorization: announces_authorization(head),
            has_login_in_query: parameter(head.query(), b"username").is_some(),
            has_key_in_query: has_key(head.query()),
            content: Content::of(fields),
            is_bodyless: fields.only(Name::ContentLength) == Some(b"0"),
            is_chunked: fields.has(Name::TransferEncoding),
            site_codes: Arc::default(),
            company: None,
            php: None,
            hops: vec![
                (Hop::Client, arrived.sightings(fields, key)),
                (Hop::Doctor, sent.sightings(fields, key)),
            ],
        }
    }

    /// Enters what PHP saw.
    pub fn reached_php(&mut self, arrived: Box<Arrived>) {
        self.hops.push((Hop::Php, arrived.seen));
        self.php = Some(arrived);
    }

    /// What was seen at a hop; nothing when nobody measured there.
    #[must_use]
    pub fn at(&self, hop: &Hop) -> Option<&Sightings> {
        self.hops.iter().find(|(at, _)| at == hop).map(|(_, sightings)| sightings)
    }

    /// How a header looked at a hop, when somebody measured there.
    #[must_use]
    pub fn sighting(&self, hop: &Hop, watched: Watched) -> Option<Sighting> {
        self.at(hop).map(|sightings| sightings.of(watched))
    }

    /// When the token is good, by its own word.
    #[must_use]
    pub fn times(&self) -> Option<Times> {
        self.claims.as_ref().map(|claims| claims.times)
    }

    /// Whether `Authorization` left the doctor as it had come.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        let at = |hop| self.sighting(&hop, Watched::Authorization);
        at(Hop::Client) == at(Hop::Doctor)
    }
}

/// The request line and the field lines as they are written in HTTP/1.1.
fn head_bytes(head: &RequestHead) -> usize {
    let line = head.method_text().len() + head.target().len() + " HTTP/1.1\r\n ".len();
    head.fields.iter().map(|field| field.name.len() + field.value.len() + ": \r\n".len()).sum::<usize>()
        + line
}

/// `X-HTTP-Method-Override` or `_method`, which `serve_request` in `class-wp-rest-server.php` obeys.
fn method_override(head: &RequestHead) -> Option<Method> {
    const NAME: &[u8] = b"X-HTTP-Method-Override";
    let field = || head.fields.iter().find(|field| field.name.eq_ignore_ascii_case(NAME));
    let said = parameter(head.query(), b"_method").or_else(|| field().map(|field| field.value))?;
    let told = Method::of(&said.trim_ascii().to_ascii_uppercase());
    (told != head.method).then_some(told)
}

fn says_tls(said: Option<&[u8]>) -> Option<bool> {
    match said? {
        b"https" => Some(true),
        b"http" => Some(false),
        _ => None,
    }
}

/// `get_param` of WooCommerce's authentication: the key itself, or OAuth 1.0a by its own names.
fn has_key(query: &[u8]) -> bool {
    [b"consumer_key".as_slice(), b"oauth_consumer_key"].iter().any(|name| parameter(query, name).is_some())
}

fn announces_authorization(head: &RequestHead) -> bool {
    let ask = Ask::of_preflight(head);
    ask.is_some_and(|ask| ask.headers.iter().any(|name| name.as_str() == "authorization"))
}

fn credential(count: u16, value: &[u8]) -> Credential {
    match count {
        0 => Credential::Absent,
        1 => Credential::of(value),
        _ => Credential::Several,
    }
}

fn session(head: &RequestHead, look: &Look) -> Session {
    let cookie = look.value(Watched::Cookie, &head.fields).unwrap_or_default();
    if memchr::memmem::find(cookie, b"wordpress_logged_in_").is_none() {
        return Session::None;
    }
    let nonce = look.has(Watched::WpNonce) || parameter(head.query(), b"_wpnonce").is_some();
    if nonce { Session::WithNonce } else { Session::WithoutNonce }
}

#[cfg(test)]
mod tests {
    use super::{Credential, Hop, Session, Sighting, Trail, Watched};
    use crate::evidence::{Token, look};
    use crate::message::{Fields, Method, Name, RequestHead};
    use crate::secret::Key;

    #[test]
    fn both_stations_are_kept_and_the_credential_is_the_one_sent() {
        let fields = Fields::from([("Authorization", "Bearer undefined"), ("Cookie", "a=b")]);
        let mut head = RequestHead::build("GET", "/wp-json/", fields);
        let arrived = look(&head.fields);
        head.fields.set(Name::Authorization, b"Bearer a.b.c");
        let sent = look(&head.fields);
        let trail = Trail::read(&head, &arrived, &sent, &Key::from_bytes(&[1; 32]));
        assert_eq!(trail.credential, Credential::Bearer(Token::Jwt));
        assert!(!trail.is_unchanged());
        assert_eq!(trail.sighting(&Hop::Client, Watched::Host), Some(Sighting::Absent));
        assert_eq!(trail.sighting(&Hop::Php, Watched::Host), None);
    }

    #[test]
    fn what_wordpress_is_told_of_method_and_tls_is_read() {
        let read = |method: &str, target: &str, fields: Fields| {
            let head = RequestHead::build(method, target, fields);
            let seen = look(&head.fields);
            let trail = Trail::read(&head, &seen, &seen, &Key::from_bytes(&[1; 32]));
            (trail.method_override, trail.says_tls)
        };
        let field = |value: &str| Fields::from([("x-http-method-override", value)]);
        let proto = |value: &str| Fields::from([("X-Forwarded-Proto", value)]);
        assert_eq!(read("POST", "/", field("put")), (Some(Method::Put), None));
        assert_eq!(read("POST", "/", field("POST")), (None, None));
        assert_eq!(read("GET", "/?_method=DELETE", proto("https")), (Some(Method::Delete), Some(true)));
        assert_eq!(read("GET", "/", proto("http")), (None, Some(false)));
        assert_eq!(read("GET", "/", proto("https, http")), (None, None));
    }

    #[test]
    fn a_login_cookie_counts_with_a_nonce_only() {
        let session = |target: &str, fields: Fields| {
            let head = RequestHead::build("GET", target, fields);
            super::session(&head, &look(&head.fields))
        };
        let cookie = ("Cookie", "a=b; wordpress_logged_in_abc=x");
        assert_eq!(session("/", Fields::from([cookie])), Session::WithoutNonce);
        assert_eq!(session("/?_wpnonce=1", Fields::from([cookie])), Session::WithNonce);
        assert_eq!(session("/", Fields::from([cookie, ("X-WP-Nonce", "1")])), Session::WithNonce);
        assert_eq!(session("/", Fields::from([("X-WP-Nonce", "1")])), Session::None);
    }
}
