//! What is live, what is stale, what cannot be used; and where an option's inputs come from.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{Days, NaiveDate, NaiveTime, TimeDelta};
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::domain::instrument::style_of_root;
use crate::domain::time::new_york;
use crate::domain::{Bar, OptionContract, Right, Settlement, TermState};
use crate::market::board::Board;
use crate::market::history::Single;
use crate::market::update::{
    ChainStrike, DaySummary, Expiration, Link, LinkState, MarketUpdate, RawTrade, UnderlyingMetrics,
};
use crate::pricing::{Exercise, OptionInputs, price};

mod liveness;
mod vols;

const LIVE: Source = Source::Stream(Epoch(1));

/// The instant of the worked examples.
fn now() -> Timestamp {
    let date = NaiveDate::from_ymd_opt(2026, 11, 20).expect("a date");
    new_york(date, NaiveTime::from_hms_opt(10, 30, 0).expect("a time"))
}

fn symbol(text: &str) -> Symbol {
    Symbol::new(text).expect("a symbol")
}

fn share(text: &str) -> Instrument {
    Instrument::Equity(symbol(text))
}

fn option(root: &str, right: Right, strike: i64) -> Instrument {
    let underlying = if root == "SPXW" { "SPX" } else { root };
    Instrument::Option(Arc::new(OptionContract {
        underlying: symbol(underlying),
        root: symbol(root),
        expiry: NaiveDate::from_ymd_opt(2026, 12, 18).expect("a date"),
        right,
        strike: Decimal::from(strike),
        settlement: Settlement::Pm,
        style: style_of_root(root),
        multiplier: 100,
    }))
}

fn board() -> Board {
    let mut board = Board::default();
    board.link(Link::MarketStream, LinkState::Up { epoch: Epoch(1) }, now());
    board
}

fn config() -> MarketConfig {
    let mut config = MarketConfig::new(RateCurve::flat(0.04).expect("a curve"), symbol("SPY"));
    let yielding = UnderlyingOverride { dividend_yield: Some(0.012), ..Default::default() };
    config.overrides.insert(symbol("SPY"), yielding);
    config
}

fn dollars(value: f64) -> Price {
    Price::from_f64(value).expect("a price")
}

fn quote(board: &mut Board, instrument: &Instrument, bid: f64, ask: f64, source: Source) {
    let quote = RawQuote {
        bid: Some(dollars(bid)),
        ask: Some(dollars(ask)),
        bid_size: None,
        ask_size: None,
        at: None,
        received: now(),
    };
    board.apply(MarketUpdate::Quote { instrument: instrument.clone(), quote, source });
}

fn trade(board: &mut Board, instrument: Instrument, last: f64) {
    let trade = RawTrade { price: Some(dollars(last)), at: None, received: now() };
    board.apply(MarketUpdate::Trade { instrument, trade, source: LIVE });
}

fn view(board: &Board) -> MarketView {
    board.view(now(), &config())
}

#[test]
fn a_value_read_once_is_live_for_fifteen_seconds() {
    let mut board = Board::default();
    quote(&mut board, &share("SPY"), 599.9, 600.1, Source::Read);
    let at = |seconds| board.view(now() + TimeDelta::seconds(seconds), &config()).spot(&symbol("SPY"));
    assert!(at(15).is_live());
    assert_eq!(at(20), Reading::Stale { value: 600.0, age_seconds: 20 });
}

