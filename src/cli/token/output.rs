//! What the examination of a token says: the answer first, then what it rests on. The JSON form is described in
//! docs/token.md.

use serde_json::{Value, json};

use crate::diagnosis::{Finding, Mark, Severity};
use crate::event::{Event, ExchangeId, Population, Scope, Scoped};
use crate::moment::Moment;
use crate::report::{Page, found, named, verdict};
use crate::token::{
    Address, Check, Course, Examined, Fit, Foretold, Given, Mistake, Outcome, Refused, Remark, Stated,
    Supposed, Unexamined, ago,
};

/// What was given and what is known from it.
pub(super) struct Report<'r> {
    pub(super) given: Option<&'r Given>,
    pub(super) examined: Result<&'r Examined, &'r &'r Unexamined>,
    pub(super) secret: Option<&'r Supposed>,
    pub(super) site: Option<&'r Address>,
    pub(super) now: Moment,
}

impl Report<'_> {
    /// For eyes.
    pub(super) fn text(&self, page: Page) -> String {
        let examined = match self.examined {
            Ok(examined) => examined,
            Err(reason) => return format!("not examined: {reason}\n"),
        };
        let mut out = headline(examined, page);
        let mut line = |name: &str, text: &str| out.push_str(&named(name, text, page));
        let warning = page.paint.sign(Severity::Warning);
        if let Some(given) = self.given {
            line("given", &given.form.to_string());
            given.remarks.iter().for_each(|remark| line("", &format!("{warning} {}", remark.words())));
        }
        examined.wrong().into_iter().for_each(|wrong| line("wrong", &format!("{warning} {wrong}")));
        self.content(examined, &mut line);
        for mistake in self.secret.into_iter().flat_map(Supposed::mistakes) {
            let sign = if *mistake == Mistake::Defined { String::new() } else { format!("{warning} ") };
            line("secret", &format!("{sign}{}", mistake.words()));
        }
        line("checks", &checks(examined, page));
        line("route", &answer(&examined.any, examined));
        line("valid", &at_validate(examined));
        let course = if examined.any.refusal().is_some() { &examined.any } else { &examined.validate };
        for (_, refused) in course.refusals().skip(1) {
            line("then", &format!("once that is cured: {}", told(refused)));
        }
        if let Some(cured) = &examined.cured {
            line("cured", &format!("the token alone behind Bearer: {}", answer(cured, examined)));
        }
        out.push_str(&self.verdicts(examined, page));
        out
    }

    /// What the token says of itself, and whether it is signed.
    fn content(&self, examined: &Examined, line: &mut impl FnMut(&str, &str)) {
        if let Some(header) = examined.header {
            let kind = header.kind.map(|kind| format!(", typ {kind}")).unwrap_or_default();
            line("header", &format!("alg {}{kind}", header.algorithm));
        }
        if let Some(stated) = &examined.stated {
            line("iss", &self.issuer(stated));
            let times = stated.times;
            for (name, time) in [("iat", times.issued), ("nbf", times.not_before), ("exp", times.expires)] {
                line(name, &self.time(name, time));
            }
            line("user", stated.user.as_deref().unwrap_or("none that is a number"));
            let fit =
                examined.fit.map_or("not examined: no --secret-file or --secret-env was given", Fit::words);
            line("signed", fit);
        }
    }

    fn issuer(&self, stated: &Stated) -> String {
        let shown = stated.issuer.as_deref().unwrap_or("none that is an address and can be shown");
        match (stated.difference, self.site) {
            (None, None) => format!("{shown}; not compared: no --site was given"),
            (None, Some(_)) => format!("{shown}, the address of the site"),
            (Some((difference, cause)), Some(site)) => {
                format!("{shown}: it has {}, and the site is {site}. {cause}", difference.words())
            }
            (Some((difference, cause)), None) => format!("{shown}: it has {}. {cause}", difference.words()),
        }
    }

    fn time(&self, name: &str, time: Option<Moment>) -> String {
        let Some(time) = time else {
            return if name == "exp" { "none: it never expires".to_owned() } else { "none".to_owned() };
        };
        let (shown, ago) = (time.to_string().replace(".000Z", "Z"), ago(time, self.now));
        match name {
            "exp" if time <= self.now => format!("{shown}, expired {ago}"),
            "exp" => format!("{shown}, expires {ago}"),
            _ if time.seconds() > self.now.seconds() => format!("{shown}, {ago}: not yet"),
            _ => format!("{shown}, {ago}"),
        }
    }

    fn scoped(&self, finding: &Finding) -> Scoped {
        let scope = Scope { count: 1, of: 1, population: Population::Foretold, since: self.now, only: None };
        Scoped { finding: finding.clone(), scope }
    }

    fn verdicts(&self, examined: &Examined, page: Page) -> String {
        let Some(Foretold { status, error, findings, .. }) = &examined.foretold else { return String::new() };
        let mut event = Event::unread(ExchangeId::new(0), self.now, "token".into());
        event.status = Some(*status);
        event.wordpress.clone_from(error);
        let verdicts = findings.iter().map(|finding| {
            let Scoped { finding, scope } = self.scoped(finding);
            format!("\n{}", verdict(&finding, &scope, &event, page))
        });
        let verdicts: String = verdicts.collect();
        if verdicts.is_empty() {
            verdicts
        } else {
            format!("\nWhat a doctor says of such a reply:\n{verdicts}")
        }
    }

    /// For machines.
    pub(super) fn json(&self) -> anyhow::Result<Value> {
        let examined = self.examined.ok();
        let stated = examined.and_then(|examined| examined.stated.as_ref());
        let words = |remark: &Remark| json!({ "remark": remark.word(), "words": remark.words() });
        let given = self.given.map(|given| {
            json!({
                "form": given.form.word(),
                "remarks": given.remarks.iter().map(words).collect::<Vec<_>>(),
                "wrong": examined.and_then(Examined::wrong),
            })
        });
        let mistake = |mistake: &Mistake| json!({ "remark": mistake.word(), "words": mistake.words() });
        let secret = self.secret.map(|secret| secret.mistakes().iter().map(mistake).collect::<Vec<_>>());
        let foretold = examined.and_then(|examined| examined.foretold.as_ref());
        let findings = foretold.into_iter().flat_map(|foretold| &foretold.findings);
        let findings = findings.map(|finding| serde_json::to_value(found(&self.scoped(finding))));
        let header = examined.and_then(|examined| examined.header);
        Ok(json!({
            "schema": 1,
            "at": self.now.to_string(),
            "not_examined": self.examined.err().map(ToString::to_string),
            "refused": examined.map(Examined::is_refused),
            "given": given,
            "header": header.map(|header| json!({ "alg": header.algorithm, "typ": header.kind })),
            "claims": stated.map(claims),
            "site": self.site.map(Address::as_str),
            "signature": examined.and_then(|examined| examined.fit).map(Fit::word),
            "secret": secret,
            "route": examined.map(|examined| course(&examined.any)),
            "validate": examined.map(|examined| course(&examined.validate)),
            "cured": examined.and_then(|examined| examined.cured.as_ref()).map(course),
            "findings": findings.collect::<Result<Vec<_>, _>>()?,
        }))
    }
}

