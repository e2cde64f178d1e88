//! What was seen: of a request at each hop, and of the reply that complains.
//!
//! Everything here is a pure function of bytes: no I/O, no clock, no runtime. Two costs are kept apart. [`look`]
//! runs on every request and only notes where the watched headers lie; everything that hashes, decodes or parses
//! ([`Trail::read`], [`Symptom::read`]) is for exchanges that turned out sick.
//!
//! Nothing here keeps a value. A header becomes a [`Sighting`] (length, fingerprint, class), a token becomes a
//! class and three times, an error body becomes a code of a safe form and a message of our own table.

mod answered;
mod basic;
mod body;
mod caching;
mod change;
mod claims;
mod coding;
mod company;
mod content;
mod credential;
mod elsewhere;
mod exchange_id;
mod hop_name;
mod issue;
mod login_page;
mod message;
mod page;
mod past;
mod php;
pub mod php_hop;
mod plugin;
mod product;
mod query;
mod route;
mod sighting;
pub mod signed;
mod site;
mod site_code;
mod symptom;
mod trail;
mod wordpress;

pub use answered::{AnsweredBy, Gate};
pub use basic::Basic;
pub use caching::{Caching, Vary};
pub use caching::{is_for_a_known_user, is_for_everybody, is_replayed};
pub use change::{Change, Changed, OtherName, are_telling, came_whole, changes};
pub use claims::{Algorithm, Claims, Times, user};
pub use company::{Arrival, Company, Crossing, Return, Skew};
pub use content::Content;
pub use credential::{Credential, Placeholder, Scheme, Token, Wrapping};
pub use elsewhere::OddLetter;
pub use exchange_id::ExchangeId;
pub use hop_name::{HopName, Instance};
pub use issue::{Issue, READ, finds_good, refresh_token};
pub use login_page::LoginPage;
pub use message::Message;
pub(crate) use message::fits;
pub use page::{Page, TooLarge};
pub use past::{
    By, Elsewhere, IssuedAhead, Minute, Newer, Opinion, Past, PhpNode, PhpTold, Refresh, Secret, TakenHere,
};
pub use php::{Fatal, FatalKind, Owner, Script, Trouble};
pub use php_hop::{Arrived, PhpSaw, Reached, SiteSecret, Word};
pub use plugin::Plugin;
pub use product::{Known, PRODUCTS, Product};
pub use query::{Plus, decoded, names_route, rest_routes};
pub use route::{Form, Route, RouteClass, beside, folder};
pub use sighting::{Look, Seen, Sighting, Sightings, Spelling, Watched, is_note, look};
pub use site::{Difference, Home};
pub use site_code::SiteCode;
pub use symptom::{Led, Offset, RedirectedBy, Software, Symptom, is_led_past_rest};
pub use trail::{Denied, Hop, Memory, OtherWay, Session, Trail, Treatment};
pub use wordpress::{Code, WordPressError};
