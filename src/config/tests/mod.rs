//! The file as an operator meets it: what it means.

mod damage;
mod diagnosis;
mod mistakes;
mod php;
mod schema;
mod tls;
mod trail;
mod upstreams;

use super::{
    Address, Admin, AdminAddress, Drain, Error, Exchanges, Format, Hosts, Limits, Listener, Mode, Overrides,
    Plan, Resolve, Source, Surroundings, Upstream,
};
use crate::evidence::HopName;
use crate::headers::cors::{Policy, Settings};
use crate::headers::{FieldName, authorization, redirects};
use std::num::NonZeroUsize;
use std::time::Duration;

const AROUND: Surroundings = Surroundings { terminal: false, cores: NonZeroUsize::new(3).expect("not zero") };

const MINIMAL: &str = include_str!("../../../config/minimal.yaml");
const OBSERVE: &str = include_str!("../../../config/observe.yaml");
const UNUSUAL: &str = "sites: [{ upstreams: [{ url: 'unix:/$${a}' }] }]\nworkers: 7\nlog: { repeats: 1500ms }\n\
                       admin: { health_address: ':9901', address: 'unix:/run/b.sock', exchanges: 7, memory: 1MiB }\n\
                       upgrade: { socket: /run/a.sock }";
const ASKED: &str = "sites: [{ upstreams: [{ url: 'h:80' }] }]\nadmin: { address: ':9900', token_file: a.token, \
                     hosts: [Doctor.internal], tls: { certificate: a.crt, private_key: a.key } }";
const UNASKED: &str = "sites: [{ upstreams: [{ url: 'h:80' }] }]\nadmin: { address: none }";
const HTTPS: &str = include_str!("../../../config/https-upstream.yaml");
const PHP: &str = include_str!("../../../config/php-fpm.yaml");
const DEBIAN: &str = include_str!("../../../config/debian.yaml");
const FULL: &str = include_str!("../../../config/header-doctor.yaml");
const EDGE: &str = include_str!("../../../config/trail-edge.yaml");
const SIDECAR: &str = include_str!("../../../config/trail-sidecar.yaml");
const TLS: &str = include_str!("../../../config/tls.yaml");

fn environment(name: &str) -> Option<String> {
    match name {
        "UPSTREAM" => Some("10.0.0.5:8080".to_owned()),
        "PORT" => Some("9000".to_owned()),
        "KEYS" => Some("observe\n    unknown: 1".to_owned()),
        "SECRET" => Some("hunter2".to_owned()),
        _ => None,
    }
}

fn plan_with(text: &str, overrides: &Overrides) -> Result<Plan, Error> {
    Plan::new(Some(&Source::new("config.yaml", text)), &environment, overrides, AROUND)
}

