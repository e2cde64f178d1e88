//! The rules: one file of code and one of Markdown per cause.

mod application_password_refused;
mod application_passwords_need_https;
mod application_passwords_off;
mod authenticated_reply_cached;
mod authorization_lost_before_doctor;
mod authorization_lost_before_php;
mod authorization_lost_between_doctors;
mod authorization_nominated;
mod authorization_only_redirected;
mod authorization_replaced;
mod authorization_replaced_before_php;
mod authorization_twice;
mod basic_taken_by_old_jwt_plugin;
mod basic_unreadable;
mod bearer_of_another_plugin;
mod bearer_scheme_wrong;
mod client_address_refused;
mod cookie_beats_basic;
mod cookie_without_nonce;
mod cors_headers_doubled;
mod cors_headers_missing_on_error;
mod cors_headers_wrong;
mod doctor_clocks_differ;
mod error_hidden_as_cors;
mod error_page_hides_code;
mod firewall_blocked;
mod forwarded_proto_untrusted;
mod gate_in_front;
mod gate_login_reaches_wordpress;
mod header_added_on_the_way;
mod header_changed_between_doctors;
mod header_too_large;
mod issuer_flips_with_https;
mod jwt_plugin_inactive;
mod jwt_secret_missing;
mod login_body_unread;
mod login_overwritten_message;
mod login_page_in_front;
mod login_refused;
mod maintenance_mode;
mod method_overridden;
mod miniorange_refused;
mod nonce_refused;
mod oauth_token_refused;
mod origin_header_stripped;
mod permalinks_plain;
mod permission_refused;
mod php_clock_off;
mod php_fatal;
mod php_not_running;
mod php_pool_exhausted;
mod php_script_denied;
mod php_script_unknown;
mod php_socket_forbidden;
mod placeholder_token;
mod plugin_refused_token;
mod post_password_wrong;
mod preflight_blocked;
mod preflight_cached_wrongly;
mod preflight_closed_by_plugin;
mod preflight_header_unlisted;
mod preflight_method_refused;
mod preflight_method_unlisted;
mod preflight_needs_login;
mod preflight_promise_broken;
mod preflight_redirected;
mod preflight_refused;
mod preflight_wildcard;
mod redirect_changes_method;
mod redirect_drops_authorization;
mod refusal_from_cache;
mod report_of_another_exchange;
mod rest_locked_down;
mod route_wrong_method;
mod secret_too_short;
mod secret_unusable;
mod signature_removed_by_google;
mod simple_jwt_login_refused;
mod site_code;
mod stale_token_on_public_route;
mod token_algorithm_refused;
mod token_cut_short;
mod token_expired;
mod token_issuer_mismatch;
mod token_not_a_jwt;
mod token_not_yet_valid;
mod token_obsolete;
mod token_of_another_plugin;
mod token_of_another_site;
mod token_signature_refused;
mod token_wrapped;
mod trail_lost;
mod unknown_code;
mod woocommerce_key_refused;
mod woocommerce_key_unseen;
mod wpgraphql_jwt_refused;

