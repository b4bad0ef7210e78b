//! Where the numbers come from: tables of a folder, or made here from a fixed seed.

use std::path::PathBuf;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::de::DeserializeOwned;

pub struct Inputs {
    folder: Option<PathBuf>,
}

impl Inputs {
    pub fn from_environment() -> Self {
        Self { folder: std::env::var_os("COTRADER_BENCH_INPUTS").map(PathBuf::from) }
    }

    /// The rows of a table with a header, by column name; `None` without a folder. A folder that lacks the
    /// table, or a row that does not fit, ends the bench: half a comparison is none.
    pub fn rows<T: DeserializeOwned>(&self, name: &str) -> Option<Vec<T>> {
        let path = self.folder.as_ref()?.join(name);
        let mut reader = csv::Reader::from_path(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Some(reader.deserialize().map(|row| row.unwrap_or_else(|e| panic!("{name}: {e}"))).collect())
    }

    /// A table of numbers without a header.
    pub fn matrix(&self, name: &str) -> Option<Vec<Vec<f64>>> {
        let path = self.folder.as_ref()?.join(name);
        let reader = csv::ReaderBuilder::new().has_headers(false).from_path(&path);
        let mut reader = reader.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Some(reader.deserialize().map(|row| row.unwrap_or_else(|e| panic!("{name}: {e}"))).collect())
    }

    /// A JSON document.
    pub fn document<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let path = self.folder.as_ref()?.join(name);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Some(serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}")))
    }
}

/// The random numbers of a bench that makes its own inputs.
pub fn random() -> StdRng {
    StdRng::seed_from_u64(20_240_611)
}

/// Uniform between two bounds.
pub fn between(random: &mut StdRng, low: f64, high: f64) -> f64 {
    low + (high - low) * random.random::<f64>()
}
