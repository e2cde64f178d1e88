//! What TLS asks of an upstream: whose certificate it must show, and which version of HTTP it may choose.
//!
//! One client configuration is shared by all connections of all workers, so that sessions are resumed. A certificate
//! that itself stands in the file of authorities is taken as it is, as `known_hosts` is: a self-signed one of an origin is
//! often marked as an authority's, or names nobody, and no chain could be built from it.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::path::PathBuf;
use std::sync::Arc;
use std::{env, fmt};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::fault::TlsFault;
use super::{Error, fault};

/// Which versions of HTTP an upstream may choose from (ALPN, RFC 7301).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// HTTP/1.1 alone: names arrive as the client spelled them, and upgrades are possible.
    Http1,
    /// HTTP/2, and HTTP/1.1 for an upstream that does not speak it.
    Http2,
}

/// Whose word about an upstream's certificate is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// That of the authorities this machine trusts.
    Platform,
    /// That of these alone.
    Only(Authorities),
    /// Any certificate is taken. Whoever can answer in the upstream's place reads every credential.
    Anybody,
}

/// Certificates of authorities, or of upstreams themselves; at least one.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorities(Vec<CertificateDer<'static>>);

/// Why a text holds no authorities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAuthorities {
    /// There is no certificate in it.
    #[error("holds no certificate in PEM form")]
    None,
    /// A section that cannot be read, counted from one.
    #[error("holds a certificate that cannot be read, the {0}. one")]
    Malformed(usize),
}

impl Authorities {
    /// The certificates of a PEM file; whatever else stands in it is passed over.
    ///
    /// # Errors
    /// There is none, or one cannot be read.
    pub fn from_pem(text: &[u8]) -> Result<Self, BadAuthorities> {
        let mut store = RootCertStore::empty();
        let mut certificates = Vec::new();
        for (index, certificate) in CertificateDer::pem_slice_iter(text).enumerate() {
            let certificate = certificate.map_err(|_| BadAuthorities::Malformed(index + 1))?;
            store.add(certificate.clone()).map_err(|_| BadAuthorities::Malformed(index + 1))?;
            certificates.push(certificate);
        }
        if certificates.is_empty() { Err(BadAuthorities::None) } else { Ok(Self(certificates)) }
    }
}

/// How many: a certificate says nothing to the eye.
impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorities({})", self.0.len())
    }
}

/// What is asked of an upstream before anything is sent to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The name that is asked for (SNI) and that the certificate must be for; an IP address is asked for in silence
    /// (RFC 6066 §3).
    pub name: ServerName<'static>,
    /// Who may say that it is.
    pub trust: Trust,
    /// Which versions of HTTP may be chosen from.
    pub offer: Offer,
}

/// Why the terms cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTerms {
    /// This machine trusts nobody.
    #[error("this machine has no certificate authorities to trust")]
    NoAuthorities,
    /// What the environment names in their place cannot be read whole.
    #[error(
        "SSL_CERT_FILE names {}, which is no file, or larger than 16MiB, where the PEM file of the authorities should be",
        .0.display()
    )]
    NoFile(PathBuf),
    /// What TLS is made with refuses them.
    #[error("TLS cannot be set up with them")]
    Unusable,
}

/// TLS towards one upstream. All clones share their sessions.
#[derive(Clone)]
pub struct Tls(Arc<Shared>);

struct Shared {
    terms: Terms,
    http1: Arc<ClientConfig>,
    http2: Arc<ClientConfig>,
}

