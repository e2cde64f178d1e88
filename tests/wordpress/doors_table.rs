//! What the doctor says at each door of the stand: one table, four ways.
//!
//! Alone, the doctor stands before the door; or it does, and asks PHP. Where the door is one that a doctor can stand behind (an edge, a cache), a hop that
//! does the same stands before a doctor, and between two. Where it is the origin itself, a clean nginx stands between two doctors
//! and the second before the door. A row tells the root cause that is named today; a better rule replaces it there.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::judge::{Ask, ME, TOKEN, VALIDATE, said};
use crate::pair::Way;
use crate::pair::hop::Hop;
use crate::pair::hop::Server::{self, HaProxy, Nginx, Varnish};
use crate::php_hop;
use crate::stand::Stand;
use crate::token::{basic, bearer_of, changed, claims, now, sign};
use crate::world::{Doctor, Wire};

// === What is asked ===

const POSTS: &str = "GET /wp-json/wp/v2/posts";
const PREFLIGHT: &str = "OPTIONS /wp-json/wp/v2/users/me";

/// What a client sends besides a request line.
#[derive(Clone, Copy)]
enum Sent {
    Nothing,
    /// WordPress's own token for the administrator, good for a week.
    Token,
    /// The same for the subscriber.
    SubscribersToken,
    /// A good token that lasts for an hour.
    HourlyToken,
    /// A token that another secret signed.
    ForgedToken,
    /// A good token that no header line of a kibibyte holds.
    LongToken,
    /// A token, by a page of another origin.
    TokenOfPage,
    /// The same, by a page that sends cookies along.
    TokenAndCookieOfPage,
    AppPassword,
    /// An application password, by a client that speaks https to a proxy before all of this.
    AppPasswordOverHttps,
    /// What a browser asks before it sends a token.
    Preflight,
}

impl Sent {
    fn headers(self) -> Vec<(&'static str, String)> {
        let stand = Stand::up();
        let signed = |claims: &Value, secret: &str| {
            vec![("Authorization", format!("Bearer {}", sign(claims, secret)))]
        };
        let claims = claims(stand, 1, now());
        let origin = || ("Origin", "https://app.test".to_owned());
        // Logging in costs more than all the rest of a row.
        static ISSUED: OnceLock<[String; 2]> = OnceLock::new();
        let [admin, subscriber] = ISSUED.get_or_init(|| ["ADMIN", "SUBSCRIBER"].map(bearer_of));
        let token = || ("Authorization", admin.clone());
        let app_password = ("Authorization", basic(stand.get("ADMIN_USER"), stand.get("ADMIN_APP_PASSWORD")));
        match self {
            Self::Nothing => vec![],
            Self::Token => vec![token()],
            Self::SubscribersToken => vec![("Authorization", subscriber.clone())],
            Self::HourlyToken => signed(&claims, stand.get("SECRET")),
            Self::ForgedToken => signed(&claims, "the secret of nobody here"),
            Self::LongToken => {
                signed(&changed(&claims, "padding", json!("x".repeat(1500))), stand.get("SECRET"))
            }
            Self::TokenOfPage => vec![origin(), token()],
            Self::TokenAndCookieOfPage => vec![origin(), token(), ("Cookie", "a=b".to_owned())],
            Self::AppPassword => vec![app_password],
            Self::AppPasswordOverHttps => vec![app_password, ("X-Forwarded-Proto", "https".to_owned())],
            Self::Preflight => vec![
                origin(),
                ("Access-Control-Request-Method", "GET".to_owned()),
                ("Access-Control-Request-Headers", "authorization".to_owned()),
            ],
        }
    }
}

/// One row: a request and what comes of it.
struct Row {
    door: &'static str,
    /// What somebody sent a moment before with the same line: a cache remembers the answer.
    first: Option<Sent>,
    line: &'static str,
    sent: Sent,
    /// What the door answers, without any doctor.
    answer: &'static str,
    alone: Root,
    pair: Pair,
}