#[test]
fn bad_quotes_have_reasons_and_no_numbers() {
    let mut board = board();
    let put = option("SPY", Right::Put, 570);
    let mut of = |bid, ask| {
        quote(&mut board, &put, bid, ask, LIVE);
        (view(&board).quote(&put), view(&board).mark(&put))
    };
    let unusable = |why| Reading::Unusable { why };
    assert_eq!(of(2.8, 2.7).0, unusable(Unusable::Crossed));
    assert_eq!(of(2.8, 2.7).1, Reading::Unusable { why: Unusable::Crossed });
    let (quote, mark) = of(0.0, 0.05);
    assert_eq!(quote, unusable(Unusable::ZeroBid));
    assert_eq!(mark, Reading::Live { value: Price(Decimal::new(25, 3)) });
    assert_eq!(of(2.7, 2.8).1, Reading::Live { value: Price(Decimal::new(275, 2)) });
    assert_eq!(view(&Board::default()).mark(&put), Reading::Unusable { why: Unusable::Missing });
    let late = board.view(now() + TimeDelta::days(40), &config());
    assert_eq!(late.mark(&put), Reading::Unusable { why: Unusable::Expired });
    assert_eq!(late.option(&put).inputs, Reading::Unusable { why: Unusable::Expired });
}

#[test]
fn a_share_is_worth_its_last_trade_and_an_index_its_value() {
    let mut board = board();
    quote(&mut board, &share("SPY"), 599.0, 601.0, LIVE);
    trade(&mut board, share("SPY"), 600.5);
    trade(&mut board, Instrument::Index(symbol("VIX")), 17.2);
    let summary = DaySummary { previous_close: Some(dollars(590.0)), ..Default::default() };
    board.apply(MarketUpdate::Summary { instrument: share("SPY"), summary, source: LIVE });
    let view = view(&board);
    assert_eq!(view.spot(&symbol("SPY")), Reading::Live { value: 600.5 });
    assert_eq!(view.spot(&symbol("VIX")), Reading::Live { value: 17.2 });
    assert_eq!(view.previous_close(&share("SPY")), Some(dollars(590.0)));
    let change = *view.day_change(&symbol("SPY")).live().expect("a change");
    assert!((change - (600.5 / 590.0 - 1.0)).abs() < 1e-12);
    assert_eq!(view.spot(&symbol("QQQ")), Reading::Unusable { why: Unusable::Missing });
}

#[test]
fn the_mid_of_the_worked_put_inverts() {
    let mut board = board();
    trade(&mut board, share("SPY"), 600.0);
    let put = option("SPY", Right::Put, 570);
    quote(&mut board, &put, 2.70, 2.80, LIVE);
    let reading = view(&board).option(&put);
    let inputs = reading.inputs.live().expect("live inputs");
    // As a European contract its volatility would be 0.196039982.
    assert!((0.1955..0.196).contains(&inputs.vol_annual), "{}", inputs.vol_annual);
    assert!((reading.exercise.price(inputs) - 2.75).abs() < 1e-7);
    assert!((inputs.tte_years - 0.077_340_182_6).abs() < 1e-10);
    assert_eq!(reading.model, PricingModel::American);
    assert_eq!((reading.vol_source, reading.quality), (VolSource::Mid, Quality::Good));
    let forward = reading.forward.expect("a forward");
    assert_eq!(forward.source, ForwardSource::Carry);
    assert!((forward.value - 601.300_722_934).abs() < 1e-9);
}

#[test]
fn a_stale_spot_makes_the_option_stale() {
    let mut board = Board::default();
    quote(&mut board, &share("SPY"), 599.9, 600.1, Source::Read);
    board.link(Link::MarketStream, LinkState::Up { epoch: Epoch(1) }, now());
    let put = option("SPY", Right::Put, 570);
    quote(&mut board, &put, 2.70, 2.80, LIVE);
    board.alive(Link::MarketStream, now() + TimeDelta::seconds(30));
    let later = board.view(now() + TimeDelta::seconds(30), &config());
    assert!(later.quote(&put).is_live());
    assert!(matches!(later.option(&put).inputs, Reading::Stale { age_seconds: 30, .. }));
}

#[test]
fn without_a_spot_nothing_is_priced() {
    let mut board = board();
    let put = option("SPY", Right::Put, 570);
    quote(&mut board, &put, 2.70, 2.80, LIVE);
    assert_eq!(view(&board).option(&put).inputs, Reading::Unusable { why: Unusable::Dependent });
}

