//! Field names that the product asks for, recognised once when a head is read.
//!
//! Every later look-up is then a comparison of two bytes, not of two strings; the spelling that came is kept
//! beside it, because how a name was spelled is evidence (mod_php's `getallheaders()` depends on it).

/// Declares the known names by length, so that recognising one compares it with a handful at most.
macro_rules! names {
    ($($length:literal: $($name:ident $text:literal),+;)+) => {
        /// A field name the product knows; [`Name::Other`] is every other one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Name {
            $($(#[doc = concat!("`", $text, "`")] $name,)+)+
            /// A name nothing in the product asks for.
            Other,
        }

        impl Name {
            /// Recognises a name whatever its spelling (RFC 9110 §5.1: names are case-insensitive).
            #[must_use]
            pub fn of(text: &[u8]) -> Self {
                match text.len() {
                    $($length => {
                        // The usual spelling is recognised in a few comparisons of words.
                        $(if text == $text.as_bytes() { return Self::$name; })+
                        $(if text.eq_ignore_ascii_case($text.as_bytes()) { return Self::$name; })+
                        Self::Other
                    })+
                    _ => Self::Other,
                }
            }

            /// The canonical spelling; empty for [`Name::Other`].
            #[must_use]
            pub const fn canonical(self) -> &'static str {
                match self {
                    $($(Self::$name => $text,)+)+
                    Self::Other => "",
                }
            }

            #[cfg(test)]
            const ALL: &'static [(usize, Self)] = &[$($(($length, Self::$name),)+)+];
        }
    };
}

names! {
    2: Te "TE";
    3: Age "Age", Via "Via";
    4: Date "Date", Host "Host", Link "Link", Vary "Vary";
    5: Proxy "Proxy";
    6: Accept "Accept", Cookie "Cookie", Expect "Expect", Origin "Origin", Server "Server";
    7: Trailer "Trailer", Upgrade "Upgrade", XCache "X-Cache";
    8: Location "Location";
    9: ClientIp "Client-IP", Forwarded "Forwarded", XRealIp "X-Real-IP", XVarnish "X-Varnish";
    10: Connection "Connection", KeepAlive "Keep-Alive", SetCookie "Set-Cookie", Tracestate "tracestate", UserAgent "User-Agent", XWpNonce "X-WP-Nonce";
    11: RetryAfter "Retry-After", Traceparent "traceparent", XClientIp "X-Client-IP", XForwarded "X-Forwarded";
    12: ContentType "Content-Type", XPoweredBy "X-Powered-By", XRequestId "X-Request-Id";
    13: Authorization "Authorization", CacheControl "Cache-Control", ForwardedFor "Forwarded-For";
    14: ContentLength "Content-Length", Http2Settings "HTTP2-Settings", SecFetchMode "Sec-Fetch-Mode", SecFetchSite "Sec-Fetch-Site";
    15: FrontEndHttps "Front-End-Https", XForwardedFor "X-Forwarded-For", XForwardedSsl "X-Forwarded-Ssl";
    16: ContentEncoding "Content-Encoding", ProxyConnection "Proxy-Connection", WwwAuthenticate "WWW-Authenticate", XForwardedHost "X-Forwarded-Host", XForwardedPort "X-Forwarded-Port";
    17: HeaderDoctorAsk "Header-Doctor-Ask", TransferEncoding "Transfer-Encoding", XForwardedProto "X-Forwarded-Proto";
    18: XForwardedPrefix "X-Forwarded-Prefix", XForwardedScheme "X-Forwarded-Scheme", XForwardedServer "X-Forwarded-Server";
    19: XClusterClientIp "X-Cluster-Client-IP", ProxyAuthorization "Proxy-Authorization", HeaderDoctorTrail "Header-Doctor-Trail";
    20: HeaderDoctorAnswer "Header-Doctor-Answer", XForwardedProtocol "X-Forwarded-Protocol", HeaderDoctorReport "Header-Doctor-Report";
    22: AccessControlMaxAge "Access-Control-Max-Age";
    27: AccessControlAllowOrigin "Access-Control-Allow-Origin";
    28: AccessControlAllowHeaders "Access-Control-Allow-Headers", AccessControlAllowMethods "Access-Control-Allow-Methods";
    29: AccessControlRequestMethod "Access-Control-Request-Method", AccessControlExposeHeaders "Access-Control-Expose-Headers";
    30: AccessControlRequestHeaders "Access-Control-Request-Headers";
    32: AccessControlAllowCredentials "Access-Control-Allow-Credentials";
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn every_name_stands_under_its_own_length() {
        for (length, name) in Name::ALL {
            assert_eq!(name.canonical().len(), *length, "{name:?}");
            assert_eq!(Name::of(name.canonical().as_bytes()), *name);
            assert!(name.canonical().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
        }
    }

    #[test]
    fn spelling_does_not_matter() {
        assert_eq!(Name::of(b"aUTHORIZATION"), Name::Authorization);
        assert_eq!(Name::of(b"X-Authorization"), Name::Other);
        assert_eq!(Name::of(b""), Name::Other);
    }
}
