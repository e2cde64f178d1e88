//! Runs `tests/corpus/<rule>/<case>.yaml` through the functions the exchange uses: look, trail, symptom, diagnose.
//!
//! Each rule must have a case that fires and a near miss: an exchange that looks alike and must not be blamed on
//! it. `{jwt exp=1700000000 alg="RS256"}` in a field stands for a made-up token with these claims and this algorithm.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use header_doctor::browser::withheld;
use header_doctor::diagnosis::{Desk, Finding, Place, RULES, diagnose};
use header_doctor::event::complaint;
use header_doctor::evidence::{
    Arrival, Arrived, By, Code, Company, Crossing, Denied, Elsewhere, HopName, IssuedAhead, Memory, Minute,
    Newer, Opinion, OtherWay, Past, PhpSaw, Refresh, Return, Script, SiteCode, Skew, Symptom, TakenHere,
    Trail, Trouble, Watched, changes, look,
};
use header_doctor::headers::Scheme;
use header_doctor::headers::redirects::{Asked, Redirect};
use header_doctor::message::{Fields, Name, ReplyHead, RequestHead, Status, Version};
use header_doctor::moment::Moment;
use header_doctor::secret::{Key, KeyId, TrailKey};
use serde::Deserialize;

/// One exchange and what must be concluded from it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// Why this case is here.
    pub(crate) why: String,
    request: RequestPart,
    /// What the doctor changed: a new value, or nothing to remove the field.
    #[serde(default)]
    changed: BTreeMap<String, Option<String>>,
    /// What the doctor did beside that, and what it remembers.
    #[serde(default)]
    doctor: DoctorPart,
    /// What happened before, by the historian's word.
    #[serde(default)]
    past: PastPart,
    /// What the doctors told one another.
    company: Option<CompanyPart>,
    /// What the plugin in PHP told the doctor, which then has the name `sidecar` where no company says otherwise.
    php_hop: Option<PhpPart>,
    reply: ReplyPart,
    /// The findings in order; none for a near miss.
    expect: Vec<Expected>,
}

