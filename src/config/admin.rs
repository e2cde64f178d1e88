//! Section `admin`: what the doctor says of itself, and where.

use super::Source;
use super::error::{Problem, Refused};
use super::listeners::{self, Listener};
use super::overrides::Overrides;
use super::reading::{Leaf, Lookup, Scalar, replace};
use super::tls::{Certificate, CertificateShape};
use super::upgrade::SocketPath;
use super::values::{Bytes, FileName, Host};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// How many exchanges are kept to be asked for, unless somebody says otherwise.
const EXCHANGES: usize = 1000;

/// How much memory they take at the most.
const MEMORY: u64 = 4 << 20;

/// Where those who run the doctor can ask it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// Where exchanges and findings can be asked for; nowhere when absent.
    pub address: Option<AdminAddress>,
    /// Whether somebody wrote that address; the one that nobody wrote is left where it is taken.
    pub is_asked_for: bool,
    /// The file of the token that whoever asks must show; nothing where none is needed.
    pub token_file: Option<PathBuf>,
    /// The files that TLS is spoken with; nothing for plain HTTP.
    pub tls: Option<Certificate>,
    /// Names by which it may be asked, beside addresses and `localhost`: in lower case, without port and final dot.
    pub hosts: Vec<String>,
    /// How many exchanges are kept to be asked for; at least one.
    pub exchanges: usize,
    /// How many bytes they take at the most.
    pub memory: u64,
    /// Where it says whether it lives and is ready; nowhere when absent.
    pub health_address: Option<SocketAddr>,
}

/// An address of the admin listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminAddress {
    /// Port zero lets the system choose one.
    Tcp(SocketAddr),
    /// A Unix socket, for the same user alone.
    Unix(SocketPath),
}

impl AdminAddress {
    /// Where the doctor can be asked when nobody says where: from this machine only.
    pub const DEFAULT: Self = Self::Tcp(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9900));

    /// Whether only this machine reaches it.
    fn is_near(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().to_canonical().is_loopback(),
            Self::Unix(_) => true,
        }
    }
}

impl fmt::Display for AdminAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{path}"),
        }
    }
}

impl Admin {
    /// Names its files as seen from anywhere.
    pub(super) fn begin_in(&mut self, folder: &Path) {
        let pair = self.tls.iter_mut().flat_map(|pair| [&mut pair.certificate, &mut pair.private_key]);
        // An absolute name replaces the folder.
        self.token_file.iter_mut().chain(pair).for_each(|file| *file = folder.join(&*file));
    }

    /// All files that are read for it.
    pub(super) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let pair = self.tls.iter().flat_map(|pair| [&pair.certificate, &pair.private_key]);
        self.token_file.iter().chain(pair)
    }
}

/// `admin` in the file.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Admin")]
pub(super) struct Shape {
    /// Where exchanges and findings can be asked for over HTTP: HOST:PORT, `unix:/PATH` for the same user alone, or `none`;
    /// 127.0.0.1:9900 when absent, unless it is taken. Where other machines reach it, `token_file` is required.
    address: Option<Scalar<Door>>,
    /// The file of the token that whoever asks there shows as `Authorization: Bearer …`: one line of 16 characters or more, read
    /// again when it changes. No token when absent.
    token_file: Option<Scalar<FileName>>,
    /// The certificate to speak TLS with there; plain HTTP when absent.
    tls: Option<CertificateShape>,
    /// Names by which it may be asked, beside IP addresses, `localhost` and names that end in `.localhost`; none when absent.
    hosts: Option<Vec<Scalar<Host>>>,
    /// How many exchanges are kept to be asked for, 1 to 100000, the sick ones longest; 1000 when absent.
    exchanges: Option<Scalar<Kept>>,
    /// How much memory they take at the most; 4MiB when absent.
    memory: Option<Scalar<Bytes>>,
    /// Where `/livez`, `/readyz` and `/metrics` are answered over HTTP, to anybody and without a word of any request; nowhere
    /// when absent. `header-doctor health` asks there.
    health_address: Option<Scalar<Listener>>,
}

/// The settings of the file, with those of flags over them, beside the listeners for clients.
pub(super) fn check(shape: Shape, overrides: &Overrides, listeners: &[Listener]) -> Result<Admin, Problem> {
    let named = overrides.admin.clone().or(shape.address.map(|Scalar(door)| door));
    let health_address = shape.health_address.map(|Scalar(listener)| listener.address);
    let admin = Admin {
        is_asked_for: named.is_some(),
        address: named.map_or(Some(AdminAddress::DEFAULT), |Door(address)| address),
        token_file: shape.token_file.map(|Scalar(FileName(path))| path),
        tls: shape.tls.map(Into::into),
        hosts: shape.hosts.unwrap_or_default().into_iter().map(|Scalar(Host(name))| name).collect(),
        exchanges: shape.exchanges.map_or(EXCHANGES, |Scalar(Kept(number))| number),
        memory: shape.memory.map_or(MEMORY, |Scalar(Bytes(bytes))| bytes),
        health_address: overrides.health_address.or(health_address),
    };
    match wrong(&admin, listeners) {
        None => Ok(admin),
        Some((key, words)) => Err(Problem::here(words).under(key).under("admin")),
    }
}

