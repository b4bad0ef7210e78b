//! How brokers spell an option contract: OCC's padded symbol, the same without padding, the stream's dotted one,
//! and the fields of a contract at Interactive Brokers. What is written is read back the same, or refused.
//!
//! Never: guesses at a part that a spelling does not carry.

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;

use super::instrument::{OptionContract, Right, Settlement, listed_multiplier, listed_strike, style_of_root};
use super::symbol::Symbol;

/// What every spelling carries. Style, settlement and multiplier are not among it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OccParts {
    pub root: Symbol,
    pub expiry: NaiveDate,
    pub right: Right,
    pub strike: Decimal,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{found:?} is not an OCC option symbol (root padded to 6, yymmdd, C or P, strike × 1000 in 8 digits)"
)]
pub struct BadOptionSymbol {
    pub found: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is not a stream symbol of an option (.ROOTyymmddCstrike)")]
pub struct BadStreamerSymbol {
    pub found: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {found:?} is not that of a listed option contract")]
pub struct BadContractField {
    pub field: &'static str,
    pub found: String,
}

impl OccParts {
    pub fn of(contract: &OptionContract) -> Self {
        Self {
            root: contract.root.clone(),
            expiry: contract.expiry,
            right: contract.right,
            strike: contract.strike,
        }
    }

    /// Root padded right to six, yymmdd, C/P, strike × 1000 in eight digits.
    pub fn padded(&self) -> String {
        format!("{:<6}{}", self.root.as_str(), self.tail())
    }

    /// The same without the padding, as Tradier spells it.
    pub fn compact(&self) -> String {
        format!("{}{}", self.root.as_str(), self.tail())
    }

    /// `.ROOTyymmddCstrike`, the strike without trailing zeros.
    pub fn streamer(&self) -> String {
        let (date, right) = (self.date(), self.right.letter());
        format!(".{}{date}{right}{}", self.root.as_str(), self.strike.normalize())
    }

    fn tail(&self) -> String {
        let thousandths = self.strike.saturating_mul(Decimal::ONE_THOUSAND).trunc().normalize();
        format!("{}{}{thousandths:08}", self.date(), self.right.letter())
    }

    fn date(&self) -> String {
        let day = self.expiry;
        format!("{:02}{:02}{:02}", day.year().rem_euclid(100), day.month(), day.day())
    }

    /// The contract, where what the spelling leaves out follows from the root.
    pub fn contract(self, underlying: Symbol, settlement: Settlement, multiplier: u32) -> OptionContract {
        OptionContract {
            underlying,
            style: style_of_root(self.root.as_str()),
            root: self.root,
            expiry: self.expiry,
            right: self.right,
            strike: self.strike,
            settlement,
            multiplier,
        }
    }
}

/// Parses the 21-character form; padding inside may be missing, as at Tradier and in some exports.
pub fn parse_occ(text: &str) -> Result<OccParts, BadOptionSymbol> {
    let bad = || BadOptionSymbol { found: super::text::clean(text, 40) };
    if !text.is_ascii() || text.len() < 16 || text.len() > 27 {
        return Err(bad());
    }
    let (root, rest) = text.split_at(text.len() - 15);
    let root = Symbol::new(root).map_err(|_| bad())?;
    let expiry = date(&rest[0..6]).ok_or_else(bad)?;
    let right = right(&rest[6..7]).ok_or_else(bad)?;
    let thousandths = digits(&rest[7..15]).ok_or_else(bad)?;
    let strike = listed_strike(Decimal::new(i64::from(thousandths), 3)).ok_or_else(bad)?;
    Ok(OccParts { root, expiry, right, strike })
}

/// Parses the stream's form. The right is the last letter: what follows is the strike, what precedes the date.
pub fn parse_streamer(text: &str) -> Result<OccParts, BadStreamerSymbol> {
    let bad = || BadStreamerSymbol { found: super::text::clean(text, 40) };
    let read = || {
        let bare = text.strip_prefix('.').filter(|bare| bare.is_ascii() && bare.len() <= 40)?;
        let at = bare.rfind(['C', 'P'])?;
        let strike = &bare[at + 1..];
        let (root, day) = bare[..at].split_at_checked(at.checked_sub(6)?)?;
        let plain = strike.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let strike = listed_strike(strike.parse().ok().filter(|_| plain)?)?;
        let root = Symbol::new(root).ok().filter(|symbol| symbol.as_str() == root)?;
        let parts = OccParts { root, expiry: date(day)?, right: right(&bare[at..=at])?, strike };
        // One spelling for one contract: `640.0` and `0640` are none.
        (parts.streamer() == text).then_some(parts)
    };
    read().ok_or_else(bad)
}

/// A contract as Interactive Brokers names it where there is no `conid` yet: the fields that its contract search
/// takes and gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IbkrFields {
    /// The underlying.
    pub symbol: String,
    /// The OCC root.
    pub trading_class: String,
    /// `DEC26`.
    pub month: String,
    /// `20261218`.
    pub maturity_date: String,
    /// `C` or `P`.
    pub right: String,
    pub strike: String,
    pub multiplier: String,
}

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

impl IbkrFields {
    pub fn of(contract: &OptionContract) -> Self {
        let day = contract.expiry;
        Self {
            symbol: contract.underlying.to_string(),
            trading_class: contract.root.to_string(),
            month: month(day),
            maturity_date: format!("{:04}{:02}{:02}", day.year(), day.month(), day.day()),
            right: contract.right.letter().to_string(),
            strike: contract.strike.normalize().to_string(),
            multiplier: contract.multiplier.to_string(),
        }
    }