/// What stands between two doctors, and what the edge and the sidecar say; behind an edge, also what one says alone.
#[derive(Clone, Copy)]
enum Pair {
    /// The row's door is an edge: this door of a hop, which does the same, before a sidecar that stands before the good door.
    Between(Server, &'static str, [Root; 2], Root),
    /// The row's door is the origin: a clean nginx, before a sidecar that stands before that door.
    Before([Root; 2]),
}

use Pair::{Before, Between};

// === What is said ===

/// The root cause that a doctor names.
#[derive(Clone, Copy)]
enum Root {
    /// It is silent.
    Silence,
    Is {
        rule: &'static str,
        proof: &'static str,
        place: &'static str,
        /// Between which hops a header was lost, and how; nothing where none was.
        lost: &'static str,
        /// Words of the cure.
        cure: &'static str,
    },
}

use Root::Silence;

impl Root {
    const fn new(rule: &'static str, proof: &'static str, place: &'static str, cure: &'static str) -> Self {
        Self::Is { rule, proof, place, lost: "", cure }
    }

    /// The same, of a header that was lost like this.
    const fn lost(self, lost: &'static str) -> Self {
        match self {
            Self::Silence => Self::Silence,
            Self::Is { rule, proof, place, cure, .. } => Self::Is { rule, proof, place, lost, cure },
        }
    }

    /// The same, proved.
    const fn proved(self, lost: &'static str) -> Self {
        match self {
            Self::Silence => Self::Silence,
            Self::Is { rule, place, cure, .. } => Self::Is { rule, proof: "proved", place, lost, cure },
        }
    }

