//! Where an upstream listens.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

/// A place that speaks HTTP/1.1 in clear. It is kept in parts: nobody builds an address by joining strings.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// A TCP port.
    Tcp {
        /// A name, an IPv4 address, or an IPv6 address without its brackets.
        host: String,
        /// Never zero.
        port: u16,
    },
    /// A Unix socket, by absolute path.
    Unix(PathBuf),
}

impl Address {
    /// The same place at one address of its name.
    #[must_use]
    pub(super) fn at(&self, ip: IpAddr) -> Self {
        match self {
            Self::Tcp { port, .. } => Self::Tcp { host: ip.to_string(), port: *port },
            Self::Unix(path) => Self::Unix(path.clone()),
        }
    }

    /// What stands for it in a Host field.
    #[must_use]
    pub fn authority(&self) -> String {
        match self {
            Self::Tcp { host, port } if host.contains(':') => format!("[{host}]:{port}"),
            Self::Tcp { host, port } => format!("{host}:{port}"),
            Self::Unix(_) => "localhost".to_owned(),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { .. } => write!(f, "http://{}", self.authority()),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}
