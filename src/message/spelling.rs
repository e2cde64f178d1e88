//! How HTTP/1.1 usually spells a name that came from HTTP/2 in lower case (RFC 9113 §8.2.1).
//!
//! To the standards the spelling says nothing; to mod_php's `getallheaders()`, and to whoever looks a name up in it, it
//! does.

use super::name::Name;

/// Names that neither the product knows nor a capital at each hyphen gives.
const SPECIAL: [&str; 10] = [
    "Content-MD5",
    "DNT",
    "ETag",
    "Sec-GPC",
    "SOAPAction",
    "X-CSRF-Token",
    "X-HTTP-Method-Override",
    "X-WP-Total",
    "X-WP-TotalPages",
    "X-XSRF-TOKEN",
];

/// Puts the usual spelling of `name` into `out`: `x-wp-nonce` becomes `X-WP-Nonce`, `x-my-own` becomes `X-My-Own`.
pub fn spell(out: &mut Vec<u8>, name: &str) {
    out.clear();
    let known = Name::of(name.as_bytes());
    if known != Name::Other {
        return out.extend_from_slice(known.canonical().as_bytes());
    }
    if let Some(special) = SPECIAL.iter().find(|special| special.eq_ignore_ascii_case(name)) {
        return out.extend_from_slice(special.as_bytes());
    }
    let mut begins = true;
    for byte in name.bytes() {
        out.push(if begins { byte.to_ascii_uppercase() } else { byte });
        begins = byte == b'-';
    }
}

#[cfg(test)]
mod tests {
    use super::{SPECIAL, spell};

    #[test]
    fn names_are_spelled_as_http1_usually_spells_them() {
        let cases = [
            ("accept-language", "Accept-Language"),
            ("x", "X"),
            ("x--y", "X--Y"),
            ("sec-ch-ua", "Sec-Ch-Ua"),
            ("x_under_score", "X_under_score"),
            ("dnt", "DNT"),
            ("etag", "ETag"),
            ("www-authenticate", "WWW-Authenticate"),
            ("x-wp-nonce", "X-WP-Nonce"),
            ("x-wp-total", "X-WP-Total"),
        ];
        let mut out = Vec::new();
        for (name, expected) in cases {
            spell(&mut out, name);
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
        assert!(SPECIAL.is_sorted_by_key(|name| name.to_ascii_lowercase()));
    }
}
