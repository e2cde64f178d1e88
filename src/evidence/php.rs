//! What goes wrong between the doctor and PHP where no web server stands between them, and within PHP.
//!
//! php-fpm says in its error stream what its replies do not: `File not found.` may be a page of anybody, `Primary script
//! unknown` is php-fpm's alone (`sapi/fpm/fpm/fpm_main.c`). What a script logs itself stands behind `PHP message: `, so it
//! cannot pass for php-fpm's own words. Messages of one request come in one line, parted by `; `.

use std::fmt;

use super::query::{Plus, decoded};
use crate::secret::looks_secret;

/// What is wrong with PHP, by its own word or by the way it could not be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// There is no such script where it looks: `Primary script unknown`.
    ScriptUnknown,
    /// The script's name may not be run: `Access to the script … has been denied (see security.limit_extensions)`.
    ScriptDenied,
    /// The script is there and may not be read: `Unable to open primary script: … (Permission denied)`.
    ScriptUnreadable,
    /// A script broke off.
    Fatal(Fatal),
    /// There is no such socket.
    SocketMissing,
    /// The socket may not be used.
    SocketForbidden,
    /// Nobody listens at its address.
    NobodyListens,
    /// As many connections wait at its socket as may.
    BacklogFull,
    /// It says that it takes no more (`FCGI_OVERLOADED`).
    Overloaded,
    /// As many requests wait at the doctor for it as may.
    QueueFull,
    /// A request waited at the doctor for it, and longer than it may.
    QueueTimeout,
    /// It took a request and sent no reply in time.
    Silent,
}

/// Words of php-fpm's own, as one of its messages begins and ends, and what they mean.
const OWN: [(&[u8], &[u8], Trouble); 3] = [
    (b"Primary script unknown", b"", Trouble::ScriptUnknown),
    (b"Access to the script '", b"(see security.limit_extensions)", Trouble::ScriptDenied),
    (b"Unable to open primary script: ", b"(Permission denied)", Trouble::ScriptUnreadable),
];

impl Trouble {
    /// What php-fpm or a script `heard` complaining complained of, if it is known. `shown` is the same in a form that may be
    /// printed: of names only those that stand there are taken.
    #[must_use]
    pub fn heard(heard: &[u8], shown: &str) -> Option<Self> {
        let fatal = || Fatal::of(heard, shown).map(Self::Fatal);
        OWN.into_iter().find(|(begin, end, _)| says(heard, begin, end)).map(|own| own.2).or_else(fatal)
    }

    /// What the stable code of a failure says, where there was no reply.
    #[must_use]
    pub fn of_failure(code: &str) -> Option<Self> {
        Some(match code {
            "header_doctor_php_socket_missing" => Self::SocketMissing,
            "header_doctor_php_socket_forbidden" => Self::SocketForbidden,
            "header_doctor_php_refused" => Self::NobodyListens,
            "header_doctor_php_backlog_full" => Self::BacklogFull,
            "header_doctor_php_overloaded" => Self::Overloaded,
            "header_doctor_php_queue_full" => Self::QueueFull,
            "header_doctor_php_queue_timeout" => Self::QueueTimeout,
            "header_doctor_upstream_timeout" => Self::Silent,
            _ => return None,
        })
    }
}

/// Whether one of the messages begins and ends so, and is not a script's: before it stand at most warnings of PHP's own, from
/// before any script ran.
fn says(heard: &[u8], begin: &[u8], end: &[u8]) -> bool {
    let is_own = |at: usize| {
        let before = heard.get(..at).unwrap_or_default();
        before.is_empty() || before.ends_with(b" in Unknown on line 0; ")
    };
    heard.trim_ascii_end().ends_with(end) && memchr::memmem::find(heard, begin).is_some_and(is_own)
}

/// An error that ended a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fatal {
    /// What kind of error.
    pub kind: FatalKind,
    /// Whose code it is in, where its path tells.
    pub owner: Option<Owner>,
}

/// A kind of error that ends a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FatalKind {
    /// It took more memory than it may (`memory_limit`).
    Memory,
    /// It took longer than it may (`max_execution_time`).
    Time,
    /// Its text is no PHP, or not of this version.
    Parse,
    /// Any other: an exception that nobody caught, a function that is not there.
    Other,
}

impl Fatal {
    fn of(heard: &[u8], shown: &str) -> Option<Self> {
        let kind = FatalKind::of(heard)?;
        Some(Self { kind, owner: Owner::of(shown) })
    }
}