/// What a route answers, and on what that hangs.
fn answer(course: &Course, examined: &Examined) -> String {
    let refusal = course.refusals().next();
    let first = refusal.map(|(check, _)| check);
    let is_open =
        |check| course.of(check) == Some(&Outcome::Unknown) && first.is_none_or(|first| check < first);
    let signature = is_open(Check::Signature);
    match refusal {
        None => accepted(examined, signature, is_open(Check::Issuer)),
        Some((_, refused)) if signature => {
            format!("{}; or, if it is not signed with the site's secret, {UNSIGNED}", told(refused))
        }
        Some((_, refused)) if refused.status == 401 => {
            format!("{}: it is passed over; a public route answers as to anybody", told(refused))
        }
        Some((_, refused)) => {
            format!("{}, on every REST route, public ones and the login among them", told(refused))
        }
    }
}

fn accepted(examined: &Examined, signature: bool, issuer: bool) -> String {
    let user = examined.stated.as_ref().and_then(|stated| stated.user.as_deref()).unwrap_or("named");
    let signature = if signature { "it is signed with the site's secret; " } else { "" };
    let issuer = if issuer { "the issuer is the address of the site; " } else { "" };
    format!(
        "200, if {signature}{issuer}user {user} exists (else 401 rest_not_logged_in) and may (else 403 rest_forbidden)"
    )
}

