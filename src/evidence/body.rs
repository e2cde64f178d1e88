//! The body of a refusal, as far as it says who wrote it and why.
//!
//! WordPress and its plugins have half a dozen shapes for an error in JSON. The body may be cut off anywhere, and
//! careless plugins print in front of it, so keys are taken one by one: what came before the cut counts. Only the few
//! words that the shapes are told by are taken; everything else is passed over without being built.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::message::{self, Message};
use super::wordpress::{Code, WordPressError};
use crate::moment::Moment;

/// What of an error body could be read: the raw words, to be judged and dropped.
#[derive(Default)]
pub(super) struct Body {
    code: Option<Word>,
    message: Option<Word>,
    error: Option<Word>,
    description: Option<Word>,
    success: Option<Word>,
    status: Option<Word>,
    status_code: Option<Word>,
    data_code: Option<Word>,
    data_message: Option<Word>,
    graphql: Option<Word>,
    debug: Option<Word>,
    has_data: bool,
    is_graphql: bool,
    is_complete: bool,
}

/// The shape of an error, by which its author is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// `{code, message, data}`: `rest_convert_error_to_response` in `wp-includes/rest-api.php`, and
    /// `_json_wp_die_handler` in `wp-includes/functions.php`.
    Rest,
    /// `{success, statusCode, code, message, data}`: usefulteam/jwt-auth, `class-auth.php`.
    Usefulteam,
    /// `{success: false, data: {message, error_code}}`: Simple JWT Login, `RouteHandler.php`; `errorCode` before 4.
    SimpleJwtLogin,
    /// `{status: "error", error, code: "401", error_description}`: miniOrange,
    /// `class-mo-api-authentication-auth-error-codes.php`.
    MiniOrange,
    /// `{errors: [{message, …}]}`: GraphQL.
    GraphQl,
    /// `{error, error_description}`: RFC 6749 §5.2.
    OAuth,
    /// `{success: false, data}`: `wp_send_json_error` in `wp-includes/functions.php`.
    Sent,
    /// None of these.
    Other,
}

/// A value that is not made of others.
enum Word {
    Text(String),
    Number(u64),
    Flag(bool),
}

impl Word {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(_) | Self::Flag(_) => None,
        }
    }

    const fn number(&self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(_) | Self::Flag(_) => None,
        }
    }
}

impl Body {
    /// Reads the beginning of a body. White space, a byte order mark or PHP's warnings in front are passed over; a page
    /// is not searched.
    pub(super) fn read(prefix: &[u8]) -> Self {
        let text = prefix.strip_prefix(b"\xef\xbb\xbf").unwrap_or(prefix).trim_ascii_start();
        if text.starts_with(b"{") {
            return Self::object(text).0;
        }
        if is_page(text) { Self::default() } else { Self::behind_text(text) }
    }

    fn behind_text(text: &[u8]) -> Self {
        const REACH: usize = 16 * 1024;
        const MOST: usize = 4;
        let front = text.get(..REACH).unwrap_or(text);
        for start in memchr::memmem::find_iter(front, b"{\"").take(MOST) {
            let (body, rest) = Self::object(text.get(start..).unwrap_or_default());
            let is_last = !body.is_complete || rest.trim_ascii().is_empty() || rest.starts_with(b"<br");
            if is_last && body.shape() != Shape::Other {
                return body;
            }
        }
        Self::default()
    }

    /// Reads an object and what stands behind it.
    fn object(text: &[u8]) -> (Self, &[u8]) {
        let mut body = Self::default();
        let mut json = serde_json::Deserializer::from_slice(text).into_iter::<IgnoredAny>();
        let end = json.next().and_then(Result::ok).map(|_| json.byte_offset());
        body.is_complete = end.is_some();
        let certain = if body.is_complete { text } else { without_last_digits(text) };
        let mut json = serde_json::Deserializer::from_slice(certain);
        // An error means a cut, or no JSON at all: what was taken until then stays.
        drop(At { body: &mut body, place: Place::Top }.deserialize(&mut json));
        body.take_graphql_apart();
        (body, end.and_then(|end| text.get(end..)).unwrap_or_default())
    }