pub(super) use application_password_refused::ApplicationPasswordRefused;
pub(super) use application_passwords_need_https::ApplicationPasswordsNeedHttps;
pub(super) use application_passwords_off::ApplicationPasswordsOff;
pub(super) use authenticated_reply_cached::AuthenticatedReplyCached;
pub(super) use authorization_lost_before_doctor::AuthorizationLostBeforeDoctor;
pub(super) use authorization_lost_before_php::AuthorizationLostBeforePhp;
pub(super) use authorization_lost_between_doctors::AuthorizationLostBetweenDoctors;
pub(super) use authorization_nominated::AuthorizationNominated;
pub(super) use authorization_only_redirected::AuthorizationOnlyRedirected;
pub(super) use authorization_replaced::AuthorizationReplaced;
pub(super) use authorization_replaced_before_php::AuthorizationReplacedBeforePhp;
pub(super) use authorization_twice::AuthorizationTwice;
pub(super) use basic_taken_by_old_jwt_plugin::BasicTakenByOldJwtPlugin;
pub(super) use basic_unreadable::BasicUnreadable;
pub(super) use bearer_of_another_plugin::BearerOfAnotherPlugin;
pub(super) use bearer_scheme_wrong::BearerSchemeWrong;
pub(super) use client_address_refused::ClientAddressRefused;
pub(super) use cookie_beats_basic::CookieBeatsBasic;
pub(super) use cookie_without_nonce::CookieWithoutNonce;
pub(super) use cors_headers_doubled::CorsHeadersDoubled;
pub(super) use cors_headers_missing_on_error::CorsHeadersMissingOnError;
pub(super) use cors_headers_wrong::CorsHeadersWrong;
pub(super) use doctor_clocks_differ::DoctorClocksDiffer;
pub(super) use error_hidden_as_cors::ErrorHiddenAsCors;
pub(super) use error_page_hides_code::ErrorPageHidesCode;
pub(super) use firewall_blocked::FirewallBlocked;
pub(super) use forwarded_proto_untrusted::ForwardedProtoUntrusted;
pub(super) use gate_in_front::GateInFront;
pub(super) use gate_login_reaches_wordpress::GateLoginReachesWordpress;
pub(super) use header_added_on_the_way::HeaderAddedOnTheWay;
pub(super) use header_changed_between_doctors::HeaderChangedBetweenDoctors;
pub(super) use header_too_large::HeaderTooLarge;
pub(super) use issuer_flips_with_https::IssuerFlipsWithHttps;
pub(super) use jwt_plugin_inactive::JwtPluginInactive;
pub(super) use jwt_secret_missing::JwtSecretMissing;
pub(super) use login_body_unread::LoginBodyUnread;
pub(super) use login_overwritten_message::LoginOverwrittenMessage;
pub(super) use login_page_in_front::LoginPageInFront;
pub(super) use login_refused::LoginRefused;
pub(super) use maintenance_mode::MaintenanceMode;
pub(super) use method_overridden::MethodOverridden;
pub(super) use miniorange_refused::MiniorangeRefused;
pub(super) use nonce_refused::NonceRefused;
pub(super) use oauth_token_refused::OauthTokenRefused;
pub(super) use origin_header_stripped::OriginHeaderStripped;
pub(super) use permalinks_plain::PermalinksPlain;
pub(super) use permission_refused::PermissionRefused;
pub(super) use php_clock_off::PhpClockOff;
pub(super) use php_fatal::PhpFatal;
pub(super) use php_not_running::PhpNotRunning;
pub(super) use php_pool_exhausted::PhpPoolExhausted;
pub(super) use php_script_denied::PhpScriptDenied;
pub(super) use php_script_unknown::PhpScriptUnknown;
pub(super) use php_socket_forbidden::PhpSocketForbidden;
pub(super) use placeholder_token::PlaceholderToken;
pub(super) use plugin_refused_token::PluginRefusedToken;
pub(super) use post_password_wrong::PostPasswordWrong;
pub(super) use preflight_blocked::PreflightBlocked;
pub(super) use preflight_cached_wrongly::PreflightCachedWrongly;
pub(super) use preflight_closed_by_plugin::PreflightClosedByPlugin;
pub(super) use preflight_header_unlisted::PreflightHeaderUnlisted;
pub(super) use preflight_method_refused::PreflightMethodRefused;
pub(super) use preflight_method_unlisted::PreflightMethodUnlisted;
pub(super) use preflight_needs_login::PreflightNeedsLogin;
pub(super) use preflight_promise_broken::PreflightPromiseBroken;
pub(super) use preflight_redirected::PreflightRedirected;
pub(super) use preflight_refused::PreflightRefused;
pub(super) use preflight_wildcard::PreflightWildcard;
pub(super) use redirect_changes_method::RedirectChangesMethod;
pub(super) use redirect_drops_authorization::RedirectDropsAuthorization;
pub(super) use refusal_from_cache::RefusalFromCache;
pub(super) use report_of_another_exchange::ReportOfAnotherExchange;
pub(super) use rest_locked_down::RestLockedDown;
pub(super) use route_wrong_method::RouteWrongMethod;
pub(super) use secret_too_short::SecretTooShort;
pub(super) use secret_unusable::SecretUnusable;
pub(super) use signature_removed_by_google::SignatureRemovedByGoogle;
pub(super) use simple_jwt_login_refused::SimpleJwtLoginRefused;
pub(super) use site_code::SiteCode;
pub(super) use stale_token_on_public_route::StaleTokenOnPublicRoute;
pub(super) use token_algorithm_refused::TokenAlgorithmRefused;
pub(super) use token_cut_short::TokenCutShort;
pub(super) use token_expired::TokenExpired;
pub(super) use token_issuer_mismatch::TokenIssuerMismatch;
pub(super) use token_not_a_jwt::TokenNotAJwt;
pub(super) use token_not_yet_valid::TokenNotYetValid;
pub(super) use token_obsolete::TokenObsolete;
pub(super) use token_of_another_plugin::TokenOfAnotherPlugin;
pub(super) use token_of_another_site::TokenOfAnotherSite;
pub(super) use token_signature_refused::TokenSignatureRefused;
pub(super) use token_wrapped::TokenWrapped;
pub(super) use trail_lost::TrailLost;
pub(super) use unknown_code::UnknownCode;
pub(super) use woocommerce_key_refused::WoocommerceKeyRefused;
pub(super) use woocommerce_key_unseen::WoocommerceKeyUnseen;
pub(super) use wpgraphql_jwt_refused::WpgraphqlJwtRefused;

