//! `header-doctor explain`, asked by somebody who has a word and no finding.

use std::process::Command;

use header_doctor::diagnosis::RULES;
use header_doctor::diagnosis::glossary::{Kind, terms};
use serde_json::Value;

/// What it said, on which stream, and its exit code.
fn explain(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_header-doctor"));
    let output = command.arg("explain").args(arguments).env_clear().output().expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_word_of_every_kind_is_told_with_its_rules() {
    let table: [(&[&str], &str, &str); 10] = [
        (
            &["\"wrong number of Segments\""],
            "# Wrong number of segments (message)",
            "- `placeholder-token`: ",
        ),
        (&["Expired", "token"], "# Expired token (message)", "- `token-expired`: "),
        (&["php_root"], "# php_root (setting)", "\n# php-script-unknown\n\n"),
        (&["JWT_AUTH_SECRET_KEY"], "# JWT_AUTH_SECRET_KEY (setting)", "- `jwt-secret-missing`: "),
        (&["cgipassauth"], "# CGIPassAuth (setting)", "\n# authorization-lost-before-php\n\n"),
        (&["$_SERVER['HTTPS']"], "# HTTPS (variable)", "- `forwarded-proto-untrusted`: "),
        (&["X-Authorization"], "# X-Authorization (header)", "\n# authorization-lost-before-doctor\n\n"),
        (&["Header-Doctor-Trail"], "# Header-Doctor-Trail (header)", "- `trail-lost`: "),
        (&["431"], "# 431 (status)", "\n# header-too-large\n\n"),
        (&["HTTP/2", "403"], "# 403 (status)", "- `permission-refused`: "),
    ];
    for (arguments, title, rule) in table {
        for output in ["text", "markdown"] {
            let (code, out, err) = explain(&[arguments, &["--output", output]].concat());
            assert_eq!((code, err.as_str()), (Some(0), ""), "{title}");
            assert!(out.starts_with(&format!("{title}\n\n")) && out.contains("\nsource: "), "{out}");
            assert!(out.contains(rule), "{out}");
        }
    }
}

#[test]
fn machines_get_the_word_and_its_rules() {
    let (code, out, _) = explain(&["Origin", "--output", "json"]);
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &told["schema"]), (Some(0), &Value::from(1)));
    let term = &told["terms"][0];
    assert_eq!((&term["kind"], &term["name"]), (&Value::from("header"), &Value::from("Origin")));
    let rules = |list: &Value, key: Option<&str>| {
        let name = |one: &Value| key.map_or(one, |key| &one[key]).as_str().unwrap().to_owned();
        list.as_array().unwrap().iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(rules(&term["rules"], None), rules(&told["rules"], Some("rule")));
    for other in [&["--output", "json"][..], &["token-expired", "--output", "json"]] {
        let told: Value = serde_json::from_str(&explain(other).1).unwrap();
        assert_eq!(told["terms"], Value::Array(Vec::new()));
    }
}

#[test]
fn rules_and_codes_are_told_as_before() {
    let (_, list, _) = explain(&[]);
    assert_eq!(list.lines().filter(|line| !line.starts_with(' ')).count(), RULES.len());
    assert!(explain(&["token-expired"]).1.starts_with("# token-expired\n"));
    assert!(explain(&["jwt_auth_no_auth_header"]).1.contains("\n- `authorization-lost-before-php`: "));
}

