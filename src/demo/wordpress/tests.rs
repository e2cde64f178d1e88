//! Holds the imitation to what was measured on real WordPress, row by row.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::super::page::Page;
use super::super::web_server::{Manners, WebServer};
use super::{ADMIN, READER, WordPress, jwt};
use crate::message::{Fields, Name, RequestHead};
use crate::moment::Moment;
use crate::secret::Secret;

const SECRET: [u8; 32] = [7; 32];
const HOME: &str = "http://localhost:8080";
const NOW: i64 = 1_795_000_000;

const VALIDATE: &str = "/wp-json/jwt-auth/v1/token/validate";
const TOKEN: &str = "/wp-json/jwt-auth/v1/token";
const ME: &str = "/wp-json/wp/v2/users/me";
const REPORTS: &str = "/wp-json/my-app/v1/reports";
const POSTS: &str = "/wp-json/wp/v2/posts";

fn server(manners: Manners) -> WebServer {
    WebServer { manners, wordpress: WordPress::new(HOME.to_owned(), SECRET) }
}

fn page_of(server: &WebServer, method: &str, target: &str, fields: Fields, body: &str) -> Page {
    server.page(RequestHead::build(method, target, fields), body.as_bytes(), Moment::from_seconds(NOW))
}

fn page(method: &str, target: &str, fields: Fields, body: &str) -> Page {
    page_of(&server(Manners::Nginx), method, target, fields, body)
}

fn body(page: &Page) -> Value {
    serde_json::from_slice(&page.body).unwrap_or_default()
}

/// `403 rest_forbidden`, `200 user admin`, `400 (html)`: a cell of the table.
fn cell(page: &Page) -> String {
    let body = body(page);
    let text = |name: &str, before: &str| Some(format!("{before}{}", body.get(name)?.as_str()?));
    let what = text("code", "").or_else(|| text("name", "user ")).or_else(|| text("reports", "reports "));
    format!("{} {}", page.status, what.unwrap_or_else(|| "(html)".to_owned()))
}

fn message(page: &Page) -> String {
    body(page).get("message").and_then(Value::as_str).unwrap_or_default().to_owned()
}

// === Tokens ===

/// The claims of a good token, with this one changed, or removed by `null`.
fn claims(name: &str, value: Value) -> Value {
    let mut claims = json!({
        "iss": HOME, "iat": NOW - 60, "nbf": NOW - 60, "exp": NOW + 3600, "data": { "user": { "id": "1" } },
    });
    let map = claims.as_object_mut().unwrap();
    if value.is_null() {
        map.remove(name);
    } else {
        map.insert(name.to_owned(), value);
    }
    claims
}

fn signed(claims: &Value) -> String {
    jwt::encode(claims, &Secret::new(SECRET))
}

fn with(name: &str, value: Value) -> String {
    format!("Bearer {}", signed(&claims(name, value)))
}

fn good() -> String {
    signed(&claims("", Value::Null))
}

/// A good token whose head names this algorithm, with the signature of another head.
fn with_algorithm(name: &str) -> String {
    let token = good();
    let (_, rest) = token.split_once('.').unwrap();
    format!("Bearer {}.{rest}", URL_SAFE_NO_PAD.encode(json!({ "typ": "JWT", "alg": name }).to_string()))
}

fn tampered() -> String {
    let (token, other) = (good(), signed(&claims("exp", json!(NOW + 9))));
    let parts: Vec<_> = token.split('.').collect();
    let payload = other.split('.').nth(1).unwrap();
    format!("Bearer {}.{payload}.{}", parts[0], parts[2])
}

// === The table of odd credentials ===

const NO_HEADER: [&str; 3] = ["403 jwt_auth_no_auth_header", "401 rest_not_logged_in", "401 rest_forbidden"];
const MALFORMED: [&str; 3] = ["403 jwt_auth_bad_auth_header", "401 rest_not_logged_in", "401 rest_forbidden"];
const EMPTY: [&str; 3] = ["403 jwt_auth_bad_auth_header"; 3];
const INVALID: [&str; 3] = ["403 jwt_auth_invalid_token"; 3];
const ISSUER: [&str; 3] = ["403 jwt_auth_bad_iss"; 3];
const GOOD: [&str; 3] = ["200 jwt_auth_valid_token", "200 user admin", "200 reports for admin"];
/// One code path strips percent-escapes, the other does not.
const ESCAPED: [&str; 3] = ["403 jwt_auth_invalid_token", "200 user admin", "200 reports for admin"];