impl Case {
    /// Whether this rule must have a finding.
    pub(crate) fn expects(&self, rule: &str) -> bool {
        self.expect.iter().any(|expected| expected.rule == rule)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestPart {
    line: String,
    #[serde(default)]
    fields: Vec<BTreeMap<String, String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct DoctorPart {
    /// Fields that `Connection` nominated and that stayed.
    nominated: Vec<String>,
    /// Whether a preflight announced `authorization`.
    promised: bool,
    /// Whether the upstream accepted such a credential shortly before.
    accepted: bool,
    /// Whether the doctors behind proved shortly before that `Origin` does not reach them.
    origin_stripped: bool,
    /// Whether the doctor asked by itself.
    probe: bool,
    /// Whether the index offers no application passwords.
    unoffered: bool,
    /// By which other way the same request did well: `behind` or `beside`.
    other_way: String,
    /// Whose `X-Forwarded-Proto: https` was not believed.
    disbelieved: Option<String>,
    /// Whether the client used TLS, by a trusted word.
    https: bool,
    /// What PHP complained of where it was asked directly; empty where it said nothing.
    php: Option<String>,
    /// Whether the doctor saw the script's file.
    script_seen: bool,
    /// The code with which asking PHP failed; the reply is the doctor's own.
    failure: Option<String>,
    /// The preflight that the policy refused.
    denied: Option<DeniedPart>,
    /// Whether the policy let the reply go without `Access-Control-Allow-Origin`.
    undressed: bool,
    /// The codes that the configuration explains.
    codes: Vec<CodePart>,
}

/// One entry of `diagnosis.codes`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodePart {
    code: String,
    status: Option<u16>,
    means: String,
    place: String,
    desk: String,
    #[serde(default, rename = "do")]
    cure: String,
}

/// What happened before. Times are in seconds ago; upstreams are named.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PastPart {
    here: Option<String>,
    /// A newer token: `refresh-token` or `user` by which it is known, how long ago, and for how long the old one was refused.
    newer: Option<(String, u64, Option<u64>)>,
    /// Tokens, refusals, and refusals of the same token within a minute.
    minute: (u16, u16, u16),
    pointless: u16,
    refresh_rotated: Option<u64>,
    refresh_refused: u16,
    refresh_is_access_token: bool,
    validated: Option<u64>,
    served: Option<u64>,
    /// The other upstream, whether it `took` or `issued` the token, how long ago, and whether it was refused here before.
    elsewhere: Option<(String, String, u64, bool)>,
    /// Whether the same upstream `took` or `issued` the token, how long ago, and whether it had refused it before.
    taken_here: Option<(String, u64, bool)>,
    agreeing: Option<String>,
    /// Of which upstream PHP told another secret.
    other_secret: Option<String>,
    /// The issuer, and by how many seconds it was ahead.
    issued_ahead: Option<(String, u64)>,
    read_a_bad_one: Option<u64>,
    /// What the doctor found out itself, `lost` or `arrives`, and how long ago.
    opinion: Option<(String, u64)>,
}

fn is_issued(did: &str) -> bool {
    match did {
        "issued" => true,
        "took" => false,
        other => panic!("{other} the token"),
    }
}

impl PastPart {
    fn past(&self) -> Past {
        let ago = Duration::from_secs;
        let newer = self.newer.as_ref().map(|(by, at, refused)| Newer {
            ago: ago(*at),
            by: match by.as_str() {
                "refresh-token" => By::ItsRefreshToken,
                "user" => By::TheSameUser,
                other => panic!("newer by {other}"),
            },
            refused_for: refused.map(ago),
        });
        let (tokens, refusals, same_token) = self.minute;
        Past {
            here: self.here.as_deref().map(Into::into),
            newer,
            minute: Minute { tokens, refusals, same_token },
            pointless: self.pointless,
            refresh: Refresh {
                rotated: self.refresh_rotated.map(ago),
                refused: self.refresh_refused,
                is_access_token: self.refresh_is_access_token,
            },
            validated: self.validated.map(ago),
            served: self.served.map(ago),
            elsewhere: self.elsewhere.as_ref().map(|(upstream, did, at, refused_before)| Elsewhere {
                upstream: upstream.as_str().into(),
                ago: ago(*at),
                issued: is_issued(did),
                unsigned_before: *refused_before,
                refused_before: *refused_before,
            }),
            taken_here: self.taken_here.as_ref().map(|(did, at, refused_before)| TakenHere {
                ago: ago(*at),
                issued: is_issued(did),
                refused_before: *refused_before,
            }),
            agreeing: self.agreeing.as_deref().map(Into::into),
            other_secret: self.other_secret.as_deref().map(Into::into),
            issued_ahead: self
                .issued_ahead
                .as_ref()
                .map(|(upstream, by)| IssuedAhead { upstream: upstream.as_str().into(), by: ago(*by) }),
            opinion: self.opinion.as_ref().map(|(word, at)| {
                let opinion = match word.as_str() {
                    "lost" => Opinion::Lost,
                    "arrives" => Opinion::Arrives,
                    other => panic!("opinion: {other}"),
                };
                (opinion, ago(*at))
            }),
            read_a_bad_one: self.read_a_bad_one.map(ago),
        }
    }
}

/// Two doctors, `edge` and `sidecar`, and which of them judges.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CompanyPart {
    own: String,
    /// What the edge sent, where the sidecar judges what arrived.
    sent: Option<Pairs>,
    /// What arrived at the sidecar, where the edge judges what it sent.
    arrived: Option<Pairs>,
    /// Whether only the judgement was handed on.
    #[serde(default)]
    handed: bool,
    /// The doctor in front, as the configuration names it.
    front: Option<String>,
    #[serde(default)]
    arrival: String,
    #[serde(default)]
    report: String,
    /// Whether it was put together from logs.
    #[serde(default)]
    logged: bool,
}

