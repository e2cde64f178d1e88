//! What is remembered, by stories of a few requests.

use std::time::Duration;

use proptest::prelude::{any, prop, proptest};

use super::{Deed, History, Refusal, Scene};
use crate::evidence::{By, Form, Issue, Opinion, Past, PhpTold, RouteClass, Secret, TakenHere};
use crate::moment::Moment;
use crate::secret::{Fingerprint, KeyId};

/// A client, and what it is doing.
fn scene(at: i64) -> Scene {
    Scene {
        began: Moment::from_seconds(at),
        at: Moment::from_seconds(at),
        client: Fingerprint::from_bits(1),
        home: Fingerprint::from_bits(3),
        user: Some(Fingerprint::from_bits(7)),
        token: Some(Fingerprint::from_bits(100)),
        refresh: None,
        site: "a, b".into(),
        upstream: "a".into(),
        class: RouteClass::UsersMe,
        form: Form::Pretty,
        offset: Some(0),
        php: None,
    }
}

fn issue(token: u64, refresh: Option<u64>) -> Deed {
    Deed::Issued(Issue {
        token: Fingerprint::from_bits(token),
        user: Some(Fingerprint::from_bits(7)),
        refresh: refresh.map(Fingerprint::from_bits),
        ahead: None,
    })
}

fn refresh(at: i64, with: u64) -> Scene {
    Scene {
        class: RouteClass::Refresh,
        refresh: Some(Fingerprint::from_bits(with)),
        token: None,
        ..scene(at)
    }
}

fn with(token: u64, at: i64) -> Scene {
    Scene { token: Some(Fingerprint::from_bits(token)), ..scene(at) }
}

#[test]
fn another_secret_is_known_by_its_key_its_site_and_for_a_while() {
    let history = History::default();
    let secret = |key: &str, bits| {
        let secret = Some(Secret { key: KeyId::new(key).unwrap(), bits });
        Some(PhpTold { home: None, secret, ahead: 0 })
    };
    let at = |upstream: &str, seconds, php| Scene { upstream: upstream.into(), php, ..scene(seconds) };
    history.note(&at("b", 0, secret("k1", 5)), Deed::Taken);
    let other = |scene: &Scene| history.recall(scene).other_secret;
    assert_eq!(other(&at("a", 9, secret("k1", 6))).as_deref(), Some("b"));
    assert_eq!(other(&at("b", 9, secret("k1", 6))).as_deref(), Some("b"), "machines behind one address");
    assert_eq!(other(&at("a", 9, secret("k1", 5))), None, "the same one");
    assert_eq!(other(&at("a", 9, secret("k2", 6))), None, "under another key nothing can be compared");
    assert_eq!(other(&at("a", 601, secret("k1", 6))), None, "long ago");
    assert_eq!(other(&Scene { home: Fingerprint::from_bits(4), ..at("a", 9, secret("k1", 6)) }), None);
    assert_eq!(other(&Scene { site: "c".into(), ..at("a", 9, secret("k1", 6)) }), None);
    assert_eq!(other(&at("a", 9, None)), None);
    let told = |at| {
        history.php_nodes(Moment::from_seconds(at)).into_iter().map(|node| node.upstream).collect::<Vec<_>>()
    };
    assert_eq!((told(599), told(601)), (vec!["b".into()], vec![]));
}

#[test]
fn php_behind_an_upstream_of_several_sites_is_told_once_as_it_was_last() {
    let history = History::default();
    let told = |site: &str, upstream: &str, at, ahead| {
        let php = Some(PhpTold { home: None, secret: None, ahead });
        history.note(&Scene { site: site.into(), upstream: upstream.into(), php, ..scene(at) }, Deed::Taken);
    };
    told("a", "a", 1, 10);
    told("a, b", "a", 2, 20);
    told("a, c", "a", 0, 30);
    told("a, b", "b", 0, 40);
    let nodes = history.php_nodes(Moment::from_seconds(3));
    let nodes: Vec<_> = nodes.iter().map(|node| (&*node.upstream, node.told.ahead)).collect();
    assert_eq!(nodes, [("a", 20), ("b", 40)]);
}

