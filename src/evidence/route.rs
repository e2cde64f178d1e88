//! What a request asked WordPress for, as far as the rules tell routes apart.
//!
//! One route has three forms of URL (`rest_api_register_rewrites`, `get_rest_url`): `/wp-json/…`,
//! `/index.php/wp-json/…` and `?rest_route=/…`. The form is kept: Apache loses headers on one and not on another.

use std::borrow::Cow;

use super::query::{Plus, decoded, names_route, rest_routes};
use crate::message::{Method, RequestHead};

/// The class of a route and the form of its URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// What is asked for.
    pub class: RouteClass,
    /// How the URL says so.
    pub form: Form,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteClass {
    /// A token is issued.
    Token,
    /// A token is examined: the one route that says whether the header arrived.
    Validate,
    /// A token is exchanged for a new one.
    Refresh,
    /// `wp/v2/users/me`: answers 200 exactly when WordPress knows who asks.
    UsersMe,
    /// What core shows to anybody: posts, pages, terms, media, comments, the index, when they are only read.
    Public,
    /// Any other REST route.
    Rest,
    /// No REST route.
    NotRest,
}

/// The form of a REST URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `/wp-json/…`
    Pretty,
    /// `/index.php/wp-json/…`
    Index,
    /// `?rest_route=/…`
    Query,
}

impl Route {
    /// Reads the route of a request.
    #[must_use]
    pub fn of(head: &RequestHead) -> Self {
        let class = |route: &[u8]| {
            let segments = segments(route);
            if is_public(head.method, &segments) && !asks_for_more(head.query()) {
                return RouteClass::Public;
            }
            class(&segments)
        };
        let no_rest = Self { class: RouteClass::NotRest, form: Form::Pretty };
        named(head).map_or(no_rest, |(route, form)| Self { class: class(&route), form })
    }
}

impl RouteClass {
    /// The class of [`Route::of`], at little cost: every exchange is counted by it.
    #[must_use]
    pub fn of(head: &RequestHead) -> Self {
        plain(head).unwrap_or_else(|| Route::of(head).class)
    }
}

/// The class where the target tells it plainly: the route begins it or there is none, nothing in it is encoded, and no parameter
/// names the route or bears on who may see it. Few targets of pages have a `j`.
fn plain(head: &RequestHead) -> Option<RouteClass> {
    let target = head.target();
    let end = match memchr::memchr3(b'j', b'?', b'%', target) {
        None => return Some(RouteClass::NotRest),
        Some(at) if target.get(at) == Some(&b'?') => {
            let query = target.get(at + 1..).unwrap_or_default();
            return (!bears(query)).then_some(RouteClass::NotRest);
        }
        // The whole target is searched, since a short rest of it would be searched byte by byte.
        Some(_) => memchr::memchr2(b'?', b'%', target).unwrap_or(target.len()),
    };
    let (path, rest) = target.split_at_checked(end)?;
    match rest {
        [] => {}
        [b'?', query @ ..] if !bears(query) => {}
        _ => return None,
    }
    let route = path.strip_prefix(PREFIX)?;
    match route {
        [] | [b'/'] | [b'/', b'/' | b'a' | b'j' | b's', ..] | [b'/', b'w', b'p', ..] => {}
        [b'/', ..] => return Some(RouteClass::Rest),
        _ => return Some(RouteClass::NotRest),
    }
    let segments = segments(route);
    Some(if is_public(head.method, &segments) { RouteClass::Public } else { class(&segments) })
}

/// Whether a parameter may be `rest_route`, however it is spelled, or `context`, `status` or `_method`.
fn bears(query: &[u8]) -> bool {
    let may_be = |pair: &[u8]| {
        matches!(pair, [b'r' | b'%' | b'+' | b' ', ..] | [b'c', b'o' | b'%', ..])
            || matches!(pair, [b's', b't' | b'%', ..] | [b'_', b'm' | b'%', ..])
    };
    let begins = std::iter::once(0).chain(memchr::memchr_iter(b'&', query).map(|at| at + 1));
    begins.filter_map(|at| query.get(at..)).any(may_be)
}

/// The route by its name, and the form of the URL.
fn named(head: &RequestHead) -> Option<(Cow<'_, [u8]>, Form)> {
    // The parameter outdoes the path (`WP::parse_request`), and its last value the others.
    let query = head.query();
    if !query.is_empty()
        && let Some(route) = rest_routes(query).last()
    {
        return names_route(&route).then_some((route, Form::Query));
    }
    let path = decoded(head.path(), Plus::Stays);
    let (before, route) = below_prefix(&path)?;
    let form = if before.ends_with(b"/index.php") { Form::Index } else { Form::Pretty };
    Some((Cow::Owned(route.to_owned()), form))
}

