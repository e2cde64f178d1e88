//! A redirect to a login, by who sends it.
//!
//! A gate with a page of its own has no `WWW-Authenticate`: it leads the caller to a login, which no client of an API can
//! follow and no preflight may. Each is known by where it leads, or by its own cookie.

use super::page;
use super::product::Product;
use crate::message::{Name, ReplyHead};

/// Whose login a redirect leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginPage {
    /// WordPress's own: a plugin sends everybody there.
    WordPress,
    /// That of a gate with a name.
    Of(Product),
    /// Google's: its Identity-Aware Proxy, or another gate that uses Google.
    Google,
}

impl LoginPage {
    /// Reads where a reply leads; nothing when it is no redirect, or leads to no login that is known.
    #[must_use]
    pub fn of(reply: &ReplyHead) -> Option<Self> {
        if !matches!(reply.status.code(), 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let location = reply.fields.only(Name::Location)?;
        if page::is_login(reply, b"") {
            return Some(Self::WordPress);
        }
        let (host, path) = parts(location);
        if host.ends_with(b".cloudflareaccess.com") {
            return Some(Self::Of(Product::CloudflareAccess));
        }
        if path.starts_with(b"/.auth/login/") {
            return Some(Self::Of(Product::AppService));
        }
        let is_proxys = |cookie: &[u8]| cookie.starts_with(b"_oauth2_proxy");
        let starts = [b"/oauth2/start".as_slice(), b"/oauth2/sign_in"].iter().any(|at| path.starts_with(at));
        if reply.fields.all(Name::SetCookie).any(is_proxys) || starts {
            return Some(Self::Of(Product::OAuth2Proxy));
        }
        (host == b"accounts.google.com").then_some(Self::Google)
    }

    /// What to call it; of Google's the product that most often sends there.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WordPress => "WordPress",
            Self::Of(product) => product.name(),
            Self::Google => Product::Iap.name(),
        }
    }
}

/// The host, empty where it is the same one, and the path.
fn parts(location: &[u8]) -> (&[u8], &[u8]) {
    let rest = memchr::memmem::find(location, b"://").filter(|at| *at < 6);
    let Some(rest) = rest.and_then(|at| location.get(at + 3..)) else { return (b"", location) };
    let end = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
    rest.split_at_checked(end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{LoginPage, Product};
    use crate::message::{Fields, ReplyHead, Status};

    fn page(status: u16, pairs: &[(&str, &[u8])]) -> Option<LoginPage> {
        let mut fields = Fields::new();
        pairs.iter().for_each(|(name, value)| fields.append(name.as_bytes(), value));
        LoginPage::of(&ReplyHead::build(Status::new(status).unwrap(), fields))
    }

    #[test]
    fn a_login_is_known_by_where_it_leads() {
        let gate = |product| Some(LoginPage::Of(product));
        let table = [
            ("https://acme.cloudflareaccess.com/cdn-cgi/access/login/a", gate(Product::CloudflareAccess)),
            ("https://cloudflareaccess.com.example.com/", None),
            ("/.auth/login/aad?post_login_redirect_uri=%2Fwp-json", gate(Product::AppService)),
            ("https://a.test/.auth/login/google", gate(Product::AppService)),
            ("/oauth2/start?rd=%2Fwp-json%2F", gate(Product::OAuth2Proxy)),
            ("/oauth2/sign_in", gate(Product::OAuth2Proxy)),
            ("https://idp.test/oauth2/authorize?x=1", None),
            ("https://accounts.google.com/o/oauth2/v2/auth?client_id=x", Some(LoginPage::Google)),
            ("https://a.test/wp-login.php?redirect_to=x", Some(LoginPage::WordPress)),
            ("https://a.test/wp-json/wp/v2/posts/", None),
            ("/wp-json/", None),
        ];
        for (location, expected) in table {
            assert_eq!(page(302, &[("Location", location.as_bytes())]), expected, "{location}");
        }
        let cookie: [(&str, &[u8]); 2] =
            [("Location", b"https://idp.test/authorize"), ("Set-Cookie", b"_oauth2_proxy_csrf=x; Path=/")];
        assert_eq!(page(302, &cookie), gate(Product::OAuth2Proxy));
        assert_eq!(page(200, &cookie), None);
    }

    proptest! {
        #[test]
        fn no_location_panics(location in any::<Vec<u8>>()) {
            std::hint::black_box(page(302, &[("Location", &location)]));
        }
    }
}
