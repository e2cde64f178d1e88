//! What a client gets of a file.

use std::fs::{self, File, OpenOptions, Permissions};
use std::future::poll_fn;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::{Duration, SystemTime};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::{Site, get};
use crate::files::{Found, StaticFile};
use crate::message::{Broken, Fields, Fill, Reply, RequestHead, Source};

/// When the files of these tests were changed, and how HTTP says so.
const CHANGED: (u64, &str) = (1_700_000_000, "Tue, 14 Nov 2023 22:13:20 GMT");

fn put(site: &Site, path: &str, text: &[u8]) {
    site.file(path, text);
    let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(CHANGED.0);
    File::options().write(true).open(site.path(path)).unwrap().set_modified(changed).unwrap();
}

fn site(text: &[u8]) -> Site {
    let site = Site::new();
    put(&site, "www/a.css", text);
    site
}

fn find(site: &Site, target: &str) -> StaticFile {
    match site.tree().find(&get(target)) {
        Found::File(file) => file,
        found => panic!("{target}: {found:?}"),
    }
}

async fn ask<const N: usize>(
    site: &Site,
    method: &str,
    target: &str,
    fields: [(&str, &str); N],
) -> Reply<'static> {
    let head = RequestHead::build(method, target, Fields::from(fields));
    find(site, target).serve(&head).await
}

/// Its status, then its fields in the order of their names.
fn told(reply: &Reply<'_>) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let mut lines: Vec<_> = reply
        .head
        .fields
        .iter()
        .map(|field| format!("{}: {}", text(field.name), text(field.value)))
        .collect();
    lines.sort();
    lines.insert(0, format!("{} {}", reply.head.status, text(reply.head.reason())));
    lines.join("\n")
}

fn field(reply: &Reply<'_>, name: &str) -> String {
    let mut all = reply.head.fields.iter().filter(|field| field.name == name.as_bytes());
    all.next().map_or_else(String::new, |field| String::from_utf8_lossy(field.value).into_owned())
}

async fn read(reply: &mut Reply<'_>) -> Result<Vec<u8>, Broken> {
    let mut all = Vec::new();
    while poll_fn(|context| reply.body.poll_fill(context)).await? == Fill::Data {
        let data = reply.body.data();
        assert!(!data.is_empty() && data.len() <= 64 * 1024);
        all.extend_from_slice(data);
        let count = data.len();
        reply.body.consume(count);
    }
    Ok(all)
}

#[tokio::test]
async fn a_file_comes_whole() {
    let site = site(b"0123456789");
    let mut reply =
        ask(&site, "GET", "/a.css?ver=1", [("Cookie", "a=b"), ("Authorization", "Bearer x")]).await;
    let expected = "200 OK\nAccept-Ranges: bytes\nContent-Length: 10\nContent-Type: text/css; charset=utf-8\n\
                    ETag: \"6553f100.00000000-a\"\nLast-Modified: Tue, 14 Nov 2023 22:13:20 GMT\nVary: accept-encoding";
    assert_eq!(told(&reply), expected);
    assert_eq!(read(&mut reply).await.unwrap(), b"0123456789");
    assert_eq!(reply.body.length(), Some(10));
    let mut reply = ask(&site, "HEAD", "/a.css", [("Range", "bytes=0-1")]).await;
    assert_eq!(told(&reply), expected);
    assert_eq!(read(&mut reply).await.unwrap(), b"");
}

#[tokio::test]
async fn other_methods_are_told_which_there_are() {
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get"] {
        let reply = ask(&site(b"a"), method, "/a.css", []).await;
        assert_eq!(told(&reply), "405 Method Not Allowed\nAllow: GET, HEAD\nContent-Length: 0", "{method}");
    }
}

