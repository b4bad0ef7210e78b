//! The screen: terminal, keys, a pure reducer, five panels and their dialogs, drawn from a `Snapshot`.
//!
//! Never: computes a figure, decides anything, or knows more of the program than `domain` and `snapshot`.

pub mod dialogs;
pub mod format;
#[cfg(test)]
mod guide_tests;
pub mod keymap;
pub mod layout;
pub mod message;
pub mod paint;
pub mod panels;
pub mod rows;
pub mod run;
pub mod sample;
pub mod screen;
#[cfg(test)]
mod screen_tests;
pub mod state;
pub mod table;
pub mod terminal;
pub mod theme;
pub mod update;

pub use message::Request;
pub use run::{Channels, TuiError, run};
pub use screen::{draw, render_text};
pub use state::{ScreenConfig, UiState};
pub use terminal::{install_panic_hook, panicked, restore_terminal};
pub use theme::ThemeName;
pub use update::update;