    /// Whether an event, or the silence that is in its place, says this.
    fn is_said_by(self, event: Option<&Value>) -> bool {
        let (Self::Is { rule, proof, place, lost, cure }, Some(event)) = (self, event) else {
            return matches!(self, Self::Silence) && event.is_none();
        };
        let finding = &event["findings"][0];
        let told = ["rule", "proof", "place"].map(|name| finding[name].as_str().unwrap_or_default());
        told == [rule, proof, place]
            && lost_by(event) == lost
            && finding["cure"].as_str().unwrap().contains(cure)
    }
}

/// `after ▸ before: change`.
fn lost_by(event: &Value) -> String {
    let told = ["after", "before", "change"].map(|name| event["lost"][0][name].as_str());
    let [Some(after), Some(before), Some(change)] = told else { return String::new() };
    format!("{after} ▸ {before}: {change}")
}

/// An event as a row has it.
fn told_by(event: &Value) -> String {
    let [rule, proof, place, cure] = ["rule", "proof", "place", "cure"]
        .map(|name| event["findings"][0][name].as_str().unwrap_or_default());
    format!("{rule}, {proof}, {place}, {:?}, {cure:?}", lost_by(event))
}

const LOST_BY_NGINX: Root = before_php("nginx: remove what blanks it");
const LOST_BY_VARNISH: Root = before_php("Varnish: look for VCL that unsets it");
const LOST_BY_APACHE: Root = before_php("`CGIPassAuth On` in the virtual host");
/// The reply names nobody: the cure names all.
const LOST_BY_SOMEBODY: Root = before_php("HAProxy's fcgi-app: `pass-header Authorization`");

const fn before_php(cure: &'static str) -> Root {
    Root::new("authorization-lost-before-php", "likely", "web-server", cure).lost("doctor ▸ php: missing")
}

/// Lost behind both doctors: the edge sees the hop's name in the reply, the sidecar that of the web server.
const fn behind_both(seen_by_sidecar: Root) -> [Root; 2] {
    let lost = "sidecar ▸ php: missing";
    [LOST_BY_SOMEBODY.lost(lost), seen_by_sidecar.lost(lost)]
}

/// Lost between both doctors: they say the same.
const fn between_both(lost: &'static str, cure: &'static str) -> [Root; 2] {
    [Root::new("authorization-lost-between-doctors", "proved", "edge", cure).lost(lost); 2]
}

const MOVED_BY_SOMEBODY: Root = moved("likely", "make the hop in front of the doctor forward Authorization");
const MOVED_BY_API_GATEWAY: Root = moved("proved", "API Gateway: map it back");

const fn moved(proof: &'static str, cure: &'static str) -> Root {
    Root::new("authorization-lost-before-doctor", proof, "edge", cure).lost("client ▸ doctor: moved")
}

const FROM_CACHE: Root = Root::new(
    "report-of-another-exchange",
    "proved",
    "cache",
    "keep requests with credentials out of the cache",
);
/// Proved where WordPress forbids storing by all five directives; this one is older and has three.
const KEPT: Root = Root::new("authenticated-reply-cached", "likely", "cache", "built-in `vcl_recv`");
const REFUSAL_KEPT: Root = Root::new("refusal-from-cache", "likely", "cache", "built-in `vcl_recv`");
const PREFLIGHT_CLOSED: Root = Root::new(
    "preflight-closed-by-plugin",
    "proved",
    "plugin",
    "exempt OPTIONS in the plugin that closes the API",
);
const SECRETS_DIFFER: Root = secrets_differ("likely");

const fn secrets_differ(proof: &'static str) -> Root {
    Root::new("jwt-secret-differs-between-nodes", proof, "plugin", "every machine of the site the same")
}

const OTHER_SECRET: Root =
    Root::new("token-signature-refused", "possible", "plugin", "the same `JWT_AUTH_SECRET_KEY`");
const POSSIBLY_LOST_BY_NGINX: Root =
    Root::new("authorization-lost-before-php", "possible", "web-server", "nginx: remove what blanks it")
        .lost("doctor ▸ php: missing");
/// All that a doctor behind the gate sees is the gate's login.
const BASIC_AT_VALIDATE: Root =
    Root::new("bearer-scheme-wrong", "possible", "client", "send exactly `Authorization: Bearer TOKEN`");
const REPLACED: Root =
    Root::new("authorization-replaced", "likely", "edge", "nginx `proxy_set_header Authorization")
        .lost("doctor ▸ php: replaced");
const FORBIDDEN: Root =
    Root::new("firewall-blocked", "possible", "web-server", "nginx: look for `deny`, `return 403`");
/// Nothing in the page tells whether it stands in the place of WordPress's words.
const SOMEBODYS_PAGE: Root =
    Root::new("firewall-blocked", "possible", "edge", "look into the firewall's log");
const PLAIN_HTTP: Root =
    Root::new("application-passwords-need-https", "possible", "wordpress", "call the site by https://");
const SEES_NO_TLS: Root =
    Root::new("application-passwords-need-https", "likely", "wordpress", "$_SERVER['HTTPS'] = 'on'");
const CLOSED: Root = Root::new("rest-locked-down", "likely", "plugin", "exempt `jwt-auth/v1/token` and");
const GATE: Root = Root::new("gate-in-front", "proved", "gate", "auth_basic off");
const PREFLIGHT_GATED: Root = Root::new("preflight-needs-login", "proved", "gate", "exempt OPTIONS");
const PREFLIGHT_405: Root = Root::new("preflight-method-refused", "proved", "web-server", "--cors-origin");
const LIMIT_OF_NGINX: Root =
    Root::new("header-too-large", "likely", "web-server", "large_client_header_buffers");
const LIMIT_OF_APACHE: Root = Root::new("header-too-large", "likely", "web-server", "LimitRequestFieldSize");
const REDIRECT_TO_PORT: Root =
    Root::new("redirect-drops-authorization", "proved", "web-server", "redirects: rewrite");
const REDIRECT_TO_HTTPS: Root =
    Root::new("redirect-drops-authorization", "likely", "web-server", "ask by https://");
const TWO_ORIGINS: Root = Root::new("cors-headers-doubled", "proved", "web-server", "_hide_header");
const TWO_ORIGINS_BY_SOMEBODY: Root =
    Root::new("cors-headers-doubled", "proved", "web-server", "let the doctor write the CORS fields");
const ANY_ORIGIN: Root = Root::new("cors-headers-wrong", "likely", "web-server", "name the origin");
const FOREIGN: Root =
    Root::new("token-issuer-mismatch", "proved", "wordpress", "set `WP_HOME` to the address");
const NO_SECRET: Root = Root::new("jwt-secret-missing", "likely", "plugin", "JWT_AUTH_SECRET_KEY");
const CLOCK: &str = "compare `date -u`";
const EXPIRED_BY_CLOCK: Root = Root::new("token-expired", "likely", "wordpress", CLOCK);
const EARLY_BY_CLOCK: Root = Root::new("token-not-yet-valid", "proved", "wordpress", CLOCK);
/// Two upstreams, of which one's clock agrees with the doctor's.
const CLOCK_BEHIND: Root =
    Root::new("clock-behind-on-node", "proved", "wordpress", "synchronise the clock of that machine");
/// Through a hop that puts its own Date there, nothing of WordPress's clock shows.
const EARLY: Root = Root::new("token-not-yet-valid", "likely", "wordpress", CLOCK);

// === The table ===

#[rustfmt::skip]
#[expect(clippy::too_many_lines, reason = "a table")]
fn rows() -> Vec<Row> {
    use Sent::{
        AppPassword, AppPasswordOverHttps, ForgedToken, HourlyToken, LongToken, Nothing, Preflight, SubscribersToken, Token,
        TokenAndCookieOfPage, TokenOfPage,
    };

    let row = |door, line, sent, answer, alone, pair| Row { door, first: None, line, sent, answer, alone, pair };
    let after = |first, row| Row { first: Some(first), ..row };
    let silent = Before([Silence; 2]);
    let cached = Between(Varnish, "IGNORES", [FROM_CACHE, Silence], Silence);
    vec![
        // Healthy ones.
        row("NGINX_GOOD", VALIDATE, Token, VALID, Silence, silent),
        row("NGINX_GOOD", PREFLIGHT, Preflight, "200 (html)", Silence, silent),
        row("NGINX_GOOD", ME, TokenAndCookieOfPage, ADMIN, Silence, silent),
        row("NGINX_GOOD", ME, LongToken, ADMIN, Silence, silent),
        row("NGINX_GOOD", ME, AppPassword, ADMIN, Silence, silent),
        row("HAPROXY_PASSES", VALIDATE, Token, VALID, Silence, Between(HaProxy, "CLEAN", [Silence; 2], Silence)),
        row("APACHE_FCGI_FIXED", VALIDATE, Token, VALID, Silence, silent),
        row("MOD_PHP", VALIDATE, Token, VALID, Silence, silent),
        row("VARNISH", ME, Token, ADMIN, Silence, Between(Varnish, "CLEAN", [Silence; 2], Silence)),
        row("MOD_CGI_FIXED", VALIDATE, Token, VALID, Silence, silent),
        row("MOD_FCGID_FIXED", VALIDATE, Token, VALID, Silence, silent),
        row("APACHE_EMPTY", VALIDATE, Token, VALID, Silence, silent),
        row("APACHE_EMPTY", ME, Nothing, ANONYMOUS, Silence, silent),
        row("APACHE_REDIRECT_ONLY", VALIDATE, Token, VALID, Silence, silent),
        row("LOCKDOWN", ME, Token, ADMIN, Silence, silent),
        row("CLOCK_AHEAD", ME, Token, ADMIN, Silence, silent),

        // The web server loses it.
        row("NGINX_BLANK", VALIDATE, Token, NO_HEADER, LOST_BY_NGINX, Before(behind_both(LOST_BY_NGINX))),
        row("APACHE_FCGI_LOST", VALIDATE, Token, NO_HEADER, LOST_BY_APACHE, Before(behind_both(LOST_BY_APACHE))),
        row("MOD_PHP_LOST", VALIDATE, Token, NO_HEADER, LOST_BY_APACHE, Before(behind_both(LOST_BY_APACHE))),
        row("MOD_CGI_LOST", VALIDATE, Token, NO_HEADER, LOST_BY_APACHE, Before(behind_both(LOST_BY_APACHE))),
        row("MOD_FCGID_LOST", VALIDATE, Token, NO_HEADER, LOST_BY_APACHE, Before(behind_both(LOST_BY_APACHE))),
        row("HAPROXY_FCGI", VALIDATE, Token, NO_HEADER, LOST_BY_SOMEBODY, Before(behind_both(LOST_BY_SOMEBODY))),

        // An edge loses it, in one way or another.
        row("HAPROXY_DELETES", VALIDATE, Token, NO_HEADER, LOST_BY_NGINX,
            Between(HaProxy, "DELETES", between_both("edge ▸ sidecar: missing", "HAProxy `http-request del-header Authorization`"), Silence)),
        row("VARNISH_UNSETS", VALIDATE, Token, NO_HEADER, LOST_BY_VARNISH,
            Between(Varnish, "UNSETS", between_both("edge ▸ sidecar: missing", "Varnish `unset req.http.Authorization`"), Silence)),
        row("RENAMING_EDGE", VALIDATE, Token, NO_HEADER, LOST_BY_NGINX,
            Between(Nginx, "MOVES", between_both("edge ▸ sidecar: moved", "find the rule that renames it"), MOVED_BY_SOMEBODY)),
        row("RENAMING_EDGE", ME, Token, ANONYMOUS, POSSIBLY_LOST_BY_NGINX,
            Between(Nginx, "REMAPS", between_both("edge ▸ sidecar: moved", "API Gateway: map it back"), MOVED_BY_API_GATEWAY)),
        row("GATE_REPLACES", VALIDATE, Token, BAD_HEADER, REPLACED,
            Between(HaProxy, "REPLACES", between_both("edge ▸ sidecar: replaced", "nginx `proxy_set_header Authorization \"…\"`"), BASIC_AT_VALIDATE)),

        // A web server answers in WordPress's place, or spoils its answer.
        row("GATE_PASSING", ME, Token, "401 (html)", GATE, Before([GATE; 2])),
        row("GATE_PASSING", PREFLIGHT, Preflight, "401 (html)", PREFLIGHT_GATED, Before([PREFLIGHT_GATED; 2])),
        row("GATE_STRIPPING", ME, Token, "401 (html)", GATE, Before([GATE; 2])),
        row("HEADER_LIMIT", ME, LongToken, "400 (html)", LIMIT_OF_NGINX, Before([LIMIT_OF_NGINX; 2])),
        row("APACHE_HEADER_LIMIT", ME, LongToken, "400 (html)", LIMIT_OF_APACHE, Before([LIMIT_OF_APACHE; 2])),
        row("REDIRECT_PORT", ME, Token, "301 (html)", REDIRECT_TO_PORT, Before([REDIRECT_TO_PORT; 2])),
        row("REDIRECT_HTTPS", ME, Token, "301 (html)", REDIRECT_TO_HTTPS, Before([REDIRECT_TO_HTTPS; 2])),
        row("OPTIONS_405", PREFLIGHT, Preflight, "405 (html)", PREFLIGHT_405, Before([PREFLIGHT_405; 2])),
        row("DUPLICATE_ACAO", ME, TokenOfPage, ADMIN, TWO_ORIGINS, Before([TWO_ORIGINS_BY_SOMEBODY, TWO_ORIGINS])),
        row("WILDCARD_ACAO", ME, TokenAndCookieOfPage, ADMIN, ANY_ORIGIN, Before([ANY_ORIGIN; 2])),

        // An edge answers in WordPress's place.
        row("HTML_403", ME, Token, "403 (html)", FORBIDDEN, Between(Nginx, "FORBIDS", [FORBIDDEN, Silence], Silence)),
        row("ERROR_PAGES", ME, ForgedToken, "403 (html)", SOMEBODYS_PAGE, Between(Nginx, "ERROR_PAGES", [SOMEBODYS_PAGE, OTHER_SECRET], OTHER_SECRET)),
        after(Token, row("CACHING_EDGE", ME, SubscribersToken, ADMIN, KEPT, cached)),
        after(Token, row("CACHING_EDGE", ME, Nothing, ADMIN, KEPT, cached)),
        after(Nothing, row("CACHING_EDGE", ME, Token, ANONYMOUS, REFUSAL_KEPT, cached)),

        // WordPress itself is ill.
        row("WRONG_ISSUER", ME, Token, "403 jwt_auth_bad_iss", FOREIGN, Before([FOREIGN; 2])),
        row("NO_SECRET", ME, Token, "403 jwt_auth_bad_config", NO_SECRET, Before([NO_SECRET; 2])),
        row("OTHER_SECRET", ME, Token, INVALID, OTHER_SECRET, Before([OTHER_SECRET; 2])),
        row("HTTPS_BY_PROTO", ME, AppPassword, ANONYMOUS, PLAIN_HTTP, Before([PLAIN_HTTP; 2])),
        row("LOCKDOWN", PREFLIGHT, Preflight, LOCKED, PREFLIGHT_CLOSED, Before([PREFLIGHT_CLOSED; 2])),
        row("LOCKDOWN", POSTS, Nothing, LOCKED, Silence, silent),
        row("LOCKDOWN", VALIDATE, Token, LOCKED, CLOSED, Before([CLOSED; 2])),
        // The hop in between says http to the sidecar.
        row("PRODUCTION_HTTP", ME, AppPasswordOverHttps, ANONYMOUS, SEES_NO_TLS, Before([SEES_NO_TLS, PLAIN_HTTP])),
        row("TWO_SECRETS", ME, HourlyToken, INVALID, SECRETS_DIFFER, Before([SECRETS_DIFFER; 2])),
        row("CLOCK_AHEAD", ME, HourlyToken, INVALID, EXPIRED_BY_CLOCK, Before([EXPIRED_BY_CLOCK; 2])),
        row("CLOCK_BEHIND", ME, HourlyToken, INVALID, EARLY_BY_CLOCK, Before([EARLY, EARLY_BY_CLOCK])),
    ]
}

/// What PHP's own word makes another verdict of.
#[rustfmt::skip]
const BY_PHP: &[(&str, &str, Root)] = &[
    ("NGINX_BLANK", VALIDATE, LOST_BY_NGINX.proved(MISSING)),
    ("APACHE_FCGI_LOST", VALIDATE, LOST_BY_APACHE.proved(MISSING)),
    ("MOD_PHP_LOST", VALIDATE, before_php("Apache (mod_php): `CGIPassAuth On`").proved(MISSING)),
    ("MOD_CGI_LOST", VALIDATE, before_php("Apache (CGI): `CGIPassAuth On`").proved(MISSING)),
    ("MOD_FCGID_LOST", VALIDATE, before_php("`FcgidPassHeader Authorization`").proved(MISSING)),
    ("HAPROXY_FCGI", VALIDATE, before_php("HAProxy: `pass-header Authorization` in the `fcgi-app`").proved(MISSING)),
    ("HAPROXY_DELETES", VALIDATE, before_php("HAProxy's `http-request del-header Authorization`").proved(MISSING)),
    ("VARNISH_UNSETS", VALIDATE, LOST_BY_VARNISH.proved(MISSING)),
    ("RENAMING_EDGE", VALIDATE, before_php("find the rule that renames it").proved("sidecar ▸ php: moved")),
    ("RENAMING_EDGE", ME, before_php("find the rule that renames it").proved("sidecar ▸ php: moved")),
    ("GATE_REPLACES", VALIDATE, REPLACED_BY_GATE.proved("sidecar ▸ php: replaced")),
];
const MISSING: &str = "sidecar ▸ php: missing";
const REPLACED_BY_GATE: Root =
    Root::new("authorization-replaced-before-php", "proved", "gate", "`proxy_set_header Authorization");

const ADMIN: &str = "200 (user admin)";
const VALID: &str = "200 jwt_auth_valid_token";
const ANONYMOUS: &str = "401 rest_not_logged_in";
const LOCKED: &str = "401 rest_cannot_access";
const NO_HEADER: &str = "403 jwt_auth_no_auth_header";
const BAD_HEADER: &str = "403 jwt_auth_bad_auth_header";
const INVALID: &str = "403 jwt_auth_invalid_token";

/// The names of all doors of the stand.
pub(crate) fn doors() -> Vec<&'static str> {
    let is_door = |(_, value): &(&'static String, &'static String)| value.starts_with("127.0.0.1:");
    Stand::up().0.iter().filter(is_door).map(|(name, _)| name.as_str()).collect()
}

