//! Branch-free double-precision building blocks that the compiler turns into SIMD code when they are
//! inlined into a plain loop over slices, and the one place that picks the instruction set at run time.
//!
//! How to write a kernel: put the slices into a struct, implement [`Kernel`] with an `#[inline(always)]`
//! `run` holding one simple loop (no early exit, no call that is not inlined, no inner iteration), hand
//! the `FMA` flag down to every function of this module, and start it with [`dispatch()`]. Lanes outside a
//! function's stated domain give harmless garbage, never a trap: find and patch them afterwards.
//!
//! Never: allocates, branches on data, or knows finance.

mod dispatch;
mod elementary;
mod normal;
#[cfg(test)]
mod tests;

pub use dispatch::{InstructionSet, Kernel, dispatch, dispatch_on};
pub use elementary::{exp, exp_sum, ln, ln_ratio, mul_add, poly};
pub use normal::{FRAC_1_SQRT_2PI, MILLS_END, cdf, mills, mills_pair, pdf};