    /// Whose shape it has.
    pub(super) fn shape(&self) -> Shape {
        let is_failure = matches!(self.success, Some(Word::Flag(false)));
        let is_cut = !self.is_complete;
        let has_code = self.code.is_some();
        if self.is_graphql {
            return Shape::GraphQl;
        }
        if text(self.status.as_ref()) == "error" && self.error.is_some() && has_code {
            return Shape::MiniOrange;
        }
        if has_code && self.success.is_some() && self.status_code.is_some() {
            return Shape::Usefulteam;
        }
        let is_rest = self.has_data || is_of_wordpress(self.code());
        if has_code && (is_cut || self.message.is_some() && is_rest) {
            return Shape::Rest;
        }
        if is_failure && self.has_data && !has_code {
            return if self.data_code.is_some() { Shape::SimpleJwtLogin } else { Shape::Sent };
        }
        let is_oauth = !text(self.error.as_ref()).is_empty() && self.description.is_some();
        if is_oauth { Shape::OAuth } else { Shape::Other }
    }

    /// The code as it came, when it is text.
    pub(super) fn code(&self) -> &str {
        text(self.code.as_ref())
    }

    /// The code when it is a number: Simple JWT Login makes its errors with that of the exception.
    pub(super) fn number(&self) -> Option<u64> {
        self.code.as_ref().and_then(Word::number)
    }

    /// The error as it may be kept.
    pub(super) fn error(&self) -> Option<WordPressError> {
        let (code, message) = self.words();
        let code = match code? {
            Word::Text(text) => Code::new(text)?,
            Word::Number(number) => Code::new(&number.to_string())?,
            Word::Flag(_) => return None,
        };
        Some(WordPressError { code, message: Message::of(text(message)) })
    }

    /// When the token that was refused becomes good, by the message.
    pub(super) fn not_before(&self) -> Option<Moment> {
        message::not_before(text(self.words().1))
    }

    /// The words that stand for code and message.
    fn words(&self) -> (Option<&Word>, Option<&Word>) {
        let (code, message) = match self.shape() {
            Shape::MiniOrange | Shape::OAuth => (&self.error, &self.description),
            Shape::SimpleJwtLogin | Shape::Sent => (&self.data_code, &self.data_message),
            Shape::Rest | Shape::Usefulteam | Shape::GraphQl | Shape::Other => (&self.code, &self.message),
        };
        (code.as_ref(), message.as_ref())
    }

    /// WPGraphQL JWT Authentication throws `code | message`, or the code of a failed login alone; with debugging off
    /// the first becomes `Internal server error`, with debugging on it stands in `debugMessage`.
    fn take_graphql_apart(&mut self) {
        self.is_graphql = self.code.is_none() && (self.graphql.is_some() || self.debug.is_some());
        if !self.is_graphql {
            return;
        }
        let whole = text(self.debug.as_ref().or(self.graphql.as_ref())).to_owned();
        let is_code = |word: &str| {
            word.contains(['_', '-'])
                && word.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'_' | b'-'))
        };
        let (code, message) = whole.split_once(" | ").unwrap_or((&whole, ""));
        if is_code(code) {
            self.code = Some(Word::Text(code.to_owned()));
            self.message = Some(Word::Text(message.to_owned()));
        }
    }
}

/// A code in the names of WordPress or its JWT plugins: a route that makes its error by hand may leave `data` out.
fn is_of_wordpress(code: &str) -> bool {
    ["rest_", "jwt_auth_", "[jwt_auth] "].iter().any(|prefix| code.starts_with(prefix))
}

fn text(word: Option<&Word>) -> &str {
    word.and_then(Word::text).unwrap_or_default()
}

/// A number that was cut off looks like another number.
fn without_last_digits(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |at| at + 1);
    text.get(..end).unwrap_or_default()
}

fn is_page(text: &[u8]) -> bool {
    let starts =
        |mark: &str| text.get(..mark.len()).is_some_and(|start| start.eq_ignore_ascii_case(mark.as_bytes()));
    starts("<!doctype") || starts("<html")
}

/// Where in an error body a value stands.
#[derive(Clone, Copy)]
enum Place {
    Top,
    Data,
    Errors,
    Error,
    Extensions,
    Leaf(fn(&mut Body) -> &mut Option<Word>),
}

impl Place {
    /// Where the value of this key stands; nothing when nobody asks for it.
    fn below(self, key: &str) -> Option<Self> {
        Some(match (self, key) {
            (Self::Top, "code") => Self::Leaf(|body| &mut body.code),
            (Self::Top, "message") => Self::Leaf(|body| &mut body.message),
            (Self::Top, "error") => Self::Leaf(|body| &mut body.error),
            (Self::Top, "error_description") => Self::Leaf(|body| &mut body.description),
            (Self::Top, "success") => Self::Leaf(|body| &mut body.success),
            (Self::Top, "status") => Self::Leaf(|body| &mut body.status),
            (Self::Top, "statusCode") => Self::Leaf(|body| &mut body.status_code),
            (Self::Top, "data") => Self::Data,
            (Self::Top, "errors") => Self::Errors,
            (Self::Data, "error_code" | "errorCode") => Self::Leaf(|body| &mut body.data_code),
            (Self::Data, "message") => Self::Leaf(|body| &mut body.data_message),
            (Self::Error, "message") => Self::Leaf(|body| &mut body.graphql),
            (Self::Error, "extensions") => Self::Extensions,
            (Self::Error | Self::Extensions, "debugMessage") => Self::Leaf(|body| &mut body.debug),
            _ => return None,
        })
    }
}

