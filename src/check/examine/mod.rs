//! The examination: which question comes after which.
//!
//! What is asked next hangs on what came: where the REST server is, whether there is a token, whether anybody wants to be left
//! alone. Everything that is decided about a single answer is decided in [`super::judge`].

mod again;
mod deep;
mod plugin;

pub(super) use deep::unlike_control;

use super::answer::Answer;
use super::conversation::{Conversation, Direct, MOST, MOST_DEEP};
use super::dialect::Dialect;
use super::discover::{Index, Root, followed, own_place};
use super::judge::{Evidence, Judged, Known, judge, reading, unready, unwelcome};
use super::jwt_plugin::JwtPlugin;
use super::plan::{discovery, last, plan};
use super::question::{Carries, Question, Step, Wallet};
use super::seen::{Done, Ended, Examination};
use super::site::{Place, Site};
use super::trouble::Trouble;
use crate::event::Redacted;
use crate::evidence::{Memory, RouteClass};
use crate::headers::redirects::{Asked, Redirect};
use crate::message::Name;
use crate::moment::Moment;
use crate::secret::{Key, Secret};

/// What is to be examined.
#[derive(Clone, Debug)]
pub struct Task {
    /// The site.
    pub site: Site,
    /// Endpoints of the application, as they were typed.
    pub endpoints: Vec<String>,
    /// The origin of the pages that use the site.
    pub browser_origin: Option<String>,
    /// Addresses that are asked directly.
    pub origins: Vec<Direct>,
    /// Whether every address of the site's name is asked.
    pub all_addresses: bool,
    /// Whether it is also tried which fields survive the way, and how long they may be.
    pub deep: bool,
    /// Whether the check shares a key with doctors on the way.
    pub has_key: bool,
    /// What makes an address one that nobody asked for before.
    pub fresh: String,
    /// The credentials.
    pub wallet: Wallet,
    /// The variables of the environment that name a proxy, none of which is used.
    pub proxies: Vec<&'static str>,
}

impl Task {
    /// The most requests that may be sent.
    #[must_use]
    pub const fn most(&self) -> usize {
        if self.deep { MOST_DEEP } else { MOST }
    }
}

/// Tells how it goes on, for whoever waits.
pub(super) type Progress<'p> = &'p mut dyn FnMut(&Step);

/// The most redirects that are followed to find the site.
const HOPS: usize = 3;

/// Examines a site.
pub async fn examine(
    task: &Task,
    conversation: &mut Conversation,
    key: &Key,
    began: Moment,
    progress: Progress<'_>,
) -> Examination {
    let mut under = Examiner {
        task,
        conversation,
        key,
        progress,
        wallet: task.wallet.clone(),
        root: Root::usual(&task.site.folder),
        is_clear: Vec::new(),
        seen: Examination {
            began,
            site: task.site.clone(),
            examined: task.site.clone(),
            index: None,
            own: None,
            steps: Vec::new(),
            origins: task.origins.clone(),
            addresses: None,
            stopped: None,
            asked: 0,
            proxies: task.proxies.clone(),
            has_token: false,
            has_key: task.has_key,
            is_deep: task.deep,
            needed: None,
            jwt_plugin: JwtPlugin::default(),
        },
    };
    under.discover().await;
    under.go_through(None).await;
    for place in 0..task.origins.len() {
        under.go_through(Some(place)).await;
    }
    if task.all_addresses {
        under.go_to_all_addresses().await;
    }
    under.finish().await;
    if task.deep {
        under.go_deep().await;
    }
    under.compare();
    let (asked, has_token) = (under.conversation.sent(), under.wallet.token.is_some());
    Examination { asked, has_token, ..under.seen }
}

struct Examiner<'e, 'p> {
    task: &'e Task,
    conversation: &'e mut Conversation,
    key: &'e Key,
    progress: Progress<'p>,
    wallet: Wallet,
    root: Root,
    /// The ways that were seen to let a Bearer token through.
    is_clear: Vec<Option<usize>>,
    seen: Examination,
}

impl Examiner<'_, '_> {
    /// Finds the REST server, and says why there is none to be found.
    async fn discover(&mut self) {
        self.look_at_the_page().await;
        let found = self.find_index().await;
        self.ask_where_it_was_named().await;
        if let Err(why) = found {
            self.seen.stopped.get_or_insert(why);
        }
    }

    /// The page names the REST root. Where it leads to another origin says little: WordPress sends whoever asks for a page by
    /// another name than its own to its own, and answers on REST routes all the same.
    async fn look_at_the_page(&mut self) {
        let mut site = self.task.site.clone();
        for _ in 0..=HOPS {
            let [page, _] = discovery(&site, &self.root);
            self.ask(page, &site.place.clone(), None).await;
            let Some(answer) = self.last_answer() else { return };
            self.seen.own = own_place(&answer.reply).or_else(|| self.seen.own.take());
            if let Some(root) = Root::of_link(&answer.reply) {
                self.root = root;
            }
            if self.unready().is_some() {
                return;
            }
            match location(&answer, &site).filter(|next| next.place == site.place) {
                Some(next) => site = next,
                None => return,
            }
        }
    }