#[test]
fn a_put_that_nobody_bids_for_takes_a_neighbours_volatility_or_the_asks() {
    let mut board = board();
    trade(&mut board, share("SPY"), 600.0);
    let far = option("SPY", Right::Put, 520);
    quote(&mut board, &far, 0.0, 0.05, LIVE);
    let alone = view(&board).option(&far);
    assert_eq!((alone.vol_source, alone.quality), (VolSource::Ask, Quality::ZeroBid));
    let vol = alone.inputs.live().expect("inputs").vol_annual;
    assert!((vol - 0.202_934_653).abs() < 1e-4, "{vol}");

    let (low, high) = (option("SPY", Right::Put, 510), option("SPY", Right::Put, 560));
    for (instrument, vol) in [(&low, 0.30), (&high, 0.25)] {
        let reading = view(&board).option(&far).inputs;
        let like = *reading.known().expect("inputs");
        let strike = instrument.option().and_then(|c| c.strike.try_into().ok()).expect("a strike");
        let worth = Exercise::anytime().price(&OptionInputs { strike, vol_annual: vol, ..like });
        quote(&mut board, instrument, worth - 0.01, worth + 0.01, LIVE);
    }
    let between = view(&board).option(&far);
    assert_eq!(between.vol_source, VolSource::Neighbour);
    let vol = between.inputs.live().expect("inputs").vol_annual;
    assert!((vol - 0.29).abs() < 1e-4, "{vol}");

    // Below three cents a mid is rounding.
    quote(&mut board, &far, 0.01, 0.03, LIVE);
    assert_eq!(view(&board).option(&far).vol_source, VolSource::Neighbour);
}

#[test]
fn a_price_outside_the_bounds_is_named() {
    let mut board = board();
    trade(&mut board, share("SPY"), 600.0);
    let put = option("SPY", Right::Put, 700);
    quote(&mut board, &put, 50.0, 51.0, LIVE);
    assert_eq!(view(&board).option(&put).inputs, Reading::Unusable { why: Unusable::Arbitrage });
}

#[test]
fn an_index_is_priced_off_its_parity_forward() {
    let mut board = board();
    trade(&mut board, Instrument::Index(symbol("SPX")), 6000.0);
    // Quotes made with a forward of 6025 and 17 % volatility.
    let tte =
        view(&board).calendar().tte_years(option("SPXW", Right::Put, 6000).option().expect("one"), now());
    let q = 0.04 - (6025.0f64 / 6000.0).ln() / tte;
    for strike in [5900, 6000, 6025, 6050, 6200] {
        for right in [Right::Call, Right::Put] {
            let worth = price(&OptionInputs {
                right,
                spot: 6000.0,
                strike: strike as f64,
                rate: 0.04,
                dividend_yield: q,
                vol_annual: 0.17,
                tte_years: tte,
            });
            quote(&mut board, &option("SPXW", right, strike), worth - 0.05, worth + 0.05, LIVE);
        }
    }
    let view = view(&board);
    let expiry = NaiveDate::from_ymd_opt(2026, 12, 18).expect("a date");
    let forward = *view.forward(&symbol("SPX"), expiry).live().expect("a forward");
    assert_eq!(forward.source, ForwardSource::Parity);
    assert!((forward.value - 6025.0).abs() < 1e-4, "{}", forward.value);
    let reading = view.option(&option("SPXW", Right::Call, 6200));
    let inputs = reading.inputs.live().expect("inputs");
    assert!((inputs.forward() - forward.value).abs() < 1e-9);
    assert!((inputs.vol_annual - 0.17).abs() < 1e-6, "{}", inputs.vol_annual);
    assert_eq!((reading.model, reading.escrow), (PricingModel::Black76, 0.0));
}

