//! What the doctor concludes of PHP-FPM that it asks itself, by way of the running binary: each rule with what looks like it
//! and is no fault.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

use serde_json::Value;

use crate::php::{before, doctor};
use crate::world::fastcgi::{answer, end, php, record, stdout, url};
use crate::world::{Doctor, Nobody, Origin};

const REST: &str =
    "Content-Type: application/json; charset=UTF-8\r\nLink: <http://a/wp-json/>; rel=\"https://api.w.org/\"";

/// A whole reply, before which PHP complains.
fn complaining(said: &str, reply: &str) -> Vec<u8> {
    [record(7, said.as_bytes()), answer(reply)].concat()
}

/// The request of a client with a token.
fn get(path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nAuthorization: Bearer hunter2.hunter2.hunter2\r\n\r\n"
    )
}

/// Asks for the path, and gives the event and the rules that found something.
fn found(doctor: &Doctor, path: &str) -> (Value, Vec<String>) {
    let _reply = doctor.connect().send(get(path)).try_read_to_end();
    let event = doctor.event();
    assert!(!event.to_string().contains("hunter2"), "{event}");
    let rules = event["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["rule"].as_str().unwrap().to_owned());
    let rules = rules.collect();
    (event, rules)
}

fn judged(reply: Vec<u8>, path: &str) -> (Value, Vec<String>) {
    let origin = php(reply);
    found(&doctor(&origin), path)
}

const NOT_FOUND: &str =
    "Status: 404 Not Found\r\nContent-type: text/html; charset=UTF-8\r\n\r\nFile not found.\n";
const DENIED: &str =
    "Status: 403 Forbidden\r\nContent-type: text/html; charset=UTF-8\r\n\r\nAccess denied.\n";
const ERROR: &str = "Status: 500 Internal Server Error\r\nContent-type: text/html; charset=UTF-8\r\n\r\n";

#[test]
fn php_that_runs_no_script_or_not_to_its_end_is_found() {
    let limit = "Access to the script '/srv/www/index.php' has been denied (see security.limit_extensions)";
    let unreadable = "PHP message: PHP Warning:  PHP Request Startup: Failed to open stream: Permission denied in Unknown on \
                      line 0; Unable to open primary script: /srv/www/index.php (Permission denied)";
    let fatal = "PHP message: PHP Warning:  hunter2 in /srv/www/a.php on line 1; PHP message: PHP Fatal error:  Uncaught \
                 Exception: token 'hunter2' for password hunter2 in /srv/www/wp-content/plugins/my-shop/a.php:3\nStack \
                 trace:\n#0 f('hunter2')";
    let parse =
        "PHP message: PHP Parse error:  syntax error, unexpected token \";\" in /srv/www/a.php on line 1";
    for (said, reply, rule, proof, place, desk, words) in [
        ("Primary script unknown", NOT_FOUND, "php-script-unknown", "proved", "php", "platform", "php_root"),
        (limit, DENIED, "php-script-denied", "proved", "php", "platform", "limit_extensions"),
        (unreadable, DENIED, "php-script-denied", "proved", "php", "platform", "may not read"),
        (fatal, ERROR, "php-fatal", "proved", "plugin", "wordpress", "the plugin my-shop broke off"),
        (parse, ERROR, "php-fatal", "proved", "php", "wordpress", "not PHP"),
        (
            fatal,
            "Content-Type: text/html\r\n\r\n<html>",
            "php-fatal",
            "likely",
            "plugin",
            "wordpress",
            "had begun",
        ),
    ] {
        let (event, rules) = judged(complaining(said, reply), "/wp-json/wp/v2/users/me");
        assert_eq!(rules, [rule], "{event}");
        let finding = &event["findings"][0];
        for (key, value) in [("proof", proof), ("place", place), ("desk", desk)] {
            assert_eq!(finding[key], value, "{event}");
        }
        assert!(finding["summary"].as_str().unwrap().contains(words), "{event}");
    }
}

#[test]
fn what_looks_like_it_and_is_no_fault_of_phps_is_not_found() {
    let missing = format!(
        "Status: 404 Not Found\r\n{REST}\r\n\r\n{{\"code\":\"rest_no_route\",\"message\":\"x\",\"data\":{{\"status\":404}}}}"
    );
    let warning = "PHP message: PHP Warning:  Undefined variable $x in /srv/www/a.php on line 1";
    let trap = "Access to the script '/srv/www/photo.jpg' has been denied (see security.limit_extensions)";
    for (path, reply) in [
        ("/wp-json/nothing", answer(&missing)),
        ("/wp-json/wp/v2/users/me", answer(NOT_FOUND)),
        ("/shell.php", complaining("Primary script unknown", NOT_FOUND)),
        ("/account/", complaining("PHP message: Primary script unknown", NOT_FOUND)),
        ("/account/", answer(DENIED)),
        ("/account/", complaining(warning, DENIED)),
        ("/photo.jpg/x.php", complaining(trap, DENIED)),
        ("/", complaining(warning, "Content-Type: text/html\r\n\r\n<html>")),
        ("/", complaining(warning, ERROR)),
        ("/", answer(ERROR)),
        ("/", [stdout("Content-Type: a"), end(0)].concat()),
    ] {
        let (event, rules) = judged(reply, path);
        assert!(rules.is_empty(), "{event}");
    }
}

#[test]
fn all_that_php_says_is_written_where_the_file_asks_for_it_and_nobody_is_to_forget_that() {
    let origin = php(complaining(
        "PHP message: PHP Fatal error:  token 'abc' in /a.php:3\nStack trace:\n#0 f()",
        ERROR,
    ));
    for (errors, shown) in [
        ("line", "PHP Fatal error: token … in /a.php:3"),
        ("full", "PHP Fatal error:  token 'abc' in /a.php:3 ⏎ Stack trace: ⏎ #0 f()"),
    ] {
        let doctor = Doctor::with_file(&format!(
            "listeners: [{{ address: 127.0.0.1:0 }}]\n\
             sites: [{{ upstreams: [{{ url: '{}', php_root: /srv/www }}] }}]\n\
             log: {{ format: json, php_errors: {errors} }}\nworkers: 1\n",
            url(&origin)
        ));
        let event = found(&doctor, "/").0;
        assert_eq!(event["php"], shown, "{event}");
    }
}

/// By name a plugin's script may just not be there. Where the doctor saw its file, PHP looks in another place.
#[test]
fn a_script_that_the_doctor_saw_is_no_scanners_guess() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("index.php"), "").unwrap();
    std::fs::write(folder.path().join("callback.php"), "").unwrap();
    let origin = php(complaining("Primary script unknown", NOT_FOUND));
    let doctor = Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\n\
         sites: [{{ upstreams: [{{ url: '{}', root: {}, php_root: /srv/www }}] }}]\n\
         log: {{ format: json, exchanges: all }}\nworkers: 1\n",
        url(&origin),
        folder.path().display()
    ));
    let (event, rules) = found(&doctor, "/callback.php");
    assert_eq!(rules, ["php-script-unknown"], "{event}");
    assert_eq!(event["findings"][0]["proof"], "proved", "{event}");
    assert_eq!(found(&doctor, "/gone.php").1, ["php-script-unknown"], "the front door answers");
}

