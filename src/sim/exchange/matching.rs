//! Whether, how much and at which prices an order meets the market: the natural price at once, better
//! prices with a chance that falls with what is asked beyond it and with the width of the market.
//!
//! Never: fills without a market to trade against, gives a price beyond the limit, keeps anything.

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};

use crate::domain::Instrument;
use crate::domain::time::Timestamp;

use super::super::world::noise::Noise;
use super::super::world::value::TwoSided;
use super::super::world::{Market, parts_of};
use super::order::{Leg, size_of};

/// How readily the simulated venue trades better than the natural price.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FillModel {
    /// Fills per second of an order just short of the natural price in a narrow market.
    pub rate: f64,
    /// How fast that falls towards the middle, where it is `exp(-decay)` of it.
    pub decay: f64,
    /// How much a market as wide as its own middle slows it.
    pub width: f64,
    /// Share of executions better than the natural price that take the whole order; the others take a part.
    pub whole: f64,
    /// Share of executions at the natural price that take only a part.
    pub cut: f64,
    /// Share of executions better than the natural price, of orders with several legs, whose legs trade one by one:
    /// for seconds what is held is not what was ordered.
    pub legged: f64,
    /// Share of executions of orders with several legs in which one leg is never traded.
    pub leg_out: f64,
    /// Share of orders that fill while their cancel is under way.
    pub fill_on_cancel: f64,
}

impl Default for FillModel {
    fn default() -> Self {
        Self {
            rate: 0.5,
            decay: 3.5,
            width: 8.0,
            whole: 0.7,
            cut: 0.0,
            legged: 0.2,
            leg_out: 0.0,
            fill_on_cancel: 0.0,
        }
    }
}

/// Taken for a size that nobody recorded.
const UNKNOWN_SIZE: f64 = 10.0;

pub fn quote(market: &dyn Market, instrument: &Instrument, at: Timestamp) -> Option<TwoSided> {
    match instrument {
        Instrument::Equity(symbol) | Instrument::Index(symbol) => market.print(symbol.as_str(), at)?.quote,
        Instrument::Option(contract) => Some(market.option(&parts_of(contract), at)?.quote),
    }
}

/// One leg against the market: per unit of the order, and per share or contract.
#[derive(Debug, Clone, Copy)]
struct Side {
    /// Contracts or shares per unit; negative where sold.
    ratio: f64,
    near: f64,
    middle: f64,
}

/// A whole order against the market. Costs are per unit, negative for a credit.
#[derive(Debug, Clone)]
pub struct Package {
    sides: Vec<Side>,
    pub natural: f64,
    pub middle: f64,
    /// Units that the displayed sizes would take at once.
    pub depth: f64,
}

impl Package {
    /// `None` where a leg has nobody to trade with.
    pub fn of(market: &dyn Market, legs: &[Leg], at: Timestamp) -> Option<Self> {
        let size = size_of(legs).to_f64().filter(|size| *size > 0.0)?;
        let mut package = Self { sides: Vec::new(), natural: 0.0, middle: 0.0, depth: f64::INFINITY };
        for leg in legs {
            let quote = quote(market, &leg.instrument, at)?;
            let per_unit = leg.quantity.to_f64()? / size;
            let (near, shown, ratio) = if leg.action.is_buy() {
                (quote.ask, quote.ask_size, per_unit)
            } else {
                (quote.bid, quote.bid_size, -per_unit)
            };
            if !near.is_finite() || near <= 0.0 {
                return None;
            }
            let middle = if quote.mid().is_finite() { quote.mid() } else { near };
            package.natural += ratio * near;
            package.middle += ratio * middle;
            let shown = if shown.is_finite() { shown } else { UNKNOWN_SIZE };
            package.depth = package.depth.min(shown / per_unit);
            package.sides.push(Side { ratio, near, middle });
        }
        Some(package)
    }

    /// Prices of the legs that make up a cost per unit: each leg as far from its middle as the others.
    pub fn leg_prices(&self, cost: f64) -> Vec<Decimal> {
        let gap = self.natural - self.middle;
        let share = if gap.abs() < 1e-9 { 1.0 } else { (cost - self.middle) / gap };
        let exact = |side: &Side| side.middle + share * (side.near - side.middle);
        let mut prices: Vec<f64> =
            self.sides.iter().map(|side| ((exact(side) * 100.0).round() / 100.0).max(0.0)).collect();
        // What rounding left goes where it changes the price least: onto the leg of the greatest price.
        let spent: f64 = self.sides.iter().zip(&prices).map(|(side, price)| side.ratio * price).sum();
        let rest = cost - spent;
        let rich = (0..prices.len()).max_by(|a, b| prices[*a].total_cmp(&prices[*b]));
        if let Some(index) = rich.filter(|_| rest.abs() > 1e-9) {
            prices[index] += rest / self.sides[index].ratio;
        }
        prices.iter().map(|price| Decimal::from_f64(*price).unwrap_or_default().round_dp(6)).collect()
    }
}

/// How the legs of an execution trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Legs {
    Together,
    /// The first at once, each other one seconds after the one before.
    OneByOne,
    /// All but one.
    Apart,
}

/// An execution: how many units, at which cost each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Execution {
    pub units: Decimal,
    pub cost: f64,
    pub legs: Legs,
}

