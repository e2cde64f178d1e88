//! Links: none leads out of the roots, to what is kept, or past the policy.

use std::fs;
use std::os::unix::fs::lchown;
use std::path::Path;

use super::{FRONT_DOOR, Site, alias, get};
use crate::files::{FollowLinks, Found};

/// Somebody who is not us.
const STRANGER: u32 = 12345;

/// Gives a file or a link away; not everybody can.
fn give(site: &Site, path: &str) -> bool {
    lchown(site.path(path), Some(STRANGER), Some(STRANGER)).is_ok()
}

#[test]
fn no_link_leads_out_or_to_what_is_kept() {
    for links in [FollowLinks::SameOwner, FollowLinks::All, FollowLinks::None] {
        let site = Site::new().with(|layout, _| layout.follow_links = links);
        site.files(&[
            "evil.php",
            "secret.txt",
            "www-2/a.css",
            "www/wp-config.php",
            "www/wp-login.php",
            "www/.env",
            "www/.git/config",
            "www/wp-content/uploads/evil.php",
            "www/a.txt",
        ]);
        site.link_to("www/wp-content/uploads/out.php", "evil.php");
        site.link_to("www/out.php", "evil.php");
        site.link_to("www/out.txt", "secret.txt");
        site.link("www/up.txt", "../secret.txt");
        site.link_to("www/outside", "");
        site.link_to("www/beside", "www-2");
        site.link("www/passwd.txt", "/etc/passwd");
        site.link("www/self.txt", "/proc/self/environ");
        site.link("www/slash", "/");
        site.link("www/config.txt", "wp-config.php");
        site.link("www/config.css", "wp-config.php");
        site.link("www/source.txt", "wp-login.php");
        site.link("www/env.txt", ".env");
        site.link("www/git", ".git");
        site.link("www/run.php", "wp-content/uploads/evil.php");
        site.link("www/up", "wp-content/uploads");
        site.link("www/wp-config-link.txt", "a.txt");
        site.link("www/.link.txt", "a.txt");
        site.link("www/text.php", "a.txt");
        site.link("www/text.phtml", "a.txt");
        site.link("www/wp-content/uploads/login.php", "../../wp-login.php");
        site.check_unknown(&[
            "/wp-content/uploads/out.php",
            "/out.php",
            "/out.txt",
            "/up.txt",
            "/outside/secret.txt",
            "/outside/www/a.txt/",
            "/outside/evil.php",
            "/beside/a.css",
            "/passwd.txt",
            "/self.txt",
            "/slash/etc/passwd",
            "/config.txt",
            "/config.css",
            "/source.txt",
            "/env.txt",
            "/git/config",
            "/run.php",
            "/up/evil.php",
            "/wp-config-link.txt",
            "/.link.txt",
            "/text.php",
            "/text.phtml",
            "/wp-content/uploads/login.php",
        ]);
    }
}

#[test]
fn links_inside_are_followed_as_the_policy_says() {
    let cases = [
        (FollowLinks::All, "file www/a.txt", "run www/b.php as /link.php", "file www/folder/c.css"),
        (FollowLinks::SameOwner, "file www/a.txt", "run www/b.php as /link.php", "file www/folder/c.css"),
        (FollowLinks::None, FRONT_DOOR, FRONT_DOOR, FRONT_DOOR),
    ];
    for (links, file, script, below) in cases {
        let site = Site::new().with(|layout, _| layout.follow_links = links);
        site.files(&["www/a.txt", "www/b.php", "www/folder/c.css", "www/folder/index.php"]);
        site.link("www/link.txt", "a.txt");
        site.link_to("www/whole.txt", "www/a.txt");
        site.link("www/twice.txt", "link.txt");
        site.link("www/link.php", "b.php");
        site.link("www/link", "folder");
        site.link("www/folder/back", "../folder");
        site.check(&[
            ("/link.txt", file),
            ("/whole.txt", file),
            ("/twice.txt", file),
            ("/link.php", script),
            ("/link/c.css", below),
            ("/folder/back/back/c.css", below),
            ("/folder/c.css", "file www/folder/c.css"),
        ]);
    }
}

