//! `header-doctor demo`: the product in a minute, with nothing installed.

use std::io::{Write, stdout};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::{ArgMatches, Args};

use super::flags::given;
use super::serve::Signals;
use super::{FINDINGS, NOTHING_WRONG, terminal};
use crate::config::Listener;
use crate::demo::{Place, STORIES, Stage};
use crate::report::{Page, Repeats, log};

/// Show what the doctor does, with nothing installed: an imitation of WordPress, servers that lose headers, the doctor.
///
/// It tells a few stories, each with its request, the reply, the verdict and the cure, and stays up to be tried with
/// curl. Nothing leaves this machine.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  Look, then try it with the curl lines that it prints:
      header-doctor demo
  Tell the stories and end; the exit code is 1 if a verdict was not the expected one:
      header-doctor demo --once")]
pub(super) struct Arguments {
    /// End after the stories, with 0 if every verdict was the expected one, else with 1.
    ///
    /// Free ports are used, so that it never meets anybody else.
    #[arg(long)]
    once: bool,

    /// Let the doctor listen on this address.
    ///
    /// Default: 127.0.0.1:8080, or a free port when that is taken.
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
}

/// Tells the stories and stays up, unless it is told not to.
pub(super) fn demo(arguments: &Arguments, matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    let stage = Stage::open(place(arguments, matches)?)?;
    // Until the stories are over, a signal ends the process as it ends any other.
    let differences = tell(&stage, terminal::page())?;
    if arguments.once {
        stage.leave_open().1.fall()?;
    } else {
        stay(stage)?;
    }
    Ok(ExitCode::from(if differences == 0 { NOTHING_WRONG } else { FINDINGS }))
}

fn place(arguments: &Arguments, matches: &ArgMatches) -> anyhow::Result<Place> {
    let listen = arguments.listen.as_ref().map_or(Ok(None), |text| given(text, "listen", matches))?;
    Ok(match listen {
        Some(Listener { address, .. }) => Place::Here(address),
        None if arguments.once => Place::Free,
        None => Place::Usual,
    })
}

/// Tells all stories. Gives the number of things that were not as they must be.
fn tell(stage: &Stage, page: Page) -> anyhow::Result<usize> {
    let mut out = stdout().lock();
    out.write_all(stage.introduction().as_bytes())?;
    let mut differences = Vec::new();
    for story in STORIES {
        let told = stage.play(story, page)?;
        write!(out, "{told}")?;
        differences.extend(told.differences());
    }
    for difference in &differences {
        writeln!(out, "Not as expected: {difference}")?;
    }
    if differences.is_empty() {
        writeln!(out, "Every verdict was the expected one.")?;
    }
    Ok(differences.len())
}

/// Lets people try it, and writes what the doctor says, until a signal.
fn stay(stage: Stage) -> anyhow::Result<()> {
    let signals = Signals::catch()?;
    stdout().lock().write_all(stage.invitation().as_bytes())?;
    let (events, curtain) = stage.leave_open();
    let format = log::Format::Pretty(terminal::page());
    // Who tries something twice wants to see it twice.
    let repeats = Repeats::new(Duration::ZERO);
    let writer = thread::Builder::new().name("log".to_owned());
    let writer =
        writer.spawn(move || log::run(events, stdout(), format, repeats)).context("cannot start the log")?;
    signals.wait();
    curtain.fall()?;
    writer.join().map_err(|_| anyhow!("the log panicked"))
}
