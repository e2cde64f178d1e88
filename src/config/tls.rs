//! Keys `tls` and `client_certificates` of a listener: the files that TLS is spoken with.
//!
//! Only their names are checked here, so that a file can be read where its certificates are not; `entrances` reads them.

use super::error::Problem;
use super::reading::Scalar;
use super::values::{FileName, Switch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// How a listener speaks TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// At least one; where a client asks for a name that none has, the first is shown.
    pub certificates: Vec<Certificate>,
    /// What clients show of themselves; nothing when they are not asked.
    pub clients: Option<ClientCertificates>,
}

/// The files of a certificate and its key, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The server's own certificate, then those that lead from it to an authority.
    pub certificate: PathBuf,
    /// The key, without a passphrase.
    pub private_key: PathBuf,
}

/// Which certificates of clients are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificates {
    /// The file of the authorities, in PEM.
    pub authorities: PathBuf,
    /// Whether a client without one is turned away.
    pub require: bool,
}

impl Tls {
    /// Takes names that are not absolute as beginning in `folder`.
    pub(super) fn resolve(&mut self, folder: &Path) {
        let certificates = self.certificates.iter_mut();
        let files = certificates.flat_map(|pair| [&mut pair.certificate, &mut pair.private_key]);
        let authorities = self.clients.iter_mut().map(|clients| &mut clients.authorities);
        // An absolute name replaces the folder.
        files.chain(authorities).for_each(|file| *file = folder.join(&file));
    }

    /// All files of it.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let pairs = self.certificates.iter();
        let files = pairs.flat_map(|pair| [pair.certificate.as_path(), &pair.private_key]);
        files.chain(self.clients.iter().map(|clients| clients.authorities.as_path()))
    }

    pub(super) fn certificate_shapes(&self) -> Vec<CertificateShape> {
        self.certificates.iter().map(Into::into).collect()
    }
}

/// One entry of `tls` in the file.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Certificate")]
pub(super) struct CertificateShape {
    /// The file with the server's own certificate and those that lead to its authority, in PEM; from the folder of this
    /// file on, unless absolute.
    certificate: Scalar<FileName>,
    /// The file with its private key, in PEM, without a passphrase.
    private_key: Scalar<FileName>,
}

/// `client_certificates` in the file.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ClientCertificates")]
pub(super) struct ClientsShape {
    /// The file with the authorities whose certificates are accepted, in PEM.
    authorities: Scalar<FileName>,
    /// Whether a client without a certificate is turned away; `true` when absent.
    require: Option<Scalar<Switch>>,
}

/// Checks both keys together.
pub(super) fn check(
    certificates: Option<Vec<CertificateShape>>,
    clients: Option<ClientsShape>,
) -> Result<Option<Tls>, Problem> {
    let Some(certificates) = certificates else {
        if clients.is_none() {
            return Ok(None);
        }
        let message =
            "is for listeners that speak TLS; add `tls: [{ certificate: FILE, private_key: FILE }]`";
        return Err(Problem::here(message).under("client_certificates"));
    };
    if certificates.is_empty() {
        let message = "lists no certificate; write `[{ certificate: FILE, private_key: FILE }]`, or leave it out \
                       for plain HTTP";
        return Err(Problem::here(message).under("tls"));
    }
    let certificates = certificates.into_iter().map(Into::into).collect();
    Ok(Some(Tls { certificates, clients: clients.map(Into::into) }))
}

impl From<CertificateShape> for Certificate {
    fn from(shape: CertificateShape) -> Self {
        let (Scalar(FileName(certificate)), Scalar(FileName(private_key))) =
            (shape.certificate, shape.private_key);
        Self { certificate, private_key }
    }
}

impl From<&Certificate> for CertificateShape {
    fn from(pair: &Certificate) -> Self {
        let name = |file: &Path| Scalar(FileName(file.to_owned()));
        Self { certificate: name(&pair.certificate), private_key: name(&pair.private_key) }
    }
}

impl From<ClientsShape> for ClientCertificates {
    fn from(shape: ClientsShape) -> Self {
        let Scalar(FileName(authorities)) = shape.authorities;
        Self { authorities, require: shape.require.is_none_or(|Scalar(Switch(on))| on) }
    }
}

impl From<&ClientCertificates> for ClientsShape {
    fn from(clients: &ClientCertificates) -> Self {
        Self {
            authorities: Scalar(FileName(clients.authorities.clone())),
            require: Some(Scalar(Switch(clients.require))),
        }
    }
}