impl FatalKind {
    fn of(heard: &[u8]) -> Option<Self> {
        let error = ["PHP Fatal error: ", "PHP Parse error: "].into_iter().find_map(|begin| {
            let at = memchr::memmem::find_iter(heard, begin).find(|at| begins_a_message(heard, *at))?;
            Some((begin, heard.get(at + begin.len()..)?.trim_ascii_start()))
        });
        let (begin, said) = error?;
        Some(match said {
            _ if begin.contains("Parse") => Self::Parse,
            said if said.starts_with(b"Allowed memory size of ") || said.starts_with(b"Out of memory") => {
                Self::Memory
            }
            said if said.starts_with(b"Maximum execution time of ") => Self::Time,
            _ => Self::Other,
        })
    }
}

/// Whether a message begins there: within one may stand any text that a script logs of its client.
fn begins_a_message(heard: &[u8], at: usize) -> bool {
    let before = heard.get(..at).unwrap_or_default();
    before.is_empty() || before.ends_with(b"PHP message: ")
}

/// Whose code a file is, by the folder it lies in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A plugin, by the name of its folder or file.
    Plugin(Box<str>),
    /// A theme, by the name of its folder.
    Theme(Box<str>),
}

/// The longest name that is shown.
const LONGEST: usize = 60;

impl Owner {
    /// By the last path, where PHP names the file.
    fn of(shown: &str) -> Option<Self> {
        let path = shown.rsplit(' ').find(|word| word.starts_with('/'))?;
        let below = |folder: &str| path.split_once(folder).and_then(|(_, rest)| name(rest));
        let plugin = below("/plugins/").or_else(|| below("/mu-plugins/")).map(Self::Plugin);
        plugin.or_else(|| below("/themes/").map(Self::Theme))
    }

    /// The name alone.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Plugin(name) | Self::Theme(name) => name,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plugin(name) => write!(f, "the plugin {name}"),
            Self::Theme(name) => write!(f, "the theme {name}"),
        }
    }
}

/// The first part of a path: a folder, or a file without its line and ending. Whatever is no plain name is left out.
fn name(path: &str) -> Option<Box<str>> {
    let part = path.split(['/', ':', '(']).next()?;
    let part = part.strip_suffix(".php").unwrap_or(part);
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let begins = part.starts_with(|first: char| first.is_ascii_alphanumeric());
    let is_name = begins && part.len() <= LONGEST && part.bytes().all(is_usual);
    (is_name && !looks_secret(part.as_bytes())).then(|| part.into())
}

/// Which script a path asks for, where that is known by its name alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// The front door: every site has it, and WordPress answers there for whatever is no file.
    FrontDoor,
    /// One that every WordPress has.
    Core,
    /// One that may be there or not.
    Named,
    /// One whose file the doctor saw, by whatever name.
    Seen,
}

