//! The world of a test: a doctor that is the real program, origins and clients that are bare sockets.
//!
//! Nothing here sleeps: everything waits for what it needs, and gives up loudly after [`PATIENCE`].

mod doctor;
pub(crate) mod fastcgi;
mod h2;
pub(crate) mod http2_origin;
mod load;
mod origin;
pub(crate) mod pair;
mod places;
mod secure;
mod tls;
mod wire;

pub(crate) use self::h2::{H2, read, wait};
pub(crate) use doctor::Doctor;
pub(crate) use http2_origin::Http2Origin;
pub(crate) use load::Load;
pub(crate) use origin::Origin;
pub(crate) use pair::Pair;
pub(crate) use places::{Nobody, own_address};
pub(crate) use secure::SecureOrigin;
pub(crate) use tls::{Authority, asking_for};
pub(crate) use wire::{Reply, Wire};

use std::time::{Duration, Instant};

/// Asks until it is so.
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "never: {what}");
        std::thread::yield_now();
    }
}

/// How long anything may take before a test calls it broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
