//! The flags that make a plan, alone or over a file; `run`, `config show` and `config validate` share them.
//!
//! A flag beats its environment variable, and that beats the file. Values are parsed here and not by clap: a wrong
//! one is told by the name it came under, flag or variable, in the words the file's values are told in, and
//! nothing that could be a password is repeated. An empty variable counts as unset, as orchestrators like to
//! leave them.

use crate::config::{
    self, Entrances, Folder, Hop, KeyFile, Keys, Listener, Mistake, Overrides, Parsed, PhpRoot, Plan,
    Refused, Source, Surroundings, Target, Token,
};
use crate::event::now;
use crate::headers::Range;
use crate::headers::cors::OriginPattern;
use crate::listen::Sessions;
use anyhow::{Context, anyhow, bail};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args};
use std::io::{IsTerminal, stdout};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// See the module.
#[derive(Debug, Args)]
pub(super) struct Flags {
    /// Read the configuration from this YAML file.
    ///
    /// Without one, flags and defaults make the whole configuration. `header-doctor config schema` describes the
    /// file. It may come through a pipe, `/dev/stdin` for example: it is then read once, and no reload reads it again.
    #[arg(long, value_name = "FILE", env = "HEADER_DOCTOR_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,

    /// Listen on this address instead of those in the file; may be repeated.
    ///
    /// `127.0.0.1:8080`, `[::1]:8080` or `localhost:8080`. A port alone, `8080` or `:8080`, is all IPv4 addresses of
    /// the machine, `[::]:8080` all IPv6 ones. Several stand in the variable with commas. Default: 127.0.0.1:8080.
    #[arg(
        long,
        value_name = "ADDR",
        env = "HEADER_DOCTOR_LISTEN",
        hide_env_values = true,
        value_delimiter = ','
    )]
    listen: Vec<String>,

    /// Send all requests to this address, instead of the sites in the file; may be repeated.
    ///
    /// `http://HOST:PORT`, `https://HOST:PORT`, `HOST:PORT` or `unix:/PATH`; PHP-FPM itself is `fastcgi://HOST:PORT` or
    /// `fastcgi+unix:/PATH`, with --root. It makes one site that answers for any host;
    /// several upstreams share its requests. Several stand in the variable with commas.
    #[arg(
        long,
        value_name = "URL",
        env = "HEADER_DOCTOR_UPSTREAM",
        hide_env_values = true,
        value_delimiter = ','
    )]
    upstream: Vec<String>,

    /// Serve WordPress from this folder, for an --upstream that is PHP-FPM.
    ///
    /// The folder that holds its index.php, such as /var/www/html. Static files are served from there, and scripts chosen by the
    /// file that is found, as a web server does it.
    #[arg(long, value_name = "DIR", env = "HEADER_DOCTOR_ROOT", hide_env_values = true)]
    root: Option<String>,

    /// Where PHP finds WordPress, for an --upstream that is PHP-FPM.
    ///
    /// The folder as PHP sees it, such as /var/www/html. Beside --root where both see it elsewhere; default: the same. Without
    /// --root scripts are chosen by their names, and no static file is served: for a site that is only a REST API, or behind a
    /// server that serves the files.
    #[arg(long, value_name = "DIR", env = "HEADER_DOCTOR_PHP_ROOT", hide_env_values = true)]
    php_root: Option<String>,

    /// Change nothing on the way, only report; for every site, whatever the file says.
    #[arg(
        long,
        env = "HEADER_DOCTOR_OBSERVE",
        hide_env_values = true,
        value_parser = on_or_off
    )]
    observe: bool,

    /// Believe what this proxy says about clients, instead of those in the file; may be repeated.
    ///
    /// A network such as 10.0.0.0/8, an address, `private` (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7) or `loopback`.
    /// Its Forwarded and X-Forwarded-* headers are kept; those of anybody else are replaced. Several stand in
    /// the variable with commas.
    #[arg(
        long,
        value_name = "CIDR|private|loopback",
        env = "HEADER_DOCTOR_TRUSTED_PROXY",
        hide_env_values = true,
        value_delimiter = ','
    )]
    trusted_proxy: Vec<String>,

    /// Let pages of this origin use the site; may be repeated.
    ///
    /// `https://app.example.com`, `https://*.preview.example.com`, `null`, or `*` for anybody. Preflights of browsers are
    /// answered, and CORS headers of WordPress replaced. It holds for every site; the other settings are those of
    /// `cors` in the file, or its defaults. Several stand in the variable with commas.
    #[arg(
        long,
        value_name = "ORIGIN",
        env = "HEADER_DOCTOR_CORS_ORIGIN",
        hide_env_values = true,
        value_delimiter = ','
    )]
    cors_origin: Vec<String>,

    /// Compare notes with the doctors before and behind, by the keys in this file.
    ///
    /// All doctors of a path have the same file, of one to three lines NAME:KEY; the first signs, all are believed. It is made by
    ///
    /// (umask 077; printf 'k1:%s\n' "$(openssl rand -base64 32)" > trail.keys)
    ///
    /// and read again when it changes. To replace a key, each step everywhere before the next: (1) add the new one as the last
    /// line, (2) make it the first line, (3) remove the old one. Default: what the configuration says, else no notes are compared.
    #[arg(long, value_name = "FILE", env = "HEADER_DOCTOR_TRAIL_KEY_FILE", hide_env_values = true)]
    trail_key_file: Option<String>,

    /// Call this doctor so, in its log and among other doctors.
    ///
    /// Up to 32 small letters, digits, `.`, `_` and `-`, a letter first. Each doctor of a path needs a name of its own. Default: what
    /// the file says, else doctor.
    #[arg(long, value_name = "NAME", env = "HEADER_DOCTOR_HOP", hide_env_values = true)]
    hop: Option<String>,

    /// Write the log for eyes (pretty) or for machines (json).
    ///
    /// Default: what the file says, else pretty on a terminal and json elsewhere.
    #[arg(long, value_name = "pretty|json", env = "HEADER_DOCTOR_LOG_FORMAT", hide_env_values = true)]
    log_format: Option<String>,

    /// Let exchanges and findings be asked for on this address, over HTTP, or nowhere (none).
    ///
    /// Written as --listen is, or as `unix:/PATH`, a Unix socket that is for the same user alone. Where other machines reach it, the
    /// file must name a token (`admin: { token_file: FILE }`). Default: what the file says, else 127.0.0.1:9900, unless that is taken.
    #[arg(long, value_name = "ADDR|none", env = "HEADER_DOCTOR_ADMIN", hide_env_values = true)]
    admin: Option<String>,

    /// Say on this address whether the doctor lives and is ready, at /livez and /readyz, and what it counts, at /metrics.
    ///
    /// For balancers, Kubernetes and `header-doctor health`; anybody may ask. It is written as --listen is. Default: what the
    /// file says, else nowhere.
    #[arg(long, value_name = "ADDR", env = "HEADER_DOCTOR_HEALTH_ADDRESS", hide_env_values = true)]
    health_address: Option<String>,

    /// Hand the listening sockets over on this Unix socket, to a new process started with --upgrade.
    ///
    /// Only processes of the same user and of root are answered. Default: what the file says, else nobody can take over.
    #[arg(long, value_name = "PATH", env = "HEADER_DOCTOR_UPGRADE_SOCKET", hide_env_values = true)]
    upgrade_socket: Option<String>,
}

