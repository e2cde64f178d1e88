//! A table with a bound: who came first goes first. No flood of junk makes it grow, though one makes it forget.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// See the module.
#[derive(Debug)]
pub(super) struct Bounded<K, V> {
    most: usize,
    entries: HashMap<K, V>,
    order: VecDeque<K>,
}

impl<K: Clone + Eq + Hash, V: Default> Bounded<K, V> {
    pub(super) fn of(most: usize) -> Self {
        Self { most, entries: HashMap::new(), order: VecDeque::new() }
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key)
    }

    /// The entry of a key, an empty one where there was none.
    pub(super) fn enter(&mut self, key: &K) -> &mut V {
        if !self.entries.contains_key(key) {
            if self.order.len() >= self.most {
                self.order.pop_front().map(|oldest| self.entries.remove(&oldest));
            }
            self.order.push_back(key.clone());
        }
        self.entries.entry(key.clone()).or_default()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::Bounded;

    #[test]
    fn the_first_gives_way_to_one_too_many() {
        let mut table: Bounded<u8, u8> = Bounded::of(2);
        for key in [1, 2, 1, 3] {
            *table.enter(&key) += 1;
        }
        assert_eq!((table.get(&1), table.get(&2), table.get(&3)), (None, Some(&1), Some(&1)));
        assert_eq!(table.iter().count(), 2);
    }
}
