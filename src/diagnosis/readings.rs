//! What several rules read alike in a trail and a symptom, and the hops that they tell alike.

use std::time::Duration;

use super::company::{accompanied, doctors, is_of_another, is_unchanged};
use super::{Decision, Mark, Proof, Stop};
use crate::browser::Block;
use crate::evidence::{
    AnsweredBy, Basic, Change, Company, Credential, Difference, Elsewhere, Form, Home, Hop, HopName, Message,
    Plugin, Return, RouteClass, Session, Symptom, Token, Trail, Watched, Wrapping,
};
use crate::message::Method;

/// What is concluded from the credential that WordPress judged, or from its absence: it has no ground once PHP says that the
/// client's never arrived.
pub(super) const OF_THE_CREDENTIAL_IN_PHP: &[&str] = &[
    "authorization-twice",
    "gate-in-front",
    "authorization-replaced",
    "gate-login-reaches-wordpress",
    "basic-taken-by-old-jwt-plugin",
    "application-passwords-need-https",
    "application-passwords-off",
    "basic-unreadable",
    "cookie-beats-basic",
    "application-password-refused",
    "token-cut-short",
    "bearer-of-another-plugin",
    "token-of-another-site",
    "issuer-flips-with-https",
    "token-of-another-plugin",
    "placeholder-token",
    "stale-token-on-public-route",
    "bearer-scheme-wrong",
    "token-wrapped",
    "token-not-a-jwt",
    "token-expired",
    "token-not-yet-valid",
    "token-algorithm-refused",
    "token-signature-refused",
    "token-issuer-mismatch",
    "login-refused",
    "permission-refused",
];

/// Client and doctor, when the header came and left as it was.
pub(super) fn untouched(trail: &Trail) -> Vec<Stop> {
    let doctor = Stop::new(Hop::Doctor, Mark::Good);
    vec![
        Stop::new(Hop::Client, Mark::Good),
        if trail.is_unchanged() { doctor } else { doctor.noted("changed") },
    ]
}

/// Whether the browser gets no `Access-Control-Allow-Origin` where WordPress would have sent it, had it seen `Origin`.
pub(super) fn wants_for_origin(symptom: &Symptom) -> bool {
    let lacks = symptom.blocked.as_deref().is_some_and(|blocked| blocked.block == Block::NoAllowOrigin);
    let is_wordpress = matches!(symptom.answered_by, AnsweredBy::WordPressRest | AnsweredBy::WordPress);
    lacks && is_wordpress && !symptom.from_cache && !symptom.html_for_rest
}

/// Whether WordPress's REST server answered as it does where no `Origin` comes, though one was sent on, and nobody knows more.
/// Where PHP is asked directly nothing can have taken it away.
pub(super) fn lacks_its_origin(trail: &Trail, symptom: &Symptom) -> bool {
    let is_sent = trail.sighting(&Hop::Doctor, Watched::Origin).is_some_and(|sent| sent.once().is_some());
    let is_known = trail.company.as_ref().is_some_and(|company| company.first(Watched::Origin).is_some());
    let is_rest = trail.route.class != RouteClass::NotRest && symptom.has_rest_fields && !symptom.before_cors;
    let may_be = !trail.memory.direct && !trail.memory.origin_stripped && !is_of_another(trail);
    is_sent && !is_known && is_rest && may_be && wants_for_origin(symptom)
}

/// Whether `Origin` is known to be lost behind this doctor, which is told of the exchanges that prove it.
pub(super) fn lost_its_origin(trail: &Trail, symptom: &Symptom) -> bool {
    trail.memory.origin_stripped && wants_for_origin(symptom)
}

/// Client and doctor in order, and PHP.
pub(super) fn until_php(trail: &Trail, note: &'static str) -> Vec<Stop> {
    let mut path = untouched(trail);
    path.push(Stop::new(Hop::Php, Mark::Bad).noted(note));
    path
}

/// What follows where PHP ran no script, or none to its end.
pub(super) const NOT_JUDGED: &str = "Token not judged. Do not rotate secrets";

