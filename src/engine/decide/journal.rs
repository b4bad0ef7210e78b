//! Journal lines: a decision without a trade opens one in INTENT; with a trade it is a note on it.

use crate::containers::Containers;
use crate::domain::command::LogEntry;
use crate::domain::command_line::strategy_named;
use crate::domain::event::{NoteKind, NoteRecorded, TradeIntended};
use crate::domain::{Event, IdSource, Refusal, Strategy, Symbol, TradeId, TradeKind};

/// Longer than any rationale a person writes; keeps one line from filling the store.
pub const TEXT_LIMIT: usize = 16_384;

pub fn log(books: &Containers, entry: &LogEntry, ids: &mut dyn IdSource) -> Result<Event, Refusal> {
    let rationale = checked_text(&entry.rationale)?;
    let underlying = entry.underlying.as_deref().map(underlying_named).transpose()?;
    let strategy = entry
        .strategy
        .as_deref()
        .map(|name| strategy_named(name).ok_or_else(|| Refusal::UnknownStrategy(name.to_owned())))
        .transpose()?;
    let portfolio = match entry.portfolio.as_deref() {
        None => None,
        Some(key) => Some(
            books
                .portfolio_by_key(key)
                .ok_or_else(|| Refusal::UnknownPortfolio(key.to_owned()))?
                .portfolio
                .id,
        ),
    };
    if let Some(trade) = entry.trade {
        if !books.trades.contains_key(&trade) {
            return Err(Refusal::UnknownTrade(trade));
        }
        return Ok(noted(Some(trade), entry.kind, underlying, strategy, rationale));
    }
    match (entry.kind, underlying) {
        // A decision about an underlying is the intent of a trade.
        (NoteKind::Decision, Some(underlying)) => Ok(Event::TradeIntended(TradeIntended {
            trade: TradeId::new(ids),
            trade_kind: TradeKind::Real,
            portfolio,
            account: None,
            underlying,
            strategy: strategy.unwrap_or(Strategy::Custom),
            legs: Vec::new(),
            note_kind: entry.kind,
            rationale,
        })),
        (kind, underlying) => Ok(noted(None, kind, underlying, strategy, rationale)),
    }
}

fn noted(
    trade: Option<TradeId>,
    note_kind: NoteKind,
    underlying: Option<Symbol>,
    strategy: Option<Strategy>,
    rationale: String,
) -> Event {
    Event::NoteRecorded(NoteRecorded { trade, note_kind, underlying, strategy, rationale })
}

/// The text itself is kept unchanged: cleaning happens where it is shown.
pub fn checked_text(text: &str) -> Result<String, Refusal> {
    // Spaces, dots and invisible marks are no reason.
    if !text.chars().any(char::is_alphanumeric) {
        return Err(Refusal::EmptyRationale);
    }
    if text.len() > TEXT_LIMIT {
        return Err(Refusal::TextTooLong { limit: TEXT_LIMIT });
    }
    Ok(text.to_owned())
}

fn underlying_named(text: &str) -> Result<Symbol, Refusal> {
    Symbol::new(&text.trim().to_ascii_uppercase())
        .map_err(|_| Refusal::BadLine(crate::domain::command_line::BadLine::Underlying(text.to_owned())))
}
