//! What is concluded: from a trail and a symptom to findings.
//!
//! A rule is one recognisable cause, one file of code with one Markdown file beside it. It is a pure function, so
//! `run` on live traffic and `check` on a probe judge alike, and its tests are tables. All rules stand in
//! [`RULES`]; `explain`, metrics, dashboard and documentation read that one list.
//!
//! A rule that is not sure stays silent or says `possible`: a finding that blames the wrong desk costs more than
//! none. A reply that refuses nothing yields nothing.

mod answerer;
pub mod codes;
mod company;
mod finding;
pub mod glossary;
mod php;
mod preflight;
mod readings;
mod rules;
mod text;
mod told;
mod withheld;

pub use company::cure_between;
pub use finding::{Decision, Desk, Finding, Lost, Mark, Place, Proof, Severity, Stop};
pub use text::{Cure, Malformed, Text};

use std::cmp::Reverse;

use crate::evidence::{Hop, Symptom, Trail};
use text::cure;

/// One recognisable cause.
pub trait Rule: Sync {
    /// The slug that says the cause; it names the rule in every output.
    fn id(&self) -> &'static str;

    /// The rule's Markdown, in the form [`Text`] reads.
    fn text(&self) -> &'static str;

    /// The finding, when this cause is recognised.
    fn judge(&self, trail: &Trail, symptom: &Symptom) -> Option<Finding>;

    /// The rules whose findings this one explains: where it is the cause, they tell of its effects, or less exactly of
    /// the same, and are left out.
    fn explains(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether it only repeats what a plugin says, and is left out where any other rule found a cause.
    fn yields(&self) -> bool {
        false
    }
}

/// Every rule. Where two findings are equally sure and grave, the order here decides: causes nearer to the client's
/// credential come after those that keep it from being judged at all.
pub const RULES: &[&dyn Rule] = &[
    &rules::ReportOfAnotherExchange,
    &rules::AuthorizationLostBetweenDoctors,
    &rules::HeaderAddedOnTheWay,
    &rules::HeaderChangedBetweenDoctors,
    &rules::OriginHeaderStripped,
    &rules::PhpSocketForbidden,
    &rules::PhpNotRunning,
    &rules::PhpPoolExhausted,
    &rules::PhpScriptUnknown,
    &rules::PhpScriptDenied,
    &rules::PhpFatal,
    &rules::PhpClockOff,
    &rules::AuthorizationTwice,
    &rules::ForwardedProtoUntrusted,
    &rules::MaintenanceMode,
    &rules::WordpressNotInstalled,
    &rules::DatabaseUnreachable,
    &rules::SiteUnknownToNetwork,
    &rules::RefusalFromCache,
    &rules::AuthenticatedReplyCached,
    &rules::LoginPageInFront,
    &rules::RedirectToItself,
    &rules::RedirectDropsAuthorization,
    &rules::RedirectChangesMethod,
    &rules::HeaderTooLarge,
    &rules::PreflightRefused,
    &rules::PreflightNeedsLogin,
    &rules::PreflightClosedByPlugin,
    &rules::PreflightMethodRefused,
    &rules::PreflightRedirected,
    &rules::PreflightCachedWrongly,
    &rules::PreflightHeaderUnlisted,
    &rules::PreflightMethodUnlisted,
    &rules::PreflightBlocked,
    &rules::GateInFront,
    &rules::SignatureRemovedByGoogle,
    &rules::AuthorizationReplaced,
    &rules::GateLoginReachesWordpress,
    &rules::AuthorizationLostBeforeDoctor,
    &rules::OddNameDropped,
    &rules::PreflightPromiseBroken,
    &rules::ValidTokensLost,
    &rules::UserDeletedAfterIssue,
    &rules::ValidateAcceptsRouteRefuses,
    &rules::AuthorizationLostBeforePhp,
    &rules::AuthorizationReplacedBeforePhp,
    &rules::AuthorizationOnlyRedirected,
    &rules::ErrorPageHidesCode,
    &rules::FirewallBlocked,
    &rules::JwtSecretMissing,
    &rules::SecretTooShort,
    &rules::SecretUnusable,
    &rules::BasicTakenByOldJwtPlugin,
    &rules::ApplicationPasswordsNeedHttps,
    &rules::ApplicationPasswordsOff,
    &rules::BasicUnreadable,
    &rules::CookieBeatsBasic,
    &rules::ApplicationPasswordRefused,
    &rules::RouteWrongMethod,
    &rules::JwtPluginInactive,
    &rules::PermalinksPlain,
    &rules::ClientAddressRefused,
    &rules::NonceRefused,
    &rules::CookieWithoutNonce,
    &rules::PlaceholderToken,
    &rules::StaleTokenOnPublicRoute,
    &rules::BearerSchemeWrong,
    &rules::ValidateRefusesRouteAccepts,
    &rules::TokenWrapped,
    &rules::TokenCutShort,
    &rules::TokenNotAJwt,
    &rules::BearerOfAnotherPlugin,
    &rules::JwtSecretDiffersBetweenNodes,
    &rules::ClockAheadOnNode,
    &rules::ClockBehindOnNode,
    &rules::StaleTokenAfterRefresh,
    &rules::TokenExpired,
    &rules::TokenNotYetValid,
    &rules::TokenAlgorithmRefused,
    &rules::TokenOfAnotherSite,
    &rules::TokenSignatureRefused,
    &rules::IssuerFlipsWithHttps,
    &rules::TokenIssuerMismatch,
    &rules::TokenOfAnotherPlugin,
    &rules::TokenObsolete,
    &rules::OauthTokenRefused,
    &rules::LoginBodyUnread,
    &rules::LoginOverwrittenMessage,
    &rules::RefreshCookieMissing,
    &rules::RefreshWithAccessToken,
    &rules::RefreshTokenReused,
    &rules::RefreshAfterRefusedRefresh,
    &rules::RefreshStorm,
    &rules::RefreshAfterPermissionRefusal,
    &rules::LoginRefused,
    &rules::PostPasswordWrong,
    &rules::WoocommerceKeyRefused,
    &rules::WoocommerceKeyUnseen,
    &rules::SimpleJwtLoginRefused,
    &rules::WpgraphqlJwtRefused,
    &rules::MiniorangeRefused,
    &rules::PluginRefusedToken,
    &rules::RestLockedDown,
    &rules::SiteCode,
    &rules::UnknownCode,
    &rules::MethodOverridden,
    &rules::PermissionRefused,
    &rules::CorsHeadersDoubled,
    &rules::CorsHeadersWrong,
    &rules::ErrorHiddenAsCors,
    &rules::CorsHeadersMissingOnError,
    &rules::PreflightWildcard,
    &rules::AuthorizationNominated,
    &rules::TrailLost,
    &rules::DoctorClocksDiffer,
];

/// The rule with this id.
#[must_use]
pub fn rule(id: &str) -> Option<&'static dyn Rule> {
    RULES.iter().copied().find(|rule| rule.id() == id)
}

