//! Tests of the program as its users meet it, of the rules on their corpus, and of the house itself.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "these are tests"
)]

mod abuse;
mod accuracy;
mod admin;
mod architecture;
mod balance;
mod check;
mod cli;
mod compare;
mod corpus;
mod counted;
mod deep;
mod demo;
mod explain;
mod files;
mod health;
mod http2;
mod life;
mod limits;
mod manual;
mod marked;
mod metrics;
mod pages;
mod pair;
mod past;
mod php;
mod php_connections;
mod php_findings;
mod php_hop;
mod policy;
mod proxy_protocol;
mod reference;
mod reload;
mod replies;
mod report;
mod requests;
mod second_parser;
mod secrets;
mod systemd;
mod takeover;
mod tls;
mod token;
mod trail_keys;
mod upgrade;
mod upstream_http2;
mod upstream_tls;
mod upstreams;
mod verdicts;
mod what_hyper_hides;
mod world;
