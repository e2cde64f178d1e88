//! Section `upstreams` of a site: where its requests are sent to.

use super::connections::{self, Connections};
use super::error::Problem;
use super::php::{self, AliasShape, FollowLinks, Multisite};
use super::reading::Scalar;
use super::upstream_tls::{self, Http2, UpstreamTls};
use super::values::words::words;
use super::values::{Address, FilePattern, Folder, FolderName, HostHeader, PhpRoot, Speaks, Target, Timeout};
use crate::upstream::{self, Scripts};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

/// Where to send requests, and how long to wait there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Where to connect to.
    pub address: Address,
    /// What TLS asks of it; nothing in clear.
    pub tls: Option<UpstreamTls>,
    /// How the scripts of PHP-FPM are chosen; nothing for an upstream that speaks HTTP.
    pub scripts: Option<Scripts>,
    /// How many connections there may be to PHP; says nothing of an upstream that speaks HTTP.
    pub connections: Connections,
    /// What it is told as `Host`.
    pub host: HostHeader,
    /// What a name with several addresses stands for.
    pub resolve: Resolve,
    /// The longest time to establish a connection.
    pub connect_timeout: Duration,
    /// The longest time from the end of the request to the first byte of the reply.
    pub response_timeout: Duration,
    /// The longest time between two reads of the reply. What was upgraded may be silent.
    pub idle_timeout: Duration,
}

impl Upstream {
    /// An upstream with the default times.
    #[must_use]
    pub const fn new(address: Address) -> Self {
        Self {
            address,
            tls: None,
            scripts: None,
            connections: Connections::DEFAULT,
            host: HostHeader::Preserve,
            resolve: Resolve::First,
            connect_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(60),
        }
    }

    /// The one that a flag names.
    pub(super) fn of_flag(
        target: &Target,
        root: Option<&Folder>,
        php_root: Option<&PhpRoot>,
    ) -> Result<Self, Problem> {
        let scripts = php::of_flags(target, root, php_root)?;
        let tls = upstream_tls::check(target, None, None)?;
        Ok(Self { tls, scripts, ..Self::new(target.address.clone()) })
    }

    /// Its URL.
    #[must_use]
    pub fn target(&self) -> Target {
        let speaks = match (&self.tls, &self.scripts) {
            (_, Some(_)) => Speaks::FastCgi,
            (Some(_), None) => Speaks::Https,
            (None, None) => Speaks::Http,
        };
        Target { address: self.address.clone(), speaks }
    }

    /// What it is told as `Host` instead of what the client said; nothing for that itself.
    #[must_use]
    pub fn host_sent(&self) -> Option<String> {
        let own_port = if self.tls.is_some() { ":443" } else { ":80" };
        match &self.host {
            HostHeader::Preserve => None,
            HostHeader::Upstream => {
                let authority = self.address.authority();
                Some(authority.strip_suffix(own_port).unwrap_or(&authority).to_owned())
            }
            HostHeader::Named(name) => Some(name.clone()),
        }
    }

    /// Names its files as seen from anywhere.
    pub(super) fn begin_in(&mut self, folder: &Path) {
        if let Some(ca) = self.tls.as_mut().and_then(|tls| tls.ca.as_mut()) {
            *ca = folder.join(&*ca);
        }
    }
}

/// Reads the files that the upstreams of a site name.
pub(super) fn read_files(upstreams: &mut [Upstream]) -> Result<(), Problem> {
    upstreams.iter_mut().enumerate().try_for_each(|(index, upstream)| {
        let read = upstream.tls.as_mut().map_or(Ok(()), UpstreamTls::read_files);
        read.map_err(|problem| problem.under(index).under("upstreams"))
    })
}

words! {
    /// What a name with several addresses stands for.
    pub Resolve is "a way to resolve a name" {
        /// One upstream: the first address that can be connected to serves.
        #[default]
        First = "first",
        /// An upstream for each address.
        All = "all",
    }
}

impl From<Resolve> for upstream::Resolve {
    fn from(resolve: Resolve) -> Self {
        match resolve {
            Resolve::First => Self::First,
            Resolve::All => Self::All,
        }
    }
}