impl Flags {
    /// The plan that flags, environment and file make together.
    pub(super) fn plan(&self, matches: &ArgMatches) -> anyhow::Result<Plan> {
        let source = source(self.file())?;
        Self::plan_of(source.as_ref(), &self.overrides(matches)?)
    }

    /// The plan with what the files it names hold, ready to be put in force.
    pub(super) fn prepared(&self, matches: &ArgMatches, sessions: &Sessions) -> anyhow::Result<Prepared> {
        self.prepared_over(self.file(), matches, sessions)
    }

    /// The same over another file than `--config` names.
    pub(super) fn prepared_over(
        &self,
        file: Option<&PathBuf>,
        matches: &ArgMatches,
        sessions: &Sessions,
    ) -> anyhow::Result<Prepared> {
        let (source, overrides) = (source(file)?, self.overrides(matches)?);
        let mut plan = Self::plan_of(source.as_ref(), &overrides)?;
        plan.read_files(source.as_ref().filter(|_| overrides.upstreams.is_empty()), &variable)?;
        let entrances = plan.entrances(source.as_ref(), &variable, sessions, now())?;
        let named = overrides.trail_key_file.is_some().then(|| name("trail_key_file", matches));
        let keys = plan.keys(source.as_ref(), named.as_deref(), &variable)?;
        let token = plan.token(source.as_ref(), &variable)?;
        let named = overrides.root.is_some().then(|| name("root", matches));
        let folders = plan.folders(source.as_ref(), named.as_deref(), &variable);
        Ok(Prepared { plan, entrances, keys, token, folders })
    }

