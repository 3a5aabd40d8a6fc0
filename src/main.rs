//! The program `concertina`: its whole life is in the library's `cli`. Holds no logic.

use std::process::ExitCode;

fn main() -> ExitCode {
    concertina::cli::main()
}