// === The ways ===

/// What a way found otherwise than the row has it.
type Differences = Vec<String>;

impl Row {
    /// Asks; a call of `connect` for each request. `is_prepared` is called before what counts.
    fn ask(&self, connect: impl Fn() -> Wire, is_prepared: impl Fn()) -> Differences {
        let line = self.first.map_or_else(
            || self.line.to_owned(),
            |first| {
                let line = never_asked(self.line);
                Ask::new(&line, first.headers()).over(connect());
                is_prepared();
                line
            },
        );
        let ask = Ask::new(&line, self.sent.headers());
        let answers = std::iter::repeat_with(|| said(&ask.over(connect()))).take(self.turns());
        let answers: Vec<_> = answers.collect();
        let is_it = answers.iter().any(|answer| answer == self.answer);
        if is_it { vec![] } else { vec![format!("{answers:?}, not {}", self.answer)] }
    }

    /// How often it takes to be asked until each node was, and one of them again: which one answers is chance, and that so many
    /// answers do not come so is less likely than one in ten thousand.
    fn turns(&self) -> usize {
        if self.door == "TWO_SECRETS" { 24 } else { 1 }
    }

    fn without_a_doctor(&self) -> Differences {
        let address = Stand::up().get(self.door).parse().unwrap();
        self.ask(|| Wire::to(address), || ())
    }