#[test]
fn one_wrong_quote_does_not_move_the_forward() {
    let mut board = board();
    trade(&mut board, Instrument::Index(symbol("SPX")), 600.0);
    let tte =
        view(&board).calendar().tte_years(option("SPXW", Right::Put, 600).option().expect("one"), now());
    // The worked parity: three strikes, one forward.
    for strike in [595, 600, 605] {
        for right in [Right::Call, Right::Put] {
            let worth = price(&OptionInputs {
                right,
                spot: 600.0,
                strike: strike as f64,
                rate: 0.04,
                dividend_yield: 0.012,
                vol_annual: 0.17,
                tte_years: tte,
            });
            quote(&mut board, &option("SPXW", right, strike), worth - 0.05, worth + 0.05, LIVE);
        }
    }
    let expiry = NaiveDate::from_ymd_opt(2026, 12, 18).expect("a date");
    let forward = |board: &Board| view(board).forward(&symbol("SPX"), expiry).live().expect("one").value;
    assert!((forward(&board) - 601.300_722_934).abs() < 2e-6, "{}", forward(&board));
    quote(&mut board, &option("SPXW", Right::Call, 605), 14.0, 14.1, LIVE);
    assert!((forward(&board) - 601.300_722_934).abs() < 2e-6, "{}", forward(&board));
}

fn metrics(of: &str) -> UnderlyingMetrics {
    UnderlyingMetrics {
        symbol: symbol(of),
        iv_index: None,
        iv_rank: None,
        iv_percentile: None,
        beta: None,
        dividend_yield: None,
        next_ex_date: None,
        next_dividend: None,
        next_earnings: None,
        expirations: Vec::new(),
        at: None,
    }
}

#[test]
fn a_dividend_before_expiry_is_taken_out_of_the_spot() {
    let mut board = board();
    trade(&mut board, share("AAPL"), 230.0);
    board.apply(MarketUpdate::Metrics(UnderlyingMetrics {
        next_ex_date: NaiveDate::from_ymd_opt(2026, 12, 1),
        next_dividend: Some(Decimal::new(26, 2)),
        dividend_yield: Some(0.0045),
        ..metrics("AAPL")
    }));
    let call = option("AAPL", Right::Call, 240);
    quote(&mut board, &call, 2.65, 2.70, LIVE);
    let reading = view(&board).option(&call);
    let inputs = reading.inputs.live().expect("inputs");
    assert!(reading.escrow > 0.259 && reading.escrow < 0.26, "{}", reading.escrow);
    assert_eq!(inputs.spot, 230.0 - reading.escrow);
    assert_eq!((inputs.dividend_yield, reading.plain_spot), (0.0, Some(230.0)));
    let worth = reading.exercise.price(inputs);
    assert!((worth - 2.675).abs() < 1e-9, "{worth}");
    let next = view(&board).next_dividend(&symbol("AAPL")).expect("a dividend");
    assert_eq!((next.amount, next.estimated), (0.26, false));
}

#[test]
fn an_adjusted_contract_is_shown_and_not_priced() {
    let mut board = board();
    trade(&mut board, share("AAPL"), 230.0);
    let odd = option("AAPL1", Right::Call, 240);
    quote(&mut board, &odd, 2.65, 2.70, LIVE);
    assert_eq!(view(&board).option(&odd).inputs, Reading::Unusable { why: Unusable::NonStandard });
    assert!(view(&board).mark(&odd).is_live());
}

fn bars(of: &str, returns: impl Iterator<Item = f64>) -> MarketUpdate {
    let start = NaiveDate::from_ymd_opt(2026, 7, 20).expect("a date");
    let mut close = 100.0;
    let bars = returns.enumerate().map(|(day, r)| {
        close *= f64::exp(r);
        let date = start + Days::new(day as u64);
        Bar { date, open: close, high: close, low: close, close, volume: None }
    });
    MarketUpdate::Bars { symbol: symbol(of), bars: bars.collect() }
}

