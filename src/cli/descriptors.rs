//! File descriptors: a process gets few of them by habit, and every exchange may need two.
//!
//! The soft limit is 1024 on most systems for the sake of old programs that use `select`; those that do not are to
//! raise it to the hard limit themselves (systemd.exec(5), `LimitNOFILE=`), as nginx, HAProxy and Go programs do.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What a connection may take: the client's side and the upstream's.
const EACH: u64 = 2;

/// Raises the limit as far as the system lets us, and warns where that is not enough for so many connections.
pub(super) fn provide(connections: usize) {
    let needed = u64::try_from(connections).unwrap_or(u64::MAX).saturating_mul(EACH);
    let Some(limit) = raise().filter(|limit| *limit < needed) else {
        return;
    };
    tracing::warn!(
        limit,
        connections,
        needed,
        "Too few file descriptors for limits.connections: raise the limit (ulimit -n, LimitNOFILE=) or lower connections"
    );
}

/// The limit in force after it was raised; nothing where there is none.
fn raise() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    if raised.is_ok() { maximum } else { current }
}
