//! Value at risk and expected shortfall of a sample of profits, with their sampling errors. Loss is positive.

/// The share of observations that ties of rounding may not push over an integer: 20·(1 − 0.95) is a hair
/// more than one in doubles.
const RANK_GUARD: f64 = 1e-9;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tail {
    /// Minus the k-th worst profit.
    pub var: f64,
    /// Minus the mean of the k worst.
    pub shortfall: f64,
    /// Standard errors of the two, the observations taken as independent.
    pub var_error: f64,
    pub shortfall_error: f64,
    /// k.
    pub count: usize,
}

/// How many of `n` observations lie in the tail: at least one, at most all.
pub fn count(n: usize, confidence: f64) -> usize {
    // A sample has far fewer than 2^52 values; a negative number becomes zero.
    ((n as f64 * (1.0 - confidence) - RANK_GUARD).ceil() as usize).clamp(1, n.max(1))
}

/// The tail of a sample, whose order it changes: the worst come first. `None` for an empty sample, one that is
/// not finite, or a confidence outside (0, 1). The answer does not depend on the order of the sample.
pub fn of(profits: &mut [f64], confidence: f64) -> Option<Tail> {
    let n = profits.len();
    let inside = confidence > 0.0 && confidence < 1.0;
    if n == 0 || !inside || profits.iter().any(|x| !x.is_finite()) {
        return None;
    }
    let count = count(n, confidence);
    let share = count as f64 / n as f64;
    // The rank of a quantile is binomial: one standard deviation of it to either side brackets the quantile by
    // two of its own.
    let spread = ((n as f64 * share * (1.0 - share)).sqrt().round() as usize).max(1);
    let last = count - 1;
    let above = (last + spread).min(n - 1);
    let below = last.saturating_sub(spread);
    profits.select_nth_unstable_by(above, f64::total_cmp);
    let upper = profits[above];
    profits[..=above].select_nth_unstable_by(last, f64::total_cmp);
    let worst = &mut profits[..count];
    // Summed in ascending order, so that the sum is that of the sample, not of its order.
    worst.sort_unstable_by(f64::total_cmp);
    let quantile = worst[last];
    let mean = worst.iter().sum::<f64>() / count as f64;
    let width = (above - below).max(1) as f64;
    let variance = worst.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count as f64;
    let between = (1.0 - share) * (quantile - mean) * (quantile - mean);
    Some(Tail {
        var: -quantile,
        shortfall: -mean,
        var_error: (upper - worst[below]) * spread as f64 / width,
        shortfall_error: ((variance + between) / count as f64).sqrt(),
        count,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numerics::philox::Philox;
    use crate::numerics::{normal, normals};

    const WORKED: [f64; 20] = [
        -120.0, 35.0, 60.0, -410.0, 15.0, 88.0, -35.0, 140.0, -260.0, 22.0, 51.0, -75.0, 9.0, -18.0, 130.0,
        -640.0, 44.0, 70.0, -5.0, 95.0,
    ];

    #[test]
    fn the_worked_profits_and_losses() {
        let at = |confidence| of(&mut WORKED.clone(), confidence).expect("a sample");
        assert_eq!((at(0.95).var, at(0.95).shortfall, at(0.95).count), (640.0, 640.0, 1));
        assert_eq!((at(0.90).var, at(0.90).shortfall, at(0.90).count), (410.0, 525.0, 2));
        // Twenty observations hold no hundredth part: the worst one stands for it.
        assert_eq!(at(0.99).var, 640.0);
    }

    #[test]
    fn the_order_of_the_sample_does_not_matter() {
        let mut sample = vec![0.0; 10_001];
        normals::draw(Philox::new(1), 0, 0, &mut sample);
        let mut reversed: Vec<f64> = sample.iter().rev().copied().collect();
        assert_eq!(of(&mut sample, 0.975), of(&mut reversed, 0.975));
    }

    #[test]
    fn the_errors_are_those_of_repeated_samples() {
        let (n, runs, confidence) = (4_000, 200_u32, 0.95);
        let mut tails = Vec::new();
        for run in 0..runs {
            let mut sample = vec![0.0; n];
            normals::draw(Philox::new(99), u64::from(run), 0, &mut sample);
            tails.push(of(&mut sample, confidence).expect("a sample"));
        }
        let z = normal::quantile(confidence);
        let truths = [z, normal::pdf(z) / (1.0 - confidence)];
        let pair = |tail: &Tail, which: usize| match which {
            0 => (tail.var, tail.var_error),
            _ => (tail.shortfall, tail.shortfall_error),
        };
        for (which, truth) in truths.into_iter().enumerate() {
            let mean = |of: &dyn Fn(&Tail) -> f64| tails.iter().map(of).sum::<f64>() / f64::from(runs);
            let mean_square = mean(&|tail| (pair(tail, which).0 - truth).powi(2));
            let ratio = mean_square.sqrt() / mean(&|tail| pair(tail, which).1);
            assert!((0.8..1.25).contains(&ratio), "{truth}: {ratio}");
        }
    }

    #[test]
    fn nothing_comes_from_nothing() {
        assert_eq!(of(&mut [], 0.95), None);
        assert_eq!(of(&mut [1.0, f64::NAN], 0.95), None);
        assert_eq!(of(&mut [1.0], 1.0), None);
        let one = of(&mut [-3.0], 0.95).expect("one observation");
        assert_eq!((one.var, one.shortfall, one.var_error, one.shortfall_error), (3.0, 3.0, 0.0, 0.0));
    }
}
