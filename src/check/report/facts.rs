//! What is known beside the verdicts: the hops and their headers, redirects, clocks, addresses, and what was not seen.

use super::super::question::Step;
use super::super::seen::{Done, Ended, Examination};
use super::steps::way;
use crate::evidence::{AnsweredBy, Company, Hop as Station, Watched};
use crate::headers::redirects::{Asked, Client, Fate, Redirect};
use crate::message::Name;

/// A header, and how it looked at each hop.
#[derive(Debug)]
pub(super) struct Hop {
    pub(super) header: &'static str,
    pub(super) client: String,
    pub(super) between: &'static str,
    pub(super) php: &'static str,
}

/// Something worth knowing.
#[derive(Debug)]
pub(super) struct Fact {
    pub(super) name: &'static str,
    pub(super) text: String,
    /// Whether it is in order.
    pub(super) is_good: bool,
}

/// A redirect, and who loses the header there.
#[derive(Debug)]
pub(super) struct Led {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) losing: Vec<&'static str>,
    pub(super) keeping: Vec<&'static str>,
}

fn judged(seen: &Examination) -> impl Iterator<Item = (&Done, &super::super::judge::Judged)> {
    seen.steps.iter().filter(|done| done.direct.is_none()).filter_map(|done| Some((done, done.judged()?)))
}

/// How the headers looked on the public way.
pub(super) fn hops(seen: &Examination) -> Vec<Hop> {
    [authorization(seen), origin(seen), host(seen), https(seen)].into_iter().flatten().collect()
}

fn authorization(seen: &Examination) -> Option<Hop> {
    let sent: Vec<_> = judged(seen)
        .filter(|(done, _)| {
            matches!(done.question.step, Step::With | Step::Validate | Step::Me | Step::AppMe)
        })
        .collect();
    let (_, first) = sent.first()?;
    let is_bearer = |done: &Done| done.question.step != Step::AppMe;
    let as_bearer = sent.iter().any(|(done, judged)| judged.is_expected && is_bearer(done));
    let arrived = sent.iter().any(|(_, judged)| judged.is_expected);
    let refused = sent.iter().any(|(done, judged)| done.question.dialect.missed(&judged.symptom));
    let gate = sent.iter().any(|(_, judged)| matches!(judged.symptom.answered_by, AnsweredBy::Gate(_)));
    let client = first.trail.sighting(&Station::Client, Watched::Authorization);
    Some(Hop {
        header: "Authorization",
        client: client.map(|sighting| sighting.to_string()).unwrap_or_default(),
        between: if gate { "taken by a gate" } else { "·" },
        php: match (arrived, refused) {
            (true, false) => "arrived",
            (true, true) if as_bearer => "arrived on some routes",
            (true, true) => "arrived as Basic alone",
            (false, true) => "absent",
            (false, false) => "·",
        },
    })
}

fn origin(seen: &Examination) -> Option<Hop> {
    let (done, _) = judged(seen)
        .find(|(done, _)| matches!(done.question.step, Step::Preflight(_) | Step::FromPage(_)))?;
    let origin = done.question.origin.clone()?;
    let echoed = seen.steps.iter().any(|done| match &done.ended {
        Ended::Answered(answer, _) => {
            answer.reply.fields.first(Name::AccessControlAllowOrigin) == Some(origin.as_bytes())
        }
        _ => false,
    });
    let php = if echoed { "answered" } else { "·" };
    Some(Hop { header: "Origin", client: origin, between: "·", php })
}

fn host(seen: &Examination) -> Option<Hop> {
    let own = seen.own.as_ref()?;
    let php = if own.host == seen.examined.place.host { "the same" } else { "calls itself otherwise" };
    Some(Hop { header: "Host", client: seen.examined.place.authority(), between: "·", php })
}

fn https(seen: &Examination) -> Option<Hop> {
    let own = seen.own.as_ref()?;
    let php = if own.scheme == seen.examined.place.scheme { "seen as sent" } else { "not seen as sent" };
    Some(Hop { header: "scheme", client: seen.examined.place.scheme.word().to_owned(), between: "·", php })
}

/// Address, clock and issuer.
pub(super) fn facts(seen: &Examination) -> Vec<Fact> {
    [between(seen), doctors(seen), address(seen), addresses(seen), clock(seen), issuer(seen), cache(seen)]
        .into_iter()
        .flatten()
        .collect()
}

