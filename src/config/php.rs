//! What an upstream that is PHP-FPM says of WordPress's files: where they lie, and which of them are served or run.

use super::error::{Problem, quoted};
use super::reading::{Lookup, Scalar};
use super::upstreams::Upstream;
use super::values::words::words;
use super::values::{AliasPath, FilePattern, Folder, FolderName, PhpRoot, Speaks, Target};
use super::{Mistake, Plan, Site, Source};
use crate::files::{self, Alias, Layout};
use crate::upstream::Scripts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

words! {
    /// Which symbolic links are followed.
    pub(super) FollowLinks is "a way to follow links" {
        /// Those that belong to the owner of what they lead to.
        #[default]
        SameOwner = "same-owner",
        /// Every one that stays within root and aliases.
        All = "all",
        /// None: what lies behind a link is not there.
        None = "none",
    }
}

words! {
    /// How WordPress serves several sites.
    pub(super) Multisite is "a way to have several sites" {
        /// It does not, or each has a host of its own.
        #[default]
        None = "none",
        /// In folders that do not exist: `/blog/wp-admin/` is `/wp-admin/`.
        Subfolders = "subfolders",
    }
}

/// One entry of `aliases` in the file.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Alias")]
pub(super) struct AliasShape {
    /// The path in URLs that it stands for, such as /wp-content/.
    path: Scalar<AliasPath>,
    /// The folder: a root of its own, from the root of the file system.
    root: Scalar<Folder>,
    /// The same as PHP-FPM sees it; `root` when absent.
    php_root: Option<Scalar<PhpRoot>>,
}

/// The keys of an upstream that say where its files are.
#[derive(Default)]
pub(super) struct Keys {
    pub(super) root: Option<Scalar<Folder>>,
    pub(super) php_root: Option<Scalar<PhpRoot>>,
    pub(super) aliases: Option<Vec<AliasShape>>,
    pub(super) follow_links: Option<Scalar<FollowLinks>>,
    pub(super) never_serve: Option<Vec<Scalar<FilePattern>>>,
    pub(super) never_run: Option<Vec<Scalar<FolderName>>>,
    pub(super) multisite: Option<Scalar<Multisite>>,
}

impl Keys {
    /// The first key that says something of files that are found.
    fn of_found_files(&self) -> Option<&'static str> {
        let is_there = [
            (self.aliases.is_some(), "aliases"),
            (self.follow_links.is_some(), "follow_links"),
            (self.never_serve.is_some(), "never_serve"),
            (self.never_run.is_some(), "never_run"),
        ];
        is_there.into_iter().find_map(|(is_there, key)| is_there.then_some(key))
    }

    /// The first key there is.
    fn any(&self) -> Option<&'static str> {
        let root = self.root.as_ref().map(|_| "root");
        let php_root = || self.php_root.as_ref().map(|_| "php_root");
        root.or_else(php_root)
            .or_else(|| self.of_found_files())
            .or_else(|| self.multisite.as_ref().map(|_| "multisite"))
    }
}

/// How scripts are chosen: to be said of PHP-FPM, and of nothing else.
pub(super) fn check(target: &Target, keys: Keys) -> Result<Option<Scripts>, Problem> {
    if target.speaks != Speaks::FastCgi {
        let wrong = "belongs to PHP-FPM; write fastcgi:// or fastcgi+unix: in `url`, or leave it out";
        return keys.any().map_or(Ok(None), |key| Err(Problem::here(wrong).under(key)));
    }
    let multisite = keys.multisite.as_ref().map_or_else(Multisite::default, |Scalar(word)| *word).into();
    let Some(Scalar(Folder(root))) = keys.root.clone() else {
        let by_name = by_name(&keys, multisite)?;
        return Ok(Some(by_name));
    };
    let lists = |problem: Problem| problem.under("aliases");
    Ok(Some(Scripts::Found(Layout {
        php_root: keys.php_root.map(|Scalar(PhpRoot(root))| without_slash(&root)),
        root,
        aliases: aliases(keys.aliases.unwrap_or_default()).map_err(lists)?,
        follow_links: keys.follow_links.map_or_else(FollowLinks::default, |Scalar(word)| word).into(),
        never_serve: keys.never_serve.map_or_else(Layout::default_never_serve, |names| {
            names.into_iter().map(|Scalar(FilePattern(name))| name).collect()
        }),
        never_run: keys.never_run.map_or_else(Layout::default_never_run, |names| {
            names.into_iter().map(|Scalar(FolderName(name))| name).collect()
        }),
        multisite,
    })))
}

