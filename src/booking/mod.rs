//! From a line to a trade: strikes from the live chain, the trade as a WhatIf, and its evaluation against the
//! whole book and the limits; which portfolios a trade may stand in.
//!
//! Never: sends anything, records anything, or fills a gap in the market with a guess.

pub mod draft;
pub mod evaluate;
pub mod odds;
pub mod profile;
pub mod routing;
pub mod ticket;
