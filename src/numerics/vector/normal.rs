//! The normal distribution through the Mills ratio `R(x) = N(−x)/φ(x)`: one polynomial for the whole half
//! line, and every digit of the tail.
//!
//! `(1 + 1.2x)·R(x)` is smooth in `t = (x − 5.5)/(x + 5.5)` (the idea of Shepherd & Laframboise, 1981);
//! interpolated at the Chebyshev points of x from 0 to 40 with degree 22 (mpmath, 60 digits), relative error
//! 8e-18, rounding of the coefficients 1e-16.

use super::elementary::{exp_sum, mul_add, poly};

/// The largest argument of [`mills`].
pub const MILLS_END: f64 = 40.0;

const CENTRE: f64 = 5.5;
const SLOPE: f64 = 1.2;
const MILLS: [f64; 23] = [
    1.340_054_691_753_980_6,
    -0.199_227_736_890_420_73,
    0.053_210_286_101_290_145,
    0.047_800_818_410_349_13,
    -0.091_069_058_347_831_13,
    0.088_037_830_236_545_78,
    -0.061_889_948_612_192_52,
    0.033_435_634_786_901_446,
    -0.013_536_929_995_367_86,
    0.003_584_408_538_810_783_6,
    -0.000_217_983_037_198_399_24,
    -0.000_290_443_774_491_850_6,
    0.000_119_395_919_803_089_25,
    -1.627_874_907_437_059e-7,
    -1.469_088_979_851_434_3e-5,
    3.140_914_110_373_578e-6,
    1.428_572_453_201_130_6e-6,
    -6.515_212_609_177_728e-7,
    -1.390_173_183_268_442_5e-7,
    1.057_287_316_010_54e-7,
    1.970_665_668_766_815e-8,
    -1.234_692_624_316_229_5e-8,
    -3.544_118_008_938_162_3e-9,
];

/// The Mills ratio `N(−x)/φ(x)` for `x` in [0, [`MILLS_END`]]; beyond, the value at the end.
#[inline(always)]
pub fn mills<const FMA: bool>(x: f64) -> f64 {
    let x = if x < MILLS_END { x } else { MILLS_END };
    let sum = x + CENTRE;
    let weight = mul_add::<FMA>(SLOPE, x, 1.0);
    // One division for both quotients.
    let inverse = 1.0 / (sum * weight);
    let t = (x - CENTRE) * (weight * inverse);
    poly::<FMA, 23>(t, &MILLS) * (sum * inverse)
}

/// Two Mills ratios at the price of one division; arguments as for [`mills`].
#[inline(always)]
pub fn mills_pair<const FMA: bool>(x: f64, y: f64) -> (f64, f64) {
    let x = if x < MILLS_END { x } else { MILLS_END };
    let y = if y < MILLS_END { y } else { MILLS_END };
    let (sum_x, sum_y) = (x + CENTRE, y + CENTRE);
    let (weight_x, weight_y) = (mul_add::<FMA>(SLOPE, x, 1.0), mul_add::<FMA>(SLOPE, y, 1.0));
    let (both_x, both_y) = (sum_x * weight_x, sum_y * weight_y);
    let inverse = 1.0 / (both_x * both_y);
    let (inverse_x, inverse_y) = (inverse * both_y, inverse * both_x);
    let (t_x, t_y) = ((x - CENTRE) * (weight_x * inverse_x), (y - CENTRE) * (weight_y * inverse_y));
    let (first, second) = (poly::<FMA, 23>(t_x, &MILLS), poly::<FMA, 23>(t_y, &MILLS));
    (first * (sum_x * inverse_x), second * (sum_y * inverse_y))
}

/// 1/√2π, the density at zero.
pub const FRAC_1_SQRT_2PI: f64 = 0.398_942_280_401_432_7;

/// The density, to about one unit in the last place wherever it is a normal double (|x| up to 37.6);
/// beyond, 0.
#[inline(always)]
pub fn pdf<const FMA: bool>(x: f64) -> f64 {
    // The rounding error of the square would cost x²/2 units in the last place.
    let square = x * x;
    let error = if FMA { x.mul_add(x, -square) } else { square_error(x, square) };
    FRAC_1_SQRT_2PI * exp_sum::<FMA>(-0.5 * square, -0.5 * error)
}

/// `x² − square` by splitting `x` into two halves whose products are exact.
#[inline(always)]
fn square_error(x: f64, square: f64) -> f64 {
    let high = f64::from_bits(x.to_bits() & 0xffff_ffff_f800_0000);
    let low = x - high;
    ((high * high - square) + 2.0 * high * low) + low * low
}

/// The distribution function, with full relative accuracy in both tails down to the smallest normal double.
#[inline(always)]
pub fn cdf<const FMA: bool>(x: f64) -> f64 {
    let tail = pdf::<FMA>(x) * mills::<FMA>(x.abs());
    if x < 0.0 { tail } else { 1.0 - tail }
}
