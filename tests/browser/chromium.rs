//! A real Chromium, driven by `ask.mjs`, and two pages in it on origins of their own.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::world::PATIENCE;

/// A running browser; it ends with the test.
pub(crate) struct Chromium {
    child: Child,
    cases: Option<ChildStdin>,
    answers: Receiver<String>,
    origins: [String; 2],
}

/// What a page asks for. The token is good for nothing: a browser does not look at it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fetch {
    /// On which of the two origins the page is.
    pub(crate) page: usize,
    pub(crate) method: &'static str,
    pub(crate) credentials: &'static str,
}

/// What the page and the console got.
#[derive(Debug, Deserialize)]
pub(crate) struct Seen {
    /// Whether the page could read the reply, whatever its status.
    pub(crate) ok: bool,
    /// The status of a reply that the page could read.
    #[serde(default)]
    pub(crate) status: u16,
    /// The lines of the console.
    pub(crate) console: Vec<String>,
}

impl Chromium {
    pub(crate) fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/ask.mjs");
        let mut child = Command::new("node")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let (tell, answers) = channel();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| drop(tell.send(line)));
        });
        let cases = child.stdin.take();
        let mut chromium = Self { child, cases, answers, origins: Default::default() };
        let hello: Value = serde_json::from_str(&chromium.answer()).unwrap();
        chromium.origins = [0, 1].map(|page| hello["origins"][page].as_str().unwrap().to_owned());
        chromium
    }

    /// The origin of a page.
    pub(crate) fn origin(&self, page: usize) -> &str {
        &self.origins[page]
    }

    /// What comes of it when a page fetches a URL with a Bearer token.
    pub(crate) fn fetch(&mut self, url: &str, fetch: Fetch) -> Seen {
        let case = json!({
            "page": fetch.page, "url": url, "method": fetch.method, "credentials": fetch.credentials,
            "headers": { "authorization": "Bearer undefined" },
        });
        writeln!(self.cases.as_mut().unwrap(), "{case}").unwrap();
        serde_json::from_str(&self.answer()).unwrap()
    }

    fn answer(&self) -> String {
        self.answers.recv_timeout(2 * PATIENCE).expect("the browser answers")
    }
}

impl Drop for Chromium {
    /// The driver ends with its input, and takes the browser along; a killed one would leave it behind.
    fn drop(&mut self) {
        drop(self.cases.take());
        drop(self.child.wait());
    }
}
