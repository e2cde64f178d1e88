//! What WordPress's clients do all day: every answer is WordPress's own, and the log is silent.

use serde_json::json;

use super::{Call, Files, PRODUCTION, Site, Way};
use crate::judge::{ME, REPORTS, TOKEN, VALIDATE, said};
use crate::stand::Stand;
use crate::token::{basic, bearer_of};
use crate::world::Reply;

const SEEN: &str = "GET /wp-json/stand/v1/seen";

/// Step 1: WordPress issues a token.
fn login(site: &Site, way: Way) -> String {
    let stand = Stand::up();
    let body = json!({ "username": stand.get("ADMIN_USER"), "password": stand.get("ADMIN_PASSWORD") });
    let reply = site.ask(way, &Call::json(TOKEN, &body.to_string()));
    assert_eq!(said(&reply), "200 (token)", "{reply:?}");
    format!("Bearer {}", reply.json()["token"].as_str().unwrap())
}

fn app_password() -> String {
    let stand = Stand::up();
    basic(stand.get("ADMIN_USER"), stand.get("ADMIN_APP_PASSWORD"))
}

#[test]
fn the_three_steps_work_over_every_protocol() {
    for files in Files::BOTH {
        let site = Site::with(files);
        for way in Way::ALL {
            let bearer = login(&site, way);
            for (line, answer) in [
                (VALIDATE, "200 jwt_auth_valid_token"),
                (ME, "200 (user admin)"),
                (REPORTS, "200 (reports for admin)"),
            ] {
                let reply = site.ask(way, &Call::by(line, &bearer));
                assert_eq!(said(&reply), answer, "{files:?} {way:?} {line}");
            }
        }
        site.expect_silence();
    }
}

#[test]
fn every_way_to_ask_reaches_wordpress() {
    let rows = [
        ("GET /wp-json/wp/v2/users/me", "200 (user admin)"),
        ("GET /?rest_route=/wp/v2/users/me", "200 (user admin)"),
        ("GET /?rest_route=%2Fwp%2Fv2%2Fusers%2Fme", "200 (user admin)"),
        ("GET /index.php?rest_route=/wp/v2/users/me", "200 (user admin)"),
        ("GET /index.php/wp-json/wp/v2/users/me", "200 (user admin)"),
        ("GET /wp-json/wp/v2/users/me?context=edit", "200 (user admin)"),
        ("GET //wp-json/wp/v2/users/me", "200 (user admin)"),
        ("GET /wp-json%2Fwp/v2/users/me", "200 (user admin)"),
        ("GET /wp-json/wp/v2/posts", "200 (list)"),
        ("GET /", "200 (html)"),
        ("GET /hello-world/", "200 (html)"),
        ("GET /hello-world", "301 (html)"),
        ("GET /no/such/page", "404 (html)"),
        ("GET /wp-login.php", "200 (html)"),
        ("GET /wp-json/no/such/route", "404 rest_no_route"),
        ("BREW /wp-json/wp/v2/users/me", "404 rest_no_route"),
        ("PUT /wp-json/wp/v2/users/me", "200 (user admin)"),
    ];
    for files in Files::BOTH {
        let site = Site::with(files);
        for way in Way::ALL {
            for (line, answer) in rows {
                // Some of the odd ones are no URL to a client of HTTP/2.
                if way == Way::H2 && line.contains("//wp") {
                    continue;
                }
                let reply = site.ask(way, &Call::by(line, &way.bearer()));
                assert_eq!(said(&reply), answer, "{files:?} {way:?} {line}: {reply:?}");
                // `context=edit` is lost without an error where PHP is not told of the query.
                let is_edited = line.ends_with("context=edit");
                assert!(!is_edited || reply.json()["capabilities"].is_object(), "{files:?} {way:?}");
            }
        }
    }
}

