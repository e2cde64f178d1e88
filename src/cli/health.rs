//! `header-doctor health`: asks the running doctor whether it is ready, for the health checks of containers, whose images
//! may hold no curl.

use super::flags::Flags;
use super::{FINDINGS, NOTHING_WRONG};
use crate::admin;
use anyhow::bail;
use clap::{ArgMatches, Args};
use std::io::{Write, stdout};
use std::net::SocketAddr;
use std::process::ExitCode;
use tokio::runtime::{Builder, LocalOptions};

/// Ask the running doctor whether it is ready.
///
/// It asks for /readyz on the health address, which it finds where `run` finds it: --health-address, its variable, or
/// `admin.health_address` in the file, even if that has become wrong since. Exits with 0 when the doctor is ready, with 1
/// when it is not or nobody answers, and with 2 when no address is configured.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  In a Dockerfile:
      ENV HEADER_DOCTOR_HEALTH_ADDRESS=127.0.0.1:9901
      HEALTHCHECK CMD [\"header-doctor\", \"health\"]
  In a pod, where the address is set for the container as well:
      readinessProbe: { exec: { command: [header-doctor, health] } }")]
pub(super) struct Arguments {
    #[command(flatten)]
    flags: Flags,
}

/// Asks, and says what is wrong.
pub(super) fn health(arguments: &Arguments, matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let address = address(&arguments.flags, matches)?;
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    let (code, text) = match runtime.block_on(admin::ask(address)) {
        Ok(()) => (NOTHING_WRONG, "ready".to_owned()),
        Err(unwell) => (FINDINGS, unwell.to_string()),
    };
    writeln!(stdout().lock(), "{text}")?;
    Ok(ExitCode::from(code))
}

/// The address; the file is read only when neither flag nor variable says it.
fn address(flags: &Flags, matches: &ArgMatches) -> anyhow::Result<SocketAddr> {
    if let Some(address) = flags.health_address(matches)? {
        return Ok(address);
    }
    let configured = match flags.plan(matches) {
        Ok(plan) => plan.admin.health_address,
        // Whoever only asks need not know where requests go.
        Err(_) if flags.file().is_none() => None,
        // The running doctor goes on when its file becomes wrong.
        Err(error) => Some(flags.health_address_of_file().ok_or(error)?),
    };
    let Some(address) = configured else {
        bail!(
            "nowhere to ask: start the doctor with `--health-address 127.0.0.1:9901` (or HEADER_DOCTOR_HEALTH_ADDRESS, or \
             `admin: {{ health_address: 127.0.0.1:9901 }}` in its file), and give `health` the same"
        );
    };
    Ok(address)
}