/// Judges an exchange by every rule. The strongest proof comes first, then the gravest: the root cause on top. What
/// explains nothing of the reply comes last.
#[must_use]
pub fn diagnose(trail: &Trail, symptom: &Symptom) -> Vec<Finding> {
    diagnose_by(RULES, trail, symptom)
}

/// Judges an exchange by some rules, in the order of [`diagnose`].
#[must_use]
pub fn diagnose_by(rules: &[&dyn Rule], trail: &Trail, symptom: &Symptom) -> Vec<Finding> {
    let mut findings: Vec<_> = rules.iter().filter_map(|rule| rule.judge(trail, symptom)).collect();
    company::settle(&mut findings);
    leave_out_explained(rules, &mut findings);
    leave_out_repeated(rules, &mut findings);
    findings.iter_mut().for_each(|finding| company::name(finding, trail));
    if trail.memory.direct {
        findings.iter_mut().for_each(leave_out_web_server);
    }
    findings.sort_by_key(|finding| (finding.aside, Reverse((finding.proof, finding.severity))));
    findings
}

/// Drops what another finding explains. What explains nothing of the reply explains no finding either, and what is less
/// sure explains nothing that is surer.
fn leave_out_explained(rules: &[&dyn Rule], findings: &mut Vec<Finding>) {
    let explains = |cause: &Finding| {
        let rule = rules.iter().find(|rule| rule.id() == cause.rule).filter(|_| !cause.aside);
        rule.map_or(&[][..], |rule| rule.explains()).iter().map(|id| (*id, cause.proof)).collect::<Vec<_>>()
    };
    let explained: Vec<_> = findings.iter().flat_map(explains).collect();
    findings.retain(|finding| {
        !explained.iter().any(|(id, proof)| *id == finding.rule && *proof >= finding.proof)
    });
}