#[test]
fn beta_comes_from_the_best_source_there_is() {
    let mut board = board();
    let wave = |i: u64| 0.02 * ((i * i * 7 + i * 3) % 13) as f64 / 13.0 - 0.01;
    board.apply(bars("SPY", (0..120).map(wave)));
    board.apply(bars("QQQ", (0..120).map(|i| 1.2 * wave(i))));
    board.apply(bars("GLD", (0..120).map(|i| -3.0 * wave(i))));
    board.apply(MarketUpdate::Metrics(UnderlyingMetrics { beta: Some(1.4), ..metrics("NVDA") }));
    let mut config = config();
    config.overrides.insert(symbol("TLT"), UnderlyingOverride { beta: Some(-0.3), ..Default::default() });
    let view = board.view(now(), &config);
    let of = |name| view.beta(&symbol(name));
    assert_eq!(of("SPY"), Beta { value: 1.0, source: BetaSource::Own });
    assert!((of("QQQ").value - (0.67 * 1.2 + 0.33)).abs() < 1e-9);
    assert_eq!(of("GLD"), Beta { value: 0.0, source: BetaSource::Own });
    assert_eq!(of("NVDA"), Beta { value: 1.4, source: BetaSource::Broker });
    assert_eq!(of("TLT"), Beta { value: -0.3, source: BetaSource::Override });
    assert_eq!(of("XYZ"), Beta { value: 1.0, source: BetaSource::Assumed });
    let correlation = view.correlation(&symbol("QQQ"), &symbol("GLD")).expect("a correlation");
    assert!((correlation + 1.0).abs() < 1e-9);
    assert_eq!(view.correlation(&symbol("QQQ"), &symbol("NVDA")), None);
    let vol = |name| view.daily_vol(&symbol(name)).expect("a vol");
    assert!((vol("QQQ").value / vol("SPY").value - 1.2).abs() < 1e-9);
    assert_eq!(vol("QQQ").source, DailyVolSource::Ewma);
    assert!(view.rv20(&symbol("SPY")).is_some() && view.rv20(&symbol("NVDA")).is_none());
}

#[test]
fn a_history_that_ended_long_ago_says_nothing_of_today() {
    let mut board = board();
    // 60 days from 20 July: it ends two months before the day of the view.
    board.apply(bars("SPY", (0..60).map(|i| 0.001 * f64::from(i % 7))));
    board.apply(bars("QQQ", (0..60).map(|i| 0.002 * f64::from(i % 5))));
    trade(&mut board, share("QQQ"), 520.0);
    let view = view(&board);
    assert_eq!(view.beta(&symbol("QQQ")).source, BetaSource::Assumed);
    assert_eq!(view.rv20(&symbol("QQQ")), None);
    assert_eq!(view.daily_vol(&symbol("QQQ")), None);
    assert_eq!(view.previous_close(&share("QQQ")), None, "no day's change over two months");
    assert!(view.day_change(&symbol("QQQ")).known().is_none());
}

#[test]
fn indicators_speak_of_finished_sessions_only() {
    let wave = |i: u64| 0.02 * ((i * i * 7 + i * 3) % 13) as f64 / 13.0 - 0.009;
    // Day 123 from 20 July is 20 November, the day of the view, which is still open.
    let mut board = board();
    board.apply(bars("SPY", (0..123).map(wave)));
    let spy = symbol("SPY");
    let finished = view(&board).daily_figures(&spy);
    assert_eq!(finished.as_of, NaiveDate::from_ymd_opt(2026, 11, 19));
    assert_eq!(finished.as_of, Some(view(&board).last_session()));
    assert!(finished.indicators.trend.is_some() && finished.indicators.rsi14.is_some());
    let last = *view(&board).bars(&spy).last().expect("a bar");
    for (days, close) in [(1, 300.0), (1, 3.0), (2, 500.0)] {
        let bar = Bar { date: last.date + Days::new(days), close, high: close, low: close, ..last };
        board.apply(MarketUpdate::Bars { symbol: spy.clone(), bars: vec![bar] });
        assert_eq!(view(&board).daily_figures(&spy), finished, "an unfinished or a later bar");
    }
    let evening = now() + TimeDelta::hours(6);
    let later = board.view(evening, &config()).daily_figures(&spy);
    assert_eq!(later.as_of, NaiveDate::from_ymd_opt(2026, 11, 20));
    assert_ne!(later.indicators, finished.indicators);
    assert_eq!(view(&board).daily_figures(&symbol("QQQ")), Single::default());
}

