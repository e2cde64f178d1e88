//! The host of an authority, as it is compared: routing, seals and PHP's `SERVER_NAME` must not disagree on what a port is.

/// `authority`, as `Host` has it, without its port (RFC 9110 §7.2, RFC 3986 §3.2) and without the final dot of a full name.
#[must_use]
pub fn host_of(authority: &[u8]) -> &[u8] {
    let bracket = memchr::memrchr(b']', authority);
    let colon =
        memchr::memrchr(b':', authority).filter(|colon| bracket.is_none_or(|bracket| bracket < *colon));
    let name = colon.and_then(|colon| authority.get(..colon)).unwrap_or(authority);
    name.strip_suffix(b".").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::host_of;

    #[test]
    fn a_host_has_no_port_and_no_final_dot() {
        for (authority, host) in [
            ("a.test", "a.test"),
            ("a.test:80", "a.test"),
            ("a.test.:80", "a.test"),
            ("[::1]:80", "[::1]"),
            ("[::1]", "[::1]"),
            ("", ""),
        ] {
            assert_eq!(host_of(authority.as_bytes()), host.as_bytes());
        }
    }
}