impl Tls {
    /// TLS on these terms. Reads the authorities of the machine where they are asked for.
    ///
    /// # Errors
    /// The terms cannot be kept on this machine.
    pub fn new(terms: Terms) -> Result<Self, BadTerms> {
        let verifier = Arc::new(Verifier::new(&terms.trust)?);
        let builder = ClientConfig::builder_with_provider(provider());
        let builder = builder.with_safe_default_protocol_versions().map_err(|_| BadTerms::Unusable)?;
        let mut http1 = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
        let mut http2 = http1.clone();
        http1.alpn_protocols = vec![b"http/1.1".to_vec()];
        http2.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self(Arc::new(Shared { terms, http1: Arc::new(http1), http2: Arc::new(http2) })))
    }

    /// What is asked of the upstream.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.0.terms
    }

    /// Makes TLS of a connection.
    pub(super) async fn over(&self, stream: TcpStream, offer: Offer) -> Result<TlsStream<TcpStream>, Error> {
        let config = match offer {
            Offer::Http1 => &self.0.http1,
            Offer::Http2 => &self.0.http2,
        };
        let connector = TlsConnector::from(Arc::clone(config));
        let connecting = Box::pin(connector.connect(self.0.terms.name.clone(), stream));
        connecting.await.map_err(|error| fault::of(&error))
    }

    /// What it means that a handshake did not end in time.
    pub(super) const fn stalled(after: std::time::Duration) -> Error {
        Error::Tls(TlsFault::Stalled(after))
    }
}

/// Equal when the terms are.
impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        self.0.terms == other.0.terms
    }
}

impl Eq for Tls {}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.terms.fmt(f)
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Judges certificates as [`Trust`] says.
#[derive(Debug)]
struct Verifier {
    /// Taken as they are.
    known: Vec<CertificateDer<'static>>,
    /// Who vouches for others; nobody where any certificate is taken.
    chain: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn new(trust: &Trust) -> Result<Self, BadTerms> {
        let mut roots = RootCertStore::empty();
        let known = match trust {
            Trust::Anybody => return Ok(Self { known: Vec::new(), chain: None, provider: provider() }),
            Trust::Platform => {
                refuse_endless(env::var_os("SSL_CERT_FILE"))?;
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                Vec::new()
            }
            Trust::Only(Authorities(certificates)) => {
                roots.add_parsable_certificates(certificates.iter().cloned());
                certificates.clone()
            }
        };
        if roots.is_empty() {
            return Err(BadTerms::NoAuthorities);
        }
        let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
        Ok(Self { known, chain: Some(chain.map_err(|_| BadTerms::Unusable)?), provider: provider() })
    }
}

/// A pipe would be waited for, and a device read without end. One that is missing is told as having no authorities.
fn refuse_endless(named: Option<OsString>) -> Result<(), BadTerms> {
    const MOST: u64 = 16 << 20;
    let Some(file) = named.map(PathBuf::from) else { return Ok(()) };
    let is_good = |metadata: &Metadata| metadata.is_file() && metadata.len() <= MOST;
    match fs::metadata(&file) {
        Ok(metadata) if !is_good(&metadata) => Err(BadTerms::NoFile(file)),
        _ => Ok(()),
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        stapled: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else {
            return Ok(ServerCertVerified::assertion());
        };
        if self.known.iter().any(|known| known == certificate) {
            return Ok(ServerCertVerified::assertion());
        }
        chain.verify_server_cert(certificate, between, name, stapled, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::{Authorities, BadAuthorities};

    #[test]
    fn a_file_without_a_readable_certificate_is_told_so() {
        let no_certificate = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let cut_off = "-----BEGIN CERTIFICATE-----\nMIIB\n";
        let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (text, wrong) in [
            ("", BadAuthorities::None),
            ("not PEM", BadAuthorities::None),
            (no_certificate, BadAuthorities::None),
            (cut_off, BadAuthorities::Malformed(1)),
            (damaged, BadAuthorities::Malformed(1)),
        ] {
            assert_eq!(Authorities::from_pem(text.as_bytes()), Err(wrong), "{text}");
        }
    }

    #[test]
    fn certificates_are_counted_and_not_shown() {
        let made = || rcgen::generate_simple_self_signed(vec!["a.test".to_owned()]).unwrap().cert.pem();
        let authorities = Authorities::from_pem(format!("{}# and\n{}", made(), made()).as_bytes()).unwrap();
        assert_eq!(format!("{authorities:?}"), "Authorities(2)");
    }
}
