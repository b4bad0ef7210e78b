//! One portable binary, three versions of each kernel: the best one that the processor has is picked at
//! run time. The `multiversion` macro emits the feature checks and the guarded calls; nothing else in the
//! crate selects instructions.

use multiversion::{multiversion, target::target_cfg_f};

/// A computation compiled once per instruction set. `run` must be `#[inline(always)]`, and so must all
/// that it calls in its loop: code that stays a separate function keeps the baseline instructions.
pub trait Kernel {
    type Output;

    /// `FMA` says whether a fused multiply-add is one instruction here; pass it to
    /// [`mul_add`](super::mul_add) and the functions built on it.
    fn run<const FMA: bool>(self) -> Self::Output;
}

/// What a kernel may be compiled to, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InstructionSet {
    /// What every processor of the target has (SSE2 on x86-64).
    Baseline,
    /// 256-bit vectors with fused multiply-add.
    Avx2,
    /// 512-bit vectors.
    Avx512,
}

impl InstructionSet {
    pub const ALL: [Self; 3] = [Self::Baseline, Self::Avx2, Self::Avx512];

    /// The best one that this processor has.
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            // First generations of AVX-512 slow the whole core down: 256 bits are faster there. These are
            // the features that the macro below asks for to be sure of a later one (Ice Lake, Zen 4).
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512cd")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512ifma")
                && is_x86_feature_detected!("avx512vbmi")
                && is_x86_feature_detected!("avx512vbmi2")
                && is_x86_feature_detected!("avx512vnni")
                && is_x86_feature_detected!("avx512bitalg")
                && is_x86_feature_detected!("avx512vpopcntdq")
                && is_x86_feature_detected!("gfni")
                && is_x86_feature_detected!("vaes")
                && is_x86_feature_detected!("vpclmulqdq");
            if avx2 && avx512 {
                return Self::Avx512;
            }
            if avx2 {
                return Self::Avx2;
            }
        }
        Self::Baseline
    }

    /// All that this processor has, weakest first: tests compare them, benches time them.
    pub fn available() -> impl Iterator<Item = Self> {
        let best = Self::detect();
        Self::ALL.into_iter().filter(move |set| *set <= best)
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }
}

/// Runs the kernel on the best instruction set of this processor.
#[inline]
pub fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    dispatch_on(InstructionSet::detect(), kernel)
}

/// Runs the kernel on a chosen instruction set. One that the processor lacks falls back to the next weaker.
#[inline]
pub fn dispatch_on<K: Kernel>(set: InstructionSet, kernel: K) -> K::Output {
    match set {
        InstructionSet::Baseline => baseline(kernel),
        InstructionSet::Avx2 => avx2(kernel),
        InstructionSet::Avx512 => avx512(kernel),
    }
}

/// 64-bit Arm has the fused operation in its baseline, x86-64 only when the whole program is built for it.
const BASELINE_FMA: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));

fn baseline<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<BASELINE_FMA>()
}

#[multiversion(targets("x86_64+avx2+fma"))]
fn avx2<K: Kernel>(kernel: K) -> K::Output {
    if const { target_cfg_f!(target_feature = "fma") } {
        kernel.run::<true>()
    } else {
        kernel.run::<BASELINE_FMA>()
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw+avx2+fma"))]
fn avx512<K: Kernel>(kernel: K) -> K::Output {
    if const { target_cfg_f!(target_feature = "avx512f") } { kernel.run::<true>() } else { avx2(kernel) }
}
