//! What is said before the stories and after them.

use super::stage::{ORIGIN, Stage};
use super::stories::Door;
use super::wordpress::{ADMIN, READER};
use crate::event::now;

impl Stage {
    /// Who stands where.
    #[must_use]
    pub fn introduction(&self) -> String {
        let (doctor, edge, pair) = (self.doctor.port(), self.edge.port(), self.pair.port());
        let through = format!("  client ─▸ edge :{edge} ─");
        let straight = format!("  client {}", "─".repeat(width(&through) - "  client ".len()));
        let before = format!("{straight}┴─▸ doctor :{doctor} ─");
        let blank = " ".repeat(width(&before));
        let moved = if self.is_displaced() {
            format!("127.0.0.1:8080 is taken, so the doctor listens on {}.\n", self.doctor)
        } else {
            String::new()
        };
        format!(
            "header-doctor demo: WordPress, the places that lose headers, and the doctor, all in this process.\n\
             WordPress and the servers are imitations; the doctor and its verdicts are real.\n\
             {moved}\n\
             {through}┐\n\
             {before}┬─▸ localhost          nginx, passes every header  ─▸ WordPress\n\
             {blank}├─▸ apache.localhost   Apache, hides Authorization ─▸ WordPress\n\
             {blank}└─▸ staging.localhost  nginx, asks for a password  ─▸ WordPress\n\
             \x20 client ─▸ edge doctor :{pair} ─▸ a proxy that deletes Authorization ─▸ sidecar doctor ─▸ nginx ─▸ WordPress\n\n",
        )
    }

    /// What to try, once the stories are over. The token opens nothing but this imitation.
    #[must_use]
    pub fn invitation(&self) -> String {
        let nginx = self.host(Door::Nginx);
        let (apache, gate, edge) = (self.host(Door::Apache), self.host(Door::Gate), self.host(Door::Edge));
        let (pair, token) = (self.host(Door::Pair), self.wordpress.issue(ADMIN, now()));
        let curl = self.curl(Door::Nginx) + " -i";
        let authorization = "-H \"Authorization: Bearer $TOKEN\"";
        format!(
            "Now you. The doctor stays up at http://{nginx} until Ctrl-C. In another terminal:\n\
             \n\
             TOKEN={token}\n\
             {curl} http://{nginx}/wp-json/wp/v2/users/me {authorization}\n\
             {curl} http://{apache}/wp-json/wp/v2/users/me {authorization}\n\
             {curl} -X POST http://{apache}/wp-json/jwt-auth/v1/token/validate {authorization}\n\
             {curl} http://{gate}/wp-json/wp/v2/users/me {authorization}\n\
             curl -i http://{edge}/wp-json/wp/v2/users/me {authorization}\n\
             curl -i http://{pair}/wp-json/wp/v2/users/me {authorization}\n\
             {curl} http://{nginx}/wp-json/wp/v2/posts -H 'Authorization: Bearer null'\n\
             {curl} -X OPTIONS http://{nginx}/wp-json/wp/v2/posts -H 'Origin: {ORIGIN}' -H 'Access-Control-Request-Method: GET'\n\
             {curl} http://{nginx}/wp-json/jwt-auth/v1/token -d 'username={}&password={}'\n\
             \n\
             What the doctor says about them appears here:\n\
             \n",
            READER.login, READER.password,
        )
    }
}

/// How many columns a text takes.
fn width(text: &str) -> usize {
    text.chars().count()
}
