//! What deserves the trader's attention: exit rules, expiry and dividend risks, breaches with a hedge, trades
//! without a rationale or a portfolio.
//!
//! Never: books, sends or decides anything. The system proposes, the trader approves.

pub mod attention;
pub mod exit_rules;
pub mod held;
pub mod trade_facts;