#[test]
fn the_premium_is_implied_less_realised() {
    let mut board = board();
    let wave = |i: u64| 0.02 * ((i * i * 7 + i * 3) % 13) as f64 / 13.0 - 0.009;
    board.apply(bars("SPY", (0..123).map(wave)));
    board.apply(MarketUpdate::Metrics(UnderlyingMetrics { iv_index: Some(0.2), ..metrics("SPY") }));
    board.apply(MarketUpdate::Metrics(UnderlyingMetrics { iv_index: Some(0.2), ..metrics("QQQ") }));
    let view = view(&board);
    let realised = view.rv20(&symbol("SPY")).expect("a volatility");
    let premium = view.vol_premium(&symbol("SPY")).expect("a premium");
    assert!((premium - (20.0 - 100.0 * realised)).abs() < 1e-12);
    assert_eq!(view.vol_premium(&symbol("QQQ")), None, "nothing realised is known");
}

#[test]
fn the_volatility_term_fails_closed() {
    let state = |vix: f64, vix3m: Option<f64>| {
        let mut board = board();
        trade(&mut board, Instrument::Index(symbol("VIX")), vix);
        if let Some(vix3m) = vix3m {
            trade(&mut board, Instrument::Index(symbol("VIX3M")), vix3m);
        }
        view(&board).volatility_term().state
    };
    assert_eq!(state(16.2, Some(18.9)), TermState::Contango);
    assert_eq!(state(18.9, Some(18.9)), TermState::Flat);
    assert_eq!(state(19.0, Some(18.9)), TermState::Backwardation);
    assert_eq!(state(19.0, None), TermState::Unknown);
    let mut board = board();
    trade(&mut board, Instrument::Index(symbol("VIX")), 16.0);
    trade(&mut board, Instrument::Index(symbol("VIX3M")), 18.0);
    assert_eq!(view(&board).volatility_term().is_stressed, None);
    trade(&mut board, Instrument::Index(symbol("VIX9D")), 16.9);
    assert_eq!(view(&board).volatility_term().is_stressed, Some(true));
    // Friday's values are within one session on Monday, and too old on Tuesday.
    board.link(Link::MarketStream, LinkState::Down { why: "gone".into(), retry_in_ms: None }, now());
    let on = |days: i64| board.view(now() + TimeDelta::days(days), &config()).volatility_term();
    assert_eq!(on(3).state, TermState::Contango);
    assert!(on(3).ratio.known().is_some() && !on(3).ratio.is_live());
    assert_eq!((on(4).state, on(4).is_stressed), (TermState::Unknown, None));
}

#[test]
fn the_month_between_two_expirations() {
    let mut board = board();
    let date = |month, day| NaiveDate::from_ymd_opt(2026, month, day).expect("a date");
    board.apply(MarketUpdate::Metrics(UnderlyingMetrics {
        expirations: vec![(date(11, 24), 0.5), (date(12, 18), 0.1382)],
        ..metrics("SPY")
    }));
    let one = view(&board).iv30(&symbol("SPY")).expect("a figure");
    assert_eq!((one.value, one.source), (0.1382, Iv30Source::Expirations));
    let days = |extra: f64| 28.229_166_666_667 + extra;
    let got = underlying::interpolate_total_variance(&[(days(0.0), 0.1382), (days(28.0), 0.15)], 30.0);
    assert!((got.expect("a figure") - 0.139_650_856).abs() < 1e-9, "{got:?}");
    board.apply(MarketUpdate::Metrics(UnderlyingMetrics { iv_index: Some(0.17), ..metrics("SPY") }));
    assert_eq!(view(&board).iv30(&symbol("SPY")).map(|iv| iv.source), Some(Iv30Source::BrokerIndex));
}

