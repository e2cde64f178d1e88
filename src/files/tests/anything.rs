//! Whatever is asked, what answers lies below a root and is kept from nobody.

use std::os::unix::ffi::OsStrExt;

use proptest::collection::vec;
use proptest::prelude::{any, prop_assert, proptest};

use super::{Site, alias, get};
use crate::files::{Found, Multisite, Tree};
use crate::message::{Fields, RequestHead, Span, Version};

fn site() -> Site {
    let site = Site::new().with(|layout, base| {
        layout.aliases = vec![alias("/wp-content/", base.join("content"))];
        layout.multisite = Multisite::Subfolders;
    });
    site.files(&[
        "secret.txt",
        "evil.php",
        "www/wp-login.php",
        "www/wp-config.php",
        "www/.env",
        "www/a.css",
        "www/wp-admin/index.php",
        "www/a.php.bak",
        "www/a/index.html",
        "content/uploads/evil.php",
        "content/uploads/a.jpg",
        "content/index.php",
    ]);
    site.link_to("www/out", "");
    site.link_to("www/up", "content/uploads");
    site.link_to("content/back", "www");
    site
}

fn head(target: &[u8]) -> RequestHead {
    let mut fields = Fields::new();
    let (method, target) = (fields.store(b"GET"), fields.store(target));
    let _: Span = target;
    RequestHead::new(method, target, Version::Http11, fields)
}

fn is_safe(site: &Site, found: &Found) -> bool {
    let real = match found {
        Found::File(file) => file.real(),
        Found::Script(script) => &script.filename,
        Found::Folder(moved) => {
            return moved.location.starts_with(b"/") && !moved.location.starts_with(b"//");
        }
        Found::Nothing => return false,
    };
    let is_below =
        ["www/", "content/"].iter().any(|root| real.starts_with(site.path(root).as_os_str().as_bytes()));
    let real = String::from_utf8_lossy(real).into_owned();
    let name = real.rsplit('/').next().unwrap();
    let is_kept = name.starts_with("wp-config") || name.starts_with('.') || name.contains(".bak");
    let is_right = match found {
        Found::Script(_) => name.ends_with(".php") && !real.contains("/uploads/"),
        _ => !name.contains(".php"),
    };
    is_below && !is_kept && is_right
}

fn holds(site: &Site, tree: &Tree, target: &[u8]) -> bool {
    is_safe(site, &tree.find(&head(target)))
}

#[test]
fn whatever_is_asked_nothing_kept_is_answered() {
    let site = site();
    let tree = site.tree();
    assert!(matches!(tree.find(&get("/wp-content/back/wp-content/x")), Found::Script(_)));
    let piece = "(/|//|\\.|\\.\\.|%2e|%2f|%00|%5c|%|\\?|a|a\\.css|up|out|back|blog|evil\\.php|index\\.php|\\.env|www|content|uploads\
                 |wp-content|wp-admin|wp-login\\.php|wp-config\\.php|a\\.php\\.bak|secret\\.txt|\\.bak|~| |A|P)";
    proptest!(|(pieces in vec(piece, 0..9), odd in vec(any::<u8>(), 0..12), at in 0..9_usize)| {
        let mut target = Vec::from(b"/");
        for (index, piece) in pieces.iter().enumerate() {
            if index == at {
                target.extend_from_slice(&odd);
            }
            target.extend_from_slice(piece.as_bytes());
            if index % 2 == at % 2 {
                target.push(b'/');
            }
        }
        prop_assert!(holds(&site, &tree, &target), "{}", String::from_utf8_lossy(&target));
        prop_assert!(holds(&site, &tree, &odd));
    });
}