use super::company::{accompanied, doctors, is_of_another, is_unchanged};
use super::{Decision, Mark, Proof, Stop};
use crate::browser::Block;
use crate::evidence::{
    AnsweredBy, Basic, Change, Company, Credential, Difference, Form, Home, Hop, HopName, Message, Plugin,
    Return, RouteClass, Session, Symptom, Token, Trail, Watched, Wrapping,
};
use crate::message::Method;

/// What is concluded from the credential that WordPress judged, or from its absence: it has no ground once PHP says that the
/// client's never arrived.
const OF_THE_CREDENTIAL_IN_PHP: &[&str] = &[
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
fn wants_for_origin(symptom: &Symptom) -> bool {
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
fn until_php(trail: &Trail, note: &'static str) -> Vec<Stop> {
    let mut path = untouched(trail);
    path.push(Stop::new(Hop::Php, Mark::Bad).noted(note));
    path
}

/// What follows where PHP ran no script, or none to its end.
const NOT_JUDGED: &str = "Token not judged. Do not rotate secrets";

/// Whether several doctors saw the same `Authorization` pass.
fn is_accompanied(trail: &Trail) -> bool {
    accompanied(trail).is_some_and(is_unchanged)
}

/// What the last doctor is called that saw `Authorization`: the one nearest to WordPress.
fn last_doctor(trail: &Trail) -> &str {
    let last = accompanied(trail).and_then(|company| doctors(company).last().copied());
    last.map_or(if trail.memory.probe { "client" } else { "doctor" }, HopName::as_str)
}

/// A client that sent something wrong, and the doctor that passed it on.
fn sent_wrong(trail: &Trail, note: String) -> Vec<Stop> {
    let passed = if trail.is_unchanged() { "unchanged" } else { "changed" };
    vec![Stop::new(Hop::Client, Mark::Bad).noted(note), Stop::new(Hop::Doctor, Mark::Good).noted(passed)]
}

/// What the URLs of all routes begin with.
const fn root(form: Form) -> &'static str {
    match form {
        Form::Pretty => "/wp-json",
        Form::Index => "/index.php/wp-json",
        Form::Query => "/?rest_route=",
    }
}

/// The question that separates a lost header from a refused token: `token/validate` alone says whether a header
/// arrived. It is asked in the form of URL that failed, since the form decides what Apache loses.
fn ask_validate(trail: &Trail, token: &str, reading: &'static str) -> Decision {
    let root = root(trail.route.form);
    let command = format!(
        r#"curl -i -X POST "$SITE{root}/jwt-auth/v1/token/validate" -H "Authorization: Bearer {token}""#
    );
    Decision { command, reading }
}

/// How sure our own reading is, once the reply says the same: a reply without the REST server's marks may be anybody's.
fn agreed(symptom: &Symptom) -> Proof {
    if symptom.answered_by == AnsweredBy::WordPressRest { Proof::Proved } else { Proof::Likely }
}

/// What php-jwt said of the token, when the reply says that it was refused.
fn decoding(symptom: &Symptom) -> Option<Message> {
    symptom.message().filter(|_| symptom.refused_with("jwt_auth_invalid_token"))
}

/// Whether the REST server, or a plugin that closes it, took the caller for anonymous.
fn is_anonymous(symptom: &Symptom) -> bool {
    let locked = symptom.is_refusal() && symptom.error.as_ref().is_some_and(|error| error.code.is_lockdown());
    !symptom.from_cache && (symptom.is_permission(401) || locked)
}

/// How the token's issuer differs from the site, when both are known.
fn foreign(trail: &Trail, symptom: &Symptom) -> Option<Difference> {
    trail.claims.as_ref()?.foreign(symptom.home.as_ref()?)
}

/// Whether WordPress judged the token that was seen, with nothing around it. Escapes are removed on all routes but one.
fn is_token_intact(trail: &Trail) -> bool {
    match trail.credential {
        Credential::Bearer(Token::Jwt) => true,
        Credential::Bearer(Token::Wrapped(Wrapping::Escapes(_))) => trail.route.class != RouteClass::Validate,
        _ => false,
    }
}

/// Whether `Authorization` was sent on with anything in it.
const fn carries_credential(trail: &Trail) -> bool {
    !matches!(trail.credential, Credential::Absent | Credential::Empty | Credential::Several)
}

/// Whether a login that can be read was sent on, and WordPress took the caller for anonymous; and it is neither for the
/// doctor's own word that the client uses no TLS, nor a login that was put there on the way.
fn is_login_ignored(trail: &Trail, symptom: &Symptom) -> bool {
    let is_clients = accompanied(trail).is_none_or(is_unchanged) && trail.treatment.disbelieved.is_none();
    trail.basic == Some(Basic::Good) && is_clients && is_anonymous(symptom)
}

/// Core's code for a login behind `Basic`. usefulteam/jwt-auth has the same ones for the login in a body.
fn refused_by_basic(trail: &Trail, symptom: &Symptom) -> Option<&'static str> {
    let codes = ["incorrect_password", "invalid_username", "invalid_email"];
    let is_of_basic = trail.credential == Credential::Basic
        && symptom.status.code() == 401
        && symptom.plugin != Some(Plugin::Usefulteam);
    codes.into_iter().find(|code| is_of_basic && symptom.refused_with(code))
}

