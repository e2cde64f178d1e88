//! One row of a table: what was measured, what the doctor may say of it, and the exchange that is held to both.

use header_doctor::diagnosis::RULES;
use serde_json::Value;

use crate::stand::Stand;
use crate::world::{Doctor, Reply, Wire};

pub(crate) const TOKEN: &str = "POST /wp-json/jwt-auth/v1/token";
pub(crate) const VALIDATE: &str = "POST /wp-json/jwt-auth/v1/token/validate";
pub(crate) const ME: &str = "GET /wp-json/wp/v2/users/me";
pub(crate) const REPORTS: &str = "GET /wp-json/my-app/v1/reports";

/// What the finished doctor says of a refusal. Of a success it says nothing, whatever stands here.
#[derive(Clone, Copy)]
pub(crate) enum Verdict {
    /// Nothing: WordPress refused for a reason that is nobody's fault on the path, or that cannot be told.
    Silent,
    /// One of these rules, the best one first.
    Says(&'static [&'static str]),
    /// One of these rules, or nothing.
    MaySay(&'static [&'static str]),
}

impl Verdict {
    /// Holds the findings of an exchange to this. A rule that is still to be written is not missed, but no other
    /// may speak in its place.
    pub(crate) fn check(self, what: &str, event: &Value) {
        let findings = event["findings"].as_array().into_iter().flatten();
        let said: Vec<_> = findings.map(|finding| finding["rule"].as_str().unwrap()).collect();
        let (rules, must) = match self {
            Self::Silent => (&[][..], false),
            Self::Says(rules) => (rules, is_written(rules)),
            Self::MaySay(rules) => (rules, false),
        };
        assert!(said.iter().all(|rule| rules.contains(rule)), "{what}: {said:?}, not {rules:?}: {event}");
        assert!(!must || !said.is_empty(), "{what}: silent instead of {rules:?}: {event}");
    }
}

fn is_written(rules: &[&str]) -> bool {
    rules.first().is_some_and(|first| RULES.iter().any(|rule| rule.id() == *first))
}

/// A request but for its `Host` and the framing of its body.
pub(crate) struct Ask<'a> {
    pub(crate) line: &'a str,
    pub(crate) headers: Vec<(&'a str, String)>,
    pub(crate) body: &'a str,
    pub(crate) chunked: bool,
}

impl<'a> Ask<'a> {
    pub(crate) const fn new(line: &'a str, headers: Vec<(&'a str, String)>) -> Self {
        Self { line, headers, body: "", chunked: false }
    }

    pub(crate) fn over(&self, mut connection: Wire) -> Reply {
        let mut head = format!("{} HTTP/1.1\r\nHost: wordpress.test\r\nConnection: close\r\n", self.line);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        let body = if self.chunked {
            head += "Transfer-Encoding: chunked\r\n";
            format!("{:x}\r\n{}\r\n0\r\n\r\n", self.body.len(), self.body)
        } else {
            if self.line.starts_with("POST") {
                head += &format!("Content-Length: {}\r\n", self.body.len());
            }
            self.body.to_owned()
        };
        connection.put(format!("{head}\r\n{body}"));
        connection.reply()
    }
}

/// A doctor before the good door that logs every exchange.
pub(crate) fn doctor() -> Doctor {
    Doctor::before(format!("http://{}", Stand::up().get("NGINX_GOOD")))
}

/// The answer of the good door itself.
pub(crate) fn directly(ask: &Ask) -> Reply {
    ask.over(Wire::to(Stand::up().get("NGINX_GOOD").parse().unwrap()))
}

/// Sends a request through the doctor and past it: WordPress's answer must be the measured one and reach the client
/// as WordPress gave it, and the doctor's verdict must be the expected one.
pub(crate) fn hold(doctor: &Doctor, name: &str, ask: &Ask, answer: &str, verdict: Verdict) -> Reply {
    let what = format!("{name}, {}", ask.line);
    let direct = directly(ask);
    assert_eq!(said(&direct), answer, "{what}: without the doctor");
    let reply = ask.over(doctor.connect());
    assert_eq!(said(&reply), answer, "{what}");
    assert_eq!(end_to_end(&reply), end_to_end(&direct), "{what}");
    if !answer.ends_with("(token)") {
        assert_eq!(reply.body, direct.body, "{what}");
    }
    let is_refusal = reply.status() >= 400;
    let verdict = if is_refusal { verdict } else { Verdict::Silent };
    verdict.check(&what, &doctor.event());
    reply
}

/// The lines of a reply's head that a proxy has to leave alone, but for the time.
fn end_to_end(reply: &Reply) -> Vec<&str> {
    const OF_A_HOP: [&str; 5] = ["date", "via", "connection", "transfer-encoding", "content-length"];
    let name = |line: &str| line.split(':').next().unwrap().to_lowercase();
    reply.head.lines().filter(|line| !OF_A_HOP.contains(&name(line).as_str())).collect()
}

/// Status and code, or what a success is about, as the tables write it.
pub(crate) fn said(reply: &Reply) -> String {
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let topic = text("code")
        .or_else(|| body.get("token").map(|_| "(token)".to_owned()))
        .or_else(|| text("reports").map(|reports| format!("(reports {reports})")))
        .or_else(|| text("slug").map(|slug| format!("(user {slug})")))
        .unwrap_or_else(|| if body.is_array() { "(list)" } else { "(html)" }.to_owned());
    format!("{} {topic}", reply.status())
}

/// The message in a reply's body; empty where there is none.
pub(crate) fn message(reply: &Reply) -> String {
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    body["message"].as_str().unwrap_or_default().to_owned()
}