fn by_name(keys: &Keys, multisite: files::Multisite) -> Result<Scripts, Problem> {
    if let Some(key) = keys.of_found_files() {
        let wrong = "goes with `root`, the folder of WordPress as the doctor sees it; without that it reads no file, and \
                     chooses scripts by their names";
        return Err(Problem::here(wrong).under(key));
    }
    let Some(Scalar(PhpRoot(root))) = &keys.php_root else {
        let message = "is PHP-FPM, which has to be told where WordPress is; write beside it `root: /var/www/html`, or, where \
                       PHP alone sees the folder, `php_root: /var/www/html`";
        return Err(Problem::here(message).under("url"));
    };
    Ok(Scripts::Named { root: without_slash(root), multisite })
}

/// How the flags say that scripts are chosen.
pub(super) fn of_flags(
    target: &Target,
    root: Option<&Folder>,
    php_root: Option<&PhpRoot>,
) -> Result<Option<Scripts>, Problem> {
    if target.speaks != Speaks::FastCgi {
        return Ok(None);
    }
    if root.is_none() && php_root.is_none() {
        let message = format!(
            "{target} needs --root, the folder of WordPress, or --php-root where PHP alone sees that folder"
        );
        return Err(Problem::here(message));
    }
    let (root, php_root) = (root.cloned().map(Scalar), php_root.cloned().map(Scalar));
    check(target, Keys { root, php_root, ..Keys::default() })
}

/// What stands before a path that begins with a slash.
fn without_slash(root: &str) -> String {
    root.trim_end_matches('/').to_owned()
}

fn aliases(shapes: Vec<AliasShape>) -> Result<Vec<Alias>, Problem> {
    let mut aliases: Vec<Alias> = Vec::with_capacity(shapes.len());
    for AliasShape { path: Scalar(AliasPath(path)), root: Scalar(Folder(root)), php_root } in shapes {
        if let Some(first) = aliases.iter().position(|alias| alias.path == path) {
            let message = format!("{path} already is aliases[{first}]; keep it in one place");
            return Err(Problem::here(message).under("path").under(aliases.len()));
        }
        aliases.push(Alias {
            php_root: php_root.map(|Scalar(PhpRoot(root))| without_slash(&root)),
            path,
            root,
        });
    }
    Ok(aliases)
}

/// Whichever PHP-FPM of a site is asked, the files are the same: they are found before it is chosen.
pub(super) fn check_alike(upstreams: &[Upstream]) -> Result<(), Problem> {
    let mut of_php = upstreams.iter().enumerate().filter_map(|(at, one)| Some((at, one.scripts.as_ref()?)));
    let Some((first, scripts)) = of_php.next() else { return Ok(()) };
    let Some((other, _)) = of_php.find(|(_, other)| *other != scripts) else { return Ok(()) };
    let message = format!(
        "is told of other files than upstreams[{first}], and a site has one WordPress; write the same `root`, `php_root`, \
         `aliases`, `follow_links`, `never_serve`, `never_run` and `multisite` beside both, or make two sites of them"
    );
    Err(Problem::here(message).under("url").under(other))
}

/// The keys that mean this.
pub(super) fn keys(scripts: Option<&Scripts>) -> Keys {
    match scripts {
        None => Keys::default(),
        Some(Scripts::Named { root, multisite }) => Keys {
            php_root: Some(php_root(root)),
            multisite: Some(Scalar((*multisite).into())),
            ..Keys::default()
        },
        Some(Scripts::Found(layout)) => keys_of(layout),
    }
}

fn keys_of(layout: &Layout) -> Keys {
    let alias = |alias: &Alias| AliasShape {
        path: Scalar(AliasPath(alias.path.clone())),
        root: Scalar(Folder(alias.root.clone())),
        php_root: alias.php_root.as_deref().map(php_root),
    };
    Keys {
        root: Some(Scalar(Folder(layout.root.clone()))),
        // One that is told is believed as it stands, one that is not follows the links of `root`.
        php_root: layout.php_root.as_deref().map(php_root),
        aliases: Some(layout.aliases.iter().map(alias).collect()),
        follow_links: Some(Scalar(layout.follow_links.into())),
        never_serve: Some(layout.never_serve.iter().cloned().map(FilePattern).map(Scalar).collect()),
        never_run: Some(layout.never_run.iter().cloned().map(FolderName).map(Scalar).collect()),
        multisite: Some(Scalar(layout.multisite.into())),
    }
}

fn php_root(root: &str) -> Scalar<PhpRoot> {
    Scalar(PhpRoot(if root.is_empty() { "/" } else { root }.to_owned()))
}

