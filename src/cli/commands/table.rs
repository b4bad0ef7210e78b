//! Columns for people: as wide as their widest cell, figures to the right.

use rust_decimal::{Decimal, RoundingStrategy};
use unicode_width::UnicodeWidthStr;

use crate::domain::Money;
use crate::domain::time::to_new_york;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
}

pub struct Table {
    columns: Vec<(&'static str, Side)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(columns: &[(&'static str, Side)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// A cell too few is empty, one too many is left out.
    pub fn row(&mut self, mut cells: Vec<String>) {
        cells.resize(self.columns.len(), String::new());
        self.rows.push(cells);
    }

    pub fn text(&self) -> String {
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|n| {
                let cells = self.rows.iter().map(|row| row[n].width());
                cells.chain([self.columns[n].0.width()]).max().unwrap_or(0)
            })
            .collect();
        let mut out = String::new();
        let heads: Vec<String> = self.columns.iter().map(|(head, _)| (*head).to_owned()).collect();
        for row in std::iter::once(&heads).chain(&self.rows) {
            let mut line = String::new();
            for (n, cell) in row.iter().enumerate() {
                let pad = " ".repeat(widths[n] - cell.width());
                let gap = if n == 0 { "" } else { "  " };
                match self.columns[n].1 {
                    Side::Left => line.extend([gap, cell, &pad]),
                    Side::Right => line.extend([gap, &pad, cell]),
                }
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

pub const UNKNOWN: &str = "—";

/// Dollars and cents with separators; what is unknown is no nought.
pub fn dollars(money: Option<Money>) -> String {
    money.map_or_else(|| UNKNOWN.to_owned(), |money| cents(money.0))
}

fn cents(value: Decimal) -> String {
    let value = value.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    let digits = format!("{:.2}", value.abs());
    let (whole, part) = digits.split_once('.').unwrap_or((&digits, "00"));
    let sign = if value.is_sign_negative() && !value.is_zero() { "-" } else { "" };
    let mut out = String::from(sign);
    for (n, digit) in whole.chars().enumerate() {
        if n > 0 && (whole.len() - n).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    format!("{out}.{part}")
}

/// `0.1712` → `17.1 %`.
pub fn percent(fraction: Option<f64>) -> String {
    fraction.map_or_else(|| UNKNOWN.to_owned(), |fraction| format!("{:.1} %", 100.0 * fraction))
}

/// To the minute, as New York clocks show it.
pub fn minute(at: crate::domain::Timestamp) -> String {
    to_new_york(at).format("%Y-%m-%d %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_below_each_other() {
        let mut table = Table::new(&[("name", Side::Left), ("net", Side::Right)]);
        table.row(vec!["日本".into(), dollars(Some(Money(Decimal::new(-123_456_785, 3))))]);
        table.row(vec!["x".into(), dollars(None), "too many".into()]);
        assert_eq!(table.text(), "name          net\n日本  -123,456.79\nx               —\n");
        assert_eq!(dollars(Some(Money(Decimal::new(-1, 3)))), "0.00");
    }
}