    fn alone(&self) -> Differences {
        let doctor = doctor_before(&[self.door]);
        let mut differences = self.ask(|| doctor.connect(), || drop(verdict(&doctor)));
        differences.extend(difference(self.alone, &doctor));
        differences
    }

    /// With the plugin in PHP that says what arrived there.
    fn with_php(&self) -> Differences {
        let (doctor, _keys) = php_hop::doctor_before(self.door, php_hop::KEY);
        let mut differences = self.ask(|| doctor.connect(), || drop(verdict(&doctor)));
        differences.extend(difference(self.by_php(), &doctor));
        differences
    }

    /// The root cause where PHP's own word is heard.
    fn by_php(&self) -> Root {
        // PHP forbids to store what has its answer to the doctor in it.
        if self.door == "CACHING_EDGE" && self.answer == ADMIN {
            return KEPT.proved("");
        }
        let by_php = BY_PHP.iter().find(|(door, line, _)| *door == self.door && *line == self.line);
        by_php.map_or(self.alone, |(_, _, root)| *root)
    }

    fn behind_an_edge(&self) -> Differences {
        let Between(server, door, _, root) = self.pair else { return vec![] };
        let doctor = doctor_before(&["NGINX_GOOD"]);
        let hop = Hop::before(doctor.address(), server);
        let mut differences = self.ask(|| Wire::to(hop.door(door)), || drop(verdict(&doctor)));
        differences.extend(difference(root, &doctor));
        differences
    }

