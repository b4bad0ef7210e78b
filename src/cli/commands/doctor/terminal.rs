//! What the terminal says about itself.

use std::io::IsTerminal;

use super::Check;
use crate::config::Env;

/// Below this the cockpit shows one panel at a time.
const LEAST: (u16, u16) = (60, 16);
/// From here all five panels are open.
const FULL: (u16, u16) = (120, 40);

pub fn checks(env: &Env) -> Vec<Check> {
    let mut checks = vec![kind(env)];
    if std::io::stdout().is_terminal() {
        checks.push(size());
    }
    checks
}

fn kind(env: &Env) -> Check {
    const NAME: &str = "terminal";
    let colour = match (env.get("NO_COLOR"), env.get("COLORTERM")) {
        (Some(_), _) => "NO_COLOR is set: without colour".to_owned(),
        (None, Some(depth @ ("truecolor" | "24bit"))) => format!("COLORTERM={depth}"),
        (None, Some(other)) => format!("COLORTERM={}: 256 colours", crate::domain::text::clean(other, 20)),
        (None, None) => "COLORTERM is not set: 256 colours".to_owned(),
    };
    match env.get("TERM") {
        None => Check::warn(NAME, "TERM is not set", "start it in a terminal, or use `cotrader snapshot`"),
        Some("dumb") => {
            Check::warn(NAME, "TERM=dumb cannot place text", "use `cotrader snapshot` in this terminal")
        }
        Some(term) => Check::ok(NAME, format!("TERM={}, {colour}", crate::domain::text::clean(term, 40))),
    }
}

fn size() -> Check {
    const NAME: &str = "size";
    match crossterm::terminal::size() {
        Ok((columns, rows)) if columns < LEAST.0 || rows < LEAST.1 => Check::warn(
            NAME,
            format!("{columns}×{rows}: one panel at a time"),
            format!("{}×{} shows all panels", FULL.0, FULL.1),
        ),
        Ok((columns, rows)) if columns < FULL.0 || rows < FULL.1 => {
            Check::ok(NAME, format!("{columns}×{rows}; {}×{} shows all panels open", FULL.0, FULL.1))
        }
        Ok((columns, rows)) => Check::ok(NAME, format!("{columns}×{rows}")),
        Err(error) => Check::warn(NAME, format!("not known: {error}"), "the terminal does not tell its size"),
    }
}
