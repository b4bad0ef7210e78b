//! The figures the controls measure against: the defaults, and what is no figure at all.

use rust_decimal::Decimal;

/// Every figure is finite and positive: `validated` is the only way past that.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlConfig {
    /// 1, 10: how long a confirmation and a dry-run hold.
    pub confirmation_seconds: f64,
    pub dry_run_seconds: f64,
    /// 4: how near the close only closing orders go out.
    pub last_seconds: f64,
    /// 5
    pub quote_age_seconds: f64,
    pub clock_skew_seconds: f64,
    /// 5: a leg's spread may be this share of its mid, or this many dollars, whichever is more.
    pub spread_share: Decimal,
    pub spread_dollars: Decimal,
    /// 7: contracts; a hundred shares count as one.
    pub contracts_per_leg: u32,
    pub contracts_per_order: u32,
    /// 8: dollars of the underlying.
    pub notional: f64,
    /// 9: how far from mid a limit may be, whichever is most.
    pub collar_spread_share: Decimal,
    pub collar_mid_share: Decimal,
    pub collar_ticks: u32,
    /// 10: share of the account that stays as buying power.
    pub reserve_share: f64,
    /// 12
    pub duplicate_seconds: f64,
    /// 13
    pub orders_per_minute: u32,
    pub orders_per_day: u32,
    pub replacements_per_minute: u32,
    pub replacements_per_day: u32,
    /// 14
    pub open_orders: u32,
    /// 14: share of the account that all open orders together may lose.
    pub open_loss_share: f64,
}

impl Default for ControlConfig {
    fn default() -> Self {
        Self {
            confirmation_seconds: 60.0,
            dry_run_seconds: 60.0,
            last_seconds: 60.0,
            quote_age_seconds: 15.0,
            clock_skew_seconds: 30.0,
            spread_share: Decimal::new(10, 2),
            spread_dollars: Decimal::new(30, 2),
            contracts_per_leg: 10,
            contracts_per_order: 20,
            notional: 1_000_000.0,
            collar_spread_share: Decimal::new(50, 2),
            collar_mid_share: Decimal::new(5, 2),
            collar_ticks: 2,
            reserve_share: 0.10,
            duplicate_seconds: 60.0,
            orders_per_minute: 6,
            orders_per_day: 50,
            replacements_per_minute: 12,
            replacements_per_day: 500,
            open_orders: 20,
            open_loss_share: 0.10,
        }
    }
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{what} is {found}: it must be {wanted}; take the default by leaving it out of `orders:`")]
pub struct BadControl {
    pub what: &'static str,
    pub found: String,
    pub wanted: &'static str,
}

impl ControlConfig {
    /// A figure that is zero, negative or no number blocks everything or nothing: neither is a setting.
    pub fn validated(self) -> Result<Self, BadControl> {
        for (what, seconds) in [
            ("confirmation_seconds", self.confirmation_seconds),
            ("dry_run_seconds", self.dry_run_seconds),
            ("last_seconds", self.last_seconds),
            ("quote_age_seconds", self.quote_age_seconds),
            ("clock_skew_seconds", self.clock_skew_seconds),
            ("duplicate_seconds", self.duplicate_seconds),
            ("notional", self.notional),
        ] {
            if !seconds.is_finite() || seconds <= 0.0 {
                return Err(bad(what, seconds, "a positive number"));
            }
        }
        for (what, share) in [("reserve", self.reserve_share), ("open_loss", self.open_loss_share)] {
            if !(0.0..=1.0).contains(&share) {
                return Err(bad(what, share, "a share between 0 and 1"));
            }
        }
        for (what, figure) in [
            ("spread", self.spread_share),
            ("spread_dollars", self.spread_dollars),
            ("collar of the spread", self.collar_spread_share),
            ("collar of the mid", self.collar_mid_share),
        ] {
            if figure <= Decimal::ZERO {
                return Err(bad(what, figure, "more than nothing"));
            }
        }
        for (what, count) in [
            ("contracts_per_leg", self.contracts_per_leg),
            ("contracts_per_order", self.contracts_per_order),
            ("collar_ticks", self.collar_ticks),
            ("orders_per_minute", self.orders_per_minute),
            ("orders_per_day", self.orders_per_day),
            ("replacements_per_minute", self.replacements_per_minute),
            ("replacements_per_day", self.replacements_per_day),
            ("open_orders", self.open_orders),
        ] {
            if count == 0 {
                return Err(bad(what, count, "at least one"));
            }
        }
        Ok(self)
    }
}

fn bad(what: &'static str, found: impl ToString, wanted: &'static str) -> BadControl {
    BadControl { what, found: found.to_string(), wanted }
}