#[test]
fn a_deep_american_leg_takes_the_volatility_of_the_other_side() {
    let mut board = board();
    trade(&mut board, share("SPY"), 600.0);
    let (put, call) = (option("SPY", Right::Put, 650), option("SPY", Right::Call, 650));
    // Exactly intrinsic: any low volatility gives this price, so it tells none.
    quote(&mut board, &put, 49.9, 50.1, LIVE);
    assert_eq!(view(&board).option(&put).vol_source, VolSource::Ask);
    quote(&mut board, &call, 0.45, 0.50, LIVE);
    let (deep, out) = (view(&board).option(&put), view(&board).option(&call));
    assert_eq!(deep.vol_source, VolSource::Neighbour);
    let vol = |reading: &OptionReading| reading.inputs.live().expect("inputs").vol_annual;
    assert_eq!(vol(&deep), vol(&out));
}

#[test]
fn an_old_parity_does_not_make_a_live_leg_stale() {
    let later = now() + TimeDelta::seconds(60);
    let streamed = |board: &mut Board, instrument: &Instrument, last: f64| {
        let trade = RawTrade { price: Some(dollars(last)), at: None, received: later };
        board.apply(MarketUpdate::Trade { instrument: instrument.clone(), trade, source: LIVE });
    };
    for (root, index, source) in [("SPXW", "SPX", Some(ForwardSource::Carry)), ("VIX", "VIX", None)] {
        let mut board = board();
        for right in [Right::Call, Right::Put] {
            quote(&mut board, &option(root, right, 6000), 80.0, 80.4, Source::Read);
        }
        board.alive(Link::MarketStream, later);
        streamed(&mut board, &Instrument::Index(symbol(index)), 6000.0);
        let expiry = NaiveDate::from_ymd_opt(2026, 12, 18).expect("a date");
        let forward = board.view(later, &config()).forward(&symbol(index), expiry);
        assert_eq!(forward.live().map(|forward| forward.source), source, "{root}");
    }
}

#[test]
fn the_pairs_that_give_a_forward_are_those_next_to_the_spot() {
    let mut board = board();
    trade(&mut board, Instrument::Index(symbol("SPX")), 6012.0);
    let strikes = [5900, 5950, 6000, 6010, 6020, 6100].map(|strike| ChainStrike {
        strike: Decimal::from(strike),
        call: option("SPXW", Right::Call, strike),
        put: option("SPXW", Right::Put, strike),
    });
    let date = NaiveDate::from_ymd_opt(2026, 12, 18).expect("a date");
    board.chain(OptionChain {
        underlying: symbol("SPX"),
        expirations: vec![Expiration { date, strikes: strikes.to_vec() }],
        increments: BTreeMap::new(),
    });
    let held = option("SPXW", Right::Put, 5900);
    let pairs = view(&board).parity_instruments(held.option().expect("an option"));
    let near = [6010, 6020, 6000]
        .iter()
        .flat_map(|k| [option("SPXW", Right::Call, *k), option("SPXW", Right::Put, *k)]);
    assert_eq!(pairs, near.collect::<Vec<_>>());
}

proptest! {
    /// Whatever the quote, the answer is a reason or inputs that the model can price; and where the
    /// contract's own mid was inverted, the model gives it back.
    #[test]
    fn any_quote_gives_a_reason_or_a_price(
        spot in 100.0..1_000.0f64, strike in 50i64..1_500, bid in 0.0..400.0f64, width in 0.0..20.0f64,
        call in any::<bool>(), index in any::<bool>(),
    ) {
        let right = if call { Right::Call } else { Right::Put };
        let mut board = board();
        let name = if index { Instrument::Index(symbol("SPX")) } else { share("SPY") };
        trade(&mut board, name, spot);
        let instrument = option(if index { "SPXW" } else { "SPY" }, right, strike);
        quote(&mut board, &instrument, bid, bid + width, LIVE);
        let reading = view(&board).option(&instrument);
        if let Some(inputs) = reading.inputs.known() {
            prop_assert!(inputs.is_valid() && inputs.vol_annual > 0.0 && inputs.vol_annual < 100.0);
            let mark = view(&board).quote(&instrument);
            if let (VolSource::Mid, Some(two)) = (reading.vol_source, mark.known()) {
                prop_assert!((reading.exercise.price(inputs) - two.mid.to_f64()).abs() < 1e-7 * spot);
            }
        }
    }
}
