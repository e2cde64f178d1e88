//! What somebody handed over as a token: the header, its value, the token alone, or the reply of the endpoint that issued it.
//!
//! What surely comes from the way and not from the client is taken off and said: the quotes of a shell, the name of a
//! variable, line ends of a terminal. What a client would send along stays, for it is what WordPress refuses.

use std::fmt;

use serde_json::Value;

use super::pasted::{self, Pasted};
use super::php;
use crate::evidence::{Code, Credential, Token};
use crate::secret::Secret;

/// No server takes a longer header.
pub const LONGEST: usize = 64 * 1024;

/// Common servers take no longer line: nginx by `large_client_header_buffers`, Apache by `LimitRequestFieldSize`.
const LONG: usize = 8000;

/// What was handed over, understood.
#[derive(Clone, Debug)]
pub struct Given {
    /// The value of `Authorization`.
    value: Secret<String>,
    /// The token in another header, where it is not looked for.
    elsewhere: Option<Secret<String>>,
    /// What it was handed over as.
    pub form: Form,
    /// What was taken off.
    pub remarks: Vec<Remark>,
}

/// What it was handed over as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `Authorization: …`, alone or among other lines.
    Header,
    /// A line of another header, which the plugin does not read; the name is of our own list.
    OtherHeader(&'static str),
    /// The value of the header.
    Value,
    /// Something without `Bearer`, which is taken as if a client had put that before it.
    Token,
    /// A line of a program, and the value that it gives to `Authorization`.
    Code,
    /// An address with the token in its query, where the plugin does not look.
    Query,
    /// The reply of a token endpoint; the name of the field is of our own list.
    Json(&'static str),
}

impl Form {
    /// A word for machines.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::OtherHeader(_) => "other-header",
            Self::Value => "value",
            Self::Token => "token",
            Self::Code => "code",
            Self::Query => "query",
            Self::Json(_) => "json",
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header => f.write_str("a line Authorization: …"),
            Self::OtherHeader(name) => {
                write!(f, "a line {name}: …, and the plugin reads Authorization alone")
            }
            Self::Value => f.write_str("the value of Authorization"),
            Self::Token => {
                f.write_str("a token without Bearer, taken as if the client had put it behind Bearer")
            }
            Self::Code => f.write_str("a line of a program, and the token in it"),
            Self::Query => f.write_str(
                "an address with the token in its query, and the plugin reads Authorization alone",
            ),
            Self::Json("token") => f.write_str("the JSON reply of the token endpoint, and the token in it"),
            Self::Json(field) => write!(
                f,
                "the JSON reply of a token endpoint, and {field} in it; that is another plugin's, whose answers may differ from \
                 those told here"
            ),
        }
    }
}

/// What was taken off, or is to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remark {
    /// UTF-16, as PowerShell writes files.
    Utf16,
    /// A byte order mark.
    ByteOrderMark,
    /// Quotes of a shell around the whole header, as in an option of curl.
    ShellQuotes,
    /// `NAME=` before it.
    Assignment,
    /// It stood on several lines.
    Folded,
    /// Other lines stood around it.
    OtherLines,
    /// It is longer than common servers take.
    Long,
}

impl Remark {
    /// A word for machines.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Utf16 => "utf-16",
            Self::ByteOrderMark => "byte-order-mark",
            Self::ShellQuotes => "shell-quotes",
            Self::Assignment => "assignment",
            Self::Folded => "folded",
            Self::OtherLines => "other-lines",
            Self::Long => "long",
        }
    }

    /// A sentence.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Utf16 => {
                "it is UTF-16, as PowerShell writes files; a client that reads it so sends no token"
            }
            Self::ByteOrderMark => {
                "a byte order mark before it was left out; a client that sends it is passed over"
            }
            Self::ShellQuotes => "the quotes of a shell around the header were left out",
            Self::Assignment => "the name of a variable before it was left out",
            Self::Folded => {
                "it stood on several lines, which were joined; a header with a line end in it is no header any more"
            }
            Self::OtherLines => "other lines around it were left out",
            Self::Long => {
                "it is longer than 8000 bytes; nginx and Apache refuse such a line with 400, before WordPress sees it"
            }
        }
    }
}

