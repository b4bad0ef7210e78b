//! Questions: yes or no with the focus on No, a text to type, a list to pick from.

use ratatui::text::Line;
use tui_input::Input;

use super::{Item, Purpose, Sheet};
use crate::domain::order::OrderFor;
use crate::tui::format::{cut, wrap};
use crate::tui::panels::hint_line::input_spans;
use crate::tui::panels::{Scene, span};

pub fn confirm(scene: Scene<'_>, question: &str, facts: &[String], limit: usize) -> Sheet {
    let theme = scene.theme();
    let mut lines: Vec<Line<'static>> = facts
        .iter()
        .flat_map(|f| wrap(&scene.prose(f), limit))
        .map(|l| Line::styled(l, theme.text))
        .collect();
    lines.push(Line::default());
    lines.push(Line::from(vec![span(" No ", theme.selected), span("   y yes", theme.dim)]));
    Sheet {
        title: scene.prose(question),
        lines,
        selected: None,
        scroll: 0,
        footer: "y does it · Esc or Enter leaves everything as it is".to_owned(),
    }
}

pub fn text(
    scene: Scene<'_>,
    title: &str,
    prompt: &str,
    input: &Input,
    purpose: &Purpose,
    limit: usize,
) -> Sheet {
    let theme = scene.theme();
    let mut lines: Vec<Line<'static>> =
        wrap(&scene.prose(prompt), limit).into_iter().map(|l| Line::styled(l, theme.dim)).collect();
    lines.push(Line::default());
    let mut entry = vec![span("▸ ", theme.accent)];
    entry.extend(input_spans(scene, input, limit.saturating_sub(2)));
    lines.push(Line::from(entry));
    lines.push(Line::default());
    let footer = match purpose {
        Purpose::Rationale(_) => "Enter books · Esc drops the booking",
        Purpose::DiscardReason { .. } => "Enter goes on · Esc keeps it",
        Purpose::Stage { purpose: OrderFor::Close, .. } => {
            "Enter asks the broker and stages it · Esc leaves it"
        }
        Purpose::Stage { .. } => {
            "Enter asks the broker and stages it · Tab with or without exits · Esc leaves it"
        }
        Purpose::TypedSend { .. } => "Enter sends if it matches · Esc leaves it staged",
        Purpose::NewLimit { .. } => "Enter asks the broker for it · Esc leaves the price",
        Purpose::AdoptReason { .. } => "Enter takes it for yours · Esc leaves it unknown",
        Purpose::DropReason { .. } => "Enter drops it · Esc keeps it",
        Purpose::Note { .. } => "Enter records · Esc drops the text",
        Purpose::KillHard => "Enter raises it once the word is there · Esc leaves it",
        Purpose::ResetKill => "Enter resets it · Esc leaves it up",
        Purpose::ClearAlarms => "Enter clears them · Esc leaves them",
    };
    Sheet { title: scene.prose(title), lines, selected: None, scroll: 0, footer: footer.to_owned() }
}

pub fn pick(scene: Scene<'_>, title: &str, items: &[Item], cursor: usize, limit: usize) -> Sheet {
    let theme = scene.theme();
    let style = |item: &Item| if item.choice.is_some() { theme.text } else { theme.dim };
    let lines = items.iter().map(|i| Line::styled(cut(&scene.prose(&i.label), limit), style(i))).collect();
    let any = items.iter().any(|item| item.choice.is_some());
    Sheet {
        title: scene.prose(title),
        lines,
        selected: any.then_some(cursor),
        scroll: 0,
        footer: if any { "Enter takes it · Esc leaves it" } else { "none of them · Esc back" }.to_owned(),
    }
}