    fn as_a_pair(&self) -> Differences {
        let (way, hop, roots) = match self.pair {
            Between(server, hop, roots, _) => (Way::through(server), hop, roots),
            Before(roots) => (Way::before(self.door), "CLEAN", roots),
        };
        let pair = way.pair(hop);
        let doctors = [&pair.edge, pair.sidecar];
        let mut differences = self.ask(|| pair.edge.connect(), || drop(doctors.map(verdict)));
        let found = ["edge", "sidecar"].into_iter().zip(roots.into_iter().zip(doctors));
        let found = found.filter_map(|(name, (root, doctor))| Some((name, difference(root, doctor)?)));
        differences.extend(found.map(|(name, difference)| format!("{name}: {difference}")));
        differences
    }
}

/// One doctor before these doors, which logs sick exchanges only and believes what a proxy says of https.
fn doctor_before(doors: &[&str]) -> Doctor {
    let upstreams = doors.iter().map(|door| format!("{{ url: \"{}\" }}", Stand::up().get(door)));
    let upstreams = upstreams.collect::<Vec<_>>().join(", ");
    Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\n\
         trusted_proxies: [loopback]\n\
         sites: [{{ upstreams: [{upstreams}] }}]\n\
         workers: 1\n\
         log: {{ format: json, repeats: 0s }}\n"
    ))
}

