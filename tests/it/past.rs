//! What one exchange has to do with those before it, by way of the running binary.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::world::{Doctor, Origin, until};

/// A WordPress by its routes: what stands in the first line of a request, and what is answered.
type Routes = fn(&str) -> (u16, String);

fn wordpress(routes: Routes) -> Origin {
    Origin::playing(move |mut wire, tell| {
        loop {
            let request = wire.message();
            if request.is_empty() {
                return;
            }
            tell(request.clone());
            let (status, body) = routes(&request);
            let length = body.len();
            wire.put(format!(
                "HTTP/1.1 {status} X\r\nContent-Type: application/json; charset=UTF-8\r\n\
                 Link: <http://a.test/wp-json/>; rel=\"https://api.w.org/\"\r\nContent-Length: {length}\r\n\r\n{body}"
            ));
        }
    })
}

/// A token that is good for a while, with some text in it by which it is found where it must not be.
fn token(number: u8) -> String {
    let payload = format!(
        r#"{{"iss":"http://a.test","exp":9999999999,"jti":"hunter{number}","data":{{"user":{{"id":7}}}}}}"#
    );
    let signature = "x".repeat(43);
    format!(
        "{}.{}.{signature}",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#),
        URL_SAFE_NO_PAD.encode(payload)
    )
}

/// A doctor that tells of exchanges that are sick, and of no other.
fn before(origins: &[&Origin]) -> Doctor {
    with(origins, "")
}

/// The same with more sections; it tells of every exchange that is sick.
fn with(origins: &[&Origin], sections: &str) -> Doctor {
    let repeats = if sections.is_empty() { "1m" } else { "0s" };
    let urls: Vec<_> = origins.iter().map(|origin| format!("{{ url: \"{origin}\" }}")).collect();
    Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\nsites: [{{ upstreams: [{}] }}]\nworkers: 1\n\
         log: {{ format: json, repeats: {repeats} }}\n{sections}",
        urls.join(", ")
    ))
}

