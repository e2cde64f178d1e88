//! What the policy of a site does to requests and replies, seen from both ends of the doctor.

use crate::world::{Doctor, Origin, Reply};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A doctor before `origin` whose site and file say more.
fn doctor(origin: &Origin, site: &str, file: &str) -> Doctor {
    Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\n\
         workers: 1\n\
         log: {{ format: json, exchanges: all, client_address: full }}\n\
         sites: [{{ upstreams: [{{ url: \"{origin}\" }}], {site} }}]\n\
         {file}\n"
    ))
}

fn ask(doctor: &Doctor, line: &str, fields: &[&str]) -> Reply {
    let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
    doctor.connect().send(format!("{line} HTTP/1.1\r\nHost: blog.test\r\n{fields}\r\n")).reply()
}

/// The value of a field of a request that the origin saw; nothing unless it stood there exactly once.
fn value(request: &str, name: &str) -> Option<String> {
    let lines = request.lines().filter_map(|line| line.split_once(": "));
    let mut values = lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let first = values.next()?.to_owned();
    values.next().is_none().then_some(first)
}

const CORS: &str = "cors: { allow_origins: ['https://app.test'] }";
const PREFLIGHT: [&str; 3] = [
    "Origin: https://app.test",
    "Access-Control-Request-Method: PUT",
    "Access-Control-Request-Headers: authorization,content-type",
];

#[test]
fn a_stranger_is_told_apart_from_a_trusted_proxy() {
    let claims = [
        "X-Forwarded-For: 203.0.113.9",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: shop.test",
        "X-Request-Id: from-outside",
        "X-Real-IP: 203.0.113.9",
    ];
    let origin = Origin::answering(OK);
    let stranger = doctor(&origin, "mode: treat", "");
    ask(&stranger, "GET /", &claims);
    let request = origin.request();
    let seen = |name| value(&request, name);
    assert_eq!(seen("X-Forwarded-For").as_deref(), Some("127.0.0.1"));
    assert_eq!(seen("X-Forwarded-Proto").as_deref(), Some("http"));
    assert_eq!(seen("X-Forwarded-Host").as_deref(), Some("blog.test"));
    assert_eq!(seen("Via"), None, "nginx compresses no reply to a request with Via");
    assert_eq!(seen("X-Real-IP"), None);
    let event = stranger.event();
    assert_eq!(seen("X-Request-Id").as_deref(), event["exchange"].as_str());
    assert_eq!(event["client"], "127.0.0.1");

    let trusting = doctor(&origin, "mode: treat", "trusted_proxies: [loopback]");
    ask(&trusting, "GET /", &claims);
    let request = origin.request();
    let seen = |name| value(&request, name);
    assert_eq!(seen("X-Forwarded-For").as_deref(), Some("203.0.113.9, 127.0.0.1"));
    assert_eq!(seen("X-Forwarded-Proto").as_deref(), Some("https"));
    assert_eq!(seen("X-Forwarded-Host").as_deref(), Some("shop.test"));
    assert_eq!(seen("X-Request-Id").as_deref(), Some("from-outside"));
    assert_eq!(trusting.event()["client"], "203.0.113.9");
    ask(&doctor(&origin, "via: send", ""), "GET /", &[]);
    assert_eq!(value(&origin.request(), "Via").as_deref(), Some("1.1 header-doctor"));
}

#[test]
fn authorization_is_recovered_from_trusted_proxies_alone() {
    let recovery = "authorization: { recover_from: [x-authorization] }";
    let origin = Origin::answering(OK);
    let trusting = doctor(&origin, recovery, "trusted_proxies: [127.0.0.0/8]");
    ask(&trusting, "GET /", &["X-Authorization: Bearer a.b.c"]);
    let request = origin.request();
    assert_eq!(value(&request, "Authorization").as_deref(), Some("Bearer a.b.c"));
    assert_eq!(value(&request, "X-Authorization"), None);
    assert_eq!(trusting.event()["authorization"]["recovered_from"], "x-authorization");

    let stranger = doctor(&origin, recovery, "trusted_proxies: [192.0.2.0/24]");
    ask(&stranger, "GET /", &["X-Authorization: Bearer a.b.c"]);
    assert_eq!(value(&origin.request(), "Authorization"), None);
}

#[test]
fn a_copy_is_ours_and_never_the_clients() {
    let origin = Origin::answering(OK);
    let doctor = doctor(&origin, "authorization: { mirror_to: [x-authorization] }", "");
    ask(&doctor, "GET /", &["X-Authorization: Bearer forged", "Authorization: Bearer a.b.c"]);
    assert_eq!(value(&origin.request(), "X-Authorization").as_deref(), Some("Bearer a.b.c"));
    ask(&doctor, "GET /", &["X-Authorization: Bearer forged"]);
    assert_eq!(value(&origin.request(), "X-Authorization"), None);
    ask(&doctor, "GET /", &["X_Authorization: Bearer forged", "X.Authorization: Bearer forged"]);
    assert!(!origin.request().contains("forged"), "to PHP these are the same variable");
}

#[test]
fn a_placeholder_is_refused_where_the_policy_says_so() {
    let origin = Origin::answering(OK);
    let doctor = doctor(&origin, &format!("authorization: {{ placeholder_tokens: refuse }}, {CORS}"), "");
    let fields = ["Authorization: Bearer undefined", "Origin: https://app.test"];
    let reply = ask(&doctor, "GET /wp-json/", &fields);
    assert_eq!(
        (reply.status(), reply.json()["code"].as_str()),
        (400, Some("header_doctor_placeholder_token"))
    );
    assert_eq!(reply.field("Access-Control-Allow-Origin"), Some("https://app.test"), "the page may read why");
    assert!(origin.was_not_asked());
}

#[test]
fn a_preflight_is_answered_here_and_never_sent_on() {
    let origin = Origin::answering(OK);
    let doctor = doctor(&origin, CORS, "");
    let granted = ask(&doctor, "OPTIONS /wp-json/wp/v2/posts", &PREFLIGHT);
    assert_eq!(granted.status(), 204);
    assert_eq!(granted.field("Access-Control-Allow-Origin"), Some("https://app.test"));
    assert!(granted.field("Access-Control-Allow-Headers").unwrap().contains("authorization"));
    assert_eq!(granted.field("Access-Control-Max-Age"), Some("600"));
    assert!(granted.field("Vary").unwrap().contains("Access-Control-Request-Headers"));

    let evil = ["Origin: https://app.test.evil", PREFLIGHT[1], PREFLIGHT[2]];
    let refused = ask(&doctor, "OPTIONS /?rest_route=/wp/v2/posts", &evil);
    assert_eq!(
        (refused.status(), refused.json()["code"].as_str()),
        (403, Some("header_doctor_preflight_refused"))
    );
    assert!(refused.json()["message"].as_str().unwrap().contains("https://app.test.evil"));
    assert!(!refused.head.to_lowercase().contains("access-control-allow"), "{}", refused.head);

    let method = [PREFLIGHT[0], "Access-Control-Request-Method: TRACE", PREFLIGHT[2]];
    let refused = ask(&doctor, "OPTIONS /wp-json/wp/v2/posts", &method);
    assert_eq!(refused.status(), 403);
    assert!(!refused.head.to_lowercase().contains("\naccess-control-"), "{}", refused.head);
    assert!(origin.was_not_asked());
}

#[test]
fn schema_discovery_and_other_paths_are_wordpresss() {
    let schema = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nAccess-Control-Allow-Origin: *\r\n\r\n{}";
    let origin = Origin::answering(schema);
    let doctor = doctor(&origin, CORS, "");
    let discovery = ask(&doctor, "OPTIONS /wp-json/wp/v2/posts", &[]);
    assert_eq!((discovery.status(), discovery.body.as_slice()), (200, &b"{}"[..]));
    assert!(origin.request().starts_with("OPTIONS /wp-json/wp/v2/posts"));
    let font = ask(&doctor, "GET /font.woff2", &["Origin: https://elsewhere.test"]);
    assert_eq!(font.field("Access-Control-Allow-Origin"), Some("*"));
    let elsewhere = ask(&doctor, "OPTIONS /font.woff2", &PREFLIGHT);
    assert_eq!(elsewhere.status(), 200);
}

#[test]
fn a_reply_is_dressed_once_whatever_the_origin_says() {
    let twice = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nVary: Accept-Encoding\r\n\
                 Access-Control-Allow-Origin: *\r\naccess-control-allow-origin: https://app.test\r\n\r\nok";
    let origin = Origin::answering(twice);
    let doctor = doctor(&origin, CORS, "");
    let reply = ask(&doctor, "GET /wp-json/", &["Origin: https://app.test"]);
    assert_eq!(reply.head.to_lowercase().matches("access-control-allow-origin").count(), 1, "{}", reply.head);
    assert_eq!(reply.field("Access-Control-Allow-Origin"), Some("https://app.test"));
    assert!(reply.head.contains("Vary: Accept-Encoding") && reply.head.contains("Vary: Origin"));
    let foreign = ask(&doctor, "GET /wp-json/", &["Origin: https://elsewhere.test"]);
    assert_eq!(foreign.field("Access-Control-Allow-Origin"), None);
}

#[test]
fn what_a_page_cannot_read_is_told_by_who_withholds_it() {
    let twice = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\
                 Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Origin: https://app.test\r\n\r\nok";
    let told = |doctor: &Doctor, line: &str, fields: &[&str]| {
        ask(doctor, line, fields);
        doctor.event()["findings"][0]["rule"].as_str().unwrap_or_default().to_owned()
    };
    let origin = Origin::answering(twice);
    let (strict, plain) = (doctor(&origin, CORS, ""), doctor(&origin, "", ""));
    let (listed, foreign) = (["Origin: https://app.test"], ["Origin: https://elsewhere.test"]);
    assert_eq!(told(&strict, "GET /wp-json/", &listed), "");
    assert_eq!(told(&strict, "GET /wp-json/", &foreign), "preflight-refused");
    assert_eq!(told(&plain, "GET /wp-json/", &listed), "cors-headers-doubled");
    assert_eq!(told(&plain, "GET /", &listed), "");
    assert_eq!(told(&plain, "OPTIONS /wp-json/", &PREFLIGHT), "cors-headers-doubled");
    let [_, method, names] = PREFLIGHT;
    assert_eq!(told(&strict, "OPTIONS /wp-json/", &[foreign[0], method, names]), "preflight-refused");
}

#[test]
fn a_reply_of_the_rest_server_is_dressed_whatever_url_it_came_by() {
    let rest = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nAccess-Control-Allow-Origin: https://elsewhere.test\r\n\
                Link: <https://blog.test/wp-json/>; rel=\"https://api.w.org/\"\r\n\r\nok";
    let origin = Origin::answering(rest);
    let doctor = doctor(&origin, CORS, "");
    let reply = ask(&doctor, "POST /", &["Origin: https://elsewhere.test", "Content-Length: 0"]);
    assert_eq!(
        reply.field("Access-Control-Allow-Origin"),
        None,
        "rest_route may stand in the body of a form"
    );
}

#[test]
fn a_page_may_read_that_its_body_is_too_large() {
    let origin = Origin::answering(OK);
    let doctor = doctor(&origin, CORS, "limits: { body_bytes: 10 }");
    let reply = ask(&doctor, "POST /wp-json/x", &["Origin: https://app.test", "Content-Length: 11"]);
    assert_eq!((reply.status(), reply.field("Access-Control-Allow-Origin")), (413, Some("https://app.test")));
    let event = doctor.event();
    assert_eq!((event["path"].as_str(), event["status"].as_u64()), (Some("/wp-json/x"), Some(413)));
}

#[test]
fn a_redirect_between_names_of_the_site_stays_at_home() {
    let moved =
        "HTTP/1.1 301 Moved\r\nContent-Length: 0\r\nLocation: http://www.blog.test/wp-json/x/\r\n\r\n";
    let origin = Origin::answering(moved);
    let rewriting = doctor(&origin, "hosts: [blog.test, www.blog.test], redirects: rewrite", "");
    let reply = ask(&rewriting, "GET /wp-json/x", &["Authorization: Bearer a.b.c"]);
    assert_eq!(reply.field("Location"), Some("/wp-json/x/"));
    assert_eq!(reply.field("Cache-Control"), Some("no-store"));
    let reporting = doctor(&origin, "hosts: [blog.test, www.blog.test]", "");
    let reply = ask(&reporting, "GET /wp-json/x", &["Authorization: Bearer a.b.c"]);
    assert_eq!(reply.field("Location"), Some("http://www.blog.test/wp-json/x/"));
}

#[test]
fn who_observes_changes_nothing() {
    let said =
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nAccess-Control-Allow-Origin: https://a.test\r\n\r\nok";
    let origin = Origin::answering(said);
    let everything = format!(
        "mode: observe, redirects: rewrite, {CORS}, \
         authorization: {{ mirror_to: [x-authorization], placeholder_tokens: refuse }}"
    );
    let doctor = doctor(&origin, &everything, "");
    let fields = [
        "Authorization: Bearer undefined",
        "Authorization: Bearer a.b.c",
        "X-Authorization: x",
        "X-Forwarded-Proto: https",
        "Origin: https://app.test",
    ];
    let reply = ask(&doctor, "GET /wp-json/", &fields);
    let lines: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
    assert_eq!(origin.request(), format!("GET /wp-json/ HTTP/1.1\r\nHost: blog.test\r\n{lines}\r\n"));
    assert_eq!(reply.field("Access-Control-Allow-Origin"), Some("https://a.test"));
    assert_eq!(ask(&doctor, "OPTIONS /wp-json/", &PREFLIGHT).status(), 200);
}

#[test]
fn what_is_healthy_is_not_examined_though_a_page_asks_or_a_cache() {
    let replies = [
        ("Access-Control-Allow-Origin: *\r\nContent-Length: 0\r\n", "200 OK"),
        ("", "304 Not Modified"),
        ("Location: /wp-json/\r\nContent-Length: 0\r\n", "301 Moved Permanently"),
    ];
    for (fields, status) in replies {
        let origin = Origin::answering(format!("HTTP/1.1 {status}\r\n{fields}\r\n"));
        let doctor = doctor(&origin, "mode: treat", "");
        ask(&doctor, "GET /wp-json", &["Authorization: Bearer a.b.c", "Origin: http://blog.test"]);
        let event = doctor.event();
        assert_eq!(event["status"].to_string(), status[..3]);
        assert_eq!(event["message"], "Exchange done", "{event}");
        assert_eq!(
            event["authorization"]["sent"], "once",
            "two logs are compared by what is healthy, too: {event}"
        );
    }
}

/// No error, and a finding nevertheless; without a credential, or on a page, there is none.
#[test]
fn a_good_reply_from_a_cache_and_a_redirect_that_loses_the_request_are_told() {
    let kept = "Cache-Control: no-cache, must-revalidate, max-age=0, no-store, private\r\nX-Cache: HIT";
    let token = ["Authorization: Bearer a.b.c"];
    let rows = [
        ("GET /wp-json/wc/v3/orders", &token[..], "200 OK", kept, "authenticated-reply-cached"),
        ("GET /wp-json/wp/v2/users/me", &token, "200 OK", "Age: 9", "authenticated-reply-cached"),
        ("GET /wp-json/wp/v2/posts", &token, "200 OK", kept, ""),
        ("GET /wp-json/wc/v3/orders", &[], "200 OK", kept, ""),
        (
            "POST /wp-json/jwt-auth/v1/token",
            &[],
            "301 Moved",
            "Location: /wp-json/jwt-auth/v1/token/",
            "redirect-changes-method",
        ),
        ("POST /wp-login.php", &[], "302 Found", "Location: /wp-login.php", ""),
        (
            "GET /wp-json/wp/v2/users/me",
            &token,
            "302 Found",
            "Location: /oauth2/start?rd=x",
            "login-page-in-front",
        ),
        ("GET /wp-json/", &[], "302 Found", "Location: /oauth2/start?rd=x", ""),
    ];
    rows.into_iter().for_each(first_finding_is);
}

/// WordPress's own redirects are no errors, and the client finds no API where they lead; scanners and pages tell nothing.
#[test]
fn a_redirect_that_leads_past_the_api_is_told_of_who_means_it() {
    let token = ["Authorization: Bearer a.b.c"];
    let rows = [
        (
            "GET /wp-json/wp/v2/users/me",
            &token[..],
            "302 Found",
            "X-Redirect-By: WordPress\r\nLocation: /wp-admin/install.php",
            "wordpress-not-installed",
        ),
        (
            "POST /wp-json/jwt-auth/v1/token",
            &[],
            "302 Found",
            "Location: /wp-admin/setup-config.php",
            "wordpress-not-installed",
        ),
        ("GET /", &token, "302 Found", "Location: /wp-admin/install.php", ""),
        ("GET /wp-json/", &[], "302 Found", "Location: /wp-admin/install.php", ""),
        (
            "GET /wp-json/wp/v2/users/me",
            &token,
            "302 Found",
            "Location: /wp-signup.php?new=blog.test",
            "site-unknown-to-network",
        ),
        (
            "GET /wp-json/wp/v2/users/me",
            &token,
            "301 Moved",
            "X-Redirect-By: WordPress\r\nLocation: /wp-json/wp/v2/users/me/",
            "permalinks-plain",
        ),
    ];
    rows.into_iter().for_each(first_finding_is);
}

/// A request, its reply, and the rule of the first finding; empty for none.
type Told<'t> = (&'t str, &'t [&'t str], &'t str, &'t str, &'t str);

fn first_finding_is((line, fields, status, field, rule): Told<'_>) {
    let origin = Origin::answering(format!("HTTP/1.1 {status}\r\n{field}\r\nContent-Length: 2\r\n\r\nok"));
    let doctor = doctor(&origin, "mode: treat", "");
    ask(&doctor, line, fields);
    let event = doctor.event();
    assert_eq!(event["findings"][0]["rule"].as_str().unwrap_or_default(), rule, "{line}: {event}");
}

#[test]
fn a_reply_of_the_doctors_own_is_told_as_nobody_elses() {
    let origin = Origin::answering(OK);
    let doctor = doctor(&origin, &format!("hosts: [blog.test], {CORS}"), "");
    let method = [PREFLIGHT[0], "Access-Control-Request-Method: TRACE"];
    ask(&doctor, "OPTIONS /wp-json/", &method);
    ask(&doctor, "OPTIONS /wp-json/", &PREFLIGHT);
    ask(&doctor, "GET /wp-json/", &["Authorization: Bearer a", "Authorization: Bearer a"]);
    for status in [403, 204, 400] {
        let event = doctor.event();
        assert_eq!(event["status"], status);
        assert!(event["upstream"].is_null(), "nobody was asked: {event}");
        assert!(event["wordpress_code"].is_null(), "WordPress said nothing: {event}");
        assert!(event["authorization"]["sent"].is_null(), "nothing was sent: {event}");
    }
    assert!(origin.was_not_asked());
}

/// By default an expired token is told, unless its client renews it at once and is known to be able to.
#[test]
fn a_token_that_is_renewed_at_once_is_no_finding() {
    let expired = r#"{"code":"jwt_auth_invalid_token","message":"Expired token","data":{"status":403}}"#;
    let origin = Origin::playing(move |mut wire, _| {
        loop {
            let request = wire.message();
            let reply = if request.contains("/token/refresh") {
                OK.to_owned()
            } else {
                format!(
                    "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
                     Link: <https://blog.test/wp-json/>; rel=\"https://api.w.org/\"\r\n\r\n{expired}",
                    expired.len()
                )
            };
            wire.put(reply);
        }
    });
    let mut doctor = Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\nworkers: 1\nlog: {{ format: json, repeats: 1h }}\n\
         sites: [{{ upstreams: [{{ url: \"{origin}\" }}] }}]\n"
    ));
    // {"alg":"HS256"} and {"exp":1}
    let token = ["Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.c2ln"];
    ask(&doctor, "POST /wp-json/jwt-auth/v1/token/refresh", &["Content-Length: 0"]);
    assert_eq!(ask(&doctor, "GET /wp-json/wp/v2/users/me", &token).status(), 403);
    ask(&doctor, "POST /wp-json/jwt-auth/v1/token/refresh", &["Content-Length: 0"]);
    // What still waits for its renewal is told at the end.
    doctor.terminate();
    assert!(doctor.wait().success());
    let logged = doctor.logged();
    assert!(logged.is_empty(), "{logged:?}");
}
