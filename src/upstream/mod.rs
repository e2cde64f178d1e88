//! How WordPress is reached. Gives timing, reuse and failures back as data and knows nothing of events.

mod address;
mod connection;
mod dns;
mod endpoint;
pub mod fastcgi;
mod fault;
mod group;
mod health;
mod http;
mod http2;
mod meter;
mod names;
mod own_files;
mod pending;
mod pool;
mod registry;
mod send;
mod state;
mod tls;

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

pub use address::Address;
pub use dns::SystemNames;
pub use fastcgi::{Bounds, Caller, Complaint, Php, Scripts, Spool, Standing, held_bytes};
pub use fault::{Distrust, TlsFault};
pub use group::{Failed, Group, Route};
pub use meter::{BOUNDS, Measured};
pub use names::{Found, Lookup, Resolve as Resolver};
pub use pending::Pending;
pub use registry::{Known, Registry};
pub use tls::{Authorities, BadAuthorities, BadTerms, Offer, Terms, Tls, Trust};

use rustix::io::Errno;

use crate::http1::BadReply;
use crate::message::{Broken, Status};
use endpoint::Endpoint;
use fastcgi::{Fault, Gate};
use meter::Metered;
use pool::Pool;

/// What becomes of a name with several addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resolve {
    /// It is one upstream: the first address that can be connected to serves.
    #[default]
    First,
    /// Every address is an upstream of its own.
    All,
}

/// A place to send requests to, and how long to wait for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where it listens.
    pub address: Address,
    /// What TLS asks of it; nothing for an upstream that is spoken to in clear. Only TCP is spoken TLS over.
    pub tls: Option<Tls>,
    /// What is asked of PHP-FPM; nothing for an upstream that speaks HTTP.
    pub php: Option<Php>,
    /// What it is told as `Host`, with a port where that is not the scheme's own; nothing leaves what the client said.
    pub host: Option<String>,
    /// What its name stands for, where it has one that is looked up.
    pub resolve: Resolve,
    /// For the connection to be there.
    pub connect_timeout: Duration,
    /// From the end of the request to the first byte of the reply.
    pub response_timeout: Duration,
    /// Between two reads of a reply's body, and for the upstream to take more of what is sent to it. After a switch of
    /// protocols only the latter.
    pub idle_timeout: Duration,
    /// The largest head a reply may have, in bytes.
    pub header_bytes: usize,
}

impl Settings {
    /// What stands for it where URLs are compared: always with a port.
    #[must_use]
    pub fn authority(&self) -> String {
        let has_port = |host: &str| host.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
        match &self.host {
            Some(host) if has_port(host) => host.clone(),
            Some(host) => format!("{host}:{}", if self.tls.is_some() { 443 } else { 80 }),
            None => self.address.authority(),
        }
    }

    /// The URL of it at this address, which may be one of those that its name stands for.
    fn url_of(&self, address: &Address) -> String {
        match (&self.tls, address) {
            (_, Address::Tcp { .. }) if self.php.is_some() => format!("fastcgi://{}", address.authority()),
            (_, Address::Unix(path)) if self.php.is_some() => format!("fastcgi+unix:{}", path.display()),
            (Some(_), Address::Tcp { .. }) => format!("https://{}", address.authority()),
            _ => address.to_string(),
        }
    }
}

/// Its URL, as an operator writes it.
impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url_of(&self.address))
    }
}

/// A place to send requests to, with the connections this worker holds to it.
pub struct Upstream {
    settings: Rc<Settings>,
    endpoint: Endpoint,
    pool: Rc<Pool>,
    http2: Rc<http2::Connections>,
    /// Those to PHP; nothing where HTTP is spoken.
    kept: Option<Rc<fastcgi::Kept>>,
    /// What is counted of it.
    metered: Rc<Metered>,
}

