#![no_main]

#[macro_use]
mod harness;

package_target!("odt");