/// Whether a route is of a plugin that issues Bearer tokens of its own.
pub(super) fn has_other_bearers(head: &RequestHead) -> bool {
    const NAMESPACES: [&[u8]; 3] = [b"wcpos", b"oauth", b"oauth2"];
    named(head).is_some_and(|(route, _)| {
        let mut segments = route.split(|byte| *byte == b'/').filter(|segment| !segment.is_empty());
        segments.next().is_some_and(|first| NAMESPACES.contains(&first))
    })
}

/// The methods that a route of a login plugin takes, by what the plugins register; empty for any other route. The route of a
/// plugin that may not be there at all is told by its name.
pub(super) fn methods(head: &RequestHead) -> &'static [Method] {
    const POST: &[Method] = &[Method::Post];
    const BOTH: &[Method] = &[Method::Get, Method::Post];
    with_route(head, |route| {
        let mut segments = route.split(|byte| *byte == b'/').filter(|segment| !segment.is_empty());
        let mut next = || segments.next().unwrap_or_default();
        // Tmeister and usefulteam; Simple JWT Login; miniOrange.
        match [next(), next(), next(), next(), next()] {
            [b"jwt-auth", b"v1", b"token", b"" | b"validate" | b"refresh", b""] => POST,
            [b"simple-jwt-login", b"v1", b"auth", b"" | b"refresh", b""] => POST,
            [b"simple-jwt-login", b"v1", b"auth", b"validate", b""] => BOTH,
            [b"api", b"v1", b"token", b"", b""] => POST,
            _ => &[],
        }
    })
}

/// Whether a route is Simple JWT Login's own: numbers for errors stand there with certainty.
pub(super) fn is_simple_jwt_login(head: &RequestHead) -> bool {
    with_route(head, |route| route.starts_with(b"/simple-jwt-login/"))
}

/// The route that the request names, as far as it names one, handed to `ask`.
fn with_route<T: Default>(head: &RequestHead, ask: impl FnOnce(&[u8]) -> T) -> T {
    named(head).map(|(route, _)| ask(&route)).unwrap_or_default()
}

/// The target of another route of the same WordPress by the same form of URL, as it was written; nothing where the request names no
/// route that could be replaced.
#[must_use]
pub fn beside(head: &RequestHead, route: &str) -> Option<String> {
    let path = str::from_utf8(head.path()).ok()?;
    if rest_routes(head.query()).next().is_some() {
        return Some(format!("{path}?rest_route={route}"));
    }
    let (before, _) = path.split_once("/wp-json")?;
    Some(format!("{before}/wp-json{route}"))
}

/// The folder in which the WordPress lives that is asked, without a slash at its end; empty for that of the host itself, and where
/// the URL does not tell.
#[must_use]
pub fn folder(head: &RequestHead) -> &[u8] {
    let path = head.path();
    let (before, _) = match rest_routes(head.query()).next() {
        Some(_) => path.split_at(memchr::memrchr(b'/', path).unwrap_or_default()),
        None => below_prefix(path).unwrap_or_default(),
    };
    before.strip_suffix(b"/index.php").unwrap_or(before)
}

/// Where the REST server begins, by the name that nearly nobody changes (`rest_get_url_prefix`).
const PREFIX: &[u8] = b"/wp-json";

/// Splits a path around `wp-json` as a whole segment; WordPress may live in a folder, so it need not be the first.
fn below_prefix(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let start = memchr::memmem::find(path, PREFIX)?;
    let (before, rest) = path.split_at_checked(start)?;
    let route = rest.get(PREFIX.len()..)?;
    (route.is_empty() || route.starts_with(b"/")).then_some((before, route))
}

/// The first segments of a route; empty ones stand where it has no more.
fn segments(route: &[u8]) -> [&[u8]; 5] {
    let mut rest = route;
    [(); 5].map(|()| {
        loop {
            let end = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
            let (segment, after) = rest.split_at_checked(end).unwrap_or_default();
            rest = after.get(1..).unwrap_or_default();
            if !segment.is_empty() || after.is_empty() {
                return segment;
            }
        }
    })
}

