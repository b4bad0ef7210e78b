//! Randomness without state: every number is a function of the seed and of what it is for, so the same
//! instant looks the same however often and in whatever order it is asked for.

/// A keyed source; derive one per purpose with `of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noise(u64);

impl Noise {
    pub fn new(seed: u64) -> Self {
        Self(scramble(seed ^ 0x9e37_79b9_7f4a_7c15))
    }

    pub fn of(self, key: u64) -> Self {
        Self(scramble(self.0 ^ scramble(key.wrapping_add(0x632b_e59b_d9b4_e019))))
    }

    pub fn named(self, name: &str) -> Self {
        name.bytes().fold(self, |noise, byte| noise.of(u64::from(byte)))
    }

    /// Uniform in (0, 1), never 0 or 1.
    pub fn uniform(self) -> f64 {
        ((self.0 >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// Standard normal.
    pub fn normal(self) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.of(1).uniform()).cos()
    }
}

/// The finaliser of a 64-bit mixing generator: two multiplications spread every input bit.
fn scramble(value: u64) -> u64 {
    let mut x = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A Brownian bridge that is zero at 0 and at `length` seconds, by midpoint displacement down to about
/// half a second.
pub fn bridge(noise: Noise, length: f64, at: f64, sd_per_root_second: f64) -> f64 {
    if length <= 0.0 || at <= 0.0 || at >= length {
        return 0.0;
    }
    let (mut left, mut right) = (0.0_f64, length);
    let (mut at_left, mut at_right) = (0.0_f64, 0.0_f64);
    let mut node = noise;
    for _ in 0..16 {
        let width = right - left;
        if width < 0.5 {
            break;
        }
        let middle = 0.5 * (left + right);
        let value = 0.5 * (at_left + at_right) + node.normal() * sd_per_root_second * (width / 4.0).sqrt();
        if at < middle {
            (right, at_right) = (middle, value);
            node = node.of(2);
        } else {
            (left, at_left) = (middle, value);
            node = node.of(3);
        }
    }
    at_left + (at_right - at_left) * (at - left) / (right - left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normals_have_the_moments_of_a_normal() {
        let draws: Vec<f64> = (0..20_000).map(|k| Noise::new(7).of(k).normal()).collect();
        let mean = draws.iter().sum::<f64>() / 20_000.0;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.04, "{mean} {variance}");
    }

    #[test]
    fn a_bridge_starts_and_ends_at_zero_and_has_its_variance_in_the_middle() {
        let sd = 0.01;
        let middle: Vec<f64> = (0..4_000).map(|k| bridge(Noise::new(k), 1000.0, 500.0, sd)).collect();
        let variance = middle.iter().map(|x| x * x).sum::<f64>() / 4_000.0;
        assert!((variance / (sd * sd * 250.0) - 1.0).abs() < 0.1);
        assert_eq!(bridge(Noise::new(1), 1000.0, 0.0, sd), 0.0);
        assert!(bridge(Noise::new(1), 1000.0, 999.9, sd).abs() < 0.05);
    }

    #[test]
    fn the_same_key_gives_the_same_number() {
        assert_eq!(Noise::new(5).named("SPY").of(3), Noise::new(5).named("SPY").of(3));
        assert_ne!(Noise::new(5).named("SPY"), Noise::new(6).named("SPY"));
    }
}