/// Why there is nothing to examine. It describes what was handed over and never quotes it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unexamined {
    /// Nothing.
    #[error("nothing came: the variable or the file is empty, or the login failed")]
    Empty,
    /// Bytes that are no text.
    #[error("what came is no text, so it is no token: was a file compressed, or a picture given?")]
    NotText,
    /// More than any server takes.
    #[error(
        "what came is longer than 64 KiB, and no server takes such a header; a JWT of WordPress has some 300 bytes"
    )]
    TooLong,
    /// Two headers.
    #[error(
        "two Authorization lines came; nginx answers 400 to that, and other servers take either: a request has one. Give one"
    )]
    SeveralHeaders,
    /// Two tokens.
    #[error("several tokens came; give one at a time")]
    SeveralTokens,
    /// Lines without a token.
    #[error("several lines came, and there is no token and no Authorization in them")]
    NoToken,
    /// JSON without a token.
    #[error(
        "what came is JSON without a token: no field token, jwt, jwt_token, access_token or authToken, alone or in data"
    )]
    NoField,
    /// A line of a program, whose token is in a variable.
    #[error(
        "what came is a line of a program and no token: its token stands in a variable; let the program print what it sends, \
         or copy Authorization from the network tab of the browser, and give that"
    )]
    Program,
    /// A refusal in place of a token.
    #[error("what came is a refusal and no token: {} (`header-doctor explain` tells more of it)", .0.as_str())]
    Refusal(Code),
    /// Basic.
    #[error(
        "what came is Basic and no token: an application password, if WordPress takes it at all, which it does over https \
         alone; `token/validate` always refuses it"
    )]
    Basic,
    /// An application password as the profile of its user shows it, with or without the name of that.
    #[error(
        "what came is an application password and no token: it is sent with the name of its user as Basic, as by \
         `curl --user NAME`, and WordPress takes it over https alone; `header-doctor check --user NAME` tries it"
    )]
    ApplicationPassword,
}

impl Given {
    /// Understands what was handed over.
    ///
    /// # Errors
    /// There is nothing to examine.
    pub fn read(bytes: &[u8]) -> Result<Self, Unexamined> {
        if bytes.len() > LONGEST {
            return Err(Unexamined::TooLong);
        }
        let mut remarks = Vec::new();
        let text = text(bytes, &mut remarks)?;
        let text = text.trim();
        if text.is_empty() {
            return Err(Unexamined::Empty);
        }
        if let Some(json) = object(text) {
            let of_program = || text.lines().find_map(pasted::assigned_header);
            return match (of_json(&json, remarks.clone()), of_program()) {
                (Err(Unexamined::NoField), Some(pasted)) => of_pasted(pasted, remarks),
                (outcome, _) => outcome,
            };
        }
        if let Some(pasted) = text.lines().find_map(pasted::assigned_header) {
            return of_pasted(pasted, remarks);
        }
        let mut headers = text.lines().filter_map(header);
        if let Some(header) = headers.next() {
            if headers.next().is_some() {
                return Err(Unexamined::SeveralHeaders);
            }
            return of_header(text, header, remarks);
        }
        if let Some((name, token)) = text.lines().find_map(other_header) {
            return Ok(elsewhere(Secret::new(token.to_owned()), Form::OtherHeader(name), remarks));
        }
        let readers = [pasted::text_of_program, pasted::cookie, pasted::query];
        if let Some(pasted) = readers.iter().find_map(|read| text.lines().find_map(read)) {
            return of_pasted(pasted, remarks);
        }
        let line = one_line(text, &mut remarks)?;
        let line = assigned(&line, &mut remarks);
        if is_application_password(line) {
            return Err(Unexamined::ApplicationPassword);
        }
        of_value(line, Form::Value, remarks)
    }

