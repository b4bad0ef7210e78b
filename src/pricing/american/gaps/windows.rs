//! When a put before cash dividends can be exercised at all.
//!
//! Whoever exercises at `t` receives `K − X − D(t)`, `X` the escrowed spot and `D(t)` what the dividends still
//! to go ex are worth then. Nothing speaks more for exercise than an underlying worth nothing, where no chance
//! is left: today's worth of exercising at `t` is then `g(t) = K·e^(−rt) − Σ pᵢ` over the dividends that go ex
//! after `t`, `pᵢ` their present values. It falls between two ex-dates and jumps by `pᵢ` at each: exercise can
//! only be right while `g` is above all that is to come. Before every ex-date that leaves a gap, whose end is
//! the ex-date itself and in which no spot is exercised; a gap as long as the time between two dates leaves
//! nothing between them.
//!
//! Never: knows the volatility; holds with a yield.

use super::super::CashDividend;

/// In which exercise is right below some spot, in years from today.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Window {
    pub from: f64,
    /// Where the gap before the next ex-date begins, or expiry.
    pub to: f64,
}

impl Window {
    pub fn length(&self) -> f64 {
        self.to - self.from
    }
}

/// The windows before ex-dates, the latest first, of a put with strike 1 and a rate above zero; and whether there
/// is another between the last ex-date and expiry. `dividends` ascend and are worth shares of the
/// strike; windows in which less than `least` of interest is earned are left out.
pub(super) fn windows(
    rate: f64,
    expiry: f64,
    dividends: &[CashDividend],
    least: f64,
) -> (Vec<Window>, Option<Window>) {
    let last = dividends.last().map_or(0.0, |d| d.years.min(expiry));
    let after = (last < expiry).then_some(Window { from: last, to: expiry });
    // The best of all later moments, on an underlying worth nothing; less one, so that small gaps stay exact.
    let mut best = (-rate * last).exp_m1();
    let mut missed = 0.0;
    let mut all = Vec::new();
    for (place, dividend) in dividends.iter().enumerate().rev() {
        missed += dividend.present_value;
        let from = if place == 0 { 0.0 } else { dividends[place - 1].years };
        let to = (-(best + missed).ln_1p() / rate).min(dividend.years);
        if rate * (to - from) >= least {
            all.push(Window { from, to });
        }
        best = best.max((-rate * from).exp_m1() - missed);
    }
    (all, after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paying(years: f64, amount: f64, rate: f64) -> CashDividend {
        CashDividend { years, present_value: amount * (-rate * years).exp() }
    }

    #[test]
    fn a_gap_is_as_long_as_the_interest_takes_to_outweigh_the_dividend() {
        let rate = 0.05;
        let (before, after) = windows(rate, 1.0, &[paying(0.6, 0.01, rate)], 1e-12);
        let [only] = before.as_slice() else { panic!("one window: {before:?}") };
        let gap = 1.01f64.ln() / rate;
        assert!((only.to - (0.6 - gap)).abs() < 1e-14 && only.from == 0.0, "{only:?}");
        assert_eq!(after, Some(Window { from: 0.6, to: 1.0 }));
    }

    #[test]
    fn dividends_close_together_leave_one_window_before_the_first() {
        let rate = 0.05;
        let both = [paying(0.6, 0.01, rate), paying(0.62, 0.01, rate)];
        let (before, _) = windows(rate, 1.0, &both, 1e-12);
        let [only] = before.as_slice() else { panic!("one window: {before:?}") };
        // Waiting collects both: e^(−rt) − p₁ − p₂ has to be more than e^(−r·0.62).
        let want = -((-rate * 0.62f64).exp() + both[0].present_value + both[1].present_value).ln() / rate;
        assert!((only.to - want).abs() < 1e-12, "{only:?} {want}");
    }

    #[test]
    fn a_dividend_above_the_interest_of_a_life_leaves_no_window_before_it() {
        assert_eq!(windows(0.02, 0.5, &[paying(0.5, 0.05, 0.02)], 1e-12), (Vec::new(), None));
        let (before, after) = windows(0.02, 0.5, &[paying(0.3, 5.0, 0.02)], 1e-12);
        assert!(before.is_empty() && after.is_some());
    }
}
