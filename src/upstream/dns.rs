//! Names as the system resolves them: the hosts file, then the name servers of resolv.conf with its search domains
//! and `ndots`.
//!
//! As for the C library, the hosts file has the last word: a name that stands in it is asked for nowhere else, neither for
//! its other kind of address. So it is found where no name server answers. `localhost` alone is this machine by both kinds,
//! whatever the file says, and nobody is asked for it (RFC 6761 §6.3).
//!
//! Both files are looked at for each lookup, as the C library does, so that a change of them needs no restart. What is
//! asked for again has its answer's own lifetime, so nothing is cached here.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::system_conf::parse_resolv_conf;

use super::names::{Found, Lookup, Resolve};

/// The system's way to resolve names.
#[derive(Debug, Default)]
pub struct SystemNames(Mutex<Option<(Files, TokioResolver)>>);

/// The text of resolv.conf and of the hosts file; empty where there is none.
#[derive(Debug, PartialEq, Eq)]
struct Files {
    resolv_conf: Vec<u8>,
    hosts: Vec<u8>,
}

impl Files {
    fn read() -> Self {
        let text = |path| fs::read(path).unwrap_or_default();
        Self { resolv_conf: text("/etc/resolv.conf"), hosts: text("/etc/hosts") }
    }

    /// The addresses of a name that no name server need be asked for, in the order of the hosts file (hosts(5)).
    fn addresses(&self, host: &str) -> Vec<IpAddr> {
        let host = host.strip_suffix('.').unwrap_or(host);
        if host.eq_ignore_ascii_case("localhost") {
            return vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        }
        let text = String::from_utf8_lossy(&self.hosts);
        text.lines().filter_map(|line| address_for(line, host)).collect()
    }
}

/// The address in a line of the hosts file, when the name stands behind it.
fn address_for(line: &str, host: &str) -> Option<IpAddr> {
    let mut words = line.split('#').next()?.split_whitespace();
    let address = words.next()?.parse().ok()?;
    words.any(|name| name.eq_ignore_ascii_case(host)).then_some(address)
}

impl Resolve for SystemNames {
    fn lookup<'l>(&'l self, host: &'l str) -> Lookup<'l> {
        Box::pin(async move { self.look_up(Files::read(), host).await.map_err(|error| words(&error)) })
    }
}

impl SystemNames {
    async fn look_up(&self, files: Files, host: &str) -> Result<Found, NetError> {
        let addresses = files.addresses(host);
        if !addresses.is_empty() {
            return Ok(Found { addresses, lifetime: Duration::MAX });
        }
        look_up(&self.resolver(files)?, host).await
    }

    /// The resolver by these files: the one made before, unless they have changed.
    fn resolver(&self, files: Files) -> Result<TokioResolver, NetError> {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, resolver)) = made.as_ref().filter(|(before, _)| *before == files) {
            return Ok(resolver.clone());
        }
        let (config, options) = parse_resolv_conf(&files.resolv_conf).unwrap_or_else(|_| without_file());
        let resolver = resolver(config, options)?;
        *made = Some((files, resolver.clone()));
        Ok(resolver)
    }
}

/// Without a usable resolv.conf the name server is on this machine (resolv.conf(5)).
fn without_file() -> (ResolverConfig, ResolverOpts) {
    let here = NameServerConfig::udp_and_tcp(IpAddr::V4(Ipv4Addr::LOCALHOST));
    (ResolverConfig::from_parts(None, Vec::new(), vec![here]), ResolverOpts::default())
}

fn resolver(config: ResolverConfig, mut options: ResolverOpts) -> Result<TokioResolver, NetError> {
    options.ip_strategy = LookupIpStrategy::Ipv6AndIpv4;
    options.use_hosts_file = ResolveHosts::Never;
    options.cache_size = 0;
    options.negative_max_ttl = Some(Duration::ZERO);
    let builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    builder.with_options(options).build()
}

/// Why a name has no address, in the words of whoever has to find out.
fn words(error: &NetError) -> String {
    match error {
        error if error.is_nx_domain() => "no name server knows it".to_owned(),
        error if error.is_no_records_found() => "it has no address".to_owned(),
        NetError::Dns(DnsError::ResponseCode(code)) => format!("the name server answers: {code}"),
        NetError::Timeout => "no name server answers in time".to_owned(),
        NetError::Io(error) => format!("no name server can be reached: {}", error.kind()),
        other => other.to_string(),
    }
}

