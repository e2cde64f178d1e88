//! What the doctor does itself where it is WordPress's web server: it finds the file, before an upstream is chosen.
//!
//! All PHP-FPM of a site have the same files, so this is asked once for each request, and a file that is no script, or a
//! redirect to a folder, is the reply: it needs no PHP, and says nothing of its health.

use std::pin::Pin;

use super::fastcgi::{Call, Fault};
use super::{Caller, Error, Scripts, Settings};
use crate::files::{Found, Multisite, Tree, by_name};
use crate::message::{Reply, RequestHead};

/// The files of a site, as its PHP-FPM finds them.
pub(super) enum OwnFiles {
    /// They lie in another container: scripts are known by their names, and that is all.
    Elsewhere { root: String, multisite: Multisite },
    /// They are at hand.
    Here(Tree),
}

/// What becomes of a request.
pub(super) enum Answer<'h> {
    /// PHP runs this.
    Run(Box<Call>),
    /// The doctor has the reply. In a box, so that no other exchange carries the room for it.
    Reply(Pin<Box<dyn Future<Output = Result<Reply<'static>, Error>> + 'h>>),
}

impl OwnFiles {
    /// Those of the upstreams that are PHP-FPM; nothing where none is.
    pub(super) fn of<'s>(upstreams: impl IntoIterator<Item = &'s Settings>) -> Option<Self> {
        let php = upstreams.into_iter().find_map(|settings| settings.php.as_ref())?;
        Some(match php.scripts() {
            Scripts::Named { root, multisite } => {
                Self::Elsewhere { root: root.clone(), multisite: *multisite }
            }
            Scripts::Found(layout) => Self::Here(Tree::new(layout.clone())),
        })
    }

    /// What answers a request.
    pub(super) fn answer<'h>(&self, head: &'h RequestHead, caller: Caller) -> Answer<'h> {
        let found = match self {
            Self::Elsewhere { root, multisite } => Found::Script(by_name(root, head.path(), *multisite)),
            Self::Here(tree) => tree.find(head),
        };
        match found {
            Found::Script(script) => Answer::Run(Box::new(Call { caller, script })),
            found => Answer::Reply(Box::pin(reply(found, head))),
        }
    }
}

/// The reply where PHP has none to give.
async fn reply(found: Found, head: &RequestHead) -> Result<Reply<'static>, Error> {
    match found {
        Found::File(file) => Ok(file.serve(head).await),
        Found::Folder(moved) => Ok(moved.reply(head)),
        Found::Script(_) | Found::Nothing => Err(Fault::NoFrontDoor.into()),
    }
}