#[test]
fn a_script_that_breaks_off_is_found_also_where_its_reply_is_cut_off_or_missing() {
    let fatal = record(
        7,
        b"PHP message: PHP Fatal error:  Out of memory in /srv/www/wp-content/themes/twenty/f.php:1",
    );
    for (reply, status, proof) in [
        ([stdout("Content-Length: 9\r\n\r\nhello"), fatal.clone(), end(0)].concat(), 200, "likely"),
        ([stdout("Content-Type: a/b\r\n\r\nhello"), fatal.clone(), end(0)].concat(), 200, "likely"),
        (fatal, 502, "proved"),
    ] {
        let (event, rules) = judged(reply, "/");
        assert_eq!((rules, &event["status"]), (vec!["php-fatal".to_owned()], &status.into()), "{event}");
        let finding = &event["findings"][0];
        assert_eq!((&finding["proof"], &finding["place"]), (&proof.into(), &"wordpress".into()), "{event}");
    }
}

#[test]
fn a_script_that_breaks_off_is_told_though_only_the_sick_are() {
    let origin = php(complaining(
        "PHP message: PHP Fatal error:  x in /srv/www/a.php:1",
        "Content-Type: a/b\r\n\r\nhello",
    ));
    let doctor = Doctor::with_file(&format!(
        "listeners: [{{ address: 127.0.0.1:0 }}]\n\
         sites: [{{ upstreams: [{{ url: '{}', php_root: /srv/www }}] }}]\n\
         log: {{ format: json }}\nworkers: 1\n",
        url(&origin)
    ));
    assert_eq!(found(&doctor, "/").1, ["php-fatal"]);
}