/// A request line that no cache has heard of.
fn never_asked(line: &str) -> String {
    static ASKED: AtomicU64 = AtomicU64::new(0);
    format!("{line}?asked={}-{}-{}", now(), std::process::id(), ASKED.fetch_add(1, Ordering::Relaxed))
}

/// The last event with a finding that nobody has asked for yet.
fn verdict(doctor: &Doctor) -> Option<Value> {
    doctor.connect().send("NONSENSE\r\n\r\n").read_to_end();
    let is_end = |event: &Value| event["refusal"]["code"] == "header_doctor_request_line";
    let events = std::iter::repeat_with(|| doctor.event()).take_while(|event| !is_end(event));
    events.filter(|event| event["findings"][0].is_object()).last()
}

fn difference(root: Root, doctor: &Doctor) -> Option<String> {
    let event = verdict(doctor);
    let is_it = root.is_said_by(event.as_ref());
    (!is_it).then(|| event.as_ref().map_or_else(|| "silence".to_owned(), told_by))
}

/// Holds every row to what this way finds, and shows all differences at once.
fn hold(way: impl Fn(&Row) -> Differences) {
    let differences = rows().into_iter().flat_map(|row| {
        let found = way(&row).into_iter();
        found.map(|found| format!("{} {}: {found}", row.door, row.line)).collect::<Vec<_>>()
    });
    let differences: Vec<_> = differences.collect();
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}

