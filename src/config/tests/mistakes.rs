//! What every mistake in the file is told: line, path, what is wrong, what would be right.

use super::{MINIMAL, Overrides, plan, plan_with, refused, tcp};

#[test]
fn a_variable_decides_a_value_and_nothing_else() {
    let text =
        |mode: &str| format!("sites:\n  - mode: {mode}\n    upstreams: [{{ url: \"h:${{PORT}}\" }}]\n");
    assert_eq!(plan(&text("${UNSET:-observe}")).sites[0].upstreams[0].address, tcp("h", 9000));
    assert_eq!(
        refused(&text("${KEYS}")),
        "2:11: sites[0].mode: \"${KEYS}\" (variables replaced, not shown) is not a mode; did you mean observe? (known: treat, observe)"
    );
}

#[test]
fn an_unset_variable_is_named_where_it_stands() {
    assert_eq!(
        refused("sites:\n  - upstreams:\n      - url: http://${NOBODY}\n"),
        "3:14: sites[0].upstreams[0].url: the variable NOBODY is not set; set it, \
         or write `${NOBODY:-default}` to go on without it"
    );
}

#[test]
fn a_value_of_a_variable_is_never_shown() {
    for text in ["workers: ${SECRET}", "sites: [{ hosts: ['${SECRET}/x'] }]", "log: { level: '${SECRET}' }"] {
        assert!(!refused(text).contains("hunter2"));
    }
}

#[test]
fn a_password_in_an_upstream_is_never_shown() {
    let message = refused("sites: [{ upstreams: [{ url: 'http://user:hunter2@h:80' }] }]");
    assert!(message.contains("has a user or password in it;"), "{message}");
    assert!(!message.contains("hunter2"));
}

#[test]
fn a_wrong_value_is_told_line_and_path() {
    assert_eq!(
        refused(
            "# first\nlisteners:\n  - address: :80\nsites:\n  - upstreams:\n      - connect_timeout: 1s\n        url: htp://x\n"
        ),
        "7:14: sites[0].upstreams[0].url: \"htp://x\" is not an upstream; \
         write http://HOST:PORT, https://HOST:PORT, HOST:PORT or unix:/PATH"
    );
}

#[test]
fn a_time_for_repeats_needs_a_unit() {
    assert_eq!(refused("log:\n  repeats: 60\n"), "2:12: log.repeats: \"60\" has no unit; write 60s or 60ms");
}

#[test]
fn an_unknown_key_is_told_the_nearest_and_all() {
    assert_eq!(
        refused("sites:\n  - mode: treat\n    upstream: http://h:80\n"),
        "3:5: sites[0].upstream: unknown key; did you mean `upstreams`? known here: hosts, mode, upstreams, authorization, redirects, via, cors"
    );
    assert_eq!(
        refused("backend: x"),
        "1:1: backend: unknown key; known here: listeners, trusted_proxies, sites, trail, diagnosis, limits, spool, drain, workers, log, admin, upgrade"
    );
}

