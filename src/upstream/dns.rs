//! Names as the system resolves them: the hosts file, then the name servers of resolv.conf with its search domains
//! and `ndots`.
//!
//! Both files are read for each lookup, as the C library does, so that a change of them needs no restart; lookups are
//! rare and nobody waits for them. What is asked for again has its answer's own lifetime, so nothing is cached here.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::system_conf::read_system_conf;

use super::names::{Found, Lookup, Resolve};

/// The system's way to resolve names.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemNames;

impl Resolve for SystemNames {
    fn lookup<'l>(&'l self, host: &'l str) -> Lookup<'l> {
        Box::pin(async move {
            let (config, options) = read_system_conf().unwrap_or_else(|_| without_file());
            look_up(host, config, options).await.map_err(|error| error.to_string())
        })
    }
}

/// Without a usable resolv.conf the name server is on this machine (resolv.conf(5)).
fn without_file() -> (ResolverConfig, ResolverOpts) {
    let here = NameServerConfig::udp_and_tcp(IpAddr::V4(Ipv4Addr::LOCALHOST));
    (ResolverConfig::from_parts(None, Vec::new(), vec![here]), ResolverOpts::default())
}

async fn look_up(host: &str, config: ResolverConfig, options: ResolverOpts) -> Result<Found, NetError> {
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    let mut options = options;
    options.ip_strategy = LookupIpStrategy::Ipv6AndIpv4;
    options.cache_size = 0;
    *builder.options_mut() = options;
    let found = builder.build()?.lookup_ip(host).await?;
    let lifetime = found.valid_until().saturating_duration_since(Instant::now());
    Ok(Found { addresses: found.iter().collect(), lifetime })
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};
    use std::sync::Arc;

    use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
    use hickory_resolver::proto::rr::Name;
    use tokio::net::UdpSocket;

    use super::super::names::{Known, Lookup, Names, Resolve};
    use super::look_up;

    /// Resolves by one name server, with one search domain.
    struct By(SocketAddr);

    impl Resolve for By {
        fn lookup<'l>(&'l self, host: &'l str) -> Lookup<'l> {
            let mut connection = ConnectionConfig::udp();
            connection.port = self.0.port();
            let mut server = NameServerConfig::udp(self.0.ip());
            server.connections = vec![connection];
            let search = vec![Name::from_ascii("pod.test.").unwrap()];
            let config = ResolverConfig::from_parts(None, search, vec![server]);
            let mut options = ResolverOpts::default();
            options.ndots = 5;
            Box::pin(async move { look_up(host, config, options).await.map_err(|error| error.to_string()) })
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

    async fn by_name_server() -> Names {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let server = By(socket.local_addr().unwrap());
        tokio::spawn(name_server(socket));
        Names::new(Arc::new(server))
    }

    #[tokio::test]
    async fn a_name_is_found_by_the_search_list_and_again_when_its_lifetime_is_over() {
        let names = by_name_server().await;
        let mut known = names.follow("wordpress");
        for last in [1, 2] {
            known.changed().await.unwrap();
            let address = IpAddr::V4(Ipv4Addr::new(10, 0, 0, last));
            assert_eq!(*known.borrow_and_update(), Known::Found([address].into()));
        }
    }

    #[tokio::test]
    async fn a_name_that_no_server_knows_is_missing() {
        let names = by_name_server().await;
        let mut known = names.follow("wordpres");
        known.changed().await.unwrap();
        assert_eq!(*known.borrow_and_update(), Known::Missing);
    }
}
