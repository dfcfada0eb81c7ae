use std::process::ExitCode;

fn main() -> ExitCode {
    spectriage::cli::run(std::env::args_os())
}
