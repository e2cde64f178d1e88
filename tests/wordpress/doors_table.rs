//! What the doctor says at doors that lose, move, replace, cache, forbid or answer by a wrong clock: one table, two ways.
//!
//! Alone, the doctor stands before the door. As a pair, a hop that does what the door does stands between two doctors, where
//! another doctor can stand behind it (an edge, a cache); where the door is the origin itself, a clean nginx is the hop, and the
//! sidecar stands before the door. A row tells the root cause that is named today; a better rule replaces it there.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::judge::{Ask, ME, TOKEN, VALIDATE, said};
use crate::pair::Way;
use crate::pair::hop::Server::{self, HaProxy, Nginx, Varnish};
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
    /// An application password, by a client that speaks https to a proxy before all of this.
    AppPasswordOverHttps,
    /// What a browser asks before it sends a token.
    Preflight,
}

impl Sent {
    fn headers(self) -> Vec<(&'static str, String)> {
        let stand = Stand::up();
        let signed = |secret: &str| {
            let claims = changed(&claims(stand, 1, now()), "exp", json!(now() + 3600));
            vec![("Authorization", format!("Bearer {}", sign(&claims, secret)))]
        };
        match self {
            Self::Nothing => vec![],
            Self::Token => vec![("Authorization", bearer_of("ADMIN"))],
            Self::SubscribersToken => vec![("Authorization", bearer_of("SUBSCRIBER"))],
            Self::HourlyToken => signed(stand.get("SECRET")),
            Self::ForgedToken => signed("the secret of nobody here"),
            Self::AppPasswordOverHttps => vec![
                ("Authorization", basic(stand.get("ADMIN_USER"), stand.get("ADMIN_APP_PASSWORD"))),
                ("X-Forwarded-Proto", "https".to_owned()),
            ],
            Self::Preflight => vec![
                ("Origin", "https://app.test".to_owned()),
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

/// What stands between two doctors, and what the edge and the sidecar say.
#[derive(Clone, Copy)]
enum Pair {
    /// The row's door is an edge: this door of a hop, which does the same, before a sidecar that stands before the good door.
    Between(Server, &'static str, [Root; 2]),
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

const FROM_CACHE: Root = Root::new(
    "report-of-another-exchange",
    "proved",
    "cache",
    "keep requests with credentials out of the cache",
);
const PREFLIGHT_CLOSED: Root =
    Root::new("preflight-blocked", "proved", "plugin", "exempt OPTIONS in the plugin that closes the API");
/// A token was accepted here lately, which is why the client is suspected.
const OLD_TOKEN: Root =
    Root::new("token-signature-refused", "possible", "client", "log in to this site again");
const OTHER_SECRET: Root =
    Root::new("token-signature-refused", "possible", "plugin", "the same `JWT_AUTH_SECRET_KEY`");
const POSSIBLY_LOST_BY_NGINX: Root =
    Root::new("authorization-lost-before-php", "possible", "web-server", "nginx: remove what blanks it")
        .lost("doctor ▸ php: missing");
const CLIENT_TO_DOCTOR: &str = "client ▸ doctor: missing";
const CLIENT_TO_EDGE: &str = "client ▸ edge: missing";
const CLOCK: &str = "compare `date -u`";
const EXPIRED_BY_CLOCK: Root = Root::new("token-expired", "likely", "wordpress", CLOCK);
const EARLY_BY_CLOCK: Root = Root::new("token-not-yet-valid", "proved", "wordpress", CLOCK);
/// Through a hop that puts its own Date there, nothing of WordPress's clock shows.
const EARLY: Root = Root::new("token-not-yet-valid", "likely", "wordpress", CLOCK);

// === The table ===

#[rustfmt::skip] // a table
fn rows() -> Vec<Row> {
    use Sent::{AppPasswordOverHttps, ForgedToken, HourlyToken, Nothing, Preflight, SubscribersToken, Token};

    let row = |door, line, sent, answer, alone, pair| Row { door, first: None, line, sent, answer, alone, pair };
    let after = |first, row| Row { first: Some(first), ..row };
    let silent = Before([Silence; 2]);
    let cached = Between(Varnish, "IGNORES", [FROM_CACHE, Silence]);
    vec![
        // Healthy ones.
        row("VARNISH", ME, Token, ADMIN, Silence, Between(Varnish, "CLEAN", [Silence; 2])),
        row("MOD_CGI_FIXED", VALIDATE, Token, VALID, Silence, silent),
        row("MOD_FCGID_FIXED", VALIDATE, Token, VALID, Silence, silent),
        row("APACHE_EMPTY", VALIDATE, Token, VALID, Silence, silent),
        row("APACHE_EMPTY", ME, Nothing, ANONYMOUS, Silence, silent),
        row("APACHE_REDIRECT_ONLY", VALIDATE, Token, VALID, Silence, silent),
        row("LOCKDOWN", ME, Token, ADMIN, Silence, silent),
        row("CLOCK_AHEAD", ME, Token, ADMIN, Silence, silent),

        // The web server loses it.
        row("MOD_CGI_LOST", VALIDATE, Token, NO_HEADER, LOST_BY_APACHE, Before(behind_both(LOST_BY_APACHE))),
        row("MOD_FCGID_LOST", VALIDATE, Token, NO_HEADER, LOST_BY_APACHE, Before(behind_both(LOST_BY_APACHE))),
        row("HAPROXY_FCGI", VALIDATE, Token, NO_HEADER, LOST_BY_SOMEBODY, Before(behind_both(LOST_BY_SOMEBODY))),

        // An edge loses it, in one way or another.
        row("VARNISH_UNSETS", VALIDATE, Token, NO_HEADER, LOST_BY_NGINX,
            Between(Varnish, "UNSETS", between_both("edge ▸ sidecar: missing", "Varnish `unset req.http.Authorization`"))),
        row("RENAMING_EDGE", VALIDATE, Token, NO_HEADER, LOST_BY_NGINX,
            Between(Nginx, "MOVES", between_both("edge ▸ sidecar: moved", "find the rule that renames it"))),
        row("GATE_REPLACES", VALIDATE, Token, BAD_HEADER, Silence,
            Between(HaProxy, "REPLACES", between_both("edge ▸ sidecar: replaced", "nginx `proxy_set_header Authorization \"…\"`"))),

        // An edge answers in WordPress's place.
        row("HTML_403", ME, Token, "403 (html)", Silence, Between(Nginx, "FORBIDS", [Silence; 2])),
        row("ERROR_PAGES", ME, ForgedToken, "403 (html)", Silence, Between(Nginx, "ERROR_PAGES", [Silence, OTHER_SECRET])),
        after(Token, row("CACHING_EDGE", ME, SubscribersToken, ADMIN, Silence, cached)),
        after(Token, row("CACHING_EDGE", ME, Nothing, ADMIN, Silence, cached)),
        // Nobody lost it: nobody asked WordPress.
        after(Nothing, row("CACHING_EDGE", ME, Token, ANONYMOUS, POSSIBLY_LOST_BY_NGINX, cached)),

        // WordPress itself is ill.
        row("LOCKDOWN", PREFLIGHT, Preflight, LOCKED, PREFLIGHT_CLOSED.lost(CLIENT_TO_DOCTOR), Before([PREFLIGHT_CLOSED.lost(CLIENT_TO_EDGE); 2])),
        row("LOCKDOWN", POSTS, Nothing, LOCKED, Silence, silent),
        row("LOCKDOWN", VALIDATE, Token, LOCKED, Silence, silent),
        row("PRODUCTION_HTTP", ME, AppPasswordOverHttps, ANONYMOUS, Silence, silent),
        row("TWO_SECRETS", ME, HourlyToken, INVALID, OLD_TOKEN, Before([OLD_TOKEN; 2])),
        row("CLOCK_AHEAD", ME, HourlyToken, INVALID, EXPIRED_BY_CLOCK, Before([EXPIRED_BY_CLOCK; 2])),
        row("CLOCK_BEHIND", ME, HourlyToken, INVALID, EARLY_BY_CLOCK, Before([EARLY, EARLY_BY_CLOCK])),
    ]
}

const ADMIN: &str = "200 (user admin)";
const VALID: &str = "200 jwt_auth_valid_token";
const ANONYMOUS: &str = "401 rest_not_logged_in";
const LOCKED: &str = "401 rest_cannot_access";
const NO_HEADER: &str = "403 jwt_auth_no_auth_header";
const BAD_HEADER: &str = "403 jwt_auth_bad_auth_header";
const INVALID: &str = "403 jwt_auth_invalid_token";

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

    /// How often it takes to be asked until every node has been: another test may ask in between.
    fn turns(&self) -> usize {
        if self.door == "TWO_SECRETS" { 8 } else { 1 }
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

    fn as_a_pair(&self) -> Differences {
        let (way, hop, roots) = match self.pair {
            Between(server, hop, roots) => (Way::through(server), hop, roots),
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
fn a_door_is_what_it_says() {
    hold(Row::without_a_doctor);
}

#[test]
fn a_doctor_before_the_door_names_the_root() {
    hold(Row::alone);
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
        (["NGINX_GOOD", "OTHER_SECRET"], "NGINX_GOOD", OLD_TOKEN),
        (["NGINX_GOOD", "OTHER_SECRET"], "OTHER_SECRET", OLD_TOKEN),
        (["MOD_PHP", "CLOCK_AHEAD"], "CLOCK_AHEAD", EARLY_BY_CLOCK),
        (["MOD_PHP", "CLOCK_BEHIND"], "MOD_PHP", EARLY_BY_CLOCK),
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
