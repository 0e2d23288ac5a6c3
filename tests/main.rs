//! Drives the built `lsearch` on real files, as a person would. One binary, so that it links once.

mod bad_input;
mod changes;
mod common;
mod config;
mod containers;
mod crash;
mod daemon;
#[cfg(target_os = "linux")]
mod daemon_faults;
mod daemon_kills;
#[cfg(target_os = "linux")]
mod daemon_limits;
#[cfg(target_os = "linux")]
mod daemon_overflow;
mod eval;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod faults;
mod first_run;
#[cfg(target_os = "linux")]
mod full_disk;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod gpu;
mod hostile;
mod house;
mod interactive;
mod languages;
mod library;
mod mcp;
mod models;
mod privacy;
mod search;
mod serve;
mod shell;
mod similar;
mod verbs;
mod wrong_input;
