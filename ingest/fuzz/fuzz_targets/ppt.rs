#![no_main]

#[macro_use]
mod harness;

target!("ppt");
