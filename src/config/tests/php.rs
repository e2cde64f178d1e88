//! Upstreams that are PHP-FPM, and where bodies wait for them.

use super::{AROUND, DEBIAN, MINIMAL, Overrides, PHP, Plan, Source, environment, plan, refused, tcp};
use crate::config::{Address, Connections, Folder, PhpRoot, Speaks, Spool, Target};
use crate::files::{Alias, FollowLinks, Layout, Multisite};
use crate::upstream::Scripts;
use std::time::Duration;

fn of_flags(root: Option<&str>, php_root: Option<&str>) -> Result<Plan, String> {
    let overrides = Overrides {
        upstreams: vec![Target { address: tcp("php", 9000), speaks: Speaks::FastCgi }],
        root: root.map(|root| root.parse::<Folder>().unwrap()),
        php_root: php_root.map(|root| root.parse::<PhpRoot>().unwrap()),
        ..Overrides::default()
    };
    Plan::new(None, &environment, &overrides, AROUND).map_err(|error| error.to_string())
}

/// What the only upstream is told of its files.
fn scripts(plan: &Plan) -> Scripts {
    plan.sites[0].upstreams[0].scripts.clone().unwrap()
}

fn layout(keys: &str) -> Layout {
    let plan = plan(&format!("sites: [{{ upstreams: [{{ url: 'fastcgi://h:9000', {keys} }}] }}]"));
    let Scripts::Found(layout) = scripts(&plan) else { panic!("{keys}") };
    layout
}

fn named(root: &str, multisite: Multisite) -> Scripts {
    Scripts::Named { root: root.to_owned(), multisite }
}

fn of_php(upstreams: &str) -> String {
    refused(&format!("sites: [{{ upstreams: [{upstreams}] }}]"))
}

#[test]
fn the_example_for_php_writes_out_the_defaults() {
    let plan = plan(PHP);
    let upstream = &plan.sites[0].upstreams[0];
    assert_eq!(upstream.address, Address::Unix("/run/php/php8.2-fpm.sock".into()));
    assert_eq!(upstream.target().to_string(), "fastcgi+unix:/run/php/php8.2-fpm.sock");
    let Scripts::Found(mut written) = scripts(&plan) else { panic!("it serves files") };
    // What has no default to write out.
    written.aliases.clear();
    // Told, it is taken as it stands; else the links of root are followed.
    assert_eq!(written.php_root.take().as_deref(), Some("/var/www/html"));
    assert_eq!(written, layout("root: /var/www/html"));
    let other = plan.sites[1].upstreams[0].scripts.clone();
    assert_eq!(other, Some(named("/var/www/html", Multisite::None)));
    assert_eq!(plan.spool, Spool::default());
    assert_eq!(super::plan(MINIMAL).spool, Spool::default());
}

#[test]
fn what_is_said_of_files_is_what_is_looked_for() {
    let alias = |path: &str, root: &str, php_root: Option<&str>| Alias {
        path: path.to_owned(),
        root: root.into(),
        php_root: php_root.map(str::to_owned),
    };
    let all = layout(
        "root: /a/, php_root: /b/, follow_links: all, never_serve: ['*.txt'], never_run: [], multisite: subfolders, \
         aliases: [{ path: /wp-content, root: /c/ }, { path: /wp-content/uploads/, root: /d, php_root: /e/ }]",
    );
    assert_eq!(
        all,
        Layout {
            root: "/a".into(),
            php_root: Some("/b".to_owned()),
            aliases: vec![alias("/wp-content/", "/c", None), alias("/wp-content/uploads/", "/d", Some("/e"))],
            follow_links: FollowLinks::All,
            never_serve: vec!["*.txt".to_owned()],
            never_run: Vec::new(),
            multisite: Multisite::Subfolders,
        }
    );
    let few = layout("root: /a");
    assert_eq!(
        (few.php_root, few.follow_links, few.multisite),
        (None, FollowLinks::SameOwner, Multisite::None)
    );
    assert!(
        few.never_serve.contains(&"wp-config*".to_owned()) && few.never_run.contains(&"uploads".to_owned())
    );
    let root_of_php = layout("root: /a, php_root: /").php_root;
    assert_eq!(root_of_php.as_deref(), Some(""), "nothing stands before a path in it");
}

#[test]
fn the_example_of_debian_has_its_folders() {
    let Scripts::Found(layout) = scripts(&plan(DEBIAN)) else { panic!("it serves files") };
    let folders: Vec<_> = layout.aliases.iter().map(|alias| alias.root.to_str().unwrap()).collect();
    assert_eq!(folders, ["/var/lib/wordpress/wp-content", "/usr/share/javascript"]);
}

