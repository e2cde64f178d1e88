//! The words that a console shows when a reply is withheld.
//!
//! Sources: Chromium `cors_error_string.cc`, Firefox `security.properties` with `nsCORSListenerProxy.cpp`, `WebKit`
//! `CrossOriginAccessControl.cpp` and `CrossOriginPreflightResultCache.cpp`.

use super::Browser;
use super::block::{Block, Blocked, Stage};
use super::list::Token;
use crate::message::Name;

pub(super) fn console(blocked: &Blocked, browser: Browser, url: &str) -> Option<String> {
    let by = blocked.by(browser);
    match browser {
        Browser::Chrome => by.map(|block| chrome(blocked, block, url)),
        Browser::Firefox if blocked.block == Block::AuthorizationNotCovered && by.is_none() => {
            Some(FIREFOX_WARNS.to_owned())
        }
        Browser::Firefox => by.map(|block| firefox(blocked, block, url)),
        Browser::Safari => by.map(|block| safari(blocked, block)),
    }
}

/// Firefox lets it pass and says so.
const FIREFOX_WARNS: &str = "When the `Access-Control-Allow-Headers` is `*`, the `Authorization` header is not covered. \
     To include the `Authorization` header, it must be explicitly listed in CORS header \
     `Access-Control-Allow-Headers`.";

fn chrome(blocked: &Blocked, block: &Block, url: &str) -> String {
    const NOT_PASSED: &str = "Response to preflight request doesn't pass access control check: ";
    let origin = &blocked.origin;
    let is_list = matches!(
        block,
        Block::HeaderNotAllowed(_)
            | Block::AuthorizationNotCovered
            | Block::MethodNotAllowed(_)
            | Block::UnreadableList(_)
    );
    let stage = if blocked.stage == Stage::Preflight && !is_list { NOT_PASSED } else { "" };
    let reason = chrome_reason(block);
    format!(
        "Access to fetch at '{url}' from origin '{origin}' has been blocked by CORS policy: {stage}{reason}"
    )
}

fn chrome_reason(block: &Block) -> String {
    match block {
        Block::NoAllowOrigin => {
            "No 'Access-Control-Allow-Origin' header is present on the requested resource.".to_owned()
        }
        Block::SeveralAllowOrigins { values, .. } => format!(
            "The 'Access-Control-Allow-Origin' header contains multiple values '{values}', but only one is allowed."
        ),
        Block::OriginMismatch(value) => format!(
            "The 'Access-Control-Allow-Origin' header has a value '{value}' that is not equal to the supplied origin."
        ),
        Block::InvalidAllowOrigin(value) => {
            format!("The 'Access-Control-Allow-Origin' header contains the invalid value '{value}'.")
        }
        Block::WildcardWithCredentials => {
            "The value of the 'Access-Control-Allow-Origin' header in the response \
             must not be the wildcard '*' when the request's credentials mode is 'include'."
                .to_owned()
        }
        Block::CredentialsNotTrue => {
            "The value of the 'Access-Control-Allow-Credentials' header in the response is \
             '' which must be 'true' when the request's credentials mode is 'include'."
                .to_owned()
        }
        Block::PreflightStatus => "It does not have HTTP ok status.".to_owned(),
        Block::PreflightRedirect => "Redirect is not allowed for a preflight request.".to_owned(),
        Block::HeaderNotAllowed(name) => chrome_header(name.as_str()),
        Block::AuthorizationNotCovered => chrome_header("authorization"),
        Block::MethodNotAllowed(method) => {
            format!("Method {method} is not allowed by Access-Control-Allow-Methods in preflight response.")
        }
        Block::UnreadableList(list) => {
            format!("Cannot parse {} response header field in preflight response.", list.field())
        }
    }
}

fn chrome_header(name: &str) -> String {
    format!(
        "Request header field {name} is not allowed by Access-Control-Allow-Headers in preflight response."
    )
}

