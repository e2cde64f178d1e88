//! Upstreams under TLS, and what they are told as `Host`.

use super::{Plan, Source, environment, plan, refused};
use crate::config::{Error, HostHeader};
use crate::upstream::Offer;

fn site(upstream: &str) -> String {
    format!("sites:\n  - upstreams:\n      - {upstream}\n")
}

/// The message about a file that the plan names.
fn misread(text: &str) -> String {
    let mut plan = plan(text);
    let error = plan.read_files(Some(&Source::new("config.yaml", text)), &environment).expect_err(text);
    error.to_string().strip_prefix("config.yaml:").unwrap().to_owned()
}

fn tls_of(plan: &Plan) -> &crate::config::UpstreamTls {
    plan.sites[0].upstreams[0].tls.as_ref().unwrap()
}

#[test]
fn https_is_verified_by_the_host_and_spoken_in_http1() {
    let plan = plan(&site("url: https://Origin.example.com."));
    let tls = tls_of(&plan);
    assert_eq!(
        (tls.server_name.to_str(), tls.verify, tls.offer),
        ("origin.example.com".into(), true, Offer::Http1)
    );
    assert_eq!((&tls.ca, plan.files()), (&None, Vec::new()));
    assert!(tls.made().is_err(), "nothing is spoken before files are read");
}

#[test]
fn an_address_is_a_name_too() {
    for (url, name) in [("https://[::1]:8443", "::1"), ("https://10.0.0.7", "10.0.0.7")] {
        assert_eq!(tls_of(&plan(&site(&format!("url: '{url}'")))).server_name.to_str(), name);
    }
}

#[test]
fn tls_belongs_to_https() {
    for key in ["tls: { verify: true }", "http2: auto"] {
        let message = refused(&site(&format!("{{ url: 'http://h', {key} }}")));
        assert!(message.contains("needs TLS; write https:// in `url`, or leave it out"), "{message}");
    }
    let both = refused(&site("{ url: 'https://h', tls: { verify: false, ca: a.pem } }"));
    assert!(both.contains("tls.verify: is false, so nothing would be verified against `ca`"), "{both}");
}

#[test]
fn a_file_of_authorities_that_is_none_is_told_with_its_place() {
    let text = site("{ url: 'https://h', tls: { ca: /nowhere/ca.pem } }");
    let message = misread(&text);
    let begin = "3:40: sites[0].upstreams[0].tls.ca: \"/nowhere/ca.pem\" cannot be read: No such file";
    assert!(message.starts_with(begin), "{message}");
    let message = misread(&site("{ url: 'https://h', tls: { ca: Cargo.toml } }"));
    assert!(message.contains("\"Cargo.toml\" holds no certificate in PEM form; name a file of"), "{message}");
    assert_eq!(plan(&text).files(), ["/nowhere/ca.pem".into()] as [std::path::PathBuf; 1]);
}

#[test]
fn without_verification_no_file_is_needed() {
    let mut plan = plan(&site("{ url: 'https://h', http2: auto, tls: { verify: false } }"));
    plan.read_files(None, &environment).unwrap();
    assert_eq!(tls_of(&plan).made().unwrap().terms().offer, Offer::Http2);
}

#[test]
fn a_mistake_of_a_flag_is_told_by_its_name() {
    let mut plan = plan(&site("{ url: 'https://h', tls: { ca: /nowhere } }"));
    let error = plan.read_files(None, &environment).unwrap_err();
    assert!(matches!(&error, Error::Wrong(mistake) if mistake.file == "--upstream"), "{error}");
}

#[test]
fn an_upstream_that_is_the_doctor_itself_is_refused() {
    let text = |listens: &str, url: &str| {
        format!("listeners: [{{ address: '{listens}' }}]\nsites:\n  - upstreams:\n      - url: {url}\n")
    };
    assert_eq!(
        refused(&text("127.0.0.1:8090", "http://127.0.0.1:8090")),
        "4:14: sites[0].upstreams[0].url: http://127.0.0.1:8090 leads back to the doctor, which listens on 127.0.0.1:8090; \
         name where WordPress answers, or listen elsewhere"
    );
    for (listens, url) in [
        (":80", "127.0.0.1:80"),
        ("0.0.0.0:80", "localhost:80"),
        ("[::]:80", "'[::1]:80'"),
        ("10.0.0.7:80", "http://10.0.0.7"),
    ] {
        assert!(refused(&text(listens, url)).contains("leads back to the doctor"), "{listens} {url}");
    }
    for (listens, url) in [
        (":80", "10.0.0.7:80"),
        (":80", "wordpress:80"),
        ("127.0.0.1:80", "127.0.0.1:81"),
        ("127.0.0.2:80", "127.0.0.1:80"),
        ("[::]:80", "127.0.0.1:80"),
        ("10.0.0.7:80", "127.0.0.1:80"),
        (":80", "unix:/run/h.sock"),
    ] {
        plan(&text(listens, url));
    }
}

#[test]
fn the_host_sent_is_the_clients_the_upstreams_or_another() {
    let host = |upstream: &str| plan(&site(upstream)).sites[0].upstreams[0].host_sent();
    assert_eq!(host("url: http://h"), None);
    for (upstream, sent) in [
        ("{ url: 'http://h', host: upstream }", "h"),
        ("{ url: 'https://h', host: upstream }", "h"),
        ("{ url: 'https://h:80', host: upstream }", "h:80"),
        ("{ url: 'https://[::1]:443', host: upstream }", "[::1]"),
        ("{ url: 'http://h', host: WWW.example.com }", "www.example.com"),
    ] {
        assert_eq!(host(upstream).as_deref(), Some(sent), "{upstream}");
    }
    assert_eq!(plan(&site("url: http://h")).sites[0].upstreams[0].host, HostHeader::Preserve);
}