fn refusal(code: &str, message: &str) -> (u16, String) {
    (403, format!(r#"{{"code":"{code}","message":"{message}","data":{{"status":403}}}}"#))
}

fn post(doctor: &Doctor, path: &str, body: &str) -> u16 {
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    );
    doctor.connect().send(request).reply().status()
}

fn get(doctor: &Doctor, path: &str, token: &str) -> u16 {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    doctor.connect().send(request).reply().status()
}

/// The rules of the next event, which shows no token.
fn rules(doctor: &Doctor) -> Vec<String> {
    let event = doctor.event();
    let shown = event.to_string();
    assert!(
        !shown.contains("hunter") && !shown.contains("eyJ") && !shown.contains("first-refresh"),
        "{shown}"
    );
    let findings = event["findings"].as_array().cloned().unwrap_or_default();
    findings.iter().filter_map(|finding: &Value| finding["rule"].as_str().map(str::to_owned)).collect()
}

const REFRESH: &str = "/wp-json/jwt-auth/v1/token/refresh";
const TOKEN: &str = "/wp-json/jwt-auth/v1/token";

#[test]
fn a_refresh_token_that_was_exchanged_and_an_access_token_in_its_place_are_found() {
    let origin = wordpress(|request| {
        let handed = |token, refresh| (200, format!(r#"{{"token":"{token}","refresh_token":"{refresh}"}}"#));
        let is_refresh = request.starts_with("POST /wp-json/jwt-auth/v1/token/refresh");
        if !is_refresh {
            return handed(token(1), "first-refresh");
        }
        if request.contains("first-refresh") && !request.contains("once-more") {
            return handed(token(2), "second-refresh");
        }
        refusal("jwt_auth_invalid_refresh_token", "x")
    });
    let doctor = before(&[&origin]);
    assert_eq!(post(&doctor, TOKEN, r#"{"username":"a","password":"b"}"#), 200);
    assert_eq!(post(&doctor, REFRESH, r#"{"refresh_token":"first-refresh"}"#), 200);
    let again = r#"{"refresh_token":"first-refresh","why":"once-more"}"#;
    assert_eq!(post(&doctor, REFRESH, again), 403);
    assert_eq!(rules(&doctor), ["refresh-token-reused"], "and nothing was said of what went well");
    let with_access = format!(r#"{{"refresh_token":"{}"}}"#, token(2));
    assert_eq!(post(&doctor, REFRESH, &with_access), 403);
    assert_eq!(rules(&doctor), ["refresh-with-access-token"]);
    assert_eq!(post(&doctor, REFRESH, r#"{"refresh_token":"somebody-elses"}"#), 403);
    doctor.expect_no_other_event();
}

#[test]
fn a_secret_that_differs_is_found_by_the_very_token_that_the_other_upstream_issued() {
    let routes: Routes = |request| {
        if request.starts_with("POST") {
            return (200, format!(r#"{{"token":"{}"}}"#, token(1)));
        }
        refusal("jwt_auth_invalid_token", "Signature verification failed")
    };
    let (a, b) = (wordpress(routes), wordpress(routes));
    let doctor = before(&[&a, &b]);
    // The two take turns.
    assert_eq!(post(&doctor, TOKEN, "{}"), 200);
    assert_eq!(get(&doctor, "/wp-json/wp/v2/users/me", &token(1)), 403);
    assert_eq!(rules(&doctor), ["jwt-secret-differs-between-nodes"]);
    assert_eq!(get(&doctor, "/wp-json/wp/v2/users/me", &token(2)), 403);
    assert_eq!(rules(&doctor), ["token-signature-refused"], "nobody issued this one");
}

#[test]
fn a_token_that_validate_takes_and_a_route_does_not_is_found() {
    let origin = wordpress(|request| {
        if request.starts_with("POST") {
            return (200, r#"{"code":"jwt_auth_valid_token","data":{"status":200}}"#.to_owned());
        }
        let body = r#"{"code":"rest_not_logged_in","message":"You are not currently logged in.","data":{"status":401}}"#;
        (401, body.to_owned())
    });
    let doctor = before(&[&origin]);
    let validate = format!(
        "POST {TOKEN}/validate HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer {}\r\nContent-Length: 0\r\n\r\n",
        token(1)
    );
    assert_eq!(doctor.connect().send(validate).reply().status(), 200);
    assert_eq!(get(&doctor, "/wp-json/wp/v2/users/me", &token(1)), 401);
    assert_eq!(rules(&doctor), ["validate-accepts-route-refuses"]);
}

#[test]
fn a_scope_says_where_alone_it_is_so() {
    let refused: Routes = |_| refusal("jwt_auth_invalid_token", "Signature verification failed");
    let served: Routes = |_| (200, "{}".to_owned());
    let (a, b) = (wordpress(refused), wordpress(served));
    let doctor = with(&[&a, &b], "drain: {}\n");
    // The two take turns.
    for number in 1..9 {
        get(&doctor, "/wp-json/wp/v2/users/me", &token(number));
    }
    let scopes: Vec<_> = (0..4).map(|_| doctor.event()["findings"][0]["scope"].clone()).collect();
    assert_eq!((&scopes[1]["count"], scopes[1].get("only")), (&2.into(), None), "too few to say so");
    assert_eq!(scopes[3]["only"]["upstream"], a.to_string(), "{scopes:?}");
    assert_eq!((&scopes[3]["only"]["origin"], &scopes[3]["only"]["client"]), (&Value::Null, &Value::Null));
}

/// A path on which `Authorization` is lost.
const LOSES: Routes = |request| {
    if request.starts_with("POST /wp-json/jwt-auth/v1/token/validate") {
        return refusal("jwt_auth_no_auth_header", "Authorization header not found.");
    }
    (401, r#"{"code":"rest_not_logged_in","message":"x","data":{"status":401}}"#.to_owned())
};

#[test]
fn a_second_opinion_is_asked_once_and_serves_later_exchanges() {
    let origin = wordpress(LOSES);
    let doctor = with(&[&origin], "diagnosis: { second_opinion: auto }\n");
    let proof = || {
        get(&doctor, "/wp-json/wp/v2/users/me", &token(1));
        let event = doctor.event();
        let finding = &event["findings"][0];
        assert_eq!(finding["rule"], "authorization-lost-before-php", "{event}");
        finding["proof"].as_str().unwrap().to_owned()
    };
    assert_eq!(proof(), "possible");
    until("the answer serves later exchanges", || proof() == "likely");
}

#[test]
fn the_question_names_itself_and_carries_no_credential_and_no_client() {
    let origin = wordpress(LOSES);
    let doctor = with(&[&origin], "diagnosis: { second_opinion: auto }\n");
    get(&doctor, "/wp-json/wp/v2/users/me", &token(1));
    let (_asked, question) = (origin.request(), origin.request());
    assert!(question.starts_with("POST /wp-json/jwt-auth/v1/token/validate HTTP/1.1"), "{question}");
    assert!(
        question.contains("Host: a.test") && question.contains("Authorization: Bearer header-doctor"),
        "{question}"
    );
    assert!(
        question.contains("second opinion") && !question.contains("hunter") && !question.contains("eyJ"),
        "{question}"
    );
    get(&doctor, "/wp-json/wp/v2/users/me", &token(2));
    get(&doctor, "/wp-json/wp/v2/users/me", &token(3));
    let next = [origin.request(), origin.request()];
    assert!(next.iter().all(|request| request.starts_with("GET ")), "once an hour: {next:?}");
}

#[test]
fn by_default_the_question_is_printed_and_not_asked_and_never_leaves_it_out() {
    for (setting, is_printed) in [("ask", true), ("never", false)] {
        let origin = wordpress(LOSES);
        let doctor = with(&[&origin], &format!("diagnosis: {{ second_opinion: {setting} }}\n"));
        get(&doctor, "/wp-json/wp/v2/users/me", &token(1));
        let event = doctor.event();
        assert_eq!(event["findings"][0]["decide"].is_string(), is_printed, "{event}");
        get(&doctor, "/wp-json/wp/v2/users/me", &token(2));
        let asked = [origin.request(), origin.request()];
        assert!(asked.iter().all(|request| request.starts_with("GET ")), "{asked:?}");
    }
}

#[test]
fn one_who_is_told_not_to_judge_tells_only_of_what_he_could_not_do() {
    let origin = wordpress(|_| refusal("jwt_auth_invalid_token", "Expired token"));
    let doctor = with(&[&origin], "diagnosis: { enabled: false }\n");
    let ask = |fields: &str| {
        let head = format!(
            "GET /wp-json/wp/v2/users/me HTTP/1.1\r\nHost: a.test\r\n{fields}Connection: close\r\n\r\n"
        );
        doctor.connect().send(head).reply()
    };
    let reply = ask(&format!("Authorization: Bearer {}\r\n", token(1)));
    assert_eq!((reply.status(), reply.json()["code"].as_str()), (403, Some("jwt_auth_invalid_token")));
    assert_eq!(ask("Authorization: Bearer a\r\nAuthorization: Bearer b\r\n").status(), 400);
    let event = doctor.event();
    assert_eq!(event["refusal"]["code"], "header_doctor_authorization_twice", "{event}");
    assert_eq!(event["findings"].as_array().map(Vec::len), Some(0), "{event}");
    doctor.expect_no_other_event();
}

/// One exchange with a doctor that holds its connection no longer.
fn ask(doctor: &Doctor, line: &str, fields: &str) -> u16 {
    doctor.connect().send(format!("{line} HTTP/1.1\r\n{fields}Connection: close\r\n\r\n")).reply().status()
}

#[test]
fn two_sites_on_the_same_machines_have_two_secrets_and_none_is_wrong() {
    let routes: Routes = |request| {
        if request.contains("Host: a.test") {
            return (200, r#"{"code":"jwt_auth_valid_token","data":{"status":200}}"#.to_owned());
        }
        refusal("jwt_auth_invalid_token", "Signature verification failed")
    };
    let (a, b) = (wordpress(routes), wordpress(routes));
    let doctor = before(&[&a, &b]);
    let validate = |host: &str| {
        let fields = format!("Host: {host}\r\nAuthorization: Bearer {}\r\nContent-Length: 0\r\n", token(1));
        ask(&doctor, "POST /wp-json/jwt-auth/v1/token/validate", &fields)
    };
    // The two take turns.
    assert_eq!((validate("a.test"), validate("b.test")), (200, 403));
    assert_eq!(rules(&doctor), ["token-signature-refused"], "the client took it to another site");
}

#[test]
fn a_page_in_place_of_an_answer_says_nothing_of_a_token() {
    let origin = wordpress(|request| {
        if request.starts_with("POST") {
            return (200, "<html>Checking your browser</html>".to_owned());
        }
        (401, r#"{"code":"rest_not_logged_in","message":"x","data":{"status":401}}"#.to_owned())
    });
    let doctor = before(&[&origin]);
    let fields = format!("Host: a.test\r\nAuthorization: Bearer {}\r\nContent-Length: 0\r\n", token(1));
    assert_eq!(ask(&doctor, "POST /wp-json/jwt-auth/v1/token/validate", &fields), 200);
    assert_eq!(get(&doctor, "/wp-json/wp/v2/users/me", &token(1)), 401);
    doctor.expect_no_other_event();
}

/// A doctor that may ask, with more about its site and more sections.
fn asking(origin: &Origin, site: &str, sections: &str) -> Doctor {
    Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\nsites: [{{ {site} upstreams: [{{ url: \"{origin}\" }}] }}]\nworkers: 1\n\
         log: {{ format: json, repeats: 0s }}\ndiagnosis: {{ second_opinion: auto }}\n{sections}"
    ))
}

#[test]
fn the_question_goes_to_the_wordpress_that_was_asked() {
    let table = [
        ("/blog/wp-json/wp/v2/users/me", "/blog/wp-json/jwt-auth/v1/token/validate"),
        ("/index.php/wp-json/wp/v2/users/me", "/index.php/wp-json/jwt-auth/v1/token/validate"),
        ("/blog/?rest_route=/wp/v2/users/me", "/blog/?rest_route=/jwt-auth/v1/token/validate"),
    ];
    for (asked, question) in table {
        let origin = wordpress(LOSES);
        let doctor = asking(&origin, "", "");
        get(&doctor, asked, &token(1));
        let (_asked, sent) = (origin.request(), origin.request());
        assert!(sent.starts_with(&format!("POST {question} HTTP/1.1\r\n")), "{sent}");
    }
}

#[test]
fn nobody_is_asked_where_a_site_is_observed_or_another_doctor_is_nearer() {
    let folder = tempfile::TempDir::new().unwrap();
    let keys = folder.path().join("trail.keys");
    std::fs::write(&keys, crate::world::pair::KEY).unwrap();
    let trail = format!("trail: {{ hop: edge, key_file: {} }}\n", keys.display());
    let last = format!("trail: {{ hop: edge, ends_here: true, key_file: {} }}\n", keys.display());
    for (site, sections, is_asked) in
        [("mode: observe,", "", false), ("", &*trail, false), ("", &*last, true)]
    {
        let origin = wordpress(LOSES);
        let doctor = asking(&origin, site, sections);
        get(&doctor, "/wp-json/wp/v2/users/me", &token(1));
        let event = doctor.event();
        assert!(event["findings"][0]["decide"].is_string(), "{event}");
        get(&doctor, "/wp-json/wp/v2/users/me", &token(2));
        let asked: Vec<_> = (0..2 + usize::from(is_asked)).map(|_| origin.request()).collect();
        assert_eq!(asked.iter().any(|request| request.starts_with("POST")), is_asked, "{asked:?}");
    }
}