#[test]
fn each_way_to_miss_php_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let unix = |name: &str| format!("fastcgi+unix:{}", at(name).display());
    let closed = Nobody::new();
    let _forbidden = UnixListener::bind(at("forbidden.sock")).unwrap();
    std::fs::set_permissions(at("forbidden.sock"), std::fs::Permissions::from_mode(0o000)).unwrap();
    // Root may use any socket.
    let is_root = std::os::unix::net::UnixStream::connect(at("forbidden.sock")).is_ok();
    let mut missed =
        vec![(unix("missing.sock"), "php-not-running"), (format!("fastcgi://{closed}"), "php-not-running")];
    if !is_root {
        missed.push((unix("forbidden.sock"), "php-socket-forbidden"));
    }
    for (upstream, rule) in missed {
        let doctor = before(&upstream, "");
        let (event, rules) = found(&doctor, "/wp-json/wp/v2/users/me");
        assert_eq!(rules, [rule], "{event}");
        assert_eq!((&event["status"], &event["wordpress_code"]), (&502.into(), &Value::Null), "{event}");
        assert_eq!(event["authorization"]["sent"], Value::Null, "it never left: {event}");
    }
    let overloaded = php(end(2));
    assert_eq!(found(&doctor(&overloaded), "/").1, ["php-pool-exhausted"]);
}

#[test]
fn php_that_says_nothing_in_time_may_be_exhausted_and_another_upstream_is_not() {
    let silent = || {
        Origin::playing(|mut wire, _| {
            let _asked = wire.bytes(1);
            let _gone = wire.try_read_to_end();
        })
    };
    let (asked, other) = (silent(), silent());
    for (url, rules) in [(url(&asked), vec!["php-pool-exhausted"]), (other.to_string(), Vec::new())] {
        let more = if url.starts_with("fastcgi") { "php_root: /srv/www, " } else { "" };
        let doctor = Doctor::with_file(&format!(
            "listeners: [{{ address: 127.0.0.1:0 }}]\n\
             sites: [{{ upstreams: [{{ url: '{url}', {more}response_timeout: 1s }}] }}]\n\
             log: {{ format: json }}\nworkers: 1\n"
        ));
        let (event, found) = found(&doctor, "/");
        assert_eq!(
            (found, &event["status"]),
            (rules.iter().map(ToString::to_string).collect(), &504.into()),
            "{event}"
        );
    }
}

#[test]
fn a_bare_error_of_a_script_is_not_blamed_on_a_web_server() {
    for reply in [
        "Status: 302 Found\r\nLocation: http://b.test/\r\n\r\n",
        "Status: 403 Forbidden\r\nContent-Type: text/html\r\n\r\nno",
        "Status: 431 x\r\nContent-Type: text/html\r\n\r\nno",
    ] {
        let origin = php(answer(reply));
        let doctor = doctor(&origin);
        let ask = format!(
            "{}Origin: https://app.test\r\n\r\n",
            get("/wp-json/x").trim_end_matches("\r\n").to_owned() + "\r\n"
        );
        let _reply = doctor.connect().send(ask).reply();
        let event = doctor.event();
        for finding in event["findings"].as_array().unwrap() {
            assert!(finding["place"] != "web-server" && finding["place"] != "edge", "{event}");
        }
        assert!(!event.to_string().contains("web server"), "{event}");
    }
}