#[tokio::test]
async fn types_are_told_as_browsers_need_them() {
    let site = Site::new();
    let cases = [
        ("a.css", "text/css; charset=utf-8"),
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.mjs", "application/javascript; charset=utf-8"),
        ("a.html", "text/html; charset=utf-8"),
        ("a.txt", "text/plain; charset=utf-8"),
        ("a.json", "application/json"),
        ("a.svg", "image/svg+xml"),
        ("a.JPG", "image/jpeg"),
        ("a.webp", "image/webp"),
        ("a.avif", "image/avif"),
        ("a.woff2", "font/woff2"),
        ("a.wasm", "application/wasm"),
        ("a.pdf", "application/pdf"),
        ("a.mp4", "video/mp4"),
        ("a.xml", "text/xml; charset=utf-8"),
        ("a.unknown-thing", "application/octet-stream"),
        ("LICENSE", "application/octet-stream"),
        ("b\u{fc}cher.css", "text/css; charset=utf-8"),
        ("a b.min.css", "text/css; charset=utf-8"),
    ];
    for (name, expected) in cases {
        put(&site, &format!("www/{name}"), b"a");
        let mut reply = ask(&site, "GET", &format!("/{}", name.replace(' ', "%20")), []).await;
        assert_eq!(field(&reply, "Content-Type"), expected, "{name}");
        assert_eq!(read(&mut reply).await.unwrap(), b"a");
    }
}

#[tokio::test]
async fn what_did_not_change_is_not_sent_again() {
    let site = site(b"0123456789");
    let tag = "\"6553f100.00000000-a\"";
    let weak = format!("W/{tag}");
    let list = format!("\"x\", {tag}");
    let cases = [
        ("If-None-Match", tag, 304),
        ("If-None-Match", &weak, 304),
        ("if-none-match", &list, 304),
        ("If-None-Match", "*", 304),
        ("If-None-Match", "\"other\"", 200),
        ("If-Modified-Since", CHANGED.1, 304),
        ("If-Modified-Since", "Tue, 14 Nov 2023 22:13:19 GMT", 200),
        ("If-Modified-Since", "yesterday", 200),
        ("If-Match", tag, 200),
        ("If-Match", "\"other\"", 412),
        ("If-Unmodified-Since", "Tue, 14 Nov 2023 22:13:19 GMT", 412),
    ];
    for (name, value, expected) in cases {
        for method in ["GET", "HEAD"] {
            let mut reply = ask(&site, method, "/a.css", [(name, value)]).await;
            assert_eq!(reply.head.status.code(), expected, "{method} {name}: {value}");
            let is_whole = expected == 200 && method == "GET";
            assert_eq!(read(&mut reply).await.unwrap().len(), if is_whole { 10 } else { 0 });
        }
    }
    let reply = ask(&site, "GET", "/a.css", [("If-None-Match", "\"x\""), ("If-None-Match", tag)]).await;
    let expected =
        format!("304 Not Modified\nETag: {tag}\nLast-Modified: {}\nVary: accept-encoding", CHANGED.1);
    assert_eq!(told(&reply), expected);
    let reply =
        ask(&site, "GET", "/a.css", [("If-None-Match", "\"x\""), ("If-Modified-Since", CHANGED.1)]).await;
    assert_eq!(reply.head.status.code(), 200, "the tag counts");
    let reply = ask(&site, "GET", "/a.css", [("If-Match", "\"x\"")]).await;
    assert_eq!(told(&reply), "412 Precondition Failed\nContent-Length: 0");
}

#[tokio::test]
async fn a_part_may_be_asked_for() {
    let site = site(b"0123456789");
    let cases = [
        ("bytes=0-3", 206, "bytes 0-3/10", "0123"),
        ("bytes=3-3", 206, "bytes 3-3/10", "3"),
        ("bytes=7-", 206, "bytes 7-9/10", "789"),
        ("bytes=-2", 206, "bytes 8-9/10", "89"),
        ("bytes=8-99", 206, "bytes 8-9/10", "89"),
        ("bytes=0-", 206, "bytes 0-9/10", "0123456789"),
        ("bytes=10-", 416, "bytes */10", ""),
        ("bytes=-0", 416, "bytes */10", ""),
        ("bytes=3-1", 416, "bytes */10", ""),
        ("bytes=x", 416, "bytes */10", ""),
        ("Bytes=0-3", 206, "bytes 0-3/10", "0123"),
        ("bytes=0-0,2-3", 200, "", "0123456789"),
        ("lines=0-1", 200, "", "0123456789"),
    ];
    for (range, status, told, text) in cases {
        let mut reply = ask(&site, "GET", "/a.css", [("Range", range)]).await;
        assert_eq!((reply.head.status.code(), &*field(&reply, "Content-Range")), (status, told), "{range}");
        assert_eq!(field(&reply, "Content-Length"), text.len().to_string(), "{range}");
        assert_eq!(read(&mut reply).await.unwrap(), text.as_bytes(), "{range}");
    }
    let reply = ask(&site, "GET", "/a.css", [("Range", "bytes=0-1"), ("Range", "bytes=2-3")]).await;
    assert_eq!(reply.head.status.code(), 200);
}

