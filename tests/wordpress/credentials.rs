//! Good, bad and odd credentials, as real WordPress answered them, sent through the doctor at the good door.
//!
//! The answers are measurements of the plugin "JWT Authentication for WP-API" 1.3.4; `tests/stand/check` holds the
//! stand to the same tables. The last column is the verdict of the finished doctor: `judge.rs` asks for a rule as
//! soon as it is written. Left out are what the good door cannot show (mod_cgi, other doors' columns).
//!
//! `header-doctor token` foretells the same answers without asking anybody.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::judge::Verdict::{MaySay, Says, Silent};
use crate::judge::{Ask, ME, REPORTS, VALIDATE, Verdict, directly, doctor, hold, message, said};
use crate::stand::Stand;
use crate::token::{basic, bearer_of, changed, claims, lacking, now, sign, sign_as, sign_hs512, unsigned};

// === The rules by which the verdicts are named ===

const LOST_EARLY: Verdict = Says(&["authorization-lost-before-doctor"]);
const PLACEHOLDER: Verdict = Says(&["placeholder-token"]);
const SCHEME: Verdict = Says(&["bearer-scheme-wrong"]);
const WRAPPED: Verdict = Says(&["token-wrapped"]);
const NO_JWT: Verdict = Says(&["token-not-a-jwt"]);
const TWICE: Verdict = Says(&["authorization-twice"]);
const SIGNATURE: Verdict = Says(&["token-signature-refused"]);
const EXPIRED: Verdict = Says(&["token-expired"]);
const EARLY: Verdict = Says(&["token-not-yet-valid"]);
const ISSUER: Verdict = Says(&["token-issuer-mismatch"]);
const OTHER_SITE: Verdict = Says(&["token-of-another-site"]);
const FLIPS: Verdict = Says(&["issuer-flips-with-https"]);
const CUT: Verdict = Says(&["token-cut-short"]);
const OTHER_PLUGIN: Verdict = Says(&["token-of-another-plugin"]);
const ALGORITHM: Verdict = Says(&["token-algorithm-refused"]);
const PERMISSION: Verdict = Says(&["permission-refused"]);
/// A deleted user looks like a lost header; where `token/validate` was asked before, the two routes are compared.
const USER_GONE: Verdict = MaySay(&["validate-accepts-route-refuses", "authorization-lost-before-php"]);
/// Basic is for other routes than `token/validate`; `reports` asks for more than a login.
const BASIC_TAKEN: [Verdict; 3] = [SCHEME, Silent, Silent];
const BASIC_OF_SUBSCRIBER: [Verdict; 3] = [SCHEME, Silent, PERMISSION];
/// The site is a local one without TLS: a wrong password and the want of TLS look alike, until one was accepted.
const LOGIN: Verdict = Says(&["application-password-refused", "application-passwords-need-https"]);
const BASIC_REFUSED: [Verdict; 3] = [SCHEME, LOGIN, LOGIN];
const UNREADABLE: Verdict = Says(&["basic-unreadable"]);
const BASIC_UNREADABLE: [Verdict; 3] = [SCHEME, UNREADABLE, UNREADABLE];

// === The answers: token/validate, users/me, reports, and the message of the first ===

type Answers = ([&'static str; 3], &'static str);

const ANONYMOUS: [&str; 2] = ["401 rest_not_logged_in", "401 rest_forbidden"];
const ADMIN: [&str; 2] = ["200 (user admin)", "200 (reports for admin)"];
const SUBSCRIBER: [&str; 2] = ["200 (user sub)", "403 rest_forbidden"];

const VALID: &str = "200 jwt_auth_valid_token";
const INVALID: &str = "403 jwt_auth_invalid_token";
const BAD_HEADER: &str = "403 jwt_auth_bad_auth_header";
const TWO_HEADERS: &str = "400 header_doctor_authorization_twice";

const MALFORMED: &str = "Authorization header malformed.";
const SEGMENTS: &str = "Wrong number of segments";
const FORGED: &str = "Signature verification failed";
const NO_UTF8: &str = "Malformed UTF-8 characters";

const fn with(validate: &'static str, [me, reports]: [&'static str; 2], message: &'static str) -> Answers {
    ([validate, me, reports], message)
}

const fn everywhere(said: &'static str, message: &'static str) -> Answers {
    ([said; 3], message)
}

