//! Key `trusted_proxies`: whose word about a client is believed.

use super::reading::Scalar;
use super::values::Parsed;
use crate::headers::{Range, Trusted};

/// `trusted_proxies` in the file.
pub(super) type Shape = Vec<Scalar<Parsed<Range>>>;

/// Those of the file, or of the flags when there are any.
pub(super) fn check(shape: Option<Shape>, overrides: &[Range]) -> Trusted {
    if !overrides.is_empty() {
        return Trusted::new(overrides.to_vec());
    }
    Trusted::new(shape.unwrap_or_default().into_iter().map(|Scalar(Parsed(range))| range).collect())
}

pub(super) fn shape(trusted: &Trusted) -> Shape {
    trusted.ranges().iter().copied().map(Parsed).map(Scalar).collect()
}
