//! Who may ask.
//!
//! A browser lets any page send requests to this machine, so an address that only this machine reaches keeps nobody out: a
//! page may name it by a name of its own (DNS rebinding) and read what comes. Such a name is not served, nor a request that
//! says of itself that another page sent it. Then comes the token, where there is one.

use std::net::{IpAddr, Ipv6Addr};
use std::rc::Rc;
use std::sync::Arc;

use hyper::Method;
use hyper::header::{AUTHORIZATION, HOST, HeaderMap, HeaderName, ORIGIN};
use hyper::http::request::Parts;
use rustls::ServerConfig;

use super::reply::Trouble;
use crate::secret::AdminToken;

/// Who may ask, as the configuration has it.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// What must be shown; nothing where nothing need be.
    token: Option<AdminToken>,
    /// The names it may be asked by, beside addresses and `localhost`, in lower case.
    hosts: Rc<[String]>,
    /// What handshakes are made with; nothing for plain HTTP.
    pub(super) tls: Option<Arc<ServerConfig>>,
}

/// By what way a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// No browser comes here.
    Unix,
    /// Plain HTTP.
    Tcp,
    /// HTTP under TLS.
    Tls,
}

impl Access {
    /// These may ask.
    #[must_use]
    pub fn new(token: Option<AdminToken>, hosts: &[String], tls: Option<&ServerConfig>) -> Self {
        let tls = tls.map(|tls| {
            let mut tls = tls.clone();
            // What clients of the site may speak beside it is not spoken here.
            tls.alpn_protocols = vec![b"http/1.1".to_vec()];
            Arc::new(tls)
        });
        Self { token, hosts: hosts.into(), tls }
    }

    /// Lets a request pass, or says why not.
    pub(super) fn check(&self, request: &Parts, way: Way) -> Result<(), Trouble> {
        let fields = &request.headers;
        if way != Way::Unix && !self.is_ours(request) {
            return Err(Trouble::Host);
        }
        if !is_from_here(fields, way) {
            return Err(Trouble::Origin);
        }
        if !self.token.as_ref().is_none_or(|token| shows(fields, token)) {
            return Err(Trouble::Token);
        }
        if request.method != Method::GET && request.method != Method::HEAD {
            return Err(Trouble::Method);
        }
        Ok(())
    }

    /// Whether it was asked by a name that only whoever runs the doctor can have given it.
    fn is_ours(&self, request: &Parts) -> bool {
        let Some(host) = only(&request.headers, HOST) else { return false };
        // What is asked for beats Host (RFC 9112 §3.2.2).
        let asked = request.uri.authority().map_or(host, |authority| authority.as_str());
        [host, asked].iter().all(|name| self.names(name))
    }

    fn names(&self, authority: &str) -> bool {
        let Some(host) = host(authority) else { return false };
        let name = host.strip_suffix('.').unwrap_or(&host);
        host.parse::<IpAddr>().is_ok()
            || bracketed(&host).is_some()
            || name == "localhost"
            || name.ends_with(".localhost")
            || self.hosts.iter().any(|known| known == name)
    }
}

/// The host of an authority without its port, in lower case; nothing where it is none.
fn host(authority: &str) -> Option<String> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (authority, ""),
    };
    let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
    (is_port && !host.contains('@')).then(|| host.to_ascii_lowercase())
}