const ABSENT: Answers = with("403 jwt_auth_no_auth_header", ANONYMOUS, "Authorization header not found.");
const ACCEPTED: Answers = with(VALID, ADMIN, "");
const IGNORED: Answers = with(BAD_HEADER, ANONYMOUS, MALFORMED);
const EMPTY: Answers = everywhere(BAD_HEADER, MALFORMED);
const TOO_FEW: Answers = everywhere(INVALID, SEGMENTS);
const FORGERY: Answers = everywhere(INVALID, FORGED);
const OVER: Answers = everywhere(INVALID, "Expired token");
const NOT_YET: Answers = everywhere(INVALID, "Cannot handle token prior to …");
const FOREIGN: Answers = everywhere("403 jwt_auth_bad_iss", "The iss do not match with this server");
const NO_USER: Answers = everywhere("403 jwt_auth_bad_request", "User ID not found in the token");
const NO_ALGORITHM: Answers = everywhere(INVALID, "Algorithm not supported");
const WRONG_KEY: Answers = everywhere(INVALID, "Incorrect key for this algorithm");

struct Row {
    name: &'static str,
    headers: Vec<(&'static str, String)>,
    answers: Answers,
    verdicts: [Verdict; 3],
}

/// A row with one `Authorization`.
fn row(name: &'static str, value: impl Into<String>, answers: Answers, verdict: impl Into<Verdicts>) -> Row {
    let Verdicts(verdicts) = verdict.into();
    Row { name, headers: vec![("Authorization", value.into())], answers, verdicts }
}

/// One verdict for each answer, or the same for all three.
struct Verdicts([Verdict; 3]);

impl From<Verdict> for Verdicts {
    fn from(verdict: Verdict) -> Self {
        Self([verdict; 3])
    }
}

impl From<[Verdict; 3]> for Verdicts {
    fn from(verdicts: [Verdict; 3]) -> Self {
        Self(verdicts)
    }
}

fn check(rows: Vec<Row>) {
    let doctor = doctor();
    for Row { name, headers, answers: (answers, expected), verdicts } in rows {
        foretold(name, &headers, answers, expected);
        for (line, (answer, verdict)) in
            [VALIDATE, ME, REPORTS].into_iter().zip(answers.into_iter().zip(verdicts))
        {
            let reply = hold(&doctor, name, &Ask::new(line, headers.clone()), answer, verdict);
            let (start, cut) = expected.split_once('…').map_or((expected, false), |(start, _)| (start, true));
            let found = message(&reply);
            let is_it = if cut { found.starts_with(start) } else { found == start };
            assert!(line != VALIDATE || is_it, "{name}: {found:?}, not {expected:?}");
        }
    }
}

/// Holds `token` to the answers of `token/validate` and `users/me`, and to the message of the former.
fn foretold(name: &str, headers: &[(&str, String)], answers: [&str; 3], expected: &str) {
    let [("Authorization", value)] = headers else { return };
    let Some(told) = examined(value) else { return };
    let answer = |route: &Value| {
        let code = route["code"].as_str().unwrap_or("");
        format!("{} {code}", route["status"])
    };
    // Accepted, a route answers with what it is there for.
    let is_same = |answer: &str, measured: &str| {
        answer.trim() == measured || (answer.trim() == "200" && measured.starts_with("200 "))
    };
    let validate = &told["validate"];
    assert!(is_same(&answer(validate), answers[0]), "{name}: {validate}");
    // Whether the user exists is not known without asking.
    let is_gone = answers[0] == VALID && answers[1].starts_with("401");
    assert!(is_gone || is_same(&answer(&told["route"]), answers[1]), "{name}: {}", told["route"]);
    let (start, _) = expected.split_once('…').unwrap_or((expected, ""));
    assert!(validate["message"].as_str().unwrap_or("").starts_with(start), "{name}: {validate}");
}

/// What `token` says of an `Authorization`; nothing of Basic, which is no token.
fn examined(value: &str) -> Option<Value> {
    let stand = Stand::up();
    let mut command = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
    command.args([
        "token",
        "--site",
        stand.get("ISSUER"),
        "--secret-env",
        "STAND_SECRET",
        "--output",
        "json",
    ]);
    command.env("STAND_SECRET", stand.get("SECRET")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("Authorization: {value}").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    told["not_examined"].is_null().then_some(told)
}

#[test]
fn spellings_of_a_good_token() {
    let tok = bearer_of("ADMIN").replace("Bearer ", "");
    check(vec![
        row("`Bearer` alone", "Bearer", EMPTY, PLACEHOLDER),
        row("undefined", "Bearer undefined", TOO_FEW, PLACEHOLDER),
        row("null", "Bearer null", TOO_FEW, PLACEHOLDER),
        row("[object Object]", "Bearer [object Object]", TOO_FEW, PLACEHOLDER),
        row("token in quotes", format!("Bearer \"{tok}\""), FORGERY, WRAPPED),
        row("token in single quotes", format!("Bearer '{tok}'"), FORGERY, WRAPPED),
        row("all in quotes", format!("\"Bearer {tok}\""), IGNORED, WRAPPED),
        row("no scheme", &tok, IGNORED, SCHEME),
        row("bearer", format!("bearer {tok}"), IGNORED, SCHEME),
        row("BEARER", format!("BEARER {tok}"), IGNORED, SCHEME),
        row("two blanks", format!("Bearer  {tok}"), ACCEPTED, Silent),
        row("a tab", format!("Bearer\t{tok}"), ACCEPTED, Silent),
        row("no blank", format!("Bearer{tok}"), ACCEPTED, Silent),
        row("a colon", format!("Bearer: {tok}"), TOO_FEW, WRAPPED),
        row("Bearer twice", format!("Bearer Bearer {tok}"), TOO_FEW, WRAPPED),
        row("trailing blanks", format!("Bearer {tok}  "), ACCEPTED, Silent),
        row("junk behind", format!("Bearer {tok} junk"), ACCEPTED, Silent),
        row("a comma behind", format!("Bearer {tok},"), ACCEPTED, Silent),
        row("<tok>", format!("Bearer <{tok}>"), with(INVALID, [BAD_HEADER; 2], FORGED), WRAPPED),
        row("{tok}", format!("Bearer {{{tok}}}"), FORGERY, WRAPPED),
        row("Bearer%20tok", format!("Bearer%20{tok}"), with(INVALID, ADMIN, NO_UTF8), WRAPPED),
        row("tok%0A", format!("Bearer {tok}%0A"), with(INVALID, ADMIN, FORGED), WRAPPED),
        row("%22tok%22", format!("Bearer %22{tok}%22"), with(INVALID, ADMIN, NO_UTF8), WRAPPED),
        row("JWT tok", format!("JWT {tok}"), IGNORED, SCHEME),
        row("Token tok", format!("Token {tok}"), IGNORED, SCHEME),
        row("Basic …, Bearer tok", format!("{}, Bearer {tok}", basic("a", "b")), IGNORED, TWICE),
    ]);
}

#[test]
fn other_headers_than_the_one() {
    let bearer = bearer_of("ADMIN");
    let of = |name, headers, answers, verdict| Row { name, headers, answers, verdicts: [verdict; 3] };
    check(vec![
        of("no header", vec![], ABSENT, Silent),
        of("an empty value", vec![("Authorization", String::new())], ABSENT, Silent),
        of("lower-case name", vec![("authorization", bearer.clone())], ACCEPTED, Silent),
        of("X-Authorization", vec![("X-Authorization", bearer)], ABSENT, LOST_EARLY),
    ]);
}

/// nginx answers 400 to two lines of it, and so does the doctor before it.
#[test]
fn two_headers_are_refused_by_the_doctor() {
    let (bearer, other) = (bearer_of("ADMIN"), basic("admin", "wrong"));
    let doctor = doctor();
    for pair in [[&bearer, &other], [&other, &bearer], [&bearer, &bearer]] {
        for line in [VALIDATE, ME, REPORTS] {
            let ask = Ask::new(line, pair.map(|value| ("Authorization", value.clone())).to_vec());
            assert_eq!(said(&directly(&ask)), "400 (html)");
            assert_eq!(said(&ask.over(doctor.connect())), TWO_HEADERS);
            TWICE.check(line, &doctor.event());
        }
    }
}

#[test]
fn tokens_that_are_not_what_they_should_be() {
    let (stand, now) = (Stand::up(), now());
    let (good, secret) = (claims(stand, 1, now), stand.get("SECRET"));
    let (tok, iss) = (sign(&good, secret), stand.get("ISSUER"));
    let parts: Vec<_> = tok.split('.').collect();
    let (head, body, signature) = (parts[0], parts[1], parts[2]);
    let payload = sign(&changed(&good, "exp", json!(now + 9)), "");
    let payload = payload.split('.').nth(1).unwrap();
    let letter = if signature.starts_with('A') { 'B' } else { 'A' };
    let bearer =
        |name, token: String, answers, verdict| row(name, format!("Bearer {token}"), answers, verdict);
    let with = |name, value| sign(&changed(&good, name, value), secret);
    let without = |name| sign(&lacking(&good, name), secret);
    check(vec![
        bearer("wrong secret", sign(&good, "another secret"), FORGERY, SIGNATURE),
        bearer("a changed letter", format!("{head}.{body}.{letter}{}", &signature[1..]), FORGERY, SIGNATURE),
        bearer("a cut signature", tok[..tok.len() - 8].to_owned(), FORGERY, CUT),
        bearer("two segments", format!("{head}.{body}"), TOO_FEW, CUT),
        bearer("payload of another", format!("{head}.{payload}.{signature}"), FORGERY, SIGNATURE),
        bearer("no JSON", "a.b.c".into(), everywhere(INVALID, "Syntax error, malformed JSON"), NO_JWT),
        bearer("expired a minute ago", with("exp", json!(now - 60)), OVER, EXPIRED),
        bearer("expires this second", with("exp", json!(now)), OVER, EXPIRED),
        bearer("nbf in 5 minutes", with("nbf", json!(now + 300)), NOT_YET, EARLY),
        bearer("iat in 5 minutes", with("iat", json!(now + 300)), NOT_YET, EARLY),
        bearer("wrong iss", with("iss", json!("http://elsewhere.test")), FOREIGN, OTHER_SITE),
        bearer("iss with a slash", with("iss", json!(format!("{iss}/"))), FOREIGN, ISSUER),
        bearer("iss https for http", with("iss", json!(iss.replace("http:", "https:"))), FOREIGN, FLIPS),
        bearer("no iss", without("iss"), FOREIGN, ISSUER),
        bearer("no exp", without("exp"), ACCEPTED, Silent),
        bearer("no data", without("data"), NO_USER, OTHER_PLUGIN),
        bearer("alg none, unsigned", format!("{}.", unsigned("none", &good)), NO_ALGORITHM, ALGORITHM),
        bearer("alg none, signed", sign_as("none", &good, secret), NO_ALGORITHM, ALGORITHM),
        bearer("alg HS512", sign_hs512(&good, secret), WRONG_KEY, ALGORITHM),
        bearer("alg RS256", sign_as("RS256", &good, secret), WRONG_KEY, ALGORITHM),
        bearer(
            "user 9999",
            sign(&claims(stand, 9999, now), secret),
            ([VALID, ANONYMOUS[0], ANONYMOUS[1]], ""),
            USER_GONE,
        ),
        bearer("user as number", with("data", json!({ "user": { "id": 1 } })), ACCEPTED, Silent),
        bearer("valid (admin)", tok.clone(), ACCEPTED, Silent),
        row(
            "valid (subscriber)",
            bearer_of("SUBSCRIBER"),
            ([VALID, SUBSCRIBER[0], SUBSCRIBER[1]], ""),
            PERMISSION,
        ),
    ]);
}

#[test]
fn basic_logins() {
    let stand = Stand::up();
    let (user, password) = (stand.get("ADMIN_USER"), stand.get("ADMIN_APP_PASSWORD"));
    let subscriber = basic(stand.get("SUBSCRIBER_USER"), stand.get("SUBSCRIBER_APP_PASSWORD"));
    let good = basic(user, password);
    let letters: Vec<_> = password.as_bytes().chunks(4).map(|four| String::from_utf8_lossy(four)).collect();
    let on_routes = with(BAD_HEADER, ADMIN, MALFORMED);
    check(vec![
        row("app password", &good, on_routes, BASIC_TAKEN),
        row("app password with its blanks", basic(user, &letters.join(" ")), on_routes, BASIC_TAKEN),
        row("login password", basic(user, stand.get("ADMIN_PASSWORD")), IGNORED, BASIC_REFUSED),
        row("wrong password", basic(user, "wrong"), IGNORED, BASIC_REFUSED),
        row("unknown user", basic("nobody", password), IGNORED, BASIC_REFUSED),
        row("e-mail", basic("admin@wordpress.test", password), on_routes, BASIC_TAKEN),
        row("lower-case basic", good.replace("Basic", "basic"), on_routes, BASIC_TAKEN),
        row("not base64", "Basic %%%", IGNORED, BASIC_UNREADABLE),
        row("no colon inside", "Basic YWRtaW4=", IGNORED, BASIC_UNREADABLE),
        row("quoted", format!("{}\"", good.replace("Basic ", "Basic \"")), on_routes, BASIC_TAKEN),
        row("subscriber", subscriber, with(BAD_HEADER, SUBSCRIBER, MALFORMED), BASIC_OF_SUBSCRIBER),
        row("Bearer with the app password", format!("Bearer {password}"), TOO_FEW, NO_JWT),
    ]);
}
