//! From a trade to the order that opens or closes it: legs, sides, the net price at mid and at the natural
//! side, and how the limit may give way. Nothing is sent from here.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::domain::freshness::{Standing, Unusable};
use crate::domain::order::{Exit, NetPrice, OrderAction, OrderFor, OrderLeg, Ticket, TimeInForce, Walk};
use crate::domain::{AccountId, Instrument, Leg, Money, OrderRef, Refusal, Trade};
use crate::market::view::MarketView;
use crate::risk::controls::{LegFacts, Package, QuoteFacts, QuoteSource, TickSize, package, stop_room, tick};

/// Opening: the legs as the trade intends them. Closing: what is held, the other way round.
pub fn legs(trade: &Trade, closing: bool) -> Result<Vec<OrderLeg>, Refusal> {
    let not_whole = || Refusal::NotOrderable { why: "a leg is not a whole number of contracts".to_owned() };
    trade
        .legs
        .iter()
        .filter(|leg| !leg.quantity.is_zero())
        .map(|leg| {
            let quantity = leg.quantity.abs();
            let whole =
                quantity.fract().is_zero().then(|| quantity.to_u32()).flatten().ok_or_else(not_whole)?;
            let action = match (closing, leg.quantity.is_sign_positive()) {
                (false, true) => OrderAction::BuyToOpen,
                (false, false) => OrderAction::SellToOpen,
                (true, true) => OrderAction::SellToClose,
                (true, false) => OrderAction::BuyToClose,
            };
            Ok(OrderLeg { instrument: leg.instrument.clone(), action, quantity: whole })
        })
        .collect()
}

/// What the market says of each leg. What is held of it and closed elsewhere the caller knows.
pub fn leg_facts(ticket: &Ticket, market: &MarketView) -> Vec<LegFacts> {
    ticket
        .legs
        .iter()
        .map(|leg| LegFacts {
            quote: quote_facts(&leg.instrument, market),
            ticks: ticks(&leg.instrument, market),
            held: None,
            closing_elsewhere: None,
        })
        .collect()
}

fn quote_facts(instrument: &Instrument, market: &MarketView) -> Option<QuoteFacts> {
    let quote = market.raw_quote(instrument)?;
    let age = market.quote_age_seconds(instrument);
    let standing = match age {
        _ if market.quote_is_live(instrument) => Standing::Live,
        Some(age_seconds) => Standing::StaleSeconds(age_seconds),
        None => Standing::Unusable(Unusable::Missing),
    };
    Some(QuoteFacts {
        bid: quote.bid,
        ask: quote.ask,
        standing,
        // Whole seconds, far below 2^52.
        age_seconds: age.map(|age| age as f64),
        source: if market.stream_is_live() { QuoteSource::Stream } else { QuoteSource::Read },
    })
}

/// As the chain tells them, else the exchanges' usual increments: cents below three dollars and nickels above, cents throughout in the penny
/// program's three funds; shares in cents, below a dollar in hundredths of one.
fn ticks(instrument: &Instrument, market: &MarketView) -> Vec<TickSize> {
    let told = instrument.option().map_or(&[][..], |contract| market.increments(contract));
    if !told.is_empty() {
        return told.iter().map(|told| TickSize { below: told.below, tick: told.tick }).collect();
    }
    let size = |below: Option<i64>, mantissa: i64, scale: u32| TickSize {
        below: below.map(Decimal::from),
        tick: Decimal::new(mantissa, scale),
    };
    match instrument {
        Instrument::Option(contract) if PENNY_AT_ANY_PRICE.contains(&contract.root.as_str()) => {
            vec![size(None, 1, 2)]
        }
        Instrument::Option(_) => vec![size(Some(3), 1, 2), size(None, 5, 2)],
        Instrument::Equity(_) => vec![size(Some(1), 1, 4), size(None, 1, 2)],
        Instrument::Index(_) => Vec::new(),
    }
}

const PENNY_AT_ANY_PRICE: [&str; 3] = ["SPY", "QQQ", "IWM"];

/// Mid and natural of an order. `None` unless every leg has a live quote with two sides: nothing is priced on
/// half of one.
pub fn prices(ticket: &Ticket, market: &MarketView) -> Option<Package> {
    let legs = leg_facts(ticket, market);
    let live =
        legs.iter().all(|leg| leg.quote.as_ref().is_some_and(|quote| quote.standing == Standing::Live));
    package(ticket, &legs).filter(|_| live)
}

/// Dollars that an opening order of the trade would cost more at its worst acceptable price than its legs cost as they
/// stand in it; `None` without a live market.
pub fn worse_by(trade: &Trade, market: &MarketView) -> Option<f64> {
    // Never sent: it only asks for its price.
    let (reference, account) = (OrderRef(trade.id.0), AccountId(trade.id.0));
    let (ticket, walk) = ticket(reference, trade, account, OrderFor::Open, Limit::Walks, market).ok()?;
    let booked: Money = trade.legs.iter().map(Leg::cost).sum::<Option<Money>>()?;
    Some((ticket.cost_at(walk?.worst)? - booked).to_f64())
}

