//! `header-doctor run`: the proxy itself.

use super::NOTHING_WRONG;
use super::flags::Flags;
use super::{serve, terminal};
use crate::config::Plan;
use clap::Args;
use std::process::ExitCode;

/// Stand between clients and WordPress, forward Authorization, and say where it was lost.
///
/// Without a file it listens on 127.0.0.1:8080 and needs --upstream. A flag beats its environment variable, and that
/// beats the file: --listen replaces all listeners, --upstream replaces all sites by one for any host, --observe
/// sets the mode of every site, --trusted-proxy replaces the trusted proxies, --cors-origin the allowed origins of
/// every site.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  Before a WordPress on port 8081:
      header-doctor run --upstream http://127.0.0.1:8081
  As a temporary shim that changes nothing and listens on all IPv4 addresses:
      header-doctor run --observe --listen :8080 --upstream 10.0.0.5:8080
  As a service, configured by a file:
      header-doctor run --config /etc/header-doctor.yaml
  In a container, configured by its environment:
      HEADER_DOCTOR_LISTEN=:8080 HEADER_DOCTOR_UPSTREAM=wordpress:80 header-doctor run")]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) flags: Flags,
}

/// Runs the proxy until it is told to stop.
///
/// # Errors
/// When it cannot start.
pub fn run(plan: &Plan) -> anyhow::Result<ExitCode> {
    serve::serve(plan, terminal::page())?;
    Ok(ExitCode::from(NOTHING_WRONG))
}
