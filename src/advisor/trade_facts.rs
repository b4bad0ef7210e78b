//! One trade at the market: what it is worth, what it has made, what its exit rule says, what threatens it.
//! Panel 4 and the blotter read the same facts.

use std::ops::Add;

use chrono::Datelike;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::exit_rules::{self, ExitFacts, ExitReading};
use super::held::{Held, HeldExit};
use crate::booking::odds::{self, NoOdds};
use crate::booking::profile;
use crate::containers::Containers;
use crate::domain::order::NetPrice;
use crate::domain::portfolio::ExitProfile;
use crate::domain::time::{days_to, new_york_date};
use crate::domain::trade::TradeOdds;
use crate::domain::units::{PerDay, PerVolPoint, Shares};
use crate::domain::{
    ExerciseStyle, Instrument, Leg, Money, OptionContract, Price, Reading, Refusal, Right, Trade,
    TradingDate, label,
};
use crate::market::view::MarketView;
use crate::pricing::payoff::Payoff;
use crate::risk::valuation::{self, LegValue, Total};

#[derive(Debug, Clone)]
pub struct TradeFacts<'a> {
    pub trade: &'a Trade,
    pub label: String,
    pub lots: Decimal,
    pub legs: Vec<LegValue>,
    pub value: Total,
    /// Of a trade on paper less its fees.
    pub day: Total,
    pub open: Total,
    /// What trading it on paper would have cost, estimated; `None`: not traded on paper.
    pub fees: Option<Money>,
    /// Per unit, without sign.
    pub entry: Option<Price>,
    pub mark: Reading<Price>,
    pub payoff: Option<Payoff>,
    pub odds: Result<Reading<TradeOdds>, NoOdds>,
    pub nearest_expiry: Option<TradingDate>,
    pub days: Option<i64>,
    pub exit: Option<ExitReading>,
    /// Open P&L of the whole structure in percent of the most it can make.
    pub percent_of_max: Reading<f64>,
    pub dividend: Option<DividendThreat>,
    pub assignment: Option<AssignmentThreat>,
    /// How far a leg of the nearest expiry is in the money, where that is no assignment.
    pub exercise: Option<f64>,
}

impl TradeFacts<'_> {
    /// Where its exit rule takes its profit, as the price of an order.
    pub fn exit_price(&self) -> Result<NetPrice, Refusal> {
        let target = self.exit.as_ref().and_then(|exit| exit.target.as_ref());
        let why = "its exit rule names no price to buy it back at: x closes it at the market's";
        target.map(|target| NetPrice(-target.0)).ok_or_else(|| Refusal::NotOrderable { why: why.to_owned() })
    }
}

/// A short call whose remaining time value is below the coming dividend may be exercised for it.
#[derive(Debug, Clone, PartialEq)]
pub struct DividendThreat {
    pub ex_date: TradingDate,
    pub amount: f64,
    pub estimated: bool,
    /// Per share; `None` while the call has no mark.
    pub time_value: Option<f64>,
    pub call: String,
}

/// A short American option in the money near its expiry.
#[derive(Debug, Clone, PartialEq)]
pub struct AssignmentThreat {
    pub leg: String,
    pub days: i64,
    pub in_the_money: f64,
}

/// Ex-dates this near are worth a row.
const DIVIDEND_DAYS: i64 = 14;
/// A time value this many times the dividend is no threat any more.
const CLEARS_ABOVE: f64 = 1.1;
/// Expiries this near are.
pub const EXPIRY_DAYS: i64 = 7;

pub fn of<'a>(trade: &'a Trade, books: &Containers, market: &MarketView, held: &Held) -> TradeFacts<'a> {
    let year = new_york_date(market.now()).year();
    let legs: Vec<LegValue> =
        trade.legs.iter().map(|leg| valuation::leg(leg, trade.opened_at, market)).collect();
    let lots = label::lots(trade.strategy, &trade.legs);
    let value: Total = legs.iter().map(|leg| &leg.value).collect();
    let mut day: Total = legs.iter().map(|leg| &leg.day).collect();
    let mut open: Total = legs.iter().map(|leg| &leg.open).collect();
    let nearest_expiry = options(trade).map(|(_, option)| option.expiry).min();
    let days = nearest_expiry.map(|expiry| days_to(expiry, market.now()));
    let payoff = profile::at_expiry(&trade.legs);
    let quoted = quoted_legs(trade);
    let multiplier = quoted.first().map_or(1, |leg| leg.instrument.multiplier());
    let per_unit = |total: Money| valuation::per_unit(total, lots, multiplier);
    let entry = quoted.iter().map(|leg| leg.cost()).sum::<Option<Money>>().and_then(per_unit);
    let mark = quoted_value(trade, &quoted, &legs).whole();
    let mark = match mark {
        Reading::Unusable { why } => Reading::Unusable { why },
        known => match per_unit(known.known().copied().unwrap_or_default()) {
            Some(price) => known.map(|_| price),
            None => Reading::Unusable { why: crate::domain::freshness::Unusable::Dependent },
        },
    };
    let held_exit = held.exits.get(&trade.id);
    let exit = exit(trade, books, market, payoff.as_ref(), &open, entry, nearest_expiry, days, held_exit);
    let most = payoff.as_ref().and_then(|payoff| payoff.max_profit).and_then(Money::from_f64);
    let fees = fees(trade, books);
    open.sum = open.sum - fees.unwrap_or_default();
    if fees.is_some() {
        let today = new_york_date(market.now());
        day.sum = day.sum - books.estimated_fees(trade.id, |at| new_york_date(at) == today);
    }
    TradeFacts {
        fees,
        label: label::structure(trade.strategy, &trade.legs, year),
        lots,
        value,
        day,
        open,
        entry,
        mark,
        nearest_expiry,
        days,
        exit,
        percent_of_max: percent_of_max(open.whole(), most.filter(|_| trade.is_open())),
        dividend: dividend(trade, market, year, held.dividends.contains(&trade.id)),
        assignment: assignment(trade, market, year),
        exercise: exercise(trade, market, nearest_expiry),
        payoff,
        odds: odds::of(&trade.legs, market),
        legs,
        trade,
    }
}

