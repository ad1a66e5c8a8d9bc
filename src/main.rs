//! The `tenure` command. Everything it does is in the library: see
//! [`tenure::cli`].

use std::process::ExitCode;

/// A million customers are scored in two thirds of the memory: the system's allocator keeps
/// what queries have given back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tenure::cli::main()
}