/// How long ago, in words.
pub(super) fn ago(time: Duration) -> String {
    match time.as_secs() {
        0 => "just now".to_owned(),
        1 => "a second ago".to_owned(),
        seconds @ 2..120 => format!("{seconds} seconds ago"),
        seconds => format!("{} minutes ago", seconds / 60),
    }
}

/// Whether the plugin refused to refresh, for what came in place of a good refresh token.
pub(super) fn refuses_to_refresh(trail: &Trail, symptom: &Symptom) -> bool {
    let others = ["jwt_auth_no_auth_cookie", "jwt_auth_bad_config"];
    let is_plugins = symptom.code().starts_with("jwt_auth_") && !others.contains(&symptom.code());
    let refuses = matches!(symptom.status.code(), 400 | 401 | 403);
    trail.route.class == RouteClass::Refresh && refuses && is_plugins && !symptom.from_cache
}

/// Whether the REST server does not know the caller, who brought a token in its time.
pub(super) fn is_refused_caller(trail: &Trail, symptom: &Symptom) -> bool {
    let is_token = trail.credential == Credential::Bearer(Token::Jwt);
    let in_time =
        trail.times().is_some_and(|times| times.good(symptom.now()) && times.good(symptom.received));
    is_token && in_time && symptom.is_permission(401) && !symptom.from_cache && !symptom.knows_user
}

/// What a token's times are by one clock.
#[derive(Clone, Copy)]
pub(super) struct ByClock {
    pub(super) is_over: bool,
    pub(super) is_to_come: bool,
}

/// What a token's times are by our clock, with the few seconds that clocks differ by in any case, and by the reply's date
/// where it has one.
pub(super) fn times_by(trail: &Trail, symptom: &Symptom) -> Option<(ByClock, Option<ByClock>)> {
    let (slack, second) = (Duration::from_secs(5), Duration::from_secs(1));
    let times = trail.times()?;
    let ours = ByClock {
        is_over: times.over(symptom.received.after(slack)),
        is_to_come: times.to_come(symptom.received),
    };
    // `Date` has whole seconds, and web servers keep it for up to one.
    let theirs = symptom.date.map(|date| ByClock {
        is_over: times.over(date.after(second)),
        is_to_come: times.to_come(date.after(second)),
    });
    Some((ours, theirs))
}

/// Another upstream that took this very token. One that issued it says nothing of its time.
pub(super) fn taken_elsewhere(trail: &Trail) -> Option<&Elsewhere> {
    trail.past.elsewhere.as_ref().filter(|there| !there.issued)
}

/// Whether several doctors saw the same `Authorization` pass.
pub(super) fn is_accompanied(trail: &Trail) -> bool {
    accompanied(trail).is_some_and(is_unchanged)
}

/// What the last doctor is called that saw `Authorization`: the one nearest to WordPress.
pub(super) fn last_doctor(trail: &Trail) -> &str {
    let last = accompanied(trail).and_then(|company| doctors(company).last().copied());
    last.map_or(if trail.memory.probe { "client" } else { "doctor" }, HopName::as_str)
}

/// A client that sent something wrong, and the doctor that passed it on.
pub(super) fn sent_wrong(trail: &Trail, note: String) -> Vec<Stop> {
    let passed = if trail.is_unchanged() { "unchanged" } else { "changed" };
    vec![Stop::new(Hop::Client, Mark::Bad).noted(note), Stop::new(Hop::Doctor, Mark::Good).noted(passed)]
}

/// What the URLs of all routes begin with.
pub(super) const fn root(form: Form) -> &'static str {
    match form {
        Form::Pretty => "/wp-json",
        Form::Index => "/index.php/wp-json",
        Form::Query => "/?rest_route=",
    }
}

/// The question that separates a lost header from a refused token: `token/validate` alone says whether a header
/// arrived. It is asked in the form of URL that failed, since the form decides what Apache loses.
pub(super) fn ask_validate(trail: &Trail, token: &str, reading: &'static str) -> Decision {
    let root = root(trail.route.form);
    let command = format!(
        r#"curl -i -X POST "$SITE{root}/jwt-auth/v1/token/validate" -H "Authorization: Bearer {token}""#
    );
    Decision { command, reading }
}

