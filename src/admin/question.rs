//! The question that `header-doctor health` asks the running doctor.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use hyper::Request;
use hyper::client::conn::http1;
use hyper::header::HOST;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::spawn_local;
use tokio::time::timeout;

/// How long an answer may take: less than the second that Kubernetes gives a probe by default would be hasty on a
/// machine under load.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a doctor is not ready.
#[derive(Debug, thiserror::Error)]
pub enum Unwell {
    /// Nobody answers.
    #[error("nobody answers at {0}: {1}")]
    Silent(SocketAddr, io::Error),
    /// An answer does not come.
    #[error("no answer from {0} within {PATIENCE:?}")]
    Slow(SocketAddr),
    /// Somebody answers, but not as we do.
    #[error("what answers at {0} does not speak HTTP: {1}")]
    Stranger(SocketAddr, hyper::Error),
    /// It says that it is not ready.
    #[error("not ready: {0} answers with {1}")]
    NotReady(SocketAddr, u16),
}

/// Asks whether the doctor is ready. Must be called inside a local task set.
///
/// # Errors
/// It is not, or does not say so.
pub async fn ask(address: SocketAddr) -> Result<(), Unwell> {
    let address = reachable(address);
    let status = timeout(PATIENCE, status(address)).await.map_err(|_| Unwell::Slow(address))??;
    if status == 200 { Ok(()) } else { Err(Unwell::NotReady(address, status)) }
}

async fn status(address: SocketAddr) -> Result<u16, Unwell> {
    let silent = |error| Unwell::Silent(address, error);
    let stranger = |error| Unwell::Stranger(address, error);
    let stream = TcpStream::connect(address).await.map_err(silent)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(stranger)?;
    spawn_local(connection);
    let mut request = Request::new(String::new());
    *request.uri_mut() = hyper::Uri::from_static("/readyz");
    let host = hyper::header::HeaderValue::from_static("localhost");
    request.headers_mut().insert(HOST, host);
    let reply = sender.send_request(request).await.map_err(stranger)?;
    Ok(reply.status().as_u16())
}

/// Who listens on every address of the machine is asked on the loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
