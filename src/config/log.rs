//! Section `log`: what is written about exchanges, and how.

use super::reading::Scalar;
use super::values::Span;
use super::values::words::words;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How the doctor writes its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// For eyes or for machines.
    pub format: Format,
    /// The least severe line that is written.
    pub level: Level,
    /// Which exchanges are written.
    pub exchanges: Exchanges,
    /// How long repeats of a sick exchange are counted before one line sums them up; zero writes each. With
    /// [`Exchanges::All`] each is written anyway.
    pub repeats: Duration,
    /// How much of a client's address is written.
    pub client_address: ClientAddress,
    /// How much is written of what PHP complains of, where it is asked directly.
    pub php_errors: PhpErrors,
}

words! {
    /// The form of a line.
    pub Format is "a log format" {
        /// For eyes, on a terminal.
        Pretty = "pretty",
        /// One JSON object a line.
        #[default]
        Json = "json",
    }
}

words! {
    /// How severe a line is.
    pub Level is "a log level" {
        /// Only what is broken.
        Error = "error",
        /// Warnings, and what is broken.
        Warn = "warn",
        /// What happened, too.
        #[default]
        Info = "info",
        /// Why it happened, too.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}

words! {
    /// Which exchanges are written.
    pub Exchanges is "a choice of exchanges" {
        /// Those with a finding.
        #[default]
        Sick = "sick",
        /// Every one.
        All = "all",
        /// No exchange.
        None = "none",
    }
}

words! {
    /// How much of a client's address is written.
    pub ClientAddress is "a form of client address" {
        /// The whole address.
        Full = "full",
        /// The network it comes from, which names no person.
        #[default]
        Network = "network",
        /// Nothing.
        None = "none",
    }
}

words! {
    /// How much of PHP's own errors is written.
    pub PhpErrors is "an amount of PHP's errors" {
        /// The first line, without what may be a credential.
        #[default]
        Line = "line",
        /// All of it, as PHP wrote it: credentials, too.
        Full = "full",
    }
}

/// One line a minute tells of an incident that goes on, and does not hide the next one.
const REPEATS: Duration = Duration::from_secs(60);

/// `log` in the file.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Log")]
pub(super) struct Shape {
    /// The form of a line; when absent, `pretty` on a terminal and `json` elsewhere.
    format: Option<Scalar<Format>>,
    /// The least severe line that is written; `info` when absent.
    level: Option<Scalar<Level>>,
    /// Which exchanges are written; `sick` when absent.
    exchanges: Option<Scalar<Exchanges>>,
    /// How long repeats of a sick exchange are counted before one line sums them up, 0s to write each; 1m when
    /// absent. With `exchanges: all` each is written.
    repeats: Option<Scalar<Span>>,
    /// How much of a client's address is written; `network` when absent.
    client_address: Option<Scalar<ClientAddress>>,
    /// How much of what PHP-FPM complains of (stderr) is written: its first line without what may be a credential (`line`, as when
    /// absent), or all of it. **`full` is unsafe**: scripts print tokens, passwords and addresses of visitors there.
    php_errors: Option<Scalar<PhpErrors>>,
}

impl Shape {
    /// The settings, with `format` where the file names none.
    pub(super) fn settings(self, format: Format) -> Log {
        Log {
            format: self.format.map_or(format, |Scalar(set)| set),
            level: self.level.map_or_else(Level::default, |Scalar(set)| set),
            exchanges: self.exchanges.map_or_else(Exchanges::default, |Scalar(set)| set),
            repeats: self.repeats.map_or(REPEATS, |set| set.0.0),
            client_address: self.client_address.map_or_else(ClientAddress::default, |Scalar(set)| set),
            php_errors: self.php_errors.map_or_else(PhpErrors::default, |Scalar(set)| set),
        }
    }
}

impl From<&Log> for Shape {
    fn from(log: &Log) -> Self {
        Self {
            format: Some(Scalar(log.format)),
            level: Some(Scalar(log.level)),
            exchanges: Some(Scalar(log.exchanges)),
            repeats: Some(Scalar(Span(log.repeats))),
            client_address: Some(Scalar(log.client_address)),
            php_errors: Some(Scalar(log.php_errors)),
        }
    }
}
