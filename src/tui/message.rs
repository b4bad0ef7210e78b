//! What reaches the reducer and what it may answer.

use crossterm::event::KeyEvent;

use crate::domain::Command;
use crate::snapshot::Notice;

#[derive(Debug, Clone)]
pub enum Message {
    Key(KeyEvent),
    Paste(String),
    Resize(u16, u16),
    /// A new picture is in view.
    Snapshot,
    Notice(Notice),
}

/// What the screen asks of the program.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    Command(Command),
    Quit,
}

/// What a message leads to outside the state.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Ask(Request),
    /// To the terminal's clipboard.
    Copy(String),
    /// Back to the shell until `fg`.
    Suspend,
}