    /// The value of `Authorization`.
    #[must_use]
    pub(super) fn value(&self) -> &str {
        self.value.expose()
    }

    /// The token in it, whatever stands around it.
    pub(super) fn core(&self) -> Option<String> {
        core(self.elsewhere.as_ref().unwrap_or(&self.value).expose())
    }
}

/// The text that the bytes are.
fn text(bytes: &[u8], remarks: &mut Vec<Remark>) -> Result<String, Unexamined> {
    if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        remarks.push(Remark::Utf16);
        let (units, _) = rest.as_chunks::<2>();
        let units: Vec<_> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
        return String::from_utf16(&units).map_err(|_| Unexamined::NotText);
    }
    let unmarked = bytes.strip_prefix(b"\xef\xbb\xbf");
    remarks.extend(unmarked.map(|_| Remark::ByteOrderMark));
    let text = String::from_utf8(unmarked.unwrap_or(bytes).to_vec()).map_err(|_| Unexamined::NotText)?;
    let is_text = text.chars().all(|sign| !sign.is_control() || sign.is_ascii_whitespace());
    if is_text { Ok(text) } else { Err(Unexamined::NotText) }
}

fn object(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().filter(Value::is_object)
}

/// The names under which plugins hand out tokens, alone or in `data`: JWT Authentication for WP REST API and usefulteam,
/// Simple JWT Login, miniOrange, `OAuth`, `WPGraphQL`.
const FIELDS: [(&str, &str); 10] = [
    ("/token", "token"),
    ("/data/token", "data.token"),
    ("/data/jwt", "data.jwt"),
    ("/jwt", "jwt"),
    ("/jwt_token", "jwt_token"),
    ("/access_token", "access_token"),
    ("/data/access_token", "data.access_token"),
    ("/authToken", "authToken"),
    ("/data/login/authToken", "data.login.authToken"),
    ("/id_token", "id_token"),
];

fn of_json(json: &Value, remarks: Vec<Remark>) -> Result<Given, Unexamined> {
    let token = |(path, name): &(&str, &'static str)| {
        json.pointer(path).and_then(Value::as_str).map(|token| (token, *name))
    };
    if let Some((token, name)) = FIELDS.iter().find_map(token) {
        return of_token(token, Form::Json(name), remarks);
    }
    let code = json.get("code").and_then(Value::as_str).and_then(Code::new);
    Err(code.map_or(Unexamined::NoField, Unexamined::Refusal))
}

/// The value of a line that holds `Authorization:`, and whether a shell's quotes stood around it.
fn header(line: &str) -> Option<(&str, bool)> {
    const NAME: &str = "authorization:";
    let at = line.to_ascii_lowercase().find(NAME)?;
    let (before, from) = line.split_at_checked(at)?;
    let value = from.get(NAME.len()..)?;
    match before.chars().next_back() {
        None => Some((value, false)),
        Some(quote @ ('\'' | '"')) => Some((value.split(quote).next().unwrap_or_default(), true)),
        Some(sign) if sign.is_whitespace() || matches!(sign, '<' | '>') => Some((value, false)),
        Some(_) => None,
    }
}

/// Headers in which tokens are sent to other programs, and their value.
fn other_header(line: &str) -> Option<(&'static str, &str)> {
    const NAMES: [&str; 8] = [
        "X-Authorization",
        "Proxy-Authorization",
        "HTTP_AUTHORIZATION",
        "Authorisation",
        "Authentication",
        "X-Auth-Token",
        "X-Access-Token",
        "Token",
    ];
    let (name, value) = line.split_once(':')?;
    let name = name.trim_start_matches(['<', '>', ' ']).trim();
    NAMES.into_iter().find(|known| name.eq_ignore_ascii_case(known)).map(|known| (known, value.trim()))
}

