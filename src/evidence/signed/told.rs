//! Changes as text, `authorization=moved:x-legacy-auth,origin=missing`: a judgement that people read in a dump too.
//!
//! Names are in small letters and stand in the order of [`Watched::ALL`], each once.

use crate::evidence::change::{Change, Changed, OtherName};
use crate::evidence::sighting::Watched;

/// Appends `changes`. What stands there for a header twice is told once.
pub(super) fn append(text: &mut String, changes: &[Changed]) {
    let of = |header: Watched| changes.iter().find(|changed| changed.header == header);
    for (place, changed) in Watched::ALL.into_iter().filter_map(of).enumerate() {
        if place > 0 {
            text.push(',');
        }
        text.extend(small(changed.header));
        text.push('=');
        text.push_str(changed.change.word());
        if let Some(to) = changed.to.as_ref().filter(|_| changed.change == Change::Moved) {
            text.push(':');
            text.push_str(to.as_str());
        }
    }
}

/// Reads what [`append`] writes; nothing when it is anything else.
pub(super) fn read(text: &str) -> Option<Vec<Changed>> {
    let changes = text.split(',').map(one).collect::<Option<Vec<_>>>()?;
    let places = || changes.iter().map(|changed| changed.header as usize);
    places().zip(places().skip(1)).all(|(place, next)| place < next).then_some(changes)
}

fn one(text: &str) -> Option<Changed> {
    let (name, told) = text.split_once('=')?;
    let header = Watched::ALL.into_iter().find(|header| small(*header).eq(name.chars()))?;
    let Some((word, to)) = told.split_once(':') else {
        return Change::of(told).map(|change| Changed { header, change, to: None });
    };
    let to = OtherName::new(to.as_bytes()).filter(|name| name.as_str() == to)?;
    let is_moved = Change::of(word) == Some(Change::Moved);
    is_moved.then_some(Changed { header, change: Change::Moved, to: Some(to) })
}

/// The name of a header in small letters.
fn small(header: Watched) -> impl Iterator<Item = char> {
    header.name().canonical().chars().map(|letter| letter.to_ascii_lowercase())
}