#[test]
fn an_odd_key_does_not_break_the_line() {
    assert!(refused("\"a\\nb\": 1").starts_with(r#"1:1: "a\nb": unknown key; known here: "#));
}

#[test]
fn a_repeated_key_is_refused_where_it_is_repeated() {
    assert_eq!(
        refused("drain:\n  delay: 1s\n  delay: 2s\n"),
        "3:3: drain.delay: the key stands here twice; keep one"
    );
}

#[test]
fn the_wrong_kind_of_value_is_told_the_right_one() {
    assert_eq!(
        refused("sites:\n  - hosts: api.example.com\n"),
        "2:12: sites[0].hosts: should be a list; write `[…]`, or lines that begin with `- `"
    );
    assert_eq!(refused("workers: [1]"), "1:10: workers: should be a single value, not a list or a mapping");
    assert_eq!(
        refused("drain: 30s"),
        "1:8: drain: should be a mapping, `key: value`, with keys from delay, timeout"
    );
    assert_eq!(refused("? [a]\n: b\n"), "1:3: a key should be a word, not a list or a mapping");
    assert!(refused("just text").starts_with("1:1: should be a mapping"));
}

#[test]
fn a_missing_key_is_asked_for() {
    assert_eq!(
        refused("sites:\n  - upstreams:\n      - idle_timeout: 1s\n"),
        "3:9: sites[0].upstreams[0]: `url` is missing; add it here"
    );
    assert!(
        refused("sites:\n  - mode: treat\n")
            .starts_with("2:5: sites[0].upstreams: names nowhere to send requests; write")
    );
    assert!(refused("sites:\n  - upstreams: []\n").starts_with("2:16: sites[0].upstreams: names nowhere"));
}

#[test]
fn an_upstream_stands_in_a_site_once() {
    let text = "sites:\n  - upstreams:\n      - url: a:80\n      - url: b:1\n      - url: http://A\n";
    assert_eq!(
        refused(text),
        "5:14: sites[0].upstreams[2].url: http://a:80 already is upstreams[0]; keep it in one place"
    );
    assert_eq!(
        refused("sites: [{ upstreams: [{ url: 'a:80', resolve: each }] }]"),
        "1:47: sites[0].upstreams[0].resolve: \"each\" is not a way to resolve a name; write first or all"
    );
}

#[test]
fn a_host_belongs_to_one_site() {
    let site = |hosts: &str| format!("  - upstreams: [{{ url: 'h:80' }}]\n{hosts}");
    let two = |first: &str, second: &str| refused(&format!("sites:\n{}{}", site(first), site(second)));
    assert_eq!(
        two("    hosts: [a.com, B.com]\n", "    hosts:\n      - c.com\n      - b.com.\n"),
        "7:9: sites[1].hosts[1]: \"b.com\" already belongs to sites[0]; keep it in one place"
    );
    assert_eq!(
        two("", ""),
        "3:5: sites[1]: answers for any host, as sites[0] does; give one of them `hosts`"
    );
    assert_eq!(
        two("    hosts: []\n", ""),
        "3:12: sites[0].hosts: names no host; leave `hosts` out to answer for any"
    );
}

#[test]
fn what_cannot_be_said_to_browsers_is_refused_where_it_stands() {
    let cors =
        |section: &str| refused(&format!("sites:\n  - upstreams: [{{ url: 'h:80' }}]\n    cors:\n{section}"));
    for (section, message) in [
        ("      max_age: 1s", "4:7: sites[0].cors.allow_origins: allows nobody; list origins such as"),
        ("      allow_origins: []", "4:22: sites[0].cors.allow_origins: allows nobody; list origins such as"),
        (
            "      allow_origins:\n        - https://a.test\n        - '*'\n      allow_credentials: true",
            "6:11: sites[0].cors.allow_origins[1]: `*` is anybody, which excludes `allow_credentials: true`;",
        ),
        (
            "      allow_origins: ['https://a.test/']",
            "4:23: sites[0].cors.allow_origins[0]: \"https://a.test/\" has a path, and an origin ends after host and port; write https://a.test",
        ),
        (
            "      allow_origins: ['*']\n      allow_headers: ['*']",
            "5:23: sites[0].cors.allow_headers[0]: \"*\" does not cover authorization, and nothing with credentials; write",
        ),
        (
            "      allow_origins: ['*']\n      allow_methods: [get]",
            "5:23: sites[0].cors.allow_methods[0]: \"get\" is another method than its capitals; write GET",
        ),
        (
            "      allow_origins: ['*']\n      allow_methods: []",
            "5:22: sites[0].cors.allow_methods: allows no method;",
        ),
        (
            "      allow_origins: ['*']\n      paths: [wp-json]",
            "5:15: sites[0].cors.paths[0]: \"wp-json\" does not begin with",
        ),
        ("      allow_origins: ['*']\n      paths: []", "5:14: sites[0].cors.paths: covers no path;"),
        (
            "      allow_origins: ['*']\n      max_age: 1500ms",
            "5:16: sites[0].cors.max_age: is a part of a second;",
        ),
        (
            "      allow_origins: ['*']\n      allow_credentials: yes",
            "5:26: sites[0].cors.allow_credentials: \"yes\" is neither on nor off; write true or false",
        ),
    ] {
        let told = cors(section);
        assert!(told.starts_with(message), "{section}\n{told}");
    }
}

#[test]
fn a_flag_that_contradicts_the_file_is_told_where() {
    let text = "sites:\n  - upstreams: [{ url: 'h:80' }]\n    cors:\n      allow_origins: [https://a.test]\n      allow_credentials: true\n";
    let overrides = Overrides { cors_origins: vec!["*".parse().unwrap()], ..Overrides::default() };
    let message = plan_with(text, &overrides).unwrap_err().to_string();
    assert!(
        message.starts_with(
            "config.yaml:5:26: sites[0].cors.allow_credentials: is true, which excludes `--cors-origin"
        ),
        "{message}"
    );
}

#[test]
fn a_proxy_that_is_no_network_is_told_what_would_be() {
    let told = |list: &str| refused(&format!("trusted_proxies: [{list}]\n{MINIMAL}"));
    for (list, message) in [
        (
            "10.0.0.5/8",
            "1:19: trusted_proxies[0]: \"10.0.0.5/8\" has bits set beyond its prefix; write 10.0.0.0/8 for",
        ),
        ("loopback, lan", "1:29: trusted_proxies[1]: \"lan\" is not a network; write one such as 10.0.0.0/8"),
        (
            "10.0.0.0/33",
            "1:19: trusted_proxies[0]: \"10.0.0.0/33\" has a prefix longer than an address; write at most /32",
        ),
    ] {
        assert!(told(list).starts_with(message), "{list}: {}", told(list));
    }
}

#[test]
fn what_is_no_source_of_authorization_is_told_why() {
    let told = |keys: &str| {
        refused(&format!(
            "trusted_proxies: [private]\nsites:\n  - upstreams: [{{ url: 'h:80' }}]\n    authorization: {{ {keys} }}"
        ))
    };
    for (keys, message) in [
        ("recover_from: [Cookie]", "recover_from[0]: \"Cookie\" holds logins of browsers"),
        (
            "recover_from: [authorization]",
            "recover_from[0]: \"authorization\" is the header itself; name another",
        ),
        ("recover_from: [x-a, te]", "recover_from[1]: \"te\" ends at the next hop"),
        (
            "recover_from: [proxy-authorization]",
            "recover_from[0]: \"proxy-authorization\" is a credential for a proxy",
        ),
        (
            "recover_from: [cf-access-jwt-assertion]",
            "recover_from[0]: \"cf-access-jwt-assertion\" is how an edge asserts",
        ),
        ("recover_from: [x-a, X-A]", "recover_from[1]: \"X-A\" stands here twice; keep one"),
        ("recover_from: ['x a']", "recover_from[0]: \"x a\" is not a header name; write letters, digits"),
        ("mirror_to: [host]", "mirror_to[0]: \"host\" says which site is asked"),
        ("mirror_to: [content-type]", "mirror_to[0]: \"content-type\" describes the message itself"),
        (
            "placeholder_tokens: deny",
            "placeholder_tokens: \"deny\" is not a way to treat placeholder tokens;",
        ),
    ] {
        let told = told(keys);
        let (position, rest) = told.split_once(": sites[0].authorization.").expect(&told);
        assert!(position.starts_with("4:") && rest.starts_with(message), "{keys}: {told}");
    }
    let redirects = refused("sites: [{ upstreams: [{ url: 'h:80' }], redirects: follow }]");
    assert!(
        redirects.contains("sites[0].redirects: \"follow\" is not a way to treat redirects;"),
        "{redirects}"
    );
}

#[test]
fn recovering_needs_somebody_to_believe() {
    let text = "sites:\n  - upstreams: [{ url: 'h:80' }]\n    authorization:\n      recover_from: [x-authorization]\n";
    assert!(
        refused(text)
            .starts_with("4:21: sites[0].authorization.recover_from: is believed from trusted proxies alone")
    );
    let overrides = Overrides { trusted_proxies: vec!["loopback".parse().unwrap()], ..Overrides::default() };
    assert!(plan_with(text, &overrides).is_ok());
    assert!(plan_with(&format!("trusted_proxies: [loopback]\n{text}"), &Overrides::default()).is_ok());
}

#[test]
fn an_address_is_listened_on_once() {
    let text = |first: &str, second: &str| {
        format!("{MINIMAL}\nlisteners: [{{ address: '{first}' }}, {{ address: '{second}' }}]")
    };
    assert!(
        refused(&text(":80", "0.0.0.0:80")).contains("listeners[1].address: 0.0.0.0:80 is listened on twice")
    );
    for (one, other) in [("0.0.0.0:80", "127.0.0.1:80"), ("[::1]:80", "[::]:80")] {
        let words = refused(&text(one, other));
        assert!(words.contains(&format!("listeners[1].address: {other} and {one} overlap;")), "{words}");
    }
    for (one, other) in [("127.0.0.1:0", "127.0.0.1:0"), (":80", "[::]:80"), (":80", "127.0.0.1:81")] {
        assert_eq!(plan(&text(one, other)).listeners.len(), 2);
    }
    assert!(
        refused(&format!("{MINIMAL}\nadmin: {{ health_address: ':8080' }}"))
            .contains("admin.health_address: 0.0.0.0:8080 is where clients connect (127.0.0.1:8080);")
    );
    for (admin, wrong) in [
        (
            "address: ':8080', token_file: t",
            "admin.address: 0.0.0.0:8080 is where clients connect (127.0.0.1:8080); choose",
        ),
        (
            "address: 127.0.0.1:1, health_address: ':1'",
            "admin.address: 127.0.0.1:1 is where probes ask (0.0.0.0:1); choose",
        ),
        (
            "address: 10.0.0.1:9900",
            "admin.address: 10.0.0.1:9900 is reached from other machines, and nobody needs a token",
        ),
        ("address: '[::]:9900'", "add `token_file: /etc/header-doctor/admin.token` to `admin` in the file"),
        (
            "address: example.com:1",
            r#""example.com:1" is not an address to ask at; write IP:PORT, unix:/PATH, or none"#,
        ),
        ("address: 'unix:a.sock'", "is not the path of a socket; write it from the root"),
        (
            "address: /a.sock, tls: { certificate: a, private_key: b }",
            "admin.tls: is for TCP, and `address` is a Unix socket",
        ),
        ("exchanges: 0", "is not a number of exchanges; write 1 to 100000, such as 1000"),
        ("memory: 0", "would hold nothing; write 1 or more"),
        ("hosts: ['*.a']", "is a pattern"),
    ] {
        let words = refused(&format!("{MINIMAL}\nadmin: {{ {admin} }}"));
        assert!(words.contains(wrong), "{words}");
    }
    assert!(refused("listeners: []").starts_with("1:12: listeners: lists nothing to listen on;"));
}

#[test]
fn a_file_without_sites_needs_a_flag() {
    let overrides = Overrides { upstreams: vec![tcp("h", 80).into()], ..Overrides::default() };
    for text in ["", "# nothing\n", "workers: 2", "sites:"] {
        assert!(
            refused(text).contains("sites: names no site, so there is nowhere to send requests; write"),
            "{text}"
        );
        assert!(plan_with(text, &overrides).is_ok(), "{text}");
    }
}

#[test]
fn what_is_not_yaml_is_told_the_line() {
    assert!(refused("sites:\n  - upstreams: [\n").starts_with("3:1: is not YAML: "));
    assert!(refused("a: *nobody").starts_with("1:4: is not YAML: unknown anchor"));
    assert!(refused("a: 1\n---\nb: 2").starts_with("3:1: a second document begins here; keep one"));
    assert!(
        refused("listeners: [{ address: ${ADDRESS} }]")
            .ends_with("inside { } or [ ] put quotation marks around a value with ${…}")
    );
}
