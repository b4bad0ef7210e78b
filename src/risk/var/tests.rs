use super::*;
use crate::domain::units::Dollars;
use crate::numerics::{normal, optional_data};
use crate::risk::exposure::{exposures, leg_exposures};
use crate::risk::fixtures::{book_b, close, option};

fn form_of(book: &RiskBook) -> DeltaGamma {
    let measured = exposures(book);
    let places: Vec<usize> = measured.underlyings.iter().map(|u| u.underlying).collect();
    let covariance = covariance::of(book, &places).expect("known").matrix;
    let gamma = measured.underlyings.iter().map(|u| {
        let spot = book.underlyings[u.underlying].spot.expect("known");
        u.exposure.gamma_per_dollar.0 * spot * spot
    });
    DeltaGamma {
        delta: DVector::from_iterator(
            places.len(),
            measured.underlyings.iter().map(|u| u.exposure.dollar_delta.0),
        ),
        gamma: DMatrix::from_diagonal(&DVector::from_iterator(places.len(), gamma)),
        covariance,
        drift: 0.0,
    }
}

fn known(book: &RiskBook) -> VarReport {
    let outcome = value_at_risk(book, &leg_exposures(book), |_| true);
    outcome.known().expect("everything is known").clone()
}

fn condor() -> RiskBook {
    let mut book = book_b();
    book.legs.truncate(4);
    book
}

#[test]
fn delta_normal_of_the_worked_book_and_its_components() {
    let form = form_of(&book_b());
    let tail = form.delta_normal(0.95);
    close(tail.var, 904.150875, 1e-5);
    close(form.delta_normal(0.99).var, 1278.75784, 1e-5);
    close(tail.shortfall, 1133.84167, 1e-5);
    let parts = form.delta_normal_components(0.95);
    for (got, want) in parts.iter().zip([-17.4038549, 6.43864914, 915.116080]) {
        close(*got, want, 1e-5);
    }
    close(parts.iter().sum(), tail.var, 1e-9);
}

#[test]
fn cornish_fisher_of_the_worked_book() {
    let report = known(&book_b());
    assert_eq!(report.method, VarMethod::CornishFisher);
    close(report.var95.0, 1118.04914, 1e-5);
    close(report.var99.0, 1689.58106, 1e-5);
    let moments = form_of(&book_b()).moments();
    close(moments.mean, -97.8289514, 1e-6);
    close(moments.deviation, 562.394087, 1e-6);
    close(moments.skew, -0.679875851, 1e-9);
    close(moments.excess_kurtosis, 0.761366746, 1e-9);
    // Full revaluation by a scrambled sequence of 2^20 points.
    close(report.var95.0 / 1106.66, 1.0, 0.022);
    close(report.var99.0 / 1654.29, 1.0, 0.022);
    assert!(report.delta_normal95 < 0.85 * report.var95, "delta-normal misses the short gamma");
}

#[test]
fn components_sum_to_the_total_whatever_the_method() {
    for book in [book_b(), condor()] {
        let report = known(&book);
        let sum: Dollars = report.components.iter().map(|c| c.var95).sum();
        close(sum / report.var95, 1.0, 1e-6);
    }
    let form = form_of(&book_b());
    let exact = quadratic::Law::of(&form).and_then(|law| law.var(0.95)).expect("a law");
    let parts = quadratic::components(&form, 0.95).expect("a law");
    close(parts.iter().sum::<f64>() / exact, 1.0, 1e-6);
    assert!(parts[2] > parts[0] && parts[2] > parts[1], "the shares carry most of it");
}

#[test]
fn near_delta_neutral_the_expansion_is_refused_and_the_exact_quantile_stands_in() {
    let report = known(&condor());
    assert_eq!(report.method, VarMethod::Quadratic);
    assert!(report.cornish_fisher_refused.as_deref().is_some_and(|why| why.contains("-2.76")));
    close(report.delta_normal95.0, 27.32, 0.005);
    close(report.var95.0, 89.65, 0.005);
    close(report.var99.0, 155.92, 0.005);
}

