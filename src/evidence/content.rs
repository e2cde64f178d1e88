//! How WordPress reads the body of a request, by its `Content-Type`.
//!
//! `WP_REST_Request` takes JSON from a body that says so, and fields from a form; any other body is passed over in silence, and a
//! login in it is a login without a name (`parse_json_params` and `parse_body_params` in `class-wp-rest-request.php`).

use crate::message::{Fields, Name};

/// What the body of a request is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// JSON, by `application/json` or a type that ends in `+json`.
    Json,
    /// A form, of either kind.
    Form,
    /// Something else: it is not read.
    Other,
    /// It does not say: it is not read.
    Unsaid,
}

impl Content {
    pub(super) fn of(fields: &Fields) -> Self {
        let value = fields.first(Name::ContentType).unwrap_or_default();
        let kind = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let kind = kind.to_ascii_lowercase();
        let is_json =
            kind == b"application/json" || kind.starts_with(b"application/") && kind.ends_with(b"+json");
        match &*kind {
            b"" => Self::Unsaid,
            _ if is_json => Self::Json,
            b"application/x-www-form-urlencoded" | b"multipart/form-data" => Self::Form,
            _ => Self::Other,
        }
    }

    /// Whether WordPress passes over such a body.
    #[must_use]
    pub const fn is_unread(self) -> bool {
        matches!(self, Self::Other | Self::Unsaid)
    }
}

#[cfg(test)]
mod tests {
    use super::Content;
    use crate::message::Fields;

    #[test]
    fn a_body_is_read_by_its_type() {
        let of = |kind: &str| Content::of(&Fields::from([("Content-Type", kind)]));
        let table = [
            ("application/json", Content::Json),
            ("Application/JSON; charset=utf-8", Content::Json),
            ("application/ld+json", Content::Json),
            ("application/x-www-form-urlencoded", Content::Form),
            ("multipart/form-data; boundary=x", Content::Form),
            ("text/plain;charset=UTF-8", Content::Other),
            ("application/octet-stream", Content::Other),
            ("", Content::Unsaid),
        ];
        for (kind, expected) in table {
            assert_eq!(of(kind), expected, "{kind}");
        }
        assert_eq!(Content::of(&Fields::new()), Content::Unsaid);
    }
}
