//! What WordPress would make of a token, without asking it.
//!
//! The plugin's checks are gone through in its order, php-jwt's among them, for the two ways in which a token is taken:
//! at `token/validate` and on every other route. What would be answered is then put before the rules as if it had come,
//! so that `token`, `run` and `check` say the same of it. Nothing here keeps, shows or returns a token, a signature or a
//! secret; times and the issuer are told, because whoever holds the token may know them.

mod address;
mod ago;
mod examine;
mod foretold;
mod given;
mod pasted;
mod php;
mod php_jwt;
mod plugin;
mod secret;

pub use address::{Address, NotAnAddress};
pub use ago::ago;
pub use examine::{Asked, Examined, Header, Stated, examine};
pub use foretold::Foretold;
pub use given::{Form, Given, LONGEST, Remark, Unexamined};
pub use plugin::{Check, Course, Outcome, Refused, Route};
pub(crate) use plugin::{Site, judge, user_of};
pub use secret::{Fit, Mistake, Supposed, Undefined};
