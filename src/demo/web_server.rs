//! The web servers in front of the imitation, each with its manners.
//!
//! What they do was measured on the real ones: nginx passes every header on and refuses two `Authorization` with 400;
//! Apache hides `Authorization` from whatever it runs through CGI or FastCGI; a password gate answers everybody who
//! does not know its password, and a Bearer token is no password.

use std::future::poll_fn;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::page::Page;
use super::wordpress::WordPress;
use crate::event::now;
use crate::listen::{Answer, Client, Interim, Refusal};
use crate::message::{Body, Fill, Name, Reply, Request, RequestHead, Source};
use crate::moment::Moment;

/// The largest body that is read; the rest of a longer one is passed over.
const BODY: usize = 64 * 1024;

/// The login of the gate.
const GATE: &str = "team:demo";

/// What a web server does to a request before PHP sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manners {
    /// nginx as it comes.
    Nginx,
    /// nginx with `auth_basic`.
    Gate,
    /// Apache with PHP-FPM, without `CGIPassAuth On`.
    Apache,
}

/// A web server with WordPress behind it.
pub(super) struct WebServer {
    pub(super) manners: Manners,
    pub(super) wordpress: WordPress,
}

impl WebServer {
    /// Answers a request, whose body was read, at this time.
    pub(super) fn page(&self, mut head: RequestHead, body: &[u8], now: Moment) -> Page {
        if self.manners == Manners::Apache {
            head.fields.remove(Name::Authorization);
            return self.wordpress.answer(&head, body, now);
        }
        if head.fields.all(Name::Authorization).count() > 1 {
            return error_page(400, "400 Bad Request");
        }
        if self.manners == Manners::Gate && !knows_the_password(&head) {
            let mut page = error_page(401, "401 Authorization Required");
            page.fields.append(b"WWW-Authenticate", b"Basic realm=\"Staging\"");
            return page;
        }
        self.wordpress.answer(&head, body, now)
    }

    const fn name(&self) -> &'static str {
        match self.manners {
            Manners::Nginx | Manners::Gate => "nginx",
            Manners::Apache => "Apache",
        }
    }
}

impl Answer for WebServer {
    async fn answer<'c>(&self, _: Client, request: Request<'c>, _: &mut impl Interim) -> Reply<'c> {
        let Request { head, body } = request;
        let body = read(body).await;
        self.page(head, &body, now()).served_by(self.name())
    }

    fn refuse(&self, _: Client, refusal: Refusal) -> Reply<'static> {
        error_page(refusal.status().code(), "Bad Request").served_by(self.name())
    }

    fn panicked(&self) -> Reply<'static> {
        error_page(500, "500 Internal Server Error").served_by(self.name())
    }
}

fn knows_the_password(head: &RequestHead) -> bool {
    let expected = format!("Basic {}", STANDARD.encode(GATE));
    head.fields.only(Name::Authorization) == Some(expected.as_bytes())
}

/// An error page in nginx's form (`ngx_http_special_response.c`).
fn error_page(status: u16, title: &str) -> Page {
    Page::html(status, &format!("<center><h1>{title}</h1></center>\n<hr><center>nginx</center>"))
}

/// The body, as much of it as is wanted. One that breaks off is as good as empty: nobody waits for the answer.
async fn read(mut body: Body<'_>) -> Vec<u8> {
    let mut all = Vec::new();
    while let Ok(Fill::Data) = poll_fn(|context| body.poll_fill(context)).await {
        let count = body.data().len();
        let wanted = count.min(BODY.saturating_sub(all.len()));
        all.extend_from_slice(body.data().get(..wanted).unwrap_or_default());
        body.consume(count);
    }
    all
}