fn class(segments: &[&[u8]; 5]) -> RouteClass {
    // Tmeister and usefulteam; Simple JWT Login; miniOrange; core.
    match *segments {
        [b"jwt-auth", b"v1", b"token", b"", _] => RouteClass::Token,
        [b"jwt-auth", b"v1", b"token", b"validate", b""] => RouteClass::Validate,
        [b"jwt-auth", b"v1", b"token", b"refresh", b""] => RouteClass::Refresh,
        [b"simple-jwt-login", b"v1", b"auth", b"", _] => RouteClass::Token,
        [b"simple-jwt-login", b"v1", b"auth", b"validate", b""] => RouteClass::Validate,
        [b"simple-jwt-login", b"v1", b"auth", b"refresh", b""] => RouteClass::Refresh,
        [b"api", b"v1", b"token", b"", _] => RouteClass::Token,
        [b"api", b"v1", b"token-validate", b"", _] => RouteClass::Validate,
        [b"wp", b"v2", b"users", b"me", b""] => RouteClass::UsersMe,
        _ => RouteClass::Rest,
    }
}

/// Whether anonymous callers may read this: core's own lists, one item of them, and the index (the controllers in
/// `wp-includes/rest-api/endpoints/`). A parameter that asks for more than anybody may see takes that away; an item
/// may still be private.
fn is_public(method: Method, segments: &[&[u8]; 5]) -> bool {
    let is_list = match *segments {
        [b"", ..] => true,
        [b"wp", b"v2", list, _, b""] => is_public_list(list),
        _ => false,
    };
    is_list && matches!(method, Method::Get | Method::Head)
}

const fn is_public_list(name: &[u8]) -> bool {
    matches!(
        name,
        b"posts"
            | b"pages"
            | b"categories"
            | b"tags"
            | b"media"
            | b"comments"
            | b"types"
            | b"taxonomies"
            | b"statuses"
            | b"search"
    )
}

