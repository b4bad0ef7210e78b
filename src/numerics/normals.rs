//! Normal variates by inversion, many at a time: one uniform number gives one normal number, so that streams,
//! antithetic pairs and quasi-random points keep their order. No step depends on the instruction set: the
//! same seed gives the same bits everywhere.

use super::philox::Philox;
use super::vector::{Kernel, dispatch, ln, poly};

/// Paths and their mirror images alternate in runs of this length.
const RUN: u64 = 64;
/// Beyond this the second rational approximation no longer serves.
const FAR: f64 = 5.0;

/// Numbers `first`, `first + 1`, … of the stream, standard normal.
pub fn draw(philox: Philox, stream: u64, first: u64, out: &mut [f64]) {
    dispatch(Draw { philox, stream, first, out, sign: 1.0 });
}

struct Draw<'a> {
    philox: Philox,
    stream: u64,
    first: u64,
    out: &'a mut [f64],
    sign: f64,
}

impl Kernel for Draw<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        self.philox.fill(self.stream, self.first, self.out);
        invert(self.out);
        if self.sign < 0.0 {
            self.out.iter_mut().for_each(|z| *z = -*z);
        }
    }
}

/// Standard normal numbers of the paths `first`, `first + 1`, …; every path has a mirror image, 64 places
/// further on, whose numbers have the opposite signs. An even number of whole runs has mean zero.
pub fn draw_antithetic(philox: Philox, stream: u64, first: u64, out: &mut [f64]) {
    let mut path = first;
    let mut rest = out;
    while !rest.is_empty() {
        let (run, place) = (path / RUN, path % RUN);
        // At most a run.
        let take = ((RUN - place) as usize).min(rest.len());
        let (now, later) = rest.split_at_mut(take);
        let sign = if run % 2 == 0 { 1.0 } else { -1.0 };
        dispatch(Draw { philox, stream, first: run / 2 * RUN + place, out: now, sign });
        path += take as u64;
        rest = later;
    }
}

/// Replaces probabilities in (0, 1) by the normal quantiles, to about 1e-15 of their size. Zero and one become
/// infinite, anything outside NaN.
pub fn quantiles(probabilities: &mut [f64]) {
    dispatch(Quantiles(probabilities));
}

struct Quantiles<'a>(&'a mut [f64]);

impl Kernel for Quantiles<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        invert(self.0);
    }
}

/// No fused operation in it, whatever the processor has: one answer everywhere.
#[inline(always)]
fn invert(probabilities: &mut [f64]) {
    for chunk in probabilities.chunks_mut(64) {
        let mut far = 0_u64;
        for p in chunk.iter() {
            far |= u64::from((p.min(1.0 - p) <= 1.4e-11) | p.is_nan());
        }
        if far == 0 {
            for p in chunk.iter_mut() {
                *p = near_quantile(*p);
            }
        } else {
            for p in chunk.iter_mut() {
                *p = quantile(*p);
            }
        }
    }
}

/// The normal quantile of one probability, infinite at zero and one, NaN outside.
pub fn quantile(p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    let tail = p.min(1.0 - p);
    if tail == 0.0 {
        return f64::INFINITY.copysign(p - 0.5);
    }
    let r = (-tail.ln()).sqrt();
    if r <= FAR {
        return near_quantile(p);
    }
    ratio(&FAR_TAIL, r - FAR).copysign(p - 0.5)
}

/// Wichura's algorithm AS 241 without a branch: both the centre and the tail are computed, one is taken.
#[inline(always)]
fn near_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    let central = q * ratio(&CENTRE, 0.180_625 - q * q);
    // The nearer end, where subtracting from one loses nothing.
    let tail = if q < 0.0 { p } else { 1.0 - p };
    let r = (-ln::<false>(tail)).sqrt();
    let outer = ratio(&TAIL, r - 1.6).copysign(q);
    if q.abs() <= 0.425 { central } else { outer }
}

type Rational = ([f64; 8], [f64; 8]);

#[inline(always)]
fn ratio(rational: &Rational, x: f64) -> f64 {
    poly::<false, 8>(x, &rational.0) / poly::<false, 8>(x, &rational.1)
}

