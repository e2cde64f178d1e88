//! What a file says about TLS and the PROXY protocol, and what is wrong with the files it names.

use super::{AROUND, MINIMAL, Overrides, Plan, Source, TLS, environment, plan, refused};
use crate::config::{Entrances, Error, ProxyProtocol};
use crate::listen::{self, Sessions};
use crate::moment::Moment;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use std::path::Path;
use tempfile::TempDir;

const SITES: &str = "sites: [{ upstreams: [{ url: 'h:80' }] }]\n";

/// What is read behind a listener with this more, in a file of this folder.
fn entrances(folder: &TempDir, listener: &str) -> Result<Entrances, Error> {
    prepared(folder, listener).map(|(_, entrances)| entrances)
}

fn prepared(folder: &TempDir, listener: &str) -> Result<(Plan, Entrances), Error> {
    let path = folder.path().join("config.yaml");
    std::fs::write(&path, format!("listeners:\n  - address: :8443\n{listener}\n{SITES}")).unwrap();
    let source = Source::open(&path)?;
    let plan = Plan::new(Some(&source), &environment, &Overrides::default(), AROUND)?;
    let now = Moment::from_seconds(1_800_000_000);
    let entrances = plan.entrances(Some(&source), &environment, &Sessions::new().unwrap(), now)?;
    Ok((plan, entrances))
}

fn certificate(folder: &TempDir, file: &str, change: impl FnOnce(&mut CertificateParams)) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["a.test".to_owned()]).unwrap();
    change(&mut params);
    std::fs::write(folder.path().join(file).with_extension("crt"), params.self_signed(&key).unwrap().pem())
        .unwrap();
    std::fs::write(folder.path().join(file).with_extension("key"), key.serialize_pem()).unwrap();
}

/// A folder with two good pairs.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    certificate(&folder, "a", |_| ());
    certificate(&folder, "b", |_| ());
    folder
}

#[test]
fn the_example_names_files_from_its_own_folder_or_the_root() {
    let listeners = plan(TLS).listeners;
    let (open, machines) = (listeners[0].tls.as_ref().unwrap(), listeners[1].tls.as_ref().unwrap());
    assert_eq!(open.certificates[0].certificate, Path::new("/etc/header-doctor/tls/fullchain.pem"));
    assert_eq!((&open.clients, listeners[0].proxy_protocol), (&None, ProxyProtocol::Accept));
    let clients = machines.clients.as_ref().unwrap();
    assert_eq!((clients.authorities.ends_with("clients.pem"), clients.require), (true, true));
    assert_eq!(
        (&plan(MINIMAL).listeners[0].tls, plan(MINIMAL).listeners[0].proxy_protocol),
        (&None, ProxyProtocol::None)
    );
}

#[test]
fn what_connections_pass_is_made_of_the_files_and_they_are_listed() {
    let folder = folder();
    let name = |file: &str| folder.path().join(file);
    let absolute = name("b.crt");
    let (plan, read) = prepared(
        &folder,
        &format!(
            "    tls: [{{ certificate: a.crt, private_key: a.key }}, {{ certificate: {}, private_key: b.key }}]\n    \
             client_certificates: {{ authorities: b.crt }}",
            absolute.display()
        ),
    )
    .unwrap();
    assert_eq!(plan.files(), ["a.crt", "a.key", "b.crt", "b.key", "b.crt"].map(name));
    assert!(read.warnings.is_empty() && read.each[0].tls.is_some());
    assert_eq!(read.each[0].proxy_protocol, listen::ProxyProtocol::None);
}

