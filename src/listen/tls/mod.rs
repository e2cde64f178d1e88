//! TLS towards clients: certificates and keys as read, and what a handshake is made with.
//!
//! TLS 1.2 and 1.3 and suites with authenticated encryption alone, which is all that rustls has. Two listeners share what
//! is needed to resume sessions, and so do the configurations before and after a reload, since a resumed session is
//! checked against nothing but its name; those that ask for certificates of clients share nothing, or a session from
//! elsewhere would stand for a certificate.

mod validity;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::moment::Moment;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{
    ClientHello, ProducesTickets, ResolvesServerCert, ServerSessionMemoryCache, StoresServerSessions,
    WebPkiClientVerifier,
};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// HTTP/1.1 and 1.0.
    Http1,
    /// HTTP/2.
    Http2,
}

impl Protocol {
    /// What is offered to clients under TLS, the preferred first.
    const OFFERED: [Self; 2] = [Self::Http2, Self::Http1];

    /// Its name in the negotiation (RFC 7301 §6).
    const fn name(self) -> &'static [u8] {
        match self {
            Self::Http1 => b"http/1.1",
            Self::Http2 => b"h2",
        }
    }

    /// The one that was agreed on; a client that does not negotiate speaks HTTP/1.
    pub(super) fn agreed(name: Option<&[u8]>) -> Self {
        Self::OFFERED.into_iter().find(|protocol| name == Some(protocol.name())).unwrap_or(Self::Http1)
    }
}

/// How many tickets a client gets with a full handshake of TLS 1.3. A browser uses each but once, and opens a few
/// connections at the same time.
const TICKETS: usize = 2;

/// How many sessions are remembered for clients of TLS 1.2 that take no ticket.
const SESSIONS: usize = 1024;

/// Why a file of certificates or keys cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPem {
    /// There is no certificate in it.
    #[error(
        "holds no certificate; name a PEM file with `-----BEGIN CERTIFICATE-----`, the server's own first"
    )]
    NoCertificate,
    /// There is no certificate in it, but a key.
    #[error("holds a private key and no certificate; name the file with `-----BEGIN CERTIFICATE-----` here")]
    KeyForCertificate,
    /// A certificate cannot be read.
    #[error("holds a certificate that cannot be read; export it again, in PEM")]
    Certificate,
    /// A certificate is of X.509 version 1: it has no place for names, and so clients refuse it.
    #[error(
        "holds a certificate of X.509 version 1, in which no client finds a name; issue it with names, such as by \
         `openssl x509 -req -extfile FILE`, with `subjectAltName=DNS:NAME` in that file"
    )]
    OldCertificate,
    /// There is no key in it.
    #[error("holds no private key; name a PEM file with `-----BEGIN PRIVATE KEY-----`")]
    NoKey,
    /// There is no key in it, but a certificate.
    #[error("holds a certificate and no private key; name the file with `-----BEGIN PRIVATE KEY-----` here")]
    CertificateForKey,
    /// A passphrase protects the key.
    #[error(
        "holds a key under a passphrase, and nobody is there to type it; write one without: \
         `openssl pkey -in FILE -out NEW`, readable for the doctor alone"
    )]
    EncryptedKey,
    /// The key cannot be read, or is of a kind that is not supported.
    #[error(
        "holds a key that cannot be used; RSA of 2048 bits or more, ECDSA P-256, P-384, P-521 and Ed25519 can"
    )]
    Key,
    /// The key belongs to another certificate.
    #[error("does not belong to the certificate; name the key that the certificate was requested with")]
    Mismatch,
}

impl BadPem {
    /// Whether the file of the key is to blame, and not that of the certificate.
    #[must_use]
    pub const fn is_about_key(&self) -> bool {
        matches!(
            self,
            Self::NoKey | Self::CertificateForKey | Self::EncryptedKey | Self::Key | Self::Mismatch
        )
    }
}

/// A certificate with its chain and its key.
#[derive(Clone)]
pub struct Identity {
    key: Arc<CertifiedKey>,
    names: Vec<String>,
    validity: Option<(Moment, Moment)>,
}