/// Fills a [`Body`] key by key, so that a cut leaves what came before it. It goes four levels deep and no deeper; what
/// is ignored is skipped without recursion.
struct At<'b> {
    body: &'b mut Body,
    place: Place,
}

impl At<'_> {
    fn keep(self, word: Word) {
        if let Place::Leaf(slot) = self.place {
            slot(self.body).get_or_insert(word);
        }
    }
}

impl<'de> DeserializeSeed<'de> for At<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for At<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a part of an error")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { body, place } = self;
        while let Some(key) = map.next_key::<String>()? {
            body.has_data |= matches!(place, Place::Top) && key == "data";
            let Some(place) = place.below(&key) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            map.next_value_seed(At { body, place })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { body, place } = self;
        if matches!(place, Place::Errors) {
            while list.next_element_seed(At { body, place: Place::Error })?.is_some() {}
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.keep(Word::Text(text.to_owned()));
        Ok(())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.keep(Word::Number(number));
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<(), E> {
        self.keep(Word::Flag(flag));
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use super::{Body, Message, Shape};

    /// One body of each shape, as it is sent, with its code and the pattern of its message.
    const SHAPES: [(&str, Shape, &str, &str); 13] = [
        (
            r#"{"code":"jwt_auth_invalid_token","message":"Expired token","data":{"status":403}}"#,
            Shape::Rest,
            "jwt_auth_invalid_token",
            "Expired token",
        ),
        (
            r#"{"code":"[jwt_auth] incorrect_password","message":"<strong>Error:<\/strong> The password you entered for the username <strong>admin<\/strong> is incorrect. <a href=\"https:\/\/a\/wp-login.php?action=lostpassword\">Lost your password?<\/a>","data":{"status":403}}"#,
            Shape::Rest,
            "[jwt_auth] incorrect_password",
            "The password you entered for the username … is incorrect. …",
        ),
        (
            r#"{"success":false,"statusCode":401,"code":"jwt_auth_bad_iss","message":"The iss do not match with this server.","data":[]}"#,
            Shape::Usefulteam,
            "jwt_auth_bad_iss",
            "The iss do not match with this server",
        ),
        (
            r#"{"success":false,"statusCode":401,"code":"jwt_auth_no_auth_cookie","message":"Refresh token cookie not found."}"#,
            Shape::Usefulteam,
            "jwt_auth_no_auth_cookie",
            "Refresh token cookie not found.",
        ),
        (
            r#"{"success":false,"data":{"message":"Wrong user credentials.","error_code":48}}"#,
            Shape::SimpleJwtLogin,
            "48",
            "Wrong user credentials.",
        ),
        (
            r#"{"code":2,"message":"Wrong number of segments","data":{"status":400}}"#,
            Shape::Rest,
            "2",
            "Wrong number of segments",
        ),
        (
            r#"{"code":"simple_jwt_login_api_key_error","message":"Invalid or unauthorized API key.","data":{"status":401,"error_code":84}}"#,
            Shape::Rest,
            "simple_jwt_login_api_key_error",
            "Invalid or unauthorized API key.",
        ),
        (
            r#"{"status":"error","error":"SEGMENT_FAULT","code":"401","error_description":"Incorrect JWT Format."}"#,
            Shape::MiniOrange,
            "SEGMENT_FAULT",
            "Incorrect JWT Format.",
        ),
        (
            r#"{"errors":[{"message":"invalid-secret-key | Expired token","locations":[{"line":2,"column":3}],"path":["a"]}],"data":{"a":null}}"#,
            Shape::GraphQl,
            "invalid-secret-key",
            "Expired token",
        ),
        (
            r#"{"errors":[{"debugMessage":"invalid-jwt | The iss do not match with this server","message":"Internal server error","extensions":{"category":"internal"}}],"data":{"a":null}}"#,
            Shape::GraphQl,
            "invalid-jwt",
            "The iss do not match with this server",
        ),
        (
            r#"{"errors":[{"message":"Internal server error","extensions":{"debugMessage":"invalid-secret-key | JWT is not configured properly"}}]}"#,
            Shape::GraphQl,
            "invalid-secret-key",
            "JWT is not configured properly, please contact the admin",
        ),
        (
            r#"{"error":"invalid_token","error_description":"Expired token"}"#,
            Shape::OAuth,
            "invalid_token",
            "Expired token",
        ),
        (r#"{"success":false,"data":{"message":"no"}}"#, Shape::Sent, "", ""),
    ];

    fn seen(text: &[u8]) -> (Shape, String, &'static str) {
        let body = Body::read(text);
        let error = body.error();
        let code = error.as_ref().map(|error| error.code.to_string()).unwrap_or_default();
        let message = error.and_then(|error| error.message).map(Message::as_str).unwrap_or_default();
        (body.shape(), code, message)
    }

    #[test]
    fn every_shape_is_read() {
        for (text, shape, code, message) in SHAPES {
            assert_eq!(seen(text.as_bytes()), (shape, code.to_owned(), message), "{text}");
        }
    }

    #[test]
    fn what_stands_around_it_is_passed_over() {
        let around = [
            ("\u{feff}", ""),
            (" \r\n", "\n"),
            ("\u{feff}\n", ""),
            ("<br />\n<b>Warning</b>:  Undefined variable $a in <b>/x.php</b> on line <b>3</b><br />\n", ""),
            ("\nNotice: Array {\"x\":1} to string in /y.php on line 1\n", ""),
            ("", "<br />\n<b>Warning</b>: late"),
            ("x", "<br />\n<b>Warning</b>: late"),
        ];
        for (before, after) in around {
            for (text, shape, code, message) in SHAPES {
                let whole = format!("{before}{text}{after}");
                assert_eq!(seen(whole.as_bytes()), (shape, code.to_owned(), message), "{whole}");
            }
        }
    }

    #[test]
    fn json_within_a_page_is_not_the_reply() {
        for (text, ..) in SHAPES {
            for page in [
                format!("<!DOCTYPE html><script>{text}</script>"),
                format!("<HTML>{text}"),
                format!("<script>var a = {text};</script>"),
            ] {
                assert_eq!(seen(page.as_bytes()).0, Shape::Other, "{page}");
            }
        }
    }

    #[test]
    fn what_comes_before_a_cut_counts() {
        let text = br#"{"code":"rest_forbidden","message":"Sorry, you are not allowed to do that.","data":{"status":401},"more":[{"a":1}]}"#;
        for end in 0..text.len() {
            let (shape, code, message) = seen(&text[..end]);
            let has_code = end >= br#"{"code":"rest_forbidden""#.len();
            let has_message = end
                >= br#"{"code":"rest_forbidden","message":"Sorry, you are not allowed to do that.""#.len();
            assert_eq!(shape, if has_code { Shape::Rest } else { Shape::Other }, "{end}");
            assert_eq!(code, if has_code { "rest_forbidden" } else { "" }, "{end}");
            assert_eq!(message, if has_message { "Sorry, you are not allowed to …" } else { "" }, "{end}");
        }
    }

    #[test]
    fn other_json_has_no_shape() {
        let table = [
            "",
            "[]",
            "{}",
            "null",
            r#"{"code":"x"}"#,
            r#"{"code":"x","message":"y"}"#,
            r#"{"message":"Unauthorized"}"#,
            r#"{"error":"x"}"#,
            r#"{"success":true,"data":{"error_code":1}}"#,
            r#"{"errors":{"message":1}}"#,
            r#"{"code":{"code":"x"},"message":["y"],"data":1}"#,
        ];
        for text in table {
            assert_eq!(seen(text.as_bytes()).0, Shape::Other, "{text}");
        }
    }

    #[test]
    fn depth_costs_nothing() {
        for open in ["[", "{\"a\":", "{\"data\":", "{\"errors\":[", "{\"errors\":[{\"extensions\":"] {
            let deep = open.repeat(200_000);
            assert_eq!(seen(deep.as_bytes()).1, "");
            seen(format!("{{\"code\":\"rest_forbidden\",\"data\":{deep}").as_bytes());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in any::<Vec<u8>>(), text in any::<String>()) {
            seen(&bytes);
            seen(format!("{{\"code\":{text}").as_bytes());
            seen(format!("{{\"errors\":[{{\"message\":\"{text} | {text}\"").as_bytes());
        }

        #[test]
        fn a_cut_never_changes_the_code(which in 0..SHAPES.len(), at in any::<prop::sample::Index>()) {
            let (text, _, code, _) = SHAPES[which];
            let cut = &text.as_bytes()[..at.index(text.len())];
            let (_, found, _) = seen(cut);
            assert!(found.is_empty() || found == code || (which == 7 && found == "401"), "{found}");
        }
    }
}
