//! A server that answers a preflight and the request after it as told, and what its answers let be foretold.

use header_doctor::browser::{Ask, Blocked, Browser, When, judge_preflight, judge_reply};
use header_doctor::message::{Fields, ReplyHead, RequestHead, Status};

use crate::world::Origin;

/// A status and the `Access-Control-` headers beside it, without that prefix; `{origin}` is whoever asks.
#[derive(Clone, Copy)]
pub(crate) struct Answer(pub(crate) u16, pub(crate) &'static [&'static str]);

pub(crate) struct Stub {
    origin: Origin,
    preflight: Answer,
    reply: Answer,
}

impl Stub {
    pub(crate) fn start(preflight: Answer, reply: Answer) -> Self {
        let origin = Origin::playing(move |mut wire, tell| {
            loop {
                let head = wire.head();
                let answer = if head.starts_with("OPTIONS") { preflight } else { reply };
                wire.put(answer.text(&origin_of(&head)));
                tell(head);
            }
        });
        Self { origin, preflight, reply }
    }

    /// What Chromium's console must show by `header_doctor::browser`, judged by the very requests that came.
    pub(crate) fn foretold(&self, url: &str, with_credentials: bool) -> Option<String> {
        let first = request(&self.origin.request());
        let ask = Ask::of_preflight(&first).expect("the first request is a preflight");
        let origin = ask.origin.as_str();
        let matters = |blocked: &Blocked| with_credentials || blocked.when == When::Always;
        let blocked =
            judge_preflight(&ask, &self.preflight.head(origin)).err().filter(|blocked| matters(blocked));
        let blocked = blocked.or_else(|| {
            let second = request(&self.origin.request());
            let ask = Ask::of_request(&second).expect("the second is the request");
            judge_reply(&ask, &self.reply.head(origin)).err().filter(|blocked| matters(blocked))
        });
        assert!(self.origin.was_not_asked(), "no request follows a refused preflight");
        blocked.and_then(|blocked| blocked.console(Browser::Chrome, url))
    }
}

impl std::fmt::Display for Stub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.origin.fmt(f)
    }
}

impl Answer {
    /// Its CORS headers, and where a redirect leads to.
    fn headers(self, origin: &str) -> Vec<(String, String)> {
        let is_redirect = (300..400).contains(&self.0);
        let location = is_redirect.then(|| ("Location".to_owned(), "/elsewhere".to_owned()));
        let cors = self.1.iter().filter_map(|line| line.split_once(": "));
        let cors =
            cors.map(|(name, value)| (format!("Access-Control-{name}"), value.replace("{origin}", origin)));
        cors.chain(location).collect()
    }

    fn text(self, origin: &str) -> String {
        let headers: String =
            self.headers(origin).iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = if self.0 == 204 { "" } else { "Content-Length: 0\r\n" };
        format!("HTTP/1.1 {} Told\r\n{headers}{length}\r\n", self.0)
    }

    fn head(self, origin: &str) -> ReplyHead {
        ReplyHead::build(Status::new(self.0).unwrap(), fields(&self.headers(origin)))
    }
}

fn request(head: &str) -> RequestHead {
    let mut lines = head.lines();
    let mut start = lines.next().unwrap().split(' ');
    let (method, target) = (start.next().unwrap(), start.next().unwrap());
    let headers: Vec<_> = lines.filter_map(|line| line.split_once(": ")).collect();
    RequestHead::build(method, target, fields(&headers))
}

fn origin_of(head: &str) -> String {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let origin = lines.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("origin"));
    origin.map_or_else(String::new, |(_, value)| value.to_owned())
}

fn fields(headers: &[(impl AsRef<str>, impl AsRef<str>)]) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in headers {
        fields.append(name.as_ref().as_bytes(), value.as_ref().as_bytes());
    }
    fields
}
