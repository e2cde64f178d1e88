//! A reload: a whole new plan is made beside the one in force and put in its place, or nothing changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::bail;
use rustls::ServerConfig;

use super::files::{Files, State};
use super::making::{InForce, Share};
use super::{Doctor, notify};
use crate::cli::descriptors;
use crate::cli::flags::Prepared;
use crate::config::{self, Mistake, Plan, Token};

/// Makes the plan anew: flags and environment as at the start, the file as it is now.
pub(in crate::cli) trait Source {
    /// The plan with what the files it names hold.
    fn prepared(&self) -> anyhow::Result<Prepared>;

    /// The configuration file, if there is one.
    fn file(&self) -> Option<PathBuf>;
}

/// The plan, of files that were looked at before they were read: what changes in between is seen by the next look.
pub(super) fn prepared(source: &impl Source, files: &mut Files) -> anyhow::Result<Prepared> {
    let prepared = source.prepared()?;
    let paths: Vec<_> = source.file().into_iter().chain(prepared.plan.files()).collect();
    if files.are(&paths) {
        return Ok(prepared);
    }
    files.watch(paths);
    // What comes through a pipe can be read once.
    if source.file().is_some_and(|file| !file.is_file()) {
        return Ok(prepared);
    }
    source.prepared()
}

/// What a failed reload said, so that it is not said twice of the same state of the files.
pub(super) type Failed = Option<String>;

impl<S: Source> Doctor<S> {
    /// Reloads because somebody asked for it: what is wrong is said whether or not it was said before.
    pub(super) async fn reload(&mut self) {
        self.failed = None;
        self.files.look_again();
        self.reload_aloud().await;
    }

    /// Reloads if the files have changed. As long as the last attempt failed it is made again: what was wrong may be
    /// put right in a file that only the plan which failed would have named.
    pub(super) async fn reload_if_changed(&mut self) {
        match self.files.look() {
            State::Changed => {
                self.files.accept();
                self.failed = None;
                self.reload_aloud().await;
            }
            State::Same if self.failed.is_some() => self.try_to_reload().await,
            State::Same | State::Settling => {}
        }
    }

    async fn reload_aloud(&mut self) {
        notify::reloading();
        self.try_to_reload().await;
        notify::ready(&self.status());
    }

    async fn try_to_reload(&mut self) {
        match self.replace_plan().await {
            Ok(()) => {
                self.failed = None;
                self.lasting.standing.reloaded(self.in_force.plan.limits.connections);
                self.describe();
                self.tell_whoever_asks(None);
            }
            Err(error) => self.tell_once(&error),
        }
    }

    async fn replace_plan(&mut self) -> anyhow::Result<()> {
        if let Some(file) = self.source.file().filter(|file| tells_once(file)) {
            bail!(
                "{} is a pipe or a device, which is read once, at the start; start anew to read it again, or name a file with \
                 `--config FILE`",
                file.display()
            );
        }
        let prepared = prepared(&self.source, &mut self.files)?;
        let change = self.listeners.change_to(&prepared, self.workers.count())?;
        let warnings = prepared.warnings();
        let Prepared { plan, keys, token, entrances, .. } = prepared;
        let in_force = Arc::new(InForce::new(plan, keys.ring, Some(&self.in_force), &self.lasting)?);
        let shares = (0..self.workers.count()).map(|_| Share::new(&in_force, &self.lasting));
        let shares = shares.collect::<anyhow::Result<_>>()?;
        self.workers.serve(shares).await?;
        self.listeners.put_in_force(change, &self.workers);
        self.follow_log(&in_force.plan);
        self.follow_access(&in_force.plan, &token, entrances.admin.as_deref());
        let connections = in_force.plan.limits.connections;
        if connections != self.in_force.plan.limits.connections {
            descriptors::provide(connections);
        }
        let (listeners, sites) = (in_force.plan.listeners.len(), in_force.plan.sites.len());
        for key in needs_restart(&self.started_with, &in_force.plan) {
            tracing::warn!(key, "Not changed: this needs a restart");
        }
        self.in_force = in_force;
        super::warn_of(&warnings);
        super::warn_of_aids(&self.in_force.plan);
        tracing::info!(listeners, sites, "Reloaded");
        Ok(())
    }

    fn follow_log(&self, plan: &Plan) {
        self.own_log.set_level(plan.log.level);
        self.repeats.set(super::repeats(plan.log));
    }

    /// A listener that stays where it is asks for what it asked for: who wants it elsewhere without a token does not want it
    /// here without one.
    fn follow_access(&self, plan: &Plan, token: &Token, tls: Option<&ServerConfig>) {
        let is_same = plan.admin.address == self.started_with.admin.address;
        if let Some(admin) = self.admin.as_ref().filter(|_| is_same) {
            admin.follow(plan, super::desk::access(plan, token, tls));
        }
    }

    fn tell_whoever_asks(&self, error: Option<String>) {
        if let Some(admin) = &self.admin {
            admin.reloaded(error);
        }
    }

    fn tell_once(&mut self, error: &anyhow::Error) {
        let text = format!("{error:#}");
        if self.failed.as_ref() == Some(&text) {
            return;
        }
        self.lasting.standing.failed();
        let mistake = error.downcast_ref().and_then(|error| match error {
            config::Error::Wrong(mistake) => Some(mistake),
            _ => None,
        });
        let line = mistake.and_then(|mistake: &Mistake| mistake.position).map(|(line, _)| line);
        let path = mistake.map(|mistake| mistake.path.as_str());
        let file = mistake.map(|mistake| mistake.file.as_str());
        tracing::error!(
            error = text,
            file,
            line,
            path,
            "Not reloaded: the configuration before stays in force"
        );
        self.tell_whoever_asks(Some(text.clone()));
        self.failed = Some(text);
    }
}

/// Whether what was read of it at the start is not there any more. To wait for more would be to hear nothing else.
fn tells_once(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}

/// What differs from the start and cannot be changed in a running process, by its name in the file.
fn needs_restart(started: &Plan, plan: &Plan) -> Vec<&'static str> {
    let keys = [
        ("workers", started.workers != plan.workers),
        ("log.format", started.log.format != plan.log.format),
        ("admin.address", started.admin.address != plan.admin.address),
        ("admin.health_address", started.admin.health_address != plan.admin.health_address),
        ("upgrade.socket", started.upgrade != plan.upgrade),
    ];
    keys.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
}