#[tokio::test]
async fn a_part_of_what_changed_meanwhile_is_the_whole() {
    let site = site(b"0123456789");
    let cases = [
        ("\"6553f100.00000000-a\"", "bytes=0-1", 206),
        (CHANGED.1, "bytes=0-1", 206),
        ("\"6553f100.00000000-a\"", "bytes=99-", 416),
        ("\"other\"", "bytes=0-1", 200),
        ("\"other\"", "bytes=99-", 200),
        ("W/\"6553f100.00000000-a\"", "bytes=0-1", 200),
        ("Tue, 14 Nov 2023 22:13:21 GMT", "bytes=0-1", 200),
        ("yesterday", "bytes=0-1", 200),
    ];
    for (condition, range, expected) in cases {
        let mut reply = ask(&site, "GET", "/a.css", [("Range", range), ("If-Range", condition)]).await;
        assert_eq!(reply.head.status.code(), expected, "{condition} {range}");
        let length = read(&mut reply).await.unwrap().len();
        assert_eq!(
            length,
            match expected {
                206 => 2,
                416 => 0,
                _ => 10,
            }
        );
    }
}

#[tokio::test]
async fn precompressed_files_are_taken_where_they_are_wanted_and_allowed() {
    let site = site(b"plain");
    put(&site, "www/a.css.gz", b"gzip");
    put(&site, "www/a.css.br", b"brotli");
    put(&site, "www/b.css", b"plain");
    symlink(site.path("www/wp-config.php"), site.path("www/b.css.gz")).unwrap();
    put(&site, "www/wp-config.php", b"secret");
    put(&site, "www/c.sql2", b"plain");
    put(&site, "www/d", b"plain");
    put(&site, "www/d.gz", b"gzip");
    fs::create_dir(site.path("www/d.br")).unwrap();
    put(&site, "www/e.css", b"plain");
    put(&site, "www/e.css.zst", b"zstd");
    let cases = [
        ("/a.css", "gzip", "gzip", "gzip"),
        ("/a.css", "gzip, br", "br", "brotli"),
        ("/a.css", "gzip, deflate, br, zstd", "br", "brotli"),
        ("/a.css", "br;q=0, gzip", "gzip", "gzip"),
        ("/a.css", "identity", "", "plain"),
        ("/a.css", "", "", "plain"),
        ("/a.css", "deflate", "", "plain"),
        ("/b.css", "gzip", "", "plain"),
        ("/d", "br, gzip", "gzip", "gzip"),
        ("/e.css", "zstd", "zstd", "zstd"),
    ];
    for (target, accepted, coding, text) in cases {
        let mut reply = ask(&site, "GET", target, [("Accept-Encoding", accepted)]).await;
        assert_eq!(field(&reply, "Content-Encoding"), coding, "{target} {accepted}");
        assert_eq!(field(&reply, "Vary"), "accept-encoding");
        assert_eq!(read(&mut reply).await.unwrap(), text.as_bytes(), "{target} {accepted}");
    }
    let reply = ask(&site, "GET", "/a.css", [("Accept-Encoding", "gzip")]).await;
    assert_eq!(field(&reply, "Content-Type"), "text/css; charset=utf-8");
    let kept = site.with(|layout, _| layout.never_serve = vec!["*.br".to_owned()]);
    let mut reply = ask(&kept, "GET", "/a.css", [("Accept-Encoding", "br")]).await;
    assert_eq!(read(&mut reply).await.unwrap(), b"plain");
}

#[tokio::test]
async fn an_empty_file_is_empty() {
    let site = site(b"");
    let mut reply = ask(&site, "GET", "/a.css", []).await;
    assert_eq!((reply.head.status.code(), &*field(&reply, "Content-Length")), (200, "0"));
    assert_eq!(read(&mut reply).await.unwrap(), b"");
    for range in ["bytes=0-", "bytes=0-0", "bytes=-5"] {
        let mut reply = ask(&site, "GET", "/a.css", [("Range", range)]).await;
        assert!(matches!(reply.head.status.code(), 200 | 416), "{range}: {}", told(&reply));
        assert_eq!(field(&reply, "Content-Length"), "0");
        assert_eq!(read(&mut reply).await.unwrap(), b"");
    }
}

/// Bytes that are not the same anywhere.
fn large() -> Vec<u8> {
    (0..300_000_u32).flat_map(|number| number.to_le_bytes()).take(1_000_001).collect()
}

