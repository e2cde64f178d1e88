//! What a path asks for: decoded once, and made of plain parts.
//!
//! A path that nobody could mean (`..`, NUL, a backslash, a broken `%XX`) names nothing. It is not refused: WordPress
//! answers it as any other that it does not know.

/// A path as it is looked up.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// Its parts, a slash before each and none behind: `/wp-admin/post.php`; empty for `/`.
    pub(super) text: Vec<u8>,
    /// Whether a slash stood at the end, so that only a folder can be meant.
    pub(super) is_folder: bool,
}

impl Asked {
    /// Reads the path of a request, as it was sent; nothing where it cannot name a file.
    pub(super) fn read(path: &[u8]) -> Option<Self> {
        let decoded = decoded(path)?;
        let parts = decoded.strip_prefix(b"/")?;
        if memchr::memchr2(0, b'\\', parts).is_some() {
            return None;
        }
        let mut text = Vec::with_capacity(decoded.len());
        let mut is_folder = true;
        for part in parts.split(|byte| *byte == b'/') {
            match part {
                b".." => return None,
                b"" | b"." => is_folder = true,
                part => {
                    is_folder = false;
                    text.push(b'/');
                    text.extend_from_slice(part);
                }
            }
        }
        Some(Self { text, is_folder })
    }
}

/// The path with `%XX` replaced, once; nothing where that is no text anybody could mean.
pub(super) fn decoded(path: &[u8]) -> Option<Vec<u8>> {
    if memchr::memchr(b'%', path).is_none() {
        return Some(path.to_vec());
    }
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((first, behind)) = rest.split_first() {
        let (byte, behind) = match (first, behind) {
            (b'%', [high, low, behind @ ..]) => (hex(*high)? << 4 | hex(*low)?, behind),
            (b'%', _) => return None,
            _ => (*first, behind),
        };
        out.push(byte);
        rest = behind;
    }
    Some(out)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Appends a decoded path as it may stand in `Location` (RFC 3986 §3.3).
pub(super) fn encode(out: &mut Vec<u8>, path: &[u8]) {
    for byte in path {
        let is_plain = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(byte);
        append(out, *byte, is_plain);
    }
}

/// Appends a query as it was sent, but for what no field may hold.
pub(super) fn copy_query(out: &mut Vec<u8>, query: &[u8]) {
    for byte in query {
        append(out, *byte, byte.is_ascii_graphic());
    }
}

fn append(out: &mut Vec<u8>, byte: u8, is_plain: bool) {
    let digit =
        |value: u8| char::from_digit(value.into(), 16).map_or(b'0', |digit| digit.to_ascii_uppercase() as u8);
    if is_plain {
        return out.push(byte);
    }
    out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
}

/// The parts of a path that begins with a slash, or is empty.
pub(super) fn parts(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/').skip(1)
}

/// What stands before the last slash, and what behind it.
pub(super) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    let at = memchr::memrchr(b'/', path).unwrap_or_default();
    let (folder, name) = path.split_at_checked(at).unwrap_or_default();
    (folder, name.strip_prefix(b"/").unwrap_or(name))
}

