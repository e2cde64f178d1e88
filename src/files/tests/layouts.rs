//! Roots and aliases, as distributions, deploys and containers lay them out.

use std::fs;

use super::{FRONT_DOOR, Site, alias, get};
use crate::files::Found;

/// Debian: the code in one place, the content in another, with themes that lead back.
fn debian() -> Site {
    let site = Site::new().with(|layout, base| {
        layout.root = base.join("usr/share/wordpress");
        layout.aliases = vec![
            alias("/wp-content/", base.join("var/lib/wordpress/wp-content")),
            alias("/javascript/", base.join("usr/share/javascript")),
        ];
    });
    site.files(&[
        "usr/share/wordpress/index.php",
        "usr/share/wordpress/wp-admin/index.php",
        "usr/share/wordpress/wp-content/themes/a/style.css",
        "usr/share/wordpress/wp-content/themes/a/functions.php",
        "usr/share/wordpress/wp-content/only-here.css",
        "usr/share/javascript/jquery/jquery.js",
        "etc/wordpress/config.php",
        "var/lib/wordpress/wp-content/index.php",
        "var/lib/wordpress/wp-content/uploads/a.jpg",
        "var/lib/wordpress/wp-content/uploads/evil.php",
        "var/lib/wordpress/secret.txt",
    ]);
    site.link_to("var/lib/wordpress/wp-content/themes/a", "usr/share/wordpress/wp-content/themes/a");
    site.link("usr/share/wordpress/wp-includes/js/jquery", "../../../javascript/jquery");
    site.link_to("usr/share/wordpress/wp-settings-local.php", "etc/wordpress/config.php");
    site
}

#[test]
fn debian_is_served_from_its_two_places() {
    let front_door = "run usr/share/wordpress/index.php as /index.php";
    debian().check(&[
        ("/", front_door),
        ("/wp-admin", "to /wp-admin/"),
        ("/wp-content", "to /wp-content/"),
        ("/wp-content/", "run var/lib/wordpress/wp-content/index.php as /wp-content/index.php"),
        ("/wp-content/uploads/a.jpg", "file var/lib/wordpress/wp-content/uploads/a.jpg"),
        ("/wp-content/uploads/evil.php", front_door),
        ("/wp-content/themes/a/style.css", "file usr/share/wordpress/wp-content/themes/a/style.css"),
        (
            "/wp-content/themes/a/functions.php",
            "run usr/share/wordpress/wp-content/themes/a/functions.php as /wp-content/themes/a/functions.php",
        ),
        ("/wp-content/only-here.css", front_door),
        ("/wp-includes/js/jquery/jquery.js", "file usr/share/javascript/jquery/jquery.js"),
        ("/javascript/jquery/jquery.js", "file usr/share/javascript/jquery/jquery.js"),
        ("/wp-settings-local.php", front_door),
        ("/wp-content/../secret.txt", front_door),
        ("/wp-contents/uploads/a.jpg", front_door),
        ("/WP-content/uploads/a.jpg", front_door),
    ]);
}

#[test]
fn php_may_see_each_root_elsewhere() {
    let site = debian().with(|layout, _| {
        layout.php_root = Some("/srv/code/".to_owned());
        layout.aliases[0].php_root = Some("/srv/content".to_owned());
    });
    let script = |target: &str| match site.tree().find(&get(target)) {
        Found::Script(script) => String::from_utf8(script.filename).unwrap(),
        found => panic!("{found:?}"),
    };
    assert_eq!(script("/"), "/srv/code/index.php");
    assert_eq!(script("/wp-admin/"), "/srv/code/wp-admin/index.php");
    assert_eq!(script("/wp-content/"), "/srv/content/index.php");
    assert_eq!(script("/wp-content/themes/a/functions.php"), "/srv/code/wp-content/themes/a/functions.php");
    // A front door that only PHP sees.
    fs::remove_file(site.path("usr/share/wordpress/index.php")).unwrap();
    assert_eq!(script("/"), "/srv/code/index.php");
    let at_the_top = Site::new().with(|layout, _| layout.php_root = Some("/".to_owned()));
    let Found::Script(found) = at_the_top.tree().find(&get("/")) else { panic!() };
    assert_eq!(found.filename, b"/index.php");
    assert_eq!(found.root, None, "as it is written");
}

