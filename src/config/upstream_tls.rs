//! Key `tls` of an upstream, and what the version of HTTP has to do with it.

use super::contents::{Sort, contents};
use super::error::{Problem, quoted};
use super::reading::Scalar;
use super::values::words::words;
use super::values::{FileName, Speaks, Switch, Target, VerifiedName};
use crate::upstream::{Address, Authorities, BadTerms, Offer, Terms, Tls, Trust};
use rustls::pki_types::ServerName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The largest file of certificates: several times that of all public authorities.
const FILE: Sort = Sort { name: "PEM file of certificates", most: 4 << 20 };

/// TLS towards an upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamTls {
    /// The file of who vouches for its certificate, or of the certificate itself; nothing for those the machine trusts.
    pub ca: Option<PathBuf>,
    /// What is asked for (SNI), and what the certificate must be for.
    pub server_name: ServerName<'static>,
    /// Whether the certificate is looked at at all.
    pub verify: bool,
    /// Which versions of HTTP the upstream may choose from.
    pub offer: Offer,
    made: Option<Tls>,
}

/// The files of a plan were not read, so there is nothing to speak TLS with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the files that the plan names were not read")]
pub struct Unread;

impl UpstreamTls {
    /// What connections are made with.
    ///
    /// # Errors
    /// [`super::Plan::read_files`] was not called.
    pub fn made(&self) -> Result<Tls, Unread> {
        self.made.clone().ok_or(Unread)
    }

    /// Reads the file it names and makes TLS of it.
    pub(super) fn read_files(&mut self) -> Result<(), Problem> {
        let trust = match &self.ca {
            _ if !self.verify => Trust::Anybody,
            Some(ca) => Trust::Only(authorities(ca).map_err(|problem| problem.under("ca").under("tls"))?),
            None => Trust::Platform,
        };
        let terms = Terms { name: self.server_name.clone(), trust, offer: self.offer };
        let bad = |bad: BadTerms| {
            let cure = match bad {
                BadTerms::NoFile(_) => "name it there",
                BadTerms::NoAuthorities | BadTerms::Unusable => {
                    "install them (the package is often called ca-certificates)"
                }
            };
            let message =
                format!("asks for https, and {bad}; {cure}, or name the upstream's own as `tls.ca`");
            Problem::here(message).under("url")
        };
        self.made = Some(Tls::new(terms).map_err(bad)?);
        Ok(())
    }
}

fn authorities(path: &Path) -> Result<Authorities, Problem> {
    let name = quoted(&path.display().to_string());
    let read = contents(path, FILE).map_err(|wrong| Problem::here(format!("{name} {wrong}")))?;
    Authorities::from_pem(&read.bytes).map_err(|bad| {
        Problem::here(format!(
            "{name} {bad}; name a file of who signed the upstream's certificate, or of the certificate itself, \
             with `-----BEGIN CERTIFICATE-----` in it"
        ))
    })
}

words! {
    /// Whether an upstream may choose HTTP/2.
    pub(super) Http2 is "a word for HTTP/2" {
        /// Only HTTP/1.1 is offered: names keep their spelling, and upgrades pass.
        #[default]
        Never = "never",
        /// HTTP/2 is spoken where the upstream chooses it (ALPN), HTTP/1.1 elsewhere and for upgrades.
        Auto = "auto",
    }
}

/// `tls` of an upstream in the file.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "UpstreamTls")]
pub(super) struct Shape {
    /// A PEM file of who vouches for the upstream's certificate, or of that certificate itself (for a self-signed one);
    /// those the machine trusts when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    ca: Option<Scalar<FileName>>,
    /// The name asked for (SNI) and verified, an IP address too; the host of `url` when absent.
    server_name: Option<Scalar<VerifiedName>>,
    /// `false` takes any certificate, for debugging only: whoever answers in the upstream's place reads every
    /// credential. `true` when absent.
    verify: Option<Scalar<Switch>>,
}

/// TLS as the URL asks for it and as the other keys say.
pub(super) fn check(
    target: &Target,
    shape: Option<Shape>,
    http2: Option<Scalar<Http2>>,
) -> Result<Option<UpstreamTls>, Problem> {
    let only = |key| Problem::here("needs TLS; write https:// in `url`, or leave it out").under(key);
    let (true, Address::Tcp { host, .. }) = (target.speaks == Speaks::Https, &target.address) else {
        let odd = shape.map(|_| "tls").or(http2.map(|_| "http2"));
        return odd.map_or(Ok(None), |key| Err(only(key)));
    };
    let shape = shape.unwrap_or_default();
    let verify = shape.verify.is_none_or(|Scalar(Switch(verify))| verify);
    if !verify && shape.ca.is_some() {
        let message = "is false, so nothing would be verified against `ca`; keep one of the two";
        return Err(Problem::here(message).under("verify").under("tls"));
    }
    let server_name = match shape.server_name {
        Some(Scalar(VerifiedName(name))) => name,
        None => of_host(host)?,
    };
    let offer = match http2 {
        Some(Scalar(Http2::Auto)) => Offer::Http2,
        Some(Scalar(Http2::Never)) | None => Offer::Http1,
    };
    Ok(Some(UpstreamTls {
        ca: shape.ca.map(|Scalar(FileName(path))| path),
        server_name,
        verify,
        offer,
        made: None,
    }))
}

fn of_host(host: &str) -> Result<ServerName<'static>, Problem> {
    let name = host.parse::<VerifiedName>().map(|VerifiedName(name)| name);
    name.map_err(|_| {
        Problem::here(
            "has a host that no certificate can be for; write `tls: { server_name: NAME }` beside it",
        )
        .under("url")
    })
}

impl From<&UpstreamTls> for Shape {
    fn from(tls: &UpstreamTls) -> Self {
        Self {
            ca: tls.ca.clone().map(FileName).map(Scalar),
            server_name: Some(Scalar(VerifiedName(tls.server_name.clone()))),
            verify: Some(Scalar(Switch(tls.verify))),
        }
    }
}

impl From<Offer> for Http2 {
    fn from(offer: Offer) -> Self {
        match offer {
            Offer::Http1 => Self::Never,
            Offer::Http2 => Self::Auto,
        }
    }
}
