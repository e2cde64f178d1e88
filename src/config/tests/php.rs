//! Upstreams that are PHP-FPM, and where bodies wait for them.

use super::{AROUND, MINIMAL, Overrides, PHP, Plan, environment, plan, refused, tcp};
use crate::config::{Address, Connections, PhpRoot, Speaks, Spool, Target};
use std::time::Duration;

fn of_flags(php_root: Option<&str>) -> Result<Plan, String> {
    let overrides = Overrides {
        upstreams: vec![Target { address: tcp("php", 9000), speaks: Speaks::FastCgi }],
        php_root: php_root.map(|root| root.parse::<PhpRoot>().unwrap()),
        ..Overrides::default()
    };
    Plan::new(None, &environment, &overrides, AROUND).map_err(|error| error.to_string())
}

#[test]
fn the_example_for_php_writes_out_the_defaults() {
    let plan = plan(PHP);
    let upstream = &plan.sites[0].upstreams[0];
    assert_eq!(upstream.address, Address::Unix("/run/php/php8.2-fpm.sock".into()));
    assert_eq!(upstream.php_root.as_deref(), Some("/var/www/html"));
    assert_eq!(upstream.target().to_string(), "fastcgi+unix:/run/php/php8.2-fpm.sock");
    assert_eq!(plan.spool, Spool::default());
    assert_eq!(super::plan(MINIMAL).spool, Spool::default());
}

#[test]
fn a_flag_for_php_needs_the_folder_beside_it() {
    let plan = of_flags(Some("/srv/www/")).unwrap();
    assert_eq!(plan.sites[0].upstreams[0].php_root.as_deref(), Some("/srv/www"));
    assert_eq!(
        of_flags(None).unwrap_err(),
        "--upstream: fastcgi://php:9000 needs --php-root, the folder of WordPress as PHP sees it"
    );
}

#[test]
fn what_goes_with_php_alone_and_what_does_not_is_told() {
    let upstream = |keys: &str| refused(&format!("sites: [{{ upstreams: [{{ {keys} }}] }}]"));
    for (keys, path, words) in [
        (
            "url: 'fastcgi://h:9000'",
            "url",
            "is PHP-FPM, which has to be told where WordPress is; write beside it `php_root:",
        ),
        ("url: 'h:80', php_root: /a", "php_root", "belongs to PHP-FPM; write fastcgi://"),
        (
            "url: 'fastcgi://h:9000', root: /a",
            "root",
            "is not in this version, which serves no static files;",
        ),
        ("url: 'h:80', root: /a", "root", "is not in this version"),
        ("url: 'fastcgi://h:9000', php_root: a", "php_root", "\"a\" is not a folder PHP could find;"),
        ("url: 'fastcgi://h:9000', php_root: /a, http2: auto", "http2", "needs TLS;"),
        ("url: 'fastcgi://h:9000', php_root: /a, tls: {}", "tls", "needs TLS;"),
        ("url: 'fastcgi://h:9000', php_root: /a, host: upstream", "host", "is what the upstream is called,"),
        ("url: 'fastcgi://h', php_root: /a", "url", "\"fastcgi://h\" names no port;"),
        ("url: 'h:80', keep_alive: 1", "keep_alive", "belongs to PHP-FPM; write fastcgi://"),
        ("url: 'h:80', max_connections: unlimited", "max_connections", "belongs to PHP-FPM;"),
        ("url: 'https://h', queue: {}", "queue", "belongs to PHP-FPM;"),
        (
            "url: 'fastcgi://h:9000', php_root: /a, keep_alive: 5, max_connections: 5",
            "keep_alive",
            "5 is not below max_connections (5), so that connections nobody uses could occupy all workers of PHP; write \
             at most 4",
        ),
        (
            "url: 'fastcgi://h:9000', php_root: /a, max_connections: 0",
            "max_connections",
            "\"0\" is not a number of connections; write `unlimited`,",
        ),
        ("url: 'fastcgi://h:9000', php_root: /a, queue: { timeout: 0s }", "queue.timeout", "\"0s\""),
    ] {
        let message = upstream(keys);
        assert!(message.contains(&format!(" sites[0].upstreams[0].{path}: {words}")), "{keys}: {message}");
    }
}

#[test]
fn a_spool_has_room_for_something() {
    let spool =
        plan(&format!("{MINIMAL}\nspool: {{ memory: 1MiB, total: 10GB, directory: /var/spool/doctor }}"))
            .spool;
    assert_eq!((spool.memory, spool.total), (1 << 20, 10_000_000_000));
    let message = refused(&format!("{MINIMAL}\nspool: {{ total: 0 }}"));
    assert!(
        message.ends_with("spool.total: \"0\" would hold nothing; write 1 or more, such as 256KiB"),
        "{message}"
    );
}

#[test]
fn connections_to_php_are_as_many_as_told_and_told_alike_by_all_sites() {
    let shared = plan(
        "sites: [{ upstreams: [{ url: 'fastcgi://h:9000', php_root: /a, keep_alive: 2, max_connections: 5, \
         queue: { length: 0, timeout: 3s } }, { url: 'fastcgi://i:9000', php_root: /a, keep_alive: 9 }] }]",
    );
    let [limited, unlimited] = &shared.sites[0].upstreams[..] else { panic!("two upstreams") };
    let told = Connections {
        keep_alive: 2,
        max_connections: Some(5),
        queue_length: 0,
        queue_timeout: Duration::from_secs(3),
    };
    assert_eq!(limited.connections, told);
    assert_eq!(unlimited.connections, Connections { keep_alive: 9, ..Connections::DEFAULT });
    let shown = shared.to_yaml().unwrap();
    assert_eq!(plan(&shown), shared, "{shown}");

    let php = "url: 'fastcgi://h:9000', php_root: /a";
    let both = |one: &str, two: &str| {
        format!(
            "sites: [{{ hosts: [a], upstreams: [{{ {php}{one} }}] }}, {{ upstreams: [{{ url: 'g:80' }}, {{ {php}{two} }}] }}]"
        )
    };
    plan(&both(", keep_alive: 1", ", keep_alive: 1, max_connections: unlimited"));
    let refused = refused(&both("", ", max_connections: 3"));
    let words = " sites[1].upstreams[1]: is also asked by sites[0].upstreams[0], with another keep_alive,";
    assert!(refused.contains(words), "{refused}");
}