const NOT_FOUND: &str = "Authorization header not found.";
const BAD: &str = "Authorization header malformed.";
const SEGMENTS: &str = "Wrong number of segments";
const SIGNATURE: &str = "Signature verification failed";
const EXPIRED: &str = "Expired token";
const UTF8: &str = "Malformed UTF-8 characters";
const WRONG_ISS: &str = "The iss do not match with this server";

/// What validate, users/me and reports answer, and validate's message.
type Row = (&'static str, String, [&'static str; 3], &'static str);

fn spellings() -> Vec<Row> {
    let tok = good();
    vec![
        ("empty value", String::new(), NO_HEADER, NOT_FOUND),
        ("Bearer alone", "Bearer".into(), EMPTY, BAD),
        ("undefined", "Bearer undefined".into(), INVALID, SEGMENTS),
        ("null", "Bearer null".into(), INVALID, SEGMENTS),
        ("object", "Bearer [object Object]".into(), INVALID, SEGMENTS),
        ("token in double quotes", format!("Bearer \"{tok}\""), INVALID, SIGNATURE),
        ("token in single quotes", format!("Bearer '{tok}'"), INVALID, SIGNATURE),
        ("all in quotes", format!("\"Bearer {tok}\""), MALFORMED, BAD),
        ("no scheme", tok.clone(), MALFORMED, BAD),
        ("bearer", format!("bearer {tok}"), MALFORMED, BAD),
        ("BEARER", format!("BEARER {tok}"), MALFORMED, BAD),
        ("two spaces", format!("Bearer  {tok}"), GOOD, ""),
        ("tab", format!("Bearer\t{tok}"), GOOD, ""),
        ("no space", format!("Bearer{tok}"), GOOD, ""),
        ("colon", format!("Bearer: {tok}"), INVALID, SEGMENTS),
        ("Bearer twice", format!("Bearer Bearer {tok}"), INVALID, SEGMENTS),
        ("trailing blanks", format!("Bearer {tok}  "), GOOD, ""),
        ("junk behind", format!("Bearer {tok} junk"), GOOD, ""),
        ("comma behind", format!("Bearer {tok},"), GOOD, ""),
        ("angle brackets", format!("Bearer <{tok}>"), [INVALID[0], EMPTY[1], EMPTY[2]], SIGNATURE),
        ("braces", format!("Bearer {{{tok}}}"), INVALID, SIGNATURE),
        ("%20 for the blank", format!("Bearer%20{tok}"), ESCAPED, UTF8),
        ("%0A behind", format!("Bearer {tok}%0A"), ESCAPED, SIGNATURE),
        ("%22 around", format!("Bearer %22{tok}%22"), ESCAPED, UTF8),
        ("JWT", format!("JWT {tok}"), MALFORMED, BAD),
        ("Token", format!("Token {tok}"), MALFORMED, BAD),
        ("Basic, Bearer", format!("Basic dTpw, Bearer {tok}"), MALFORMED, BAD),
    ]
}