#[test]
fn a_refresh_puts_a_newer_token_in_place_of_the_one_it_came_with() {
    let history = History::default();
    history.note(&Scene { user: None, ..scene(0) }, issue(100, Some(9)));
    history.note(&refresh(100, 9), issue(101, Some(10)));
    let newer = |token, at| history.recall(&with(token, at)).newer;
    assert_eq!(newer(100, 104), None, "it may have been under way");
    let old = newer(100, 106).unwrap();
    assert_eq!((old.ago, old.by, old.refused_for), (Duration::from_secs(6), By::ItsRefreshToken, None));
    assert_eq!(newer(101, 200), None, "the newest has no newer one");
    history.note(&with(100, 110), Deed::Refused(Refusal::Token));
    history.note(&with(100, 120), Deed::Refused(Refusal::Token));
    assert_eq!(newer(100, 130).unwrap().refused_for, Some(Duration::from_secs(20)));
    let again = history.recall(&refresh(130, 9)).refresh;
    assert_eq!(again.rotated, Some(Duration::from_secs(30)));
    assert_eq!(history.recall(&refresh(130, 10)).refresh.rotated, None);
}

#[test]
fn a_login_of_the_same_user_by_the_same_program_counts_and_of_another_does_not() {
    let history = History::default();
    let login = |at, client| Scene { class: RouteClass::Token, token: None, client, ..scene(at) };
    let (one, two) = (Fingerprint::from_bits(1), Fingerprint::from_bits(2));
    history.note(&login(0, one), issue(100, None));
    history.note(&login(50, two), issue(101, None));
    assert_eq!(history.recall(&with(100, 100)).newer, None, "another program's");
    history.note(&login(60, one), issue(102, None));
    assert_eq!(history.recall(&with(100, 100)).newer.unwrap().by, By::TheSameUser);
}

#[test]
fn what_took_the_very_same_token_is_told_by_upstream_form_and_time() {
    let history = History::default();
    let at_b = |at| Scene { upstream: "b".into(), ..scene(at) };
    history.note(&Scene { class: RouteClass::Validate, ..scene(0) }, Deed::Taken);
    history.note(&scene(10), Deed::Taken);
    let past = history.recall(&scene(60));
    assert_eq!((past.validated, past.served), (Some(Duration::from_secs(60)), Some(Duration::from_secs(50))));
    let query = history.recall(&Scene { form: Form::Query, ..scene(60) });
    assert_eq!((query.validated, query.served), (None, None));
    assert_eq!(history.recall(&scene(700)).validated, None, "too long ago");
    let there = history.recall(&at_b(60));
    assert_eq!((there.validated, there.served), (None, None));
    let elsewhere = there.elsewhere.unwrap();
    assert_eq!((&*elsewhere.upstream, elsewhere.issued, elsewhere.unsigned_before), ("a", false, false));
    history.note(&at_b(60), Deed::Refused(Refusal::Signature));
    assert!(!history.recall(&at_b(65)).elsewhere.unwrap().unsigned_before, "the secret may have changed");
    history.note(&scene(70), Deed::Taken);
    let elsewhere = history.recall(&at_b(80)).elsewhere.unwrap();
    assert!(elsewhere.unsigned_before && !elsewhere.refused_before);
    let other_home = Scene { home: Fingerprint::from_bits(4), ..at_b(80) };
    assert_eq!(history.recall(&other_home).elsewhere, None, "another WordPress on the same machines");
    let other_site = Scene { site: "b".into(), ..at_b(80) };
    assert_eq!(history.recall(&other_site).elsewhere, None);
}

#[test]
fn one_address_that_takes_and_refuses_a_token_in_turns_is_told() {
    let history = History::default();
    let taken = |at| history.recall(&scene(at)).taken_here;
    assert_eq!(taken(0), None);
    history.note(&scene(0), Deed::Taken);
    let (ago, refused_before) = (Duration::from_secs(5), false);
    assert_eq!(taken(5), Some(TakenHere { ago, issued: false, refused_before }));
    history.note(&scene(5), Deed::Refused(Refusal::Signature));
    assert!(!taken(6).unwrap().refused_before, "the secret may have been changed");
    history.note(&scene(8), Deed::Taken);
    assert!(taken(9).unwrap().refused_before);
    assert_eq!(history.recall(&Scene { upstream: "b".into(), ..scene(9) }).taken_here, None);
    assert_eq!(taken(700), None, "too long ago");
    // What was read and was no good for another reason says nothing of the secret.
    history.note(&with(101, 0), Deed::Refused(Refusal::Token));
    history.note(&with(101, 1), Deed::Taken);
    assert!(!history.recall(&with(101, 2)).taken_here.unwrap().refused_before);
}

