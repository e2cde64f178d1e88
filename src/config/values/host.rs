//! A host as a request names it, and as `hosts` of a site lists it.

use super::address::{HOST, is_host};
use crate::config::error::Refused;
use crate::config::reading::Leaf;
use serde_json::{Value, json};
use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// One name: in lower case, without a port or a final dot; an IPv6 address in its brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host(pub(crate) String);

impl FromStr for Host {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        if text.contains('*') {
            let right = "write exact names, or leave `hosts` out to answer for any host";
            return Err(Refused::new("is a pattern, which is not in this version", right));
        }
        if text.contains("://") || text.contains('/') {
            return Err(Refused::new(
                "is a URL, not a host",
                "write the name alone, such as api.example.com",
            ));
        }
        if let Some(ip) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let ip: Ipv6Addr = ip.parse().map_err(|_| not_a_host())?;
            return Ok(Self(format!("[{ip}]")));
        }
        if text.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit())) {
            return Err(Refused::new("has a port", "leave it out: a site answers on every listener"));
        }
        if !is_host(text) {
            return Err(not_a_host());
        }
        Ok(Self(text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase()))
    }
}

fn not_a_host() -> Refused {
    Refused::new("is not a host name", "write one such as api.example.com (other alphabets as xn--…)")
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Leaf for Host {
    fn schema() -> Vec<Value> {
        vec![json!({ "type": "string", "pattern": format!("^{HOST}$"), "examples": ["api.example.com"] })]
    }
}

#[cfg(test)]
mod tests {
    use super::Host;
    use proptest::prelude::{any, proptest};

    fn read(text: &str) -> String {
        text.parse::<Host>().map_or_else(|refused| refused.to_string(), |host| host.0)
    }

    #[test]
    fn a_name_is_kept_as_requests_are_compared() {
        assert_eq!(read("API.Example.com."), "api.example.com");
        assert_eq!(read("[2001:DB8::0]"), "[2001:db8::]");
        assert_eq!(read("127.0.0.1"), "127.0.0.1");
    }

    #[test]
    fn what_is_not_a_name_is_refused_by_name() {
        for (text, wrong) in [
            ("*.example.com", "is a pattern, which is not in this version;"),
            ("https://api.example.com", "is a URL, not a host;"),
            ("api.example.com:8080", "has a port;"),
            ("bücher.example", "is not a host name;"),
            ("", "is not a host name;"),
            ("[::g]", "is not a host name;"),
        ] {
            assert!(read(text).starts_with(wrong), "{text}: {}", read(text));
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>()) {
            drop(text.parse::<Host>());
        }
    }
}