/// With one factor, d·x + ½g·x² ≤ p is an interval or its complement: no integral is needed.
fn one_factor_below(d: f64, g: f64, sd: f64, pnl: f64) -> f64 {
    let root = (d * d + 2.0 * g * pnl).sqrt();
    let (a, b) = ((-d - root) / g / sd, (-d + root) / g / sd);
    if g > 0.0 {
        if root.is_nan() { 0.0 } else { normal::cdf(b) - normal::cdf(a) }
    } else if root.is_nan() {
        1.0
    } else {
        normal::cdf(b) + normal::cdf(-a)
    }
}

#[test]
fn the_contour_integral_agrees_with_the_closed_form_of_one_factor() {
    for (d, g) in [(0.0, -3e5), (5e3, -3e5), (-2e4, 4e5), (0.0, 3e5), (3e4, -1e3), (1e4, 1e5)] {
        let sd = 0.012;
        let form = DeltaGamma {
            delta: DVector::from_vec(vec![d]),
            gamma: DMatrix::from_element(1, 1, g),
            covariance: DMatrix::from_element(1, 1, sd * sd),
            drift: 0.0,
        };
        let law = quadratic::Law::of(&form).expect("finite");
        for confidence in [0.90, 0.95, 0.975, 0.99, 0.999] {
            let var = law.var(confidence).expect("a quantile");
            close(one_factor_below(d, g, sd, -var) / (1.0 - confidence), 1.0, 1e-7);
        }
    }
}

#[test]
fn the_distribution_rises_everywhere_with_very_unequal_curvatures() {
    let form = DeltaGamma {
        delta: DVector::from_vec(vec![560.0, 20.0, 100.0, -106.0]),
        gamma: DMatrix::from_diagonal(&DVector::from_vec(vec![715.0, -96.4, 1.04, -0.015])),
        covariance: DMatrix::identity(4, 4),
        drift: 0.0,
    };
    let law = quadratic::Law::of(&form).expect("finite");
    let steps = (0..200).map(|i| law.probability_below(-2_000.0 + 40.0 * f64::from(i)));
    let probabilities: Vec<f64> = steps.collect();
    for pair in probabilities.windows(2) {
        assert!(pair[1] >= pair[0] - 1e-9, "{pair:?}");
    }
    close(probabilities[0], 0.0, 1e-8);
    close(probabilities[199], 1.0, 1e-3);
}

#[test]
fn the_shortfall_is_the_mean_of_the_quantiles_beyond() {
    let law = quadratic::Law::of(&form_of(&book_b())).expect("finite");
    let n = 2_000;
    let mean: f64 = (0..n)
        .map(|i| law.var(1.0 - 0.025 * (f64::from(i) + 0.5) / f64::from(n)).expect("a quantile"))
        .sum::<f64>()
        / f64::from(n);
    close(law.shortfall(0.975).expect("a shortfall") / mean, 1.0, 1e-4);
}

#[test]
fn without_curvature_every_method_is_the_normal_one() {
    let mut form = form_of(&book_b());
    form.gamma.fill(0.0);
    let want = form.delta_normal(0.975);
    let law = quadratic::Law::of(&form).expect("finite");
    close(law.var(0.975).expect("a quantile"), want.var, 1e-7);
    close(law.shortfall(0.975).expect("a shortfall"), want.shortfall, 1e-6);
    let expansion = form.cornish_fisher().expect("normal is in the domain");
    close(expansion.var(0.975), want.var, 1e-9);
    close(expansion.shortfall(0.975), want.shortfall, 1e-9);
}

#[test]
fn an_unknown_volatility_leaves_no_number() {
    let mut book = book_b();
    book.underlyings[2].daily_vol = Some(f64::NAN);
    match value_at_risk(&book, &leg_exposures(&book), |_| true) {
        VarOutcome::Unknown { missing, why } => {
            assert_eq!(missing[0].as_str(), "AAPL");
            assert!(why.contains("AAPL"));
        }
        VarOutcome::Known { report } => panic!("a number from nowhere: {report:?}"),
    }
    assert!(value_at_risk(&book, &leg_exposures(&book), |leg| leg < 6).known().is_some());
}

