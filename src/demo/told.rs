//! A story told: the request as one would type it, the reply, the verdict as the log has it, and the lesson.

use std::fmt::{self, Write as _};
use std::time::Duration;

use serde_json::Value;

use super::Error;
use super::client::Got;
use super::stage::Stage;
use super::stories::{Answer, Credential, Story, Verdict};
use crate::event::{Event, now};
use crate::message::{Fields, Name, RequestHead};
use crate::report::{Page, log};

/// How long ago the expired token was issued: it was good for a week.
const LONG_AGO: Duration = Duration::from_secs(8 * 86_400);

/// How much of a reply's body is shown, in characters.
const SHOWN: usize = 90;

/// What came of a story.
pub struct Told {
    story: Story,
    command: String,
    got: Got,
    /// What each doctor on the way tells, the last one first.
    events: Vec<Event>,
    page: Page,
}

impl Stage {
    /// Plays a story.
    ///
    /// # Errors
    /// There was no reply or no event.
    pub fn play(&self, story: &Story, page: Page) -> Result<Told, Error> {
        let (address, trace) = (self.address(story.door), getrandom::u64()?.max(1));
        let parent = format!("00-{trace:032x}-{trace:016x}-01");
        let request = self.request(story, &parent);
        let (got, events) = self.ask(address, &request, story.door.doctors())?;
        Ok(Told { story: *story, command: self.command(story), got, events, page })
    }

    fn request(&self, story: &Story, parent: &str) -> RequestHead {
        let host = self.host(story.door);
        let mut fields = Fields::from([
            ("Host", host.as_str()),
            ("User-Agent", "header-doctor-demo"),
            ("Accept", "*/*"),
            ("traceparent", parent),
            ("Connection", "close"),
        ]);
        if let Some(value) = self.value(story.credential) {
            fields.set(Name::Authorization, value.as_bytes());
        }
        for (name, value) in story.fields {
            fields.append(name.as_bytes(), value.as_bytes());
        }
        // A POST without body says so (RFC 9110 §8.6).
        if story.method == "POST" {
            fields.append(b"Content-Length", b"0");
        }
        RequestHead::build(story.method, &format!("/wp-json{}", story.route), fields)
    }

    fn value(&self, credential: Credential) -> Option<String> {
        let bearer = |token: String| format!("Bearer {token}");
        match credential {
            Credential::None => None,
            Credential::Word(word) => Some(bearer(word.to_owned())),
            Credential::Token(user, _) => Some(bearer(self.wordpress.issue(user, now()))),
            Credential::Expired(user, _) => Some(bearer(self.wordpress.issue(user, now().before(LONG_AGO)))),
        }
    }

    /// The request as one would type it.
    fn command(&self, story: &Story) -> String {
        let mut out = self.curl(story.door);
        match story.method {
            "GET" => {}
            method => append(&mut out, format_args!(" -X {method}")),
        }
        append(&mut out, format_args!(" http://{}/wp-json{}", self.host(story.door), story.route));
        match story.credential {
            Credential::None => {}
            Credential::Word(word) => append(&mut out, format_args!(" -H 'Authorization: Bearer {word}'")),
            Credential::Token(_, name) | Credential::Expired(_, name) => {
                append(&mut out, format_args!(" -H \"Authorization: Bearer ${name}\""));
            }
        }
        for (name, value) in story.fields {
            append(&mut out, format_args!(" \\\n      -H '{name}: {value}'"));
        }
        out
    }
}

impl Told {
    /// What was not as it must be, in words; nothing when all was.
    #[must_use]
    pub fn differences(&self) -> Vec<String> {
        let Answer(status, code) = self.story.answer;
        let expected = (format!("{status} {code}"), verdict_in_words(self.story.verdict));
        let body = self.got.json();
        let code = body.get("code").and_then(Value::as_str).unwrap_or_default();
        let reply = ("reply", expected.0, format!("{} {code}", self.got.head.status));
        let verdicts = self.events.iter().map(|event| ("verdict", expected.1.clone(), found(event)));
        let mut out = Vec::new();
        for (what, expected, came) in std::iter::once(reply).chain(verdicts) {
            if expected != came {
                let (expected, came) = (expected.trim_end(), came.trim_end());
                out.push(format!("{}: the {what} should be {expected}, and is {came}", self.story.title));
            }
        }
        out
    }