/// `/wp-admin/post.php` of `/blog/wp-admin/post.php`: WordPress's own rewrite rules for sites in folders that do not exist.
pub(super) fn without_site(path: &[u8]) -> Option<&[u8]> {
    const OWN: [&[u8]; 3] = [b"wp-admin", b"wp-includes", b"wp-content"];
    let mut parts = parts(path);
    let (site, second) = (parts.next()?, parts.next()?);
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let is_site = !site.is_empty() && site.iter().all(is_name) && !OWN.contains(&site);
    let is_own = OWN.contains(&second) || (second.ends_with(b".php") && parts.next().is_none());
    if is_site && is_own { path.get(site.len() + 1..) } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::{Asked, copy_query, encode, parts, split, without_site};

    fn asked(path: &str) -> Option<String> {
        let Asked { mut text, is_folder } = Asked::read(path.as_bytes())?;
        text.extend_from_slice(if is_folder { b"/" } else { b"" });
        Some(String::from_utf8_lossy(&text).into_owned())
    }

    #[test]
    fn a_path_is_decoded_once_and_made_plain() {
        let cases = [
            ("/", "/"),
            ("//", "/"),
            ("/.", "/"),
            ("/a", "/a"),
            ("/a/", "/a/"),
            ("//a//b", "/a/b"),
            ("/./a/./b/.", "/a/b/"),
            ("/%2e/a", "/a"),
            ("/a%2Fb", "/a/b"),
            ("/a%20b+c", "/a b+c"),
            ("/%252e%252e/a", "/%2e%2e/a"),
            ("/a%25", "/a%"),
            ("/...", "/..."),
            ("/a..b/..c", "/a..b/..c"),
            ("/b\u{fc}cher", "/b\u{fc}cher"),
            ("/b%C3%BCcher", "/b\u{fc}cher"),
        ];
        for (path, expected) in cases {
            assert_eq!(asked(path).as_deref(), Some(expected), "{path}");
        }
        assert_eq!(Asked::read(b"/%fc").unwrap().text, b"/\xfc");
    }

    #[test]
    fn what_nobody_could_mean_names_nothing() {
        for path in [
            "",
            "*",
            "a",
            "http://a/b",
            "/..",
            "/../a",
            "/a/../b",
            "/a/..",
            "/%2e%2e/a",
            "/.%2E/a",
            "/..%2fa",
            "/%2e%2e%2fa",
            "/a%00",
            "/a\0",
            "/a\\b",
            "/..\\a",
            "/a%5cb",
            "/a%",
            "/a%2",
            "/a%zz",
            "/%+1",
        ] {
            assert_eq!(asked(path), None, "{path}");
        }
    }

    #[test]
    fn a_site_in_a_folder_that_does_not_exist_is_left_out() {
        let cases = [
            ("/blog/wp-admin", Some("/wp-admin")),
            ("/blog/wp-admin/post.php", Some("/wp-admin/post.php")),
            ("/blog/wp-includes/js/a.js", Some("/wp-includes/js/a.js")),
            ("/b_2-c/wp-content/uploads/a.jpg", Some("/wp-content/uploads/a.jpg")),
            ("/blog/wp-login.php", Some("/wp-login.php")),
            ("/blog/a/wp-login.php", None),
            ("/a/b/wp-admin/", None),
            ("/b.log/wp-admin", None),
            ("/b l/wp-admin", None),
            ("/wp-admin/post.php", None),
            ("/wp-content/wp-admin", None),
            ("/blog/wp-administrator", None),
            ("/blog", None),
            ("/wp-login.php", None),
            ("", None),
        ];
        for (path, expected) in cases {
            assert_eq!(without_site(path.as_bytes()), expected.map(str::as_bytes), "{path}");
        }
    }

    #[test]
    fn a_location_holds_nothing_but_a_path_and_its_query() {
        let mut out = Vec::new();
        encode(&mut out, "/a b/%?#\u{fc}+~'".as_bytes());
        copy_query(&mut out, b"?a=%20&b=\r\n \xff");
        assert_eq!(out, b"/a%20b/%25%3F%23%C3%BC+~'?a=%20&b=%0D%0A%20%FF");
        assert_eq!(split(b"/a/b.php"), (&b"/a"[..], &b"b.php"[..]));
        assert_eq!(split(b"/b.php"), (&b""[..], &b"b.php"[..]));
        assert_eq!(split(b""), (&b""[..], &b""[..]));
    }

    proptest! {
        #[test]
        fn whatever_is_asked_has_plain_parts(path in vec(any::<u8>(), 0..60), head in "(/|%2e|%2f|\\.|a){0,12}") {
            let path = [head.as_bytes(), &path].concat();
            if let Some(asked) = Asked::read(&path) {
                prop_assert!(asked.text.is_empty() || asked.text.starts_with(b"/"));
                prop_assert!(!asked.text.iter().any(|byte| matches!(byte, 0 | b'\\')));
                prop_assert!(parts(&asked.text).all(|part| !matches!(part, b"" | b"." | b"..")));
                let mut sent = Vec::new();
                encode(&mut sent, &asked.text);
                sent.push(b'/');
                prop_assert!(sent.iter().all(u8::is_ascii_graphic) && !sent.starts_with(b"//"));
                prop_assert_eq!(Asked::read(&sent).map(|again| again.text), Some(asked.text));
            }
        }
    }
}