/// What `token/validate` answers, where it is not the same.
fn at_validate(examined: &Examined) -> String {
    match (examined.any.refusal(), examined.validate.refusal()) {
        (None, None) => "200 jwt_auth_valid_token likewise, whether the user exists or not".to_owned(),
        (any, Some(refused)) if any == Some(refused) => "the same at token/validate".to_owned(),
        (_, Some(refused)) => format!("{}, at token/validate", told(refused)),
        (Some(_), None) if examined.fit.is_none() => {
            "200 jwt_auth_valid_token at token/validate, if it is signed with the site's secret".to_owned()
        }
        (Some(_), None) => "200 jwt_auth_valid_token at token/validate".to_owned(),
    }
}

const UNSIGNED: &str = "403 jwt_auth_invalid_token \"Signature verification failed\"";

fn headline(examined: &Examined, page: Page) -> String {
    let refusal = examined.any.refusal().map(|refused| (refused, ""));
    let validate = || examined.validate.refusal().map(|refused| (refused, ", at token/validate alone"));
    match refusal.or_else(validate) {
        Some((refused, scope)) => {
            format!("{} WordPress would refuse it: {}{scope}\n", page.paint.mark(Mark::Bad), told(refused))
        }
        None => {
            format!("{} nothing wrong with the token in what could be seen\n", page.paint.mark(Mark::Good))
        }
    }
}

/// `403 jwt_auth_invalid_token "Expired token"`
fn told(Refused { status, code, message }: &Refused) -> String {
    format!("{status} {code} \"{message}\"")
}

/// `✓ header  ✓ Bearer  ✗ three parts`
fn checks(examined: &Examined, page: Page) -> String {
    let course = if examined.any.refusal().is_some() { &examined.any } else { &examined.validate };
    let mark = |outcome: &Outcome| match outcome {
        Outcome::Passed => Mark::Good,
        Outcome::Refused(_) => Mark::Bad,
        Outcome::Unknown => Mark::Unknown,
    };
    let told =
        course.checks().map(|(check, outcome)| format!("{} {}", page.paint.mark(mark(outcome)), name(check)));
    told.collect::<Vec<_>>().join("  ")
}

/// What is checked, in a word or two.
const fn name(check: Check) -> &'static str {
    match check {
        Check::Header => "header",
        Check::Bearer => "Bearer",
        Check::Secret => "secret",
        Check::Segments => "segments",
        Check::Encoding => "encoding",
        Check::Algorithm => "algorithm",
        Check::Signature => "signature",
        Check::Begin => "begin",
        Check::Expiry => "expiry",
        Check::Issuer => "issuer",
        Check::User => "user",
    }
}

fn claims(stated: &Stated) -> Value {
    let time = |time: Option<Moment>| time.map(|time| time.to_string().replace(".000Z", "Z"));
    json!({
        "iss": stated.issuer,
        "iat": time(stated.times.issued),
        "nbf": time(stated.times.not_before),
        "exp": time(stated.times.expires),
        "user": stated.user,
        "issuer_differs": stated.difference.map(|(difference, _)| difference.words()),
    })
}

/// The answer and the checks that lead to it.
fn course(course: &Course) -> Value {
    let refusal = course.refusal();
    let checks = course.checks().map(|(check, outcome)| {
        let (outcome, refused) = match outcome {
            Outcome::Passed => ("passed", None),
            Outcome::Refused(refused) => ("refused", Some(refused)),
            Outcome::Unknown => ("unknown", None),
        };
        json!({ "check": name(check), "outcome": outcome, "code": refused.map(|refused| refused.code), "message": refused.map(|refused| &refused.message) })
    });
    json!({
        "status": refusal.map_or(200, |refused| refused.status),
        "code": refusal.map(|refused| refused.code),
        "message": refusal.map(|refused| &refused.message),
        "checks": checks.collect::<Vec<_>>(),
    })
}