/// `abcd EFGH 1234 ijkl MNOP 5678`, alone, in quotes or behind `name:` or `NAME=`: 24 letters and digits,
/// in groups of four as WordPress shows them.
fn is_application_password(line: &str) -> bool {
    let password = line.rsplit([':', '=']).next().unwrap_or_default().trim_matches(['\'', '"']);
    let mut groups = 0;
    let is_group = |group: &str| group.len() == 4 && group.bytes().all(|byte| byte.is_ascii_alphanumeric());
    password.split_whitespace().inspect(|_| groups += 1).all(is_group) && groups == 6
}

fn of_pasted(pasted: Pasted, remarks: Vec<Remark>) -> Result<Given, Unexamined> {
    match pasted {
        Pasted::Code(None) => Err(Unexamined::Program),
        Pasted::Code(Some(value)) if Credential::of(value.expose().as_bytes()) == Credential::BareToken => {
            of_token(value.expose(), Form::Code, remarks)
        }
        Pasted::Code(Some(value)) => of_value(value.expose(), Form::Code, remarks),
        Pasted::Cookie(token) => Ok(elsewhere(token, Form::OtherHeader("Cookie"), remarks)),
        Pasted::Query(token) => Ok(elsewhere(token, Form::Query, remarks)),
    }
}

/// A token where the plugin does not look for it.
fn elsewhere(token: Secret<String>, form: Form, remarks: Vec<Remark>) -> Given {
    Given { elsewhere: Some(token), ..given(String::new(), form, remarks) }
}

fn of_header(text: &str, header: (&str, bool), mut remarks: Vec<Remark>) -> Result<Given, Unexamined> {
    let (value, is_quoted) = (header.0.trim(), header.1);
    remarks.extend(is_quoted.then_some(Remark::ShellQuotes));
    if text.lines().count() == 1 {
        return of_value(value, Form::Header, remarks);
    }
    // A terminal or a mail program broke the line: what follows belongs to it, when only then it is a token.
    let behind = text.lines().skip_while(|line| !line.contains(value)).skip(1);
    let joined: String = [value].into_iter().chain(behind.map(str::trim)).collect();
    if !is_token(value) && is_token(&joined) {
        remarks.push(Remark::Folded);
        return of_value(&joined, Form::Header, remarks);
    }
    remarks.push(Remark::OtherLines);
    of_value(value, Form::Header, remarks)
}

/// The one line that counts.
fn one_line(text: &str, remarks: &mut Vec<Remark>) -> Result<String, Unexamined> {
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if let [line] = *lines {
        return Ok(line.to_owned());
    }
    let tokens: Vec<_> = lines.iter().filter(|line| is_token(line)).collect();
    match *tokens {
        [line] => {
            remarks.push(Remark::OtherLines);
            Ok((*line).to_owned())
        }
        [] if is_token(&lines.concat()) => {
            remarks.push(Remark::Folded);
            Ok(lines.concat())
        }
        [] => Err(Unexamined::NoToken),
        _ => Err(Unexamined::SeveralTokens),
    }
}

/// Whether there is a JWT in it, with `Bearer` or without.
pub(super) fn is_token(line: &str) -> bool {
    matches!(Credential::of(line.as_bytes()), Credential::Bearer(Token::Jwt) | Credential::BareToken)
}

/// Without `export NAME=` and a shell's quotes, when a token stands behind them.
fn assigned<'l>(line: &'l str, remarks: &mut Vec<Remark>) -> &'l str {
    let Some((name, value)) = line.split_once('=') else { return line };
    let name = name.strip_prefix("export ").unwrap_or(name).trim();
    let is_name = !name.is_empty() && name.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_');
    let inner = value.trim().trim_matches(['\'', '"']);
    if !is_name || !is_token(inner) {
        return line;
    }
    remarks.push(Remark::Assignment);
    inner
}

fn of_value(value: &str, form: Form, remarks: Vec<Remark>) -> Result<Given, Unexamined> {
    let kind = Credential::of(value.as_bytes());
    if kind == Credential::Basic {
        return Err(Unexamined::Basic);
    }
    let is_bare = match kind {
        Credential::BareToken | Credential::SchemeMissing => true,
        // `[object Object]`, `your token`: two words, and no scheme.
        Credential::OtherScheme => !matches!(behind_bearer(value), Credential::Bearer(Token::Other)),
        _ => false,
    };
    if is_bare && form == Form::Value {
        return of_token(value, Form::Token, remarks);
    }
    Ok(given(value.to_owned(), form, remarks))
}