/// On paper nobody bills them: they are estimated, and part of what the trade has made.
fn fees(trade: &Trade, books: &Containers) -> Option<Money> {
    trade.account.filter(|account| account.is_paper()).map(|_| books.estimated_fees(trade.id, |_| true))
}

/// What an open trade has made at the market, without the rest that `of` finds out.
pub fn open_pnl(trade: &Trade, books: &Containers, market: &MarketView) -> Total {
    let mut total = Total::default();
    for leg in &trade.legs {
        total.add(&valuation::leg(leg, trade.opened_at, market).open);
    }
    total.sum = total.sum - fees(trade, books).unwrap_or_default();
    total
}

fn options(trade: &Trade) -> impl Iterator<Item = (&Leg, &OptionContract)> {
    trade.legs.iter().filter_map(|leg| leg.instrument.option().map(|option| (leg, option)))
}

/// What a trader quotes of a structure: its options, or its shares where there are none.
fn quoted_legs(trade: &Trade) -> Vec<&Leg> {
    let options: Vec<&Leg> = options(trade).map(|(leg, _)| leg).collect();
    if options.is_empty() { trade.legs.iter().collect() } else { options }
}

fn quoted_value(trade: &Trade, quoted: &[&Leg], values: &[LegValue]) -> Total {
    trade
        .legs
        .iter()
        .zip(values)
        .filter(|(leg, _)| quoted.iter().any(|quoted| std::ptr::eq(*quoted, *leg)))
        .map(|(_, value)| &value.value)
        .collect()
}

#[expect(clippy::too_many_arguments, reason = "the pieces of one trade, each computed once by the caller")]
fn exit(
    trade: &Trade,
    books: &Containers,
    market: &MarketView,
    payoff: Option<&Payoff>,
    open: &Total,
    entry: Option<Price>,
    expiry: Option<TradingDate>,
    days: Option<i64>,
    held: Option<&HeldExit>,
) -> Option<ExitReading> {
    if !trade.is_open() {
        return None;
    }
    expiry?;
    let profile = trade
        .portfolio
        .and_then(|id| books.portfolio(id))
        .map_or(ExitProfile::Conservative, |portfolio| portfolio.exit);
    let entry_days = expiry.map(|expiry| days_to(expiry, trade.opened_at));
    let is_credit =
        options(trade).map(|(leg, _)| leg.cost()).sum::<Option<Money>>().is_some_and(Money::is_negative);
    let option_only = options(trade).count() == trade.legs.len();
    let max_profit = payoff
        .filter(|_| option_only)
        .and_then(|payoff| payoff.max_profit)
        .and_then(Money::from_f64)
        .or_else(|| credit_of_options(trade).filter(|_| !option_only));
    let open_pnl = if option_only { open.whole() } else { option_pnl(trade, market).whole() };
    let facts = ExitFacts {
        strategy: trade.strategy,
        profile,
        entry_days,
        days,
        expiry,
        max_profit,
        open_pnl: open_pnl.known().copied(),
        live: open_pnl.is_live(),
        covered: !option_only,
        credit: entry.filter(|_| is_credit),
    };
    Some(exit_rules::read(&facts, held))
}

fn percent_of_max(open: Reading<Money>, most: Option<Money>) -> Reading<f64> {
    let unknown = Reading::Unusable { why: crate::domain::freshness::Unusable::Dependent };
    match open.known().and_then(|pnl| exit_rules::share(Some(*pnl), most)) {
        Some(percent) => open.map(|_| percent),
        None => unknown,
    }
}

/// Covered stock is closed by its option: the most it can bring is the credit.
fn credit_of_options(trade: &Trade) -> Option<Money> {
    let cost = options(trade).map(|(leg, _)| leg.cost()).sum::<Option<Money>>()?;
    cost.is_negative().then_some(-cost)
}