/// One entry of `upstreams` in the file.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Upstream")]
pub(super) struct Shape {
    /// `http://HOST:PORT`, `https://HOST:PORT`, `HOST:PORT` or `unix:/PATH`; without a port `http://` is 80 and `https://` 443.
    /// PHP-FPM itself is `fastcgi://HOST:PORT` or `fastcgi+unix:/PATH`.
    url: Scalar<Target>,
    /// The folder of WordPress, from the root of the file system, as the doctor sees it; for `fastcgi://` and `fastcgi+unix:` alone.
    /// Its files are served, and scripts chosen by the file that is found.
    #[serde(skip_serializing_if = "Option::is_none")]
    root: Option<Scalar<Folder>>,
    /// The same folder as PHP-FPM sees it, taken as it stands; when absent where `root` really lies, after every link. Without `root` it is required for `fastcgi://` and
    /// `fastcgi+unix:`: then scripts are chosen by their names, and no static file is served.
    #[serde(skip_serializing_if = "Option::is_none")]
    php_root: Option<Scalar<PhpRoot>>,
    /// Folders elsewhere that stand for a path below `root`, in its place; none when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    aliases: Option<Vec<AliasShape>>,
    /// Which symbolic links are followed; `same-owner` when absent. None ever leads out of `root` and `aliases`.
    #[serde(skip_serializing_if = "Option::is_none")]
    follow_links: Option<Scalar<FollowLinks>>,
    /// Names of files and folders that are neither served nor run, in any case of letters, `*` being any text; when absent,
    /// wp-config* and what editors, backups and debuggers leave behind. Dotfiles and the source of PHP are never served,
    /// whatever stands here.
    #[serde(skip_serializing_if = "Option::is_none")]
    never_serve: Option<Vec<Scalar<FilePattern>>>,
    /// Names of folders below which nothing runs, wherever they lie; uploads and blogs.dir when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    never_run: Option<Vec<Scalar<FolderName>>>,
    /// How WordPress serves several sites; `none` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    multisite: Option<Scalar<Multisite>>,
    /// How many connections to PHP-FPM are kept open between two requests, over all workers of the doctor; none when absent.
    /// Each occupies a worker of PHP-FPM, so it must be below `max_connections` and `pm.max_children`.
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_alive: Option<Scalar<connections::Kept>>,
    /// How many connections to PHP-FPM there may be at a time, over all workers of the doctor, or `unlimited`, as when absent;
    /// `pm.max_children` of its pool is right. Other requests wait in a queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_connections: Option<Scalar<connections::Most>>,
    /// Who waits where `max_connections` are in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<connections::Queue>,
    /// What TLS asks of an `https://` upstream.
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<upstream_tls::Shape>,
    /// Whether an `https://` upstream may choose HTTP/2; `never` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    http2: Option<Scalar<Http2>>,
    /// What the upstream is told as `Host`: what the client said (`preserve`, as when absent), the host of `url`
    /// (`upstream`), or this name.
    host: Option<Scalar<HostHeader>>,
    /// What a name with several addresses stands for; `first` when absent. Names are looked up again when their
    /// answer expires.
    resolve: Option<Scalar<Resolve>>,
    /// The longest time to establish a connection; 5s when absent.
    connect_timeout: Option<Scalar<Timeout>>,
    /// The longest time from the end of the request to the first byte of the reply; 60s when absent.
    response_timeout: Option<Scalar<Timeout>>,
    /// The longest time between two reads of the reply, not of a WebSocket; 60s when absent.
    idle_timeout: Option<Scalar<Timeout>>,
}

/// The upstreams of a site.
pub(super) fn check(shapes: Option<Vec<Shape>>) -> Result<Vec<Upstream>, Problem> {
    let mut upstreams: Vec<Upstream> = Vec::new();
    for shape in shapes.unwrap_or_default() {
        let upstream = upstream(shape).map_err(|problem| problem.under(upstreams.len()))?;
        if let Some(first) = upstreams.iter().position(|other| other.address == upstream.address) {
            let message =
                format!("{} already is upstreams[{first}]; keep it in one place", upstream.target());
            return Err(Problem::here(message).under("url").under(upstreams.len()));
        }
        upstreams.push(upstream);
    }
    if upstreams.is_empty() {
        return Err(Problem::here(
            "names nowhere to send requests; write `upstreams: [{ url: \"http://HOST:PORT\" }]`",
        ));
    }
    php::check_alike(&upstreams)?;
    Ok(upstreams)
}

fn upstream(shape: Shape) -> Result<Upstream, Problem> {
    let Scalar(target) = shape.url;
    let keys = php::Keys {
        root: shape.root,
        php_root: shape.php_root,
        aliases: shape.aliases,
        follow_links: shape.follow_links,
        never_serve: shape.never_serve,
        never_run: shape.never_run,
        multisite: shape.multisite,
    };
    let scripts = php::check(&target, keys)?;
    let has_no_host = matches!(shape.host, Some(Scalar(HostHeader::Upstream)));
    if scripts.is_some() && has_no_host {
        let message = "is what the upstream is called, but PHP-FPM has no name; write preserve or a NAME";
        return Err(Problem::here(message).under("host"));
    }
    let keys = connections::Keys {
        keep_alive: shape.keep_alive,
        max_connections: shape.max_connections,
        queue: shape.queue,
    };
    let connections = connections::check(&target, keys)?;
    let tls = upstream_tls::check(&target, shape.tls, shape.http2)?;
    let default = Upstream::new(target.address);
    Ok(Upstream {
        tls,
        scripts,
        connections,
        host: shape.host.map_or_else(HostHeader::default, |Scalar(host)| host),
        resolve: shape.resolve.map_or(default.resolve, |Scalar(word)| word),
        connect_timeout: shape.connect_timeout.map_or(default.connect_timeout, |set| set.0.0),
        response_timeout: shape.response_timeout.map_or(default.response_timeout, |set| set.0.0),
        idle_timeout: shape.idle_timeout.map_or(default.idle_timeout, |set| set.0.0),
        ..default
    })
}

impl From<&Upstream> for Shape {
    fn from(upstream: &Upstream) -> Self {
        let timeout = |time| Some(Scalar(Timeout(time)));
        let files = php::keys(upstream.scripts.as_ref());
        let keys = upstream.scripts.as_ref().map(|_| connections::Keys::from(&upstream.connections));
        let (keep_alive, max_connections, queue) =
            keys.map_or((None, None, None), |keys| (keys.keep_alive, keys.max_connections, keys.queue));
        Self {
            url: Scalar(upstream.target()),
            root: files.root,
            php_root: files.php_root,
            aliases: files.aliases,
            follow_links: files.follow_links,
            never_serve: files.never_serve,
            never_run: files.never_run,
            multisite: files.multisite,
            keep_alive,
            max_connections,
            queue,
            tls: upstream.tls.as_ref().map(Into::into),
            http2: upstream.tls.as_ref().map(|tls| Scalar(tls.offer.into())),
            host: Some(Scalar(upstream.host.clone())),
            resolve: Some(Scalar(upstream.resolve)),
            connect_timeout: timeout(upstream.connect_timeout),
            response_timeout: timeout(upstream.response_timeout),
            idle_timeout: timeout(upstream.idle_timeout),
        }
    }
}