fn tokens() -> Vec<Row> {
    let tok = good();
    let (signed_part, signature) = tok.rsplit_once('.').unwrap();
    let other_first = if signature.starts_with('A') { 'B' } else { 'A' };
    let prior = "Cannot handle token prior to 2026-11-18T11:11:40+0000";
    vec![
        ("good", format!("Bearer {tok}"), GOOD, ""),
        (
            "wrong secret",
            format!("Bearer {}", jwt::encode(&claims("", Value::Null), &Secret::new([8; 32]))),
            INVALID,
            SIGNATURE,
        ),
        (
            "a letter of the signature changed",
            format!("Bearer {signed_part}.{other_first}{}", &signature[1..]),
            INVALID,
            SIGNATURE,
        ),
        (
            "signature cut short",
            format!("Bearer {signed_part}.{}", &signature[..signature.len() - 6]),
            INVALID,
            SIGNATURE,
        ),
        ("two segments", format!("Bearer {signed_part}"), INVALID, SEGMENTS),
        ("payload of another", tampered(), INVALID, SIGNATURE),
        ("expired a minute ago", with("exp", json!(NOW - 60)), INVALID, EXPIRED),
        ("expires this second", with("exp", json!(NOW)), INVALID, EXPIRED),
        ("nbf in 5 minutes", with("nbf", json!(NOW + 300)), INVALID, prior),
        ("iat in 5 minutes", with("iat", json!(NOW + 300)), INVALID, prior),
        ("wrong iss", with("iss", json!("http://other.example")), ISSUER, WRONG_ISS),
        ("iss with a slash", with("iss", json!(format!("{HOME}/"))), ISSUER, WRONG_ISS),
        ("iss https", with("iss", json!("https://localhost:8080")), ISSUER, WRONG_ISS),
        ("no iss", with("iss", Value::Null), ISSUER, WRONG_ISS),
        ("no exp", with("exp", Value::Null), GOOD, ""),
        (
            "no data",
            with("data", Value::Null),
            ["403 jwt_auth_bad_request"; 3],
            "User ID not found in the token",
        ),
        ("alg none", with_algorithm("none"), INVALID, "Algorithm not supported"),
        ("alg HS512", with_algorithm("HS512"), INVALID, "Incorrect key for this algorithm"),
        ("alg RS256", with_algorithm("RS256"), INVALID, "Incorrect key for this algorithm"),
        (
            "user 9999",
            with("data", json!({ "user": { "id": "9999" } })),
            [GOOD[0], NO_HEADER[1], NO_HEADER[2]],
            "",
        ),
        ("user as number", with("data", json!({ "user": { "id": 1 } })), GOOD, ""),
        (
            "subscriber",
            with("data", json!({ "user": { "id": "2" } })),
            [GOOD[0], "200 user reader", "403 rest_forbidden"],
            "",
        ),
    ]
}

fn check(name: &str, fields: &Fields, expected: [&str; 3], said: &str) {
    let asked = [("POST", VALIDATE), ("GET", ME), ("GET", REPORTS)];
    let pages = asked.map(|(method, target)| page(method, target, fields.clone(), ""));
    assert_eq!(pages.each_ref().map(cell), expected, "{name}");
    assert_eq!(message(&pages[0]), said, "{name}");
}

#[test]
fn every_odd_credential_is_answered_as_it_was_measured() {
    for (name, value, expected, said) in spellings().into_iter().chain(tokens()) {
        check(name, &Fields::from([("Authorization", value.as_str())]), expected, said);
    }
}

#[test]
fn the_name_of_the_header_matters_but_not_its_case() {
    let value = format!("Bearer {}", good());
    check("none", &Fields::new(), NO_HEADER, NOT_FOUND);
    check("lower case", &Fields::from([("authorization", value.as_str())]), GOOD, "");
    check("another name", &Fields::from([("X-Authorization", value.as_str())]), NO_HEADER, NOT_FOUND);
    let twice = Fields::from([("Authorization", value.as_str()), ("Authorization", "Basic dTpw")]);
    check("two of them", &twice, ["400 (html)"; 3], "");
}