#[test]
fn what_php_is_told_of_the_client() {
    for files in Files::BOTH {
        let site = Site::with(files);
        for way in Way::ALL {
            let lies = vec![
                ("X-Forwarded-Proto", "https".to_owned()),
                ("X-Forwarded-For", "192.0.2.1".to_owned()),
                ("Proxy", "http://192.0.2.1/".to_owned()),
            ];
            let seen = site.ask(way, &Call::new(SEEN, lies)).json();
            let is_secure = way != Way::Http;
            let scheme = if is_secure { "https" } else { "http" };
            assert_eq!(seen["https"], is_secure, "{way:?}: {seen}");
            assert_eq!(seen["forwarded_proto"], scheme, "{way:?}: {seen}");
            assert_eq!([&seen["address"], &seen["host"]], ["127.0.0.1", "wordpress.test"], "{seen}");
            assert_eq!(seen["proxy"], false, "{seen}");
        }
    }
}

/// WordPress takes application passwords over https only, unless its site is a local one.
#[test]
fn application_passwords_work_over_https() {
    const ANONYMOUS: &str = "401 rest_not_logged_in";
    for files in Files::BOTH {
        let site = Site::with(files);
        let me = Call::by(ME, &app_password());
        for (way, answer) in
            [(Way::Http, ANONYMOUS), (Way::Https, "200 (user admin)"), (Way::H2, "200 (user admin)")]
        {
            let reply = site.ask(way, &me.clone().at(PRODUCTION));
            assert_eq!(said(&reply), answer, "{files:?} {way:?}");
            assert_eq!(said(&site.ask(way, &me)), "200 (user admin)", "a local site, {way:?}");
        }
        // A stranger's word about https is no https; that of a trusted proxy is.
        let word = vec![("Authorization", app_password()), ("X-Forwarded-Proto", "https".to_owned())];
        let told = Call::new(ME, word).at(PRODUCTION);
        assert_eq!(said(&site.ask(Way::Http, &told)), ANONYMOUS, "{files:?}");
        let trusting = Site::with_sections(files, "trusted_proxies: [loopback]");
        assert_eq!(said(&trusting.ask(Way::Http, &told)), "200 (user admin)", "{files:?}");
        trusting.expect_silence();
    }
}

#[test]
fn what_asks_for_no_body_gets_none() {
    for files in Files::BOTH {
        let site = Site::with(files);
        for way in Way::ALL {
            for path in ["/wp-json/wp/v2/posts", "/", "/wp-login.php"] {
                let (get, head) = (format!("GET {path}"), format!("HEAD {path}"));
                let [get, head] = [get, head].map(|line| site.ask(way, &Call::new(&line, Vec::new())));
                assert_eq!((head.status(), head.body.len()), (200, 0), "{way:?} {path}");
                assert_eq!(head.field("content-type"), get.field("content-type"), "{way:?} {path}");
                assert!(!get.body.is_empty());
            }
        }
        site.expect_silence();
    }
}

/// `OPTIONS` that is no preflight asks WordPress for the schema of a route.
#[test]
fn a_schema_is_discovered() {
    for files in Files::BOTH {
        let site = Site::with(files);
        for way in Way::ALL {
            let origin = vec![("Origin", "https://app.example.test".to_owned())];
            let reply = site.ask(way, &Call::new("OPTIONS /wp-json/wp/v2/posts", origin));
            let schema = reply.json();
            assert_eq!(schema["schema"]["title"], "post", "{way:?}: {schema}");
            assert!(has(&reply, "allow", "GET") && reply.field("access-control-allow-origin").is_some());
        }
        site.expect_silence();
    }
}

fn has(reply: &Reply, name: &str, word: &str) -> bool {
    reply.field(name).is_some_and(|value| value.contains(word))
}

/// PHP would take the last of them.
#[test]
fn two_credentials_are_refused() {
    let (good, bad) = (bearer_of("ADMIN"), "Bearer undefined".to_owned());
    for files in Files::BOTH {
        let site = Site::with(files);
        for way in Way::ALL {
            for pair in [[&good, &bad], [&bad, &good], [&good, &good]] {
                let headers = pair.map(|value| ("Authorization", value.clone())).to_vec();
                let reply = site.ask(way, &Call::new(ME, headers));
                assert_eq!(said(&reply), "400 header_doctor_authorization_twice", "{way:?}");
                let event = site.doctor.event();
                assert_eq!(event["findings"][0]["rule"], "authorization-twice", "{event}");
            }
        }
    }
}
