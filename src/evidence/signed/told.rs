//! Changes as text, `authorization=moved:x-legacy-auth,origin=missing`: a judgement that people read in a dump too.
//!
//! Names are in small letters and stand in the order of [`Watched::ALL`], each once.

use crate::evidence::change::{Change, Changed, OtherName};
use crate::evidence::sighting::Watched;

/// Appends `changes`. What stands there for a header twice is told once.
pub(super) fn append(text: &mut Vec<u8>, changes: &[Changed]) {
    let of = |header: Watched| changes.iter().find(|changed| changed.header == header);
    for (place, changed) in Watched::ALL.into_iter().filter_map(of).enumerate() {
        if place > 0 {
            text.push(b',');
        }
        let name = changed.header.name().canonical().bytes();
        text.extend(name.map(|letter| letter.to_ascii_lowercase()));
        text.push(b'=');
        text.extend_from_slice(changed.change.word().as_bytes());
        if let Some(to) = changed.to.as_ref().filter(|_| changed.change == Change::Moved) {
            text.push(b':');
            text.extend_from_slice(to.as_str().as_bytes());
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

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::{append, read};
    use crate::evidence::signed::arbitrary::changes;
    use crate::evidence::{Change, Changed, OtherName, Watched};

    fn told(changes: &[Changed]) -> String {
        let mut text = Vec::new();
        append(&mut text, changes);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn changes_are_told_in_the_order_of_the_headers_and_once() {
        let to = OtherName::new(b"X-Legacy-Auth");
        let moved = Changed { header: Watched::Authorization, change: Change::Moved, to: to.clone() };
        let missing = Changed { header: Watched::WpNonce, change: Change::Missing, to };
        let hidden = Changed { to: None, ..moved };
        let text = told(&[missing.clone(), moved.clone(), hidden.clone()]);
        assert_eq!(text, "authorization=moved:x-legacy-auth,x-wp-nonce=missing");
        assert_eq!(read(&text), Some(vec![moved, Changed { to: None, ..missing }]));
        assert_eq!(told(&[hidden]), "authorization=moved");
    }

    #[test]
    fn what_is_told_otherwise_is_not_understood() {
        let table = [
            "",
            ",",
            "authorization",
            "authorization=",
            "authorization=lost",
            "Authorization=missing",
            "authorization=Missing",
            " authorization=missing",
            "authorization=missing,",
            "authorization=missing, origin=missing",
            "authorization=missing,authorization=missing",
            "origin=missing,authorization=missing",
            "accept=missing",
            "authorization=missing:x-auth",
            "authorization=moved:",
            "authorization=moved:X-Auth",
            "authorization=moved:x auth",
            "authorization=moved:x-auth:y",
            "authorization=moved:0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        ];
        for text in table {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_told_is_read(changes in changes()) {
            let expected = (!changes.is_empty()).then_some(changes.clone());
            prop_assert_eq!(read(&told(&changes)), expected);
        }

        #[test]
        fn any_text_has_one_form_or_none(text in "(authorization|origin)=(moved|added)(:[a-zA-Z-]{0,5})?,?.{0,3}") {
            if let Some(changes) = read(&text) {
                prop_assert_eq!(told(&changes), text);
            }
        }
    }
}