/// Drops what only repeats a plugin's words where another rule found a cause.
fn leave_out_repeated(rules: &[&dyn Rule], findings: &mut Vec<Finding>) {
    let yields = |finding: &Finding| {
        rules.iter().find(|rule| rule.id() == finding.rule).is_some_and(|rule| rule.yields())
    };
    if findings.iter().any(|finding| !finding.aside && !yields(finding)) {
        findings.retain(|finding| !yields(finding));
    }
}

/// Where PHP was asked directly no web server stands on the path, and none is to be acquitted.
fn leave_out_web_server(finding: &mut Finding) {
    finding.path.retain(|stop| stop.hop != Hop::WebServer);
    finding.cleared.retain(|thing| *thing != "web server");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{Finding, Proof, RULES, Rule, Text, diagnose, leave_out_explained, rule};
    use crate::evidence::{
        Arrival, Company, Crossing, HopName, Return, Sightings, Symptom, Trail, Trouble, changes, look,
    };
    use crate::message::{Fields, ReplyHead, RequestHead, Status, Version};
    use crate::moment::Moment;
    use crate::secret::Key;

    #[test]
    fn every_rule_has_a_text_of_the_fixed_form_and_is_found_by_its_id() {
        for one in RULES {
            let text =
                Text::parse(one.text()).unwrap_or_else(|malformed| panic!("{}: {malformed}", one.id()));
            assert_eq!(text.id, one.id());
            assert!(rule(text.id).is_some());
            assert!(text.cures.iter().any(|cure| cure.product == "any" || cure.product == "client"));
        }
        assert!(rule("no-such-rule").is_none());
    }

    #[test]
    fn what_is_explained_is_a_rule_and_explains_nothing_back() {
        for one in RULES {
            for id in one.explains() {
                let other = rule(id).unwrap_or_else(|| panic!("{}: {id} is no rule", one.id()));
                assert!(!other.explains().contains(&one.id()), "{} and {id} explain each other", one.id());
            }
        }
    }

    #[test]
    fn what_another_finding_explains_is_left_out_unless_it_is_surer() {
        struct Cause;
        impl Rule for Cause {
            fn id(&self) -> &'static str {
                "permission-refused"
            }
            fn text(&self) -> &'static str {
                ""
            }
            fn judge(&self, _: &Trail, _: &Symptom) -> Option<Finding> {
                None
            }
            fn explains(&self) -> &'static [&'static str] {
                &["token-expired"]
            }
        }
        let left = |proof, aside| {
            let finding = |id: &str, proof| Finding::of(rule(id).unwrap(), proof, "any", "x").unwrap();
            let cause = Finding { aside, ..finding("permission-refused", proof) };
            let mut findings = vec![finding("token-expired", Proof::Likely), cause];
            leave_out_explained(&[&Cause], &mut findings);
            findings.len()
        };
        assert_eq!((left(Proof::Proved, false), left(Proof::Likely, false)), (1, 1));
        assert_eq!((left(Proof::Possible, false), left(Proof::Proved, true)), (2, 2));
    }

    #[test]
    fn every_way_to_miss_php_has_one_rule() {
        let rule = |code| {
            let findings = missed(code, "GET", "/wp-json/wp/v2/users/me", "Bearer a.b.c", 502);
            findings.iter().map(|finding| finding.rule).collect::<Vec<_>>()
        };
        for (code, found) in [
            ("header_doctor_php_socket_missing", "php-not-running"),
            ("header_doctor_php_refused", "php-not-running"),
            ("header_doctor_php_socket_forbidden", "php-socket-forbidden"),
            ("header_doctor_php_backlog_full", "php-pool-exhausted"),
            ("header_doctor_php_overloaded", "php-pool-exhausted"),
            ("header_doctor_php_queue_full", "php-pool-exhausted"),
            ("header_doctor_php_queue_timeout", "php-pool-exhausted"),
            ("header_doctor_upstream_timeout", "php-pool-exhausted"),
        ] {
            assert_eq!(rule(code), [found], "{code}");
        }
        assert!(rule("header_doctor_php_closed").is_empty());
    }

    /// What is found where PHP could not be asked and the doctor answered with this code.
    fn missed(code: &str, method: &str, target: &str, credential: &str, status: u16) -> Vec<Finding> {
        let fields = Fields::from([
            ("Authorization", credential),
            ("Host", "example.com"),
            ("Origin", "https://app.example.com"),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "authorization"),
        ]);
        let request = RequestHead::build(method, target, fields);
        let seen = look(&request.fields);
        let mut trail = Trail::read(&request, &seen, &seen, &Key::from_bytes(&[3; 32]));
        trail.memory.direct = true;
        let json = [("Content-Type", "application/json; charset=UTF-8"), ("Retry-After", "5")];
        let reply = ReplyHead::build(Status::new(status).unwrap(), Fields::from(json));
        let body = format!(r#"{{"code":"{code}","message":"x","data":{{"status":{status}}}}}"#);
        let mut symptom = Symptom::read(&request, &reply, body.as_bytes(), Moment::default());
        symptom.php = Trouble::of_failure(code);
        diagnose(&trail, &symptom)
    }

    /// Two doctors between whom nothing was changed, as the one in front or the one behind sees them.
    fn clean(is_in_front: bool, seen: Sightings) -> Company {
        let name = |text: &str| HopName::new(text).unwrap();
        let (after, before) = (name("edge"), name("sidecar"));
        let crossing = Crossing { after, before, sent: Some(seen), arrived: Some(seen), changes: Vec::new() };
        let (own, before, behind) = if is_in_front {
            ("edge", Vec::new(), vec![crossing])
        } else {
            ("sidecar", vec![crossing], Vec::new())
        };
        let (arrival, report) = (Arrival::Believed, Return::Believed);
        Company { before, behind, arrival, report, ..Company::of(name(own)) }
    }

    proptest! {
        /// What the doctor says itself is no reply: no rule reads a cause out of it but those that know the failure.
        #[test]
        fn a_failure_to_ask_php_is_judged_by_the_rules_for_it_alone(
            code in "header_doctor_(php_(socket_missing|socket_forbidden|refused|backlog_full|queue_full|closed)|upstream_timeout)",
            method in "GET|POST|OPTIONS",
            target in "/[a-z/-]{0,30}(\\?rest_route=/[a-z/]{0,9})?",
            credential in any::<String>(),
            status in "502|503|504",
        ) {
            let findings = missed(&code, &method, &target, &credential, status.parse().unwrap());
            assert!(findings.iter().all(|finding| finding.rule.starts_with("php-")), "{findings:?}");
        }

        /// Whatever was asked and whatever the body says: a reply that succeeds or redirects is healthy.
        #[test]
        fn a_healthy_reply_yields_nothing(
            status in 200u16..400,
            credential in any::<String>(),
            target in "/[a-z/-]{0,30}(\\?rest_route=/[a-z/]{0,9})?",
            code in "jwt_auth_no_auth_header|jwt_auth_invalid_token|rest_forbidden|rest_not_logged_in",
            message in "Expired token|Wrong number of segments|x",
            company in any::<Option<bool>>(),
        ) {
            let fields = Fields::from([("Authorization", &*credential), ("Host", "example.com")]);
            let request = RequestHead::build("POST", &target, fields);
            let seen = look(&request.fields);
            let key = Key::from_bytes(&[3; 32]);
            let mut trail = Trail::read(&request, &seen, &seen, &key);
            trail.company = company.map(|is_in_front| {
                let sightings = seen.sightings(&request.fields, &key);
                let changes = changes(&sightings, &sightings, &seen, &request.fields, Version::Http11, &key);
                assert!(changes.is_empty());
                Box::new(clean(is_in_front, sightings))
            });
            let link = [("Link", "<https://example.com/wp-json/>; rel=\"https://api.w.org/\"")];
            let reply = ReplyHead::build(Status::new(status).unwrap(), Fields::from(link));
            let body = format!(r#"{{"code":"{code}","message":"{message}","data":{{"status":403}}}}"#);
            let symptom = Symptom::read(&request, &reply, body.as_bytes(), Moment::default());
            assert!(diagnose(&trail, &symptom).is_empty());
        }
    }
}
