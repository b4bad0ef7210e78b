//! stub
use crate::cli::exit::{Exit, Trouble};
pub async fn run(_s: crate::cli::setting::Setting, _a: crate::cli::args::BookArgs) -> Result<Exit, Trouble> {
    Err(Trouble::failed("not yet"))
}