#[test]
fn every_door_has_a_row() {
    let rows = rows();
    let mut left = doors();
    left.retain(|door| rows.iter().all(|row| row.door != *door));
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_door_is_what_it_says() {
    hold(Row::without_a_doctor);
}

#[test]
fn a_doctor_before_the_door_names_the_root() {
    hold(Row::alone);
}

#[test]
fn a_doctor_that_asks_php_names_the_root() {
    hold(Row::with_php);
}

#[test]
fn a_doctor_behind_an_edge_names_the_root() {
    hold(Row::behind_an_edge);
}

#[test]
fn doctors_on_both_sides_name_the_root() {
    hold(Row::as_a_pair);
}

/// The same as behind a balancer, but here the doctor knows whom it asked.
#[test]
fn a_doctor_before_nodes_that_differ_names_the_root() {
    let token_of = |door: &str| {
        let stand = Stand::up();
        let login = json!({ "username": stand.get("ADMIN_USER"), "password": stand.get("ADMIN_PASSWORD") });
        let headers = vec![("Content-Type", "application/json".to_owned())];
        let ask = Ask { body: &login.to_string(), ..Ask::new(TOKEN, headers) };
        let reply = ask.over(Wire::to(stand.get(door).parse().unwrap()));
        format!("Bearer {}", reply.json()["token"].as_str().unwrap())
    };
    for (nodes, issued_by, root) in [
        (["NGINX_GOOD", "OTHER_SECRET"], "NGINX_GOOD", secrets_differ("proved")),
        (["NGINX_GOOD", "OTHER_SECRET"], "OTHER_SECRET", secrets_differ("proved")),
        (["MOD_PHP", "CLOCK_AHEAD"], "CLOCK_AHEAD", EARLY_BY_CLOCK),
        (["MOD_PHP", "CLOCK_BEHIND"], "MOD_PHP", CLOCK_BEHIND),
    ] {
        let doctor = doctor_before(&nodes);
        let ask = Ask::new(ME, vec![("Authorization", token_of(issued_by))]);
        let mut answers: Vec<_> = (0..8).map(|_| said(&ask.over(doctor.connect()))).collect();
        answers.sort();
        answers.dedup();
        assert_eq!(answers, [ADMIN, INVALID], "{nodes:?}");
        assert_eq!(difference(root, &doctor), None, "{nodes:?}, a token of {issued_by}");
    }
}
