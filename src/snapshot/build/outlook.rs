//! What a trade can bring at its expiry, for its row.

use crate::advisor::trade_facts::TradeFacts;
use crate::domain::trade::TradeOdds;
use crate::domain::{Money, Reading};
use crate::snapshot::positions::{Outlook, TouchRow, Unlimited};
use crate::snapshot::{Shown, Standing};

pub(super) fn outlook(trade: &TradeFacts<'_>) -> Outlook {
    let mut outlook = Outlook::default();
    if let Some(payoff) = &trade.payoff {
        // Strikes and entry prices: nothing in them grows old.
        let extreme = |dollars: Option<f64>| Shown::of(dollars.and_then(Money::from_f64), Standing::Live);
        outlook.max_profit = extreme(payoff.max_profit);
        outlook.max_loss = extreme(payoff.max_loss);
        outlook.unlimited =
            Unlimited { profit: payoff.max_profit.is_none(), loss: payoff.max_loss.is_none() };
        outlook.breakevens = Some(payoff.breakevens.clone());
    }
    match &trade.odds {
        Ok(Reading::Live { value }) => odds(&mut outlook, value, Standing::Live),
        Ok(Reading::Stale { value, .. }) => odds(&mut outlook, value, Standing::Stale),
        Ok(Reading::Unusable { why }) => outlook.unknown_because = Some(why.words().to_owned()),
        Err(why) => outlook.unknown_because = Some(why.to_string()),
    }
    outlook
}

fn odds(outlook: &mut Outlook, odds: &TradeOdds, standing: Standing) {
    outlook.pop = Shown::figure(Some(odds.pop), standing);
    outlook.p_max_profit = Shown::figure(Some(odds.p_max_profit), standing);
    outlook.p_max_loss = Shown::figure(Some(odds.p_max_loss), standing);
    let touch = |touch: &crate::domain::trade::Touch| TouchRow {
        strike: touch.strike,
        right: touch.right,
        probability: Shown::figure(Some(touch.probability), standing),
    };
    outlook.probability_of_touch = odds.probability_of_touch.iter().map(touch).collect();
    outlook.ev = Shown::of(odds.ev, standing);
    outlook.ev_forecast = Shown::of(odds.ev_forecast, standing);
}
