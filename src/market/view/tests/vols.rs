//! What pictures in quick succession have in common.

use super::*;

#[test]
fn pictures_in_quick_succession_ask_the_same_of_an_option_whose_quote_stands_still() {
    let put = option("SPY", Right::Put, 590);
    let mut board = board();
    trade(&mut board, share("SPY"), 600.0);
    quote(&mut board, &put, 7.15, 7.25, LIVE);
    let known = |view: MarketView| *view.option(&put).inputs.known().expect("priced");
    let first = known(view(&board));
    let later = |ms: i64| known(board.view(now() + TimeDelta::milliseconds(ms), &config()));
    // Half a minute of four weeks, counted back from the expiry.
    assert_eq!([later(0), later(1), later(9_000), later(29_999)], [first; 4]);
    let next = later(30_000);
    assert!(next.tte_years < first.tte_years && next.vol_annual > first.vol_annual);
    let moved = (next.vol_annual / first.vol_annual - 1.0).abs();
    assert!(moved < 8e-6, "{moved}");
    // Another board, which has never been asked, answers the same to the bit.
    trade(&mut board, share("SPY"), 601.3);
    let warm = known(view(&board));
    let mut fresh = self::board();
    trade(&mut fresh, share("SPY"), 601.3);
    quote(&mut fresh, &put, 7.15, 7.25, LIVE);
    assert_eq!(warm, known(view(&fresh)));
    assert!(warm.vol_annual > first.vol_annual);
}

#[test]
fn what_has_gone_ex_is_gone_at_once() {
    let mut config = config();
    let ex = NaiveDate::from_ymd_opt(2026, 11, 27).expect("a date");
    let plan = crate::market::dividends::DividendPlan::new(&[(ex, 1.8)], None);
    config
        .overrides
        .insert(symbol("SPY"), UnderlyingOverride { dividends: Some(plan), ..Default::default() });
    let mut board = board();
    trade(&mut board, share("SPY"), 600.0);
    let put = option("SPY", Right::Put, 590);
    quote(&mut board, &put, 7.15, 7.25, Source::Read);
    let open = config.calendar.open_at(ex);
    let escrow = |at: Timestamp| board.view(at, &config).option(&put).escrow;
    assert!(escrow(open - TimeDelta::milliseconds(1)) > 1.7);
    assert_eq!(escrow(open), 0.0);
}
