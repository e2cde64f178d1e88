//! What PHP is told of a request (CGI/1.1, RFC 3875 §4.1), without I/O.
//!
//! Of what a client chose, only what stands behind `HTTP_` reaches a name: `PHP_VALUE` and `PHP_ADMIN_VALUE` set
//! php.ini values for this and later requests of a worker. A name is sent once, for PHP takes the last of several; what
//! came in several fields is joined. Names with anything but letters, digits and hyphens are left out, for CGI or PHP
//! makes `X-Forwarded-Proto` of `X_Forwarded_Proto` and `X.Forwarded.Proto` alike.

use std::io::Write;
use std::net::IpAddr;

use super::record::{self, LARGEST, Pairs, TooLong};
use super::{Call, Caller, Fault, Php};
use crate::headers::Scheme;
use crate::message::{Field, Fields, Name, RequestHead, Version, host_of};

/// The longest field, with its name, that fits into a record beside its two lengths and what CGI calls it.
const LONGEST: usize = LARGEST - 64;

/// What is the same for every request of an upstream.
pub(super) fn constants() -> Vec<u8> {
    record::encoded(&[
        (b"GATEWAY_INTERFACE", b"CGI/1.1"),
        (b"SERVER_SOFTWARE", concat!("header-doctor/", env!("CARGO_PKG_VERSION")).as_bytes()),
        // php-cgi runs nothing without it (`cgi.force_redirect`).
        (b"REDIRECT_STATUS", b"200"),
    ])
}

/// Refuses what [`encode`] would refuse, before anything of the body is read.
///
/// # Errors
/// The request cannot be told to PHP.
pub(super) fn check(head: &RequestHead) -> Result<(), Fault> {
    let credentials = head.fields.all(Name::Authorization).filter(|value| !value.is_empty()).count();
    if credentials > 1 {
        return Err(Fault::TwoCredentials);
    }
    let is_too_long = |field: Field<'_>| field.name.len() + field.value.len() > LONGEST;
    if head.target().len() > LONGEST || head.fields.iter().any(is_too_long) {
        return Err(Fault::FieldTooLong);
    }
    Ok(())
}

/// Appends the pairs that tell PHP of this request, whose body has this length.
///
/// # Errors
/// The request cannot be told to PHP.
pub(super) fn encode(
    out: &mut Vec<u8>,
    php: &Php,
    call: &Call,
    head: &RequestHead,
    length: u64,
) -> Result<(), Fault> {
    let mut pairs = Pairs::begin(out);
    pairs.push_encoded(&php.constants);
    let root = call.script.root.as_deref().unwrap_or_else(|| php.scripts.root());
    let told = tell(&mut pairs, call, root, head, length);
    told.map_err(|TooLong| Fault::FieldTooLong)?;
    pairs.end();
    Ok(())
}

fn tell(
    pairs: &mut Pairs<'_>,
    Call { caller, script }: &Call,
    root: &[u8],
    head: &RequestHead,
    length: u64,
) -> Result<(), TooLong> {
    pairs.push(b"DOCUMENT_ROOT", if root.is_empty() { b"/" } else { root })?;
    pairs.push(b"SCRIPT_FILENAME", &script.filename)?;
    pairs.push(b"SCRIPT_NAME", &script.name)?;
    if !script.info.is_empty() {
        pairs.push(b"PATH_INFO", &script.info)?;
    }
    pairs.push(b"REQUEST_METHOD", head.method_text())?;
    pairs.push(b"REQUEST_URI", head.target())?;
    pairs.push(b"QUERY_STRING", head.query())?;
    pairs.push(b"SERVER_PROTOCOL", protocol(head.version))?;
    server(pairs, caller, &head.fields)?;
    let mut text = Text::new();
    pairs.push(b"REMOTE_ADDR", text.address(caller.address))?;
    if length > 0 || head.fields.has(Name::ContentLength) {
        pairs.push(b"CONTENT_LENGTH", text.number(length))?;
    }
    if let Some(media_type) = head.fields.first(Name::ContentType) {
        pairs.push(b"CONTENT_TYPE", media_type)?;
    }
    fields(pairs, &head.fields)
}

const fn protocol(version: Version) -> &'static [u8] {
    match version {
        Version::Http10 => b"HTTP/1.0",
        Version::Http11 => b"HTTP/1.1",
        Version::Http2 => b"HTTP/2.0",
    }
}

