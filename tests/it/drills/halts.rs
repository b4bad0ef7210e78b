//! A halt at the exchange: what the adapter tells of it, and what the market makes of that.

use chrono::TimeDelta;
use cotrader::domain::Instrument;
use cotrader::sim::SimConfig;

use super::super::sim::config;
use super::links::Screen;
use super::symbol;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_halted_underlying_and_its_options_are_not_live_until_it_trades_again() {
    let faults = "halt@SPY:1m:10m".parse().expect("a plan");
    let mut screen = Screen::over(SimConfig { faults, ..config() }).await;
    let all = screen.shown.len();
    screen.until(|live| live == all, "at first").await;
    assert_eq!(screen.view().halted(&symbol("SPY")), Some(false), "it is told, not assumed");

    screen.sim.advance(TimeDelta::minutes(2)).await;
    // All but QQQ.
    screen.until(|live| live == 1, "halted").await;
    let view = screen.view();
    assert_eq!([view.halted(&symbol("SPY")), view.halted(&symbol("QQQ"))], [Some(true), Some(false)]);
    assert!(view.stream_is_live() && view.quote_is_live(&Instrument::Equity(symbol("QQQ"))));

    screen.sim.advance(TimeDelta::minutes(10)).await;
    screen.until(|live| live == all, "trading again").await;
    assert_eq!(screen.view().halted(&symbol("SPY")), Some(false));
}
