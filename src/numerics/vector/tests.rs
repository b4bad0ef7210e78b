//! Every function against an accurate scalar one, on every instruction set of the machine.

use super::*;

/// One function applied to a slice.
struct Map<'a> {
    which: Which,
    x: &'a [f64],
    out: &'a mut [f64],
}

#[derive(Clone, Copy)]
enum Which {
    Exp,
    Ln,
    Pdf,
    Cdf,
    Mills,
}

impl Kernel for Map<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let pairs = self.out.iter_mut().zip(self.x);
        match self.which {
            Which::Exp => pairs.for_each(|(y, x)| *y = exp::<FMA>(*x)),
            Which::Ln => pairs.for_each(|(y, x)| *y = ln::<FMA>(*x)),
            Which::Pdf => pairs.for_each(|(y, x)| *y = pdf::<FMA>(*x)),
            Which::Cdf => pairs.for_each(|(y, x)| *y = cdf::<FMA>(*x)),
            Which::Mills => pairs.for_each(|(y, x)| *y = mills::<FMA>(*x)),
        }
    }
}

fn grid(from: f64, to: f64, n: usize) -> Vec<f64> {
    (0..=n).map(|i| from + (to - from) * i as f64 / n as f64).collect()
}

/// The largest relative error over the grid, on the worst instruction set.
fn worst(which: Which, x: &[f64], reference: impl Fn(f64) -> f64) -> f64 {
    let mut worst = 0.0f64;
    for set in InstructionSet::available() {
        let mut out = vec![0.0; x.len()];
        dispatch_on(set, Map { which, x, out: &mut out });
        for (x, got) in x.iter().zip(&out) {
            let want = reference(*x);
            let off = if want == 0.0 { got.abs() } else { (got / want - 1.0).abs() };
            assert!(!off.is_nan(), "{} at {x}: {got}", set.name());
            worst = worst.max(off);
        }
    }
    worst
}

const ULP: f64 = f64::EPSILON;

#[test]
fn the_exponential_keeps_its_last_place() {
    let off = worst(Which::Exp, &grid(-707.9, 708.9, 40_013), f64::exp);
    assert!(off <= 1.2 * ULP, "{:.2}", off / ULP);
    let off = worst(Which::Exp, &grid(-1.0, 1.0, 20_011), f64::exp);
    assert!(off <= 1.2 * ULP, "{:.2}", off / ULP);
}

#[test]
fn the_exponential_ends_in_zero_and_infinity() {
    let x = [-1e300, f64::NEG_INFINITY, -708.1, 709.1, 1e300, f64::INFINITY, f64::NAN, 0.0];
    for set in InstructionSet::available() {
        let mut out = [1.0; 8];
        dispatch_on(set, Map { which: Which::Exp, x: &x, out: &mut out });
        assert_eq!(out[..3], [0.0; 3]);
        assert_eq!(out[3..6], [f64::INFINITY; 3]);
        assert!(out[6].is_nan() && out[7] == 1.0);
    }
}

#[test]
fn the_logarithm_keeps_its_last_places() {
    let wide: Vec<f64> = grid(-700.0, 700.0, 40_013).into_iter().map(f64::exp).collect();
    let off = worst(Which::Ln, &wide, f64::ln);
    assert!(off <= 1.6 * ULP, "{:.2}", off / ULP);
    let off = worst(Which::Ln, &grid(0.5, 2.0, 60_013), f64::ln);
    assert!(off <= 2.0 * ULP, "{:.2}", off / ULP);
    assert_eq!(ln::<false>(1.0), 0.0);
}

