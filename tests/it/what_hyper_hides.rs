//! The experiment behind docs/decisions/001: what a proxy built on hyper cannot see. It runs, so that the decision
//! stays founded: when a claim no longer holds, this fails.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

type Seen = Arc<Mutex<Vec<String>>>;

/// Serves one end of a pipe by hyper. What the service sees of each request is noted.
fn hyper_server(header_timeout: Duration) -> (DuplexStream, Seen) {
    let (client, server) = duplex(1 << 16);
    let seen = Seen::default();
    let noted = Arc::clone(&seen);
    tokio::spawn(async move {
        let service = service_fn(move |request: Request<Incoming>| {
            let names: Vec<_> = request.headers().keys().map(|name| name.as_str().to_owned()).collect();
            noted.lock().unwrap().push(names.join(" "));
            async { Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())) }
        });
        let mut builder = hyper::server::conn::http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(header_timeout);
        drop(builder.serve_connection(TokioIo::new(server), service).await);
    });
    (client, seen)
}

async fn answer(mut client: DuplexStream, request: &str) -> String {
    client.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    client.read_to_string(&mut reply).await.unwrap();
    reply
}

const LONG: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn the_spelling_of_names_is_gone() {
    let (client, seen) = hyper_server(LONG);
    answer(client, "GET / HTTP/1.1\r\nhOST: a\r\naUTHORIZATION: x\r\nConnection: close\r\n\r\n").await;
    assert_eq!(*seen.lock().unwrap(), ["host authorization connection"]);
}

#[tokio::test(start_paused = true)]
async fn a_malformed_head_is_answered_without_a_word_and_nobody_is_told() {
    for head in ["GET / HTTP/1.1\r\nHost : a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n"] {
        let (client, seen) = hyper_server(LONG);
        let reply = answer(client, head).await;
        assert!(reply.starts_with("HTTP/1.1 400") && reply.contains("content-length: 0"), "{reply}");
        assert!(seen.lock().unwrap().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_head_ends_the_connection_in_silence() {
    let (client, seen) = hyper_server(Duration::from_secs(1));
    assert_eq!(answer(client, "GET / HTTP/1.1\r\nHost:").await, "");
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_missing_host_and_two_hosts_are_served() {
    for host in ["", "Host: a\r\nHost: b\r\n"] {
        let (client, _seen) = hyper_server(LONG);
        let reply = answer(client, &format!("GET / HTTP/1.1\r\n{host}Connection: close\r\n\r\n")).await;
        assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    }
}

#[tokio::test(start_paused = true)]
async fn interim_replies_of_an_upstream_are_swallowed() {
    let (client, mut server) = duplex(1 << 16);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(client)).await.unwrap();
    tokio::spawn(connection);
    tokio::spawn(async move {
        let mut head = [0; 1024];
        assert!(server.read(&mut head).await.unwrap() > 0);
        let replies =
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        server.write_all(replies.as_bytes()).await.unwrap();
    });
    let request = Request::get("/").header("host", "a").body(Empty::<Bytes>::new()).unwrap();
    let reply = sender.send_request(request).await.unwrap();
    assert_eq!((reply.status().as_u16(), reply.headers().contains_key("link")), (200, false));
}
