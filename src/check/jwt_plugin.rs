//! Which plugin answers `jwt-auth/v1`, and in which version: several use that namespace, and their routes differ.
//!
//! A version is told from outside by the manual that comes with a plugin alone, where the site serves it. Of its text
//! nothing is believed but a number.

use serde_json::Value;

/// Where Tmeister's plugin has its manual, below the folder of the site.
pub(super) const MANUAL: &str = "/wp-content/plugins/jwt-authentication-for-wp-rest-api/readme.txt";

/// The plugin, as far as it tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct JwtPlugin {
    /// Which one.
    pub(super) kind: Option<Kind>,
    /// Its version, by the manual.
    pub(super) version: Option<String>,
}

/// Which plugin, by its routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `token` and `token/validate`.
    Tmeister,
    /// `token/refresh` as well.
    Usefulteam,
    /// `token/revoke` as well.
    Pro,
}

impl Kind {
    /// Reads the index of the namespace; nothing when it is none, or of a plugin unknown here.
    #[must_use]
    pub(super) fn of_routes(body: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(body).ok()?;
        let routes = value.get("routes")?.as_object()?;
        let has = |route: &str| routes.contains_key(&format!("/jwt-auth/v1/token{route}"));
        match (has("") && has("/validate"), has("/refresh"), has("/revoke")) {
            (_, _, true) => Some(Self::Pro),
            (true, true, false) => Some(Self::Usefulteam),
            (true, false, false) => Some(Self::Tmeister),
            (false, _, false) => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Tmeister => "JWT Authentication for WP REST API",
            Self::Usefulteam => "JWT Auth by usefulteam",
            Self::Pro => "JWT Auth Pro, by its routes",
        }
    }
}

impl JwtPlugin {
    /// Whether the manual that is asked for may be its own.
    #[must_use]
    pub(super) const fn may_have_manual(&self) -> bool {
        matches!(self.kind, None | Some(Kind::Tmeister))
    }

    /// In words. The manual is that of one plugin, and may lie there unused beside another.
    #[must_use]
    pub(super) fn words(&self) -> String {
        let name = match (self.kind, &self.version) {
            (Some(kind), _) => kind.name(),
            (None, Some(_)) => "perhaps JWT Authentication for WP REST API",
            (None, None) => "JWT",
        };
        match self.version.as_ref().filter(|_| self.may_have_manual()) {
            Some(version) => format!("{name} {version} by its readme.txt (jwt-auth/v1)"),
            None => format!("{name} (jwt-auth/v1, version not told)"),
        }
    }
}

/// The version in a manual: `Stable tag: 1.3.4`; at most 16 digits and points.
#[must_use]
pub(super) fn version(body: &[u8]) -> Option<String> {
    const LABEL: &str = "stable tag:";
    let line = body.split(|byte| matches!(byte, b'\r' | b'\n')).find(|line| {
        line.get(..LABEL.len()).is_some_and(|label| label.eq_ignore_ascii_case(LABEL.as_bytes()))
    })?;
    let value = std::str::from_utf8(line.get(LABEL.len()..)?).ok()?.trim();
    let is_plain = value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    (is_plain && (1..=16).contains(&value.len()) && value.starts_with(|first: char| first.is_ascii_digit()))
        .then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{JwtPlugin, Kind, version};

    #[test]
    fn plugins_are_told_by_their_routes() {
        let all = ["", "/validate", "/refresh", "/revoke"];
        for (routes, kind) in [
            (&all[..2], Some(Kind::Tmeister)),
            (&all[..3], Some(Kind::Usefulteam)),
            (&all[..], Some(Kind::Pro)),
            (&all[..1], None),
        ] {
            let routes: Vec<_> =
                routes.iter().map(|route| format!(r#""/jwt-auth/v1/token{route}":{{}}"#)).collect();
            let body = format!(r#"{{"namespace":"jwt-auth/v1","routes":{{{}}}}}"#, routes.join(","));
            assert_eq!(Kind::of_routes(body.as_bytes()), kind, "{body}");
        }
        for body in ["", "[]", r#"{"routes":[]}"#, r#"{"code":"rest_no_route"}"#] {
            assert_eq!(Kind::of_routes(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn a_version_is_a_number_or_not_told() {
        for (text, expected) in [
            ("=== JWT ===\nTags: x\nStable tag: 1.3.4\nLicense: x", Some("1.3.4")),
            ("stable TAG:1.5.0\r\n", Some("1.5.0")),
            ("Stable tag: trunk\n", None),
            ("Stable tag: \n", None),
            ("Stable tag: 1.2.3.4.5.6.7.8.9.10\n", None),
            ("Stable tag: 1.0<b>\n", None),
            ("<html>Stable tag: 1.0", None),
        ] {
            assert_eq!(version(text.as_bytes()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_manual_of_another_plugin_says_nothing() {
        let words =
            |kind, version: Option<&str>| JwtPlugin { kind, version: version.map(str::to_owned) }.words();
        for (kind, version, expected) in [
            (
                Some(Kind::Tmeister),
                Some("1.3.4"),
                "JWT Authentication for WP REST API 1.3.4 by its readme.txt (jwt-auth/v1)",
            ),
            (Some(Kind::Usefulteam), Some("1.3.4"), "JWT Auth by usefulteam (jwt-auth/v1, version not told)"),
            (None, None, "JWT (jwt-auth/v1, version not told)"),
        ] {
            assert_eq!(words(kind, version), expected);
        }
    }

    proptest! {
        #[test]
        fn whatever_a_site_sends_a_version_stays_short(bytes in any::<Vec<u8>>(), text in "stable tag: ?[ -~]{0,30}") {
            for body in [&bytes[..], text.as_bytes()] {
                std::hint::black_box(Kind::of_routes(body));
                if let Some(version) = version(body) {
                    assert!(version.len() <= 16 && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'));
                }
            }
        }
    }
}
