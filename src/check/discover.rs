//! Where the REST server is and what it says of itself: read from a page and from its index.

use serde_json::Value;

use super::jwt_plugin::JwtPlugin;
use super::site::{Place, Site};
use crate::headers::Scheme;
use crate::message::{Name, ReplyHead};

/// How the REST server is reached: what stands before a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Root {
    /// `/wp-json` or `/?rest_route=`.
    prefix: String,
}

impl Root {
    /// The usual one.
    #[must_use]
    pub(super) fn usual(folder: &str) -> Self {
        Self { prefix: format!("{folder}/wp-json") }
    }

    /// The one that works without permalinks.
    #[must_use]
    pub(super) fn by_query(folder: &str) -> Self {
        Self { prefix: format!("{folder}/?rest_route=") }
    }

    /// The path and query of a route that begins with a slash. A query of the route's own is joined to that of the root.
    #[must_use]
    pub(super) fn target(&self, route: &str) -> String {
        let is_query = self.prefix.contains('?');
        let route = if is_query { route.replacen('?', "&", 1) } else { route.to_owned() };
        format!("{}{route}", self.prefix)
    }

    /// The root that `Link` names, on the asked place whatever host it names: requests go nowhere that was not typed.
    #[must_use]
    pub(super) fn of_link(reply: &ReplyHead) -> Option<Self> {
        let url = link(reply)?;
        let (_, rest) = url.split_once("://")?;
        let path = rest.find('/').and_then(|at| rest.get(at..))?;
        let is_clear = path.bytes().all(|byte| byte.is_ascii_graphic());
        let prefix = path.strip_suffix('/').filter(|_| is_clear)?;
        Some(Self { prefix: prefix.to_owned() })
    }
}

/// The URL of the REST root that a reply names (`rest_output_link_header`).
fn link(reply: &ReplyHead) -> Option<&str> {
    let mut links = reply.fields.all(Name::Link).filter_map(|link| std::str::from_utf8(link).ok());
    let (before, _) = links.find_map(|link| link.split_once("https://api.w.org/"))?;
    let (_, link) = before.rsplit_once('<')?;
    link.split_once('>').map(|(url, _)| url)
}

/// The place that the site names as its own in `Link`.
#[must_use]
pub(super) fn own_place(reply: &ReplyHead) -> Option<Place> {
    place_of(link(reply)?)
}

fn place_of(url: &str) -> Option<Place> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    format!("{scheme}://{authority}").parse().ok()
}

/// What the index says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    /// `home`, when it is a site's address.
    pub(super) home: Option<Place>,
    /// The namespaces, those that are plain words.
    pub(super) namespaces: Vec<String>,
    /// Whether application passwords can be used: `authentication` names them.
    pub(super) app_passwords: bool,
    /// Whether `authentication` names OAuth.
    pub(super) oauth: bool,
}

impl Index {
    /// Reads it; nothing when it is not the index of WordPress.
    #[must_use]
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(body).ok()?;
        let namespaces = value.get("namespaces")?.as_array()?;
        let authentication = value.get("authentication");
        let offers = |name: &str| authentication.is_some_and(|offered| offered.get(name).is_some());
        let plain = |text: &&str| {
            text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.".contains(&b))
        };
        Some(Self {
            home: value.get("home").and_then(Value::as_str).and_then(place_of),
            namespaces: namespaces
                .iter()
                .filter_map(Value::as_str)
                .filter(plain)
                .map(str::to_owned)
                .collect(),
            app_passwords: offers("application-passwords"),
            oauth: offers("oauth1") || offers("oauth2"),
        })
    }

    /// Whether a namespace is there.
    #[must_use]
    pub(super) fn has(&self, namespace: &str) -> bool {
        self.namespaces.iter().any(|one| one == namespace)
    }

    /// The ways to authenticate that it betrays, in words; cookies always work.
    #[must_use]
    pub(super) fn methods(&self, plugin: &JwtPlugin) -> Vec<String> {
        const KNOWN: [(&str, &str); 3] = [
            ("simple-jwt-login/v1", "Simple JWT Login"),
            ("api/v1", "perhaps miniOrange REST API Authentication (api/v1)"),
            ("cocart/jwt", "CoCart JWT"),
        ];
        let plugins = KNOWN.iter().filter(|(namespace, _)| self.has(namespace)).map(|(_, words)| *words);
        let core = [
            self.app_passwords.then_some("application passwords"),
            self.oauth.then_some("OAuth"),
            Some("login cookie with a nonce"),
        ];
        let others = plugins.chain(core.into_iter().flatten()).map(str::to_owned);
        self.has("jwt-auth/v1").then(|| plugin.words()).into_iter().chain(others).collect()
    }
}

