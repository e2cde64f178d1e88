//! What `--deep` sends along with a request that is answered well without it, and how long a field it tries.
//!
//! Each is sent alone beside a control request: only what differs then says anything. The names are of the kinds that hops
//! treat differently: an ordinary one, one with an underscore, one with a point, and `Cookie`.

use std::fmt;

/// A field that goes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Beside {
    /// A name like any other.
    Ordinary,
    /// A name with underscores, which nginx drops and others refuse.
    Underscore,
    /// A name with points, likewise.
    Dotted,
    /// A cookie.
    Cookie,
}

impl Beside {
    /// All of them.
    pub(super) const ALL: [Self; 4] = [Self::Ordinary, Self::Underscore, Self::Dotted, Self::Cookie];

    /// Its name and its value, which is no secret.
    #[must_use]
    pub(super) const fn field(self) -> (&'static str, &'static str) {
        match self {
            Self::Ordinary => ("X-Doctor-Ctl", "header-doctor"),
            Self::Underscore => ("X_Doctor_Us", "header-doctor"),
            Self::Dotted => ("X.Doctor.Dot", "header-doctor"),
            Self::Cookie => ("Cookie", "header_doctor=1"),
        }
    }
}

/// The name in which a token goes where another is lost.
pub(super) const INSTEAD: &str = "X-Authorization";

/// The name of the field that grows.
pub(super) const FILLER: &str = "X-Doctor-Filler";

/// What stands before a token: it counts for limits as the token does.
const BEFORE_TOKEN: usize = "Authorization: Bearer ".len();

/// The size of one field as it is sent, in bytes: name, colon, blank and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(usize);

impl Size {
    /// What counts as usual: a way on which this does not fit is at fault whatever token is in use.
    pub(super) const USUAL: Self = Self(1024);

    /// The largest field that was seen to pass a server that takes 8 KiB, and the smallest that was seen not to, with some room:
    /// nginx stops at 8190, Apache at 8191, Varnish at 8192 (measured).
    pub(super) const AROUND_8K: [Self; 2] = [Self(8180), Self(8200)];

    /// That of the field that carries a token.
    #[must_use]
    pub(super) const fn of_token(token: &str) -> Self {
        Self(BEFORE_TOKEN + token.len())
    }

    /// The sizes that are tried, the smallest first, among them the one that is needed.
    #[must_use]
    pub(super) fn rungs(needed: Self) -> Vec<Self> {
        const KIB: usize = 1024;
        let [below, above] = Self::AROUND_8K;
        let mut all = vec![Self(KIB), Self(2 * KIB), Self(4 * KIB), below, above];
        all.extend([15, 16, 32, 64].map(|kib| Self(kib * KIB)));
        all.push(needed);
        all.sort_unstable();
        all.dedup();
        all
    }

    /// A field of this size.
    #[must_use]
    pub(super) fn field(self) -> (&'static str, String) {
        (FILLER, "x".repeat(self.0.saturating_sub(FILLER.len() + ": ".len())))
    }

    /// In bytes.
    #[must_use]
    pub(super) const fn bytes(self) -> usize {
        self.0
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % 1024 {
            0 => write!(f, "{} KiB", self.0 / 1024),
            _ => write!(f, "{} B", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FILLER, Size};

    #[test]
    fn a_ladder_only_rises_and_has_the_size_that_is_needed() {
        for needed in [1, 1024, 3000, 8190, 100_000] {
            let rungs = Size::rungs(Size(needed));
            assert!(rungs.is_sorted() && rungs.contains(&Size(needed)), "{rungs:?}");
            assert!((9..=10).contains(&rungs.len()), "{rungs:?}");
        }
    }

    #[test]
    fn a_field_has_the_size_that_it_says() {
        for size in Size::rungs(Size::of_token("a.b.c")) {
            let (name, value) = size.field();
            assert_eq!(name, FILLER);
            assert!(size.bytes() < 30 || name.len() + 2 + value.len() == size.bytes(), "{size}");
        }
        assert_eq!(
            (Size(8180).to_string(), Size(2048).to_string()),
            ("8180 B".to_owned(), "2 KiB".to_owned())
        );
    }
}
