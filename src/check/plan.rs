//! What is asked in what order, as far as it is known beforehand.

use super::conversation::MOST;
use super::discover::{Index, Root};
use super::examine::Task;
use super::question::{Carries, Question, Step, Wallet, Writing};
use super::site::Site;

/// The questions behind the discovery, with what is known then.
#[must_use]
pub(super) fn plan(task: &Task, root: &Root, index: Option<&Index>) -> Vec<Question> {
    let ask = |step, method, route: &str, carries| Question {
        step,
        method,
        target: root.target(route),
        carries,
        origin: None,
    };
    let mut all = Vec::new();
    if index.is_none_or(|index| index.has("jwt-auth/v1")) {
        all.push(ask(Step::Without, "POST", "/jwt-auth/v1/token/validate", Carries::Nothing));
        all.push(ask(Step::With, "POST", "/jwt-auth/v1/token/validate", Carries::Probe));
    }
    let Wallet { password, app_password, token, .. } = &task.wallet;
    if password.is_some() {
        all.push(ask(Step::Token, "POST", "/jwt-auth/v1/token", Carries::Login));
    }
    if password.is_some() || token.is_some() {
        all.push(ask(Step::Validate, "POST", "/jwt-auth/v1/token/validate", Carries::Token));
        all.push(ask(Step::Me, "GET", "/wp/v2/users/me", Carries::Token));
        let steps = task.endpoints.iter().map(|endpoint| {
            let target = target(endpoint, task, root, index);
            Question { target, ..ask(Step::Endpoint(endpoint.clone()), "GET", "/", Carries::Token) }
        });
        all.extend(steps);
    }
    if app_password.is_some() {
        all.push(ask(Step::AppMe, "GET", "/wp/v2/users/me", Carries::AppPassword));
        let steps = task.endpoints.iter().map(|endpoint| {
            let target = target(endpoint, task, root, index);
            Question { target, ..ask(Step::AppEndpoint(endpoint.clone()), "GET", "/", Carries::AppPassword) }
        });
        all.extend(steps);
    }
    if let Some(origin) = &task.browser_origin {
        all.extend(from_page(task, root, index, origin));
    }
    all
}

/// What is asked last, in public alone, while requests are left: caches, and pages that write.
#[must_use]
pub(super) fn last(task: &Task, root: &Root, index: Option<&Index>) -> Vec<Question> {
    let mut all = stored(task, root);
    if let Some(origin) = &task.browser_origin {
        all.extend(announced(task, root, index, origin));
    }
    all
}

/// What a browser does for a page: it asks first, and then for the thing itself.
fn from_page(task: &Task, root: &Root, index: Option<&Index>, origin: &str) -> Vec<Question> {
    let own = vec!["/wp/v2/users/me".to_owned()];
    let endpoints = if task.endpoints.is_empty() { &own } else { &task.endpoints };
    let ask = |step, method, endpoint: &String| Question {
        step,
        method,
        target: target(endpoint, task, root, index),
        carries: Carries::Nothing,
        origin: Some(origin.to_owned()),
    };
    let both = |endpoint: &String| {
        [
            ask(Step::Preflight(endpoint.clone()), "OPTIONS", endpoint),
            ask(Step::FromPage(endpoint.clone()), "GET", endpoint),
        ]
    };
    endpoints.iter().flat_map(both).collect()
}

/// An address that nobody asked for before, with a credential and without. Of its reply `_fields` leaves nothing.
fn stored(task: &Task, root: &Root) -> Vec<Question> {
    let Wallet { password, app_password, token, .. } = &task.wallet;
    let carries = match (password.is_some() || token.is_some(), app_password.is_some()) {
        (true, _) => Carries::Token,
        (false, true) => Carries::AppPassword,
        (false, false) => return Vec::new(),
    };
    let target = root.target(&format!("/wp/v2/users/me?_fields=none&header_doctor={}", task.fresh));
    let ask = |step, carries| Question { step, method: "GET", target: target.clone(), carries, origin: None };
    vec![ask(Step::Fresh, carries), ask(Step::Stored, Carries::Nothing)]
}

/// What a browser asks before a page may write to the endpoints; it is not written to them.
fn announced(task: &Task, root: &Root, index: Option<&Index>, origin: &str) -> Vec<Question> {
    let ask = |writing, endpoint: &String| Question {
        step: Step::Announced(writing, endpoint.clone()),
        method: "OPTIONS",
        target: target(endpoint, task, root, index),
        carries: Carries::Nothing,
        origin: Some(origin.to_owned()),
    };
    let each = |endpoint: &String| Writing::ALL.map(|writing| ask(writing, endpoint));
    task.endpoints.iter().flat_map(each).collect()
}

/// The questions of the discovery.
#[must_use]
pub(super) fn discovery(site: &Site, root: &Root) -> [Question; 2] {
    let page = if site.folder.is_empty() { "/".to_owned() } else { format!("{}/", site.folder) };
    let ask =
        |step, target| Question { step, method: "GET", target, carries: Carries::Nothing, origin: None };
    [ask(Step::Page, page), ask(Step::Index, root.target("/?_fields=name,home,namespaces,authentication"))]
}

/// The path of an endpoint. What begins with a namespace is a route of the REST server, and so is everything while none is
/// known; what stands below `/wp-json` and whatever else is a path of the site.
fn target(endpoint: &str, task: &Task, root: &Root, index: Option<&Index>) -> String {
    let endpoint = format!("/{}", endpoint.trim_start_matches('/'));
    if let Some((_, route)) = endpoint.split_once("/wp-json/") {
        return root.target(&format!("/{route}"));
    }
    let is_below = |namespace: &String| {
        endpoint
            .get(1..)
            .and_then(|path| path.strip_prefix(namespace.as_str()))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
    };
    let is_route = index.is_none_or(|index| index.namespaces.iter().any(is_below));
    if is_route { root.target(&endpoint) } else { format!("{}{endpoint}", task.site.folder) }
}

/// What would be asked, without asking: the questions, as far as they are known beforehand.
#[must_use]
pub fn foreseen(task: &Task) -> Vec<Question> {
    let root = Root::usual(&task.site.folder);
    let first = discovery(&task.site, &root);
    let mut all: Vec<_> = first.into_iter().chain(plan(task, &root, None)).collect();
    let again: Vec<_> = plan(task, &root, None).into_iter().filter(Question::is_asked_again).collect();
    for _ in &task.origins {
        all.extend(again.iter().cloned());
    }
    all.extend(last(task, &root, None));
    all.truncate(MOST);
    all
}