/// `is_ssl()` of WordPress asks `HTTPS` and `SERVER_PORT`: both say what is known of the client, so a port that a client
/// writes into `Host` cannot call it encrypted.
fn server(pairs: &mut Pairs<'_>, caller: &Caller, fields: &Fields) -> Result<(), TooLong> {
    pairs.push(b"REQUEST_SCHEME", caller.scheme.word().as_bytes())?;
    match caller.scheme {
        Scheme::Https => {
            pairs.push(b"HTTPS", b"on")?;
            pairs.push(b"SERVER_PORT", b"443")?;
        }
        Scheme::Http => pairs.push(b"SERVER_PORT", b"80")?,
    }
    let host = fields.first(Name::Host).unwrap_or_default();
    pairs.push(b"SERVER_NAME", host_of(host))
}

/// What never becomes a variable: what is told under another name, what ends at this hop, and `Proxy`, which HTTP
/// clients take for their own proxy (CVE-2016-5385).
const fn is_left_out(id: Name) -> bool {
    matches!(
        id,
        Name::ContentLength
            | Name::ContentType
            | Name::Connection
            | Name::Expect
            | Name::Http2Settings
            | Name::KeepAlive
            | Name::Proxy
            | Name::ProxyConnection
            | Name::Te
            | Name::Trailer
            | Name::TransferEncoding
            | Name::Upgrade
    )
}

fn fields(pairs: &mut Pairs<'_>, fields: &Fields) -> Result<(), TooLong> {
    let shared = shared_marks(fields);
    for (place, field) in fields.iter().enumerate() {
        if is_left_out(field.id) || !is_plain(&field) {
            continue;
        }
        if field.id == Name::Authorization && field.value.is_empty() {
            continue;
        }
        if shared & mark(&field) == 0 {
            alone(pairs, &field)?;
            continue;
        }
        if fields.iter().take(place).any(|before| is_same(&before, &field)) {
            continue;
        }
        joined(pairs, fields, place, &field)?;
    }
    Ok(())
}

/// What two fields of one name have in common, and of other names hardly any: nearly all stand alone, and need not be
/// compared with one another.
fn mark(field: &Field<'_>) -> u128 {
    const FREE: u32 = u128::BITS - Name::Other as u32;
    let place = match (field.id, field.name) {
        (Name::Other, [.., last]) => {
            let length = u32::try_from(field.name.len()).unwrap_or_default();
            Name::Other as u32 + length.wrapping_add(31 * u32::from(last.to_ascii_lowercase())) % FREE
        }
        (id, _) => id as u32,
    };
    1 << place
}

/// The marks that several fields have.
fn shared_marks(fields: &Fields) -> u128 {
    let (_, shared) = fields.iter().fold((0, 0), |(seen, shared), field| {
        let mark = mark(&field);
        (seen | mark, shared | (seen & mark))
    });
    shared
}

/// A field that is the only one of its name.
fn alone(pairs: &mut Pairs<'_>, field: &Field<'_>) -> Result<(), TooLong> {
    let out = open(pairs, field, field.value.len())?;
    out.extend_from_slice(field.value);
    Ok(())
}

/// A field and all later ones of its name as one variable.
fn joined(pairs: &mut Pairs<'_>, fields: &Fields, place: usize, field: &Field<'_>) -> Result<(), TooLong> {
    let separator: &[u8] = if field.id == Name::Cookie { b"; " } else { b", " };
    let later = || fields.iter().skip(place + 1).filter(|other| is_same(other, field));
    let more: usize = later().map(|other| separator.len() + other.value.len()).sum();
    let out = open(pairs, field, field.value.len() + more)?;
    out.extend_from_slice(field.value);
    for other in later() {
        out.extend_from_slice(separator);
        out.extend_from_slice(other.value);
    }
    Ok(())
}

/// Begins the variable of a field, whose value of this length is to be appended.
fn open<'p>(pairs: &'p mut Pairs<'_>, field: &Field<'_>, value: usize) -> Result<&'p mut Vec<u8>, TooLong> {
    let out = pairs.open(b"HTTP_".len() + field.name.len(), value)?;
    out.extend_from_slice(b"HTTP_");
    out.extend(field.name.iter().map(|byte| in_cgi(*byte)));
    Ok(out)
}