fn firefox(blocked: &Blocked, block: &Block, url: &str) -> String {
    let reason = firefox_reason(block);
    let shows_status = matches!(block, Block::NoAllowOrigin | Block::PreflightStatus);
    let status = if shows_status { format!(" Status code: {}.", blocked.status) } else { String::new() };
    format!(
        "Cross-Origin Request Blocked: The Same Origin Policy disallows reading the remote resource at {url}. \
         (Reason: {reason}).{status}"
    )
}

fn firefox_reason(block: &Block) -> String {
    match block {
        Block::NoAllowOrigin => "CORS header 'Access-Control-Allow-Origin' missing".to_owned(),
        Block::SeveralAllowOrigins { one_line: false, .. } => {
            "Multiple CORS header 'Access-Control-Allow-Origin' not allowed".to_owned()
        }
        Block::SeveralAllowOrigins { values, .. }
        | Block::OriginMismatch(values)
        | Block::InvalidAllowOrigin(values) => {
            format!("CORS header 'Access-Control-Allow-Origin' does not match '{values}'")
        }
        Block::WildcardWithCredentials => {
            "Credential is not supported if the CORS header 'Access-Control-Allow-Origin' is '*'".to_owned()
        }
        Block::CredentialsNotTrue => {
            "expected 'true' in CORS header 'Access-Control-Allow-Credentials'".to_owned()
        }
        Block::PreflightStatus => "CORS preflight response did not succeed".to_owned(),
        Block::PreflightRedirect => "CORS request external redirect not allowed".to_owned(),
        Block::HeaderNotAllowed(name) => firefox_header(name.as_str()),
        Block::AuthorizationNotCovered => firefox_header("authorization"),
        Block::MethodNotAllowed(_) => {
            "Did not find method in CORS header 'Access-Control-Allow-Methods'".to_owned()
        }
        Block::UnreadableList(list) => format!("invalid token '…' in CORS header '{}'", list.field()),
    }
}

fn firefox_header(name: &str) -> String {
    format!(
        "header '{name}' is not allowed according to header 'Access-Control-Allow-Headers' from CORS preflight response"
    )
}

fn safari(blocked: &Blocked, block: &Block) -> String {
    let (origin, status) = (&blocked.origin, blocked.status);
    match block {
        Block::NoAllowOrigin | Block::OriginMismatch(_) | Block::InvalidAllowOrigin(_) => {
            format!("Origin {origin} is not allowed by Access-Control-Allow-Origin. Status code: {status}")
        }
        Block::SeveralAllowOrigins { .. } => {
            "Access-Control-Allow-Origin cannot contain more than one origin.".to_owned()
        }
        Block::WildcardWithCredentials => {
            "Cannot use wildcard in Access-Control-Allow-Origin when credentials flag is true.".to_owned()
        }
        Block::CredentialsNotTrue => {
            "Credentials flag is true, but Access-Control-Allow-Credentials is not \"true\".".to_owned()
        }
        Block::PreflightStatus | Block::PreflightRedirect => {
            format!("Preflight response is not successful. Status code: {status}")
        }
        Block::HeaderNotAllowed(name) => safari_header(spelled(name)),
        Block::AuthorizationNotCovered => safari_header("Authorization"),
        Block::MethodNotAllowed(method) => {
            format!("Method {method} is not allowed by Access-Control-Allow-Methods.")
        }
        Block::UnreadableList(list) => format!("Header {} has an invalid value: …", list.field()),
    }
}

fn safari_header(name: &str) -> String {
    format!("Request header field {name} is not allowed by Access-Control-Allow-Headers.")
}

/// Safari shows a name as the page spelled it, which a preflight does not tell; most write the usual spelling.
fn spelled(name: &Token) -> &str {
    match Name::of(name.as_str().as_bytes()) {
        Name::Other => name.as_str(),
        known => known.canonical(),
    }
}