async fn look_up(resolver: &TokioResolver, host: &str) -> Result<Found, NetError> {
    let found = resolver.lookup_ip(host).await?;
    let lifetime = found.valid_until().saturating_duration_since(Instant::now());
    Ok(Found { addresses: found.iter().collect(), lifetime })
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Waker};

    use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
    use hickory_resolver::proto::rr::Name;
    use tokio::net::UdpSocket;

    use super::super::names::{Known, Lookup, Names, Resolve};
    use super::{
        Files, SystemNames, TokioResolver, look_up, parse_resolv_conf, resolver, without_file, words,
    };

    /// Resolves by one name server, with one search domain.
    struct By(TokioResolver);

    impl By {
        fn server(address: SocketAddr) -> Self {
            let mut connection = ConnectionConfig::udp();
            connection.port = address.port();
            let mut server = NameServerConfig::udp(address.ip());
            server.connections = vec![connection];
            let search = vec![Name::from_ascii("pod.test.").unwrap()];
            let mut options = ResolverOpts::default();
            options.ndots = 5;
            Self(resolver(ResolverConfig::from_parts(None, search, vec![server]), options).unwrap())
        }
    }

    impl Resolve for By {
        fn lookup<'l>(&'l self, host: &'l str) -> Lookup<'l> {
            Box::pin(async move { look_up(&self.0, host).await.map_err(|error| words(&error)) })
        }
    }

    /// A name server that knows `wordpress.pod.test`: each time at another address, for one second. It answers as in
    /// RFC 1035 §4.1: the question back, then a record whose name points to it.
    async fn name_server(socket: UdpSocket) {
        let (mut question, mut last) = ([0; 512], 0);
        loop {
            let (length, from) = socket.recv_from(&mut question).await.unwrap();
            let asked = question[..length].to_vec();
            let end = 12 + asked[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
            let (name, is_a) = (&asked[12..end - 4], asked[end - 4..end - 2] == [0, 1]);
            let knows = name == b"\x09wordpress\x03pod\x04test\x00";
            let mut reply = [&asked[..2], &[0x81, if knows { 0x80 } else { 0x83 }, 0, 1]].concat();
            reply.extend([0, u8::from(knows && is_a), 0, 0, 0, 0]);
            reply.extend(&asked[12..end]);
            if knows && is_a {
                last += 1;
                reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 10, 0, 0, last]);
            }
            socket.send_to(&reply, from).await.unwrap();
        }
    }

    async fn by_name_server() -> By {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let server = By::server(socket.local_addr().unwrap());
        tokio::spawn(name_server(socket));
        server
    }

    #[tokio::test]
    async fn a_name_is_found_by_the_search_list_and_again_when_its_lifetime_is_over() {
        let mut known = Names::new(Arc::new(by_name_server().await)).follow("wordpress");
        for last in [1, 2] {
            known.changed().await.unwrap();
            let address = IpAddr::V4(Ipv4Addr::new(10, 0, 0, last));
            assert_eq!(*known.borrow_and_update(), Known::Found([address].into()));
        }
    }

    #[tokio::test]
    async fn a_name_that_no_server_knows_is_missing() {
        let server = by_name_server().await;
        assert_eq!(server.lookup("wordpres").await, Err("no name server knows it".to_owned()));
        let mut known = Names::new(Arc::new(server)).follow("wordpres");
        known.changed().await.unwrap();
        assert_eq!(*known.borrow_and_update(), Known::Missing);
    }

    fn name_servers(resolv_conf: &str) -> usize {
        let (config, _) = parse_resolv_conf(resolv_conf).unwrap_or_else(|_| without_file());
        config.name_servers().len()
    }

    #[test]
    fn where_no_name_server_is_named_this_machine_is_asked() {
        assert_eq!(name_servers("nameserver 10.0.0.1\nnameserver 10.0.0.2\n"), 2);
        assert_eq!(["", "search a.test\n", "\0\u{ff}"].map(name_servers), [1; 3]);
    }

    /// No name server is there.
    fn with_hosts(hosts: &str) -> Files {
        Files { resolv_conf: "nameserver 127.0.0.1\n".into(), hosts: hosts.into() }
    }

    #[test]
    fn the_hosts_file_is_read_line_by_line() {
        let hosts = "# 10.0.0.1 wordpress\n\n10.0.0.2\twordpress.test  WordPress # blog\nfe80::1%eth0 wordpress\n\
                     ::2 wordpress\nwordpress\n10.0.0.3 wordpress-2\u{fffd} wordpress-2\n127.0.0.9 localhost\n";
        for (name, expected) in [
            ("localhost", &["127.0.0.1", "::1"][..]),
            ("LocalHost.", &["127.0.0.1", "::1"]),
            ("wordpress", &["10.0.0.2", "::2"]),
            ("WORDPRESS.", &["10.0.0.2", "::2"]),
            ("wordpress.test", &["10.0.0.2"]),
            ("wordpress-2", &["10.0.0.3"]),
            ("blog", &[]),
            ("10.0.0.2", &[]),
            ("", &[]),
        ] {
            let found: Vec<String> =
                with_hosts(hosts).addresses(name).iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{name}");
        }
    }

    #[tokio::test]
    async fn for_what_stands_in_the_hosts_file_no_name_server_is_waited_for() {
        let names = SystemNames::default();
        let poll = |name| {
            let looking = pin!(names.look_up(with_hosts("10.0.0.2 wordpress\n"), name));
            looking.poll(&mut Context::from_waker(Waker::noop())).map(Result::unwrap)
        };
        let Poll::Ready(found) = poll("wordpress") else { panic!("somebody is asked for it") };
        assert_eq!(found.addresses, [IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2))]);
        assert!(poll("another").is_pending());
    }

    #[tokio::test]
    async fn files_that_have_changed_are_read_anew() {
        let files = |text: &str| Files { resolv_conf: text.into(), hosts: Vec::new() };
        let names = SystemNames::default();
        let ndots = |text| names.resolver(files(text)).unwrap().options().ndots;
        assert_eq!(ndots("nameserver 10.0.0.1\noptions ndots:5\n"), 5);
        assert_eq!(ndots("nameserver 10.0.0.1\noptions ndots:2\n"), 2);
        assert_eq!(ndots(""), 1);
    }
}
