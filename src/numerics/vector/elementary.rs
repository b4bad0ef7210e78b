//! Exponential and logarithm without branches.
//!
//! The polynomials interpolate at Chebyshev points (mpmath, 60 digits, coefficients rounded to double):
//! `(eˣ − 1 − x)/x²` of degree 9 on ±ln 2/2, relative error 2.2e-16 of a term below 0.07; and
//! `(atanh(s)/s − 1)/s²` of degree 7 in s² on [0, 0.0401], relative error 3.8e-17.

use std::f64::consts::{LN_2, LOG2_E};

/// `a·b + c`, fused where that is one instruction.
#[inline(always)]
pub fn mul_add<const FMA: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// A polynomial by even and odd halves, at least two
/// coefficients from the constant term up: nearly the operation
/// count of Horner's rule at half its latency.
#[inline(always)]
pub fn poly<const FMA: bool, const N: usize>(x: f64, c: &[f64; N]) -> f64 {
    let square = x * x;
    // The highest coefficients of either parity start the two halves; two plain loops of known length are
    // what the compiler unrolls completely, and only then the loop around them becomes vector code.
    let (last, before) = (N - 1, N - 2);
    let mut upper = c[last];
    let mut i = last;
    while i >= 2 {
        i -= 2;
        upper = mul_add::<FMA>(upper, square, c[i]);
    }
    let mut lower = c[before];
    let mut i = before;
    while i >= 2 {
        i -= 2;
        lower = mul_add::<FMA>(lower, square, c[i]);
    }
    let (even, odd) = if last.is_multiple_of(2) { (upper, lower) } else { (lower, upper) };
    mul_add::<FMA>(odd, x, even)
}

/// Adding it rounds a small double to an integer and leaves that integer in the low bits.
const ROUND: f64 = 6_755_399_441_055_744.0; // 1.5 · 2^52
/// ln 2 in two parts; the first has 21 trailing zero bits, so that its products with exponents are exact.
const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

const EXP_TAIL: [f64; 10] = [
    0.500_000_000_000_000_1,
    0.166_666_666_666_666_69,
    0.041_666_666_666_624_164,
    0.008_333_333_333_330_065,
    0.001_388_888_891_719_671_9,
    0.000_198_412_698_630_405_45,
    2.480_152_132_236_869_2e-5,
    2.755_726_848_031_002_4e-6,
    2.762_007_587_998_336_7e-7,
    2.510_037_583_256_123_4e-8,
];

/// `eˣ` to about one unit in the last place. Below −708 it is 0 (nothing subnormal), above 709 infinite.
#[inline(always)]
pub fn exp<const FMA: bool>(x: f64) -> f64 {
    exp_sum::<FMA>(x, 0.0)
}

/// `e^(x + low)` where `low` is a small correction to `x` (below about 1e-4): a square in an exponent keeps
/// its digits when its rounding error is handed over here.
#[inline(always)]
pub fn exp_sum<const FMA: bool>(x: f64, low: f64) -> f64 {
    let shifted = mul_add::<FMA>(x, LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = mul_add::<FMA>(n, -LN_2_HIGH, x);
    let r = mul_add::<FMA>(n, -LN_2_LOW, r) + low;
    let tail = poly::<FMA, 10>(r, &EXP_TAIL);
    let value = 1.0 + mul_add::<FMA>(r * r, tail, r);
    // The integer's low bits become the exponent field.
    let power = f64::from_bits((shifted.to_bits() << 52).wrapping_add(1.0f64.to_bits()));
    let scaled = value * power;
    let above = if x > 709.0 { f64::INFINITY } else { scaled };
    if x < -708.0 { 0.0 } else { above }
}

const ATANH_TAIL: [f64; 8] = [
    0.333_333_333_333_333_3,
    0.200_000_000_000_039_7,
    0.142_857_142_836_379_68,
    0.111_111_115_241_757_94,
    0.090_908_688_131_514_69,
    0.076_944_339_028_068_59,
    0.066_048_541_210_297_31,
    0.068_045_151_314_292_49,
];

/// `ln(a / b)` of positive normal doubles (and of a ratio that is one), to about two units in the last
/// place of the result also where `a` is close to `b`: the difference is taken before anything is rounded.
/// NaN and infinities come out as some finite number: callers check their inputs.
#[inline(always)]
pub fn ln_ratio<const FMA: bool>(a: f64, b: f64) -> f64 {
    // Read as integers, the bits of a double are a piecewise linear logarithm, off by at most 0.0861 from
    // log2: rounding the difference gives a k with a / (b·2^k) between 0.66 and 1.51.
    let difference = a.to_bits().wrapping_sub(b.to_bits());
    let biased = difference.wrapping_add((1023 << 52) + (1 << 51)) >> 52;
    let k = f64::from_bits(biased | TWO_52.to_bits()) - (TWO_52 + 1023.0);
    let scaled = f64::from_bits(b.to_bits().wrapping_add(biased.wrapping_sub(1023) << 52));
    let s = (a - scaled) / (a + scaled);
    let z = s * s;
    let twice = s + s;
    let tail = twice * (z * poly::<FMA, 8>(z, &ATANH_TAIL));
    mul_add::<FMA>(k, LN_2_HIGH, twice + mul_add::<FMA>(k, LN_2_LOW, tail))
}

const TWO_52: f64 = 4_503_599_627_370_496.0;

/// `ln x` of a positive normal double.
#[inline(always)]
pub fn ln<const FMA: bool>(x: f64) -> f64 {
    ln_ratio::<FMA>(x, 1.0)
}

const _: () = assert!(LN_2_HIGH + LN_2_LOW == LN_2 && LN_2_HIGH.to_bits().trailing_zeros() >= 11);
