//! Upstreams that are PHP-FPM, and where bodies wait for them.

use super::{AROUND, MINIMAL, Overrides, PHP, Plan, environment, plan, refused, tcp};
use crate::config::{Address, PhpRoot, Speaks, Spool, Target};

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
