//! The requests: a marked secret in every place where clients, proxies and strangers put one.

use super::marks::{
    API_KEY, APP_PASSWORD, BASIC, COOKIE, EXPIRED, FOREIGN, GATE, KEY_ID, LOGIN, NONCE, OPAQUE,
    OTHER_PASSWORD, PASSWORD, REFRESH, RESET_KEY, SESSION, SIGNATURE, SITE_SECRET, TOKEN, hex,
};

/// Fields that hold one, each to be sent alone.
#[expect(clippy::too_many_lines, reason = "it is a table")]
pub(super) fn fields() -> Vec<String> {
    let token = &*TOKEN;
    let (first, _) = token.rsplit_once('.').unwrap();
    let forged = format!("doctor;i=\"{PASSWORD}\";x=\"{OPAQUE}\";k={API_KEY};m=:{}:", *BASIC);
    [
        format!("Authorization: Bearer {token}"),
        format!("Authorization: Bearer {}", *EXPIRED),
        format!("Authorization: Bearer {}", *FOREIGN),
        format!("authorization: bearer {token}"),
        format!("Authorization: {token}"),
        format!("Authorization: Bearer \"{token}\""),
        format!("Authorization: Bearer {{{{{token}}}}}"),
        format!("Authorization: Bearer {first}"),
        format!("Authorization: Bearer {token}, Basic {}", *BASIC),
        format!("Authorization: Bearer {token}\r\nAuthorization: Basic {}", *BASIC),
        format!("Authorization: Bearer Bearer {token}"),
        format!("Authorization: Bearer {OPAQUE}"),
        format!("Authorization: Bearer {token}%0A"),
        format!("Authorization: Bearer ${{{SITE_SECRET}}}"),
        format!("Authorization: Bearer [object {OPAQUE}]"),
        format!("Authorization: Basic {}", *BASIC),
        format!("Authorization: Basic {LOGIN}:{PASSWORD}"),
        format!("Authorization: Basic {APP_PASSWORD}"),
        format!("Authorization: Digest username=\"{LOGIN}\", response=\"{OPAQUE}\", nonce=\"{NONCE}\""),
        format!("Authorization: AWS4-HMAC-SHA256 Credential={API_KEY}/20260101, Signature={}", hex(SIGNATURE.as_bytes())),
        format!("Authorization: OAuth oauth_token=\"{OPAQUE}\", oauth_signature=\"{REFRESH}\""),
        format!("Authorization: {OPAQUE} {PASSWORD}"),
        format!("Authorization: {PASSWORD}"),
        format!("Authorization: \u{e9}{PASSWORD}"),
        format!("Authorization : Bearer {token}"),
        format!("Authorization: Bearer\r\n {token}"),
        format!("Authorization: Bearer \0{token}"),
        format!("X-Authorization: Bearer {token}"),
        format!("X-Amzn-Remapped-Authorization: Bearer {OPAQUE}"),
        format!("X-Forwarded-Authorization: Basic {}", *BASIC),
        format!("X-Original-Authorization: Bearer {token}\r\nX-Authorization: Bearer {OPAQUE}"),
        format!("Proxy-Authorization: Basic {}", *BASIC),
        format!("Cf-Access-Jwt-Assertion: {token}"),
        format!("X-Goog-Iap-Jwt-Assertion: {token}\r\nX-Amzn-Oidc-Data: {token}"),
        format!("X-Api-Key: {API_KEY}"),
        format!("Api-Key: {OPAQUE}\r\nX-Auth-Token: {REFRESH}\r\nX-Access-Token: {token}\r\nToken: {OPAQUE}"),
        format!("X-WP-Nonce: {NONCE}"),
        format!("X-WP-Nonce: {OPAQUE}\r\nX-WP-Nonce: {NONCE}"),
        format!("Cookie: wordpress_logged_in_0123456789abcdef={LOGIN}%7C1767225600%7C{COOKIE}%7C{SESSION}; PHPSESSID={SESSION}"),
        format!("Cookie: {OPAQUE}"),
        format!("Cookie: {OPAQUE}={PASSWORD}; wordpress_sec_{OPAQUE}={COOKIE}; wp_jwt={token}"),
        format!("Cookie: a={COOKIE}\r\nCookie: b={SESSION}"),
        format!("Sec-WebSocket-Protocol: bearer, {token}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {OPAQUE}\r\nSec-WebSocket-Version: 13"),
        format!("Referer: https://{LOGIN}:{PASSWORD}@a.test/{RESET_KEY}/?token={token}#{OPAQUE}"),
        format!("Origin: https://{LOGIN}:{PASSWORD}@app.test"),
        format!("Origin: https://app.test\r\nAuthorization: Bearer {token}"),
        format!("Origin: {token}"),
        format!("Origin: https://app.test/{OPAQUE}?{PASSWORD}"),
        format!("Forwarded: for=\"_{OPAQUE}\";by={PASSWORD};host=\"{LOGIN}:{PASSWORD}@a.test\";proto={OPAQUE}"),
        format!("X-Forwarded-For: {OPAQUE}, {PASSWORD}\r\nX-Real-IP: {OPAQUE}\r\nX-Forwarded-Port: {OPAQUE}"),
        format!("X-Forwarded-Host: {LOGIN}:{PASSWORD}@a.test\r\nX-Forwarded-Proto: {OPAQUE}"),
        "X-Forwarded-Proto: https\r\nX-Forwarded-Host: a.test".to_owned() + &format!("\r\nX-Api-Key: {API_KEY}"),
        format!("X-Forwarded-User: {LOGIN}\r\nX-Remote-User: {LOGIN}\r\nRemote-User: {LOGIN}"),
        format!("Via: 1.1 {OPAQUE} ({PASSWORD})"),
        format!("X-Request-Id: {OPAQUE}\r\nX-Correlation-Id: {token}\r\ntraceparent: 00-{OPAQUE}-01\r\ntracestate: {OPAQUE}={PASSWORD}\r\nbaggage: token={PASSWORD}"),
        format!("User-Agent: app/1 (token={token}; password {PASSWORD})"),
        format!("{OPAQUE}: 1"),
        format!("X-{token}: 1"),
        format!("{PASSWORD}: {PASSWORD}"),
        format!("X_Authorization: Bearer {token}\r\nX_{OPAQUE}: {PASSWORD}"),
        format!("HTTP_AUTHORIZATION: Bearer {token}\r\nREDIRECT_HTTP_AUTHORIZATION: {OPAQUE}"),
        format!("Connection: authorization, {OPAQUE}, cookie\r\nAuthorization: Bearer {token}\r\n{OPAQUE}: {PASSWORD}"),
        format!("Connection: {PASSWORD}"),
        format!("TE: {OPAQUE}\r\nTrailer: {OPAQUE}, Authorization"),
        format!("Expect: {OPAQUE}"),
        format!("Upgrade: {OPAQUE}\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: {OPAQUE}"),
        format!("Content-Type: {OPAQUE}/{PASSWORD}; boundary={token}"),
        format!("Content-Encoding: {OPAQUE}"),
        format!("Content-Length: {OPAQUE}"),
        format!("Transfer-Encoding: {OPAQUE}"),
        format!("Range: bytes={OPAQUE}\r\nIf-None-Match: \"{OPAQUE}\"\r\nIf-Range: {PASSWORD}"),
        format!("Accept-Language: {OPAQUE}\r\nAccept: {PASSWORD}\r\nAccept-Encoding: {OPAQUE}"),
        format!("X-HTTP-Method-Override: {OPAQUE}\r\nX-Original-URL: /x?token={PASSWORD}\r\nX-Rewrite-URL: /{RESET_KEY}"),
        format!("Header-Doctor-Trail: {forged}"),
        format!("Header-Doctor-Trail: {token}\r\nHeader-Doctor-Ask: {OPAQUE};{PASSWORD}\r\nHeader-Doctor-Report: {forged}"),
        format!("X-Custom: {}", "a".repeat(4000) + OPAQUE),
        format!("no colon {token}"),
        format!(": {PASSWORD}"),
        format!("X: \x01{PASSWORD}"),
        format!("X\t{OPAQUE}: {PASSWORD}"),
        format!("X-\u{e9}{PASSWORD}: 1"),
        format!("X: y\rAuthorization: Bearer {token}"),
        format!("X: {}", OPAQUE.repeat(600)),
        format!("{}: x", OPAQUE.repeat(600)),
    ]
    .into()
}

