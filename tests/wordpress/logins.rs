//! The token request, and login cookies beside a token, as real WordPress answered them, sent through the doctor.

use serde_json::json;

use crate::judge::Verdict::{Says, Silent};
use crate::judge::{Ask, ME, REPORTS, TOKEN, VALIDATE, Verdict, directly, doctor, hold, message};
use crate::stand::Stand;
use crate::token::{basic, bearer_of, changed, claims, now, sign};

const POSTS: &str = "GET /wp-json/wp/v2/posts";
const INVALID: &str = "403 jwt_auth_invalid_token";
const NO_USER: &str = "403 [jwt_auth] invalid_username";
const WRONG_PASSWORD: &str = "403 [jwt_auth] incorrect_password";
const TOKEN_GIVEN: &str = "200 (token)";

const LOGIN: Verdict = Says(&["login-refused"]);
/// Application passwords are in use here, so their handler has the last word.
const OVERWRITTEN: Verdict = Says(&["login-overwritten-message", "login-refused"]);
const NONCE_MISSING: Verdict = Says(&["cookie-without-nonce"]);
const UNREAD: Verdict = Says(&["login-body-unread"]);
const EXPIRED: Verdict = Says(&["token-expired"]);
const PLACEHOLDER: Verdict = Says(&["placeholder-token"]);
/// A token that spoils a request which needs none: where it was sent, or what is wrong with it, is the root.
const STALE: Verdict = Says(&["stale-token-on-public-route", "token-expired"]);
const STALE_PLACEHOLDER: Verdict = Says(&["placeholder-token", "stale-token-on-public-route"]);

const JSON: Option<&str> = Some("application/json");
const FORM: Option<&str> = Some("application/x-www-form-urlencoded");

/// A name, what is asked, the kind of the body, the body, the answer and what the doctor may say.
type Login<'a> = (&'a str, &'a str, Option<&'a str>, &'a str, &'a str, Verdict);
/// A name, what is asked, the values of Cookie, X-WP-Nonce and Authorization, the answer and what the doctor may say.
type WithCookie<'a> = (&'a str, &'a str, [Option<&'a str>; 3], &'a str, Verdict);

fn expired() -> String {
    let stand = Stand::up();
    let now = now();
    format!("Bearer {}", sign(&changed(&claims(stand, 1, now), "exp", json!(now - 60)), stand.get("SECRET")))
}

fn login(user: &str, password: &str) -> String {
    json!({ "username": user, "password": password }).to_string()
}

fn header(name: &'static str, value: Option<impl Into<String>>) -> Option<(&'static str, String)> {
    value.map(|value| (name, value.into()))
}

#[test]
fn token_requests_by_their_body() {
    let stand = Stand::up();
    let (user, password) = (stand.get("ADMIN_USER"), stand.get("ADMIN_PASSWORD"));
    let right = login(user, password);
    let form = format!("username={user}&password={password}");
    let trailing = format!("{TOKEN}/");
    let query = format!("{TOKEN}?a=b");
    let refresh = format!("{TOKEN}/refresh");
    let get = TOKEN.replace("POST", "GET");
    let app_password = login(user, stand.get("ADMIN_APP_PASSWORD"));
    let broken = &right[..right.len() - 3];
    let rows: [Login; 18] = [
        ("right", TOKEN, JSON, &right, TOKEN_GIVEN, Silent),
        ("wrong password", TOKEN, JSON, &login(user, "x"), WRONG_PASSWORD, OVERWRITTEN),
        ("unknown user", TOKEN, JSON, &login("nobody", "x"), NO_USER, LOGIN),
        ("no password", TOKEN, JSON, &json!({ "username": user }).to_string(), WRONG_PASSWORD, OVERWRITTEN),
        ("empty body", TOKEN, None, "", NO_USER, UNREAD),
        ("broken JSON", TOKEN, JSON, broken, "400 rest_invalid_json", Silent),
        ("form fields", TOKEN, FORM, &form, TOKEN_GIVEN, Silent),
        ("JSON as text/plain", TOKEN, Some("text/plain"), &right, NO_USER, UNREAD),
        ("JSON without a type", TOKEN, None, &right, NO_USER, UNREAD),
        ("JSON with a charset", TOKEN, Some("application/json; charset=utf-8"), &right, TOKEN_GIVEN, Silent),
        ("e-mail as user", TOKEN, JSON, &login("admin@wordpress.test", password), TOKEN_GIVEN, Silent),
        ("app password", TOKEN, JSON, &app_password, TOKEN_GIVEN, Silent),
        ("GET", &get, None, "", "404 rest_no_route", Says(&["route-wrong-method"])),
        ("a trailing slash", &trailing, JSON, &right, TOKEN_GIVEN, Silent),
        ("a query string", &query, JSON, &right, TOKEN_GIVEN, Silent),
        (
            "refresh, of the Pro plugin",
            &refresh,
            JSON,
            &right,
            "404 rest_no_route",
            Says(&["jwt-plugin-inactive"]),
        ),
        ("validate without a token", VALIDATE, JSON, &right, "403 jwt_auth_no_auth_header", Silent),
        ("a public route", POSTS, None, "", "200 (list)", Silent),
    ];
    let doctor = doctor();
    for (name, line, kind, body, answer, verdict) in rows {
        let ask = Ask { body, ..Ask::new(line, header("Content-Type", kind).into_iter().collect()) };
        hold(&doctor, name, &ask, answer, verdict);
    }
}