#[test]
fn the_logarithm_of_a_ratio_sees_the_last_bit_of_the_difference() {
    for b in [1.0f64, 1.999_999, 3.7e5, 1e-200] {
        let step = f64::from_bits(b.to_bits() + 3);
        let want = ((step - b) / b).ln_1p();
        for got in [ln_ratio::<false>(step, b), -ln_ratio::<false>(b, step)] {
            assert!((got / want - 1.0).abs() < 3.0 * ULP, "{b}: {got} not {want}");
        }
    }
    for (a, b) in [(1e200, 1e-100), (3.0, 700.0), (0.1, 99.0), (1.5, 1.0), (1.0, 1.5)] {
        let want = f64::ln(a) - f64::ln(b);
        assert!((ln_ratio::<false>(a, b) - want).abs() <= 2.0 * ULP * want.abs().max(1.0), "{a}/{b}");
    }
}

#[test]
fn the_normal_distribution_agrees_with_the_scalar_one() {
    use crate::numerics::normal as accurate;
    let off = worst(Which::Cdf, &grid(-4.0, 9.0, 40_013), accurate::cdf);
    assert!(off <= 20.0 * ULP, "{:.1}", off / ULP);
    let off = worst(Which::Mills, &grid(0.0, 40.0, 40_013), |x| accurate::cdf_over_pdf(-x));
    assert!(off <= 8.0 * ULP, "{:.1}", off / ULP);
}

#[test]
fn density_and_distribution_keep_their_digits_in_the_tails() {
    for (x, density, below, above) in NORMAL_VALUES {
        let off = worst(Which::Pdf, &[x, -x], |_| density);
        assert!(off <= 2.0 * ULP, "{x}: {:.1}", off / ULP);
        let off = worst(Which::Cdf, &[-x, x], |at| if at < 0.0 || x == 0.0 { below } else { above });
        assert!(off <= 4.0 * ULP, "{x}: {:.1}", off / ULP);
    }
    assert_eq!(pdf::<false>(40.0), 0.0);
}

#[test]
fn infinite_arguments_of_the_normal_distribution_are_its_limits() {
    assert_eq!(cdf::<false>(f64::INFINITY), 1.0);
    assert_eq!(cdf::<false>(f64::NEG_INFINITY), 0.0);
    assert_eq!(pdf::<false>(f64::INFINITY), 0.0);
}

/// Tells whether the version that runs was compiled with the fused operation.
struct Fused;

impl Kernel for Fused {
    type Output = bool;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> bool {
        FMA
    }
}

#[test]
fn what_is_detected_is_what_runs() {
    assert_eq!(dispatch(Fused), dispatch_on(InstructionSet::detect(), Fused));
    for set in InstructionSet::available().filter(|set| *set > InstructionSet::Baseline) {
        assert!(dispatch_on(set, Fused), "{} falls back to the baseline", set.name());
    }
}

#[test]
fn an_instruction_set_names_itself_and_the_best_is_available() {
    let best = InstructionSet::detect();
    assert_eq!(InstructionSet::available().last(), Some(best));
    assert_eq!(InstructionSet::available().next(), Some(InstructionSet::Baseline));
    assert!(!best.name().is_empty());
}

/// x, φ(x), N(−x), N(x), computed with 60 digits.
const NORMAL_VALUES: [(f64, f64, f64, f64); 9] = [
    (0.0, 0.3989422804014327, 0.5, 0.5),
    (0.3, 0.3813878154605241, 0.3820885778110474, 0.6179114221889527),
    (1.7, 0.09404907737688693, 0.04456546275854304, 0.955434537241457),
    (3.25, 0.0020290480572997677, 0.000577025042390767, 0.9994229749576092),
    (5.1, 8.972435162383345e-07, 1.6982674071476014e-07, 0.9999998301732593),
    (11.3, 7.471002275883455e-29, 6.560899940904157e-30, 1.0),
    (20.7, 3.5932612209698675e-94, 1.7318518790197378e-95, 1.0),
    (30.123456789, 3.6023464335607606e-198, 1.1945473740014353e-199, 1.0),
    (37.1, 5.215262198831984e-300, 1.4047119663106221e-301, 1.0),
];