/// How sure our own reading is, once the reply says the same: a reply without the REST server's marks may be anybody's.
pub(super) fn agreed(symptom: &Symptom) -> Proof {
    if symptom.answered_by == AnsweredBy::WordPressRest { Proof::Proved } else { Proof::Likely }
}

/// What php-jwt said of the token, when the reply says that it was refused.
pub(super) fn decoding(symptom: &Symptom) -> Option<Message> {
    symptom.message().filter(|_| symptom.refused_with("jwt_auth_invalid_token"))
}

/// Whether the REST server, or a plugin that closes it, took the caller for anonymous.
pub(super) fn is_anonymous(symptom: &Symptom) -> bool {
    let locked =
        symptom.is_refusal() && symptom.error.as_ref().is_some_and(|error| error.code.is_for_strangers());
    !symptom.from_cache && (symptom.is_permission(401) || locked)
}

/// Whether the token may be the reason for which the caller is anonymous. At `token/validate` the plugins make nobody known, so that a site
/// that is closed refuses every token there.
pub(super) fn is_passed_over(trail: &Trail, symptom: &Symptom) -> bool {
    trail.route.class != RouteClass::Validate && is_anonymous(symptom)
}

/// How the token's issuer differs from the site, when both are known.
pub(super) fn foreign(trail: &Trail, symptom: &Symptom) -> Option<Difference> {
    trail.claims.as_ref()?.foreign(symptom.home.as_ref()?)
}

/// Whether the token is another site's: its issuer has another host than the site, and is not the host that was asked for.
/// Where it is, WordPress was asked by one name and calls itself by another.
pub(super) fn is_of_another_site(trail: &Trail, symptom: &Symptom) -> bool {
    foreign(trail, symptom) == Some(Difference::Host) && !trail.is_of_host
}

/// Whether WordPress judged the token that was seen, with nothing around it. Escapes are removed on all routes but one.
pub(super) fn is_token_intact(trail: &Trail) -> bool {
    match trail.credential {
        Credential::Bearer(Token::Jwt) => true,
        Credential::Bearer(Token::Wrapped(Wrapping::Escapes(_))) => trail.route.class != RouteClass::Validate,
        _ => false,
    }
}

/// Whether `Authorization` was sent on with anything in it.
pub(super) const fn carries_credential(trail: &Trail) -> bool {
    !matches!(trail.credential, Credential::Absent | Credential::Empty | Credential::Several)
}

/// Whether a login that can be read was sent on, and WordPress took the caller for anonymous; and it is neither for the
/// doctor's own word that the client uses no TLS, nor a login that was put there on the way.
pub(super) fn is_login_ignored(trail: &Trail, symptom: &Symptom) -> bool {
    let is_clients = accompanied(trail).is_none_or(is_unchanged) && trail.treatment.disbelieved.is_none();
    trail.basic == Some(Basic::Good) && is_clients && is_anonymous(symptom)
}

/// Core's code for a login behind `Basic`. usefulteam/jwt-auth has the same ones for the login in a body.
pub(super) fn refused_by_basic(trail: &Trail, symptom: &Symptom) -> Option<&'static str> {
    let codes = ["incorrect_password", "invalid_username", "invalid_email"];
    let is_of_basic = trail.credential == Credential::Basic
        && symptom.status.code() == 401
        && symptom.plugin != Some(Plugin::Usefulteam);
    codes.into_iter().find(|code| is_of_basic && symptom.refused_with(code))
}

/// Whether nobody would send a login along: with a public route, with `OPTIONS`, or with the very login for a token.
pub(super) const fn needs_no_login(trail: &Trail) -> bool {
    matches!(trail.route.class, RouteClass::Public | RouteClass::Token)
        || matches!(trail.method, Method::Options)
}

/// Whether WordPress names itself `http://`, which it does only where it sees no TLS.
pub(super) fn sees_no_tls(symptom: &Symptom) -> bool {
    symptom.home.as_ref().is_some_and(|home| !Home::is_https(home))
}

/// Whether core says that application passwords are not available: to `Basic`, or where they are managed.
pub(super) fn are_application_passwords_off(trail: &Trail, symptom: &Symptom) -> bool {
    says_off(trail, symptom, "application_passwords_disabled")
}