    /// Asks for the index where it should be, and where it is without permalinks.
    async fn find_index(&mut self) -> Result<(), String> {
        let by_query = Root::by_query(&self.task.site.folder);
        let roots = [self.root.clone(), by_query];
        let tries = if roots.first() == roots.last() { 1 } else { 2 };
        for root in roots.into_iter().take(tries) {
            let answer = self.ask_for_index(&root).await?;
            self.seen.own = own_place(&answer.reply).or_else(|| self.seen.own.take());
            self.seen.index = Index::read(&answer.body).filter(|_| answer.reply.status.is_success());
            if self.seen.index.is_some() {
                self.root = root;
            }
            let is_refused = matches!(answer.reply.status.code(), 401 | 403);
            if self.seen.index.is_some() || is_refused {
                return Ok(());
            }
        }
        let why = self
            .unready()
            .or_else(|| self.failing())
            .or_else(|| self.led_away())
            .or_else(|| self.led_around());
        Err(why.unwrap_or_else(|| {
            format!(
                "{} is not WordPress, or hides its REST API: neither a Link to it nor an index at /wp-json/ or \
                 /?rest_route=/",
                self.seen.examined
            )
        }))
    }

    /// Asks for the index below this root, and follows where it leads, to the same site by another of its names.
    async fn ask_for_index(&mut self, root: &Root) -> Result<Answer, String> {
        let [_, index] = discovery(&self.task.site, root);
        for _ in 0..HOPS {
            let place = self.seen.examined.place.clone();
            self.ask(index.clone(), &place, None).await;
            let Some(answer) = self.last_answer() else { return Err(self.why_not()) };
            let here = Site { place, folder: String::new() };
            match location(&answer, &here).filter(|next| next.place != here.place) {
                Some(next) => self.seen.examined.place = next.place,
                None => return Ok(answer),
            }
        }
        Err(format!("{} leads on and on", self.seen.site))
    }

    /// Why the last step has no answer.
    fn why_not(&self) -> String {
        match self.seen.steps.last() {
            Some(Done { place, ended: Ended::Failed(trouble), .. }) => format!("{place} {trouble}"),
            _ => "the check may send no more requests".to_owned(),
        }
    }

    /// Where WordPress has no site yet, or none that it could answer for.
    fn unready(&self) -> Option<String> {
        let judged = self.seen.steps.last()?.judged()?;
        unready(&judged.symptom).map(|why| format!("{} {why}", self.seen.examined))
    }

    /// Where nothing is to be found since the site itself fails.
    fn failing(&self) -> Option<String> {
        let status = self.last_answer()?.reply.status;
        (status.code() >= 500)
            .then(|| format!("{} answers {status}: the site itself fails", self.seen.examined))
    }

    fn is_led_away(&self) -> bool {
        self.seen.index.is_none() && self.led_away().is_some()
    }

    /// Where everything leads elsewhere: to a site that nobody named.
    fn led_away(&self) -> Option<String> {
        let answer = self.last_answer()?;
        let asked = Asked::new(&answer.head, answer.scheme)?;
        let redirect =
            Redirect::read(&answer.reply, &asked).filter(|redirect| redirect.change().leaves_origin())?;
        let (scheme, host) = (redirect.scheme(), Redacted::host(redirect.host()));
        let port = Some(redirect.port()).filter(|port| *port != scheme.port());
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let to = format!("{}://{host}{port}", scheme.word());
        Some(format!("{} leads to another site, {to}; check that one", self.seen.examined))
    }

    /// Where every address of the index leads to another of the same site, and at last nowhere.
    fn led_around(&self) -> Option<String> {
        let index = self.seen.steps.iter().filter(|done| done.question.step == Step::Index);
        let statuses = index.map(|done| done.judged().map(|judged| judged.symptom.status.code()));
        let is_redirect = |code: &Option<u16>| code.is_some_and(|code| (300..400).contains(&code));
        statuses.collect::<Vec<_>>().iter().all(is_redirect).then(|| {
            format!(
                "{} sends whoever asks for its REST API elsewhere on the site, with a redirect, and no index answers there; \
                 `curl -IL {}/wp-json/` shows where it leads",
                self.seen.examined, self.seen.examined
            )
        })
    }