impl Upstream {
    /// An upstream without connections yet, at an address that needs no lookup: a name has no address here. Must be
    /// made inside the worker that uses it.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let endpoint = Endpoint::of(&settings.address).unwrap_or_else(|| Endpoint::tcp(&[], 0));
        let gate = settings.php.as_ref().map(|php| Registry::default().gate(&"".into(), php.bounds(), 0));
        Self::at(Rc::new(settings), endpoint, gate, Rc::default())
    }

    /// The same at this place, behind this gate, counted by this meter.
    fn at(settings: Rc<Settings>, endpoint: Endpoint, gate: Option<Arc<Gate>>, metered: Rc<Metered>) -> Self {
        let pool = Rc::new(Pool::counted_by(&metered));
        tokio::task::spawn_local(pool::sweep(Rc::downgrade(&pool)));
        let http2 = Rc::new(http2::Connections::default());
        if settings.tls.as_ref().is_some_and(|tls| tls.terms().offer == Offer::Http2) {
            tokio::task::spawn_local(http2::sweep(Rc::downgrade(&http2)));
        }
        let kept = gate.map(|gate| {
            let kept = fastcgi::Kept::behind(Arc::clone(&gate), &metered);
            tokio::task::spawn_local(fastcgi::sweep(Rc::downgrade(&kept), gate));
            kept
        });
        Self { settings, endpoint, pool, http2, kept, metered }
    }

    /// Whether it is at just these addresses.
    fn is_at(&self, found: &[IpAddr]) -> bool {
        self.endpoint.is_at(found)
    }
}