/// Whether core says so of this user.
pub(super) fn is_off_for_user(trail: &Trail, symptom: &Symptom) -> bool {
    says_off(trail, symptom, "application_passwords_disabled_for_user")
}

pub(super) fn says_off(trail: &Trail, symptom: &Symptom, code: &str) -> bool {
    let is_core =
        symptom.answered_by == AnsweredBy::WordPressRest && symptom.plugin != Some(Plugin::Usefulteam);
    let is_asked = match symptom.status.code() {
        401 => trail.credential == Credential::Basic,
        501 => carries_credential(trail) || trail.session == Session::WithNonce,
        _ => false,
    };
    is_core && is_asked && !symptom.from_cache && symptom.code() == code
}

/// Codes that WordPress sends only once it has read a credential.
pub(super) fn names_the_credential(symptom: &Symptom) -> bool {
    let code = symptom.code();
    let by_plugin = code.starts_with("jwt_auth_") && code != "jwt_auth_no_auth_header";
    let by_core =
        ["incorrect_password", "invalid_username", "invalid_email", "application_passwords_disabled"];
    by_plugin || by_core.contains(&code)
}

/// Whether a refusal is explained by what happened to `Authorization` on the way. A login needs none; that no secret is
/// configured, a nonce and a post's password have nothing to do with it; a cache did not hear of this request.
pub(super) fn explained(change: Change, trail: &Trail, symptom: &Symptom) -> bool {
    let others = ["jwt_auth_bad_config", "rest_cookie_invalid_nonce", "rest_post_incorrect_password"];
    let is_gate = matches!(symptom.answered_by, AnsweredBy::Gate(_));
    let is_login = trail.route.class == RouteClass::Token && !is_gate;
    if symptom.from_cache || is_of_another(trail) || is_login || others.contains(&symptom.code()) {
        return false;
    }
    match change {
        Change::Respelled => false,
        Change::Missing | Change::Emptied | Change::Moved => is_unknown_caller(trail, symptom),
        Change::Duplicated if is_too_many(symptom) => true,
        Change::Duplicated | Change::Replaced | Change::Folded | Change::Truncated | Change::Added => {
            is_refused_by_site(symptom)
        }
    }
}

/// Whether a refusal is one of a caller who brought nothing.
pub(super) fn is_unknown_caller(trail: &Trail, symptom: &Symptom) -> bool {
    let is_known = symptom.knows_user || trail.session == Session::WithNonce;
    !is_known && !names_the_credential(symptom) && is_refused_by_site(symptom)
}

/// 401 by anybody but a doctor; 403 by WordPress, since firewalls say it for other reasons.
pub(super) const fn is_refused_by_site(symptom: &Symptom) -> bool {
    match (symptom.status.code(), symptom.answered_by) {
        (401, AnsweredBy::Doctor) => false,
        (401, _) => true,
        (403, by) => matches!(
            by,
            AnsweredBy::WordPressRest | AnsweredBy::RestLike | AnsweredBy::Plugin(_) | AnsweredBy::Exit
        ),
        _ => false,
    }
}

/// Whether somebody refuses two lines of `Authorization`: nginx by its page, a doctor by its code.
pub(super) fn is_too_many(symptom: &Symptom) -> bool {
    let by_server = symptom.status.code() == 400 && symptom.answered_by == AnsweredBy::WebServer;
    by_server || symptom.code() == "header_doctor_authorization_twice"
}

/// Whether WordPress, or a plugin that closes it, says that it knows nobody.
pub(super) fn misses_identity(symptom: &Symptom) -> bool {
    let by_lockdown =
        symptom.is_refusal() && symptom.error.as_ref().is_some_and(|error| error.code.is_for_strangers());
    !symptom.from_cache
        && (symptom.is_permission(401) || by_lockdown || symptom.refused_with("jwt_auth_no_auth_header"))
}

/// Whether a doctor behind reports of this very exchange: then no cache between the two answered.
pub(super) fn is_answered_behind(trail: &Trail) -> bool {
    let is_told = |company: &Company| company.report == Return::Believed && !company.behind.is_empty();
    trail.company.as_deref().is_some_and(is_told)
}