    fn plan_of(source: Option<&Source>, overrides: &Overrides) -> anyhow::Result<Plan> {
        let around = Surroundings { terminal: stdout().is_terminal(), cores: config::cores() };
        Ok(Plan::new(source, &variable, overrides, around)?)
    }

    /// The file that `--config` or its variable names.
    pub(super) fn file(&self) -> Option<&PathBuf> {
        self.config.as_ref().filter(|file| !file.as_os_str().is_empty())
    }

    fn listeners(&self, matches: &ArgMatches) -> anyhow::Result<Vec<Listener>> {
        let mut listeners: Vec<Listener> = Vec::with_capacity(self.listen.len());
        for text in &self.listen {
            let Some(listener) = given::<Listener>(text, "listen", matches)? else {
                continue;
            };
            if let Some(clash) = config::clash(&listeners, listener.address) {
                bail!("{}: {clash}", name("listen", matches));
            }
            listeners.push(listener);
        }
        Ok(listeners)
    }

    fn upstreams(&self, matches: &ArgMatches) -> anyhow::Result<Vec<Target>> {
        let mut upstreams: Vec<Target> = Vec::with_capacity(self.upstream.len());
        for text in &self.upstream {
            let Some(upstream) = given(text, "upstream", matches)? else {
                continue;
            };
            if upstreams.contains(&upstream) {
                bail!("{}: {upstream} stands there twice; keep one", name("upstream", matches));
            }
            upstreams.push(upstream);
        }
        Ok(upstreams)
    }

    /// A folder that only PHP-FPM has use for.
    fn folder<T: FromStr<Err = Refused>>(
        &self,
        text: Option<&String>,
        id: &str,
        matches: &ArgMatches,
    ) -> anyhow::Result<Option<T>> {
        let folder = at_most_one(text, id, matches)?;
        if folder.is_some() && self.upstream.iter().all(|upstream| !upstream.starts_with("fastcgi")) {
            bail!(
                "{}: goes with `--upstream fastcgi+unix:/run/php/php-fpm.sock` or `--upstream fastcgi://HOST:9000`; in a file, \
                 write {id} beside url",
                name(id, matches)
            );
        }
        Ok(folder)
    }

    fn trusted_proxies(&self, matches: &ArgMatches) -> anyhow::Result<Vec<Range>> {
        let range = |text: &String| given(text, "trusted_proxy", matches).transpose();
        self.trusted_proxy.iter().filter_map(range).map(|range| range.map(|Parsed(range)| range)).collect()
    }

    fn cors_origins(&self, matches: &ArgMatches) -> anyhow::Result<Vec<OriginPattern>> {
        let origin = |text: &String| given(text, "cors_origin", matches).transpose();
        let origins = self.cors_origin.iter().filter_map(origin);
        origins.map(|origin| origin.map(|Parsed(origin)| origin)).collect()
    }

    fn overrides(&self, matches: &ArgMatches) -> anyhow::Result<Overrides> {
        Ok(Overrides {
            listeners: self.listeners(matches)?,
            upstreams: self.upstreams(matches)?,
            root: self.folder::<Folder>(self.root.as_ref(), "root", matches)?,
            php_root: self.folder::<PhpRoot>(self.php_root.as_ref(), "php_root", matches)?,
            observe: self.observe,
            trusted_proxies: self.trusted_proxies(matches)?,
            cors_origins: self.cors_origins(matches)?,
            hop: at_most_one::<Hop>(self.hop.as_ref(), "hop", matches)?.map(|Hop(name)| name),
            trail_key_file: self.trail_key_file(matches)?,
            log_format: at_most_one(self.log_format.as_ref(), "log_format", matches)?,
            admin: at_most_one(self.admin.as_ref(), "admin", matches)?,
            health_address: self.health_address(matches)?,
            upgrade_socket: at_most_one(self.upgrade_socket.as_ref(), "upgrade_socket", matches)?,
        })
    }

