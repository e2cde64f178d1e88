//! From the plan to what connections pass: reads the files of certificates and keys, anew each time it is asked.
//!
//! A plan names files and does not hold what is in them, so that it can be compared, shown and checked elsewhere. What is
//! wrong with a file is told like any other mistake, at the value that names it. Nothing in a file is ever repeated.

use super::contents::{Sort, contents};
use super::error::{Error, Mistake, Problem, quoted};
use super::listeners::ProxyProtocol;
use super::reading::Lookup;
use super::tls::{Certificate, ClientCertificates, Tls};
use super::{Plan, Source};
use crate::listen::{self, BadPem, Entrance, Identity, Sessions, Validity, server_config};
use crate::moment::Moment;
use rustls::ServerConfig;
use std::path::Path;
use std::sync::Arc;

/// What the files should be; the bundle of all public authorities has a quarter of that size.
const FILE: Sort = Sort { name: "PEM file of certificates", most: 1 << 20 };

/// What the file of a private key should be.
const KEY: Sort = Sort { name: "PEM file of a private key", most: 1 << 20 };

/// What connections pass before their first request.
#[derive(Clone, Debug, Default)]
pub struct Entrances {
    /// One for each listener, in their order.
    pub each: Vec<Entrance>,
    /// What handshakes on the admin listener are made with; nothing for plain HTTP.
    pub admin: Option<Arc<ServerConfig>>,
    /// What is no mistake, and not right either: certificates that are not valid now.
    pub warnings: Vec<Mistake>,
}

impl Plan {
    /// Reads the files that the listeners name. `source` and `lookup` are those the plan was made from; they serve to say
    /// where a mistake stands. `sessions` is kept from one call to the next, so that clients can resume their sessions
    /// after a reload.
    ///
    /// # Errors
    /// A file cannot be read, or not be used.
    pub fn entrances(
        &self,
        source: Option<&Source>,
        lookup: &Lookup<'_>,
        sessions: &Sessions,
        now: Moment,
    ) -> Result<Entrances, Error> {
        let nowhere = Source::new("flags", "");
        let source = source.unwrap_or(&nowhere);
        let trusted = Arc::new(self.trusted_proxies.clone());
        let mut entrances = Entrances::default();
        for (index, listener) in self.listeners.iter().enumerate() {
            let at = |problem: Problem| source.located(problem.under(index).under("listeners"), lookup);
            let mut warnings = Vec::new();
            let tls = listener.tls.as_ref().map(|tls| open(tls, sessions, now, &mut warnings)).transpose();
            let tls = tls.map_err(|problem| Error::Wrong(at(problem)))?;
            entrances.warnings.extend(warnings.into_iter().map(at));
            let proxy_protocol = listener.proxy_protocol.into();
            entrances.each.push(Entrance { tls, proxy_protocol, trusted: Arc::clone(&trusted) });
        }
        let at = |problem: Problem| source.located(problem.under("tls").under("admin"), lookup);
        if let Some(pair) = &self.admin.tls {
            let identity = identity(pair).map_err(|problem| Error::Wrong(at(problem)))?;
            entrances.warnings.extend(untimely(pair, identity.validity(now)).map(at));
            let config = server_config(vec![identity], None, sessions);
            let config = config
                .map_err(|error| Error::Wrong(at(Problem::here(format!("cannot be spoken: {error}")))))?;
            entrances.admin = Some(config);
        }
        Ok(entrances)
    }
}

fn open(
    tls: &Tls,
    sessions: &Sessions,
    now: Moment,
    warnings: &mut Vec<Problem>,
) -> Result<Arc<ServerConfig>, Problem> {
    let mut identities = Vec::with_capacity(tls.certificates.len());
    for (index, pair) in tls.certificates.iter().enumerate() {
        let at = |problem: Problem| problem.under(index).under("tls");
        let identity = identity(pair).map_err(at)?;
        warnings.extend(untimely(pair, identity.validity(now)).map(at));
        identities.push(identity);
    }
    let clients = tls.clients.as_ref().map(clients).transpose();
    let clients = clients.map_err(|problem| problem.under("client_certificates"))?;
    let unusable = |error| Problem::here(format!("cannot be spoken: {error}")).under("tls");
    server_config(identities, clients, sessions).map_err(unusable)
}

fn identity(pair: &Certificate) -> Result<Identity, Problem> {
    let certificate = read(&pair.certificate, FILE).map_err(|problem| problem.under("certificate"))?;
    let key = read(&pair.private_key, KEY).map_err(|problem| problem.under("private_key"))?;
    Identity::from_pem(&certificate, &key).map_err(|bad| {
        let (file, name) = if bad.is_about_key() {
            (&pair.private_key, "private_key")
        } else {
            (&pair.certificate, "certificate")
        };
        unusable(file, &bad).under(name)
    })
}

fn clients(clients: &ClientCertificates) -> Result<listen::ClientCertificates, Problem> {
    let read = || {
        let text = read(&clients.authorities, FILE)?;
        listen::ClientCertificates::from_pem(&text, clients.require)
            .map_err(|bad| unusable(&clients.authorities, &bad))
    };
    read().map_err(|problem| problem.under("authorities"))
}

fn unusable(file: &Path, bad: &BadPem) -> Problem {
    Problem::here(format!("{} {bad}", name(file)))
}

/// Clients refuse such a certificate; the doctor need not, since the next one may be on its way.
fn untimely(pair: &Certificate, validity: Validity) -> Option<Problem> {
    let what = match validity {
        Validity::Good => return None,
        Validity::NotYet => "is not valid yet; see whether the clock of this machine is right",
        Validity::Expired => "has expired, and clients refuse it; renew it",
    };
    Some(Problem::here(format!("{} {what}", name(&pair.certificate))).under("certificate"))
}

fn read(file: &Path, sort: Sort) -> Result<Vec<u8>, Problem> {
    let read = contents(file, sort).map(|contents| contents.bytes);
    read.map_err(|wrong| Problem::here(format!("{} {wrong}", name(file))))
}

fn name(file: &Path) -> String {
    quoted(&file.display().to_string())
}

impl From<ProxyProtocol> for listen::ProxyProtocol {
    fn from(word: ProxyProtocol) -> Self {
        match word {
            ProxyProtocol::None => Self::None,
            ProxyProtocol::Accept => Self::Accept,
            ProxyProtocol::Require => Self::Require,
        }
    }
}
