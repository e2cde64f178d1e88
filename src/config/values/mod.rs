//! The kinds of value that stand in the file, each with its parser, its spelling and its schema.
//!
//! They know nothing of sections; the same parsers serve the command line.

mod address;
mod alias_path;
mod duration;
mod file_name;
mod folder;
mod hop;
mod host;
mod host_header;
mod key_file;
mod names;
mod parsed;
mod php_root;
mod server_name;
mod size;
mod switch;
pub(super) mod words;

pub use address::{Address, Speaks, Target};
pub(crate) use alias_path::AliasPath;
pub(super) use duration::Span;
pub(crate) use duration::Timeout;
pub(super) use file_name::FileName;
pub use folder::Folder;
pub(crate) use hop::Hop;
pub(super) use hop::Which;
pub(super) use host::Host;
pub use host_header::HostHeader;
pub(crate) use key_file::KeyFile;
pub(crate) use names::{FilePattern, FolderName};
pub(crate) use parsed::Parsed;
pub use php_root::PhpRoot;
pub(super) use server_name::VerifiedName;
pub(super) use size::{Bound, Bytes, Size};
pub(super) use switch::Switch;