    /// A verdict as the log has it, without the line that tells of the exchange.
    fn verdict(&self, event: &Event) -> String {
        let logged = log::render(event, log::Format::Pretty(self.page));
        logged.split_once('\n').map(|(_, verdict)| verdict.to_owned()).unwrap_or_default()
    }
}

/// What a doctor found, in words.
fn found(event: &Event) -> String {
    let first = event.findings.first();
    first.map_or_else(
        || "silence".to_owned(),
        |found| format!("{} ({})", found.finding.rule, found.finding.proof),
    )
}

fn verdict_in_words(verdict: Verdict) -> String {
    match verdict {
        Verdict::Silence => "silence".to_owned(),
        Verdict::Rule(rule, proof) => format!("{rule} ({proof})"),
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Story { title, lesson, .. } = self.story;
        writeln!(f, "── {title} ──\n")?;
        writeln!(f, "  $ {}", self.command)?;
        writeln!(f, "  {}", self.got)?;
        for event in self.events.iter().rev() {
            if self.events.len() > 1 {
                writeln!(f, "\n  The {}'s log:", event.hop)?;
            }
            match self.verdict(event).as_str() {
                "" if event.refusal.is_some() => {
                    writeln!(f, "\n  The doctor refused this itself, as it is configured to.")?;
                }
                "" => writeln!(f, "\n  The doctor is silent.")?,
                verdict => write!(f, "\n{verdict}")?,
            }
        }
        writeln!(f, "\n→ {lesson}")?;
        if let Verdict::Rule(rule, _) = self.story.verdict {
            writeln!(f, "  More: header-doctor explain {rule}")?;
        }
        writeln!(f)
    }
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// `403 rest_forbidden: Sorry, …`, or the beginning of the body, or what a browser reads of a preflight's reply.
impl fmt::Display for Got {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (status, body) = (self.head.status, self.json());
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        if let (Some(code), Some(message)) = (text("code"), text("message")) {
            return write!(f, "{status} {code}: {message}");
        }
        if let Some(origin) = self.head.fields.first(Name::AccessControlAllowOrigin) {
            return write!(f, "{status} Access-Control-Allow-Origin: {}", String::from_utf8_lossy(origin));
        }
        if let Some(challenge) = self.head.fields.first(Name::WwwAuthenticate) {
            return write!(f, "{status} WWW-Authenticate: {}", String::from_utf8_lossy(challenge));
        }
        let beginning: String = String::from_utf8_lossy(&self.body).chars().take(SHOWN).collect();
        write!(f, "{status} {beginning}")
    }
}

/// Writing to a string cannot fail.
fn append(out: &mut String, text: fmt::Arguments<'_>) {
    let written = out.write_fmt(text);
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}

#[cfg(test)]
mod tests {
    use super::{Answer, Page, Stage, Story, Verdict};
    use crate::demo::{Place, STORIES};
    use crate::diagnosis::Proof;

    fn expired() -> Story {
        let is_it = |story: &&Story| matches!(story.verdict, Verdict::Rule("token-expired", _));
        *STORIES.iter().find(is_it).unwrap()
    }

    #[test]
    fn what_is_not_as_expected_is_named() {
        let stage = Stage::open(Place::Free).unwrap();
        let differences = |story: Story| stage.play(&story, Page::PLAIN).unwrap().differences();
        let story = expired();
        assert_eq!(differences(story), [""; 0]);
        let less_sure = Verdict::Rule("token-expired", Proof::Likely);
        assert_eq!(
            differences(Story { verdict: less_sure, ..story }),
            [format!(
                "{}: the verdict should be token-expired (likely), and is token-expired (proved)",
                story.title
            )]
        );
        let both = differences(Story { answer: Answer(200, ""), verdict: Verdict::Silence, ..story });
        assert_eq!(both.len(), 2);
        assert!(both[0].ends_with("the reply should be 200, and is 403 jwt_auth_invalid_token"), "{both:?}");
        assert!(
            both[1].ends_with("the verdict should be silence, and is token-expired (proved)"),
            "{both:?}"
        );
        stage.leave_open().1.fall().unwrap();
    }

    #[test]
    fn a_story_shows_no_token() {
        let stage = Stage::open(Place::Free).unwrap();
        for story in STORIES {
            let told = stage.play(story, Page::PLAIN).unwrap();
            assert!(!format!("{told}").contains("eyJ"), "{told}");
        }
    }
}