#[test]
fn clocks_agree_by_the_word_of_another_upstream() {
    let history = History::default();
    history.note(&scene(0), Deed::Taken);
    assert_eq!(history.recall(&scene(10)).agreeing, None);
    let there = |at| Scene { upstream: "b".into(), offset: Some(-90), ..scene(at) };
    history.note(&there(5), Deed::Refused(Refusal::Token));
    assert_eq!(history.recall(&there(10)).agreeing.as_deref(), Some("a"));
    assert_eq!(history.recall(&there(700)).agreeing, None);
    assert_eq!(history.recall(&scene(10)).agreeing, None, "b's clock is off");
}

#[test]
fn a_token_that_was_refused_early_and_then_by_its_signature_may_have_seen_a_new_secret() {
    let history = History::default();
    let at_b = |at| Scene { upstream: "b".into(), ..scene(at) };
    history.note(&at_b(0), Deed::Refused(Refusal::Token));
    history.note(&scene(10), Deed::Taken);
    let elsewhere = history.recall(&at_b(20)).elsewhere.unwrap();
    assert!(elsewhere.refused_before && !elsewhere.unsigned_before);
}

#[test]
fn a_bad_token_that_came_through_counts_between_two_that_did_not() {
    let history = History::default();
    let bad = |at| Scene { token: Some(Fingerprint::from_bits(900)), ..scene(at) };
    let read = |scene: &Scene| history.recall(scene).read_a_bad_one;
    history.note(&bad(0), Deed::Refused(Refusal::Token));
    assert_eq!(read(&scene(5)), None, "the path may have changed since");
    history.note(&scene(5), Deed::Refused(Refusal::NoToken));
    assert_eq!(read(&scene(6)), None);
    history.note(&bad(10), Deed::Refused(Refusal::Token));
    assert_eq!(read(&scene(15)), Some(Duration::from_secs(5)));
    assert_eq!(read(&Scene { form: Form::Query, ..scene(15) }), None);
    assert_eq!(read(&Scene { home: Fingerprint::from_bits(4), ..scene(15) }), None, "another WordPress");
    assert_eq!(read(&scene(700)), None);
}

#[test]
fn a_token_that_many_machines_share_is_repeated_by_none_of_them() {
    let history = History::default();
    let machine = |at: i64| Scene { client: Fingerprint::from_bits(at.unsigned_abs()), ..scene(at) };
    (0..50).for_each(|at| history.note(&machine(at), Deed::Refused(Refusal::Token)));
    assert_eq!(history.recall(&machine(49)).minute.same_token, 1);
}

#[test]
fn an_old_token_that_was_taken_in_between_was_not_refused_ever_since() {
    let old = |taken: Option<i64>, again: i64| {
        let history = History::default();
        history.note(&Scene { user: None, ..scene(0) }, issue(100, Some(9)));
        history.note(&refresh(100, 9), issue(101, Some(10)));
        history.note(&with(100, 110), Deed::Refused(Refusal::NoToken));
        taken.into_iter().for_each(|at| history.note(&with(100, at), Deed::Taken));
        history.note(&with(100, again), Deed::Refused(Refusal::Token));
        history.recall(&with(100, again + 1)).newer.unwrap().refused_for
    };
    assert_eq!(old(None, 120), Some(Duration::from_secs(11)));
    assert_eq!(old(Some(115), 120), Some(Duration::from_secs(1)), "from then on");
    assert_eq!(old(None, 3700), Some(Duration::from_secs(1)), "nobody knows of the hour between");
}

#[test]
fn a_refresh_token_that_was_refused_as_a_bearer_is_no_access_token() {
    let history = History::default();
    history.note(&with(9, 0), Deed::Refused(Refusal::Token));
    assert!(!history.recall(&refresh(1, 9)).refresh.is_access_token);
    history.note(&with(9, 2), Deed::Taken);
    assert!(history.recall(&refresh(3, 9)).refresh.is_access_token);
}

