//! What a trade costs, by the public price list of tastytrade. What a broker reports outranks it; reports of fills carry
//! no fees, so that what is told of them here is an estimate and is called one.

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::instrument::Instrument;

/// Amounts that are taken, not negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Fees {
    pub commission: Decimal,
    pub clearing: Decimal,
    pub regulatory: Decimal,
    pub index: Decimal,
}

impl Fees {
    pub fn total(&self) -> Decimal {
        self.commission + self.clearing + self.regulatory + self.index
    }

    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            commission: self.commission + other.commission,
            clearing: self.clearing + other.clearing,
            regulatory: self.regulatory + other.regulatory,
            index: self.index + other.index,
        }
    }
}

/// What an execution does, as far as it matters to its price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Side {
    pub buys: bool,
    pub closes: bool,
}

/// No leg of an order costs more commission than this.
const MOST_COMMISSION: Decimal = Decimal::TEN;

/// Of one execution; `charged` is the commission that the leg has paid before.
pub fn of_fill(
    instrument: &Instrument,
    side: Side,
    quantity: Decimal,
    price: Decimal,
    charged: Decimal,
) -> Fees {
    let mut fees = Fees::default();
    match instrument {
        Instrument::Option(contract) => {
            if !side.closes {
                fees.commission = quantity.min((MOST_COMMISSION - charged).max(Decimal::ZERO));
            }
            fees.clearing = Decimal::new(10, 2) * quantity;
            fees.regulatory = Decimal::new(4, 2) * quantity;
            fees.index = index_fee(contract.root.as_str()) * quantity;
        }
        Instrument::Equity(_) | Instrument::Index(_) => {
            fees.clearing = (Decimal::new(8, 4) * quantity).round_dp(3);
            if !side.buys {
                fees.regulatory =
                    (Decimal::new(166, 6) * quantity + Decimal::new(206, 7) * quantity * price).round_dp(3);
            }
        }
    }
    fees
}

/// What exchanges take for contracts on their own indices.
fn index_fee(root: &str) -> Decimal {
    match root {
        "SPX" | "SPXW" => Decimal::new(60, 2),
        "VIX" | "VIXW" => Decimal::new(30, 2),
        "NDX" | "NDXP" | "RUT" | "RUTW" => Decimal::new(18, 2),
        _ => Decimal::ZERO,
    }
}
