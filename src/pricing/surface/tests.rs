use super::*;
use crate::domain::Right;
use crate::pricing::svi::{RawSvi, SmileQuote, SviError};
use crate::pricing::{OptionInputs, greeks, price};

fn near(got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance, "{got}, not {want}");
}

const TAU: f64 = 28.229_166_666_666_667 / 365.0;
const FORWARD: f64 = 601.300_722_934;
const CURVE: RawSvi = RawSvi { a: 0.0009, b: 0.012, rho: -0.55, m: 0.005, s: 0.045 };

fn worked() -> Slice {
    Slice::from_svi(FORWARD, TAU, CURVE).expect("free of arbitrage")
}

fn put_570(spot: f64, vol_annual: f64) -> OptionInputs {
    OptionInputs {
        right: Right::Put,
        spot,
        strike: 570.0,
        rate: 0.04,
        dividend_yield: 0.012,
        vol_annual,
        tte_years: TAU,
    }
}

#[test]
fn sticky_strike_and_sticky_moneyness_differ() {
    let slice = worked();
    let vol = slice.vol_at_strike(570.0);
    near(vol, 0.167_547_349, 1e-9);
    near(greeks(&put_570(600.0, vol)).delta, -0.120_766_982, 1e-9);
    let now = price(&put_570(600.0, vol));
    near(price(&put_570(582.0, vol)) - now, 3.652_210_99, 1e-8);
    let moved = slice.with_forward(0.97 * FORWARD).vol_at_strike(570.0);
    near(moved, 0.149_163_295, 1e-9);
    near(price(&put_570(582.0, moved)) - now, 2.629_943_66, 1e-8);
    let up = |spot: f64| {
        let vol = slice.with_forward(FORWARD * spot / 600.0).vol_at_strike(570.0);
        price(&put_570(spot, vol))
    };
    near((up(600.06) - up(599.94)) / 0.12, -0.086_041_7, 1e-6);
}

#[test]
fn strikes_by_delta_and_the_skew_between_them() {
    let (slice, carry) = (worked(), (-0.012 * TAU).exp());
    let put = slice.strike_at_delta(Right::Put, 0.25, carry).expect("a strike");
    let call = slice.strike_at_delta(Right::Call, 0.25, carry).expect("a strike");
    near(put, 584.963_872, 1e-6);
    near(call, 616.836_313, 1e-6);
    let (below, above) = (slice.vol_at_strike(put), slice.vol_at_strike(call));
    near(below - above, 0.019_246_241_0, 1e-9);
    near(0.5 * (below + above) - slice.vol(0.0), 0.003_974_755_90, 1e-9);
    assert_eq!(slice.strike_at_delta(Right::Put, 1.2, carry), None);
}

#[test]
fn the_probability_that_the_whole_smile_implies() {
    let slice = worked();
    near(slice.probability_below(569.0), 0.088_839_787_2, 1e-8);
    near(slice.vol_at_strike(569.0), 0.168_638_773, 1e-9);
    let law = crate::pricing::probability::Lognormal::of(600.0, 0.028, 0.168_638_773, TAU).expect("a law");
    near(law.below(569.0), 0.124_276_299, 1e-8);
    // It is the slope of the put's price.
    let put = |strike: f64| {
        price(&OptionInputs { strike, ..put_570(600.0, slice.vol_at_strike(strike)) }) * (0.04 * TAU).exp()
    };
    near((put(569.01) - put(568.99)) / 0.02, slice.probability_below(569.0), 1e-7);
    assert_eq!((slice.probability_below(0.0), slice.probability_below(f64::INFINITY)), (0.0, 1.0));
    let rises: Vec<f64> = (300..900).map(|k| slice.probability_below(f64::from(k))).collect();
    assert!(rises.windows(2).all(|pair| pair[1] >= pair[0]));
}

fn quotes(n: i32, step: f64, vol: impl Fn(f64) -> f64) -> Vec<SmileQuote> {
    (0..n)
        .map(|i| f64::from(2 * i - n + 1) * 0.5 * step)
        .map(|k| SmileQuote { log_moneyness: k, vol: vol(k), spread: 0.005 })
        .collect()
}

