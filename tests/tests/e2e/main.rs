//! The built components on the host, as clients see them. This is one program, because each program
//! would link all of Wasmtime.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod access;
mod admin;
mod alerts;
mod answers;
mod api_usage;
mod asked_often;
mod backlog;
mod backtest;
mod backup;
mod batches;
mod bench;
mod breakdown;
mod browser;
mod cache;
mod callers;
mod clients;
mod collect;
mod container;
mod contract;
mod dashboard;
mod degradation;
mod deploy;
mod documents;
mod duckdb;
mod erase;
mod examples;
mod export;
mod filters;
mod first_paint;
mod gateways;
mod grafana;
mod hours;
mod in_full;
mod intervals;
mod languages;
mod limits;
mod metrics;
#[allow(dead_code, reason = "the tests of the crate use all of it")]
#[path = "../../../crates/geo/src/tests/writer.rs"]
mod mmdb;
mod movers;
mod openapi;
mod own_rules;
mod plain_count;
mod pressure;
mod process;
mod questions;
mod receipts;
mod redis;
mod release;
mod retirement;
mod rules;
mod sender;
mod spin;
mod stores;
mod threats;
mod wit_exports;