// === The login ===

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn the_token_request_is_answered_as_it_was_measured() {
    let (right, wrong) = (r#"{"username":"admin","password":"demo"}"#, "[jwt_auth] incorrect_password");
    let unknown = "[jwt_auth] invalid_username";
    let table = [
        ("right", JSON, right, "200 "),
        ("with a charset", "application/json; charset=utf-8", right, "200 "),
        ("wrong password", JSON, r#"{"username":"admin","password":"x"}"#, wrong),
        ("no password field", JSON, r#"{"username":"admin"}"#, wrong),
        ("unknown user", JSON, r#"{"username":"nobody","password":"demo"}"#, unknown),
        ("empty body", JSON, "", unknown),
        ("broken JSON", JSON, "{\"username\":", "rest_invalid_json"),
        ("form fields", FORM, "username=admin&password=demo", "200 "),
        ("e-mail", FORM, "username=admin%40example.com&password=demo", "200 "),
        ("JSON as text", "text/plain", right, unknown),
    ];
    for (name, kind, body, expected) in table {
        let page = page("POST", TOKEN, Fields::from([("Content-Type", kind)]), body);
        assert!(format!("{} {}", page.status, cell(&page)).contains(expected), "{name}: {page:?}");
        let token = self::body(&page).get("token").and_then(Value::as_str).map(str::to_owned);
        assert_eq!(token.is_some(), expected == "200 ", "{name}");
        if let Some(token) = token {
            let value = format!("Bearer {token}");
            check(name, &Fields::from([("Authorization", value.as_str())]), GOOD, "");
        }
    }
}

#[test]
fn a_stale_bearer_closes_the_login_and_public_routes() {
    for value in [with("exp", json!(NOW - 60)), "Bearer undefined".into()] {
        let fields = Fields::from([("Content-Type", FORM), ("Authorization", value.as_str())]);
        let pages = [
            page("POST", TOKEN, fields.clone(), "username=admin&password=demo"),
            page("GET", POSTS, fields.clone(), ""),
            page("GET", "/wp-json/no/such/route", fields.clone(), ""),
            page("OPTIONS", ME, fields, ""),
        ];
        assert_eq!(pages.each_ref().map(cell), ["403 jwt_auth_invalid_token"; 4]);
    }
}

#[test]
fn what_is_no_route_is_not_found() {
    assert_eq!(cell(&page("GET", TOKEN, Fields::new(), "")), "404 rest_no_route");
    assert_eq!(cell(&page("GET", "/wp-json/no/such/route", Fields::new(), "")), "404 rest_no_route");
    assert_eq!(cell(&page("GET", "/no/such/page", Fields::new(), "")), "404 (html)");
    assert_eq!(page("POST", &format!("{VALIDATE}/"), Fields::new(), "").status, 403);
}

// === Marks ===

#[test]
fn every_rest_reply_bears_the_marks_of_the_rest_server() {
    for page in [page("GET", "/wp-json/", Fields::new(), ""), page("GET", ME, Fields::new(), "")] {
        let link = page.fields.only(Name::Link).unwrap();
        assert_eq!(link, b"<http://localhost:8080/wp-json/>; rel=\"https://api.w.org/\"");
        assert!(page.fields.iter().any(|field| field.name == b"X-Robots-Tag" && field.value == b"noindex"));
        assert!(page.fields.has(Name::AccessControlAllowHeaders));
        assert!(!page.fields.has(Name::AccessControlAllowOrigin));
    }
}

#[test]
fn only_replies_to_known_users_may_not_be_stored() {
    let known = |user| {
        let token = server(Manners::Nginx).wordpress.issue(user, Moment::from_seconds(NOW));
        let fields = Fields::from([("Authorization", format!("Bearer {token}").as_str())]);
        page("GET", REPORTS, fields, "").fields.has(Name::CacheControl)
    };
    assert!(known(ADMIN) && known(READER));
    assert!(!page("GET", REPORTS, Fields::new(), "").fields.has(Name::CacheControl));
}

#[test]
fn any_origin_is_reflected_and_options_tell_the_schema() {
    let preflight = Fields::from([("Origin", "https://a.test"), ("Access-Control-Request-Method", "GET")]);
    for (method, fields) in [("OPTIONS", preflight.clone()), ("GET", preflight)] {
        let page = page(method, POSTS, fields, "");
        assert_eq!(page.fields.only(Name::AccessControlAllowOrigin), Some(&b"https://a.test"[..]));
        assert_eq!(page.fields.only(Name::Vary), Some(&b"Origin"[..]));
    }
    let schema = body(&page("OPTIONS", POSTS, Fields::new(), ""));
    assert_eq!((&schema["namespace"], &schema["methods"]), (&json!("wp/v2"), &json!(["GET"])));
}

// === Careless places ===

#[test]
fn apache_hides_the_header_and_a_gate_takes_no_token() {
    let bearer = format!("Bearer {}", good());
    let with = |value: &str| Fields::from([("Authorization", value)]);
    let ask = |manners, value: &str| page_of(&server(manners), "GET", ME, with(value), "");
    assert_eq!(cell(&ask(Manners::Apache, &bearer)), "401 rest_not_logged_in");
    let gate = ask(Manners::Gate, &bearer);
    assert_eq!(cell(&gate), "401 (html)");
    assert!(gate.fields.has(Name::WwwAuthenticate) && !gate.fields.has(Name::Link));
    // The right password gets past it, and is no login of WordPress.
    assert_eq!(cell(&ask(Manners::Gate, "Basic dGVhbTpkZW1v")), "401 rest_not_logged_in");
}
