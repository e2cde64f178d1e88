//! header-doctor: a reverse proxy for WordPress that says where `Authorization` was lost.
//!
//! The modules stand in the order in which a request meets them; ARCHITECTURE.md draws the line.

pub mod cli;

pub mod php_hop;

pub mod demo;

pub mod check;

pub mod config;

pub mod listen;

pub mod exchange;

pub mod headers;

pub mod files;

pub mod upstream;

pub mod evidence;

pub mod diagnosis;

pub mod history;

pub mod token;

pub mod event;

pub mod report;

pub mod compare;

pub mod admin;

pub mod http1;

pub mod proxy_protocol;

pub mod wire;

pub mod message;

pub mod browser;

pub mod moment;

pub mod secret;