impl Script {
    /// By the path of a request, as it was sent.
    #[must_use]
    pub fn of(path: &[u8]) -> Self {
        // Not `xmlrpc.php`, which many sites remove.
        const CORE: [&[u8]; 4] =
            [b"/wp-login.php", b"/wp-cron.php", b"/wp-admin/", b"/wp-admin/admin-ajax.php"];
        let path = decoded(path, Plus::Stays);
        let is_front_door =
            path.strip_prefix(b"/index.php").is_some_and(|rest| matches!(rest, [] | [b'/', ..]));
        if CORE.contains(&&*path) {
            return Self::Core;
        }
        let names_one =
            path.to_ascii_lowercase().windows(3).any(|part| part == b".ph") || path.ends_with(b"/wp-admin/");
        if is_front_door || !names_one { Self::FrontDoor } else { Self::Named }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{any, proptest};

    use super::{Fatal, FatalKind, Owner, Script, Trouble};

    fn heard(said: &str) -> Option<Trouble> {
        Trouble::heard(said.as_bytes(), said.split('\n').next().unwrap())
    }

    #[test]
    fn php_fpms_own_words_are_known_and_a_scripts_are_not_taken_for_them() {
        for (said, trouble) in [
            ("Primary script unknown", Some(Trouble::ScriptUnknown)),
            ("Primary script unknown\n", Some(Trouble::ScriptUnknown)),
            ("PHP message: Primary script unknown", None),
            ("PHP message: not found; Primary script unknown", None),
            (
                "PHP message: PHP Warning:  PHP Request Startup: x in Unknown on line 0; Primary script unknown",
                Some(Trouble::ScriptUnknown),
            ),
            (
                "Access to the script '/srv/www/a.css' has been denied (see security.limit_extensions)",
                Some(Trouble::ScriptDenied),
            ),
            ("Access to the script '/srv/www/a.css' has been denied", None),
            ("PHP message: Access to the script 'x' has been denied (see security.limit_extensions)", None),
            (
                "PHP message: PHP Warning:  PHP Request Startup: Failed to open stream: Permission denied in Unknown on \
                 line 0; Unable to open primary script: /srv/www/a.php (Permission denied)",
                Some(Trouble::ScriptUnreadable),
            ),
            (
                "Unable to open primary script: /srv/www/a.php (Permission denied)",
                Some(Trouble::ScriptUnreadable),
            ),
            ("PHP message: Unable to open primary script: /srv/www/a.php (Permission denied)", None),
            ("PHP message: PHP Warning:  Undefined variable $x in /srv/www/a.php on line 1", None),
            ("", None),
        ] {
            assert_eq!(heard(said), trouble, "{said}");
        }
    }

    #[test]
    fn an_error_that_ends_a_script_is_told_by_kind_and_owner() {
        let plugin = |name: &str| Some(Owner::Plugin(name.into()));
        for (said, kind, owner) in [
            ("PHP Fatal error:  Uncaught Error: x in /srv/www/a.php:3\nStack", FatalKind::Other, None),
            (
                "PHP Fatal error:  Uncaught Error: Call to undefined function x() in /srv/www/wp-content/plugins/my-shop/inc/a.php:3",
                FatalKind::Other,
                plugin("my-shop"),
            ),
            (
                "PHP message: PHP Fatal error:  Allowed memory size of 16777216 bytes exhausted (tried to allocate 9 bytes) in \
                 /srv/wp-content/themes/twenty/f.php on line 1",
                FatalKind::Memory,
                Some(Owner::Theme("twenty".into())),
            ),
            (
                "PHP Fatal error:  Maximum execution time of 30 seconds exceeded in /srv/app/mu-plugins/hello.php on line 1",
                FatalKind::Time,
                plugin("hello"),
            ),
            (
                "PHP message: PHP Parse error:  syntax error, unexpected token \";\" in /a.php on line 1",
                FatalKind::Parse,
                None,
            ),
            (
                "PHP Parse error: syntax error, unexpected token … … /srv/www/wp-content/plugins/my-shop/a.php on line 1",
                FatalKind::Parse,
                plugin("my-shop"),
            ),
            ("PHP Fatal error:  x in /srv/plugins/a0B1c2D3e4F5g6H7i8/a.php:1", FatalKind::Other, None),
            ("PHP Fatal error:  x in /srv/plugins/…/a.php:1", FatalKind::Other, None),
        ] {
            assert_eq!(heard(said), Some(Trouble::Fatal(Fatal { kind, owner })), "{said}");
        }
        for logged in
            ["PHP message: agent: PHP Fatal error:  x in /srv/plugins/shop/a.php:1", "a PHP Parse error:  x"]
        {
            assert_eq!(heard(logged), None, "{logged}");
        }
        assert_eq!(Owner::Plugin("my-shop".into()).to_string(), "the plugin my-shop");
        assert_eq!(Owner::Theme("twenty".into()).to_string(), "the theme twenty");
    }

    #[test]
    fn a_failure_is_known_by_its_code() {
        assert_eq!(Trouble::of_failure("header_doctor_php_refused"), Some(Trouble::NobodyListens));
        assert_eq!(Trouble::of_failure("header_doctor_php_queue_full"), Some(Trouble::QueueFull));
        for code in
            ["", "header_doctor_php_closed", "header_doctor_upstream_unreachable", "header_doctor_spool_full"]
        {
            assert_eq!(Trouble::of_failure(code), None, "{code}");
        }
    }

    #[test]
    fn a_script_is_known_by_its_path() {
        for (path, script) in [
            ("/", Script::FrontDoor),
            ("/wp-json/wp/v2/posts", Script::FrontDoor),
            ("/index.php", Script::FrontDoor),
            ("/index.php/2026/hello/", Script::FrontDoor),
            ("/2026/.well-known", Script::FrontDoor),
            ("/wp-login.php", Script::Core),
            ("/wp-login%2ephp", Script::Core),
            ("/wp-admin/", Script::Core),
            ("/blog/wp-admin/", Script::Named),
            ("/blog/wp-login.php", Script::Named),
            ("/shell.php", Script::Named),
            ("/xmlrpc.php", Script::Named),
            ("/SHELL.PHP", Script::Named),
            ("/a.jpg/x%2Ephp", Script::Named),
            ("/index.php5", Script::Named),
        ] {
            assert_eq!(Script::of(path.as_bytes()), script, "{path}");
        }
    }

    proptest! {
        #[test]
        fn no_complaint_panics(said in vec(any::<u8>(), 0..300), shown in any::<String>()) {
            std::hint::black_box(Trouble::heard(&said, &shown));
            std::hint::black_box(Script::of(&said));
        }
    }
}