#[test]
fn a_flag_for_php_needs_the_folder_beside_it() {
    assert_eq!(scripts(&of_flags(None, Some("/srv/www/")).unwrap()), named("/srv/www", Multisite::None));
    let Scripts::Found(layout) = scripts(&of_flags(Some("/srv/www/"), Some("/a")).unwrap()) else { panic!() };
    assert_eq!((layout.root.to_str(), layout.php_root.as_deref()), (Some("/srv/www"), Some("/a")));
    assert_eq!(
        of_flags(None, None).unwrap_err(),
        "--upstream: fastcgi://php:9000 needs --root, the folder of WordPress, or --php-root where PHP alone sees that folder"
    );
}

const OF_HTTP: &str = "belongs to PHP-FPM; write fastcgi:// or fastcgi+unix: in `url`, or leave it out";
const NEEDS_ROOT: &str = "goes with `root`, the folder of WordPress as the doctor sees it; without that";

/// The keys of an upstream, which of them is wrong, and what it is told.
const WRONG: &[(&str, &str, &str)] = &[
    (
        "url: 'fastcgi://h:9000'",
        "url",
        "is PHP-FPM, which has to be told where WordPress is; write beside it `root: /var/www/html`, or, where PHP alone \
             sees the folder, `php_root: /var/www/html`",
    ),
    ("url: 'h:80', php_root: /a", "php_root", OF_HTTP),
    ("url: 'h:80', root: /a, php_root: /a", "root", OF_HTTP),
    ("url: 'h:80', aliases: []", "aliases", OF_HTTP),
    ("url: 'https://h', follow_links: all", "follow_links", OF_HTTP),
    ("url: 'h:80', never_serve: []", "never_serve", OF_HTTP),
    ("url: 'unix:/h', never_run: []", "never_run", OF_HTTP),
    ("url: 'h:80', multisite: none", "multisite", OF_HTTP),
    ("url: 'fastcgi://h:9000', php_root: /a, aliases: []", "aliases", NEEDS_ROOT),
    ("url: 'fastcgi://h:9000', php_root: /a, follow_links: none", "follow_links", NEEDS_ROOT),
    ("url: 'fastcgi://h:9000', php_root: /a, never_serve: []", "never_serve", NEEDS_ROOT),
    ("url: 'fastcgi://h:9000', php_root: /a, never_run: []", "never_run", NEEDS_ROOT),
    ("url: 'fastcgi://h:9000', php_root: a", "php_root", "\"a\" is not a folder PHP could find;"),
    (
        "url: 'fastcgi://h:9000', root: a",
        "root",
        "\"a\" is not a folder named from the root; write its whole path",
    ),
    ("url: 'fastcgi://h:9000', root: /", "root", "\"/\" is the whole file system, which nobody is to read;"),
    ("url: 'fastcgi://h:9000', root: /a, php_root: a", "php_root", "\"a\" is not a folder PHP could find;"),
    (
        "url: 'fastcgi://h:9000', root: /a, follow_links: some",
        "follow_links",
        "\"some\" is not a way to follow",
    ),
    (
        "url: 'fastcgi://h:9000', root: /a, multisite: yes",
        "multisite",
        "\"yes\" is not a way to have several",
    ),
    (
        "url: 'fastcgi://h:9000', root: /a, never_serve: [a/b]",
        "never_serve[0]",
        "\"a/b\" is no name of files;",
    ),
    (
        "url: 'fastcgi://h:9000', root: /a, never_run: [a/b]",
        "never_run[0]",
        "\"a/b\" is no name of a folder;",
    ),
    (
        "url: 'fastcgi://h:9000', root: /a, aliases: [{ path: b, root: /b }]",
        "aliases[0].path",
        "\"b\" is not the path of a folder in URLs; write one such as /wp-content/",
    ),
    (
        "url: 'fastcgi://h:9000', root: /a, aliases: [{ path: /b, root: /b }, { path: /b/, root: /c }]",
        "aliases[1].path",
        "/b/ already is aliases[0]; keep it in one place",
    ),
    (
        "url: 'fastcgi://h:9000', root: /a, aliases: [{ path: /b, root: b }]",
        "aliases[0].root",
        "\"b\" is not a folder named from the root;",
    ),
    ("url: 'fastcgi://h:9000', php_root: /a, http2: auto", "http2", "needs TLS;"),
    ("url: 'fastcgi://h:9000', php_root: /a, tls: {}", "tls", "needs TLS;"),
    ("url: 'fastcgi://h:9000', php_root: /a, host: upstream", "host", "is what the upstream is called,"),
    ("url: 'fastcgi://h', php_root: /a", "url", "\"fastcgi://h\" names no port;"),
    ("url: 'h:80', keep_alive: 1", "keep_alive", OF_HTTP),
    ("url: 'h:80', max_connections: unlimited", "max_connections", "belongs to PHP-FPM;"),
    ("url: 'https://h', queue: {}", "queue", "belongs to PHP-FPM;"),
    (
        "url: 'fastcgi://h:9000', php_root: /a, keep_alive: 5, max_connections: 5",
        "keep_alive",
        "5 is not below max_connections (5), so that connections nobody uses could occupy all workers of PHP; write at most 4",
    ),
    (
        "url: 'fastcgi://h:9000', php_root: /a, max_connections: 0",
        "max_connections",
        "\"0\" is not a number of connections; write `unlimited`,",
    ),
    ("url: 'fastcgi://h:9000', php_root: /a, queue: { timeout: 0s }", "queue.timeout", "\"0s\""),
];