/// The key that is wrong beside the others, and why.
fn wrong(admin: &Admin, listeners: &[Listener]) -> Option<(&'static str, String)> {
    if let Some(clash) = admin.health_address.and_then(|health| listeners::client_clash(listeners, health)) {
        return Some(("health_address", clash));
    }
    let address = admin.address.as_ref().filter(|_| admin.is_asked_for)?;
    if !address.is_near() && admin.token_file.is_none() {
        let words = format!(
            "{address} is reached from other machines, and nobody needs a token there; add `token_file: \
             /etc/header-doctor/admin.token` to `admin` in the file, one line (`openssl rand -hex 32`), or write 127.0.0.1:9900"
        );
        return Some(("address", words));
    }
    match address {
        AdminAddress::Unix(_) if admin.tls.is_some() => {
            Some(("tls", "is for TCP, and `address` is a Unix socket; leave it out".to_owned()))
        }
        AdminAddress::Unix(_) => None,
        AdminAddress::Tcp(address) => {
            let clients = listeners::client_clash(listeners, *address);
            let probes = admin.health_address.filter(|health| listeners::overlap(*health, *address));
            let probes =
                probes.map(|health| format!("{address} is where probes ask ({health}); choose another port"));
            clients.or(probes).map(|clash| ("address", clash))
        }
    }
}

/// An address of the admin listener as it is written, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Door(pub(crate) Option<AdminAddress>);

impl FromStr for Door {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        if text == "none" {
            return Ok(Self(None));
        }
        if text.starts_with("unix:") || text.starts_with('/') {
            return Ok(Self(Some(AdminAddress::Unix(text.parse()?))));
        }
        let right = "write IP:PORT, unix:/PATH, or none";
        let listener =
            text.parse::<Listener>().map_err(|_| Refused::new("is not an address to ask at", right))?;
        Ok(Self(Some(AdminAddress::Tcp(listener.address))))
    }
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(address) => address.fmt(f),
            None => f.write_str("none"),
        }
    }
}

impl Leaf for Door {
    fn schema() -> Vec<Value> {
        let paths = json!({ "type": "string", "pattern": "^(unix:)?/.*[^/]$", "examples": ["unix:/run/header-doctor/admin.sock"] });
        [vec![json!({ "const": "none" }), paths], Listener::schema()].concat()
    }
}

/// The most exchanges that are kept.
const MOST_KEPT: usize = 100_000;

/// A number of exchanges, never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kept(usize);

impl FromStr for Kept {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| digits && (1..=MOST_KEPT).contains(number));
        number
            .map(Self)
            .ok_or_else(|| Refused::new("is not a number of exchanges", "write 1 to 100000, such as 1000"))
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Leaf for Kept {
    fn schema() -> Vec<Value> {
        vec![
            json!({ "type": "integer", "minimum": 1, "maximum": MOST_KEPT }),
            json!({ "type": "string", "pattern": "^0*[1-9][0-9]{0,5}$" }),
        ]
    }
}

impl Source {
    /// The health address in a file that is no plan, whatever else is wrong with it. A running doctor goes on when its file
    /// becomes wrong, and must not look ill to whoever asks by that file.
    #[must_use]
    pub fn health_address(&self, lookup: &Lookup<'_>) -> Option<SocketAddr> {
        let file: serde_yaml::Value = serde_yaml::from_str(&self.text).ok()?;
        let text = match file.get("admin")?.get("health_address")? {
            serde_yaml::Value::String(text) => replace(text, lookup).ok()?.into_owned(),
            serde_yaml::Value::Number(number) => number.to_string(),
            _ => return None,
        };
        text.parse::<Listener>().ok().map(|listener| listener.address)
    }
}

impl From<&Admin> for Shape {
    fn from(admin: &Admin) -> Self {
        Self {
            address: Some(Scalar(Door(admin.address.clone()))),
            token_file: admin.token_file.clone().map(FileName).map(Scalar),
            tls: admin.tls.as_ref().map(Into::into),
            hosts: Some(admin.hosts.iter().cloned().map(Host).map(Scalar).collect()),
            exchanges: Some(Scalar(Kept(admin.exchanges))),
            memory: Some(Scalar(Bytes(admin.memory))),
            health_address: admin.health_address.map(|address| Scalar(Listener::at(address))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn a_file_that_is_wrong_elsewhere_still_says_where_to_ask() {
        let address = |text: &str| {
            let source = Source::new("a.yaml", text);
            source
                .health_address(&|name| (name == "PORT").then(|| "9901".to_owned()))
                .map(|address| address.to_string())
        };
        for value in ["127.0.0.1:9901", "'127.0.0.1:${PORT}'", "localhost:9901"] {
            let text = format!("nonsense: 1\nadmin: {{ health_address: {value} }}");
            assert_eq!(address(&text).as_deref(), Some("127.0.0.1:9901"), "{value}");
        }
        assert_eq!(address("admin: { health_address: 9901 }").as_deref(), Some("0.0.0.0:9901"));
        for text in
            ["", "admin: 1", "admin: { health_address: null }", "admin: { health_address: x }", "a: [", "'"]
        {
            assert_eq!(address(text), None, "{text}");
        }
    }
}
