//! Roles and their styles. Panels ask for a role, never for a colour.
//!
//! With `NO_COLOR` (theme mono) every colour is the terminal's own and emphasis is bold, reverse, underline.

pub use ratatui::style::Color;
use ratatui::style::{Modifier, Style};

use crate::snapshot::{Mode, Standing};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ThemeName {
    #[default]
    Dark,
    Light,
    Mono,
    ColourBlind,
}

/// Seven steps from the worst loss to the best gain; the middle one has no background.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Heat {
    Coloured([Option<(Color, bool)>; 7]),
    Attributes,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    pub text: Style,
    pub dim: Style,
    pub head: Style,
    pub rule: Style,
    pub title: Style,
    pub title_focused: Style,
    pub accent: Style,
    pub gain: Style,
    pub loss: Style,
    pub stale: Style,
    pub near: Style,
    pub breach: Style,
    pub good: Style,
    pub what_if: Style,
    pub selected: Style,
    pub strong: Style,
    badge: [Style; 4],
    badge_live: Style,
    heat: Heat,
}

impl Theme {
    /// The theme with the trader's own colours in it. Without colour there is nothing to repaint.
    pub fn with_colours(
        name: ThemeName,
        no_color: bool,
        truecolor: bool,
        colours: &[(String, Color)],
    ) -> Self {
        let mut theme = Self::new(name, no_color, truecolor);
        if theme.heat == Heat::Attributes {
            return theme;
        }
        for (role, colour) in colours {
            let colour = if truecolor { *colour } else { without_truecolor(*colour) };
            if let Some(style) = theme.role(role) {
                *style = repainted(*style, colour);
            }
        }
        theme
    }

    /// A role by the name it has in the configuration.
    pub fn role(&mut self, name: &str) -> Option<&mut Style> {
        Some(match name {
            "text" => &mut self.text,
            "dim" => &mut self.dim,
            "head" => &mut self.head,
            "rule" => &mut self.rule,
            "title" => &mut self.title,
            "title_focused" => &mut self.title_focused,
            "accent" => &mut self.accent,
            "gain" => &mut self.gain,
            "loss" => &mut self.loss,
            "stale" => &mut self.stale,
            "near" => &mut self.near,
            "breach" => &mut self.breach,
            "good" => &mut self.good,
            "what_if" => &mut self.what_if,
            "selected" => &mut self.selected,
            "strong" => &mut self.strong,
            _ => return None,
        })
    }

    pub fn new(name: ThemeName, no_color: bool, truecolor: bool) -> Self {
        match name {
            _ if no_color => Self::mono(),
            ThemeName::Mono => Self::mono(),
            ThemeName::Dark => Self::coloured(Color::Green, Color::Red, Ground::Dark, truecolor),
            ThemeName::Light => Self::coloured(Color::Green, Color::Red, Ground::Light, truecolor),
            ThemeName::ColourBlind => {
                Self::coloured(Color::Indexed(75), Color::Indexed(208), Ground::Dark, truecolor)
            }
        }
    }

    fn coloured(gain: Color, loss: Color, ground: Ground, truecolor: bool) -> Self {
        let plain = Style::new();
        let dim = plain.fg(if ground == Ground::Dark { Color::Indexed(246) } else { Color::Indexed(242) });
        let chosen = if ground == Ground::Dark { Color::Indexed(238) } else { Color::Indexed(253) };
        Self {
            text: plain,
            dim,
            head: dim,
            rule: dim,
            title: plain,
            title_focused: plain.fg(Color::Cyan).add_modifier(Modifier::BOLD),
            accent: plain.fg(Color::Cyan),
            gain: plain.fg(gain),
            loss: plain.fg(loss),
            stale: dim.add_modifier(Modifier::ITALIC),
            near: plain.fg(Color::Yellow).add_modifier(Modifier::BOLD),
            breach: plain.fg(Color::White).bg(Color::Red).add_modifier(Modifier::BOLD),
            good: plain.fg(gain).add_modifier(Modifier::BOLD),
            what_if: plain.fg(Color::Magenta),
            selected: plain.bg(chosen).add_modifier(Modifier::BOLD),
            strong: plain.add_modifier(Modifier::BOLD),
            badge: [Color::Cyan, Color::Blue, Color::Yellow, Color::Green]
                .map(|ground| plain.fg(Color::Black).bg(ground).add_modifier(Modifier::BOLD)),
            badge_live: plain.fg(Color::White).bg(Color::Red).add_modifier(Modifier::BOLD),
            heat: Heat::Coloured(ground.scale(truecolor)),
        }
    }

