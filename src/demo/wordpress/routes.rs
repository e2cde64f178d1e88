//! The routes, who may use them, and what they answer.

use serde_json::{Value, json};

use super::{Asked, Refused, User, WordPress, login};

/// A route's name, its namespace, its method, and what it does.
struct Route {
    path: &'static str,
    namespace: &'static str,
    method: &'static str,
    callback: Callback,
}

/// Answers a request of this caller.
type Callback = fn(&WordPress, &Asked<'_>, Option<User>) -> Result<Value, Refused>;

const ROUTES: [Route; 6] = [
    Route { path: "/", namespace: "", method: "GET", callback: index },
    Route { path: "/wp/v2/posts", namespace: "wp/v2", method: "GET", callback: posts },
    Route { path: "/wp/v2/users/me", namespace: "wp/v2", method: "GET", callback: me },
    Route { path: "/my-app/v1/reports", namespace: "my-app/v1", method: "GET", callback: reports },
    Route { path: "/jwt-auth/v1/token", namespace: "jwt-auth/v1", method: "POST", callback: login::token },
    Route {
        path: "/jwt-auth/v1/token/validate",
        namespace: "jwt-auth/v1",
        method: "POST",
        callback: validate,
    },
];

/// What the REST server answers to a known caller, and the methods of the route when there is one.
pub(super) fn dispatch(
    wordpress: &WordPress,
    asked: &Asked<'_>,
    user: Option<User>,
) -> (Result<Value, Refused>, Option<&'static str>) {
    let path = match asked.route.trim_end_matches('/') {
        "" => "/",
        path => path,
    };
    let route = ROUTES.iter().find(|route| route.path == path);
    match (asked.method, route) {
        ("OPTIONS", Some(route)) => (Ok(schema(route)), Some(route.method)),
        ("OPTIONS", None) => (Ok(json!([])), None),
        (method, Some(route)) if method == route.method || (method, route.method) == ("HEAD", "GET") => {
            ((route.callback)(wordpress, asked, user), Some(route.method))
        }
        // Core has no 405: a method that no handler takes is no route (`match_request_to_handler`).
        _ => (Err(no_route()), None),
    }
}

/// What `rest_handle_options_request` tells about a route.
fn schema(route: &Route) -> Value {
    json!({
        "namespace": route.namespace, "methods": [route.method],
        "endpoints": [{ "methods": [route.method], "args": [] }],
    })
}

fn index(wordpress: &WordPress, _: &Asked<'_>, _: Option<User>) -> Result<Value, Refused> {
    let routes: serde_json::Map<_, _> =
        ROUTES.iter().map(|route| (route.path.to_owned(), schema(route))).collect();
    Ok(json!({
        "name": "header-doctor demo", "description": "An imitation of WordPress",
        "url": wordpress.home(), "home": wordpress.home(),
        "namespaces": ["jwt-auth/v1", "my-app/v1", "wp/v2"], "authentication": [], "routes": routes,
    }))
}

fn posts(wordpress: &WordPress, _: &Asked<'_>, _: Option<User>) -> Result<Value, Refused> {
    let link = format!("{}/hello-world/", wordpress.home());
    Ok(
        json!([{ "id": 1, "slug": "hello-world", "link": link, "title": { "rendered": "Hello world!" }, "author": 1 }]),
    )
}

fn me(wordpress: &WordPress, _: &Asked<'_>, user: Option<User>) -> Result<Value, Refused> {
    let Some(user) = user else {
        return Err(Refused::new(401, "rest_not_logged_in", "You are not currently logged in."));
    };
    let link = format!("{}/author/{}/", wordpress.home(), user.login);
    Ok(json!({ "id": user.id, "name": user.login, "link": link, "slug": user.login }))
}

/// A route of an application, which asks for the capability `edit_posts`.
fn reports(_: &WordPress, _: &Asked<'_>, user: Option<User>) -> Result<Value, Refused> {
    match user {
        Some(user) if user.edits_posts => Ok(json!({ "reports": format!("for {}", user.login) })),
        // `rest_authorization_required_code`: 403 to a known user, 401 to anybody else.
        user => {
            let status = if user.is_some() { 403 } else { 401 };
            Err(Refused::new(status, "rest_forbidden", "Sorry, you are not allowed to do that."))
        }
    }
}

fn validate(wordpress: &WordPress, asked: &Asked<'_>, _: Option<User>) -> Result<Value, Refused> {
    wordpress.plugin.validate(asked.authorization, asked.now)
}

fn no_route() -> Refused {
    Refused::new(404, "rest_no_route", "No route was found matching the URL and request method.")
}