/// Whether a certificate is valid now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// It is, as far as one can see.
    Good,
    /// It begins later.
    NotYet,
    /// It ended.
    Expired,
}

impl Identity {
    /// Reads a chain, the server's own certificate first, and its key.
    ///
    /// # Errors
    /// One of them cannot be used.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, BadPem> {
        let chain = chain(certificates)?;
        let own = chain.first().ok_or(BadPem::NoCertificate)?;
        let names = names(own)?;
        let validity = validity::validity(own);
        let key =
            CertifiedKey::from_der(chain, private_key(key)?, &provider()).map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => BadPem::Mismatch,
                rustls::Error::InvalidCertificate(_) => BadPem::Certificate,
                _ => BadPem::Key,
            })?;
        Ok(Self { key: Arc::new(key), names, validity })
    }

    /// The names it is for, as they stand in it; `*.` stands for one label.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether it is valid at this time.
    #[must_use]
    pub fn validity(&self, now: Moment) -> Validity {
        match self.validity {
            Some((from, _)) if now < from => Validity::NotYet,
            Some((_, until)) if now > until => Validity::Expired,
            _ => Validity::Good,
        }
    }
}

/// Shows the names alone.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("names", &self.names).finish_non_exhaustive()
    }
}

fn chain(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, BadPem> {
    let chain: Vec<_> =
        CertificateDer::pem_slice_iter(text).collect::<Result<_, _>>().map_err(|_| BadPem::Certificate)?;
    match chain.is_empty() {
        true if holds(text, "PRIVATE KEY-----") => Err(BadPem::KeyForCertificate),
        true => Err(BadPem::NoCertificate),
        false => Ok(chain),
    }
}

fn names(certificate: &CertificateDer<'_>) -> Result<Vec<String>, BadPem> {
    let certificate = webpki::EndEntityCert::try_from(certificate).map_err(|error| match error {
        webpki::Error::UnsupportedCertVersion => BadPem::OldCertificate,
        _ => BadPem::Certificate,
    })?;
    Ok(certificate.valid_dns_names().map(str::to_ascii_lowercase).collect())
}

fn private_key(text: &[u8]) -> Result<PrivateKeyDer<'static>, BadPem> {
    // The old form says so within the section.
    if holds(text, "-----BEGIN ENCRYPTED PRIVATE KEY-----") || holds(text, "Proc-Type: 4,ENCRYPTED") {
        return Err(BadPem::EncryptedKey);
    }
    PrivateKeyDer::from_pem_slice(text).map_err(|error| match error {
        pem::Error::NoItemsFound if holds(text, "-----BEGIN CERTIFICATE-----") => BadPem::CertificateForKey,
        pem::Error::NoItemsFound => BadPem::NoKey,
        _ => BadPem::Key,
    })
}

fn holds(text: &[u8], part: &str) -> bool {
    memchr::memmem::find(text, part.as_bytes()).is_some()
}

/// Who may show a certificate of their own, and whether everybody must.
#[derive(Clone, Debug)]
pub struct ClientCertificates {
    authorities: RootCertStore,
    is_required: bool,
}

impl ClientCertificates {
    /// Reads the authorities whose certificates are accepted.
    ///
    /// # Errors
    /// There are none, or one cannot be read.
    pub fn from_pem(authorities: &[u8], is_required: bool) -> Result<Self, BadPem> {
        let mut store = RootCertStore::empty();
        for authority in chain(authorities)? {
            store.add(authority).map_err(|_| BadPem::Certificate)?;
        }
        Ok(Self { authorities: store, is_required })
    }
}

/// What sessions are resumed with. Kept over reloads, so that clients need no full handshake after one.
#[derive(Clone, Debug)]
pub struct Sessions {
    tickets: Arc<dyn ProducesTickets>,
    remembered: Arc<dyn StoresServerSessions>,
}

impl Sessions {
    /// With new keys.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn new() -> Result<Self, rustls::Error> {
        Ok(Self { tickets: aws_lc_rs::Ticketer::new()?, remembered: ServerSessionMemoryCache::new(SESSIONS) })
    }
}

