//! Where an upstream listens, as an operator writes it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// A place that speaks HTTP/1.1 in clear.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// A host name or IP address and a port.
    Tcp {
        /// The host, without the brackets of an IPv6 address.
        host: String,
        /// The port.
        port: u16,
    },
    /// A unix socket.
    Unix(PathBuf),
}

/// Why a text is no upstream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the words stand beside the names")]
pub enum BadAddress {
    #[error("\"{0}\" is not an upstream; write http://HOST:PORT, HOST:PORT or unix:/PATH")]
    Form(String),
    #[error("\"{0}\" has no port between 1 and 65535; write http://HOST:PORT")]
    Port(String),
    #[error("\"{0}\" has a path or query; an upstream is a place only: requests keep their own path")]
    Path(String),
    #[error(
        "an upstream's URL holds a user name or password; remove it: the client's Authorization is what is forwarded"
    )]
    UserInfo,
    #[error("\"{0}\": https upstreams are not in this version; write http://HOST:PORT")]
    Https(String),
    #[error(
        "\"{0}\": FastCGI upstreams are not in this version; put a web server in between or write http://HOST:PORT"
    )]
    FastCgi(String),
}

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            return if path.is_absolute() {
                Ok(Self::Unix(path))
            } else {
                Err(BadAddress::Form(text.to_owned()))
            };
        }
        let authority = match text.split_once("://") {
            None => text,
            Some(("http", rest)) => rest.strip_suffix('/').unwrap_or(rest),
            Some(("https", _)) => return Err(BadAddress::Https(text.to_owned())),
            Some(("fastcgi" | "fastcgi+unix", _)) => return Err(BadAddress::FastCgi(text.to_owned())),
            Some(_) => return Err(BadAddress::Form(text.to_owned())),
        };
        Self::from_authority(authority, text)
    }
}

impl Address {
    fn from_authority(authority: &str, text: &str) -> Result<Self, BadAddress> {
        if authority.contains('@') {
            return Err(BadAddress::UserInfo);
        }
        if authority.contains(['/', '?', '#']) {
            return Err(BadAddress::Path(text.to_owned()));
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().unwrap_or(0)),
            _ if text.contains("://") => (authority, 80),
            _ => return Err(BadAddress::Port(text.to_owned())),
        };
        if port == 0 {
            return Err(BadAddress::Port(text.to_owned()));
        }
        let host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(inner) if inner.parse::<std::net::Ipv6Addr>().is_ok() => inner,
            None if is_host(host) => host,
            _ => return Err(BadAddress::Form(text.to_owned())),
        };
        Ok(Self::Tcp { host: host.to_owned(), port })
    }
}

fn is_host(host: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    !host.is_empty() && host.bytes().all(allowed)
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "http://[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "http://{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, BadAddress};

    #[test]
    fn every_form_reads_back_as_it_is_shown() {
        let cases = [
            ("http://10.0.0.7:8080", "http://10.0.0.7:8080"),
            ("10.0.0.7:8080", "http://10.0.0.7:8080"),
            ("http://wordpress", "http://wordpress:80"),
            ("http://wordpress:8080/", "http://wordpress:8080"),
            ("[::1]:80", "http://[::1]:80"),
            ("unix:/run/http.sock", "unix:/run/http.sock"),
        ];
        for (text, shown) in cases {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), shown);
            assert_eq!(shown.parse(), Ok(address));
        }
    }

    #[test]
    fn what_is_no_place_is_refused_with_words() {
        let form = |text: &str| BadAddress::Form(text.to_owned());
        let cases = [
            ("htp://x", form("htp://x")),
            ("unix:run/x", form("unix:run/x")),
            ("http://:80", form("http://:80")),
            ("http://a b:80", form("http://a b:80")),
            ("http://[::g]:80", form("http://[::g]:80")),
            ("wordpress", BadAddress::Port("wordpress".to_owned())),
            ("a:0", BadAddress::Port("a:0".to_owned())),
            ("a:65536", BadAddress::Port("a:65536".to_owned())),
            ("http://a:80/x", BadAddress::Path("http://a:80/x".to_owned())),
            ("http://u:p@a:80", BadAddress::UserInfo),
            ("https://a:443", BadAddress::Https("https://a:443".to_owned())),
            ("fastcgi://a:9000", BadAddress::FastCgi("fastcgi://a:9000".to_owned())),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<Address>(), Err(error));
        }
    }
}
