//! The `tenure` command. Everything it does is in the library: see
//! [`tenure::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    tenure::cli::main()
}