/// What handshakes are made with: the identity by the name that the client asks for, the first where none fits. All
/// suites are sound, so the client's order counts: phones that lack the instructions for AES prefer ChaCha20, and
/// Chromium AES-128, whose hash makes a handshake cheaper than that of AES-256.
///
/// # Errors
/// The system has no random numbers.
pub fn server_config(
    identities: Vec<Identity>,
    clients: Option<ClientCertificates>,
    sessions: &Sessions,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let provider = Arc::new(provider());
    // A session of another listener, or from before an authority was removed, must not stand for a certificate.
    let sessions = if clients.is_some() { Sessions::new()? } else { sessions.clone() };
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(ClientCertificates { authorities, is_required }) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), provider);
            let verifier = if is_required { verifier } else { verifier.allow_unauthenticated() };
            builder.with_client_cert_verifier(
                verifier.build().map_err(|error| rustls::Error::General(error.to_string()))?,
            )
        }
    };
    let mut config = builder.with_cert_resolver(Arc::new(ByName::new(identities)));
    config.alpn_protocols = Protocol::OFFERED.map(|protocol| protocol.name().to_vec()).to_vec();
    config.send_tls13_tickets = TICKETS;
    config.ticketer = sessions.tickets;
    config.session_storage = sessions.remembered;
    Ok(Arc::new(config))
}

fn provider() -> CryptoProvider {
    aws_lc_rs::default_provider()
}

/// Identities by name. Several may have the same one, for clients that know RSA alone.
#[derive(Debug)]
struct ByName {
    identities: Vec<Identity>,
    by_name: HashMap<String, Vec<usize>>,
}

impl ByName {
    fn new(identities: Vec<Identity>) -> Self {
        let mut by_name: HashMap<_, Vec<_>> = HashMap::new();
        for (place, identity) in identities.iter().enumerate() {
            for name in &identity.names {
                by_name.entry(name.clone()).or_default().push(place);
            }
        }
        Self { identities, by_name }
    }

    /// Those of the exact name, then those of its wildcard; all where there are none.
    fn candidates(&self, name: &str) -> impl Iterator<Item = &Identity> {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let wildcard = name.split_once('.').map(|(_, parent)| format!("*.{parent}"));
        let of = |name: &str| self.by_name.get(name).map(Vec::as_slice).unwrap_or_default();
        let (exact, wild) = (of(&name), wildcard.as_deref().map(of).unwrap_or_default());
        let stand_ins: &[Identity] = if exact.is_empty() && wild.is_empty() { &self.identities } else { &[] };
        let named = exact.iter().chain(wild).filter_map(|place| self.identities.get(*place));
        named.chain(stand_ins)
    }
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().unwrap_or_default();
        let fits = |identity: &&Identity| identity.key.key.choose_scheme(hello.signature_schemes()).is_some();
        let identity = self.candidates(name).find(fits).or_else(|| self.identities.first())?;
        Some(Arc::clone(&identity.key))
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::{BadPem, ByName, ClientCertificates, Identity, Moment, Sessions, Validity, server_config};

    /// What `openssl x509 -req` of version 3.0 issues when told no extensions.
    const VERSION_1: &str = "-----BEGIN CERTIFICATE-----\n\
        MIIBHjCBxQIUHkCHWK84Q2wHR6E0XUZLTXWJLlcwCgYIKoZIzj0EAwIwEjEQMA4G\n\
        A1UEAwwHdjEudGVzdDAeFw0yNjExMjUxNTA2MzdaFw0yNjEyMjUxNTA2MzdaMBIx\n\
        EDAOBgNVBAMMB3YxLnRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASFLceA\n\
        FyiIYMlB/WnpgD2FxTi9fm8QTkRggz59JejJuWqtNcQNTYNnK+VtKvkZbjbGW+lO\n\
        Int3tCbTvCF24LrbMAoGCCqGSM49BAMCA0gAMEUCIQCLvlynjZiuH3e4tv8lSDh0\n\
        RO0NvcBYpi0REFHU+7sSGQIgFCOfMVYWYQ2+Z/+yJZCGZBcraOwYK6z41KoYHJoK\n\
        fco=\n\
        -----END CERTIFICATE-----\n";