    /// Asks for a REST route where the site was named, when it led elsewhere: that is where clients send their tokens.
    async fn ask_where_it_was_named(&mut self) {
        let named = self.task.site.place.clone();
        if self.seen.examined.place == named && !self.is_led_away() {
            return;
        }
        let dialect = self.dialect().unwrap_or_default();
        let (method, route) = dialect.validate();
        let (step, target) = (Step::With, self.root.target(route));
        let probe = Question { step, method, target, carries: Carries::Probe, origin: None, dialect };
        self.ask(probe, &named, None).await;
    }

    /// Asks all that is planned, by one way.
    async fn go_through(&mut self, direct: Option<usize>) {
        let mut plan = plan(self.task, &self.root, self.seen.index.as_ref(), self.dialect());
        if direct.is_some() {
            plan.retain(Question::is_asked_again);
        }
        for question in plan {
            let place = self.seen.examined.place.clone();
            self.ask(question, &place, direct).await;
        }
    }

    /// Asks what can wait.
    async fn finish(&mut self) {
        let place = self.seen.examined.place.clone();
        for question in last(self.task, &self.root, self.seen.index.as_ref()) {
            self.ask(question, &place, None).await;
        }
    }

    /// Asks every address of the name, question by question: where there are more of them than requests left, each was asked the
    /// first. The token proves more than the probe does.
    async fn go_to_all_addresses(&mut self) {
        let place = self.seen.examined.place.clone();
        let found = match self.conversation.addresses(&place).await {
            Ok(found) => found,
            Err(why) => {
                self.seen.addresses = Some(format!("the addresses of {} are not known: {why}", place.host));
                return;
            }
        };
        let words: Vec<_> = found.iter().map(ToString::to_string).collect();
        let words = words.join(", ");
        if found.len() < 2 {
            self.seen.addresses =
                Some(format!("{} has one address, {words}: there is no other to compare with", place.host));
            return;
        }
        self.seen.addresses = Some(format!("{} has {} addresses: {words}", place.host, found.len()));
        let first = self.seen.origins.len();
        self.seen.origins.extend(found.into_iter().map(Direct::of_name));
        let mut plan = plan(self.task, &self.root, self.seen.index.as_ref(), self.dialect());
        let has_token = self.wallet.token.is_some();
        plan.retain(|question| question.is_asked_again() && !(has_token && question.step == Step::With));
        for question in plan {
            for address in first..self.seen.origins.len() {
                self.ask(question.clone(), &place, Some(address)).await;
            }
        }
    }

    /// Asks one question, unless there is a reason not to, and judges the answer.
    async fn ask(&mut self, question: Question, place: &Place, direct: Option<usize>) {
        let ended = match self.reason_against(&question, place, direct) {
            Some(why) => Ended::Skipped(why),
            None if self.is_out_of_reach(direct) => Ended::Skipped("this address could not be reached"),
            None => self.answered(&question, place, direct).await,
        };
        let app_passwords = self.seen.index.as_ref().map(|index| index.app_passwords);
        let known = Known { is_clear: self.is_clear.contains(&direct), app_passwords };
        let words = |judged: &Judged| reading(&question, &judged.symptom, known);
        let mut done =
            Done { question: question.clone(), place: place.clone(), direct, ended, reading: None };
        let unexplained = done.judged().filter(|judged| !judged.is_expected && judged.findings.is_empty());
        done.reading = unexplained.and_then(words);
        self.conclude(&done);
        self.seen.steps.push(done);
    }