/// Why there is no reply to pass on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The name has no address.
    #[error("the upstream's name cannot be resolved")]
    Resolve,
    /// No connection.
    #[error("the upstream cannot be connected to: {0}")]
    Connect(io::ErrorKind),
    /// No connection, for want of a file descriptor of our own.
    #[error("the doctor has no file descriptor left to connect to the upstream with (ulimit -n)")]
    NoDescriptor,
    /// No connection in time.
    #[error("the upstream did not accept a connection within {0:?}")]
    ConnectTimeout(Duration),
    /// The certificate it showed is not trusted.
    #[error("the upstream's certificate is not trusted: {0}")]
    Certificate(Distrust),
    /// TLS could not be agreed on.
    #[error("the upstream {0}")]
    Tls(TlsFault),
    /// The connection ended before a reply began.
    #[error("the upstream closed the connection without a reply")]
    Closed,
    /// The connection was kept from an exchange before and ended as it was used again: the upstream closed it just
    /// then, which says nothing against the next connection.
    #[error("the upstream closed a connection it had kept open as the request went out over it")]
    KeptClosed,
    /// The connection ended within the reply's head.
    #[error("the upstream closed the connection within the head of its reply")]
    HeadTruncated,
    /// The connection broke before a reply was there.
    #[error("the connection to the upstream failed: {0}")]
    Connection(io::ErrorKind),
    /// What came is no reply.
    #[error("the upstream's reply is malformed: {0}")]
    Malformed(#[from] BadReply),
    /// Nothing came in time.
    #[error("the upstream sent no reply within {0:?}")]
    ResponseTimeout(Duration),
    /// PHP gave none, or was not asked for one.
    #[error("{0}")]
    Php(#[from] Fault),
    /// The client's side broke: its body could not be read to the end.
    #[error("the request's body could not be forwarded: {0}")]
    RequestBody(#[source] Broken),
}

impl Error {
    /// The status of the reply that tells the client.
    #[must_use]
    pub fn status(&self) -> Status {
        let code = match self {
            Self::Php(fault) => fault.status(),
            Self::NoDescriptor => 503,
            Self::ConnectTimeout(_) | Self::ResponseTimeout(_) | Self::Tls(TlsFault::Stalled(_)) => 504,
            Self::RequestBody(Broken::TimedOut) => 408,
            Self::RequestBody(Broken::TooLarge(_)) => 413,
            Self::RequestBody(_) => 400,
            _ => 502,
        };
        Status::new(code).unwrap_or(Status::BAD_GATEWAY)
    }

    /// The stable code of the reply's JSON body and of the event.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Php(fault) => fault.code(),
            Self::Resolve => "header_doctor_upstream_name",
            Self::Connect(_) => "header_doctor_upstream_unreachable",
            Self::NoDescriptor => "header_doctor_out_of_file_descriptors",
            Self::ConnectTimeout(_) => "header_doctor_upstream_connect_timeout",
            Self::Certificate(_) => "header_doctor_upstream_certificate",
            Self::Tls(_) => "header_doctor_upstream_tls",
            Self::Closed | Self::KeptClosed => "header_doctor_upstream_closed",
            Self::HeadTruncated => "header_doctor_upstream_truncated",
            Self::Connection(_) => "header_doctor_upstream_connection",
            Self::Malformed(_) => "header_doctor_upstream_malformed",
            Self::ResponseTimeout(_) => "header_doctor_upstream_timeout",
            Self::RequestBody(Broken::TimedOut) => "header_doctor_body_too_slow",
            Self::RequestBody(Broken::TooLarge(_)) => "header_doctor_body_too_large",
            Self::RequestBody(Broken::Malformed(_)) => "header_doctor_body_malformed",
            Self::RequestBody(_) => "header_doctor_body_cut_off",
        }
    }

    /// What a failure to connect says, and of whom.
    fn of_connect(error: &io::Error) -> Self {
        const OUR_LIMIT: i32 = Errno::MFILE.raw_os_error();
        const THE_SYSTEMS: i32 = Errno::NFILE.raw_os_error();
        match error.raw_os_error() {
            Some(OUR_LIMIT | THE_SYSTEMS) => Self::NoDescriptor,
            _ => Self::Connect(error.kind()),
        }
    }

    /// Whether the doctor itself failed.
    #[must_use]
    pub const fn is_own(&self) -> bool {
        match self {
            Self::Php(fault) => fault.is_own(),
            error => matches!(error, Self::NoDescriptor),
        }
    }

    /// Whether it says something against the upstream's next exchange.
    const fn blames_upstream(&self) -> bool {
        match self {
            Self::KeptClosed | Self::Php(Fault::KeptClosed) => false,
            Self::Php(fault) if fault.is_waiting() => false,
            error => !error.is_clients() && !error.is_own(),
        }
    }

    /// Whether the connection ended when a reply was due and not a byte of one had come.
    const fn came_before_reply(&self) -> bool {
        matches!(
            self,
            Self::Closed
                | Self::KeptClosed
                | Self::Connection(_)
                | Self::Tls(TlsFault::Ended)
                | Self::Php(Fault::Closed | Fault::KeptClosed)
        )
    }

    /// Whether no reply had come, or none in time.
    const fn left_no_reply(&self) -> bool {
        self.came_before_reply() || matches!(self, Self::ResponseTimeout(_))
    }

    /// Whether the client's side broke, not the upstream's.
    #[must_use]
    pub const fn is_clients(&self) -> bool {
        match self {
            Self::Php(fault) => fault.is_clients(),
            error => matches!(error, Self::RequestBody(_)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::pki_types::ServerName;

    use super::{Address, Offer, Resolve, Settings, Terms, Tls, Trust};

    fn settings(host: Option<&str>, is_secure: bool) -> Settings {
        let name = ServerName::try_from("a.test").unwrap();
        let terms = Terms { name, trust: Trust::Anybody, offer: Offer::Http1 };
        Settings {
            address: Address::Tcp { host: "10.0.0.7".to_owned(), port: 8443 },
            tls: is_secure.then(|| Tls::new(terms).unwrap()),
            php: None,
            host: host.map(ToOwned::to_owned),
            resolve: Resolve::First,
            connect_timeout: Duration::ZERO,
            response_timeout: Duration::ZERO,
            idle_timeout: Duration::ZERO,
            header_bytes: 0,
        }
    }

    #[test]
    fn an_upstream_is_compared_by_the_host_it_is_told() {
        for (host, is_secure, authority) in [
            (None, true, "10.0.0.7:8443"),
            (Some("a.test"), true, "a.test:443"),
            (Some("a.test"), false, "a.test:80"),
            (Some("a.test:8080"), true, "a.test:8080"),
            (Some("[::1]"), true, "[::1]:443"),
            (Some("[::1]:8080"), true, "[::1]:8080"),
        ] {
            assert_eq!(settings(host, is_secure).authority(), authority);
        }
    }

    #[test]
    fn an_upstream_is_shown_as_it_is_written() {
        assert_eq!(settings(None, true).to_string(), "https://10.0.0.7:8443");
        assert_eq!(settings(Some("a.test"), false).to_string(), "http://10.0.0.7:8443");
    }
}
