//! stub
use crate::cli::exit::{Exit, Trouble};
pub fn run(
    _dir: Option<&std::path::Path>,
    _env: &crate::config::Env,
    _args: &crate::cli::args::InitArgs,
) -> Result<Exit, Trouble> {
    Err(Trouble::failed("not yet"))
}
