//! Arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    header_doctor::cli::main(std::env::args_os())
}