/// To the tick on our side: a limit is never rounded to a worse price than was meant.
fn on_tick(price: NetPrice, tick: Decimal) -> NetPrice {
    NetPrice((price.0 / tick).ceil() * tick)
}

/// To the tick on the other side.
fn past_tick(price: NetPrice, tick: Decimal) -> NetPrice {
    NetPrice((price.0 / tick).floor() * tick)
}

/// From mid toward the natural side, a tick or a few at a time: packages two fifths of the way, about where they trade
/// without giving the whole spread away; a single leg half of it, because nothing in it offsets. The last step takes
/// the tick that reaches it, and never passes the natural side.
fn walk(prices: &Package, tick: Decimal, legs: usize) -> Walk {
    let start = on_tick(prices.mid, tick);
    let half_spread = prices.mid.0 - prices.natural.0;
    let share = if legs == 1 { Decimal::new(5, 1) } else { Decimal::new(4, 1) };
    let wanted = past_tick(NetPrice(prices.mid.0 - half_spread * share), tick);
    let worst = wanted.max(on_tick(prices.natural, tick)).min(start);
    let ticks = ((start.0 - worst.0) / tick).to_u32().unwrap_or(0).max(1);
    let stride = ticks.div_ceil(MOST_STEPS).max(1);
    Walk {
        start,
        worst,
        step: tick * Decimal::from(stride),
        every_seconds: STEP_SECONDS,
        for_seconds: STEP_SECONDS * (ticks.div_ceil(stride) + 2),
    }
}

const MOST_STEPS: u32 = 8;
const STEP_SECONDS: u32 = 15;

/// Where the limit of a new order stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// At mid, and gives way from there.
    Walks,
    /// There, for the day.
    At(NetPrice),
    /// There or on the next tick on our side, until it is filled or cancelled.
    Rests(NetPrice),
}

/// The exit that begins to work at `stop`, until cancelled, with a limit a little past it: a market that jumps over
/// that limit leaves it unfilled.
pub fn stop_limit(
    reference: OrderRef,
    trade: &Trade,
    account: AccountId,
    stop: NetPrice,
    market: &MarketView,
) -> Result<Exit, Refusal> {
    let (mut ticket, _) =
        self::ticket(reference, trade, account, OrderFor::RestExit, Limit::Rests(stop), market)?;
    let stop = ticket.limit;
    let facts = leg_facts(&ticket, market);
    let size = |ticket: &Ticket| {
        let why = "its tick is not known".to_owned();
        tick(ticket, &facts).ok_or(Refusal::NotOrderable { why })
    };
    ticket.limit = stop.conceding(stop_room(stop, size(&ticket)?));
    ticket.limit = on_tick(ticket.limit, size(&ticket)?).min(stop);
    Ok(Exit { ticket, stop: Some(stop) })
}

/// The order with its limit, and the walk where there is one.
pub fn ticket(
    reference: OrderRef,
    trade: &Trade,
    account: AccountId,
    purpose: OrderFor,
    limit: Limit,
    market: &MarketView,
) -> Result<(Ticket, Option<Walk>), Refusal> {
    let no = |why: String| Refusal::NotOrderable { why };
    let mut ticket = Ticket {
        reference,
        trade: trade.id,
        account,
        legs: legs(trade, purpose.is_closing())?,
        limit: NetPrice::default(),
        time_in_force: TimeInForce::Day,
    };
    ticket.check().map_err(|bad| no(bad.to_string()))?;
    let facts = leg_facts(&ticket, market);
    let no_tick = || no("its tick is not known".to_owned());
    match limit {
        Limit::Walks if market.halted(&trade.underlying) == Some(true) => {
            let symbol = &trade.underlying;
            return Err(no(format!(
                "{symbol} is halted: there is no market to price it on until it trades again"
            )));
        }
        Limit::Walks => {
            let prices =
                prices(&ticket, market).ok_or_else(|| Refusal::StaleMarket(trade.underlying.clone()))?;
            ticket.limit = prices.mid;
            let walk = walk(&prices, tick(&ticket, &facts).ok_or_else(no_tick)?, ticket.legs.len());
            ticket.limit = walk.start;
            return Ok((ticket, Some(walk)));
        }
        Limit::At(limit) => {
            if !limit.is_plausible() {
                return Err(no(format!("{limit} is no price of an option or a share")));
            }
            ticket.limit = limit;
            let size = tick(&ticket, &facts).ok_or_else(no_tick)?;
            if !(limit.0 / size).fract().is_zero() {
                return Err(no(format!("the limit {limit} is not a multiple of the tick of {size}")));
            }
        }
        Limit::Rests(limit) => {
            ticket.limit = limit;
            ticket.limit = on_tick(limit, tick(&ticket, &facts).ok_or_else(no_tick)?);
            ticket.time_in_force = TimeInForce::Gtc;
            if ticket.limit.0.is_zero() || ticket.limit.is_credit() {
                return Err(no("the price to take its profit at is below a tick".to_owned()));
            }
        }
    }
    Ok((ticket, None))
}