/// Whether CGI would make one variable of both. An empty `Authorization` is as if it were not there.
fn is_same(one: &Field<'_>, other: &Field<'_>) -> bool {
    match one.id {
        Name::Other => one.name.len() == other.name.len() && one.name.eq_ignore_ascii_case(other.name),
        Name::Authorization => other.id == one.id && !one.value.is_empty(),
        id => id == other.id,
    }
}

/// Names that the product knows are plain.
fn is_plain(field: &Field<'_>) -> bool {
    field.id != Name::Other || field.name.iter().all(|byte| in_cgi(*byte) != 0)
}

/// What CGI makes of each byte of a name; 0 of one that no plain name has.
const IN_CGI: [u8; 256] = {
    let mut table = [0; 256];
    let (mut rest, mut byte): (&mut [u8], u8) = (&mut table, 0);
    while let Some((place, behind)) = rest.split_first_mut() {
        *place = match byte {
            b'-' => b'_',
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => byte.to_ascii_uppercase(),
            _ => 0,
        };
        (rest, byte) = (behind, byte.wrapping_add(1));
    }
    table
};

fn in_cgi(byte: u8) -> u8 {
    IN_CGI.get(usize::from(byte)).copied().unwrap_or_default()
}

/// Room for an address or a number in text.
struct Text([u8; 48]);

impl Text {
    const fn new() -> Self {
        Self([0; 48])
    }

    fn address(&mut self, address: IpAddr) -> &[u8] {
        self.write(|room| write!(room, "{address}"))
    }

    fn number(&mut self, number: u64) -> &[u8] {
        self.write(|room| write!(room, "{number}"))
    }