fn bracketed(host: &str) -> Option<Ipv6Addr> {
    host.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

/// Whether no page of another origin sent it, as far as a browser says so.
fn is_from_here(fields: &HeaderMap, way: Way) -> bool {
    if fields.get_all("sec-fetch-site").iter().any(|said| said == "cross-site" || said == "same-site") {
        return false;
    }
    if !fields.contains_key(ORIGIN) {
        return true;
    }
    let scheme = if way == Way::Tls { "https" } else { "http" };
    let own = only(fields, HOST).map(|host| format!("{scheme}://{host}"));
    own.is_some_and(|own| only(fields, ORIGIN).is_some_and(|origin| origin.eq_ignore_ascii_case(&own)))
}

fn shows(fields: &HeaderMap, token: &AdminToken) -> bool {
    let shown = only(fields, AUTHORIZATION).and_then(|value| value.split_once(' '));
    shown.is_some_and(|(scheme, shown)| {
        scheme.eq_ignore_ascii_case("bearer") && token.is(shown.trim_matches(' ').as_bytes())
    })
}

/// The value of a field that is there once.
fn only(fields: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = fields.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::{Access, Trouble, Way};
    use crate::secret::AdminToken;

    const TOKEN: &str = "0123456789abcdef";

    fn asked(access: &Access, way: Way, method: &str, fields: &[(&str, &str)]) -> Result<(), Trouble> {
        let mut request = Request::builder().method(method).uri("/");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        access.check(&request.body(()).unwrap().into_parts().0, way)
    }

    #[test]
    fn only_names_that_nobody_else_can_own_are_served() {
        let access = Access { hosts: ["doctor.internal".to_owned()].into(), ..Access::default() };
        let by = |host: &str| asked(&access, Way::Tcp, "GET", &[("host", host)]);
        for host in [
            "127.0.0.1",
            "10.0.0.1:9900",
            "[::1]:9900",
            "[fd00::1]",
            "localhost",
            "LOCALHOST:1",
            "localhost.:9900",
            "a.localhost",
            "doctor.internal:9900",
            "Doctor.Internal.",
        ] {
            assert_eq!(by(host), Ok(()), "{host}");
        }
        for host in [
            "",
            "evil.test",
            "localhost.evil.test",
            "127.0.0.1.evil.test",
            "xlocalhost",
            "a.doctor.internal",
            "[::1",
            "localhost@evil.test",
            "localhost:a",
            "::1",
            "[evil]",
        ] {
            assert_eq!(by(host), Err(Trouble::Host), "{host}");
        }
        assert_eq!(asked(&access, Way::Tcp, "GET", &[]), Err(Trouble::Host));
        let twice = [("host", "localhost"), ("host", "localhost")];
        assert_eq!(asked(&access, Way::Tcp, "GET", &twice), Err(Trouble::Host));
        assert_eq!(asked(&access, Way::Unix, "GET", &[("host", "evil.test")]), Ok(()));
    }

    #[test]
    fn a_page_of_another_origin_is_refused() {
        let access = Access::default();
        let from = |way, name: &str, value: &str| {
            asked(&access, way, "GET", &[("host", "localhost:9900"), (name, value)])
        };
        for (way, origin, expected) in [
            (Way::Tcp, "http://localhost:9900", Ok(())),
            (Way::Tls, "https://localhost:9900", Ok(())),
            (Way::Tls, "http://localhost:9900", Err(Trouble::Origin)),
            (Way::Tcp, "http://localhost:3000", Err(Trouble::Origin)),
            (Way::Tcp, "http://localhost", Err(Trouble::Origin)),
            (Way::Tcp, "null", Err(Trouble::Origin)),
            (Way::Unix, "https://evil.test", Err(Trouble::Origin)),
        ] {
            assert_eq!(from(way, "origin", origin), expected, "{origin}");
        }
        // A page on another port of this machine is of the same site, and of another origin.
        for site in ["cross-site", "same-site"] {
            assert_eq!(from(Way::Tcp, "sec-fetch-site", site), Err(Trouble::Origin), "{site}");
        }
        for site in ["same-origin", "none"] {
            assert_eq!(from(Way::Tcp, "sec-fetch-site", site), Ok(()), "{site}");
        }
    }

    #[test]
    fn the_token_is_shown_as_a_bearer_and_only_reading_is_allowed() {
        let access = Access { token: AdminToken::read(TOKEN).ok(), ..Access::default() };
        let shown =
            |value: &str| asked(&access, Way::Tcp, "GET", &[("host", "localhost"), ("authorization", value)]);
        for value in [format!("Bearer {TOKEN}"), format!("bearer  {TOKEN} ")] {
            assert_eq!(shown(&value), Ok(()), "{value}");
        }
        for value in ["", TOKEN, "Bearer", "Bearer ", "Basic 0123456789abcdef", "Bearer 0123456789abcdeF"] {
            assert_eq!(shown(value), Err(Trouble::Token), "{value}");
        }
        let post = |access: &Access| asked(access, Way::Tcp, "POST", &[("host", "localhost")]);
        assert_eq!(post(&access), Err(Trouble::Token));
        assert_eq!(post(&Access::default()), Err(Trouble::Method));
        assert_eq!(asked(&Access::default(), Way::Tcp, "HEAD", &[("host", "localhost")]), Ok(()));
    }
}