    /// The file as seen from anywhere: what a flag names begins where the process is, not in the folder of the configuration.
    fn trail_key_file(&self, matches: &ArgMatches) -> anyhow::Result<Option<PathBuf>> {
        trail_key_file(self.trail_key_file.as_ref(), matches)
    }

    /// Where the file says that health is asked for, be it right or wrong otherwise.
    pub(super) fn health_address_of_file(&self) -> Option<SocketAddr> {
        let source = Source::open(self.file()?).ok()?;
        source.health_address(&|name| std::env::var(name).ok())
    }

    /// Where `--health-address` or its variable says that health is asked for.
    pub(super) fn health_address(&self, matches: &ArgMatches) -> anyhow::Result<Option<SocketAddr>> {
        let listener = at_most_one::<Listener>(self.health_address.as_ref(), "health_address", matches)?;
        Ok(listener.map(|listener| listener.address))
    }
}

/// A plan that is ready to be put in force.
pub(super) struct Prepared {
    pub(super) plan: Plan,
    pub(super) entrances: Entrances,
    pub(super) keys: Keys,
    /// What opens the admin listener.
    pub(super) token: Token,
    /// What is not right of the folders whose files are served.
    pub(super) folders: Vec<Mistake>,
}

impl Prepared {
    /// What is no mistake, and not right either.
    pub(super) fn warnings(&self) -> Vec<Mistake> {
        let [entrances, keys, token] = [&self.entrances.warnings, &self.keys.warnings, &self.token.warnings];
        [entrances.as_slice(), keys, token, &self.folders].concat()
    }
}

fn source(file: Option<&PathBuf>) -> anyhow::Result<Option<Source>> {
    Ok(file.map(|file| Source::open(file)).transpose()?)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// What the variable of a flag without a value says.
pub(super) fn on_or_off(text: &str) -> Result<bool, &'static str> {
    match &*text.to_ascii_lowercase() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "" | "0" | "false" | "no" | "off" => Ok(false),
        _ => Err("write true or false"),
    }
}

/// What a flag is called, or its variable when it came from there.
fn name(id: &str, matches: &ArgMatches) -> String {
    if matches.value_source(id) == Some(ValueSource::EnvVariable) {
        return format!("HEADER_DOCTOR_{}", id.to_uppercase());
    }
    format!("--{}", id.replace('_', "-"))
}

/// What `--trail-key-file` or its variable names, as seen from anywhere.
fn trail_key_file(text: Option<&String>, matches: &ArgMatches) -> anyhow::Result<Option<PathBuf>> {
    let Some(KeyFile(path)) = at_most_one(text, "trail_key_file", matches)? else { return Ok(None) };
    let path = std::path::absolute(path).context("the current folder is gone")?;
    Ok(Some(path))
}

/// The keys in the file that `--trail-key-file` or its variable names.
pub(super) fn trail_keys(text: Option<&String>, matches: &ArgMatches) -> anyhow::Result<Keys> {
    let Some(path) = trail_key_file(text, matches)? else { return Ok(Keys::default()) };
    Ok(Keys::of_file(&path, &name("trail_key_file", matches))?)
}

/// The same for a flag that may be missing.
fn at_most_one<T: FromStr<Err = Refused>>(
    text: Option<&String>,
    id: &str,
    matches: &ArgMatches,
) -> anyhow::Result<Option<T>> {
    text.map_or(Ok(None), |text| given(text, id, matches))
}

/// Parses what was given under `id`; nothing when it is an empty variable.
pub(super) fn given<T: FromStr<Err = Refused>>(
    text: &str,
    id: &str,
    matches: &ArgMatches,
) -> anyhow::Result<Option<T>> {
    let from_variable = matches.value_source(id) == Some(ValueSource::EnvVariable);
    if from_variable && text.is_empty() {
        return Ok(None);
    }
    let refused = |refused: Refused| anyhow!("{}: {}", name(id, matches), refused.about(text));
    text.parse().map(Some).map_err(refused)
}