    fn mono() -> Self {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        let reverse = plain.add_modifier(Modifier::REVERSED);
        Self {
            text: plain,
            dim: plain.add_modifier(Modifier::DIM),
            head: plain.add_modifier(Modifier::DIM),
            rule: plain,
            title: plain,
            title_focused: bold,
            accent: bold,
            gain: plain,
            loss: plain,
            stale: plain.add_modifier(Modifier::DIM),
            near: bold,
            breach: reverse.add_modifier(Modifier::BOLD),
            good: bold,
            what_if: plain.add_modifier(Modifier::ITALIC),
            selected: reverse,
            strong: bold,
            badge: [reverse; 4],
            badge_live: reverse.add_modifier(Modifier::BOLD),
            heat: Heat::Attributes,
        }
    }

    /// A figure that is neither gain nor loss.
    pub fn neutral(&self, standing: Standing) -> Style {
        match standing {
            Standing::Live => self.text,
            Standing::Stale => self.stale,
            Standing::Unknown => self.dim,
        }
    }

    /// Profit or loss by its displayed sign; what is not live is dimmed instead.
    pub fn pnl(&self, standing: Standing, sign: i8) -> Style {
        match (standing, sign) {
            (Standing::Live, 1) => self.gain,
            (Standing::Live, -1) => self.loss,
            (other, _) => self.neutral(other),
        }
    }

    /// A raised kill switch: not to be overlooked on any background.
    pub fn alarm(&self) -> Style {
        self.badge_live
    }

    /// Each mode has a ground of its own, and the word; where there are no colours, the word alone.
    pub fn badge(&self, mode: Mode) -> Style {
        let [demo, sim, sandbox, paper] = self.badge;
        match mode {
            Mode::Demo => demo,
            Mode::Sim => sim,
            Mode::Sandbox => sandbox,
            Mode::Paper => paper,
            Mode::Live => self.badge_live,
        }
    }

