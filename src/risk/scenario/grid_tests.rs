use super::*;
use crate::domain::freshness::Unusable;
use crate::risk::exposure::{exposures, leg_exposures};
use crate::risk::fixtures::{book_b, close};

fn one(by: f64, vol: VolShock, days: i64) -> ScenarioGrid {
    let book = book_b();
    let request =
        GridRequest { spot_moves: vec![by], vols: vec![vol], roll: Roll::days(days), subject: Subject::Book };
    let measured = leg_exposures(&book);
    LegGrid::compute(&Revaluation::of(&book), &measured, request).sum(&book, &measured, None, |_| true)
}

#[test]
fn full_revaluation_of_the_worked_book() {
    use VolShock::{Points, Relative};
    let want = [
        (0.0, Points(0.0), 1, 60.4850),
        (-0.05, Points(0.0), 0, -3329.1346),
        (-0.05, Points(6.0), 0, -3955.7481),
        (-0.10, Points(15.0), 0, -9330.4187),
        (0.05, Points(-2.0), 0, 399.3613),
        (0.0, Points(5.0), 0, -877.4164),
        (-0.03, Relative(0.20), 0, -2224.5632),
        (-0.05, Points(6.0), 5, -3697.9486),
    ];
    for (by, vol, days, pnl) in want {
        close(one(by, vol, days).cells[0][0].pnl.0, pnl, 1e-4);
    }
}

#[test]
fn each_underlying_has_its_part_of_a_cell() {
    let grid = one(-0.05, VolShock::Points(0.0), 0);
    let parts: Vec<f64> = grid.cells[0][0].by_underlying.iter().map(|p| p.pnl.0).collect();
    for (got, want) in parts.iter().zip([-359.4012, -766.7656, -2202.9678]) {
        close(*got, want, 1e-4);
    }
    let worst = grid.worst.expect("priced");
    assert_eq!(worst.drivers[0].symbol.as_str(), "AAPL");
    close(worst.drivers.iter().map(|d| d.pnl.0).sum(), worst.pnl.0, 1e-9);
}

#[test]
fn the_taylor_estimate_stands_beside_the_full_value() {
    let cell = one(-0.05, VolShock::Points(6.0), 0).cells[0][0].clone();
    close(cell.taylor.0, -4288.9193, 1e-4);
    close((cell.taylor.0 - cell.pnl.0).abs() / cell.pnl.0.abs(), 0.0842, 1e-4);
    assert!(!cell.distrust_greeks);
}

fn screen(book: &RiskBook, horizon: Horizon, subject: Subject) -> ScenarioGrid {
    let measured = leg_exposures(book);
    let request = GridRequest::screen(book, horizon, subject, |_| true);
    LegGrid::compute(&Revaluation::of(book), &measured, request)
        .sum(book, &measured, Some(50_000.0), |_| true)
}

#[test]
fn the_worst_cell_is_the_minimum_and_the_centre_is_zero() {
    let grid = screen(&book_b(), Horizon::Now, Subject::Book);
    let worst = grid.worst.as_ref().expect("priced");
    let least = grid.cells.iter().flatten().map(|c| c.pnl.0).fold(f64::INFINITY, f64::min);
    close(worst.pnl.0, least, 0.0);
    close(grid.cells[worst.row][worst.column].pnl.0, worst.pnl.0, 0.0);
    close(grid.cells[3][4].pnl.0, 0.0, 1e-9);
    assert_eq!((grid.cells.len(), grid.cells[0].len()), (5, 9));
    for own in &grid.worst_by_underlying {
        let part = grid.cells[worst.row][worst.column].by_underlying.iter();
        let there = part.filter(|p| p.underlying == own.underlying).map(|p| p.pnl.0).sum::<f64>();
        assert!(own.pnl.0 <= there, "an underlying's own worst is no better than its part of the book's");
    }
    assert!(grid.cells.iter().flatten().any(|c| c.distrust_greeks), "far out the Greeks mislead");
}

#[test]
fn at_the_next_expiry_options_are_worth_their_intrinsic_value() {
    let book = book_b();
    let grid = screen(&book, Horizon::Expiry, Subject::Underlying(2));
    assert_eq!(grid.roll_days, 28);
    assert_eq!(grid.subject.as_ref().map(Symbol::as_str), Some("AAPL"));
    // 200 shares less two 240 calls, from 230 to 253: the calls end 13 in the money.
    let now = exposures(&book).underlyings[2].exposure.market_value.0;
    close(grid.cells[0][8].pnl.0, 200.0 * 253.0 - 200.0 * 13.0 - now, 1e-8);
    close(grid.cells[4][0].pnl.0, 200.0 * 207.0 - now, 1e-8);
}

#[test]
fn one_underlying_by_its_own_move_ignores_beta_and_the_others() {
    let book = book_b();
    let grid = screen(&book, Horizon::Now, Subject::Underlying(1));
    let cell = &grid.cells[3][1];
    assert_eq!(cell.by_underlying.len(), 1);
    let mapped = screen(&book, Horizon::Now, Subject::Book);
    let by_beta = mapped.cells[3][1].by_underlying[1].pnl.0;
    assert!(cell.pnl.0 > by_beta, "−5 % of its own is less than −5 % × 1.2");
    assert_eq!(grid.coverage.legs, 2);
}

#[test]
fn a_spot_never_goes_below_one_percent_of_itself() {
    let mut book = book_b();
    book.underlyings[2].beta = 15.0;
    let shock = Shock::now(SpotShock::Benchmark(-0.10), VolShock::Points(0.0));
    close(shock.spots(&book)[2].expect("priced"), 2.3, 1e-12);
}

#[test]
fn a_leg_without_a_price_is_counted_as_missing_in_the_grid() {
    let mut book = book_b();
    book.legs[6].priced = LegPricing::Unpriced { why: Unusable::Missing };
    let grid = screen(&book, Horizon::Now, Subject::Book);
    assert_eq!(grid.coverage.unpriced, 1);
    for leg in &mut book.legs {
        leg.priced = LegPricing::Unpriced { why: Unusable::Missing };
    }
    assert!(screen(&book, Horizon::Now, Subject::Book).worst.is_none());
}

#[test]
fn escrowed_dividends_stay_where_they_are_under_a_shock() {
    let mut book = book_b();
    book.legs.truncate(1);
    let plain = screen(&book, Horizon::Now, Subject::Book);
    if let LegPricing::Option { inputs, escrow, .. } = &mut book.legs[0].priced {
        *escrow = 2.0;
        inputs.spot -= 2.0;
    }
    let escrowed = screen(&book, Horizon::Now, Subject::Book);
    // The put on the spot less two dollars is nearer the money everywhere: it gains more on the way down.
    assert!(escrowed.cells[3][1].pnl.0 > plain.cells[3][1].pnl.0);
    close(escrowed.cells[3][4].pnl.0, 0.0, 1e-9);
}
