//! Tests of the whole: writer, reader and checks over one data folder.

mod crash;
mod damage;
mod languages;
mod lifecycle;
mod model;
mod search;
mod similar;
mod spelling;
pub(crate) mod support;
