//! `header-doctor run`: the proxy itself.

use super::NOTHING_WRONG;
use super::flags::{Flags, Prepared, on_or_off};
use super::serve::{End, Source, Start};
use super::{serve, terminal};
use crate::listen::Sessions;
use anyhow::Context;
use clap::{ArgMatches, Args};
use std::path::PathBuf;
use std::process::ExitCode;

/// Stand between clients and WordPress, forward Authorization, and say where it was lost.
///
/// Without a file it listens on 127.0.0.1:8080 and needs --upstream. A flag beats its environment variable, and that
/// beats the file: --listen replaces all listeners, --upstream replaces all sites by one for any host, --observe
/// sets the mode of every site, --trusted-proxy replaces the trusted proxies, --cors-origin the allowed origins of
/// every site, --hop and --trail-key-file those of `trail`.
///
/// SIGHUP, or a change of the file or of one that it names, reloads: requests under way end as they began, a bad file changes
/// nothing. SIGTERM and SIGINT drain and end; a second one ends at once.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  Before a WordPress on port 8081:
      header-doctor run --upstream http://127.0.0.1:8081
  As a temporary shim that changes nothing and listens on all IPv4 addresses:
      header-doctor run --observe --listen :8080 --upstream 10.0.0.5:8080
  As WordPress's own web server, with nothing before PHP-FPM:
      header-doctor run --upstream fastcgi+unix:/run/php/php8.2-fpm.sock --root /var/www/html
  The same where PHP-FPM alone sees the files, for a site that is only an API:
      header-doctor run --upstream fastcgi://php:9000 --php-root /var/www/html
  As a service, configured by a file:
      header-doctor run --config /etc/header-doctor.yaml
  With a new binary or new flags, without losing a request:
      header-doctor run --config /etc/header-doctor.yaml --upgrade
  In a container, configured by its environment:
      HEADER_DOCTOR_LISTEN=:8080 HEADER_DOCTOR_UPSTREAM=wordpress:80 header-doctor run")]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) flags: Flags,

    /// Take over from the running process: it hands its listening sockets over and drains, and no request is lost.
    ///
    /// It is asked on --upgrade-socket, which it must have been started with. When nobody answers there, this is a usual start.
    #[arg(long, env = "HEADER_DOCTOR_UPGRADE", hide_env_values = true, value_parser = on_or_off)]
    upgrade: bool,
}

/// The plan as flags, environment and file make it, now and at every reload.
struct Configured<'m> {
    flags: Flags,
    matches: &'m ArgMatches,
    sessions: Sessions,
}

impl Source for Configured<'_> {
    fn prepared(&self) -> anyhow::Result<Prepared> {
        self.flags.prepared(self.matches, &self.sessions)
    }

    fn file(&self) -> Option<PathBuf> {
        self.flags.file().cloned()
    }
}

/// Runs the proxy until it is told to stop.
///
/// # Errors
/// When it cannot start.
pub(super) fn run(arguments: Arguments, matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let start = if arguments.upgrade { Start::TakingOver } else { Start::Afresh };
    let sessions = Sessions::new().context("the system has no random numbers")?;
    let source = Configured { flags: arguments.flags, matches, sessions };
    let end = serve::serve(source, terminal::page(), start)?;
    Ok(ExitCode::from(match end {
        End::InOrder => NOTHING_WRONG,
        // As a shell says it of a process that the signal has ended.
        End::CutShort(signal) => 128 + signal,
    }))
}
