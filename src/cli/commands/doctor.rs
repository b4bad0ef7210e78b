//! stub
use crate::cli::exit::{Exit, Trouble};
pub fn run(
    _cli: &crate::cli::args::Cli,
    _env: crate::config::Env,
    _args: crate::cli::args::JsonArg,
) -> Result<Exit, Trouble> {
    Err(Trouble::failed("not yet"))
}