#[test]
fn a_link_of_somebody_else_is_followed_to_what_is_theirs() {
    let site = Site::new();
    site.files(&["www/ours.txt", "www/theirs.txt", "www/ours/a.txt", "www/theirs/a.txt"]);
    for path in ["to-ours.txt", "to-theirs.txt", "to-ours", "to-theirs"] {
        site.link(&format!("www/{path}"), Path::new(path.strip_prefix("to-").unwrap()));
    }
    site.link("www/our-link-to-theirs.txt", "theirs.txt");
    site.link("www/to-our-link.txt", "our-link.txt");
    site.link("www/our-link.txt", "theirs.txt");
    let given = [
        "theirs.txt",
        "theirs",
        "theirs/a.txt",
        "to-ours.txt",
        "to-theirs.txt",
        "to-ours",
        "to-theirs",
        "to-our-link.txt",
    ];
    if !given.iter().all(|path| give(&site, &format!("www/{path}"))) {
        return;
    }
    let strict = [
        ("/to-ours.txt", FRONT_DOOR),
        ("/to-theirs.txt", "file www/theirs.txt"),
        ("/our-link-to-theirs.txt", FRONT_DOOR),
        ("/to-ours/a.txt", FRONT_DOOR),
        ("/to-theirs/a.txt", "file www/theirs/a.txt"),
        // What a link leads to in the end counts.
        ("/to-our-link.txt", "file www/theirs.txt"),
        ("/ours.txt", "file www/ours.txt"),
        ("/theirs.txt", "file www/theirs.txt"),
    ];
    site.check(&strict);
    let site = site.with(|layout, _| layout.follow_links = FollowLinks::All);
    for (path, _) in strict {
        assert!(site.told(path).starts_with("file "), "{path}");
    }
}

#[test]
fn a_root_may_be_a_link_whoever_made_it() {
    let site = Site::new().with(|layout, base| {
        layout.root = base.join("current");
        layout.follow_links = FollowLinks::None;
    });
    site.files(&["releases/1/index.php", "releases/1/a.css", "releases/2/index.php"]);
    site.link("current", "releases/1");
    give(&site, "current");
    site.check(&[("/a.css", "file releases/1/a.css"), ("/", "run releases/1/index.php as /index.php")]);
    fs::remove_file(site.path("current")).unwrap();
    site.link("current", "releases/2");
    site.check(&[("/a.css", "run releases/2/index.php as /index.php")]);
    let root = |site: &Site| match site.tree().find(&get("/")) {
        Found::Script(script) => script.root,
        found => panic!("{found:?}"),
    };
    let real = site.path("releases/2");
    assert_eq!(
        root(&site).as_deref(),
        Some(real.as_os_str().as_encoded_bytes()),
        "PHP is told of the same folder"
    );
    let site = site.with(|layout, _| layout.php_root = Some("/srv/www".to_owned()));
    assert_eq!(root(&site), None, "PHP sees it elsewhere");
}

#[test]
fn links_lead_from_one_root_into_another() {
    let site = Site::new().with(|layout, base| layout.aliases = vec![alias("/media/", base.join("media"))]);
    site.files(&["media/a.jpg", "media/b.php", "media/uploads/c.php", "other/d.jpg"]);
    site.link_to("www/photos", "media");
    site.link_to("media/out.jpg", "other/d.jpg");
    site.check(&[
        ("/photos/a.jpg", "file media/a.jpg"),
        ("/photos/b.php", "run media/b.php as /photos/b.php"),
        ("/photos/uploads/c.php", FRONT_DOOR),
        ("/media/out.jpg", FRONT_DOOR),
    ]);
}
