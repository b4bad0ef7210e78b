//! What this adapter does not read of accounts and listings: each question is answered with that.

use super::Tradier;
use crate::broker::{Catalogue, Ledger};

impl Ledger for Tradier {
    fn broker_name(&self) -> &'static str {
        "Tradier"
    }
}

impl Catalogue for Tradier {}
