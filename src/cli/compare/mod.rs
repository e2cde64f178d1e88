//! `header-doctor compare`: two logs of one path, where no trail can travel between the doctors.

mod lines;
mod output;

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};

use super::{FINDINGS, NOT_EXAMINED, NOTHING_WRONG, terminal};
use crate::compare::{Log, Told, Verdicts, join, judge};
use crate::config::name_of_missing;
use crate::diagnosis::Severity;
use lines::each_line;
use output::Compared;

/// Compare the logs of two doctors on one path, and say where Authorization was lost between them.
///
/// Both logs must be JSON (`log.format: json`) and should hold every exchange (`log.exchanges: all`). Requests are joined by
/// exchange, by trace, by fingerprint where both doctors have the same key, else by method, host, path, status and time. Logs
/// are not signed, so nothing is proved. Of each log the last 1000000 exchanges are compared.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  header-doctor compare edge.jsonl sidecar.jsonl
  kubectl logs deploy/wordpress -c header-doctor | header-doctor compare edge.jsonl -
  header-doctor compare --output json edge.jsonl sidecar.jsonl

Exit codes:
  0  nothing wrong in what could be seen
  1  findings of severity error
  2  a file cannot be read, or is no JSON log
  3  the logs could not be compared: no request stands in both, or they look swapped")]
pub(super) struct Arguments {
    /// The log of the doctor in front, nearer to the client; - for standard input.
    edge: PathBuf,

    /// The log of the doctor behind it, nearer to WordPress; - for standard input.
    sidecar: PathBuf,

    /// The form of the answer.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For eyes.
    Text,
    /// For machines; versioned.
    Json,
}

/// Compares.
pub(super) fn compare(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { edge, sidecar, output } = arguments;
    refuse_the_same(edge, sidecar)?;
    let logs = [read(edge)?, read(sidecar)?];
    let joins = join(&logs[0], &logs[1]);
    let verdicts = judge(&logs[0], &logs[1], &joins);
    let files = [edge, sidecar].map(|path| shown(path));
    let compared = Compared { files, logs: &logs, joins, verdicts };
    let answer = match output {
        Output::Text => compared.text(terminal::page()),
        Output::Json => format!("{:#}\n", compared.json()?),
    };
    io::stdout().lock().write_all(answer.as_bytes())?;
    Ok(ExitCode::from(code(&compared)))
}

fn code(compared: &Compared<'_>) -> u8 {
    let Verdicts { findings, seen, are_swapped, .. } = &compared.verdicts;
    if *seen == 0 || (*are_swapped && !findings.is_empty()) {
        return NOT_EXAMINED;
    }
    let mut findings = findings.iter().map(|judged| &judged.scoped.finding);
    if findings.any(|finding| finding.severity == Severity::Error) { FINDINGS } else { NOTHING_WRONG }
}

fn refuse_the_same(edge: &Path, sidecar: &Path) -> anyhow::Result<()> {
    if is_standard_input(edge) && is_standard_input(sidecar) {
        bail!("only one of the two logs can come from standard input");
    }
    let places = [edge, sidecar].map(|path| fs::canonicalize(path).ok());
    let is_same = places[0].is_some() && places[0] == places[1] && !is_standard_input(edge);
    if is_same {
        bail!(
            "{} and {} are the same file; name the log of the doctor in front first, then that of the one behind it",
            edge.display(),
            sidecar.display()
        );
    }
    Ok(())
}

fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn shown(path: &Path) -> String {
    if is_standard_input(path) { "standard input".to_owned() } else { path.display().to_string() }
}

fn read(path: &Path) -> anyhow::Result<Log> {
    let name = shown(path);
    let source: Box<dyn Read> = if is_standard_input(path) {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path).with_context(|| format!("cannot open {}", name_of_missing(path)))?)
    };
    let mut log = Log::default();
    let mut is_compressed = false;
    each_line(BufReader::with_capacity(1 << 16, source), |number, line| {
        is_compressed |= number == 1 && line.is_some_and(|line| line.starts_with(b"\x1f\x8b"));
        match line {
            Some(line) => log.take(number, line),
            None => log.take_overlong(number),
        }
    })
    .with_context(|| format!("cannot read {name}"))?;
    if is_compressed {
        bail!("{name} is compressed; unpack it: `zcat FILE | header-doctor compare … -`");
    }
    refuse_text(&name, log.told())?;
    Ok(log)
}

/// A log for people holds no line of JSON.
fn refuse_text(name: &str, told: &Told) -> anyhow::Result<()> {
    if told.lines > 0 && told.unreadable == told.lines {
        bail!(
            "none of the {} lines of {name} is JSON that a doctor wrote; a doctor writes JSON with `log.format: json`",
            told.lines
        );
    }
    Ok(())
}
