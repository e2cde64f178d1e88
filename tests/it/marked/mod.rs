//! Marked secrets through all that the program does: no byte that leaves it, but towards the upstream, may hold a piece of one.
//!
//! The real binary runs, with everything that it writes kept; clients send secrets in every place where one can stand, an
//! origin quotes them, and what has left is searched in the end. What an origin says passes through to the client, and is
//! its own.
//!
//! | by | what is driven |
//! |---|---|
//! | `serving` | logs of every form and level, policies, second opinions, PHP's complaints, two doctors, TLS and PROXY headers, HTTP/2 |
//! | `static_files` | `root` and what hangs on it: files that are kept, ranges, conditions, folders, links, aliases |
//! | `upstreams` | HTTP/2, TLS and strangers behind, tunnels, tries, PHP's queue, PHP's answer |
//! | `limits` | limits of clients but `connections_per_address`, their certificates, PROXY headers that are missing |
//! | `taking_over` | `--upgrade` and wrong files, while clients go on asking |
//! | `asking` | the admin listener under TLS and over its Unix socket, and probes |
//! | `commands`, `rules`, `panics` | what ends by itself, each rule, a defect |
//!
//! Not driven: `diagnosis.codes`, `resolve`, `keep_alive` and socket activation, where no client's word comes; a spool that is full.

mod asking;
mod commands;
mod limits;
mod marks;
mod origin;
mod panics;
mod requests;
mod rules;
mod running;
mod serving;
mod static_files;
mod taking_over;
mod upstreams;