impl Plan {
    /// What is not right of the folders whose files are served. It is no mistake: the image of WordPress fills its folder as it
    /// starts, and a doctor that starts beside it serves what comes. `source` and `lookup` are those the plan was made from, and
    /// `flag` is what named the folder over them, a flag or its variable; they serve to say where a warning belongs.
    #[must_use]
    pub fn folders(&self, source: Option<&Source>, flag: Option<&str>, lookup: &Lookup<'_>) -> Vec<Mistake> {
        let place = |problem: Problem| match (flag, source) {
            (None, Some(source)) => source.located(problem, lookup),
            (flag, _) => {
                let file = flag.unwrap_or("--root").to_owned();
                Mistake { file, position: None, path: String::new(), message: problem.message }
            }
        };
        let mut own = self.files();
        own.extend(source.map(|source| source.name.clone().into()));
        let sites = self.sites.iter().enumerate();
        sites.flat_map(|(index, site)| of_site(index, site, &own)).map(place).collect()
    }
}

/// All PHP-FPM of a site name the same files, so the first one is looked at.
fn of_site(index: usize, site: &Site, own: &[PathBuf]) -> Vec<Problem> {
    let layouts = site.upstreams.iter().map(|upstream| match &upstream.scripts {
        Some(Scripts::Found(layout)) => Some(layout),
        Some(Scripts::Named { .. }) | None => None,
    });
    let Some((upstream, layout)) = layouts.enumerate().find_map(|(at, layout)| Some((at, layout?))) else {
        return Vec::new();
    };
    let whole = |problem: Problem| problem.under(upstream).under("upstreams").under(index).under("sites");
    look(layout).into_iter().chain(exposed(layout, own)).map(whole).collect()
}

/// Files of the doctor's own that lie where everybody may read them.
fn exposed(layout: &Layout, own: &[PathBuf]) -> Option<Problem> {
    let real = |path: &Path| path.canonicalize().ok();
    let aliases = layout.aliases.iter().map(|alias| &alias.root);
    let roots: Vec<_> = std::iter::once(&layout.root).chain(aliases).filter_map(|root| real(root)).collect();
    let is_served =
        |file: &&PathBuf| real(file).is_some_and(|file| roots.iter().any(|root| file.starts_with(root)));
    let exposed = own.iter().find(is_served)?;
    let name = quoted(&exposed.display().to_string());
    let message =
        format!("holds {name}, a file of the doctor's own that everybody could read; move it out of there");
    Some(Problem::here(message).under("root"))
}

fn look(layout: &Layout) -> Vec<Problem> {
    let of_root = missing(&layout.root).or_else(|| without_index(&layout.root));
    let mut problems: Vec<_> = of_root.into_iter().map(|problem| problem.under("root")).collect();
    let aliases = layout.aliases.iter().enumerate();
    problems.extend(aliases.filter_map(|(place, alias)| {
        Some(missing(&alias.root)?.under("root").under(place).under("aliases"))
    }));
    problems
}

/// Whether something is wrong with a folder itself.
fn missing(folder: &Path) -> Option<Problem> {
    let name = quoted(&folder.display().to_string());
    let message = match std::fs::metadata(folder) {
        Ok(found) if found.is_dir() => return None,
        Ok(_) => format!("{name} is no folder; name the one that holds the files"),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            format!("{name} is not there; make it, or name the folder as the doctor sees it")
        }
        Err(error) => format!(
            "{name} cannot be entered: {error}; let the user of the doctor read it (x and r on folders)"
        ),
    };
    Some(Problem::here(message))
}

/// Whether a folder is not WordPress's.
fn without_index(root: &Path) -> Option<Problem> {
    let message = match std::fs::metadata(root.join("index.php")) {
        Ok(found) if found.is_file() => return None,
        Err(error) if error.kind() != ErrorKind::NotFound => {
            format!(
                "{} cannot be entered: {error}; let the user of the doctor read it",
                quoted(&root.display().to_string())
            )
        }
        _ => format!(
            "{} holds no index.php, so WordPress is not there; name the folder that holds it",
            quoted(&root.display().to_string())
        ),
    };
    Some(Problem::here(message))
}

impl From<FollowLinks> for files::FollowLinks {
    fn from(word: FollowLinks) -> Self {
        match word {
            FollowLinks::SameOwner => Self::SameOwner,
            FollowLinks::All => Self::All,
            FollowLinks::None => Self::None,
        }
    }
}

impl From<files::FollowLinks> for FollowLinks {
    fn from(setting: files::FollowLinks) -> Self {
        match setting {
            files::FollowLinks::SameOwner => Self::SameOwner,
            files::FollowLinks::All => Self::All,
            files::FollowLinks::None => Self::None,
        }
    }
}

impl From<Multisite> for files::Multisite {
    fn from(word: Multisite) -> Self {
        match word {
            Multisite::None => Self::None,
            Multisite::Subfolders => Self::Subfolders,
        }
    }
}

impl From<files::Multisite> for Multisite {
    fn from(setting: files::Multisite) -> Self {
        match setting {
            files::Multisite::None => Self::None,
            files::Multisite::Subfolders => Self::Subfolders,
        }
    }
}
