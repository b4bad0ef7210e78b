//! Where the numbers come from: tables of a folder, or made here from a fixed seed.

use std::path::PathBuf;

use cotrader::domain::Right;
use cotrader::pricing::OptionInputs;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A row of a table of options; a column that a table lacks is `None`.
#[derive(Deserialize)]
pub struct OptionRow {
    #[serde(rename = "type")]
    right: char,
    spot: f64,
    strike: f64,
    rate: f64,
    div: f64,
    vol: f64,
    /// The time to expiry, in years or in days.
    t: Option<f64>,
    days: Option<f64>,
    pub price: Option<f64>,
}

impl OptionRow {
    pub fn option(&self) -> OptionInputs {
        OptionInputs {
            right: if self.right == 'C' { Right::Call } else { Right::Put },
            spot: self.spot,
            strike: self.strike,
            rate: self.rate,
            dividend_yield: self.div,
            vol_annual: self.vol,
            tte_years: self.t.or(self.days.map(|days| days / 365.0)).expect("a column t or days"),
        }
    }
}

/// An option as a chain may hold it, with its rate and its days to expiry between these bounds.
pub fn random_option(random: &mut StdRng, rate: [f64; 2], days: [f64; 2]) -> OptionInputs {
    let spot = between(random, 20.0, 500.0);
    OptionInputs {
        right: if random.random::<bool>() { Right::Call } else { Right::Put },
        spot,
        strike: spot * between(random, -0.4, 0.4).exp(),
        rate: between(random, rate[0], rate[1]),
        dividend_yield: between(random, 0.0, 0.05),
        vol_annual: between(random, 0.08, 0.9),
        tte_years: between(random, days[0], days[1]) / 365.0,
    }
}

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
