//! The doctor alone before the stand's PHP-FPM: no web server stands between the client and WordPress.
//!
//! It logs sick exchanges only, so that a healthy one is silence.

mod bodies;
mod evil;
mod healthy;
mod pool;
mod traps;

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use h2::SendStream;
use http::{Request, Version};
use rustls::ClientConfig;

use crate::stand::Stand;
use crate::token::{changed, claims, now, sign};
use crate::world::{Authority, Doctor, H2, Reply, Wire, asking_for, read, wait};

const HOST: &str = "wordpress.test";

/// The host under which the stand's WordPress is in production, where application passwords take https.
const PRODUCTION: &str = "production.wordpress.test";

/// What the doctor knows of the site's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Files {
    /// Nothing: scripts are chosen by their names, and nothing else is served.
    Named,
    /// Where they lie.
    Found,
}

impl Files {
    const BOTH: [Self; 2] = [Self::Named, Self::Found];

    /// The key of the upstream that says so.
    const fn key(self) -> &'static str {
        match self {
            Self::Named => "php_root",
            Self::Found => "root",
        }
    }
}

/// How a client comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Http,
    Https,
    /// HTTP/2 under TLS.
    H2,
}

impl Way {
    const ALL: [Self; 3] = [Self::Http, Self::Https, Self::H2];

    /// The `Authorization` with which the administrator is welcome: a token's issuer is the site as it is reached.
    fn bearer(self) -> String {
        let (stand, now) = (Stand::up(), now());
        let scheme = if self == Self::Http { "http" } else { "https" };
        let claims = changed(&claims(stand, 1, now), "iss", format!("{scheme}://{HOST}").into());
        format!("Bearer {}", sign(&claims, stand.get("SECRET")))
    }
}

/// A doctor before PHP-FPM, with a listener in clear and one under TLS.
struct Site {
    doctor: Doctor,
    secure: SocketAddr,
    authority: Authority,
}

impl Site {
    fn with(files: Files) -> Self {
        Self::with_sections(files, "")
    }

    /// The same, its file with more sections.
    fn with_sections(files: Files, sections: &str) -> Self {
        let (stand, key) = (Stand::up(), files.key());
        let (socket, root) = (stand.get("PHP_FPM_SOCKET"), stand.get("SITE_ROOT"));
        Self::before(&format!("{{ url: \"fastcgi+unix:{socket}\", {key}: {root} }}"), sections)
    }

    /// A doctor before this upstream.
    fn before(upstream: &str, sections: &str) -> Self {
        let authority = Authority::new().with("site", &[HOST, PRODUCTION]);
        let doctor = Doctor::with_file(&format!(
            "listeners:\n  - address: 127.0.0.1:0\n  - address: 127.0.0.1:0\n    tls: [{}]\n\
             sites: [{{ upstreams: [{upstream}] }}]\n\
             workers: 2\n\
             log: {{ format: json, repeats: 0s }}\n{sections}\n",
            authority.pair("site")
        ));
        let secure = doctor.listens();
        Self { doctor, secure, authority }
    }

    fn ask(&self, way: Way, call: &Call) -> Reply {
        match way {
            Way::Http => call.over(self.doctor.connect()),
            Way::Https => call.over(self.secured(call.host)),
            Way::H2 => call.over_http2(&mut self.http2(call.host)),
        }
    }

    /// A connection under TLS.
    fn secured(&self, host: &str) -> Wire {
        Wire::to(self.secure).secured(asking_for(host, &self.authority.client()))
    }

    fn http2(&self, host: &str) -> H2 {
        let mut client = ClientConfig::clone(&self.authority.client());
        client.alpn_protocols = vec![b"h2".to_vec()];
        H2::secured(self.secure, host, Arc::new(client))
    }

    /// Nothing that happened was worth a line in the log.
    fn expect_silence(&self) {
        self.doctor.expect_no_other_event();
    }
}

/// A request.
#[derive(Clone)]
struct Call<'a> {
    /// Method and target.
    line: &'a str,
    host: &'a str,
    headers: Vec<(&'a str, String)>,
    body: &'a [u8],
    /// Whether its body goes without a length.
    chunked: bool,
}

impl<'a> Call<'a> {
    const fn new(line: &'a str, headers: Vec<(&'a str, String)>) -> Self {
        Self { line, host: HOST, headers, body: b"", chunked: false }
    }

    /// One with this `Authorization`.
    fn by(line: &'a str, credential: &str) -> Self {
        Self::new(line, vec![("Authorization", credential.to_owned())])
    }

    /// One with a body of JSON.
    fn json(line: &'a str, body: &'a str) -> Self {
        Self {
            body: body.as_bytes(),
            ..Self::new(line, vec![("Content-Type", "application/json".to_owned())])
        }
    }

    fn at(self, host: &'a str) -> Self {
        Self { host, ..self }
    }

    fn method(&self) -> &'a str {
        self.line.split(' ').next().unwrap()
    }

    /// The text of its head over HTTP/1.1.
    fn head(&self) -> String {
        let mut head = format!("{} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.line, self.host);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        if self.chunked {
            head += "Transfer-Encoding: chunked\r\n";
        } else if !self.body.is_empty() || self.method() == "POST" {
            head += &format!("Content-Length: {}\r\n", self.body.len());
        }
        head + "\r\n"
    }

    fn over(&self, mut wire: Wire) -> Reply {
        wire.put(self.head());
        if self.chunked {
            for chunk in self.body.chunks(50_000) {
                wire.put(format!("{:x}\r\n", chunk.len()));
                wire.put([chunk, b"\r\n"].concat());
            }
            wire.put("0\r\n\r\n");
        } else {
            wire.put(self.body);
        }
        if self.method() == "HEAD" {
            let head = wire.head();
            return Reply { head, body: wire.read() };
        }
        wire.reply()
    }

    fn over_http2(&self, client: &mut H2) -> Reply {
        let (method, target) = self.line.split_once(' ').unwrap();
        let mut request = Request::builder()
            .version(Version::HTTP_2)
            .method(method)
            .uri(format!("https://{}{target}", self.host));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if !self.chunked && !self.body.is_empty() {
            request = request.header("content-length", self.body.len());
        }
        let (reply, mut sender) = client.send(request.body(()).unwrap(), self.body.is_empty());
        if !self.body.is_empty() {
            wait(send(&mut sender, Bytes::copy_from_slice(self.body)));
        }
        let reply = wait(reply).unwrap();
        let mut head = format!("HTTP/2 {} \r\n", reply.status().as_u16());
        for (name, value) in reply.headers() {
            head += &format!("{name}: {}\r\n", String::from_utf8_lossy(value.as_bytes()));
        }
        Reply { head, body: read(reply.into_body()).unwrap().0 }
    }
}

/// Sends a body as fast as the other side takes it.
async fn send(sender: &mut SendStream<Bytes>, mut body: Bytes) {
    while !body.is_empty() {
        sender.reserve_capacity(body.len());
        let room = std::future::poll_fn(|context| sender.poll_capacity(context)).await.unwrap().unwrap();
        let piece = body.split_to(room.min(body.len()));
        sender.send_data(piece, body.is_empty()).unwrap();
    }
}