#[test]
fn a_wrong_file_is_told_where_it_is_named_and_never_shown() {
    let folder = folder();
    let key = std::fs::read_to_string(folder.path().join("a.key")).unwrap();
    std::fs::write(folder.path().join("locked.key"), key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"))
        .unwrap();
    std::fs::write(folder.path().join("empty"), "").unwrap();
    std::fs::write(folder.path().join("huge"), vec![b'\n'; (1 << 20) + 1]).unwrap();
    let secret = key.lines().nth(1).unwrap();
    for (certificate, private_key, at, wrong) in [
        (
            "a.crt",
            "b.key",
            "3:46: listeners[0].tls[0].private_key",
            "b.key\" does not belong to the certificate; name",
        ),
        (
            "a.key",
            "a.key",
            "3:26: listeners[0].tls[0].certificate",
            "holds a private key and no certificate; name",
        ),
        (
            "a.crt",
            "a.crt",
            "3:46: listeners[0].tls[0].private_key",
            "holds a certificate and no private key; name",
        ),
        (
            "a.crt",
            "empty",
            "3:46: listeners[0].tls[0].private_key",
            "holds no private key; name a PEM file with",
        ),
        (
            "empty",
            "a.key",
            "3:26: listeners[0].tls[0].certificate",
            "holds no certificate; name a PEM file with",
        ),
        ("a.crt", "gone", "3:46: listeners[0].tls[0].private_key", "cannot be read: No such file"),
        ("a.crt", "huge", "3:46: listeners[0].tls[0].private_key", "is larger than 1MiB, which"),
        ("a.crt", "locked.key", "3:46: listeners[0].tls[0].private_key", "holds a key under a passphrase"),
    ] {
        let listener = format!("    tls: [{{ certificate: {certificate}, private_key: {private_key} }}]");
        let message = entrances(&folder, &listener).unwrap_err().to_string();
        assert!(message.contains(&format!("config.yaml:{at}: \"")) && message.contains(wrong), "{message}");
        assert!(!message.contains(secret), "{message}");
    }
    let clients = "    tls: [{ certificate: a.crt, private_key: a.key }]\n    client_certificates: { authorities: empty }";
    let message = entrances(&folder, clients).unwrap_err().to_string();
    assert!(message.contains(":4:41: listeners[0].client_certificates.authorities: "), "{message}");
}

#[test]
fn a_certificate_out_of_its_time_is_a_warning() {
    let folder = folder();
    certificate(&folder, "old", |params| params.not_after = date_time_ymd(2020, 1, 1));
    certificate(&folder, "new", |params| params.not_before = date_time_ymd(2100, 1, 1));
    let told = |name: &str| {
        let listener = format!("    tls:\n      - {{ certificate: {name}.crt, private_key: {name}.key }}");
        let warnings = entrances(&folder, &listener).unwrap().warnings;
        warnings.iter().map(ToString::to_string).collect::<String>()
    };
    assert!(told("old").contains(":4:24: listeners[0].tls[0].certificate: \""), "{}", told("old"));
    assert!(told("old").ends_with("has expired, and clients refuse it; renew it"));
    assert!(told("new").ends_with("is not valid yet; see whether the clock of this machine is right"));
    assert_eq!(told("a"), "");
}

#[test]
fn what_does_not_go_together_is_refused() {
    let refused = |listener: &str| refused(&format!("listeners:\n  - address: :8443\n{listener}\n{SITES}"));
    assert_eq!(
        refused("    client_certificates: { authorities: ca.pem }"),
        "3:26: listeners[0].client_certificates: is for listeners that speak TLS; \
         add `tls: [{ certificate: FILE, private_key: FILE }]`"
    );
    assert!(refused("    tls: []").starts_with("3:10: listeners[0].tls: lists no certificate; write"));
    assert_eq!(
        refused("    tls: [{ certificate: a.crt }]"),
        "3:11: listeners[0].tls[0]: `private_key` is missing; add it here"
    );
    assert_eq!(
        refused("    proxy_protocol: accept"),
        "3:21: listeners[0].proxy_protocol: believes a PROXY header from trusted proxies, of which there are none; \
         list the balancer's address in trusted_proxies"
    );
    assert!(refused("    proxy_protocol: v2").contains("is not a way to treat the PROXY protocol; write"));
    let key = format!(
        "    tls: [{{ certificate: a.crt, private_key: \"-----BEGIN PRIVATE {}-----\\nMIGH\" }}]",
        "KEY"
    );
    assert_eq!(
        refused(&key),
        "3:46: listeners[0].tls[0].private_key: \"-----BEGIN …\" is no name of a file; \
         save it in a file and write the name of that"
    );
}