#[test]
fn an_empty_book_has_no_risk() {
    let mut book = book_b();
    book.legs.clear();
    let report = known(&book);
    assert_eq!((report.var95.0, report.es975.0, report.components.len()), (0.0, 0.0, 0));
}

#[test]
fn a_long_option_can_only_lose_what_it_is_worth_by_its_greeks() {
    let mut book = book_b();
    book.legs = vec![option(0, 5.0, crate::domain::Right::Put, 600.0, 0.18)];
    let long = known(&book);
    book.legs[0].quantity = -5.0;
    let short = known(&book);
    assert!(short.var95 > long.var95 && short.var95 > short.delta_normal95);
}

// The reference cases: closed forms to 1e-10, the exact law against sampling.

fn matrix(value: &serde_json::Value) -> DMatrix<f64> {
    let rows: Vec<Vec<f64>> = serde_json::from_value(value.clone()).expect("rows of numbers");
    DMatrix::from_fn(rows.len(), rows.len(), |i, j| rows[i][j])
}

fn case_form(case: &serde_json::Value) -> DeltaGamma {
    let want = &case["expected"];
    let numbers = |v: &serde_json::Value| -> Vec<f64> { serde_json::from_value(v.clone()).expect("numbers") };
    let mut delta = numbers(&want["dollar_delta"]);
    let mut deviations: Vec<f64> = case["underlyings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|u| u["sigma_daily"].as_f64().expect("a number"))
        .collect();
    let correlation = matrix(&case["corr"]);
    if correlation.nrows() > delta.len() {
        delta.extend(numbers(&want["vega"]));
        deviations.extend(numbers(&case["vol_factor_daily"]));
    }
    let n = delta.len();
    DeltaGamma {
        delta: DVector::from_vec(delta),
        gamma: matrix(&want["dollar_gamma_matrix"]),
        covariance: DMatrix::from_fn(n, n, |i, j| correlation[(i, j)] * deviations[i] * deviations[j]),
        drift: want["theta_per_year"].as_f64().expect("a number") / 365.0,
    }
}

#[test]
fn reference_portfolios() {
    let Some(text) = optional_data::text("reference/numerics/var_cases.json") else { return };
    let file: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    for case in file["cases"].as_array().expect("a list") {
        let form = case_form(case);
        let want = &case["expected"];
        let number = |group: &str, key: &str| want[group][key].as_f64().expect("a number");
        let close_form = |got: f64, group: &str, key: &str| {
            let want = number(group, key);
            close(got / want, 1.0, 1e-10);
        };
        let moments = form.moments();
        let cf = "delta_gamma_cornish_fisher";
        close_form(moments.mean, cf, "mean");
        close_form(moments.deviation, cf, "stdev");
        close_form(moments.skew, cf, "skew");
        close_form(moments.excess_kurtosis, cf, "excess_kurtosis");
        let (expansion, law) = (form.expansion(), quadratic::Law::of(&form).expect("finite"));
        for (confidence, var, es) in [(0.95, "VaR95", "ES95"), (0.99, "VaR99", "ES99")] {
            let normal = form.delta_normal(confidence);
            close_form(normal.var, "delta_normal", var);
            close_form(normal.shortfall, "delta_normal", es);
            close_form(expansion.var(confidence), cf, var);
            close_form(expansion.shortfall(confidence), cf, es);
            let sampled = "monte_carlo_delta_gamma";
            let error = |key: &str| 4.0 * number(sampled, &format!("{key}_se"));
            close(law.var(confidence).expect("a quantile"), number(sampled, var), error(var));
            close(law.shortfall(confidence).expect("a shortfall"), number(sampled, es), error(es));
        }
        let skewed = moments.skew.abs() > 2.0;
        assert_eq!(form.cornish_fisher().is_err(), skewed, "{}", case["name"]);
    }
}