/// What PHP saw, by its variables; what is left out was not there.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PhpPart {
    sapi: Option<String>,
    /// `HTTP_AUTHORIZATION`, and with one or two `REDIRECT_` before it.
    server: Option<String>,
    redirected: Option<String>,
    redirected_twice: Option<String>,
    /// `Authorization` in `getallheaders()`, by the name that it has there.
    all_headers: BTreeMap<String, String>,
    /// `PHP_AUTH_USER:PHP_AUTH_PW`.
    login: Option<String>,
    auth_type: Option<String>,
    /// Other headers with a credential.
    others: BTreeMap<String, String>,
    /// Watched headers that were sent and did not arrive; all others did, as they were.
    lost: Vec<String>,
    /// The user's number, by what WordPress knew it, and the roles: `3,token,editor`.
    user: Option<String>,
    /// `FOLDER:VERSION`.
    plugins: Option<String>,
    /// Whether there are routes under `jwt-auth/v1`.
    token_routes: bool,
    /// By how many seconds PHP's clock is ahead of the doctor's.
    ahead: i64,
    /// Whether PHP answered a doctor behind this one, which handed it on.
    handed: bool,
}

type Pairs = Vec<BTreeMap<String, String>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeniedPart {
    message: String,
    setting: String,
    missing: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplyPart {
    status: u16,
    #[serde(default)]
    fields: Vec<BTreeMap<String, String>>,
    #[serde(default)]
    body: String,
    /// Our clock when it came, in seconds.
    received: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    rule: String,
    proof: String,
    place: String,
    desk: String,
    severity: String,
    /// A phrase that the cure must hold.
    cure: String,
    /// A phrase that the summary must hold.
    #[serde(default)]
    says: String,
    /// Things that must be acquitted.
    #[serde(default)]
    cleared: Vec<String>,
    /// A phrase of the command that would decide it.
    decide: Option<String>,
}

#[test]
fn every_case_yields_what_it_should() {
    let mut wrong = Vec::new();
    for (path, case) in cases() {
        let findings = judge(&case);
        let rules: Vec<_> = findings.iter().map(|finding| finding.rule).collect();
        let expected: Vec<_> = case.expect.iter().map(|expected| expected.rule.as_str()).collect();
        if rules != expected {
            wrong.push(format!("{path}: {}\n  found {rules:?}, expected {expected:?}", case.why));
            continue;
        }
        for (finding, expected) in findings.iter().zip(&case.expect) {
            wrong.extend(compare(&path, finding, expected));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_a_case_that_fires_and_a_near_miss() {
    let cases = cases();
    for rule in RULES {
        let own = || cases.iter().filter(|(path, _)| path.starts_with(&format!("{}/", rule.id())));
        let fires = |case: &Case| case.expect.iter().any(|expected| expected.rule == rule.id());
        assert!(own().any(|(_, case)| fires(case)), "{}: no case that fires", rule.id());
        assert!(own().any(|(_, case)| !fires(case)), "{}: no near miss", rule.id());
    }
}

/// The folder of exchanges that nothing is wrong with, whatever rule they might remind of.
pub(crate) const HEALTHY: &str = "healthy";

#[test]
fn every_folder_is_a_rule_or_holds_what_is_healthy() {
    for (path, case) in cases() {
        let folder = path.split('/').next().unwrap();
        let is_healthy = folder == HEALTHY && case.expect.is_empty();
        assert!(is_healthy || header_doctor::diagnosis::rule(folder).is_some(), "{path}");
    }
}

#[test]
fn no_finding_quotes_a_token() {
    for (path, case) in cases() {
        let shown = format!("{:?}", judge(&case));
        assert!(!shown.contains("eyJ") && !shown.contains("c2ln"), "{path}: {shown}");
    }
}

/// What is not as expected, a line for each.
fn compare(path: &str, finding: &Finding, expected: &Expected) -> Vec<String> {
    let command = finding.decide.as_ref().map(|decision| decision.command.as_str());
    let phrase = expected.decide.as_deref().unwrap_or_default();
    let word = |name: &str, is: &str, should: &str| (is == should, format!("{name}: {is}"));
    let mut held = vec![
        word("proof", finding.proof.word(), &expected.proof),
        word("place", finding.place.word(), &expected.place),
        word("desk", finding.desk.word(), &expected.desk),
        word("severity", finding.severity.word(), &expected.severity),
        (finding.cure.contains(&expected.cure), format!("cure: {}", finding.cure)),
        (finding.summary.contains(&expected.says), format!("summary: {}", finding.summary)),
        (command.is_some() == expected.decide.is_some(), format!("decide: {command:?}")),
        (command.unwrap_or_default().contains(phrase), format!("decide: {command:?}")),
    ];
    let cleared =
        |thing: &String| (finding.cleared.contains(&thing.as_str()), format!("{thing} is not cleared"));
    held.extend(expected.cleared.iter().map(cleared));
    let failed = held.into_iter().filter(|(holds, _)| !holds);
    failed.map(|(_, what)| format!("{path}: {}: {what}", finding.rule)).collect()
}

pub(crate) fn judge(case: &Case) -> Vec<Finding> {
    let Exchange { trail, symptom, .. } = exchange(case);
    diagnose(&trail, &symptom)
}

/// What the doctor would see of a case.
pub(crate) struct Exchange {
    /// What PHP complained of, as it is shown; nothing where another was asked.
    pub(crate) php: Option<String>,
    /// Whether there was no reply, and the doctor answered.
    pub(crate) has_failed: bool,
    /// As it was sent on.
    pub(crate) request: RequestHead,
    /// Whether it came with `Authorization`.
    pub(crate) has_credential: bool,
    pub(crate) trail: Trail,
    pub(crate) symptom: Symptom,
}

pub(crate) fn exchange(case: &Case) -> Exchange {
    let (method, target) = case.request.line.split_once(' ').unwrap();
    let mut request = RequestHead::build(method, target, fields(&case.request.fields));
    let arrived = look(&request.fields);
    for (name, value) in &case.changed {
        let id = Name::of(name.as_bytes());
        assert_ne!(id, Name::Other, "{name} is not a name the product changes");
        match value {
            Some(value) => request.fields.set(id, expand(value).as_bytes()),
            None => drop(request.fields.remove(id)),
        }
    }
    let sent = look(&request.fields);
    let mut trail = Trail::read(&request, &arrived, &sent, &Key::from_bytes(&[9; 32]));
    let doctor = &case.doctor;
    trail.memory = memory(doctor);
    *trail.past = case.past.past();
    if doctor.script_seen {
        trail.script = Script::Seen;
    }
    trail.treatment.nominated = doctor.nominated.iter().map(|name| Name::of(name.as_bytes())).collect();
    trail.treatment.disbelieved = doctor.disbelieved.as_deref().map(Into::into);
    let reply = ReplyHead::build(Status::new(case.reply.status).unwrap(), fields(&case.reply.fields));
    let mut symptom = Symptom::read(
        &request,
        &reply,
        case.reply.body.as_bytes(),
        Moment::from_seconds(case.reply.received),
    );
    symptom.blocked = withheld(&request, &reply);
    symptom.php = trouble(doctor);
    if trail.memory.direct {
        symptom.forget_server();
    }
    trail.treatment.undressed = doctor.undressed;
    trail.site_codes = doctor.codes.iter().map(site_code).collect();
    let scheme = if doctor.https { Scheme::Https } else { Scheme::Http };
    let asked = Asked::new(&request, scheme);
    symptom.led = asked.and_then(|asked| Redirect::read(&reply, &asked).map(|redirect| redirect.led()));
    trail.treatment.denied = doctor.denied.as_ref().map(|denied| Denied {
        message: denied.message.clone(),
        setting: denied.setting.clone().leak(),
        missing: denied.missing.clone(),
    });
    let has_credential = arrived.has(Watched::Authorization);
    let came = fields(&case.request.fields);
    trail.company = case.company.as_ref().map(|part| Box::new(company(part, &came, &request.fields)));
    enter_php(case, &mut trail, &request.fields);
    let php = doctor.php.as_ref().map(|said| complaint(said.as_bytes()).unwrap_or_default());
    Exchange { php, has_failed: doctor.failure.is_some(), request, has_credential, trail, symptom }
}

fn memory(doctor: &DoctorPart) -> Memory {
    Memory {
        promised: doctor.promised,
        accepted: doctor.accepted,
        origin_stripped: doctor.origin_stripped,
        direct: doctor.php.is_some() || doctor.failure.is_some(),
        probe: doctor.probe,
        unoffered: doctor.unoffered,
        other_way: match doctor.other_way.as_str() {
            "" => None,
            "behind" => Some(OtherWay::Behind),
            "beside" => Some(OtherWay::Beside),
            other => panic!("{other} is no way"),
        },
    }
}

fn site_code(part: &CodePart) -> SiteCode {
    SiteCode {
        code: Code::new(&part.code).unwrap(),
        status: part.status,
        means: part.means.as_str().into(),
        place: Place::of(&part.place).unwrap().word(),
        desk: Desk::of(&part.desk).unwrap().word(),
        cure: part.cure.as_str().into(),
    }
}

/// What is wrong with PHP, by what it said or by the way it failed.
fn trouble(doctor: &DoctorPart) -> Option<Trouble> {
    let said = doctor.php.as_deref().unwrap_or_default().as_bytes();
    let heard = complaint(said).and_then(|shown| Trouble::heard(said, &shown));
    heard.or_else(|| Trouble::of_failure(doctor.failure.as_deref()?))
}

/// The company of a case, by the judgement that the doctors use.
fn company(part: &CompanyPart, came: &Fields, went: &Fields) -> Company {
    let name = |text: &str| HopName::new(text).unwrap();
    let mut company = Company::of(name(&part.own));
    company.is_signed = !part.logged;
    company.front = part.front.as_deref().map(name);
    if let Some(sent) = &part.sent {
        company.before.push(crossing(&fields(sent), came, part.handed));
        company.front = Some(name("edge"));
    }
    company.behind.extend(part.arrived.as_ref().map(|fell| crossing(went, &fields(fell), part.handed)));
    company.arrival = arrival(&part.arrival);
    company.report = match &*part.report {
        "" => Return::None,
        "believed" => Return::Believed,
        "another" => Return::Another,
        other => panic!("report: {other}"),
    };
    company
}

/// Judges what PHP saw as the doctor does that asked it.
fn enter_php(case: &Case, trail: &mut Trail, went: &Fields) {
    let Some(part) = &case.php_hop else { return };
    let received = Moment::from_seconds(case.reply.received);
    let key = TrailKey::new(KeyId::new("k1").unwrap(), &[7; 32]);
    let clock = Moment::from_seconds(received.seconds() + part.ahead);
    let saw = PhpSaw::read(clock, &said_by_php(part, went, &key));
    let look = look(went);
    let seen = look.sightings(went, key.fingerprints());
    let arrived = Arrived::judge(saw, &look, went, &seen, &key).between(received, received);
    let own = HopName::new("sidecar").unwrap();
    let mut company = trail.company.take().unwrap_or_else(|| Box::new(Company::of(own.clone())));
    let way = arrived.crossing(own, seen);
    company.php = Some(if part.handed { Crossing { sent: None, ..way } } else { way });
    trail.company = Some(company);
    if !part.handed {
        trail.reached_php(Box::new(arrived));
    }
}

/// The text of the plugin's answer.
fn said_by_php(part: &PhpPart, went: &Fields, key: &TrailKey) -> String {
    let seen = |value: &str| {
        let value = expand(value);
        let scheme = match value.split_once(' ') {
            Some(("Bearer", _)) => "b",
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("bearer") => "o",
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("basic") => "s",
            Some(_) => "x",
            None => "n",
        };
        let print = key.php().fingerprint(value.as_bytes()).bits();
        if value.is_empty() { "e".to_owned() } else { format!("{}.{scheme}.{print:016x}", value.len()) }
    };
    let mut said = Vec::new();
    for (name, value) in [("a", &part.server), ("r", &part.redirected), ("rr", &part.redirected_twice)] {
        said.extend(value.as_ref().map(|value| format!("{name}={}", seen(value))));
    }
    for (name, value) in &part.all_headers {
        let spelling = match name.as_str() {
            "Authorization" => "c",
            "authorization" => "l",
            _ => "o",
        };
        said.push(format!("g={}.{spelling}", seen(value)));
    }
    said.extend(
        part.login.as_ref().map(|login| format!("l={}", seen(&format!("Basic {}", STANDARD.encode(login))))),
    );
    let others: Vec<_> = part.others.iter().map(|(name, value)| format!("{name}:{}", seen(value))).collect();
    said.push(format!("o={}", others.join(",")));
    let watched = Watched::ALL.into_iter().skip(1).map(|header| {
        let name = header.name().canonical();
        let value = went.first(header.name()).filter(|_| !part.lost.iter().any(|lost| lost == name));
        value.map_or("-".to_owned(), |value| seen(std::str::from_utf8(value).unwrap()))
    });
    said.push(format!("w={}", watched.collect::<Vec<_>>().join(",")));
    let words = [("s", &part.sapi), ("y", &part.auth_type), ("i", &part.user), ("j", &part.plugins)];
    said.extend(words.iter().filter_map(|(name, word)| word.as_ref().map(|word| format!("{name}={word}"))));
    said.push(format!("z={}", u8::from(part.token_routes)));
    said.join(";")
}

/// `believed`, `lost`, `theirs 400` or `ours 400`: whose clock is ahead, and by how many seconds.
fn arrival(text: &str) -> Arrival {
    let seconds = |text: &str| Duration::from_secs(text.parse().unwrap());
    match text.split_once(' ') {
        Some(("theirs", ahead)) => Arrival::Skewed(Skew::Theirs(seconds(ahead))),
        Some(("ours", ahead)) => Arrival::Skewed(Skew::Ours(seconds(ahead))),
        None if text.is_empty() => Arrival::None,
        None if text == "believed" => Arrival::Believed,
        None if text == "lost" => Arrival::Lost,
        _ => panic!("arrival: {text}"),
    }
}

fn crossing(sent: &Fields, arrived: &Fields, handed: bool) -> Crossing {
    let key = Key::from_bytes(&[7; 32]);
    let (was, is) = (look(sent).sightings(sent, &key), look(arrived));
    let came = is.sightings(arrived, &key);
    let changes = changes(&was, &came, &is, arrived, Version::Http11, &key);
    let told = |sightings| (!handed).then_some(sightings);
    let (sent, arrived) = (told(was), told(came));
    let name = |text| HopName::new(text).unwrap();
    Crossing { after: name("edge"), before: name("sidecar"), sent, arrived, changes }
}

fn fields(pairs: &[BTreeMap<String, String>]) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in pairs.iter().flatten() {
        fields.append(name.as_bytes(), expand(value).as_bytes());
    }
    fields
}

/// Replaces `{jwt exp=1 nbf=2}` by a token with these claims. `alg` goes to its header.
fn expand(value: &str) -> String {
    let Some((before, rest)) = value.split_once("{jwt") else { return value.to_owned() };
    let (claims, after) = rest.split_once('}').unwrap();
    let pairs = claims.split_whitespace().map(|claim| claim.split_once('=').unwrap());
    let (header, payload): (Vec<_>, Vec<_>) = pairs.partition(|(name, _)| *name == "alg");
    let header = if header.is_empty() { vec![("alg", "\"HS256\"")] } else { header };
    let object = |pairs: Vec<(&str, &str)>| {
        let members: Vec<_> = pairs.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        URL_SAFE_NO_PAD.encode(format!("{{{}}}", members.join(",")))
    };
    // As long as a signature by HS256 is.
    let signature = format!("c2ln{}", "A".repeat(39));
    format!("{before}{}.{}.{signature}{after}", object(header), object(payload))
}

pub(crate) fn cases() -> Vec<(String, Case)> {
    cases_altered_by(|case| vec![case.clone()])
}

/// All cases that are made of the written ones, in the order of their paths.
pub(crate) fn cases_altered_by(
    alter: impl Fn(&serde_yaml::Value) -> Vec<serde_yaml::Value>,
) -> Vec<(String, Case)> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut cases = Vec::new();
    for folder in std::fs::read_dir(&corpus).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let name = path.strip_prefix(&corpus).unwrap().to_string_lossy().into_owned();
            let written = serde_yaml::from_str(&std::fs::read_to_string(&path).unwrap());
            for case in alter(&written.unwrap_or_else(|error| panic!("{name}: {error}"))) {
                let case = serde_yaml::from_value(case);
                cases.push((name.clone(), case.unwrap_or_else(|error| panic!("{name}: {error}"))));
            }
        }
    }
    cases.sort_by(|(one, _), (next, _)| one.cmp(next));
    cases
}
