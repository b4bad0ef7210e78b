use super::*;

fn near(got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance, "{got}, not {want}");
}

pub(crate) const WORKED: RawSvi = RawSvi { a: 0.0009, b: 0.012, rho: -0.55, m: 0.005, s: 0.045 };
const TAU: f64 = 28.229_166_666_666_667 / 365.0;

fn quotes_of(curve: &RawSvi, years: f64, spread: f64) -> Vec<SmileQuote> {
    (-15..=9)
        .map(|i| {
            let k = f64::from(i) * 0.02;
            let vol = (curve.total_variance(k) / years).sqrt();
            SmileQuote { log_moneyness: k, vol, spread }
        })
        .collect()
}

#[test]
fn the_worked_slice() {
    near(WORKED.total_variance(-0.1), 0.002_963_839_16, 1e-11);
    near((WORKED.total_variance(-0.1) / TAU).sqrt(), 0.195_760_344, 1e-9);
    near(WORKED.total_variance(0.0), 0.001_476_323_11, 1e-11);
    near((WORKED.total_variance(0.0) / TAU).sqrt(), 0.138_161_841, 1e-9);
    near(WORKED.total_variance(0.05), 0.001_366_675_32, 1e-11);
    near(WORKED.density_factor(-0.1), 0.475_541_180, 1e-9);
    near(WORKED.density_factor(0.0), 1.120_261_88, 1e-8);
    near(WORKED.least_density().1, 0.264_754, 1e-6);
    assert!(WORKED.is_free_of_butterflies());
}

#[test]
fn positive_variance_is_not_enough() {
    let vogt = RawSvi { a: -0.0410, b: 0.1331, rho: 0.3060, m: 0.3586, s: 0.4153 };
    assert!(vogt.is_admissible() && test_grid().all(|k| vogt.total_variance(k) > 0.0));
    near(vogt.least_density().1, -0.032_863_6, 1e-5);
    near(vogt.least_density().0, 0.88, 1e-9);
    assert!(!vogt.is_free_of_butterflies());
}

#[test]
fn derivatives_are_those_of_the_curve() {
    let h = 1e-5;
    for k in [-1.0, -0.1, 0.005, 0.3] {
        let w = |x: f64| WORKED.total_variance(x);
        near(WORKED.slope(k), (w(k + h) - w(k - h)) / (2.0 * h), 1e-10);
        near(WORKED.curvature(k), (w(k + h) - 2.0 * w(k) + w(k - h)) / (h * h), 1e-5);
    }
}

#[test]
fn what_breaks_the_rules_of_the_parameters_is_not_admissible() {
    let broken = [
        RawSvi { b: -0.01, ..WORKED },
        RawSvi { rho: -1.0, ..WORKED },
        RawSvi { s: 0.0, ..WORKED },
        RawSvi { a: -0.01, ..WORKED },
        RawSvi { b: 1.5, ..WORKED },
        RawSvi { m: f64::NAN, ..WORKED },
    ];
    assert!(broken.iter().all(|curve| !curve.is_admissible()));
}

#[test]
fn a_fit_finds_the_curve_that_the_quotes_came_from() {
    let fitted = fit(&quotes_of(&WORKED, TAU, 0.004), TAU, None).expect("a curve");
    assert!(!fitted.penalised && fitted.error_in_spreads < 1e-4, "{fitted:?}");
    for i in -20..=20 {
        let k = f64::from(i) * 0.01;
        near(fitted.curve.total_variance(k) / WORKED.total_variance(k), 1.0, 1e-5);
    }
}

#[test]
fn a_curve_with_a_butterfly_is_bent_until_it_has_none() {
    let vogt = RawSvi { a: -0.0410, b: 0.1331, rho: 0.3060, m: 0.3586, s: 0.4153 };
    let quotes: Vec<SmileQuote> = (-30..=30)
        .map(|i| {
            let k = f64::from(i) * 0.05;
            SmileQuote { log_moneyness: k, vol: vogt.total_variance(k).sqrt(), spread: 0.01 }
        })
        .collect();
    let fitted = fit(&quotes, 1.0, None).expect("a curve");
    assert!(fitted.penalised && fitted.curve.is_free_of_butterflies());
    assert!(fitted.error_in_spreads < 1.0, "{fitted:?}");
}

#[test]
fn a_later_expiry_never_lies_below_an_earlier_one() {
    // The quotes of the later expiry cross the earlier curve in the left wing.
    let earlier = |k: f64| WORKED.total_variance(k);
    let later = RawSvi { a: 0.0013, b: 0.010, rho: -0.35, m: 0.0, s: 0.05 };
    assert!(test_grid().any(|k| later.total_variance(k) < earlier(k)));
    let fitted = fit(&quotes_of(&later, 0.1, 0.004), 0.1, Some(&earlier)).expect("a curve");
    assert!(fitted.penalised);
    assert!(test_grid().all(|k| fitted.curve.total_variance(k) >= earlier(k)));
    assert!(fitted.error_in_spreads < 3.0, "{fitted:?}");
}

#[test]
fn too_few_quotes_and_bad_ones_are_refused() {
    let all = quotes_of(&WORKED, TAU, 0.004);
    let error = fit(&all[..15], TAU, None).expect_err("nothing above the forward");
    assert_eq!(error, SviError::TooFewQuotes { left: 15, right: 0 });
    let mut bad = all.clone();
    bad.iter_mut().for_each(|quote| quote.vol = f64::NAN);
    assert!(matches!(fit(&bad, TAU, None), Err(SviError::TooFewQuotes { left: 0, right: 0 })));
    assert_eq!(fit(&all, 0.0, None), Err(SviError::Expired { years: 0.0 }));
}