/// Who stands on the way, by what he adds to replies (the vendors' documentation, or measured).
fn between(seen: &Examination) -> Option<Fact> {
    const MARKS: [(&str, &str); 7] = [
        ("CF-Ray", "Cloudflare"),
        ("X-Amz-Cf-Id", "CloudFront"),
        ("X-Azure-Ref", "Azure Front Door"),
        ("X-Served-By", "Fastly or another cache"),
        ("X-Varnish", "Varnish"),
        ("X-Vercel-Id", "Vercel"),
        ("X-Nf-Request-Id", "Netlify"),
    ];
    let replies = || {
        seen.steps.iter().filter(|done| done.direct.is_none()).filter_map(|done| match &done.ended {
            Ended::Answered(answer, _) => Some(&answer.reply.fields),
            _ => None,
        })
    };
    let has = |name: &str| {
        replies().any(|fields| fields.iter().any(|field| field.name.eq_ignore_ascii_case(name.as_bytes())))
    };
    let found: Vec<_> = MARKS.iter().filter(|(name, _)| has(name)).map(|(_, product)| *product).collect();
    let text = format!("{} on the way, by the marks on its replies", found.join(", "));
    (!found.is_empty()).then_some(Fact { name: "between", text, is_good: true })
}

fn address(seen: &Examination) -> Option<Fact> {
    let own = seen.index.as_ref().and_then(|index| index.home.as_ref()).or(seen.own.as_ref())?;
    let asked = &seen.examined.place;
    let text = match (own == asked, own.host == asked.host && own.port != asked.port, own.host == asked.host)
    {
        (true, ..) => format!("WordPress calls itself {own}, as it was asked"),
        (_, _, true) if own.scheme != asked.scheme => format!(
            "WordPress calls itself {own} and was asked by {}: it does not see how it is reached, so links, issuers and \
             application passwords go wrong",
            asked.scheme.word()
        ),
        (_, true, _) => format!("WordPress calls itself {own}: another port than it was asked at"),
        _ => format!("WordPress calls itself {own}: tokens are issued in that name"),
    };
    Some(Fact { name: "address", text, is_good: own == asked })
}

/// How many machines the name may lead to, and which of them are not like the others.
fn addresses(seen: &Examination) -> Option<Fact> {
    let mut text = seen.addresses.clone()?;
    let of_name = || seen.steps.iter().filter(|done| seen.is_of_name(done));
    let mut odd: Vec<String> = Vec::new();
    for done in of_name().filter(|done| is_unlike(done, seen)) {
        let words =
            format!("{} answers \"{}\" otherwise than others", way(done, seen), done.question.step.title());
        odd.push(words);
    }
    for (place, origin) in seen.origins.iter().enumerate().filter(|(_, origin)| origin.is_of_name) {
        let replies = of_name().filter(|done| done.direct == Some(place));
        odd.extend(replies.filter_map(apart).next().map(|words| format!("the clock at {origin} is {words}")));
    }
    for words in &odd {
        text.push_str(&format!("; {words}"));
    }
    match of_name().filter(|done| matches!(done.ended, Ended::Skipped(_))).count() {
        0 => {}
        count => text.push_str(&format!("; {count} of the questions to them were not asked, see the steps")),
    }
    Some(Fact { name: "addresses", text, is_good: odd.is_empty() })
}

/// Whether it failed where the very same did well by another way.
fn is_unlike(done: &Done, seen: &Examination) -> bool {
    let is_same = |other: &Done| {
        other.question.step == done.question.step && other.direct != done.direct && other.is_expected()
    };
    done.judged().is_some_and(|judged| !judged.is_expected) && seen.steps.iter().any(is_same)
}

/// Which doctors answered to the key, in the order of the path.
fn doctors(seen: &Examination) -> Option<Fact> {
    let mut names: Vec<&str> = Vec::new();
    for before in companies(seen).flat_map(Company::crossings).map(|way| way.before.as_str()) {
        if !names.contains(&before) {
            names.push(before);
        }
    }
    let text = if names.is_empty() {
        "no doctor answered to the key: none is on the way, or none that has it".to_owned()
    } else {
        format!("{} on the way answered to the key", names.join(" and "))
    };
    seen.has_key.then_some(Fact { name: "doctors", text, is_good: true })
}

fn companies(seen: &Examination) -> impl Iterator<Item = &Company> {
    seen.steps.iter().filter_map(|done| match &done.ended {
        Ended::Answered(answer, _) => answer.company.as_ref(),
        _ => None,
    })
}

/// How far two clocks may be apart, in seconds.
const APART: i64 = 30;

/// How far the clock behind the replies is from ours; nothing where none tells.
fn clock(seen: &Examination) -> Option<Fact> {
    let (done, _) = judged(seen).find(|(_, judged)| judged.symptom.offset.is_some())?;
    let text = match apart(done) {
        Some(words) => format!("the site's clock is {words}"),
        None => format!("the site's clock and ours agree within {APART} s"),
    };
    Some(Fact { name: "clock", text, is_good: apart(done).is_none() })
}

/// `75 s ahead of ours`, where a reply shows a clock that is too far off.
fn apart(done: &Done) -> Option<String> {
    let Ended::Answered(answer, judged) = &done.ended else { return None };
    let offset = judged.symptom.offset?;
    let (ahead, behind) = (offset.ahead(), offset.behind(answer.took));
    if ahead > APART {
        return Some(format!("{ahead} s ahead of ours"));
    }
    (behind > APART).then(|| format!("{behind} s behind ours"))
}