    /// The contract; settlement is told by none of the fields.
    pub fn contract(&self, settlement: Settlement) -> Result<OptionContract, BadContractField> {
        let bad = |field, found: &str| BadContractField { field, found: super::text::clean(found, 40) };
        let symbol = |field, text: &str| Symbol::new(text).map_err(|_| bad(field, text));
        let decimal = |field, text: &str| text.parse::<Decimal>().map_err(|_| bad(field, text));
        let underlying = symbol("symbol", &self.symbol)?;
        let root = symbol("trading class", &self.trading_class)?;
        let expiry = NaiveDate::parse_from_str(&self.maturity_date, "%Y%m%d")
            .ok()
            .filter(|day| self.maturity_date.len() == 8 && (2000..2100).contains(&day.year()))
            .ok_or_else(|| bad("maturity date", &self.maturity_date))?;
        if self.month != month(expiry) {
            return Err(bad("month", &self.month));
        }
        let right = right(&self.right).ok_or_else(|| bad("right", &self.right))?;
        let strike = listed_strike(decimal("strike", &self.strike)?);
        let strike = strike.ok_or_else(|| bad("strike", &self.strike))?;
        let multiplier = listed_multiplier(decimal("multiplier", &self.multiplier)?);
        let multiplier = multiplier.ok_or_else(|| bad("multiplier", &self.multiplier))?;
        Ok(OccParts { root, expiry, right, strike }.contract(underlying, settlement, multiplier))
    }
}

/// How a root settles where a broker does not say: the standard monthly contracts of these cash-settled indices
/// settle at the open (Cboe product specifications), everything else at the close.
pub fn settlement_of_root(root: &str) -> Settlement {
    const AT_THE_OPEN: [&str; 6] = ["SPX", "NDX", "RUT", "DJX", "VIX", "VIXW"];
    if AT_THE_OPEN.contains(&root) { Settlement::Am } else { Settlement::Pm }
}

/// What contracts of a root stand on where a broker does not say: the weekly roots of indices have names of their
/// own (Cboe product specifications), every other one is that of its underlying.
pub fn underlying_of_root(root: &Symbol) -> Symbol {
    const RENAMED: [(&str, &str); 5] =
        [("SPXW", "SPX"), ("NDXP", "NDX"), ("RUTW", "RUT"), ("VIXW", "VIX"), ("MRUTW", "MRUT")];
    let renamed = RENAMED.iter().find(|(own, _)| *own == root.as_str());
    // Names of the table are symbols.
    renamed.and_then(|(_, underlying)| Symbol::new(underlying).ok()).unwrap_or_else(|| root.clone())
}

fn month(day: NaiveDate) -> String {
    let name = MONTHS.get(day.month0() as usize).copied().unwrap_or_default();
    format!("{name}{:02}", day.year().rem_euclid(100))
}

fn date(six: &str) -> Option<NaiveDate> {
    let year = 2000 + i32::try_from(digits(six.get(0..2)?)?).ok()?;
    NaiveDate::from_ymd_opt(year, digits(six.get(2..4)?)?, digits(six.get(4..6)?)?)
}

fn right(letter: &str) -> Option<Right> {
    match letter {
        "C" => Some(Right::Call),
        "P" => Some(Right::Put),
        _ => None,
    }
}

fn digits(text: &str) -> Option<u32> {
    text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests;