#[test]
fn a_code_is_told_by_everybody_who_sends_it() {
    let (code, out, err) = explain(&["jwt_auth_bad_config", "--output", "markdown"]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    for part in [
        "# jwt_auth_bad_config (code)\n",
        "\n## JWT Authentication for WP REST API\n",
        "\n## JWT Auth (usefulteam)\n",
        "status: 500, 401 · place: plugin · desk: wordpress · severity: error",
        "What to do: define JWT_AUTH_SECRET_KEY",
        "- `jwt-secret-missing`: ",
    ] {
        assert!(out.contains(part), "{part}\n{out}");
    }
    let table = [
        ("[jwt_auth] incorrect_password", "`login-overwritten-message`"),
        ("48", "Simple JWT Login"),
        ("segment_fault", "miniOrange"),
        ("Consumer secret is invalid.", "`woocommerce-key-refused`"),
        ("rest_cannot_access", "`rest-locked-down`"),
        ("jwt_auth_expired_refresh_token", "Unverified: "),
    ];
    for (asked, part) in table {
        let (code, out, err) = explain(&[asked, "--output", "markdown"]);
        assert!(code == Some(0) && out.contains(part), "{asked}: {out}{err}");
    }
}

#[test]
fn machines_get_the_code_by_emitter() {
    let told: Value =
        serde_json::from_str(&explain(&["jwt_auth_obsolete_token", "--output", "json"]).1).unwrap();
    let known = &told["codes"][0];
    assert_eq!((&known["emitter"], &known["statuses"][0]), (&"JWT Auth (usefulteam)".into(), &401.into()));
    assert_eq!((&told["family"], &told["rules"][0]["rule"]), (&Value::Null, &"token-obsolete".into()));
}

#[test]
fn an_unknown_code_is_told_by_its_family_and_says_so() {
    for (asked, part) in [
        ("jwt_auth_bad_is", "Did you mean jwt_auth_bad_iss"),
        ("rest_frobnicated", "known of its family, `rest_…`, alone"),
        ("[jwt_auth] too_many_retries", "about the login"),
    ] {
        let (code, out, err) = explain(&[asked, "--output", "markdown"]);
        assert!(
            code == Some(0) && out.contains("stands in no table") && out.contains(part),
            "{asked}: {out}{err}"
        );
    }
    let told: Value = serde_json::from_str(&explain(&["jwt_auth_strange", "--output", "json"]).1).unwrap();
    assert_eq!((&told["family"]["prefix"], &told["codes"]), (&"jwt_auth_".into(), &Value::Array(Vec::new())));
}

#[test]
fn an_unknown_word_is_met_with_the_nearest_and_a_token_is_not_repeated() {
    let table = [
        ("CGIPasAuth", "nothing is known about \"CGIPasAuth\"; did you mean CGIPassAuth? "),
        ("token-expird", "did you mean token-expired, "),
        ("418", "did you mean 408, 413? "),
        ("header_doctor_upstream_name", "this is a code of the doctor's own reply, "),
        ("foobarbaz", "nothing is known about \"foobarbaz\"; `header-doctor explain` lists the rules"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.c2ln", "this looks like a token or a key"),
        ("\u{1b}[31mred", "nothing is known about \"…\"; "),
    ];
    for (what, words) in table {
        let (code, out, err) = explain(&[what]);
        assert_eq!((code, out.as_str()), (Some(2), ""));
        assert!(err.contains(words), "{words}\n{err}");
        assert!(!err.contains("eyJ") && !err.contains('\u{1b}'), "{err}");
    }
    assert_eq!(explain(&[&"x ".repeat(5000)]).0, Some(2));
    // What stands behind the name of a header is not looked at.
    let (code, out, _) = explain(&["Authorization: Bearer hunter2marked"]);
    assert!(code == Some(0) && out.starts_with("# Authorization (header)") && !out.contains("hunter2marked"));
}

/// Every message of the glossary is found as it is met: with something where its pattern has `…`.
#[test]
fn a_message_is_found_as_it_is_met() {
    for term in terms().into_iter().filter(|term| term.kind == Kind::Message) {
        for name in term.names {
            let (code, out, err) = explain(&[&name.replace('…', " something ")]);
            assert_eq!(code, Some(0), "{name}: {err}");
            assert!(out.starts_with(&format!("# {} (message)", term.name())), "{name}: {out}");
        }
    }
}