/// Whose token it is, and whether its time has come at the site.
fn issuer(seen: &Examination) -> Option<Fact> {
    let (_, judged) = judged(seen).find(|(_, judged)| judged.trail.claims.is_some())?;
    let claims = judged.trail.claims.as_ref()?;
    let differs = judged.symptom.home.as_ref().and_then(|home| claims.foreign(home));
    let now = judged.symptom.now();
    let text = match (differs, claims.times.over(now), claims.times.to_come(now)) {
        (Some(difference), ..) => {
            format!("the token's issuer is not the site: it has {}", difference.words())
        }
        (_, true, _) => "the token's time is over by the site's clock".to_owned(),
        (_, _, true) => "the token's time has not come by the site's clock".to_owned(),
        _ => "the token is this site's, and in its time by the site's clock".to_owned(),
    };
    Some(Fact { name: "token", text, is_good: differs.is_none() && claims.times.good(now) })
}

/// Whether the reply to a credential was given to somebody who sent none, and what on it says that it was stored.
fn cache(seen: &Examination) -> Option<Fact> {
    let stored = seen.steps.iter().find(|done| done.question.step == Step::Stored)?;
    let Ended::Answered(answer, judged) = &stored.ended else { return None };
    if judged.is_expected {
        let text = "a reply to a credential was not given to somebody who sent none".to_owned();
        return Some(Fact { name: "cache", text, is_good: true });
    }
    let has = |name: &&&str| {
        answer.reply.fields.iter().any(|field| field.name.eq_ignore_ascii_case(name.as_bytes()))
    };
    let marks: Vec<_> =
        ["Age", "X-Cache", "CF-Cache-Status", "X-Cache-Hits"].iter().filter(has).copied().collect();
    let mut text = format!(
        "a reply to a credential was given to somebody who sent none, with {}",
        judged.symptom.status
    );
    if !marks.is_empty() {
        text.push_str(&format!("; it bears {}", marks.join(" and ")));
    }
    Some(Fact { name: "cache", text, is_good: false })
}

/// Redirects to another origin, each once.
pub(super) fn redirects(seen: &Examination) -> Vec<Led> {
    let mut all: Vec<Led> = Vec::new();
    for done in &seen.steps {
        let Some(led) =
            led(done).filter(|led| !all.iter().any(|known| (&known.from, &known.to) == (&led.from, &led.to)))
        else {
            continue;
        };
        all.push(led);
    }
    all
}

fn led(done: &Done) -> Option<Led> {
    // A page is no API: WordPress sends it to its own address, and answers on REST routes where it is asked.
    if done.question.step == Step::Page {
        return None;
    }
    let Ended::Answered(answer, _) = &done.ended else { return None };
    let asked = Asked::new(&answer.head, answer.scheme)?;
    let redirect = Redirect::read(&answer.reply, &asked)?;
    let change = redirect.change();
    if !change.leaves_origin() {
        return None;
    }
    let of = |fate| {
        let is = |client: &&Client| client.fate(change, redirect.scheme()) == Some(fate);
        Client::ALL.iter().filter(is).map(|client| client.name).collect()
    };
    let host = crate::event::Redacted::host(redirect.host());
    let to = format!("{}://{host}:{}", redirect.scheme().word(), redirect.port());
    Some(Led { from: done.place.to_string(), to, losing: of(Fate::Lost), keeping: of(Fate::Kept) })
}

/// What a check without this or that cannot see.
pub(super) fn unseen(seen: &Examination) -> Vec<&'static str> {
    let has = |wanted: fn(&Step) -> bool| {
        seen.steps.iter().any(|done| wanted(&done.question.step) && done.judged().is_some())
    };
    let probed = has(|step| matches!(step, Step::With | Step::Validate | Step::AppMe));
    let all = [
        (!probed, "whether Authorization reaches PHP: no JWT plugin answers, and no credential was given"),
        (
            !seen.has_token && has(|step| *step == Step::Token),
            "whether a token is accepted and in its time: the login must succeed first",
        ),
        (
            !seen.has_token && !has(|step| *step == Step::Token),
            "whether a token is issued, accepted and in its time: give --user and HEADER_DOCTOR_PASSWORD",
        ),
        (
            !has(|step| matches!(step, Step::Endpoint(_) | Step::AppEndpoint(_))),
            "whether a user may use your endpoints: give --endpoint PATH and a login",
        ),
        (
            !has(|step| matches!(step, Step::Preflight(_))),
            "whether a browser lets a page of another origin use it: give --browser-origin ORIGIN",
        ),
        (
            !seen.origins.iter().any(|way| !way.is_of_name),
            "what the origin behind a CDN or balancer answers: give --origin ADDRESS",
        ),
        (!seen.is_deep, "which other headers survive the way, and how long they may be: give --deep"),
        (
            companies(seen).next().is_none(),
            "what lies between this machine and PHP, hop by hop: run a doctor there",
        ),
    ];
    all.into_iter().filter(|(is_unseen, _)| *is_unseen).map(|(_, words)| words).collect()
}
