//! What is asked in what order, as far as it is known beforehand.

use super::deep::{Beside, Size};
use super::dialect::Dialect;
use super::discover::{Index, Root};
use super::examine::Task;
use super::jwt_plugin::MANUAL;
use super::question::{Carries, Question, Step, Wallet, Writing};
use super::site::Site;

/// The questions behind the discovery, with what is known then.
#[must_use]
pub(super) fn plan(
    task: &Task,
    root: &Root,
    index: Option<&Index>,
    dialect: Option<Dialect>,
) -> Vec<Question> {
    let (method, validate) = dialect.unwrap_or_default().validate();
    let ask = |step, method, route: &str, carries| Question {
        step,
        method,
        target: root.target(route),
        carries,
        origin: None,
        dialect: dialect.unwrap_or_default(),
    };
    let mut all = Vec::new();
    if dialect.is_some() {
        all.push(ask(Step::Without, method, validate, Carries::Nothing));
        all.push(ask(Step::With, method, validate, Carries::Probe));
    }
    let Wallet { password, app_password, token, .. } = &task.wallet;
    if password.is_some() {
        all.push(ask(Step::Token, "POST", dialect.unwrap_or_default().token(), Carries::Login));
    }
    if password.is_some() || token.is_some() {
        all.push(ask(Step::Validate, method, validate, Carries::Token));
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
    if index.is_some_and(|index| index.has("jwt-auth/v1")) {
        all.extend(about_plugin(task, root));
    }
    all
}

/// What tells which JWT plugin it is.
fn about_plugin(task: &Task, root: &Root) -> [Question; 2] {
    let ask = |step, target| Question {
        step,
        method: "GET",
        target,
        carries: Carries::Nothing,
        origin: None,
        dialect: Dialect::default(),
    };
    [
        ask(Step::Routes, root.target("/jwt-auth/v1")),
        ask(Step::Manual, format!("{}{MANUAL}", task.site.folder)),
    ]
}

/// A request that a healthy path answers always alike: where the JWT plugin is, by whether `Authorization` arrived.
#[must_use]
pub(super) fn control(root: &Root, dialect: Option<Dialect>) -> Question {
    let step = Step::Control;
    let Some(dialect) = dialect else {
        let target = root.target("/?_fields=name");
        let dialect = Dialect::default();
        return Question { step, method: "GET", target, carries: Carries::Nothing, origin: None, dialect };
    };
    let (method, route) = dialect.validate();
    Question { step, method, target: root.target(route), carries: Carries::Probe, origin: None, dialect }
}

/// What `--deep` asks: one field at a time, and then one that grows. A token in another header needs a plugin that says
/// whether it saw one.
#[must_use]
pub(super) fn deep(root: &Root, dialect: Option<Dialect>, needed: Option<Size>) -> Vec<Question> {
    let control = control(root, dialect);
    let with = |step| Question { step, ..control.clone() };
    let mut all = vec![control.clone()];
    all.extend(Beside::ALL.map(|beside| with(Step::Beside(beside))));
    if control.carries == Carries::Probe {
        all.push(Question { carries: Carries::Nothing, ..with(Step::Instead) });
    }
    all.extend(Size::rungs(needed.unwrap_or(Size::USUAL)).into_iter().map(|size| with(Step::Long(size))));
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
        dialect: Dialect::default(),
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
    let ask = |step, carries| Question {
        step,
        method: "GET",
        target: target.clone(),
        carries,
        origin: None,
        dialect: Dialect::default(),
    };
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
        dialect: Dialect::default(),
    };
    let each = |endpoint: &String| Writing::ALL.map(|writing| ask(writing, endpoint));
    task.endpoints.iter().flat_map(each).collect()
}

/// The questions of the discovery.
#[must_use]
pub(super) fn discovery(site: &Site, root: &Root) -> [Question; 2] {
    let page = if site.folder.is_empty() { "/".to_owned() } else { format!("{}/", site.folder) };
    let ask = |step, target| Question {
        step,
        method: "GET",
        target,
        carries: Carries::Nothing,
        origin: None,
        dialect: Dialect::default(),
    };
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
    let (root, usual) = (Root::usual(&task.site.folder), Dialect::of(None));
    let first = discovery(&task.site, &root);
    let mut all: Vec<_> = first.into_iter().chain(plan(task, &root, None, usual)).collect();
    let again: Vec<_> = plan(task, &root, None, usual).into_iter().filter(Question::is_asked_again).collect();
    for _ in &task.origins {
        all.extend(again.iter().cloned());
    }
    all.extend(last(task, &root, None));
    if task.deep {
        all.extend(deep(&root, usual, None));
    }
    all.truncate(task.most());
    all
}