/// Where a redirect leads, when a check may follow it without a credential: the same site by another of its names, and never
/// from `https` to `http`.
#[must_use]
pub(super) fn followed(site: &Site, location: &[u8]) -> Option<Site> {
    let text = std::str::from_utf8(location).ok()?;
    let text = text.split(['?', '#']).next()?;
    let target: Site = if text.starts_with('/') && !text.starts_with("//") {
        format!("{}{text}", site.place).parse().ok()?
    } else {
        text.contains("://").then(|| text.parse().ok())??
    };
    let is_downgrade = site.place.scheme == Scheme::Https && target.place.scheme == Scheme::Http;
    let bare = |host: &str| host.strip_prefix("www.").unwrap_or(host).to_owned();
    let is_same_site = bare(&site.place.host) == bare(&target.place.host);
    (is_same_site && !is_downgrade && target != *site).then_some(target)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{Index, JwtPlugin, Root, Scheme, followed};
    use crate::check::Site;
    use crate::message::{Fields, ReplyHead, Status};

    fn root(link: &str) -> Option<Root> {
        let link = format!("<{link}>; rel=\"https://api.w.org/\"");
        Root::of_link(&ReplyHead::build(Status::OK, Fields::from([("Link", link.as_str())])))
    }

    #[test]
    fn the_root_is_read_from_link_and_stays_at_the_place_asked() {
        for (link, target) in [
            ("https://a.test/wp-json/", "/wp-json/wp/v2/users/me?x=1"),
            ("https://other.test/blog/wp-json/", "/blog/wp-json/wp/v2/users/me?x=1"),
            ("https://a.test/?rest_route=/", "/?rest_route=/wp/v2/users/me&x=1"),
            ("https://a.test/index.php?rest_route=/", "/index.php?rest_route=/wp/v2/users/me&x=1"),
        ] {
            assert_eq!(root(link).unwrap().target("/wp/v2/users/me?x=1"), target, "{link}");
        }
        assert_eq!(root("/wp-json/"), None);
    }

    #[test]
    fn an_index_tells_the_methods() {
        let text = br#"{"home":"https://a.test","namespaces":["wp/v2","jwt-auth/v1","<b>"],
            "authentication":{"application-passwords":{}}}"#;
        let index = Index::read(text).unwrap();
        assert!(index.has("jwt-auth/v1") && !index.has("<b>"));
        assert_eq!(index.methods(&JwtPlugin::default()).len(), 3);
        assert_eq!(index.home.unwrap().to_string(), "https://a.test");
        for text in ["{}", "<html>", r#"{"namespaces":1}"#, "[]"] {
            assert_eq!(Index::read(text.as_bytes()), None, "{text}");
        }
        assert!(Index::read(br#"{"namespaces":[],"authentication":[]}"#).is_some());
    }

    #[test]
    fn only_the_same_site_is_followed_and_never_out_of_tls() {
        let led = |from: &str, to: &str| {
            let site: Site = from.parse().unwrap();
            followed(&site, to.as_bytes()).map(|site| site.to_string())
        };
        let to = |text: &str| Some(text.to_owned());
        assert_eq!(led("https://a.test", "https://www.a.test/"), to("https://www.a.test"));
        assert_eq!(led("http://a.test", "https://a.test/?x"), to("https://a.test"));
        assert_eq!(led("https://a.test", "/de/"), to("https://a.test/de"));
        assert_eq!(led("https://a.test", "http://a.test/"), None);
        assert_eq!(led("https://a.test", "https://evil.test/"), None);
        assert_eq!(led("https://a.test", "//evil.test/"), None);
        assert_eq!(led("https://a.test", "https://a.test/"), None);
    }

    proptest! {
        #[test]
        fn nothing_leads_off_the_site_or_breaks_a_request(
            location in "(https?:)?/{0,2}[ -~]{0,30}|\\PC{0,20}",
            bytes in any::<Vec<u8>>(),
        ) {
            let site: Site = "https://a.test/blog".parse().unwrap();
            for text in [location.as_bytes(), &bytes] {
                if let Some(next) = followed(&site, text) {
                    assert!(["a.test", "www.a.test"].contains(&&*next.place.host), "{next}");
                    assert_eq!(next.place.scheme, Scheme::Https);
                }
                std::hint::black_box(Index::read(text));
            }
            if let Some(root) = root(&format!("https://a.test{location}")) {
                assert!(root.target("/x").bytes().all(|byte| byte.is_ascii_graphic()));
            }
        }
    }
}