fn option_pnl(trade: &Trade, market: &MarketView) -> Total {
    let mut total = Total::default();
    for (leg, _) in options(trade) {
        total.add(&valuation::leg(leg, trade.opened_at, market).open);
    }
    total
}

fn short_options(trade: &Trade) -> impl Iterator<Item = (&Leg, &OptionContract)> {
    options(trade).filter(|(leg, _)| leg.quantity.is_sign_negative() && !leg.quantity.is_zero())
}

/// `held`: it was a threat in the picture before, and stays one until the time value is well above.
fn dividend(trade: &Trade, market: &MarketView, year: i32, held: bool) -> Option<DividendThreat> {
    let coming = market.next_dividend(&trade.underlying)?;
    let days = days_to(coming.ex_date, market.now());
    if !trade.is_open() || !(1..=DIVIDEND_DAYS).contains(&days) {
        return None;
    }
    let spot = *market.spot(&trade.underlying).known()?;
    let enough = coming.amount * if held { CLEARS_ABOVE } else { 1.0 };
    short_options(trade)
        .filter(|(_, option)| {
            option.right == Right::Call
                && option.style == ExerciseStyle::American
                && option.expiry >= coming.ex_date
        })
        .filter_map(|(leg, option)| {
            let intrinsic = (spot - option.strike.to_f64()?).max(0.0);
            let time_value = market.mark(&leg.instrument).known().map(|mark| mark.to_f64() - intrinsic);
            let at_risk = intrinsic > 0.0 && time_value.is_none_or(|value| value < enough);
            at_risk.then(|| DividendThreat {
                ex_date: coming.ex_date,
                amount: coming.amount,
                estimated: coming.estimated,
                time_value,
                call: label::leg(&leg.instrument, year),
            })
        })
        .next()
}

fn assignment(trade: &Trade, market: &MarketView, year: i32) -> Option<AssignmentThreat> {
    if !trade.is_open() {
        return None;
    }
    let spot = *market.spot(&trade.underlying).known()?;
    short_options(trade)
        .filter(|(_, option)| option.style == ExerciseStyle::American)
        .filter_map(|(leg, option)| {
            let days = days_to(option.expiry, market.now());
            let in_the_money = option.right.sign() * (spot - option.strike.to_f64()?);
            (in_the_money > 0.0 && (0..=EXPIRY_DAYS).contains(&days)).then(|| AssignmentThreat {
                leg: label::leg(&leg.instrument, year),
                days,
                in_the_money,
            })
        })
        .min_by_key(|threat| threat.days)
}

fn exercise(trade: &Trade, market: &MarketView, nearest: Option<TradingDate>) -> Option<f64> {
    let spot = *market.spot(&trade.underlying).known()?;
    options(trade)
        .filter(|(_, option)| Some(option.expiry) == nearest)
        .filter_map(|(_, option)| Some(option.right.sign() * (spot - option.strike.to_f64()?)))
        .filter(|by| *by > 0.0)
        .max_by(f64::total_cmp)
}

pub fn is_non_standard(instrument: &Instrument) -> bool {
    instrument.option().is_some_and(|option| !option.is_standard())
}

/// Position Greeks by our own model.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ModelGreeks {
    pub delta_shares: Shares,
    pub theta_day: PerDay,
    pub vega_point: PerVolPoint,
}

impl Add for ModelGreeks {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            delta_shares: self.delta_shares + other.delta_shares,
            theta_day: self.theta_day + other.theta_day,
            vega_point: self.vega_point + other.vega_point,
        }
    }
}

/// One leg's, whether it counts anywhere or not.
pub fn model_greeks(leg: &Leg, market: &MarketView) -> Reading<ModelGreeks> {
    let size = leg.quantity.to_f64().unwrap_or(f64::NAN) * f64::from(leg.instrument.multiplier());
    match &leg.instrument {
        Instrument::Equity(_) | Instrument::Index(_) => market
            .spot(leg.instrument.underlying())
            .map(|_| ModelGreeks { delta_shares: Shares(size), ..ModelGreeks::default() }),
        Instrument::Option(_) => {
            let reading = market.option(&leg.instrument);
            reading.inputs.map(|inputs| {
                let unit = reading.exercise.greeks(&inputs);
                ModelGreeks {
                    delta_shares: Shares(unit.delta * size),
                    theta_day: unit.theta_day.times(size),
                    vega_point: unit.vega_point.times(size),
                }
            })
        }
    }
}

/// A whole structure's from those of its legs: unknown while one is, and without any.
pub fn sum_of_greeks(legs: &[Reading<ModelGreeks>]) -> Reading<ModelGreeks> {
    let none = match legs.is_empty() {
        true => Reading::Unusable { why: crate::domain::freshness::Unusable::Missing },
        false => Reading::Live { value: ModelGreeks::default() },
    };
    legs.iter().fold(none, |sum, leg| sum.zip(*leg).map(|(sum, leg)| sum + leg))
}