/// `context=edit`, `status=draft`, and `_method`, which makes another method of a GET.
fn asks_for_more(query: &[u8]) -> bool {
    !query.is_empty()
        && query.split(|byte| *byte == b'&').map(|pair| decoded(pair, Plus::IsSpace)).any(|pair| {
            let asks = |name: &[u8]| pair.starts_with(name);
            let view = [b"context=view".as_slice(), b"context=embed"].contains(&&*pair);
            (asks(b"context") && !view) || asks(b"status") || asks(b"_method")
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, prop, prop_oneof, proptest};

    use super::{Form, Route, RouteClass, plain};
    use crate::message::{Fields, Method, RequestHead};

    fn targets() -> impl Strategy<Value = String> {
        const PIECES: [&str; 24] = [
            "/",
            "/wp-json",
            "wp-json",
            "/wp",
            "/v2",
            "/posts",
            "/users",
            "/me",
            "/index.php",
            "/jwt-auth/v1",
            "/token",
            "/validate",
            "?",
            "&",
            "rest_route=",
            "%72est_route=",
            "context=edit",
            "%2F",
            "x",
            "=",
            "+",
            "/api/v1/token-validate",
            "//",
            "/7",
        ];
        let pieces = prop::collection::vec(
            prop_oneof![prop::sample::select(&PIECES[..]), Just("/wp-json/wp/v2")],
            0..9,
        );
        pieces.prop_map(|pieces| format!("/{}", pieces.concat()))
    }

    proptest! {
        #[test]
        fn what_is_told_at_little_cost_is_what_is_told_at_length(target in targets(), method in "GET|POST") {
            let head = RequestHead::build(&method, &target, Fields::new());
            assert_eq!(RouteClass::of(&head), Route::of(&head).class, "{target}");
        }
    }

    #[test]
    fn the_usual_targets_are_told_at_little_cost() {
        for target in [
            "/",
            "/a/page/",
            "/wp-json",
            "/wp-json/wp/v2/posts?per_page=10&_fields=id",
            "/wp-json/jwt-auth/v1/token",
        ] {
            assert!(plain(&RequestHead::build("GET", target, Fields::new())).is_some(), "{target}");
        }
    }

    fn route(target: &str) -> Route {
        Route::of(&RequestHead::build("GET", target, Fields::new()))
    }

    #[test]
    fn routes_are_known_in_each_form() {
        let table = [
            ("/wp-json/jwt-auth/v1/token", RouteClass::Token, Form::Pretty),
            ("/wp-json/jwt-auth/v1/token/", RouteClass::Token, Form::Pretty),
            ("/index.php/wp-json/jwt-auth/v1/token/validate", RouteClass::Validate, Form::Index),
            ("/?rest_route=%2Fjwt-auth%2Fv1%2Ftoken%2Frefresh", RouteClass::Refresh, Form::Query),
            ("/index.php?x=1&rest_route=/wp/v2/users/me", RouteClass::UsersMe, Form::Query),
            ("/?rest.route=/wp/v2/users/me", RouteClass::UsersMe, Form::Query),
            ("/?rest_route=/x&rest%5Froute=/wp/v2/users/me", RouteClass::UsersMe, Form::Query),
            ("/wp-json/x?rest_route=/wp/v2/users/me", RouteClass::UsersMe, Form::Query),
            ("/wp-json/wp/v2/users/me?rest_route=", RouteClass::NotRest, Form::Pretty),
            ("/?rest_routes=/wp/v2/users/me", RouteClass::NotRest, Form::Pretty),
            ("/blog/wp-json/wp/v2/users/me?context=edit", RouteClass::UsersMe, Form::Pretty),
            ("/wp-json/wp/v2/users/me/application-passwords", RouteClass::Rest, Form::Pretty),
            ("/wp%2Djson/wp/v2/posts", RouteClass::Public, Form::Pretty),
            ("/wp-json", RouteClass::Public, Form::Pretty),
            ("/wp-json/my-app/v1/reports", RouteClass::Rest, Form::Pretty),
            ("/wp-jsonp/x", RouteClass::NotRest, Form::Pretty),
            ("/", RouteClass::NotRest, Form::Pretty),
            ("/graphql", RouteClass::NotRest, Form::Pretty),
        ];
        for (target, class, form) in table {
            assert_eq!(route(target), Route { class, form }, "{target}");
        }
    }

    #[test]
    fn plugins_with_tokens_of_their_own_are_known_by_their_namespace() {
        let has = |target: &str| super::has_other_bearers(&RequestHead::build("GET", target, Fields::new()));
        assert!(has("/wp-json/wcpos/v1/orders") && has("/?rest_route=/oauth2/token"));
        assert!(!has("/wp-json/wp/v2/wcpos") && !has("/wp-json/my-app/v1/x") && !has("/wcpos"));
    }

    #[test]
    fn the_methods_of_login_routes_are_known() {
        let methods = |target: &str| super::methods(&RequestHead::build("GET", target, Fields::new()));
        for target in [
            "/wp-json/jwt-auth/v1/token",
            "/?rest_route=/jwt-auth/v1/token/validate",
            "/index.php/wp-json/jwt-auth/v1/token/refresh/",
            "/wp-json/simple-jwt-login/v1/auth",
            "/wp-json/api/v1/token",
        ] {
            assert_eq!(methods(target), [Method::Post], "{target}");
        }
        assert_eq!(methods("/wp-json/simple-jwt-login/v1/auth/validate"), [Method::Get, Method::Post]);
        for target in ["/wp-json/wp/v2/posts", "/jwt-auth/v1/token", "/wp-json/jwt-auth/v1/token/revoke", "/"]
        {
            assert!(methods(target).is_empty(), "{target}");
        }
    }

    #[test]
    fn what_anybody_may_read_is_public() {
        let class =
            |method: &str, target: &str| Route::of(&RequestHead::build(method, target, Fields::new())).class;
        for target in [
            "/wp-json/",
            "/?rest_route=/",
            "/wp-json/wp/v2/posts?per_page=5&context=view",
            "/wp-json/wp/v2/posts/12",
            "/index.php/wp-json/wp/v2/categories/",
            "/?rest_route=/wp/v2/media&search=x",
        ] {
            assert_eq!(class("GET", target), RouteClass::Public, "{target}");
            assert_eq!(class("HEAD", target), RouteClass::Public, "{target}");
            assert_eq!(class("POST", target), RouteClass::Rest, "{target}");
        }
        for target in [
            "/wp-json/wp/v2/posts?context=edit",
            "/wp-json/wp/v2/posts?context=%65dit",
            "/wp-json/wp/v2/posts?status=draft",
            "/wp-json/wp/v2/posts?status%5B%5D=draft",
            "/wp-json/wp/v2/posts?_method=DELETE",
            "/wp-json/wp/v2/posts/12/revisions",
            "/wp-json/wp/v2/settings",
            "/wp-json/wp/v2/users",
            "/wp-json/my-app/v1/posts",
        ] {
            assert_eq!(class("GET", target), RouteClass::Rest, "{target}");
        }
    }
}
