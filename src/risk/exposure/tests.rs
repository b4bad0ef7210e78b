use super::*;
use crate::domain::freshness::Unusable;
use crate::risk::fixtures::{book_b, close};

#[test]
fn unit_prices_and_deltas_of_the_worked_book() {
    let rows = exposures(&book_b()).legs;
    let want = [
        (1.674326, -0.100767),
        (2.708484, -0.155410),
        (1.517204, 0.127845),
        (0.595614, 0.059360),
        (3.016817, -0.162932),
        (2.122505, 0.155370),
        (2.677675, 0.288446),
    ];
    let got: Vec<_> = rows.iter().filter_map(|row| Some((row.unit_price?, row.unit_delta?))).collect();
    assert_eq!(got.len(), want.len());
    for ((price, delta), (want_price, want_delta)) in got.into_iter().zip(want) {
        close(price, want_price, 1e-6);
        close(delta, want_delta, 1e-6);
    }
}

#[test]
fn position_greeks_of_the_worked_book_by_underlying() {
    let book = exposures(&book_b());
    let columns = |e: &Exposure| {
        [
            e.delta_shares.0,
            e.dollar_delta.0,
            e.beta_weighted_delta.0,
            e.gamma_per_dollar.0,
            e.dollar_gamma_1pct.0,
            e.theta_day.0,
            e.vega_point.0,
            e.rho_1pct.0,
            e.vanna.0,
            e.volga.0,
            e.charm_day.0,
        ]
    };
    let tolerance = [1e-6, 1e-3, 1e-6, 1e-6, 1e-3, 1e-6, 1e-6, 1e-6, 1e-6, 1e-6, 1e-6];
    let want = [
        [
            -2.768491, -1661.0947, -2.768491, -1.1663334, -4198.8001, 14.214418, -51.105457, -0.982178,
            -0.485013, 0.999622, 0.207611,
        ],
        [
            0.756193, 393.22036, 0.786441, -1.6163198, -4370.5287, 26.032266, -70.107552, 0.701593,
            -0.413077, -3.376854, 0.128606,
        ],
        [
            142.310773, 32731.478, 62.735333, -4.4483971, -2353.2020, 19.963127, -43.679298, -9.847716,
            -1.777409, -0.634304, 0.867687,
        ],
    ];
    assert_eq!(book.underlyings.len(), 3);
    for (row, want) in book.underlyings.iter().zip(want) {
        for ((got, want), tolerance) in columns(&row.exposure).into_iter().zip(want).zip(tolerance) {
            close(got, want, tolerance);
        }
    }
}

#[test]
fn totals_of_the_worked_book() {
    let total = exposures(&book_b()).total;
    close(total.dollar_delta.0, 31463.604, 1e-3);
    close(total.beta_weighted_delta.0, 60.753282, 1e-6);
    close(total.dollar_gamma_1pct.0, -10922.531, 1e-3);
    close(total.theta_day.0, 60.209811, 1e-6);
    close(total.vega_point.0, -164.892307, 1e-6);
    close(total.rho_1pct.0, -10.128300, 1e-6);
    close(total.beta_weighted_gamma.0, -3.7790198, 1e-7);
    close(total.gamma_pnl_1pct.0, -68.022356, 1e-6);
    close(total.beta_dollar_delta.0, total.beta_weighted_delta.0 * 600.0, 1e-6);
    close(total.vega_point_30d.0, total.vega_point.0 * (30.0_f64 / 28.0).sqrt(), 1e-6);
    let moved = total.breakeven_move.expect("theta and gamma oppose each other");
    close(moved, 0.01 * (60.209811_f64 / 68.022356).sqrt(), 1e-8);
    assert!(total.coverage.complete);
}

#[test]
fn a_leg_without_a_price_is_left_out_and_said_to_be() {
    let mut book = book_b();
    let whole = exposures(&book);
    book.legs[7].priced = LegPricing::Unpriced { why: Unusable::ZeroBid };
    book.legs[0].stale = true;
    let part = exposures(&book);
    assert!(part.legs[7].exposure.is_none());
    assert_eq!(part.total.coverage, Coverage { legs: 8, unpriced: 1, stale: 1, complete: false });
    let aapl = &part.underlyings[2];
    close(aapl.exposure.delta_shares.0, 200.0, 1e-12);
    close(aapl.exposure.vega_point.0, 0.0, 1e-12);
    assert_eq!((aapl.coverage.unpriced, aapl.coverage.complete), (1, false));
    assert_eq!(part.underlyings[0].exposure, whole.underlyings[0].exposure);
}

#[test]
fn without_a_benchmark_price_nothing_is_counted() {
    let mut book = book_b();
    book.benchmark_spot = None;
    let got = exposures(&book);
    assert_eq!(got.total.coverage.unpriced, 8);
    assert!(got.legs.iter().all(|leg| leg.exposure.is_none()));
}

#[test]
fn a_beta_of_zero_has_no_benchmark_gamma() {
    let mut book = book_b();
    book.underlyings[2].beta = 0.0;
    let row = &exposures(&book).underlyings[2];
    close(row.exposure.beta_gamma_pnl_1pct.0, 0.0, 0.0);
    close(row.exposure.delta_shares.0, 142.310773, 1e-6);
}

proptest::proptest! {
    /// What is sold has the same Greeks with the other sign, to the last bit.
    #[test]
    fn greeks_of_the_opposite_position_are_the_opposite(size in -1e4..1e4f64) {
        let sized = |factor: f64| {
            let mut book = book_b();
            book.legs.iter_mut().for_each(|leg| leg.quantity *= factor);
            exposures(&book)
        };
        let (held, opposite) = (sized(size), sized(-size));
        for (held, opposite) in held.legs.iter().zip(&opposite.legs) {
            let (held, opposite) = (held.exposure.expect("priced"), opposite.exposure.expect("priced"));
            proptest::prop_assert_eq!(-held, opposite);
            // What is held and sold again is nothing.
            let mut flat = held;
            flat += opposite;
            proptest::prop_assert_eq!(flat, Exposure::default());
        }
        for (held, opposite) in held.underlyings.iter().zip(&opposite.underlyings) {
            proptest::prop_assert_eq!(-held.exposure, opposite.exposure);
        }
        for (held, opposite) in held.trades.iter().zip(&opposite.trades) {
            proptest::prop_assert_eq!(-held.exposure, opposite.exposure);
        }
        let (held, opposite) = (held.total, opposite.total);
        proptest::prop_assert_eq!(-held.beta_dollar_delta, opposite.beta_dollar_delta);
        proptest::prop_assert_eq!(-held.gamma_pnl_1pct, opposite.gamma_pnl_1pct);
        proptest::prop_assert_eq!(-held.theta_day, opposite.theta_day);
        proptest::prop_assert_eq!(-held.vega_point, opposite.vega_point);
    }
}