#[test]
fn token_requests_that_carry_a_credential() {
    let stand = Stand::up();
    let right = login(stand.get("ADMIN_USER"), stand.get("ADMIN_PASSWORD"));
    let undefined = "Bearer undefined".to_owned();
    let doctor = doctor();
    for (name, line, credential, answer, told, verdict) in [
        ("expired", TOKEN, expired(), INVALID, "Expired token", STALE),
        ("undefined", TOKEN, undefined.clone(), INVALID, "Wrong number of segments", STALE_PLACEHOLDER),
        ("wrong Basic", TOKEN, basic("admin", "x"), TOKEN_GIVEN, "", Silent),
        ("expired on a public route", POSTS, expired(), INVALID, "Expired token", STALE),
        (
            "undefined on a public route",
            POSTS,
            undefined,
            INVALID,
            "Wrong number of segments",
            STALE_PLACEHOLDER,
        ),
    ] {
        let headers = vec![("Content-Type", "application/json".to_owned()), ("Authorization", credential)];
        let body = if line == TOKEN { &right } else { "" };
        let reply = hold(&doctor, name, &Ask { body, ..Ask::new(line, headers) }, answer, verdict);
        assert_eq!(message(&reply), told, "{name}");
    }
}

/// PHP-FPM behind nginx reads a body without a length, since nginx collects it first.
#[test]
fn token_requests_in_chunks() {
    let stand = Stand::up();
    let body = login(stand.get("ADMIN_USER"), stand.get("ADMIN_PASSWORD"));
    let headers = vec![("Content-Type", "application/json".to_owned())];
    let ask = Ask { line: TOKEN, headers, body: &body, chunked: true };
    hold(&doctor(), "chunked", &ask, TOKEN_GIVEN, Silent);
}

#[test]
fn login_cookies_beside_a_token() {
    let stand = Stand::up();
    let cookie = browser_login();
    let (good, nonce) = (bearer_of("ADMIN"), "0123456789");
    let app_password = basic(stand.get("ADMIN_USER"), stand.get("ADMIN_APP_PASSWORD"));
    let (me, anonymous) = ("200 (user admin)", "401 rest_not_logged_in");
    let with = Some(cookie.as_str());
    let rows: [WithCookie; 9] = [
        ("no nonce", ME, [with, None, None], anonymous, NONCE_MISSING),
        ("no nonce", REPORTS, [with, None, None], "401 rest_forbidden", NONCE_MISSING),
        (
            "a stale nonce",
            ME,
            [with, Some(nonce), None],
            "403 rest_cookie_invalid_nonce",
            Says(&["nonce-refused"]),
        ),
        ("a good token", ME, [with, None, Some(&good)], me, Silent),
        ("a good token", VALIDATE, [with, None, Some(&good)], "200 jwt_auth_valid_token", Silent),
        ("an expired token", ME, [with, None, Some(&expired())], INVALID, EXPIRED),
        ("no token yet", ME, [with, None, Some("Bearer undefined")], INVALID, PLACEHOLDER),
        ("an app password", ME, [with, None, Some(&app_password)], anonymous, Says(&["cookie-beats-basic"])),
        ("a stale nonce, a good token, no cookie", ME, [None, Some(nonce), Some(&good)], me, Silent),
    ];
    let doctor = doctor();
    for (name, line, values, answer, verdict) in rows {
        let names = ["Cookie", "X-WP-Nonce", "Authorization"];
        let headers = names.into_iter().zip(values).filter_map(|(name, value)| header(name, value)).collect();
        hold(&doctor, name, &Ask::new(line, headers), answer, verdict);
    }
}

/// The cookie that a browser sends beyond wp-admin.
fn browser_login() -> String {
    let stand = Stand::up();
    let form = format!("log={}&pwd={}&testcookie=1", stand.get("ADMIN_USER"), stand.get("ADMIN_PASSWORD"));
    let headers = [("Content-Type", FORM.unwrap()), ("Cookie", "wordpress_test_cookie=WP%20Cookie%20check")];
    let headers = headers.map(|(name, value)| (name, value.to_owned())).to_vec();
    let reply = directly(&Ask { body: &form, ..Ask::new("POST /wp-login.php", headers) });
    let cookies = reply.head.lines().filter_map(|line| line.strip_prefix("Set-Cookie: "));
    let cookie = cookies.filter_map(|cookie| cookie.split(';').next());
    cookie.into_iter().find(|cookie| cookie.starts_with("wordpress_logged_in_")).unwrap().to_owned()
}