    fn pem(names: &[&str]) -> (String, String) {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    fn identity(names: &[&str]) -> Identity {
        let (certificate, key) = pem(names);
        Identity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap()
    }

    fn refused(certificate: &str, key: &str) -> BadPem {
        Identity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap_err()
    }

    #[test]
    fn the_exact_name_comes_before_the_wildcard_and_the_first_stands_in_for_all() {
        let identities = [&["first.test"][..], &["*.a.test"], &["WWW.a.test", "b.test"]].map(identity);
        let by_name = ByName::new(identities.to_vec());
        for (asked, name) in [
            ("first.test", "first.test"),
            ("www.a.test", "www.a.test"),
            ("WWW.A.test.", "www.a.test"),
            ("b.test", "www.a.test"),
            ("other.a.test", "*.a.test"),
            ("one.more.a.test", "first.test"),
            ("a.test", "first.test"),
            ("", "first.test"),
        ] {
            assert_eq!(by_name.candidates(asked).next().unwrap().names()[0], name, "{asked}");
        }
        assert_eq!(by_name.candidates("b.test").count(), 1, "no other certificate is shown in its place");
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told() {
        let ((certificate, key), (_, other_key)) = (pem(&["a.test"]), pem(&["a.test"]));
        let broken = certificate.replacen("MII", "AAA", 1);
        let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n\
                   -----END RSA PRIVATE KEY-----\n";
        let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        let cut = key.replace("-----END PRIVATE KEY-----", "");
        for (certificate, key, wrong) in [
            ("", key.as_str(), BadPem::NoCertificate),
            ("text", &key, BadPem::NoCertificate),
            (&key, &key, BadPem::KeyForCertificate),
            (&broken, &key, BadPem::Certificate),
            (&certificate[..200], &key, BadPem::Certificate),
            (VERSION_1, &key, BadPem::OldCertificate),
            (&certificate, "", BadPem::NoKey),
            (&certificate, &certificate, BadPem::CertificateForKey),
            (&certificate, &encrypted, BadPem::EncryptedKey),
            (&certificate, old, BadPem::EncryptedKey),
            (&certificate, &cut, BadPem::Key),
            (&certificate, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", BadPem::Key),
            (&certificate, &other_key, BadPem::Mismatch),
        ] {
            let found = refused(certificate, key);
            assert_eq!(found, wrong, "{certificate}");
            assert_eq!(found.is_about_key(), !format!("{wrong:?}").ends_with("Certificate"), "{wrong:?}");
        }
    }

    #[test]
    fn a_certificate_is_valid_between_its_times() {
        let mut identity = identity(&["a.test"]);
        let at = Moment::from_seconds;
        identity.validity = Some((at(10), at(20)));
        assert_eq!(
            [5, 10, 20, 21].map(|now| identity.validity(at(now))),
            [Validity::NotYet, Validity::Good, Validity::Good, Validity::Expired]
        );
    }

    #[test]
    fn sessions_are_shared_but_not_where_clients_show_certificates() {
        let sessions = Sessions::new().unwrap();
        let clients = || ClientCertificates::from_pem(pem(&["ca"]).0.as_bytes(), false).unwrap();
        let config = |clients| server_config(vec![identity(&["a.test"])], clients, &sessions).unwrap();
        let ticket = config(None).ticketer.encrypt(b"session").unwrap();
        assert_eq!(config(None).ticketer.decrypt(&ticket).as_deref(), Some(&b"session"[..]));
        assert_eq!(config(Some(clients())).ticketer.decrypt(&ticket), None);
    }

    #[test]
    fn nothing_of_a_key_is_shown() {
        let (certificate, key) = pem(&["a.test"]);
        let identity = Identity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        assert_eq!(format!("{identity:?}"), r#"Identity { names: ["a.test"], .. }"#);
    }
}