fn plan(text: &str) -> Plan {
    plan_with(text, &Overrides::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// The message without the file's name.
#[track_caller]
fn refused(text: &str) -> String {
    let error = plan_with(text, &Overrides::default()).expect_err(text).to_string();
    error.strip_prefix("config.yaml:").expect(&error).to_owned()
}

fn tcp(host: &str, port: u16) -> Address {
    Address::Tcp { host: host.to_owned(), port }
}

#[test]
fn the_smallest_file_has_every_default() {
    let plan = plan(MINIMAL);
    assert_eq!(plan.listeners, [Listener::DEFAULT]);
    assert_eq!(plan.sites[0].hosts, Hosts::Any);
    assert_eq!(plan.sites[0].mode, Mode::Treat);
    assert_eq!(plan.sites[0].upstreams[0].address, tcp("127.0.0.1", 8081));
    assert_eq!(plan.sites[0].upstreams[0].connect_timeout, Duration::from_secs(5));
    assert_eq!((plan.limits, plan.drain), (Limits::default(), Drain::default()));
    assert_eq!(plan.workers.get(), 3);
    assert_eq!((plan.log.format, plan.log.exchanges), (Format::Json, Exchanges::Sick));
    assert_eq!(plan.log.repeats, Duration::from_secs(60));
}

#[test]
fn the_full_example_writes_out_the_defaults() {
    let (full, minimal) = (plan(FULL), plan(MINIMAL));
    assert_eq!((full.limits, full.drain, full.log), (minimal.limits, minimal.drain, minimal.log));
    assert_eq!(full.admin, Admin { is_asked_for: true, ..minimal.admin.clone() });
    let judging = |plan: &Plan| (plan.diagnosis.enabled, plan.diagnosis.second_opinion);
    assert_eq!((&full.trail, judging(&full)), (&minimal.trail, judging(&minimal)));
    assert_eq!((full.workers, &full.listeners), (minimal.workers, &minimal.listeners));
    let times = |plan: &Plan| {
        let upstream = &plan.sites[0].upstreams[0];
        [upstream.connect_timeout, upstream.response_timeout, upstream.idle_timeout]
    };
    assert_eq!(times(&full), times(&minimal));
}

#[test]
fn the_observing_example_takes_its_upstream_from_the_environment() {
    let plan = plan(OBSERVE);
    assert_eq!(plan.sites[0].upstreams[0].address, tcp("10.0.0.5", 8080));
    assert_eq!((plan.sites[0].mode, plan.log.exchanges), (Mode::Observe, Exchanges::All));
}

#[test]
fn what_a_plan_is_shown_as_means_the_same_plan() {
    let browsers = "sites: [{ upstreams: [{ url: 'h:80' }], cors: { allow_origins: ['null', 'http://*.a:1'], \
                    allow_credentials: true, expose_headers: [], max_age: 0s, paths: [/] } }]";
    let headers = "trusted_proxies: [private, loopback, 192.0.2.7, 'fd00::/8']\nsites: [{ upstreams: [{ url: 'h:80' }], \
                   redirects: rewrite, via: send, authorization: { recover_from: [X-Auth, x_auth], mirror_to: [x-auth], \
                   placeholder_tokens: refuse } }]";
    let several = "sites: [{ upstreams: [{ url: 'unix:/a' }, { url: 'wordpress:80', resolve: all, connect_timeout: 1s }] }]";
    for text in [
        MINIMAL, OBSERVE, FULL, TLS, HTTPS, PHP, DEBIAN, EDGE, SIDECAR, UNUSUAL, ASKED, UNASKED, browsers,
        headers, several,
    ] {
        let mut plan = plan(text);
        let shown = plan.to_yaml().unwrap();
        // Whoever writes the usual address asks for it.
        plan.admin.is_asked_for = true;
        assert_eq!(super::tests::plan(&shown), plan, "{shown}");
    }
}

#[test]
fn whoever_says_nothing_can_be_asked_from_this_machine_where_that_is_free() {
    let admin = |text: &str| plan(&format!("{MINIMAL}\n{text}")).admin;
    let usual = admin("");
    assert_eq!((usual.address, usual.is_asked_for), (Some(AdminAddress::DEFAULT), false));
    assert_eq!((usual.exchanges, usual.memory, usual.token_file), (1000, 4 << 20, None));
    assert!(!admin("admin: { address: null }").is_asked_for);
    let asked = admin("admin: { address: 127.0.0.1:9900 }");
    assert_eq!((asked.address, asked.is_asked_for), (Some(AdminAddress::DEFAULT), true));
    assert_eq!(admin("admin: { address: none }").address, None);
    let far = admin("admin: { address: ':9900', token_file: /a.token, hosts: [Doctor.internal.] }");
    assert_eq!(far.address.map(|address| address.to_string()).as_deref(), Some("0.0.0.0:9900"));
    assert_eq!(far.hosts, ["doctor.internal"]);
}

#[test]
fn a_section_may_be_empty() {
    assert_eq!(plan(&format!("{MINIMAL}\nlimits:\ndrain: {{}}\nlog:\n  level:\n")), plan(MINIMAL));
}

#[test]
fn a_number_may_be_written_as_text() {
    let plan = plan(&format!(
        "{MINIMAL}
workers: '5'
limits: {{ header_bytes: '4096', body_bytes: 1 }}"
    ));
    assert_eq!((plan.workers.get(), plan.limits.header_bytes, plan.limits.body_bytes), (5, 4096, Some(1)));
}

#[test]
fn repeats_may_be_written_each() {
    let repeats = |text: &str| plan(&format!("{MINIMAL}\nlog: {{ repeats: {text} }}")).log.repeats;
    assert_eq!(["0s", "90s", "1h"].map(repeats).map(|time| time.as_secs()), [0, 90, 3600]);
}

#[test]
fn flags_beat_the_file() {
    let listener = "127.0.0.1:9999".parse::<Listener>().unwrap();
    let overrides = Overrides {
        listeners: vec![listener.clone()],
        upstreams: vec![tcp("h", 80).into()],
        root: None,
        php_root: None,
        observe: true,
        log_format: Some(Format::Pretty),
        cors_origins: vec!["https://flag.test".parse().unwrap()],
        trusted_proxies: vec!["loopback".parse().unwrap()],
        hop: HopName::new("edge"),
        trail_key_file: Some("/flag.keys".into()),
        admin: Some("unix:/run/b.sock".parse().unwrap()),
        health_address: Some("127.0.0.1:9901".parse().unwrap()),
        upgrade_socket: Some("/run/a.sock".parse().unwrap()),
    };
    let plan = plan_with(FULL, &overrides).unwrap();
    assert_eq!(plan.listeners, [listener]);
    assert_eq!(plan.admin.health_address, overrides.health_address);
    assert_eq!(plan.admin.address.unwrap().to_string(), "unix:/run/b.sock");
    assert_eq!(plan.upgrade.socket, overrides.upgrade_socket);
    assert_eq!((Some(plan.trail.hop), plan.trail.key_file), (overrides.hop, overrides.trail_key_file));
    assert_eq!(plan.trusted_proxies.ranges(), ["loopback".parse().unwrap()]);
    assert_eq!(plan.sites.len(), 1);
    assert_eq!((&plan.sites[0].hosts, plan.sites[0].mode), (&Hosts::Any, Mode::Observe));
    assert_eq!((&plan.sites[0].upstreams[0].address, plan.log.format), (&tcp("h", 80), Format::Pretty));
    assert_eq!(plan.sites[0].cors, Some(policy(&["https://flag.test"], |_| ())));
}

#[test]
fn a_site_may_have_several_upstreams_with_times_of_their_own() {
    let plan =
        plan("sites: [{ upstreams: [{ url: 'a:1', response_timeout: 9s }, { url: 'b:2', resolve: all }] }]");
    let upstreams = &plan.sites[0].upstreams;
    let of = |upstream: &Upstream| {
        (upstream.address.clone(), upstream.resolve, upstream.response_timeout.as_secs())
    };
    let expected = [(tcp("a", 1), Resolve::First, 9), (tcp("b", 2), Resolve::All, 60)];
    assert_eq!(upstreams.iter().map(of).collect::<Vec<_>>(), expected);
}

#[test]
fn without_a_word_nobody_is_believed_and_nothing_is_changed() {
    let plan = plan(MINIMAL);
    assert!(plan.trusted_proxies.is_empty());
    assert_eq!(plan.sites[0].authorization, authorization::Policy::default());
    assert_eq!(plan.sites[0].redirects, redirects::Policy::Report);
}

#[test]
fn a_policy_of_headers_is_read_as_written() {
    let plan = plan(
        "trusted_proxies: [private]
sites:
  - upstreams: [{ url: 'h:80' }]
    redirects: rewrite
    authorization: { recover_from: [X-Auth, x-jwt], mirror_to: [x-auth], placeholder_tokens: refuse }",
    );
    assert!(plan.trusted_proxies.contains("10.0.0.1".parse().unwrap()));
    let site = &plan.sites[0];
    let names = |list: &[FieldName]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&site.authorization.recover_from), ["X-Auth", "x-jwt"]);
    assert_eq!(names(&site.authorization.mirror_to), ["x-auth"]);
    assert_eq!(site.authorization.placeholder_tokens, authorization::PlaceholderTokens::Refuse);
    assert_eq!(site.redirects, redirects::Policy::Rewrite);
}

