//! `header-doctor token`: what WordPress would make of a token, without asking it.
//!
//! A token is read from standard input and never from the command line, where every user of the machine could read it.
//! Whatever is typed there by mistake is not repeated.

mod output;

use std::env::var_os;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use clap::{Args, ValueEnum};

use super::{FINDINGS, NOT_EXAMINED, NOTHING_WRONG, terminal};
use crate::config::{Sort, contents_once};
use crate::event::now;
use crate::token::{Address, Asked, Given, LONGEST, Supposed, examine};
use output::Report;

/// Say what WordPress would make of a token, without asking it.
///
/// The token is read from standard input: alone, behind `Bearer`, as a whole `Authorization:` line, as a command of curl, or as
/// the JSON reply of the token endpoint. What is wrong with what was given is said, then what the token says of itself, then
/// what the plugin "JWT Authentication for WP REST API" checks in its order, and what it would answer. Nothing is sent
/// anywhere, and neither token, signature nor secret is shown.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  header-doctor token < token.txt
  printenv TOKEN | header-doctor token --site https://example.com
  header-doctor token --site https://example.com --secret-file wp-config.php < token.txt
  curl -s https://example.com/wp-json/jwt-auth/v1/token -d @login.json -H 'Content-Type: application/json' | header-doctor token

Exit codes:
  0  nothing wrong in what could be seen
  1  WordPress would refuse it
  2  the command line is wrong, or the secret cannot be read
  3  nothing came that could be examined")]
pub(super) struct Arguments {
    /// Examine the signature with the secret in this environment variable.
    #[arg(long, value_name = "VAR", conflicts_with = "secret_file")]
    secret_env: Option<OsString>,

    /// Examine the signature with the secret in this file.
    ///
    /// The file is the secret alone, or a wp-config.php or .env: there the value of JWT_AUTH_SECRET_KEY is taken.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,

    /// Compare the issuer with the address of this site.
    ///
    /// Site Address (URL) in Settings, General; `home` in the index of the REST API. Scheme, host, port and path count.
    #[arg(long, value_name = "URL")]
    site: Option<String>,

    /// The form of the answer.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,

    /// What stands there is a token, typed in the wrong place.
    #[arg(hide = true, num_args = 0.., value_name = "TOKEN", allow_hyphen_values = false)]
    misplaced: Vec<OsString>,
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For eyes.
    Text,
    /// For machines; versioned.
    Json,
}

/// Examines.
pub(super) fn token(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if !arguments.misplaced.is_empty() {
        bail!(
            "a token does not belong on a command line, where every user of the machine can read it and the shell keeps it; \
             type `header-doctor token < FILE`, or `printenv TOKEN | header-doctor token`, or `header-doctor token` alone and paste it"
        );
    }
    let (secret, site) = (arguments.secret()?, arguments.site()?);
    let given = Given::read(&input()?);
    let at = now();
    let examined = given
        .as_ref()
        .map(|given| examine(&Asked { given, secret: secret.as_ref(), site: site.as_ref(), now: at }));
    let code = match &examined {
        Err(_) => NOT_EXAMINED,
        Ok(examined) if examined.is_refused() => FINDINGS,
        Ok(_) => NOTHING_WRONG,
    };
    let report = Report {
        given: given.as_ref().ok(),
        examined: examined.as_ref(),
        secret: secret.as_ref(),
        site: site.as_ref(),
        now: at,
    };
    let answer = match arguments.output {
        Output::Text => report.text(terminal::page()),
        Output::Json => format!("{:#}\n", report.json()?),
    };
    io::stdout().lock().write_all(answer.as_bytes())?;
    Ok(ExitCode::from(code))
}

impl Arguments {
    fn secret(&self) -> anyhow::Result<Option<Supposed>> {
        if let Some(name) = &self.secret_env {
            // The name is not repeated: somebody may have typed the secret in its place.
            let value = Some(name).filter(|name| is_name(name)).and_then(var_os);
            let value = value.ok_or_else(|| {
                anyhow!("--secret-env: there is no such variable; write its name, and not the secret itself, such as --secret-env JWT_AUTH_SECRET_KEY")
            })?;
            return Ok(Some(Supposed::of_variable(value.into_vec())));
        }
        let Some(path) = &self.secret_file else { return Ok(None) };
        // Nor is that of the file.
        let text =
            contents_once(path, SECRET).map_err(|wrong| anyhow!("--secret-file: the file {wrong}"))?.bytes;
        Ok(Some(Supposed::of_file(text).context("--secret-file")?))
    }

    fn site(&self) -> anyhow::Result<Option<Address>> {
        let site = self.site.as_deref().map(str::parse::<Address>).transpose();
        site.map_err(|error| anyhow!("--site: what stands there {error}"))
    }
}

fn is_name(name: &OsString) -> bool {
    !name.is_empty() && !name.as_encoded_bytes().iter().any(|byte| matches!(byte, b'=' | b'\0'))
}

/// What holds a secret: a wp-config.php has some KiB.
const SECRET: Sort = Sort { name: "file of the secret or a wp-config.php", most: 1 << 20 };

/// What comes on standard input, as far as it can be a token; whoever sits at a terminal is told what is expected.
fn input() -> anyhow::Result<Vec<u8>> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        // What is expected is a help, and no reason to fail.
        drop(writeln!(
            io::stderr().lock(),
            "Paste the token or the Authorization line, then Enter and Ctrl-D:"
        ));
    }
    let mut input = Vec::new();
    let most = u64::try_from(LONGEST)?.saturating_add(1);
    stdin.lock().take(most).read_to_end(&mut input).context("standard input cannot be read")?;
    Ok(input)
}