#[test]
fn the_innermost_root_says_where_php_sees_a_file() {
    let site = Site::new().with(|layout, base| {
        layout.php_root = Some("/srv/www".to_owned());
        layout.aliases = vec![alias("/tool/", base.join("www/lib/tool"))];
        layout.aliases[0].php_root = Some("/opt/tool".to_owned());
    });
    site.files(&["www/lib/tool/a.php", "www/lib/b.php"]);
    for (target, filename) in [
        ("/tool/a.php", "/opt/tool/a.php"),
        ("/lib/tool/a.php", "/opt/tool/a.php"),
        ("/lib/b.php", "/srv/www/lib/b.php"),
    ] {
        let Found::Script(script) = site.tree().find(&get(target)) else { panic!("{target}") };
        assert_eq!(String::from_utf8(script.filename).unwrap(), filename);
    }
}

#[test]
fn nothing_runs_in_an_alias_for_uploads_however_it_is_named() {
    let cases = [
        ("/wp-content/uploads/", "srv/media"),
        ("/media/", "srv/uploads"),
        ("/media/", "www/wp-content/uploads"),
        ("/media/", "www/wp-content/uploads/2026"),
    ];
    for (path, root) in cases {
        let site = Site::new().with(|layout, base| layout.aliases = vec![alias(path, base.join(root))]);
        site.files(&[&format!("{root}/evil.php"), &format!("{root}/a.jpg")]);
        site.link_to("www/link", root);
        site.check(&[
            (&format!("{path}evil.php"), FRONT_DOOR),
            (&format!("{path}evil.php/a.css"), FRONT_DOOR),
            ("/link/evil.php", FRONT_DOOR),
            (&format!("{path}a.jpg"), &format!("file {root}/a.jpg")),
        ]);
    }
}

#[test]
fn the_longest_alias_is_the_one() {
    let site = Site::new().with(|layout, base| {
        layout.aliases = ["/a/", "/a/b/", "/gone/"]
            .map(|path| alias(path, base.join(path.trim_matches('/').replace('/', "-"))))
            .into();
    });
    site.files(&["a/one.css", "a/b/hidden.css", "a-b/two.css", "www/a/three.css", "www/gone/four.css"]);
    site.check(&[
        ("/a/one.css", "file a/one.css"),
        ("/a/b/two.css", "file a-b/two.css"),
        ("/a/b/hidden.css", FRONT_DOOR),
        ("/a/three.css", FRONT_DOOR),
        ("/gone/four.css", FRONT_DOOR),
    ]);
}

#[test]
fn a_release_is_taken_whole() {
    let site = Site::new().with(|layout, base| layout.root = base.join("current/public"));
    site.files(&[
        "releases/1/public/index.php",
        "releases/1/public/a.css",
        "shared/uploads/a.jpg",
        "shared/uploads/evil.php",
    ]);
    site.link("current", "releases/1");
    site.link_to("releases/1/public/wp-content/uploads", "shared/uploads");
    let front_door = "run releases/1/public/index.php as /index.php";
    let photo = "/wp-content/uploads/a.jpg";
    site.check(&[("/a.css", "file releases/1/public/a.css"), (photo, front_door), ("/nothing", front_door)]);
    // What a release shares with others is an alias.
    let site = site.with(|layout, base| {
        layout.aliases = vec![alias("/wp-content/uploads/", base.join("shared/uploads"))]
    });
    site.check(&[(photo, "file shared/uploads/a.jpg"), ("/wp-content/uploads/evil.php", front_door)]);
}