#[test]
fn few_quotes_make_a_parabola_with_flat_ends() {
    let smile = |k: f64| (0.04 - 0.1 * k + 0.3 * k * k).sqrt();
    let slice = Slice::of(100.0, 1.0, &quotes(6, 0.05, smile), None, None).expect("a slice");
    assert!(matches!(slice.shape(), Shape::Parabola(_)));
    let because = SviError::TooFewQuotes { left: 3, right: 3 };
    assert_eq!(slice.quality(), SliceQuality::Fallback { because });
    near(slice.vol(0.06), smile(0.06), 1e-10);
    // Quoted from −0.125 to 0.125 in steps of 0.05: flat beyond one more step.
    near(slice.vol(0.175), smile(0.175), 1e-10);
    assert_eq!(slice.vol(0.3), slice.vol(0.175));
    assert_eq!(slice.vol(-3.0), slice.vol(-0.175));
    let steep = Slice::of(100.0, 1.0, &quotes(4, 0.4, |k| (0.04 + 3.0 * k * k).sqrt()), None, None);
    let steep = steep.expect("a slice");
    near(steep.total_variance(0.9) - steep.total_variance(0.8), 0.15, 1e-9);
}

#[test]
fn hardly_any_quotes_borrow_the_neighbours_skew() {
    let one = [SmileQuote { log_moneyness: 0.001, vol: 0.2, spread: 0.01 }];
    let flat = Slice::of(100.0, TAU, &one, None, None).expect("a slice");
    assert_eq!((flat.vol(-0.2), flat.vol(0.2)), (flat.vol(0.0), flat.vol(0.0)));
    near(flat.vol(0.0), 0.2, 1e-15);
    let neighbour = worked();
    let skewed = Slice::of(100.0, 4.0 * TAU, &one, None, Some(&neighbour)).expect("a slice");
    near(skewed.vol(0.0), 0.2, 1e-12);
    let x = -1.5;
    let here = skewed.vol(x * 0.2 * (4.0 * TAU).sqrt()) - 0.2;
    let there = neighbour.vol(x * neighbour.total_variance(0.0).sqrt()) - neighbour.vol(0.0);
    near(here, there, 1e-12);
    assert_eq!(Slice::of(100.0, TAU, &[], None, Some(&neighbour)), None);
    assert_eq!(Slice::of(f64::NAN, TAU, &one, None, None), None);
}

#[test]
fn between_expiries_total_variance_is_linear_and_outside_volatility_is_constant() {
    let slice = |years: f64, vol: f64| {
        let one = [SmileQuote { log_moneyness: 0.0, vol, spread: 0.01 }];
        Slice::of(100.0, years, &one, None, None).expect("a slice")
    };
    let (days1, days2) = (28.229_166_7 / 365.0, 56.229_166_7 / 365.0);
    let surface = Surface::new(vec![slice(days2, 0.15), slice(days1, 0.1382)], Vec::new());
    let at = |years: f64| surface.vol(0.0, years).expect("a volatility");
    near(at(30.0 / 365.0), 0.139_650_856, 1e-9);
    near(at(0.01), 0.1382, 1e-12);
    near(at(2.0), 0.15, 1e-12);
    assert_eq!((surface.vol(0.0, 0.0), Surface::default().vol(0.0, 1.0)), (None, None));
    assert_eq!(surface.calendar_arbitrage(), None);
    let split = Surface::new(surface.slices().to_vec(), vec![0.1]);
    near(split.vol(0.0, 0.09).expect("a volatility"), 0.1382, 1e-12);
    near(split.vol(0.0, 0.11).expect("a volatility"), 0.15, 1e-12);
    let falling = Surface::new(vec![slice(days1, 0.3), slice(days2, 0.1)], Vec::new());
    assert_eq!(falling.calendar_arbitrage().map(|(at, _)| at), Some(0));
}