/// |p − ½| ≤ 0.425, in 0.180625 − (p − ½)².
const CENTRE: Rational = (
    [
        3.387_132_872_796_366_5,
        133.141_667_891_784_38,
        1_971.590_950_306_551_3,
        13_731.693_765_509_46,
        45_921.953_931_549_87,
        67_265.770_927_008_7,
        33_430.575_583_588_13,
        2_509.080_928_730_122_7,
    ],
    [
        1.0,
        42.313_330_701_600_91,
        687.187_007_492_057_9,
        5_394.196_021_424_751,
        21_213.794_301_586_597,
        39_307.895_800_092_71,
        28_729.085_735_721_943,
        5_226.495_278_852_854,
    ],
);

/// √(−ln p) − 1.6, up to 5.
const TAIL: Rational = (
    [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        0.241_780_725_177_450_6,
        0.022_723_844_989_269_184,
        7.745_450_142_783_414e-4,
    ],
    [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        0.689_767_334_985_1,
        0.148_103_976_427_480_08,
        0.015_198_666_563_616_457,
        5.475_938_084_995_345e-4,
        1.050_750_071_644_416_9e-9,
    ],
);

/// √(−ln p) − 5, beyond.
const FAR_TAIL: Rational = (
    [
        6.657_904_643_501_103,
        5.463_784_911_164_114,
        1.784_826_539_917_291_3,
        0.296_560_571_828_504_87,
        0.026_532_189_526_576_124,
        0.001_242_660_947_388_078_4,
        2.711_555_568_743_487_6e-5,
        2.010_334_399_292_288_1e-7,
    ],
    [
        1.0,
        0.599_832_206_555_888,
        0.136_929_880_922_735_8,
        0.014_875_361_290_850_615,
        7.868_691_311_456_133e-4,
        1.846_318_317_510_054_8e-5,
        1.421_511_758_316_446e-7,
        2.044_263_103_389_939_8e-15,
    ],
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numerics::normal;

    #[test]
    fn the_quantile_undoes_the_distribution_function_into_the_far_tail() {
        for i in 0..4_000 {
            let z = -37.0 + 45.0 * f64::from(i) / 4_000.0;
            let p = normal::cdf(z);
            // What a rounding of p does to z, plus a few units in the last place of z.
            let slack = 4.0 * f64::EPSILON * (1.0 + z.abs() + p / normal::pdf(z));
            assert!((quantile(p) - z).abs() <= slack, "{z}: {}", quantile(p));
        }
        assert_eq!(quantile(0.5), 0.0);
        assert_eq!((quantile(0.0), quantile(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
        assert!(quantile(-1e-9).is_nan() && quantile(f64::NAN).is_nan());
    }

    #[test]
    fn many_at_a_time_are_the_same_as_one() {
        let mut batch: Vec<f64> = (0..1_000).map(|i| (f64::from(i) + 0.5) / 1_000.0).collect();
        batch.extend([0.0, 1.0, 1e-300, 1.0 - 1e-16, 1e-12, f64::NAN]);
        let want: Vec<u64> = batch.iter().map(|p| quantile(*p).to_bits()).collect();
        quantiles(&mut batch);
        assert_eq!(batch.iter().map(|z| z.to_bits()).collect::<Vec<_>>(), want);
    }

    #[test]
    fn the_sample_is_normal() {
        let mut sample = vec![0.0; 200_000];
        draw(Philox::new(11), 5, 0, &mut sample);
        let n = 200_000f64;
        let moment = |power: i32| sample.iter().map(|z| z.powi(power)).sum::<f64>() / n;
        // Four standard errors of each moment.
        for (power, want, variance) in [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)] {
            assert!((moment(power) - want).abs() < 4.0 * f64::sqrt(variance / n), "{power}");
        }
    }

    #[test]
    fn mirror_images_and_parts() {
        let mut whole = [0.0; 300];
        draw_antithetic(Philox::new(1), 2, 0, &mut whole);
        for i in 0..64 {
            assert_eq!(whole[i], -whole[64 + i]);
            assert_ne!(whole[i], whole[128 + i]);
        }
        let mut part = [0.0; 100];
        draw_antithetic(Philox::new(1), 2, 150, &mut part);
        assert_eq!(part, whole[150..250]);
    }
}