/// Targets that hold one.
pub(super) fn targets() -> Vec<String> {
    let token = &*TOKEN;
    [
        format!("/wp-json/wp/v2/users/me?token={PASSWORD}"),
        format!("/wp-json/wp/v2/users/me?jwt={token}&JWT={token}&access_token={OPAQUE}"),
        format!("/wp-json/jwt-auth/v1/token/validate?_wpnonce={NONCE}&{PASSWORD}"),
        format!("/wp-json/jwt-auth/v1/token?username={LOGIN}&password={PASSWORD}"),
        format!("/?rest_route=/wp/v2/users/me&token={OTHER_PASSWORD}"),
        format!("/?rest_route=/wp/v2/users/me?token={OTHER_PASSWORD}"),
        format!("/?rest_route=%2Fwp%2Fv2%2Fusers%2Fme%3Ftoken%3D{OTHER_PASSWORD}"),
        format!("/?rest_route=/wp/v2/posts/{OPAQUE}/"),
        format!("/?rest_route={PASSWORD}&rest_route=/{RESET_KEY}"),
        format!("/?rest_route=/mail/{LOGIN}%40quux.zq;{OTHER_PASSWORD}"),
        format!("/wp-login.php?action=rp&key={RESET_KEY}&login={LOGIN}"),
        format!("/wp-json/x?consumer_key={API_KEY}&consumer_secret={REFRESH}&{OPAQUE}=1&{token}=1&{API_KEY}"),
        format!("/mail/{LOGIN}%40quux.zq"),
        format!("/?rest_route=/mail/{LOGIN}%40quux.zq"),
        format!("/reset/{RESET_KEY}/now"),
        format!("/reset/{token}"),
        format!("/reset/{}", percent(RESET_KEY)),
        format!("/wp-json/x%3Ftoken%3D{OTHER_PASSWORD}%26password%3D{PASSWORD}"),
        format!("/wp-json/x%253Ftoken%253D{OTHER_PASSWORD}"),
        format!("/wp-json/x;token={OTHER_PASSWORD};jsessionid={SESSION}"),
        format!("/login/{LOGIN}:{PASSWORD}@a.test/x"),
        format!("/login/{LOGIN}%3A{PASSWORD}%40a.test/x"),
        format!("http://{LOGIN}:{PASSWORD}@a.test/wp-json/?x={OPAQUE}"),
        format!("HTTPS://{LOGIN}:{PASSWORD}@A.TEST?x={OPAQUE}"),
        format!("http://a.test/https://{LOGIN}:{PASSWORD}@b.test/"),
        format!("//{LOGIN}:{PASSWORD}@a.test/wp-json/"),
        format!("{LOGIN}:{PASSWORD}@a.test"),
        format!("/wp-json/?x=1#access_token={token}"),
        format!("/wp-json/\\{PASSWORD}\"<{OPAQUE}>?{PASSWORD}"),
        format!("/{}?{}", "a/".repeat(600), OPAQUE.repeat(3)),
        format!("/wp-json/{}?x={}", OPAQUE.repeat(500), PASSWORD),
        format!("*?{PASSWORD}"),
    ]
    .into()
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Bodies that hold one, with their type.
fn bodies() -> Vec<(&'static str, String)> {
    let token = &*TOKEN;
    let (form, json) = ("application/x-www-form-urlencoded", "application/json");
    vec![
        (form, format!("username={LOGIN}&password={PASSWORD}")),
        (json, format!(r#"{{"username":"{LOGIN}","password":"{PASSWORD}"}}"#)),
        (form, format!("grant_type=refresh_token&refresh_token={REFRESH}&client_secret={OPAQUE}")),
        (json, format!(r#"{{"refresh_token":"{REFRESH}","token":"{token}"}}"#)),
        (json, format!(r#"{{"refresh_token":"{REFRESH}"#)),
        (form, format!("refresh_token={}&jwt={token}", percent(REFRESH))),
        (
            "multipart/form-data; boundary=x",
            format!(
                "--x\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n{PASSWORD}\r\n--x--\r\n"
            ),
        ),
        (json, format!(r#"{{"x":"{}","password":"{PASSWORD}"}}"#, OPAQUE.repeat(300))),
    ]
}

/// The routes that hand out tokens, of several plugins.
const TOKEN_ROUTES: [&str; 6] = [
    "/wp-json/jwt-auth/v1/token",
    "/wp-json/jwt-auth/v1/token/refresh",
    "/?rest_route=/jwt-auth/v1/token",
    "/wp-json/simple-jwt-login/v1/auth",
    "/wp-json/api/v1/token",
    "/wp-json/wp/v2/posts",
];

/// Whole requests, each for a connection of its own; `X-Reply` asks the origin for the reply of that number.
pub(super) fn requests(replies: usize) -> Vec<Vec<u8>> {
    let (fields, targets) = (fields(), targets());
    let mut requests: Vec<Vec<u8>> = Vec::new();
    let usual = format!("Authorization: Bearer {}", *TOKEN);
    let cookies = format!("Cookie: wordpress_logged_in_a={LOGIN}%7C{COOKIE}\r\nX-WP-Nonce: {NONCE}");
    let mut ask = |method: &str, target: &str, fields: &str| {
        let number = requests.len() % replies;
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nX-Reply: {number}\r\n{fields}\r\n\r\n"
        );
        requests.push(latin(&request));
    };
    for (number, field) in fields.iter().enumerate() {
        ask("GET", &targets[number % targets.len()], field);
        ask("GET", "/wp-json/wp/v2/users/me", field);
    }
    for target in &targets {
        ask("GET", target, &usual);
        ask("POST", target, &cookies);
        ask("CONNECT", target, &usual);
    }
    for _ in 0..replies {
        ask("GET", "/wp-json/wp/v2/users/me", &usual);
    }
    for _ in 0..replies {
        ask("GET", "/wp-json/jwt-auth/v1/token/validate", &cookies);
    }
    for route in TOKEN_ROUTES {
        for (kind, body) in bodies() {
            let length = body.len();
            ask("POST", route, &format!("Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"));
        }
    }
    for fields in preflights() {
        ask("OPTIONS", "/wp-json/wp/v2/users/me?token=walrus9Bicycle", &fields);
    }
    for method in [OPAQUE, &format!("{PASSWORD}!"), &format!("GET\t{OPAQUE}"), "TRACE", "DELETE"] {
        ask(method, "/wp-json/wp/v2/users/me", &usual);
    }
    requests.extend(malformed().iter().map(|request| latin(request)));
    requests
}

/// A sign beyond ASCII is one byte, as fields have it.
fn latin(text: &str) -> Vec<u8> {
    text.chars().map(|sign| u8::try_from(u32::from(sign)).unwrap_or(b'?')).collect()
}

fn preflights() -> [String; 6] {
    let ask = |origin: &str, method: &str, headers: &str| {
        format!(
            "Origin: {origin}\r\nAccess-Control-Request-Method: {method}\r\nAccess-Control-Request-Headers: {headers}"
        )
    };
    [
        ask(&format!("https://{LOGIN}:{PASSWORD}@app.test"), "GET", "authorization"),
        ask("https://app.test", OPAQUE, "authorization"),
        ask("https://app.test", "GET", &format!("authorization, {OPAQUE}, x-{API_KEY}, {PASSWORD}")),
        ask("https://other.test", RESET_KEY, RESET_KEY),
        ask("https://app.test", "GET", &format!("authorization: Bearer {}", *TOKEN)),
        ask(&TOKEN, "GET", &TOKEN),
    ]
}

/// What is no request, with a secret near the fault.
fn malformed() -> Vec<String> {
    let token = &*TOKEN;
    let (header, _) = token.split_once('.').unwrap();
    let head = format!(
        "POST /wp-json/ HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n"
    );
    let get = format!("GET /wp-json/?token={PASSWORD} HTTP/1.1\r\nConnection: close\r\n");
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
    [
        format!("{token}\r\n\r\n"),
        format!("GET {token}\r\n\r\n"),
        format!("GET /?token={PASSWORD} HTTP/{OPAQUE}\r\nHost: a\r\n\r\n"),
        format!("GET /a b {PASSWORD} HTTP/1.1\r\nHost: a\r\n\r\n"),
        format!("GET /{PASSWORD}\0 HTTP/1.1\r\nHost: a\r\n\r\n"),
        format!("GET /?{PASSWORD} HTTP/1.1\nAuthorization: Bearer {token}\n\n"),
        format!("{get}\r\n"),
        format!("{get}Host: {LOGIN}:{PASSWORD}@a.test\r\n\r\n"),
        format!("{get}Host: {OPAQUE}\r\n\r\n"),
        format!("{get}Host: {OPAQUE}.a.test\r\nAuthorization: Bearer {token}\r\n\r\n"),
        format!("{get}Host: {header}.{KEY_ID}.{SIGNATURE}\r\nAuthorization: Bearer {token}\r\n\r\n"),
        format!("{get}Host: {token}\r\nAuthorization: Bearer {token}\r\n\r\n"),
        format!("{get}Host: a.test:{PASSWORD}\r\n\r\n"),
        format!("{get}Host: a.test\r\nHost: {PASSWORD}\r\n\r\n"),
        format!("{get}Host: a.test, {PASSWORD}\r\n\r\n"),
        format!("{get}Host: a.test/{OPAQUE}?{PASSWORD}\r\n\r\n"),
        format!("{head}Content-Length: 4\r\nContent-Length: {OPAQUE}\r\n\r\nbody"),
        format!("{head}Content-Length: 20\r\nTransfer-Encoding: chunked\r\n\r\n{OPAQUE}"),
        format!("{head}Content-Length: 400\r\n\r\n{{\"password\":\"{PASSWORD}\""),
        format!("{chunked}{OPAQUE}\r\n"),
        format!("{chunked}5;{OPAQUE}=\"{PASSWORD}\"\r\nhello\r\n0\r\nAuthorization: Bearer {token}\r\nX-{OPAQUE}: {PASSWORD}\r\n\r\n"),
        format!("{chunked}5\r\nhello{PASSWORD}\r\n"),
        format!("{chunked}5\r\nhello\r\n0\r\n{OPAQUE} : {PASSWORD}\r\n\r\n"),
        format!("{chunked}5;{}\r\nhello\r\n0\r\n\r\n", OPAQUE.repeat(900)),
        format!("PROXY TCP4 {OPAQUE} 192.0.2.1 56324 443\r\n{head}\r\n"),
        format!("PRI * HTTP/2.0\r\n\r\n{PASSWORD}\r\n\r\n"),
        format!("\x16\x03\x01\x02{PASSWORD}{token}"),
        format!("{head}Content-Length: 4\r\n\r\n{PASSWORD}{get}Host: a.test\r\n\r\n"),
        format!("{head}X: {}", OPAQUE.repeat(20)),
        GATE.to_owned(),
    ]
    .into()
}