/// Whether nobody would send a login along: with a public route, with `OPTIONS`, or with the very login for a token.
const fn needs_no_login(trail: &Trail) -> bool {
    matches!(trail.route.class, RouteClass::Public | RouteClass::Token)
        || matches!(trail.method, Method::Options)
}

/// Whether WordPress names itself `http://`, which it does only where it sees no TLS.
fn sees_no_tls(symptom: &Symptom) -> bool {
    symptom.home.as_ref().is_some_and(|home| !Home::is_https(home))
}

/// Whether core says that application passwords are not available: to `Basic`, or where they are managed.
fn are_application_passwords_off(trail: &Trail, symptom: &Symptom) -> bool {
    says_off(trail, symptom, "application_passwords_disabled")
}

/// Whether core says so of this user.
fn is_off_for_user(trail: &Trail, symptom: &Symptom) -> bool {
    says_off(trail, symptom, "application_passwords_disabled_for_user")
}

fn says_off(trail: &Trail, symptom: &Symptom, code: &str) -> bool {
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
fn names_the_credential(symptom: &Symptom) -> bool {
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
fn is_unknown_caller(trail: &Trail, symptom: &Symptom) -> bool {
    let is_known = symptom.knows_user || trail.session == Session::WithNonce;
    !is_known && !names_the_credential(symptom) && is_refused_by_site(symptom)
}

/// 401 by anybody but a doctor; 403 by WordPress, since firewalls say it for other reasons.
const fn is_refused_by_site(symptom: &Symptom) -> bool {
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
fn is_too_many(symptom: &Symptom) -> bool {
    let by_server = symptom.status.code() == 400 && symptom.answered_by == AnsweredBy::WebServer;
    by_server || symptom.code() == "header_doctor_authorization_twice"
}

/// Whether WordPress, or a plugin that closes it, says that it knows nobody.
fn misses_identity(symptom: &Symptom) -> bool {
    let by_lockdown =
        symptom.is_refusal() && symptom.error.as_ref().is_some_and(|error| error.code.is_lockdown());
    !symptom.from_cache
        && (symptom.is_permission(401) || by_lockdown || symptom.refused_with("jwt_auth_no_auth_header"))
}

/// Whether a doctor behind reports of this very exchange: then no cache between the two answered.
fn is_answered_behind(trail: &Trail) -> bool {
    let is_told = |company: &Company| company.report == Return::Believed && !company.behind.is_empty();
    trail.company.as_deref().is_some_and(is_told)
}