/// What happens in a span of `seconds`. `noise` belongs to this order and this span alone.
pub fn meet(
    package: &Package,
    limit: Option<f64>,
    open: Decimal,
    seconds: f64,
    model: &FillModel,
    noise: Noise,
) -> Option<Execution> {
    let depth = Decimal::from_f64(package.depth.floor().max(1.0)).unwrap_or(Decimal::ONE);
    let most = if open < Decimal::ONE { open } else { open.min(depth) };
    let some_of_it = || {
        let part = Decimal::from_f64(noise.of(3).uniform()).unwrap_or_default() * most;
        part.ceil().min(most)
    };
    let legs = |legged: f64| match noise.of(5).uniform() {
        _ if package.sides.len() < 2 => Legs::Together,
        draw if draw < model.leg_out => Legs::Apart,
        _ if noise.of(6).uniform() < legged => Legs::OneByOne,
        _ => Legs::Together,
    };
    // At the natural price each leg meets its own market.
    let at_natural = || {
        let is_cut = most > Decimal::ONE && noise.of(4).uniform() < model.cut;
        let units = if is_cut { some_of_it().min(most - Decimal::ONE) } else { most };
        Some(Execution { units, cost: package.natural, legs: legs(0.0) })
    };
    let Some(limit) = limit else { return at_natural() };
    // A hair for the binary spelling of decimal prices.
    if limit >= package.natural - 1e-6 {
        return at_natural();
    }
    let gap = package.natural - package.middle;
    if gap <= 1e-9 || limit < package.middle - 1e-6 {
        return None;
    }
    let asked = ((package.natural - limit) / gap).clamp(0.0, 1.0);
    let width = gap / package.middle.abs().max(0.25);
    let rate = model.rate * (-model.decay * asked).exp() / (1.0 + model.width * width);
    if noise.of(1).uniform() >= 1.0 - (-rate * seconds).exp() {
        return None;
    }
    let units = if noise.of(2).uniform() < model.whole { most } else { some_of_it() };
    Some(Execution { units, cost: limit, legs: legs(model.legged) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(sides: &[(f64, f64, f64)]) -> Package {
        let sides: Vec<Side> = sides
            .iter()
            .map(|(ratio, near, middle)| Side { ratio: *ratio, near: *near, middle: *middle })
            .collect();
        let sum = |f: fn(&Side) -> f64| sides.iter().map(f).sum::<f64>();
        Package {
            natural: sum(|s| s.ratio * s.near),
            middle: sum(|s| s.ratio * s.middle),
            depth: 10.0,
            sides,
        }
    }

    fn spread() -> Package {
        // Sells at 3.00 (middle 3.10), buys at 2.00 (middle 1.90): a credit of 1.00, middle 1.20.
        package(&[(-1.0, 3.0, 3.1), (1.0, 2.0, 1.9)])
    }

    fn rate(limit: f64) -> f64 {
        let (spread, model) = (spread(), FillModel::default());
        let filled = (0..4_000)
            .filter(|k| meet(&spread, Some(limit), Decimal::ONE, 1.0, &model, Noise::new(*k)).is_some());
        filled.count() as f64 / 4_000.0
    }

    #[test]
    fn the_natural_price_fills_at_once_and_gives_no_more() {
        let fill = meet(&spread(), Some(-0.9), 3.into(), 1.0, &FillModel::default(), Noise::new(1)).unwrap();
        assert!((fill.cost + 1.0).abs() < 1e-9, "the market's price, not the worse limit: {}", fill.cost);
        assert_eq!(fill.units, Decimal::from(3));
    }

    #[test]
    fn asking_for_more_takes_longer_and_beyond_the_middle_nothing_comes() {
        let (near, half, middle, beyond) = (rate(-1.02), rate(-1.1), rate(-1.2), rate(-1.21));
        assert!(near > 2.0 * half && half > 2.0 * middle && middle > 0.0, "{near} {half} {middle}");
        assert_eq!(beyond, 0.0);
    }

    #[test]
    fn a_wide_market_is_slower() {
        let wide = package(&[(-1.0, 2.0, 3.1), (1.0, 3.0, 1.9)]);
        let model = FillModel::default();
        let count = |p: &Package, limit: f64| {
            (0..4_000)
                .filter(|k| meet(p, Some(limit), Decimal::ONE, 1.0, &model, Noise::new(*k)).is_some())
                .count()
        };
        // Both ask for half of the way to the middle.
        assert!(count(&spread(), -1.1) > 2 * count(&wide, -0.1));
    }

    #[test]
    fn depth_bounds_an_execution() {
        let fill = meet(&spread(), None, 50.into(), 1.0, &FillModel::default(), Noise::new(1)).unwrap();
        assert_eq!(fill.units, Decimal::from(10));
    }

    #[test]
    fn leg_prices_add_up_to_the_cost() {
        let ratio = package(&[(-2.0, 3.05, 3.11), (1.0, 7.4, 7.33), (1.0, 0.35, 0.325)]);
        for cost in [ratio.natural, ratio.middle, 0.5 * (ratio.natural + ratio.middle)] {
            let prices = ratio.leg_prices(cost);
            let sum: f64 = ratio.sides.iter().zip(&prices).map(|(s, p)| s.ratio * p.to_f64().unwrap()).sum();
            assert!((sum - cost).abs() < 1e-5, "{cost} {sum} {prices:?}");
        }
    }
}
