//! Fields that end at the next hop (RFC 9110 §7.6.1), and those which nobody may declare to be such.
//!
//! `Connection: authorization` would make a careful proxy remove the credential: some do (Apache, Caddy), some
//! pass the nomination on to the next (HAProxy). Here such a nomination is dropped and reported.

use crate::message::{Field, Fields, Name};

/// Whether `name`, as nominated in a Connection field, belongs to the end points: it cannot be removed that way.
fn is_protected(name: &[u8]) -> bool {
    const PREFIXES: [&[u8]; 3] = [b"content-", b"x-forwarded-", b"header-doctor-"];
    let has_prefix =
        |prefix: &&[u8]| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    matches!(Name::of(name), Name::Authorization | Name::Cookie | Name::Host | Name::Origin | Name::Forwarded)
        || PREFIXES.iter().any(has_prefix)
}

pub(super) const fn ends_here(id: Name) -> bool {
    matches!(
        id,
        Name::Connection
            | Name::Http2Settings
            | Name::KeepAlive
            | Name::ProxyConnection
            | Name::Te
            | Name::TransferEncoding
            | Name::Upgrade
    )
}

/// Removes the fields that end here, nominated ones included, and says which protected fields were nominated.
/// `Transfer-Encoding` is among them: whoever sends the message on frames it anew. So is `Upgrade`: what of it may be
/// passed on is read before, see [`super::upgrade`].
pub fn remove(fields: &mut Fields) -> Vec<Name> {
    if !fields.iter().any(|field| ends_here(field.id)) {
        return Vec::new();
    }
    let nominated = nominations(fields);
    let is_nominated = |field: &Field<'_>| nominated.iter().any(|name| field.name.eq_ignore_ascii_case(name));
    fields.retain(|field| !ends_here(field.id) && (!is_nominated(&field) || is_protected(field.name)));
    nominated.iter().filter(|name| is_protected(name)).map(|name| Name::of(name)).collect()
}

fn nominations(fields: &Fields) -> Vec<Vec<u8>> {
    let is_option =
        |name: &&[u8]| name.eq_ignore_ascii_case(b"close") || name.eq_ignore_ascii_case(b"keep-alive");
    members(fields).filter(|name| !name.is_empty() && !is_option(name)).map(<[u8]>::to_vec).collect()
}

fn members(fields: &Fields) -> impl Iterator<Item = &[u8]> {
    fields.all(Name::Connection).flat_map(|value| value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii)
}

/// Whether the Connection field of a message has this option.
#[must_use]
pub fn has_option(fields: &Fields, option: &str) -> bool {
    members(fields).any(|member| member.eq_ignore_ascii_case(option.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::{Name, has_option, remove};
    use crate::message::Fields;

    fn names(fields: &Fields) -> Vec<String> {
        fields.iter().map(|field| String::from_utf8_lossy(field.name).into_owned()).collect()
    }

    #[test]
    fn nominated_fields_go_and_protected_ones_stay() {
        let mut fields = Fields::from([
            ("Host", "a"),
            ("Connection", "close, X-Hop ,authorization"),
            ("X-Hop", "1"),
            ("Authorization", "Bearer a"),
            ("X-Stay", "1"),
            ("Keep-Alive", "timeout=5"),
        ]);
        assert_eq!(remove(&mut fields), [Name::Authorization]);
        assert_eq!(names(&fields), ["Host", "Authorization", "X-Stay"]);
    }

    #[test]
    fn a_message_without_such_fields_is_left_alone() {
        let mut fields = Fields::from([("Host", "a"), ("X-Hop", "1")]);
        assert!(remove(&mut fields).is_empty());
        assert_eq!(fields.len(), 2);
    }

    #[test]
    fn options_are_found_in_any_spelling() {
        let fields = Fields::from([("Connection", "Keep-Alive"), ("connection", "TE, Close")]);
        assert!(has_option(&fields, "close"));
        assert!(!has_option(&fields, "upgrade"));
    }
}