    fn write(&mut self, text: impl FnOnce(&mut &mut [u8]) -> std::io::Result<()>) -> &[u8] {
        let mut room = &mut self.0[..];
        let written = text(&mut room);
        let left = room.len();
        let length = self.0.len() - left;
        // The longest address has 45 bytes, the longest number 20.
        self.0.get(..length).filter(|_| written.is_ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{prop_assert, proptest};

    use super::super::{Call, Caller, Fault, Php, Scripts, Spool};
    use super::{LONGEST, check, encode};
    use crate::files::{Multisite, by_name};
    use crate::headers::Scheme;
    use crate::message::{Fields, RequestHead, Version};

    fn php(root: &str) -> Php {
        let scripts = Scripts::Named { root: root.to_owned(), multisite: Multisite::None };
        Php::new(scripts, Spool { memory: 0, total: 0, directory: "/tmp".into() })
    }

    fn call(root: &str, scheme: Scheme, head: &RequestHead) -> Call {
        let caller = Caller { address: "192.0.2.7".parse().unwrap(), scheme };
        Call { caller, script: by_name(root, head.path(), Multisite::None) }
    }

    /// The variables in their order, of names and values below 128 bytes or not.
    fn variables(mut wire: &[u8]) -> Vec<(String, String)> {
        fn length(bytes: &mut &[u8]) -> usize {
            let (first, rest) = bytes.split_first().unwrap();
            if *first < 128 {
                *bytes = rest;
                return usize::from(*first);
            }
            let (long, rest) = bytes.split_first_chunk::<4>().unwrap();
            *bytes = rest;
            (u32::from_be_bytes(*long) & 0x7fff_ffff) as usize
        }
        let mut list = Vec::new();
        while let [1, 4, 0, 1, high, low, 0, 0, rest @ ..] = wire {
            let (mut pairs, rest) = rest.split_at(usize::from(u16::from_be_bytes([*high, *low])));
            while !pairs.is_empty() {
                let (name, value) = (length(&mut pairs), length(&mut pairs));
                let (pair, behind) = pairs.split_at(name + value);
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                list.push((text(&pair[..name]), text(&pair[name..])));
                pairs = behind;
            }
            wire = rest;
        }
        assert!(wire.is_empty());
        list
    }

    fn told_over(scheme: Scheme, head: &RequestHead, length: u64) -> Vec<(String, String)> {
        let mut out = Vec::new();
        check(head).unwrap();
        encode(&mut out, &php("/srv/www"), &call("/srv/www", scheme, head), head, length).unwrap();
        variables(&out)
    }

    /// What stands for these fields; nothing where PHP is told nothing.
    fn told<const N: usize>(fields: [(&str, &str); N]) -> Vec<String> {
        let head = RequestHead::build("GET", "/", Fields::from(fields));
        let told = told_over(Scheme::Http, &head, 0);
        let of_client = |name: &str| name.starts_with("HTTP_") || name.starts_with("CONTENT_");
        told.iter()
            .filter(|(name, _)| of_client(name))
            .map(|(name, value)| format!("{name}={value}"))
            .collect()
    }

    #[test]
    fn a_request_is_told_whole() {
        let fields = Fields::from([
            ("Host", "a.test:8080"),
            ("authorization", "Bearer abc"),
            ("Content-Type", "application/json"),
            ("Content-Length", "7"),
            ("X-WP-Nonce", "n"),
        ]);
        let head = RequestHead::build("POST", "/index.php/wp-json/a%20b?context=edit&x=%26", fields);
        let told = told_over(Scheme::Http, &head, 25);
        let lines: Vec<_> = told.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let software = format!("SERVER_SOFTWARE=header-doctor/{}", env!("CARGO_PKG_VERSION"));
        assert_eq!(
            lines,
            [
                "GATEWAY_INTERFACE=CGI/1.1",
                &software,
                "REDIRECT_STATUS=200",
                "DOCUMENT_ROOT=/srv/www",
                "SCRIPT_FILENAME=/srv/www/index.php",
                "SCRIPT_NAME=/index.php",
                "PATH_INFO=/wp-json/a b",
                "REQUEST_METHOD=POST",
                "REQUEST_URI=/index.php/wp-json/a%20b?context=edit&x=%26",
                "QUERY_STRING=context=edit&x=%26",
                "SERVER_PROTOCOL=HTTP/1.1",
                "REQUEST_SCHEME=http",
                "SERVER_PORT=80",
                "SERVER_NAME=a.test",
                "REMOTE_ADDR=192.0.2.7",
                "CONTENT_LENGTH=25",
                "CONTENT_TYPE=application/json",
                "HTTP_HOST=a.test:8080",
                "HTTP_AUTHORIZATION=Bearer abc",
                "HTTP_X_WP_NONCE=n",
            ]
        );
    }

    #[test]
    fn only_what_stands_behind_http_comes_from_the_client() {
        for (name, variable) in [
            ("Php-Value", Some("HTTP_PHP_VALUE")),
            ("PHP-ADMIN-VALUE", Some("HTTP_PHP_ADMIN_VALUE")),
            ("Https", Some("HTTP_HTTPS")),
            ("X-Authorization", Some("HTTP_X_AUTHORIZATION")),
            ("REDIRECT-HTTP-AUTHORIZATION", Some("HTTP_REDIRECT_HTTP_AUTHORIZATION")),
            ("PHP_VALUE", None),
            ("X_Forwarded_Proto", None),
            ("X.Forwarded.Proto", None),
            ("X-Forwarded_Proto", None),
            ("x!y", None),
            ("Proxy", None),
            ("proxy", None),
            ("Connection", None),
            ("Keep-Alive", None),
            ("Transfer-Encoding", None),
            ("TE", None),
            ("Upgrade", None),
            ("Expect", None),
        ] {
            let expected: Vec<_> = variable.iter().map(|variable| format!("{variable}=v")).collect();
            assert_eq!(told([(name, "v")]), expected, "{name}");
        }
    }

    #[test]
    fn a_credential_is_told_once_and_only_where_there_is_one() {
        assert_eq!(told([("Authorization", "")]), [""; 0]);
        assert_eq!(
            told([("Authorization", ""), ("authorization", "Basic a")]),
            ["HTTP_AUTHORIZATION=Basic a"]
        );
        assert_eq!(
            told([("authorization", "Basic a"), ("Authorization", "")]),
            ["HTTP_AUTHORIZATION=Basic a"]
        );
        let two = Fields::from([("Authorization", "Bearer a"), ("Authorization", "Bearer b")]);
        assert_eq!(check(&RequestHead::build("GET", "/", two)), Err(Fault::TwoCredentials));
    }

    #[test]
    fn fields_of_one_name_are_one_variable() {
        assert_eq!(
            told([("Cookie", "a=1"), ("X-A", "1"), ("cookie", "b=2")]),
            ["HTTP_COOKIE=a=1; b=2", "HTTP_X_A=1"]
        );
        assert_eq!(told([("X-A", "1"), ("x-a", "2"), ("X-a", "3")]), ["HTTP_X_A=1, 2, 3"]);
        assert_eq!(told([("X-Empty", "")]), ["HTTP_X_EMPTY="]);
        // As long, and of the same last letter.
        let twins = [("X-A", "1"), ("Y-A", "2"), ("x-a", "3"), ("y-a", "4"), ("Z-A", "5")];
        assert_eq!(told(twins), ["HTTP_X_A=1, 3", "HTTP_Y_A=2, 4", "HTTP_Z_A=5"]);
    }

    #[test]
    fn a_body_has_the_length_that_was_measured() {
        assert_eq!(told([("Content-Length", "0")]), ["CONTENT_LENGTH=0"]);
        assert_eq!(told([]), [""; 0]);
        let chunked = RequestHead::build("POST", "/", Fields::from([("Transfer-Encoding", "chunked")]));
        assert!(told_over(Scheme::Http, &chunked, 3).contains(&("CONTENT_LENGTH".into(), "3".into())));
        assert_eq!(told([("Content-Type", "a/b")]), ["CONTENT_TYPE=a/b"]);
    }

    #[test]
    fn tls_is_what_is_known_of_the_client_whatever_it_says() {
        let fields = [("Host", "a.test:443"), ("X-Forwarded-Proto", "https"), ("Https", "on")];
        let head = RequestHead::build("GET", "/", Fields::from(fields));
        let ask = |scheme| {
            let told = told_over(scheme, &head, 0);
            let of = |name: &str| told.iter().find(|(told, _)| told == name).map(|(_, value)| value.clone());
            (of("HTTPS"), of("SERVER_PORT").unwrap(), of("SERVER_NAME").unwrap())
        };
        assert_eq!(ask(Scheme::Http), (None, "80".into(), "a.test".into()));
        assert_eq!(ask(Scheme::Https), (Some("on".into()), "443".into(), "a.test".into()));
    }

    #[test]
    fn versions_are_told_as_they_are() {
        assert_eq!(super::protocol(Version::Http2), b"HTTP/2.0");
        let mut out = Vec::new();
        let head = RequestHead::build("GET", "/wp-login.php", Fields::new());
        encode(&mut out, &php(""), &call("", Scheme::Http, &head), &head, 0).unwrap();
        let told = variables(&out);
        assert!(told.contains(&("SCRIPT_FILENAME".into(), "/wp-login.php".into())));
        assert!(told.contains(&("DOCUMENT_ROOT".into(), "/".into())));
    }

    #[test]
    fn what_fits_into_no_record_is_refused_before_anything_is_sent() {
        let with = |length: usize| {
            let fields = Fields::from([("X-A", &*"a".repeat(length))]);
            RequestHead::build("GET", "/", fields)
        };
        assert_eq!(check(&with(LONGEST - 3)), Ok(()));
        assert_eq!(check(&with(LONGEST - 2)), Err(Fault::FieldTooLong));
        let long = RequestHead::build("GET", &format!("/{}", "a".repeat(LONGEST)), Fields::new());
        assert_eq!(check(&long), Err(Fault::FieldTooLong));
        // Two that fit, and are one variable.
        let half = "a".repeat(40_000);
        let joined = RequestHead::build("GET", "/", Fields::from([("X-A", &*half), ("X-A", &*half)]));
        let mut out = Vec::new();
        let outcome = encode(&mut out, &php("/srv"), &call("/srv", Scheme::Http, &joined), &joined, 0);
        assert_eq!(outcome, Err(Fault::FieldTooLong));
    }

    proptest! {
        #[test]
        fn no_name_is_told_twice_and_none_is_the_clients(
            fields in vec(("[A-Za-z_.-]{1,8}|(?i:authorization|cookie|proxy|php_value|https)", "[ -~]{0,30}"), 0..30)
        ) {
            let mut list = Fields::new();
            for (name, value) in &fields {
                list.append(name.as_bytes(), value.as_bytes());
            }
            let head = RequestHead::build("GET", "/?x", list);
            if check(&head).is_ok() {
                let told = told_over(Scheme::Http, &head, 0);
                let mut names: Vec<_> = told.iter().map(|(name, _)| name.clone()).collect();
                names.sort();
                let count = names.len();
                names.dedup();
                prop_assert!(names.len() == count);
                prop_assert!(!names.iter().any(|name| name == "HTTP_PROXY" || name.starts_with("PHP_") || name == "HTTPS"));
            }
        }
    }
}