#[test]
fn a_refresh_for_want_of_a_permission_is_pointless_when_nothing_else_was_wrong() {
    let rounds = |between: Refusal, pause: i64| {
        let history = History::default();
        for round in 0..3 {
            let at = round * 60;
            history.note(&scene(at), Deed::Refused(Refusal::Permission));
            history.note(&scene(at + 1), Deed::Refused(between));
            history.note(&refresh(at + 1 + pause, 9), issue(200 + round.unsigned_abs(), None));
            history.note(&scene(at + 2 + pause), Deed::Refused(Refusal::Permission));
        }
        history.recall(&scene(190)).pointless
    };
    assert_eq!(rounds(Refusal::Permission, 1), 3);
    assert_eq!(rounds(Refusal::Token, 1), 0, "it was for an expired token");
    assert_eq!(rounds(Refusal::Permission, 20), 0, "it was due anyway");
}

#[test]
fn a_minute_is_counted_and_a_refused_refresh_token_remembered() {
    let history = History::default();
    for at in 0..20 {
        history.note(&refresh(at, 9), issue(300 + at.unsigned_abs(), None));
        history.note(&with(100, at), Deed::Refused(Refusal::Token));
        history.note(&refresh(at, 11), Deed::Refused(Refusal::Refresh));
    }
    let minute = history.recall(&scene(30)).minute;
    assert_eq!((minute.tokens, minute.refusals, minute.same_token), (20, 40, 20));
    assert_eq!(history.recall(&scene(90)).minute.tokens, 0);
    assert_eq!(history.recall(&refresh(30, 11)).refresh.refused, 20);
    assert!(history.recall(&refresh(30, 305)).refresh.is_access_token);
    assert!(!history.recall(&refresh(30, 11)).refresh.is_access_token);
}

#[test]
fn what_nobody_told_did_not_happen() {
    let history = History::default();
    let nothing = Past { here: Some("a".into()), ..Past::default() };
    assert_eq!(history.recall(&scene(0)), nothing);
}

#[test]
fn the_doctor_asks_once_an_hour_and_keeps_silent_for_a_day_where_it_was_not_answered() {
    let history = History::default();
    assert!(history.may_ask(&scene(1)) && !history.may_ask(&scene(3599)) && history.may_ask(&scene(3601)));
    assert!(history.may_ask(&Scene { form: Form::Query, ..scene(3602) }));
    history.note(&scene(3602), Deed::Answered(Opinion::Lost));
    let opinion = |at| history.recall(&scene(at)).opinion;
    assert_eq!(opinion(3605), Some((Opinion::Lost, Duration::from_secs(3))));
    assert_eq!(history.recall(&Scene { form: Form::Query, ..scene(3605) }).opinion, None);
    let other = Scene { home: Fingerprint::from_bits(4), ..scene(3605) };
    assert_eq!(history.recall(&other).opinion, None, "another WordPress there was not asked");
    assert!(!history.may_ask(&other), "once an hour for each upstream, whichever names are asked for");
    assert_eq!(opinion(7300), None);
    assert!(history.may_ask(&scene(7300)));
    history.note(&scene(7301), Deed::Answered(Opinion::Unclear));
    assert!(!history.may_ask(&scene(80_000)) && history.may_ask(&scene(94_000)));
}

proptest! {
    /// Whatever is told in whatever order and time, it is taken, and what comes of it stays within its bounds.
    #[test]
    fn nothing_told_breaks_it(told in prop::collection::vec((any::<i64>(), 0u64..4, 0u8..4, any::<bool>()), 0..300)) {
        let history = History::default();
        for (at, token, deed, refreshes) in told {
            let scene = if refreshes { refresh(at, token) } else { with(token, at) };
            let deed = match deed {
                0 => issue(token + 1, Some(token + 2)),
                1 => Deed::Taken,
                2 => Deed::Refused(Refusal::Permission),
                _ => Deed::Refused(Refusal::Signature),
            };
            history.note(&scene, deed);
            assert!(history.recall(&scene).minute.tokens <= 128);
        }
    }
}
