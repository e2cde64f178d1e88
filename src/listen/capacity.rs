//! How many connections there may be: over all workers, and from one address.
//!
//! Opening and closing a connection costs one atomic addition each. Addresses are counted under a lock, once for a
//! connection and only where their number is limited.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Refusal, Settings};

/// How many connections may be told that there are too many, at a time. More than that are closed without a word:
/// whoever is turned away must not fill what is kept free by turning him away.
const TOLD: usize = 64;

/// The connections of all workers, counted.
#[derive(Debug, Default)]
pub struct Capacity {
    open: AtomicUsize,
    accepted: AtomicU64,
    told: AtomicUsize,
    networks: Mutex<HashMap<Network, usize>>,
}

impl Capacity {
    /// How many connections are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.load(Relaxed)
    }

    /// How many there were so far, those that were refused counted.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Relaxed)
    }

    /// Lets one more connection in. `is_exempt` says whether many clients come by this address, so that it may
    /// hold any number.
    ///
    /// # Errors
    /// There are too many, of all or of this address.
    pub(super) fn admit(
        self: &Arc<Self>,
        address: IpAddr,
        settings: &Settings,
        is_exempt: impl FnOnce() -> bool,
    ) -> Result<Admitted, Refusal> {
        self.accepted.fetch_add(1, Relaxed);
        let before = self.open.fetch_add(1, Relaxed);
        // From here on it is counted, and its end takes it off again.
        let mut admitted = Admitted { capacity: Arc::clone(self), network: None };
        if before >= settings.connections {
            return Err(Refusal::TooManyConnections(settings.connections));
        }
        let Some(limit) = settings.connections_per_address.filter(|_| !is_exempt()) else {
            return Ok(admitted);
        };
        let network = Network::of(address);
        if !self.enter(network, limit) {
            return Err(Refusal::TooManyOfAddress(limit));
        }
        admitted.network = Some(network);
        Ok(admitted)
    }

    /// Makes room for telling one connection that there are too many; none when enough are being told.
    pub(super) fn tell(self: &Arc<Self>) -> Option<Told> {
        if self.told.fetch_add(1, Relaxed) >= TOLD {
            self.told.fetch_sub(1, Relaxed);
            return None;
        }
        Some(Told(Arc::clone(self)))
    }

    fn enter(&self, network: Network, limit: usize) -> bool {
        let mut networks = self.networks.lock().unwrap_or_else(PoisonError::into_inner);
        let open = networks.entry(network).or_default();
        let fits = *open < limit;
        *open += usize::from(fits);
        fits
    }

    fn leave(&self, network: Network) {
        let mut networks = self.networks.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = networks.get_mut(&network) else {
            return;
        };
        *open = open.saturating_sub(1);
        if *open == 0 {
            networks.remove(&network);
        }
    }
}

/// One connection that was let in, counted as long as it lives.
#[derive(Debug)]
pub(super) struct Admitted {
    capacity: Arc<Capacity>,
    network: Option<Network>,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.capacity.open.fetch_sub(1, Relaxed);
        if let Some(network) = self.network {
            self.capacity.leave(network);
        }
    }
}

/// One connection that is being told that there are too many.
#[derive(Debug)]
pub(super) struct Told(Arc<Capacity>);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.told.fetch_sub(1, Relaxed);
    }
}

/// Whose connections are counted together: an address of IPv4, or 64 bits of IPv6, which is what one customer gets
/// at the least (RFC 6177).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Network {
    V4(u32),
    V6(u64),
}

impl Network {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments().map(u64::from);
                Self::V6(a << 48 | b << 32 | c << 16 | d)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Arc;
    use std::sync::atomic::Ordering::Relaxed;
    use std::time::Duration;

    use super::{Admitted, Capacity, TOLD};
    use crate::listen::{Refusal, Settings};

    fn settings(connections: usize, connections_per_address: Option<usize>) -> Settings {
        Settings {
            connections,
            connections_per_address,
            header_bytes: 0,
            body_bytes: None,
            header_timeout: Duration::ZERO,
            body_timeout: Duration::ZERO,
            keep_alive_timeout: Duration::ZERO,
            write_timeout: Duration::ZERO,
        }
    }

    fn admit(capacity: &Arc<Capacity>, address: &str, settings: &Settings) -> Result<Admitted, Refusal> {
        let address: IpAddr = address.parse().unwrap();
        capacity.admit(address, settings, || address.is_loopback())
    }

    #[test]
    fn one_too_many_is_refused_until_another_ends() {
        let (capacity, two) = (Arc::default(), settings(2, None));
        let (first, _second) = (admit(&capacity, "192.0.2.1", &two), admit(&capacity, "192.0.2.1", &two));
        for _ in 0..3 {
            assert_eq!(
                admit(&capacity, "192.0.2.2", &two).unwrap_err(),
                Refusal::TooManyConnections(2),
                "a refusal takes no room"
            );
        }
        drop(first);
        assert!(admit(&capacity, "192.0.2.2", &two).is_ok());
    }

    #[test]
    fn an_address_has_its_own_limit_and_a_trusted_proxy_has_none() {
        let (capacity, one) = (Arc::default(), settings(100, Some(1)));
        let _held: Vec<_> = ["192.0.2.1", "2001:db8::1", "127.0.0.1"]
            .map(|address| admit(&capacity, address, &one).unwrap())
            .into();
        let refused = Refusal::TooManyOfAddress(1);
        for same in ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::2"] {
            assert_eq!(admit(&capacity, same, &one).unwrap_err(), refused, "{same}");
        }
        for other in ["192.0.2.2", "2001:db8:0:1::1", "127.0.0.1"] {
            assert!(admit(&capacity, other, &one).is_ok(), "{other}");
        }
        assert_eq!((capacity.open(), capacity.accepted()), (3, 9));
    }

    #[test]
    fn nothing_is_remembered_of_those_that_left() {
        let (capacity, one) = (Arc::default(), settings(100, Some(1)));
        for address in ["192.0.2.1", "2001:db8::1"] {
            for _ in 0..3 {
                assert!(admit(&capacity, address, &one).is_ok());
            }
        }
        assert!(capacity.networks.lock().unwrap().is_empty());
        assert_eq!(capacity.open.load(Relaxed), 0);
    }

    #[test]
    fn only_so_many_are_told() {
        let capacity = Arc::<Capacity>::default();
        let told: Vec<_> = std::iter::from_fn(|| capacity.tell()).collect();
        assert_eq!(told.len(), TOLD);
        drop(told);
        assert!(capacity.tell().is_some());
    }
}