#[tokio::test]
async fn a_large_file_comes_in_pieces() {
    let (site, all) = (site(&large()), large());
    assert_eq!(read(&mut ask(&site, "GET", "/a.css", []).await).await.unwrap(), all);
    let mut reply = ask(&site, "GET", "/a.css", [("Range", "bytes=65535-200000")]).await;
    assert_eq!(read(&mut reply).await.unwrap(), all[65535..=200_000]);
    let mut reply = ask(&site, "GET", "/a.css", []).await;
    OpenOptions::new().append(true).open(site.path("www/a.css")).unwrap().set_len(2_000_000).unwrap();
    assert_eq!(read(&mut reply).await.unwrap(), all, "what it gains is not announced");
}

#[tokio::test]
async fn a_file_that_shrinks_breaks_off() {
    for left in [0, 1, 65_536, 65_537, 1_000_000] {
        let site = site(&large());
        let mut reply = ask(&site, "GET", "/a.css", []).await;
        OpenOptions::new().write(true).open(site.path("www/a.css")).unwrap().set_len(left).unwrap();
        assert_eq!(read(&mut reply).await, Err(Broken::Truncated), "{left}");
    }
}

#[tokio::test]
async fn what_takes_the_place_of_a_file_meanwhile_is_not_served() {
    type Swap = fn(&Site);
    let swaps: [(&str, Swap, u16); 6] = [
        ("removed", |site| fs::remove_file(site.path("www/a/b.css")).unwrap(), 404),
        (
            "a link",
            |site| {
                fs::remove_file(site.path("www/a/b.css")).unwrap();
                site.link_to("www/a/b.css", "secret/b.css");
            },
            404,
        ),
        (
            "a link to the folder",
            |site| {
                fs::rename(site.path("www/a"), site.path("www/c")).unwrap();
                site.link_to("www/a", "secret");
            },
            404,
        ),
        (
            "a FIFO",
            |site| {
                fs::remove_file(site.path("www/a/b.css")).unwrap();
                mknodat(CWD, site.path("www/a/b.css"), FileType::Fifo, Mode::from_raw_mode(0o644), 0)
                    .unwrap();
            },
            404,
        ),
        (
            "a folder",
            |site| {
                fs::remove_file(site.path("www/a/b.css")).unwrap();
                fs::create_dir(site.path("www/a/b.css")).unwrap();
            },
            404,
        ),
        ("a new file", |site| fs::rename(site.path("www/new.css"), site.path("www/a/b.css")).unwrap(), 200),
    ];
    for (what, swap, expected) in swaps {
        let site = Site::new();
        site.files(&["www/a/b.css", "www/new.css", "secret/b.css"]);
        let file = find(&site, "/a/b.css");
        swap(&site);
        let mut reply = file.serve(&get("/a/b.css")).await;
        assert_eq!(reply.head.status.code(), expected, "{what}");
        assert!(!read(&mut reply).await.unwrap().starts_with(b"secret"), "{what}");
    }
}

#[tokio::test]
async fn a_file_that_may_not_be_read_is_forbidden() {
    let site = site(b"a");
    let path = site.path("www/a.css");
    fs::set_permissions(&path, Permissions::from_mode(0o000)).unwrap();
    // Some may read everything.
    let expected = if File::open(&path).is_ok() { 200 } else { 403 };
    let reply = ask(&site, "GET", "/a.css", []).await;
    assert_eq!(reply.head.status.code(), expected);
    // A script is read by PHP.
    site.files(&["www/a.php"]);
    fs::set_permissions(site.path("www/a.php"), Permissions::from_mode(0o000)).unwrap();
    assert_eq!(site.told("/a.php"), "run www/a.php as /a.php");
}

#[test]
fn a_folder_is_moved_to_with_the_method_it_was_asked_with() {
    let site = Site::new();
    site.files(&["www/a/index.php"]);
    for (method, status) in [
        ("GET", "301 Moved Permanently"),
        ("HEAD", "301 Moved Permanently"),
        ("POST", "308 Permanent Redirect"),
    ] {
        let head = RequestHead::build(method, "/a?b", Fields::new());
        let Found::Folder(moved) = site.tree().find(&head) else { panic!() };
        assert_eq!(told(&moved.reply(&head)), format!("{status}\nContent-Length: 0\nLocation: /a/?b"));
    }
}
