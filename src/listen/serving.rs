//! What a worker serves with at the moment. A reload swaps it whole: an exchange under way keeps what it began with,
//! the next one on the same connection begins with the new.

use std::cell::RefCell;
use std::rc::Rc;

use super::Settings;

/// Who answers, and within which limits.
pub struct Serving<A> {
    /// What clients are allowed.
    pub settings: Settings,
    /// Who answers.
    pub answer: A,
}

/// What a worker serves with now.
pub struct Current<A>(RefCell<Rc<Serving<A>>>);

impl<A> Current<A> {
    /// Begins with `serving`.
    pub fn new(serving: Serving<A>) -> Self {
        Self(RefCell::new(Rc::new(serving)))
    }

    /// From now on exchanges begin with `serving`.
    pub fn swap(&self, serving: Serving<A>) {
        self.0.replace(Rc::new(serving));
    }

    /// What an exchange that begins now is served with.
    pub fn get(&self) -> Rc<Serving<A>> {
        Rc::clone(&self.0.borrow())
    }
}