fn of_token(token: &str, form: Form, remarks: Vec<Remark>) -> Result<Given, Unexamined> {
    let token = token.trim();
    if token.is_empty() {
        return Err(Unexamined::Empty);
    }
    Ok(given(format!("Bearer {token}"), form, remarks))
}

fn given(value: String, form: Form, mut remarks: Vec<Remark>) -> Given {
    remarks.extend((value.len() > LONG).then_some(Remark::Long));
    Given { value: Secret::new(value), elsewhere: None, form, remarks }
}

fn behind_bearer(value: &str) -> Credential {
    Credential::of(format!("Bearer {value}").as_bytes())
}

/// The token in a value, whatever stands around it.
fn core(value: &str) -> Option<String> {
    let is_letter = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_' | '=' | '.');
    let value = php::without_escapes(value);
    let value = value.strip_prefix("Bearer").unwrap_or(&value);
    let is_jwt =
        |piece: &&str| piece.split('.').count() == 3 && piece.split('.').all(|part| !part.is_empty());
    value.split(|sign| !is_letter(sign)).find(is_jwt).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{Form, Given, Remark, Unexamined, core};

    fn read(text: &str) -> Result<(String, Form, Vec<Remark>), Unexamined> {
        Given::read(text.as_bytes()).map(|given| (given.value().to_owned(), given.form, given.remarks))
    }

    #[test]
    fn what_came_from_the_way_is_taken_off_and_said() {
        let table = [
            ("a.b.c", "Bearer a.b.c", Form::Token, vec![]),
            ("a.b.c\r\n", "Bearer a.b.c", Form::Token, vec![]),
            ("Bearer a.b.c\n", "Bearer a.b.c", Form::Value, vec![]),
            ("bearer a.b.c", "bearer a.b.c", Form::Value, vec![]),
            ("Authorization: Bearer a.b.c", "Bearer a.b.c", Form::Header, vec![]),
            ("> authorization: Bearer a.b.c", "Bearer a.b.c", Form::Header, vec![]),
            ("Authorization: a.b.c", "a.b.c", Form::Header, vec![]),
            (
                "curl -H 'Authorization: Bearer a.b.c' https://x",
                "Bearer a.b.c",
                Form::Header,
                vec![Remark::ShellQuotes],
            ),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a.b.c\r\nAccept: */*\r\n",
                "Bearer a.b.c",
                Form::Header,
                vec![Remark::OtherLines],
            ),
            (
                "Authorization: Bearer aaa.bb\nbb.cc\ncc",
                "Bearer aaa.bbbb.cccc",
                Form::Header,
                vec![Remark::Folded],
            ),
            ("aaa.bb\nbb.cccc\n", "Bearer aaa.bbbb.cccc", Form::Token, vec![Remark::Folded]),
            ("export TOKEN=\"a.b.c\"", "Bearer a.b.c", Form::Token, vec![Remark::Assignment]),
            ("TOKEN=a.b.c", "Bearer a.b.c", Form::Token, vec![Remark::Assignment]),
            ("\u{feff}a.b.c", "Bearer a.b.c", Form::Token, vec![Remark::ByteOrderMark]),
            ("\"a.b.c\"", "Bearer \"a.b.c\"", Form::Token, vec![]),
            ("\"Bearer a.b.c\"", "\"Bearer a.b.c\"", Form::Value, vec![]),
            ("X-Authorization: Bearer a.b.c", "", Form::OtherHeader("X-Authorization"), vec![]),
            ("undefined", "Bearer undefined", Form::Token, vec![]),
            ("[object Object]", "Bearer [object Object]", Form::Token, vec![]),
            ("JWT a.b.c", "JWT a.b.c", Form::Value, vec![]),
            ("{\"token\":\"a.b.c\",\"user_email\":\"x\"}", "Bearer a.b.c", Form::Json("token"), vec![]),
            (
                "{\"success\":true,\"data\":{\"jwt\":\"a.b.c\"}}",
                "Bearer a.b.c",
                Form::Json("data.jwt"),
                vec![],
            ),
            ("{\"headers\":{\"Authorization\":\"Bearer a.b.c\"}}", "Bearer a.b.c", Form::Code, vec![]),
            ("const t = 'a.b.c';\nconst u = 1;", "Bearer a.b.c", Form::Code, vec![]),
            ("Cookie: token=a.b.c", "", Form::OtherHeader("Cookie"), vec![]),
            ("https://a.test/?token=a.b.c", "", Form::Query, vec![]),
            (
                "GET / HTTP/1.1\r\nCookie: t=d.e.f\r\nAuthorization: Bearer a.b.c\r\n",
                "Bearer a.b.c",
                Form::Header,
                vec![Remark::OtherLines],
            ),
            ("login ok\na.b.c\n", "Bearer a.b.c", Form::Token, vec![Remark::OtherLines]),
        ];
        for (text, value, form, remarks) in table {
            assert_eq!(read(text), Ok((value.to_owned(), form, remarks)), "{text}");
        }
        let utf16: Vec<_> = "\u{feff}a.b.c\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(Given::read(&utf16).unwrap().value(), "Bearer a.b.c");
    }

    #[test]
    fn what_holds_no_token_is_told_by_what_it_is() {
        let long = "a".repeat(1 << 20);
        let table = [
            ("", Unexamined::Empty),
            (" \r\n", Unexamined::Empty),
            ("{\"token\":\"\"}", Unexamined::Empty),
            ("\0", Unexamined::NotText),
            (&*long, Unexamined::TooLong),
            ("a.b.c\nd.e.f", Unexamined::SeveralTokens),
            ("Authorization: Bearer a.b.c\nAuthorization: Basic x", Unexamined::SeveralHeaders),
            ("one\ntwo words", Unexamined::NoToken),
            ("{}", Unexamined::NoField),
            ("'Authorization': `Bearer ${token}`", Unexamined::Program),
            ("Basic dTpw", Unexamined::Basic),
            ("abcd EFGH 1234 ijkl MNOP 5678", Unexamined::ApplicationPassword),
            ("jo:abcd EFGH 1234 ijkl MNOP 5678", Unexamined::ApplicationPassword),
            ("PASSWORD='abcd EFGH 1234 ijkl MNOP 5678'", Unexamined::ApplicationPassword),
        ];
        for (text, expected) in table {
            assert_eq!(read(text), Err(expected), "{text:.40}");
        }
        assert_eq!(Given::read(b"\xc3\x28\x00").unwrap_err(), Unexamined::NotText);
        let refusal = read("{\"code\":\"[jwt_auth] incorrect_password\",\"message\":\"x\"}").unwrap_err();
        assert!(refusal.to_string().contains("[jwt_auth] incorrect_password"));
    }

    #[test]
    fn the_token_is_found_in_whatever_is_around_it() {
        for value in [
            "Bearer a.b.c",
            "Bearera.b.c",
            "Bearer \"a.b.c\"",
            "bearer a.b.c",
            "\"Bearer a.b.c\"",
            "Bearer %22a.b.c%22",
            "JWT a.b.c",
            "Bearer: a.b.c",
        ] {
            assert_eq!(core(value).as_deref(), Some("a.b.c"), "{value}");
        }
        assert_eq!(core("Bearer undefined"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_understood_or_not(bytes in any::<Vec<u8>>(), text in "(Authorization: ?)?[Bb]?(earer )?[a-c.%\"'{}\n ]{0,40}") {
            std::hint::black_box(Given::read(&bytes).map(|given| given.core()).ok());
            std::hint::black_box(Given::read(text.as_bytes()).map(|given| given.core()).ok());
        }
    }
}
