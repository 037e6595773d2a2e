//! All tests of the ledger, in one program. Each program of tests compiles the ledger for a store in
//! memory, which takes longer than most of these tests.

mod common;

mod backtest;
mod backup;
mod callers;
mod documents;
mod erase;
mod groups;
mod pieces;
mod promises;
mod receipts;
mod rollups;
mod schedules;
mod splits;
mod upgrade;
