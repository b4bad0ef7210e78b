//! The `cotrader` program.

fn main() -> std::process::ExitCode {
    cotrader::cli::run()
}
