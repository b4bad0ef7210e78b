//! What a day's close said: equity by portfolio and account, exposure by underlying. A later close of the same
//! day replaces the earlier one.

use rusqlite::{Connection, params};

use crate::domain::event::Event;

pub fn apply(conn: &Connection, event: &Event) -> rusqlite::Result<()> {
    let Event::DayClosed(day) = event else { return Ok(()) };
    let date = day.date.to_string();
    for table in ["daily_close", "greeks_history"] {
        conn.prepare_cached(&format!("DELETE FROM {table} WHERE date = ?1"))?.execute([&date])?;
    }
    // The primary keys decide over repeated rows within one close: the last one counts.
    let mut equity = conn.prepare_cached(
        "INSERT OR REPLACE INTO daily_close (date, portfolio, account, equity) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for row in &day.equity {
        equity.execute(params![
            date,
            row.portfolio.map(|id| id.to_string()).unwrap_or_default(),
            row.account.map(|id| id.to_string()).unwrap_or_default(),
            row.equity.map(|money| money.to_string()),
        ])?;
    }
    let mut greeks = conn.prepare_cached(
        "INSERT OR REPLACE INTO greeks_history (date, underlying, delta_shares, beta_weighted_delta,
            gamma_pnl_1pct, theta_day, vega_point, iv30, complete) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    for row in &day.exposures {
        greeks.execute(params![
            date,
            row.underlying.as_str(),
            row.delta_shares.map(f64::from),
            row.beta_weighted_delta.map(f64::from),
            row.gamma_pnl_1pct.map(f64::from),
            row.theta_day.map(f64::from),
            row.vega_point.map(f64::from),
            row.iv30,
            row.complete,
        ])?;
    }
    Ok(())
}