#[test]
fn what_goes_with_php_alone_and_what_does_not_is_told() {
    for (keys, path, words) in WRONG {
        let message = of_php(&format!("{{ {keys} }}"));
        assert!(message.contains(&format!(" sites[0].upstreams[0].{path}: {words}")), "{keys}: {message}");
    }
}

#[test]
fn a_site_has_one_wordpress_whichever_php_is_asked() {
    for (one, other, words) in [
        (
            "root: /a",
            "root: /b",
            Some("is told of other files than upstreams[0], and a site has one WordPress;"),
        ),
        ("root: /a", "php_root: /a", Some("is told of other files")),
        ("php_root: /a", "php_root: /b", Some("is told of other files")),
        ("php_root: /a", "php_root: /a, multisite: subfolders", Some("is told of other files")),
        ("root: /a", "root: /a/, never_run: [uploads, blogs.dir]", None),
    ] {
        let upstreams = format!("{{ url: 'fastcgi://h:1', {one} }}, {{ url: 'fastcgi://h:2', {other} }}");
        match words {
            None => drop(plan(&format!("sites: [{{ upstreams: [{upstreams}] }}]"))),
            Some(words) => {
                let message = of_php(&upstreams);
                assert!(message.contains(&format!(" sites[0].upstreams[1].url: {words}")), "{message}");
            }
        }
    }
}

#[test]
fn what_is_not_right_of_a_folder_is_a_warning_at_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    std::fs::create_dir(at("empty")).unwrap();
    std::fs::create_dir(at("wordpress")).unwrap();
    std::fs::write(at("wordpress/index.php"), "").unwrap();
    let warnings = |root: &str, alias: &str| {
        let text = format!(
            "sites:\n  - upstreams:\n    - url: fastcgi://h:9000\n      root: {}\n      aliases:\n      - path: /b\n        root: {}\n",
            at(root),
            at(alias)
        );
        let source = Source::new("a.yaml", text);
        let plan = Plan::new(Some(&source), &environment, &Overrides::default(), AROUND).unwrap();
        let warnings = plan.folders(Some(&source), None, &environment);
        warnings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(warnings("wordpress", "empty"), [""; 0]);
    let [of_root, of_alias] = &warnings("nowhere", "wordpress/index.php")[..] else { panic!("two") };
    let wrong = format!("\"{}\" is not there; make it,", at("nowhere"));
    assert!(of_root.starts_with(&format!("a.yaml:4:13: sites[0].upstreams[0].root: {wrong}")), "{of_root}");
    let wrong = "a.yaml:7:15: sites[0].upstreams[0].aliases[0].root: ";
    assert!(of_alias.starts_with(wrong) && of_alias.contains(" is no folder; name"), "{of_alias}");
    let told = warnings("empty", "empty");
    assert!(
        told.len() == 1 && told[0].contains(" holds no index.php, so WordPress is not there;"),
        "{told:?}"
    );
    let told = warnings("wordpress/index.php", "empty");
    assert!(told.len() == 1 && told[0].contains(" is no folder;"), "{told:?}");

    let plan = of_flags(Some(&at("nowhere")), None).unwrap();
    let told = plan.folders(None, Some("HEADER_DOCTOR_ROOT"), &environment);
    assert!(told[0].to_string().starts_with("HEADER_DOCTOR_ROOT: \""), "{told:?}");
}

#[test]
fn a_file_of_the_doctors_own_is_no_file_to_serve() {
    let folder = tempfile::tempdir().unwrap();
    let (root, keys) = (folder.path().display(), folder.path().join("trail.keys"));
    std::fs::write(folder.path().join("index.php"), "").unwrap();
    let text = format!(
        "sites: [{{ upstreams: [{{ url: 'fastcgi://h:9000', root: {root} }}] }}]\ntrail: {{ key_file: {} }}",
        keys.display()
    );
    let source = Source::new("a.yaml", text);
    let plan = Plan::new(Some(&source), &environment, &Overrides::default(), AROUND).unwrap();
    assert_eq!(plan.folders(Some(&source), None, &environment), []);
    std::fs::write(&keys, "").unwrap();
    let told = plan.folders(Some(&source), None, &environment);
    let wrong =
        format!(": sites[0].upstreams[0].root: holds \"{}\", a file of the doctor's own", keys.display());
    assert!(told.len() == 1 && told[0].to_string().contains(&wrong), "{told:?}");
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
    assert_eq!(plan(&shown).sites, shared.sites, "{shown}");

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