    /// A cell of the scenario matrix; `level` runs from −3 (worst loss) to +3.
    pub fn heat(&self, level: i8) -> Style {
        let level = level.clamp(-3, 3);
        match self.heat {
            Heat::Coloured(scale) => {
                let step = usize::try_from(level + 3).unwrap_or(3);
                match scale[step] {
                    None => self.text,
                    Some((back, dark_text)) => {
                        Style::new().bg(back).fg(if dark_text { Color::Black } else { Color::White })
                    }
                }
            }
            Heat::Attributes => match level {
                -3 => self.text.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
                -2 => self.text.add_modifier(Modifier::UNDERLINED),
                _ => self.text,
            },
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ground {
    Dark,
    Light,
}

impl Ground {
    /// Red to blue, distinguishable without red-green sight; text black or white by the cell's luminance.
    fn scale(self, truecolor: bool) -> [Option<(Color, bool)>; 7] {
        let exact: [Option<(u8, u8, u8)>; 7] = match self {
            Self::Dark => [
                Some((178, 24, 43)),
                Some((132, 38, 40)),
                Some((78, 38, 36)),
                None,
                Some((28, 48, 74)),
                Some((32, 78, 128)),
                Some((33, 102, 172)),
            ],
            Self::Light => [
                Some((178, 24, 43)),
                Some((239, 138, 98)),
                Some((253, 219, 199)),
                None,
                Some((209, 229, 240)),
                Some((103, 169, 207)),
                Some((33, 102, 172)),
            ],
        };
        let cube: [u8; 7] = match self {
            Self::Dark => [124, 88, 52, 0, 17, 24, 25],
            Self::Light => [124, 209, 223, 0, 153, 74, 25],
        };
        let mut scale = [None; 7];
        for (step, colour) in exact.into_iter().enumerate() {
            scale[step] = colour.map(|(r, g, b)| {
                let back = if truecolor { Color::Rgb(r, g, b) } else { Color::Indexed(cube[step]) };
                (back, is_bright(r, g, b))
            });
        }
        scale
    }
}

/// A role with a ground takes the colour there, and where it has its own letters, black or white on it.
fn repainted(style: Style, colour: Color) -> Style {
    match (style.bg, style.fg) {
        (None, _) => style.fg(colour),
        (Some(_), None) => style.bg(colour),
        (Some(_), Some(_)) => {
            style.bg(colour).fg(if reads_black(colour) { Color::Black } else { Color::White })
        }
    }
}

fn reads_black(colour: Color) -> bool {
    match colour {
        Color::Rgb(r, g, b) => is_bright(r, g, b),
        Color::Indexed(index) => {
            let (r, g, b) = of_cube(index);
            is_bright(r, g, b)
        }
        // What the sixteen are painted as is the terminal's choice; these are dark in every usual palette.
        Color::Black | Color::Red | Color::Blue | Color::Magenta | Color::DarkGray | Color::Reset => false,
        _ => true,
    }
}

const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The nearest of the 216 colours that every terminal of 256 has.
fn without_truecolor(colour: Color) -> Color {
    let Color::Rgb(r, g, b) = colour else { return colour };
    let step = |part: u8| -> u8 {
        let nearest = (0u8..6).min_by_key(|at| CUBE[usize::from(*at)].abs_diff(part));
        nearest.unwrap_or(0)
    };
    Color::Indexed(16 + 36 * step(r) + 6 * step(g) + step(b))
}

fn of_cube(index: u8) -> (u8, u8, u8) {
    let at = index.saturating_sub(16);
    let part = |step: u8| CUBE[usize::from(step % 6)];
    (part(at / 36), part(at / 6), part(at))
}

/// Relative luminance above the point where black text contrasts better than white.
fn is_bright(r: u8, g: u8, b: u8) -> bool {
    let linear = |c: u8| (f64::from(c) / 255.0).powf(2.2);
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b) > 0.179
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_color_overrides_every_theme_and_names_no_colour() {
        for name in [ThemeName::Dark, ThemeName::Light, ThemeName::Mono, ThemeName::ColourBlind] {
            let theme = Theme::new(name, true, true);
            for style in [theme.gain, theme.loss, theme.breach, theme.selected, theme.badge(Mode::Live)] {
                assert_eq!((style.fg, style.bg), (None, None));
            }
            for level in -3..=3 {
                assert_eq!(theme.heat(level).bg, None);
            }
        }
    }

    #[test]
    fn heat_is_symmetric_around_no_colour() {
        let theme = Theme::new(ThemeName::Dark, false, true);
        assert_eq!(theme.heat(0).bg, None);
        assert_eq!(theme.heat(-3).bg, Some(Color::Rgb(178, 24, 43)));
        assert_eq!(theme.heat(3).bg, Some(Color::Rgb(33, 102, 172)));
        assert_eq!(theme.heat(-9), theme.heat(-3));
    }

    #[test]
    fn own_colours_replace_those_of_the_theme() {
        let own = |role: &str, r, g, b| (role.to_owned(), Color::Rgb(r, g, b));
        let own = [own("gain", 78, 201, 176), own("breach", 255, 255, 0), own("selected", 0, 0, 95)];
        let exact = Theme::with_colours(ThemeName::Dark, false, true, &own);
        assert_eq!(exact.gain.fg, Some(Color::Rgb(78, 201, 176)));
        let alarm = (exact.breach.fg, exact.breach.bg);
        assert_eq!(alarm, (Some(Color::Black), Some(Color::Rgb(255, 255, 0))));
        assert_eq!((exact.selected.fg, exact.selected.bg), (None, Some(Color::Rgb(0, 0, 95))));
        assert_eq!(exact.loss, Theme::new(ThemeName::Dark, false, true).loss, "the others stay");
        let cube = Theme::with_colours(ThemeName::Dark, false, false, &own);
        assert_eq!(cube.gain.fg, Some(Color::Indexed(16 + 36 + 6 * 4 + 3)));
        assert_eq!(cube.selected.bg, Some(Color::Indexed(17)));
    }

    #[test]
    fn without_colour_own_colours_are_none_either() {
        let own = [("gain".to_owned(), Color::Rgb(78, 201, 176))];
        let mono = Theme::new(ThemeName::Mono, false, true);
        assert_eq!(Theme::with_colours(ThemeName::Mono, false, true, &own), mono);
        assert_eq!(Theme::with_colours(ThemeName::Dark, true, true, &own), mono);
    }

    #[test]
    fn text_on_bright_cells_is_black() {
        let theme = Theme::new(ThemeName::Light, false, true);
        assert_eq!(theme.heat(-1).fg, Some(Color::Black));
        assert_eq!(theme.heat(-3).fg, Some(Color::White));
    }
}
