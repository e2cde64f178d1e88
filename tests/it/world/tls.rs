//! Who stands behind the names in a test: an authority, the files it gives, servers that show its certificates, and
//! clients that believe it.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, SupportedProtocolVersion};
use tempfile::{NamedTempFile, TempDir};

/// An authority with a folder of certificates.
pub(crate) struct Authority {
    folder: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let issuer =
            CertifiedIssuer::self_signed(params_of_authority(), KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.crt"), issuer.pem()).unwrap();
        Self { folder, issuer }
    }

    /// The same with the usual certificate, `a`, for a.test.
    pub(crate) fn of_a_test() -> Self {
        Self::new().with("a", &["a.test"])
    }

    /// The same with `FILE.crt` and `FILE.key` for these names.
    pub(crate) fn with(self, file: &str, names: &[&str]) -> Self {
        self.issue(file, names);
        self
    }

    /// Writes `FILE.crt` and `FILE.key` for these names, over those that were there.
    pub(crate) fn issue(&self, file: &str, names: &[&str]) {
        let key = KeyPair::generate().unwrap();
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.file(&format!("{file}.crt")), certificate.pem()).unwrap();
        std::fs::write(self.file(&format!("{file}.key")), key.serialize_pem()).unwrap();
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The file of its own certificate.
    pub(crate) fn ca(&self) -> PathBuf {
        self.file("ca.crt")
    }

    /// What a server of this name needs.
    pub(crate) fn server(&self, name: &str) -> ServerConfig {
        self.server_with(&CertificateParams::new(vec![name.to_owned()]).unwrap())
    }

    pub(crate) fn server_with(&self, params: &CertificateParams) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        server(certificate.der().clone(), &key)
    }

    /// A server whose certificate is one of an authority, signed by itself; and that certificate as a file.
    pub(crate) fn nobodys() -> (ServerConfig, NamedTempFile) {
        let key = KeyPair::generate().unwrap();
        let certificate = params_of_authority().self_signed(&key).unwrap();
        let file = NamedTempFile::with_suffix(".pem").unwrap();
        std::fs::write(file.path(), certificate.pem()).unwrap();
        (server(certificate.der().clone(), &key), file)
    }

    /// A pair of files as the configuration names it.
    pub(crate) fn pair(&self, file: &str) -> String {
        let (certificate, key) = (self.file(&format!("{file}.crt")), self.file(&format!("{file}.key")));
        format!("{{ certificate: {}, private_key: {} }}", certificate.display(), key.display())
    }

    /// A client that believes this authority.
    pub(crate) fn client(&self) -> Arc<ClientConfig> {
        self.client_of(rustls::DEFAULT_VERSIONS)
    }

    pub(crate) fn client_of(&self, versions: &[&'static SupportedProtocolVersion]) -> Arc<ClientConfig> {
        let builder = ClientConfig::builder_with_protocol_versions(versions);
        Arc::new(builder.with_root_certificates(self.roots()).with_no_client_auth())
    }

    /// A client that shows the certificate in this file.
    pub(crate) fn client_showing(&self, file: &str) -> Arc<ClientConfig> {
        let certificate = CertificateDer::from_pem_file(self.file(&format!("{file}.crt"))).unwrap();
        let key = PrivateKeyDer::from_pem_file(self.file(&format!("{file}.key"))).unwrap();
        let builder = ClientConfig::builder().with_root_certificates(self.roots());
        Arc::new(builder.with_client_auth_cert(vec![certificate], key).unwrap())
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        roots
    }
}

fn params_of_authority() -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn server(certificate: CertificateDer<'static>, key: &KeyPair) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    builder.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap()
}

/// One connection of a client that asks for this name.
pub(crate) fn asking_for(name: &str, client: &Arc<ClientConfig>) -> ClientConnection {
    ClientConnection::new(Arc::clone(client), ServerName::try_from(name.to_owned()).unwrap()).unwrap()
}
