//! Key `token_file` of `admin`: what stands in it. The plan holds its name alone, so that the plan can be shown.

use super::contents::{Contents, Sort, Unread, contents};
use super::error::{Error, Mistake, Problem, quoted};
use super::reading::Lookup;
use super::{Plan, Source};
use crate::secret::{AdminToken, BadToken};
use std::path::Path;

/// What the file should be.
const FILE: Sort = Sort { name: "file of a token", most: 4 << 10 };

/// What opens the admin listener.
#[derive(Clone, Debug, Default)]
pub struct Token {
    /// The token; nothing where none is needed.
    pub token: Option<AdminToken>,
    /// What is no mistake, and not right either: others may read the file.
    pub warnings: Vec<Mistake>,
}

/// What is told of a file that anybody on the machine may read. A secret in Kubernetes is mounted so by default, hence no
/// refusal.
const EXPOSED: &str = "may be read by every user of this machine, who can then ask the admin listener; use `chmod o-r`, or \
                       `defaultMode: 0440` with an `fsGroup` in Kubernetes";

/// Why a file of a token is of no use. Ends a sentence that begins with its name.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("{0}")]
    Unread(#[from] Unread),
    #[error("is not text; it holds the token in one line, is it the right one?")]
    NoText,
    #[error("{0}")]
    Bad(#[from] BadToken),
}

impl Plan {
    /// Reads the file of the admin listener's token. `source` and `lookup` are those the plan was made from; they serve to say
    /// where a mistake stands.
    ///
    /// # Errors
    /// The file cannot be read, or holds no token.
    pub fn token(&self, source: Option<&Source>, lookup: &Lookup<'_>) -> Result<Token, Error> {
        let Some(path) = self.admin.token_file.as_ref().filter(|_| self.admin.address.is_some()) else {
            return Ok(Token::default());
        };
        let nowhere = Source::new("flags", "");
        let source = source.unwrap_or(&nowhere);
        let at = |words: String| {
            let message = format!("{} {words}", quoted(&path.display().to_string()));
            source.located(Problem::here(message).under("token_file").under("admin"), lookup)
        };
        let (token, is_exposed) = read(path).map_err(|wrong| Error::Wrong(at(wrong.to_string())))?;
        let warnings = is_exposed.then(|| at(EXPOSED.to_owned()));
        Ok(Token { token: Some(token), warnings: warnings.into_iter().collect() })
    }
}

/// The token, and whether everybody may read it.
fn read(path: &Path) -> Result<(AdminToken, bool), Unusable> {
    let Contents { bytes, is_exposed } = contents(path, FILE)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Unusable::NoText)?;
    Ok((AdminToken::read(text)?, is_exposed))
}