/// The default policy for these origins, but for one change.
fn policy(origins: &[&str], change: impl FnOnce(&mut Settings)) -> Policy {
    let mut settings = Settings::new(origins.iter().map(|text| text.parse().unwrap()).collect());
    change(&mut settings);
    Policy::new(settings).unwrap()
}

#[test]
fn without_a_section_browsers_are_told_nothing_new() {
    assert_eq!(plan(MINIMAL).sites[0].cors, None);
    let empty = format!("{}    cors:\n", "sites:\n  - upstreams: [{ url: 'h:80' }]\n");
    assert_eq!(plan(&empty).sites[0].cors, None);
}

#[test]
fn the_example_for_browsers_writes_out_the_defaults() {
    let origins = ["https://app.example.com", "https://*.preview.example.com"];
    let sites = plan(FULL).sites;
    assert_eq!(sites[0].cors, Some(policy(&origins, |_| ())));
    assert_eq!(sites[1].cors, None);
}

#[test]
fn a_flag_for_browsers_gives_every_site_these_origins_and_keeps_the_rest() {
    let text = "sites:
  - hosts: [a.test]
    upstreams: [{ url: 'h:80' }]
    cors: { allow_origins: [https://a.test], allow_headers: [x-a], max_age: 1m }
  - upstreams: [{ url: 'h:80' }]\n";
    let overrides =
        Overrides { cors_origins: vec!["http://localhost:3000".parse().unwrap()], ..Overrides::default() };
    let plan = plan_with(text, &overrides).unwrap();
    let kept = policy(&["http://localhost:3000"], |settings| {
        settings.allow_headers = vec!["x-a".parse().unwrap()];
        settings.max_age = Duration::from_secs(60);
    });
    assert_eq!(plan.sites[0].cors, Some(kept));
    assert_eq!(plan.sites[1].cors, Some(policy(&["http://localhost:3000"], |_| ())));
}

#[test]
fn a_flag_for_observing_leaves_the_sites_of_the_file() {
    let overrides = Overrides { observe: true, ..Overrides::default() };
    let plan = plan_with(FULL, &overrides).unwrap();
    assert_eq!(plan.sites.iter().map(|site| site.mode).collect::<Vec<_>>(), [Mode::Observe; 2]);
}

#[test]
fn a_mistake_is_reported_even_in_what_a_flag_replaces() {
    let overrides = Overrides { upstreams: vec![tcp("h", 80).into()], ..Overrides::default() };
    assert!(plan_with("sites: [{ mode: off }]", &overrides).is_err());
}

#[test]
fn a_terminal_gets_the_pretty_log_unless_the_file_says_otherwise() {
    let around = Surroundings { terminal: true, ..AROUND };
    let format = |text: &str| {
        let source = Source::new("config.yaml", text);
        Plan::new(Some(&source), &environment, &Overrides::default(), around).unwrap().log.format
    };
    assert_eq!((format(MINIMAL), format(FULL)), (Format::Pretty, Format::Json));
}

#[test]
fn without_a_file_flags_and_defaults_make_the_plan() {
    let plan = |overrides: &Overrides| Plan::new(None, &environment, overrides, AROUND);
    let overrides = Overrides { upstreams: vec![tcp("127.0.0.1", 8081).into()], ..Overrides::default() };
    assert_eq!(plan(&overrides).unwrap(), super::tests::plan(MINIMAL));
    assert!(matches!(plan(&Overrides::default()), Err(Error::NoUpstream)));
}
