//! `header-doctor php-hop`: the plugin that tells the doctor what PHP saw; printed, put into WordPress, taken out again.

mod folder;
mod place;

use std::io::{Write, stderr, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::{ArgMatches, Args, Subcommand};

use super::NOTHING_WRONG;
use super::flags::trail_keys;
use crate::php_hop::plugin;
use crate::secret::Keyring;
use folder::Folder;

/// Make PHP a hop: a small must-use plugin tells the doctor what WordPress's PHP saw.
///
/// Where `Authorization` is lost behind the doctor, it is then proved, and in which way. The doctor asks when its configuration says
/// `trail: { php: true }`; the plugin answers to it alone, by a key of its own that is made of the shared one.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  Put it into WordPress, then let the doctor ask:
      header-doctor php-hop install /var/www/html --key-file trail.keys
  Where WordPress's files are made elsewhere, as in an image:
      header-doctor php-hop print --key-file trail.keys > mu-plugins/header-doctor.php
  Take it out again:
      header-doctor php-hop remove /var/www/html")]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print the plugin with its keys.
    Print {
        #[command(flatten)]
        keys: Keys,
    },
    /// Write the plugin into WordPress, or a new one over it.
    Install {
        /// WordPress's folder, its wp-content, or its mu-plugins.
        dir: PathBuf,
        #[command(flatten)]
        keys: Keys,
    },
    /// Take the plugin out of WordPress.
    Remove {
        /// WordPress's folder, its wp-content, or its mu-plugins.
        dir: PathBuf,
    },
}

#[derive(Debug, Args)]
struct Keys {
    /// The file of the keys that the doctors of the path share.
    ///
    /// The plugin gets keys made of these, with which nobody can sign or read a trail. After the file was changed, install again.
    #[arg(
        long = "key-file",
        visible_alias = "trail-key-file",
        value_name = "FILE",
        env = "HEADER_DOCTOR_TRAIL_KEY_FILE",
        hide_env_values = true
    )]
    trail_key_file: Option<String>,
}

/// Does it.
///
/// # Errors
/// There are no keys, no WordPress, or somebody else's file; or the folder cannot be written.
pub(super) fn php_hop(arguments: &Arguments, matches: &ArgMatches) -> anyhow::Result<ExitCode> {
    match &arguments.action {
        Action::Print { keys } => {
            let plugin = plugin(&ring(keys, matches)?);
            stdout().lock().write_all(plugin.expose().as_bytes())?;
        }
        Action::Install { dir, keys } => {
            let ring = ring(keys, matches)?;
            let folder = Folder::of(dir)?;
            let placed = place::install(&folder, plugin(&ring).expose())?;
            writeln!(stdout().lock(), "{placed}")?;
        }
        Action::Remove { dir } => {
            let removed = place::remove(&Folder::of(dir)?)?;
            writeln!(stdout().lock(), "{removed}")?;
        }
    }
    Ok(ExitCode::from(NOTHING_WRONG))
}

fn ring(keys: &Keys, matches: &ArgMatches) -> anyhow::Result<Keyring> {
    let read = trail_keys(keys.trail_key_file.as_ref(), matches)?;
    for warning in &read.warnings {
        writeln!(stderr().lock(), "header-doctor: {warning}")?;
    }
    let Some(ring) = read.ring else {
        bail!("the plugin needs keys: name the file that the doctors share, `--key-file trail.keys`");
    };
    Ok(ring)
}