    fn reason_against(
        &self,
        question: &Question,
        place: &Place,
        direct: Option<usize>,
    ) -> Option<&'static str> {
        if self.seen.stopped.is_some() {
            return Some("the check had ended");
        }
        if self.conversation.is_spent() {
            return Some("the check may send no more requests");
        }
        if question.carries.is_credential() && !self.conversation.is_named(place) {
            return Some("the site led elsewhere, and credentials go only to hosts that were named");
        }
        if !self.wallet.has(question.carries) {
            return Some("there is no token to use");
        }
        if let Some(why) = self.has_no_form(question) {
            return Some(why);
        }
        if self.is_held_back(question, direct) {
            return Some("the browser does not send it");
        }
        self.is_without_control(&question.step).or_else(|| self.is_pointless(question))
    }

    /// Whether an address gave no reply before: it is not tried again and again.
    fn is_out_of_reach(&self, direct: Option<usize>) -> bool {
        let has_failed = |done: &Done| done.direct == direct && matches!(done.ended, Ended::Failed(_));
        direct.is_some() && self.seen.steps.iter().any(has_failed)
    }

    /// Whether it is about one path: the site answered before, and one request of its own went wrong. A second one ends the check.
    fn is_of_one_path(&self, trouble: &Trouble) -> bool {
        let public = || self.seen.steps.iter().filter(|done| done.direct.is_none());
        let is_failure =
            |done: &Done| matches!(done.ended, Ended::Failed(_)) && !done.question.step.is_deep();
        let has_failed = public().any(is_failure);
        trouble.is_of_a_reply() && !has_failed && public().any(|done| done.judged().is_some())
    }

    /// Whether the browser was refused when it asked first, by the same way.
    fn is_held_back(&self, question: &Question, direct: Option<usize>) -> bool {
        let (Step::FromPage(endpoint) | Step::Announced(_, endpoint)) = &question.step else { return false };
        let preflight = Step::Preflight(endpoint.clone());
        let is_first = |done: &&Done| done.direct == direct && done.question.step == preflight;
        self.seen.steps.iter().rev().find(is_first).is_some_and(|done| !done.is_expected())
    }

    /// Why nothing could be learnt about caches, which are asked in public.
    fn is_pointless(&self, question: &Question) -> Option<&'static str> {
        let did_well = |wanted: &[Step]| {
            let is_one = |done: &Done| done.direct.is_none() && wanted.contains(&done.question.step);
            self.seen.steps.iter().any(|done| is_one(done) && done.is_expected())
        };
        match question.step {
            Step::Manual if !self.seen.jwt_plugin.may_have_manual() => {
                Some("by its routes it is another plugin than that of this manual")
            }
            Step::Fresh if !did_well(&[Step::Me, Step::AppMe]) => {
                Some("users/me did not accept the credential")
            }
            Step::Stored if !did_well(&[Step::Fresh]) => Some("there was no reply that could be stored"),
            Step::Stored if self.conversation.has_cookie() => {
                Some("the cookie of --header may log in as well")
            }
            _ => None,
        }
    }

    async fn answered(&mut self, question: &Question, place: &Place, direct: Option<usize>) -> Ended {
        (self.progress)(&question.step);
        let way = direct.and_then(|place| self.seen.origins.get(place)).cloned();
        match self.conversation.ask(question, place, way.as_ref(), &self.wallet).await {
            Ok(answer) => {
                let is_bearer = matches!(question.carries, Carries::Token | Carries::Probe);
                let accepted = is_bearer && self.is_clear.contains(&direct);
                let unoffered = self.seen.index.as_ref().is_some_and(|index| !index.app_passwords);
                let memory = Memory { accepted, unoffered, ..Memory::default() };
                let is_fresh = self.is_fresh(question, direct);
                let beside = Evidence { memory, is_fresh, ..Evidence::default() };
                let mut judged = judge(question, &answer, beside, self.key);
                self.weigh(&question.step, &mut judged);
                Ended::Answered(Box::new(answer), Box::new(judged))
            }
            Err(trouble) => Ended::Failed(trouble),
        }
    }

    /// Whether the token that is sent was issued to this check by the same way.
    fn is_fresh(&self, question: &Question, direct: Option<usize>) -> bool {
        let is_login = |done: &Done| done.question.step == Step::Token && done.direct == direct;
        question.carries == Carries::Token
            && self.seen.steps.iter().any(|done| is_login(done) && done.is_expected())
    }

    /// What follows from a step for those to come.
    fn conclude(&mut self, done: &Done) {
        match &done.ended {
            // A field that is minded may end the connection; whether the site still answers is asked then.
            Ended::Failed(_) if done.question.step.may_fail() => {}
            Ended::Failed(trouble) if done.direct.is_none() && !self.is_of_one_path(trouble) => {
                self.seen.stopped = Some(format!("{} {trouble}", done.place));
            }
            Ended::Answered(answer, judged) => {
                let is_wanted = judged.is_expected || done.question.step.may_be_refused(&judged.symptom);
                if let Some(why) = unwelcome(&judged.symptom).filter(|_| !is_wanted) {
                    self.seen.stopped = Some(format!("{why}; nothing more was asked"));
                }
                self.hear_of_plugin(&done.question.step, answer);
                let shows = matches!(done.question.step, Step::With | Step::Validate);
                let is_validated = done.question.dialect != Dialect::JwtAuth
                    || judged.trail.route.class == RouteClass::Validate;
                if shows && judged.is_expected && is_validated {
                    self.is_clear.push(done.direct);
                }
                if done.question.step == Step::Token {
                    self.wallet.token = {
                        let token = done.question.dialect.issued(&answer.body);
                        token.filter(|_| judged.is_expected).map(Secret::new)
                    };
                }
            }
            _ => {}
        }
    }

    fn last_answer(&self) -> Option<Answer> {
        match &self.seen.steps.last()?.ended {
            Ended::Answered(answer, _) => Some(Answer::clone(answer)),
            _ => None,
        }
    }
}

/// Where an answer leads, when it may be followed.
fn location(answer: &Answer, site: &Site) -> Option<Site> {
    let location = answer.reply.fields.only(Name::Location)?;
    let is_redirect = matches!(answer.reply.status.code(), 301 | 302 | 303 | 307 | 308);
    followed(site, location).filter(|_| is_redirect)
}
