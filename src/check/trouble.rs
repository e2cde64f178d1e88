//! Why there is no reply, in words for somebody who runs a site and not a proxy.

use std::io::ErrorKind;
use std::time::Duration;

use crate::upstream::{BadTerms, Distrust, Error, TlsFault};

/// Why there is no reply. Ends a sentence whose subject is the place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The name has no address.
    #[error("has no address: {0}")]
    Unknown(String),
    /// Nobody listens.
    #[error("refuses connections: nothing listens on that port")]
    Refused,
    /// No way there.
    #[error("cannot be reached: {0}")]
    Unreachable(ErrorKind),
    /// Connections are not accepted in time.
    #[error("does not accept a connection within {0:?}: it is down, or a firewall drops what is sent to it")]
    NoConnection(Duration),
    /// It says nothing.
    #[error("accepts connections and does not answer within {0:?}: it hangs")]
    Silent(Duration),
    /// The certificate is not trusted.
    #[error("shows a certificate that browsers refuse: {0}")]
    Certificate(&'static str),
    /// TLS could not be agreed on.
    #[error("{0}")]
    Tls(TlsFault),
    /// It closed the connection.
    #[error("closes the connection without a reply")]
    Closed,
    /// It began a reply and went silent.
    #[error("begins a reply and does not end it within {0:?}: it hangs")]
    Unended(Duration),
    /// It began a reply and left.
    #[error("breaks off in the middle of a reply")]
    BrokenOff,
    /// What came is no reply.
    #[error("sends what is no HTTP: {0}")]
    NoHttp(String),
    /// TLS cannot be spoken here.
    #[error("cannot be spoken to over TLS: {0}")]
    Terms(BadTerms),
    /// Credentials go to named places only.
    #[error("was not named on the command line, and credentials go nowhere else")]
    NotNamed,
    /// Another failure.
    #[error("cannot be asked: {0}")]
    Other(String),
}

impl Trouble {
    /// What the client says, in our words.
    #[must_use]
    pub fn of(error: Error) -> Self {
        match error {
            Error::Resolve => Self::Unknown("it has no address".to_owned()),
            Error::Connect(ErrorKind::ConnectionRefused) => Self::Refused,
            Error::Connect(kind) => Self::Unreachable(kind),
            Error::ConnectTimeout(after) => Self::NoConnection(after),
            Error::ResponseTimeout(after) => Self::Silent(after),
            Error::Certificate(distrust) => Self::Certificate(certificate(distrust)),
            Error::Tls(fault) => Self::Tls(fault),
            Error::Closed | Error::KeptClosed | Error::HeadTruncated | Error::Connection(_) => Self::Closed,
            Error::Malformed(bad) => Self::NoHttp(bad.to_string()),
            other => Self::Other(other.to_string()),
        }
    }

    /// Whether a connection came to be, and the reply alone went wrong.
    #[must_use]
    pub const fn is_of_a_reply(&self) -> bool {
        matches!(self, Self::Silent(_) | Self::Unended(_) | Self::Closed | Self::BrokenOff | Self::NoHttp(_))
    }

    /// A stable word for JSON.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "name-not-resolved",
            Self::Refused => "connection-refused",
            Self::Unreachable(_) => "unreachable",
            Self::NoConnection(_) => "connection-timeout",
            Self::Silent(_) | Self::Unended(_) => "reply-timeout",
            Self::Certificate(_) => "certificate-not-trusted",
            Self::Tls(_) | Self::Terms(_) => "no-tls",
            Self::Closed | Self::BrokenOff => "connection-closed",
            Self::NoHttp(_) => "no-http",
            Self::NotNamed => "not-named",
            Self::Other(_) => "other",
        }
    }
}

const fn certificate(distrust: Distrust) -> &'static str {
    match distrust {
        Distrust::WrongName => "it is for another name",
        Distrust::UnknownIssuer => "nobody known has signed it",
        Distrust::SelfSigned => "it vouches for itself",
        Distrust::Expired => "it has expired",
        Distrust::NotYetValid => "it is not valid yet, or the clock here is behind",
        Distrust::Revoked => "it has been revoked",
        Distrust::Unfit => "it is malformed, or not one for a server",
    }
}
