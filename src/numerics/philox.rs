//! Random numbers without state: Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011). A number is a function of
//! seed, stream and place, so that any split of the work over threads, and any order, gives the same bits.

use super::vector::{Kernel, dispatch};

/// Blocks computed side by side: plain loops over arrays of this length become vector instructions.
const LANES: usize = 16;
/// Numbers of one group: every block holds two.
const GROUP: usize = 2 * LANES;

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: usize = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Philox {
    seed: u64,
}

impl Philox {
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// Four random words of one counter value.
    pub fn block(&self, stream: u64, place: u64) -> [u32; 4] {
        let [mut a, mut b] = halves(place);
        let [mut c, mut d] = halves(stream);
        let [mut k0, mut k1] = halves(self.seed);
        for _ in 0..ROUNDS {
            let [low0, high0] = halves(u64::from(MULTIPLIERS[0]) * u64::from(a));
            let [low1, high1] = halves(u64::from(MULTIPLIERS[1]) * u64::from(c));
            (a, b, c, d) = (high1 ^ b ^ k0, low1, high0 ^ d ^ k1, low0);
            (k0, k1) = (k0.wrapping_add(WEYL[0]), k1.wrapping_add(WEYL[1]));
        }
        [a, b, c, d]
    }

    /// Numbers `first`, `first + 1`, … of the stream: uniform in the open unit interval, symmetric about ½, on
    /// a lattice of 2⁵² values.
    pub fn uniforms(&self, stream: u64, first: u64, out: &mut [f64]) {
        dispatch(Uniforms { philox: *self, stream, first, out });
    }

    /// The body of [`Self::uniforms`], for kernels.
    #[inline(always)]
    pub(super) fn fill(&self, stream: u64, first: u64, out: &mut [f64]) {
        let size = GROUP as u64;
        let mut group = first / size;
        // Less than the size of a group.
        let mut skip = (first % size) as usize;
        let mut rest = out;
        let mut buffer = [0.0; GROUP];
        while !rest.is_empty() {
            let take = (GROUP - skip).min(rest.len());
            let (now, later) = rest.split_at_mut(take);
            self.group(stream, group, &mut buffer);
            now.copy_from_slice(&buffer[skip..skip + take]);
            (rest, skip, group) = (later, 0, group + 1);
        }
    }

    /// The same rounds as [`Self::block`], on all lanes at once. Words stand in 64-bit lanes: vector units
    /// multiply 32 bits by 32 bits there without a shuffle.
    #[inline(always)]
    fn group(&self, stream: u64, group: u64, out: &mut [f64; GROUP]) {
        const LOW: u64 = 0xFFFF_FFFF;
        let first = group.wrapping_mul(LANES as u64);
        let [c, d] = halves(stream).map(u64::from);
        let (mut a, mut b, mut c, mut d) = ([0; LANES], [0; LANES], [c; LANES], [d; LANES]);
        for lane in 0..LANES {
            let place = first.wrapping_add(lane as u64);
            (a[lane], b[lane]) = (place & LOW, place >> 32);
        }
        let [mut k0, mut k1] = halves(self.seed);
        for _ in 0..ROUNDS {
            let keys = [u64::from(k0), u64::from(k1)];
            for lane in 0..LANES {
                let product0 = u64::from(MULTIPLIERS[0]) * a[lane];
                let product1 = u64::from(MULTIPLIERS[1]) * c[lane];
                a[lane] = (product1 >> 32) ^ b[lane] ^ keys[0];
                b[lane] = product1 & LOW;
                c[lane] = (product0 >> 32) ^ d[lane] ^ keys[1];
                d[lane] = product0 & LOW;
            }
            (k0, k1) = (k0.wrapping_add(WEYL[0]), k1.wrapping_add(WEYL[1]));
        }
        let (left, right) = out.split_at_mut(LANES);
        for lane in 0..LANES {
            left[lane] = unit(b[lane] << 32 | a[lane]);
            right[lane] = unit(d[lane] << 32 | c[lane]);
        }
    }
}

struct Uniforms<'a> {
    philox: Philox,
    stream: u64,
    first: u64,
    out: &'a mut [f64],
}

impl Kernel for Uniforms<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        self.philox.fill(self.stream, self.first, self.out);
    }
}

#[inline(always)]
fn halves(x: u64) -> [u32; 2] {
    // Truncation is the meaning.
    [x as u32, (x >> 32) as u32]
}

/// The upper 52 bits become the mantissa of a number in [1, 2); moved down by one less half a step.
#[inline(always)]
fn unit(word: u64) -> f64 {
    f64::from_bits(word >> 12 | 0x3FF0_0000_0000_0000) - (1.0 - 0.5 * f64::EPSILON)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_answers_of_the_generators_authors() {
        assert_eq!(Philox::new(0).block(0, 0), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(
            Philox::new(u64::MAX).block(u64::MAX, u64::MAX),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        // Counter and key from the digits of π.
        assert_eq!(
            Philox::new(0x299f_31d0_a409_3822).block(0x0370_7344_1319_8a2e, 0x85a3_08d3_243f_6a88),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn a_number_depends_on_its_place_only() {
        let philox = Philox::new(42);
        let mut whole = [0.0; 500];
        philox.uniforms(3, 1_000, &mut whole);
        for (start, length) in [(0, 500), (1, 63), (64, 64), (63, 200), (499, 1), (130, 0)] {
            let mut part = vec![0.0; length];
            philox.uniforms(3, 1_000 + start as u64, &mut part);
            assert_eq!(part, whole[start..start + length], "{start}");
        }
        let mut other = [0.0; 500];
        philox.uniforms(4, 1_000, &mut other);
        assert!(whole.iter().zip(&other).all(|(a, b)| a != b));
    }

    #[test]
    fn the_lanes_are_the_blocks() {
        let philox = Philox::new(7);
        let mut out = [0.0; GROUP];
        philox.uniforms(9, GROUP as u64, &mut out);
        for lane in 0..LANES {
            let [a, b, c, d] = philox.block(9, (LANES + lane) as u64);
            let word = |low: u32, high: u32| u64::from(high) << 32 | u64::from(low);
            assert_eq!((out[lane], out[LANES + lane]), (unit(word(a, b)), unit(word(c, d))));
        }
    }

    #[test]
    fn the_interval_is_open_and_its_ends_are_mirror_images() {
        let (least, most) = (unit(0), unit(u64::MAX));
        assert!(least > 0.0 && most < 1.0);
        assert_eq!(least, 1.0 - most);
    }

    #[test]
    fn the_numbers_fill_the_interval_evenly() {
        let mut out = vec![0.0; 100_000];
        Philox::new(1).uniforms(0, 0, &mut out);
        let mut counts = [0_u32; 100];
        for u in &out {
            counts[(u * 100.0) as usize] += 1;
        }
        let chi_square: f64 = counts.iter().map(|&n| (f64::from(n) - 1_000.0).powi(2) / 1_000.0).sum();
        // 99 degrees of freedom: five standard deviations either way.
        assert!((chi_square - 99.0).abs() < 5.0 * 198f64.sqrt(), "{chi_square}");
    }
}
