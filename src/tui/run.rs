//! The loop: keys, pictures, messages and the clock in one `select!`. A frame is drawn when something changed,
//! at most so many a second, at once after a key; nothing else is ever drawn.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{Event, EventStream};
use futures_util::{Stream, StreamExt};
use ratatui::Terminal;
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::layout::Rect;
use ratatui::text::Line;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::keymap::BadKey;
use super::message::{Effect, Message, Request};
use super::panels::{Scene, header};
use super::state::{ScreenConfig, UiState};
use super::terminal::{self, Guard, RealShell, Shell};
use super::{draw, paint, update};
use crate::snapshot::{Level, Notice, Snapshot};

/// What connects the screen with the program.
pub struct Channels {
    pub snapshots: watch::Receiver<Option<Arc<Snapshot>>>,
    pub notices: mpsc::Receiver<Notice>,
    pub requests: mpsc::Sender<Request>,
    /// Becomes true when the process shall end.
    pub signals: watch::Receiver<bool>,
}

#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    #[error("input or output is not a terminal")]
    NotATerminal,
    #[error("the terminal cannot be used: {0}")]
    Terminal(#[source] io::Error),
    #[error("the terminal is gone")]
    Gone,
    #[error(transparent)]
    Keys(#[from] BadKey),
}

impl TuiError {
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NotATerminal => "start it in a terminal, or use `cotrader snapshot` for plain output",
            Self::Terminal(_) => "check TERM, or use `cotrader snapshot` for plain output",
            Self::Gone => "nothing is lost: start cotrader again",
            Self::Keys(bad) => bad.remedy(),
        }
    }
}

/// Shows the screen until the trader quits, the process shall end or the terminal goes away.
pub async fn run(config: ScreenConfig, channels: Channels) -> Result<(), TuiError> {
    let ui = UiState::new(&config)?;
    if !terminal::is_terminal() {
        return Err(TuiError::NotATerminal);
    }
    // Under NO_COLOR crossterm writes colour sequences without a colour, which terminals take for "reset
    // everything": bold and reverse would go, too. The mono theme names no colour in the first place.
    crossterm::style::force_color_output(true);
    let jobs = job_control().map_err(TuiError::Terminal)?;
    let guard = Guard::enter().map_err(TuiError::Terminal)?;
    let backend = Terminal::new(CrosstermBackend::new(io::stdout())).map_err(TuiError::Terminal)?;
    let ticks = tokio::time::interval(Duration::from_secs(1));
    let ticks = futures_util::stream::unfold(ticks, |mut ticks| async move {
        ticks.tick().await;
        Some(((), ticks))
    });
    let screen = Screen::new(backend, RealShell, ui, config.frame_cap);
    let result = drive(screen, channels, EventStream::new(), Box::pin(ticks), jobs).await.map(drop);
    drop(guard);
    result
}

/// What the shell's job control does to the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Job {
    Stop,
    Continue,
}

type Jobs = Pin<Box<dyn Stream<Item = Job> + Send>>;

#[cfg(unix)]
fn job_control() -> io::Result<Jobs> {
    use rustix::process::Signal;
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |which: Signal, job: Job| {
        let listener = signal(SignalKind::from_raw(which.as_raw()))?;
        let stream = futures_util::stream::unfold(listener, move |mut listener| async move {
            listener.recv().await.map(|()| (job, listener))
        });
        io::Result::Ok(stream)
    };
    let stop = Box::pin(listen(Signal::TSTP, Job::Stop)?);
    let go_on = Box::pin(listen(Signal::CONT, Job::Continue)?);
    Ok(Box::pin(futures_util::stream::select(stop, go_on)))
}

#[cfg(not(unix))]
fn job_control() -> io::Result<Jobs> {
    Ok(Box::pin(futures_util::stream::pending()))
}

/// Terminal, state and the picture in view.
struct Screen<B: Backend, S> {
    terminal: Terminal<B>,
    shell: S,
    ui: UiState,
    started: Instant,
    /// The newest picture; the one in view differs while the screen is frozen.
    newest: Option<Arc<Snapshot>>,
    shown: Option<Arc<Snapshot>>,
    /// Something on the screen is no longer true.
    dirty: bool,
    /// The header as it was drawn: the clock asks for a frame only when it reads differently.
    clock: String,
    last_frame: Option<Instant>,
    gap: Duration,
    /// Frames drawn so far.
    frames: u64,
}

/// What a step of the loop means for the loop.
enum Step {
    Wait,
    /// A key was pressed: draw without waiting for the next slot.
    Now,
    Quit,
}

impl<B: Backend, S: Shell> Screen<B, S> {
    fn new(terminal: Terminal<B>, shell: S, ui: UiState, frame_cap: u32) -> Self {
        Self {
            terminal,
            shell,
            ui,
            started: Instant::now(),
            newest: None,
            shown: None,
            dirty: true,
            clock: String::new(),
            last_frame: None,
            gap: Duration::from_secs(1) / frame_cap.clamp(1, 60),
            frames: 0,
        }
    }

    fn draw(&mut self) -> Result<(), TuiError> {
        let gone = |_| TuiError::Gone;
        self.shell.begin_frame().map_err(gone)?;
        let (shown, ui) = (self.shown.as_deref(), &self.ui);
        let drawn = self.terminal.draw(|frame| match shown {
            Some(snapshot) => draw(frame, snapshot, ui),
            None => {
                let area = frame.area();
                waiting(area, frame.buffer_mut());
            }
        });
        if drawn.is_err() {
            return Err(TuiError::Gone);
        }
        self.shell.end_frame().map_err(gone)?;
        self.frames += 1;
        self.dirty = false;
        self.last_frame = Some(Instant::now());
        self.clock = self.clock_text();
        Ok(())
    }

    fn clock_text(&self) -> String {
        let Some(snapshot) = self.shown.as_deref() else { return String::new() };
        header::line(Scene { snapshot, ui: &self.ui }, self.ui.size.0).to_string()
    }

    /// When the next frame may be drawn.
    fn slot(&self) -> Instant {
        self.last_frame.map_or_else(Instant::now, |at| at + self.gap)
    }

    fn tick(&mut self) -> Result<(), TuiError> {
        if !self.shell.is_ours() {
            return Err(TuiError::Gone);
        }
        let gone = self.ui.at(self.started.elapsed());
        self.dirty |= gone || self.ui.frozen_at.is_some() || self.clock_text() != self.clock;
        Ok(())
    }

    /// A new picture; nothing changes on a frozen screen, nor for a picture that is already in view.
    fn picture(&mut self, picture: Option<Arc<Snapshot>>) {
        let Some(picture) = picture else { return };
        self.newest = Some(picture);
        if self.ui.frozen_at.is_none() {
            self.show_newest();
        }
    }

    fn show_newest(&mut self) {
        let Some(newest) = self.newest.clone() else { return };
        if self.shown.as_ref().is_some_and(|shown| shown.revision == newest.revision) {
            return;
        }
        self.ui.at(self.started.elapsed());
        update(&mut self.ui, Message::Snapshot, &newest);
        self.shown = Some(newest);
        self.dirty = true;
    }

    fn message(&mut self, message: Message) -> Option<Effect> {
        self.ui.at(self.started.elapsed());
        self.dirty = true;
        let Some(shown) = self.shown.clone() else {
            return self.before_first_picture(message);
        };
        let was_frozen = self.ui.frozen_at.is_some();
        let effect = update(&mut self.ui, message, &shown);
        if was_frozen && self.ui.frozen_at.is_none() {
            self.show_newest();
        }
        effect
    }

    /// Nothing to look at yet: leaving, resizing and messages work all the same.
    fn before_first_picture(&mut self, message: Message) -> Option<Effect> {
        use super::keymap::Action;
        match message {
            Message::Key(event) => match self.ui.keymap.action(self.ui.focus, event) {
                Some(Action::Quit) => Some(Effect::Ask(Request::Quit)),
                Some(Action::Suspend) => Some(Effect::Suspend),
                _ => None,
            },
            Message::Resize(width, height) => {
                self.ui.size = (width, height);
                None
            }
            Message::Notice(notice) => {
                self.ui.toast(notice);
                None
            }
            Message::Paste(_) | Message::Snapshot => None,
        }
    }

    fn event(&mut self, event: Event, requests: &mpsc::Sender<Request>) -> Result<Step, TuiError> {
        let message = match event {
            Event::Key(key) => Message::Key(key),
            Event::Paste(text) => Message::Paste(text),
            Event::Resize(width, height) => Message::Resize(width, height),
            Event::FocusGained | Event::FocusLost | Event::Mouse(_) => return Ok(Step::Wait),
        };
        match self.message(message) {
            None => Ok(Step::Now),
            Some(Effect::Ask(Request::Quit)) => {
                // Leaving does not depend on anybody listening.
                let _ = requests.try_send(Request::Quit);
                Ok(Step::Quit)
            }
            Some(Effect::Ask(request)) => {
                if requests.try_send(request).is_err() {
                    self.ui.say(Level::Error, "not taken: the engine is busy", Some("try again".to_owned()));
                }
                Ok(Step::Now)
            }
            Some(Effect::Copy(text)) => {
                self.shell.copy(&text).map_err(|_| TuiError::Gone)?;
                Ok(Step::Now)
            }
            Some(Effect::Suspend) => self.suspend(),
        }
    }

    fn suspend(&mut self) -> Result<Step, TuiError> {
        self.shell.suspend().map_err(TuiError::Terminal)?;
        self.redraw_all()
    }

    /// The terminal may show anything: forget what was drawn.
    fn redraw_all(&mut self) -> Result<Step, TuiError> {
        // Not `Terminal::clear`: that one asks the terminal where the cursor is, and the answer would have to
        // come in through the very reader that waits for keys.
        self.terminal.backend_mut().clear().map_err(|_| TuiError::Gone)?;
        self.terminal.swap_buffers();
        self.dirty = true;
        Ok(Step::Now)
    }
}

fn waiting(area: Rect, buf: &mut ratatui::buffer::Buffer) {
    let middle = area.height / 2;
    paint::put_line(buf, area, middle, &Line::raw("  cotrader is reading accounts and quotes …  q quits"));
}

/// Everything that can happen, in one place. Generic, so that a test can be the terminal, the keyboard and the
/// clock.
async fn drive<B: Backend, S: Shell>(
    mut screen: Screen<B, S>,
    mut channels: Channels,
    mut events: impl Stream<Item = io::Result<Event>> + Unpin,
    mut ticks: impl Stream<Item = ()> + Unpin,
    mut jobs: impl Stream<Item = Job> + Unpin,
) -> Result<Screen<B, S>, TuiError> {
    if let Ok(size) = screen.terminal.size() {
        screen.ui.size = (size.width, size.height);
    }
    let first = channels.snapshots.borrow_and_update().clone();
    screen.picture(first);
    let (mut heard, mut ticking, mut stoppable, mut signalled) = (true, true, true, true);
    loop {
        let slot = screen.slot();
        let step = tokio::select! {
            biased;
            changed = channels.signals.changed(), if signalled => match changed {
                Ok(()) if *channels.signals.borrow_and_update() => Step::Quit,
                Ok(()) => Step::Wait,
                Err(_) => { signalled = false; Step::Wait }
            },
            event = events.next() => match event {
                Some(Ok(event)) => screen.event(event, &channels.requests)?,
                Some(Err(_)) | None => return Err(TuiError::Gone),
            },
            job = jobs.next(), if stoppable => match job {
                Some(Job::Stop) => screen.suspend()?,
                Some(Job::Continue) => {
                    screen.shell.resume().map_err(TuiError::Terminal)?;
                    screen.redraw_all()?
                }
                None => { stoppable = false; Step::Wait }
            },
            notice = channels.notices.recv(), if heard => match notice {
                Some(notice) => { screen.message(Message::Notice(notice)); Step::Wait }
                None => { heard = false; Step::Wait }
            },
            () = tokio::time::sleep_until(slot), if screen.dirty => Step::Now,
            changed = channels.snapshots.changed() => match changed {
                Ok(()) => {
                    let picture = channels.snapshots.borrow_and_update().clone();
                    screen.picture(picture);
                    Step::Wait
                }
                // The engine has ended: there will never be another picture.
                Err(_) => Step::Quit,
            },
            tick = ticks.next(), if ticking => match tick {
                Some(()) => { screen.tick()?; Step::Wait }
                None => { ticking = false; Step::Wait }
            },
        };
        match step {
            Step::Wait => {}
            Step::Now => screen.draw()?,
            Step::Quit => return Ok(screen),
        }
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
    use futures_util::stream;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::domain::Command;
    use crate::tui::sample;

    #[derive(Default)]
    struct TestShell {
        copied: Vec<String>,
        suspended: usize,
        gone: bool,
    }

    impl Shell for TestShell {
        fn is_ours(&self) -> bool {
            !self.gone
        }
        fn begin_frame(&mut self) -> io::Result<()> {
            if self.gone { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
        }
        fn end_frame(&mut self) -> io::Result<()> {
            Ok(())
        }
        fn copy(&mut self, text: &str) -> io::Result<()> {
            self.copied.push(text.to_owned());
            Ok(())
        }
        fn suspend(&mut self) -> io::Result<()> {
            self.suspended += 1;
            Ok(())
        }
        fn resume(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Outside {
        pictures: watch::Sender<Option<Arc<Snapshot>>>,
        requests: mpsc::Receiver<Request>,
        end: watch::Sender<bool>,
    }

    fn connected(first: Option<Snapshot>) -> (Channels, Outside) {
        let (pictures, snapshots) = watch::channel(first.map(Arc::new));
        // Nobody says anything: the loop goes on without notices.
        let (_, notices) = mpsc::channel(8);
        let (requests, request_receiver) = mpsc::channel(8);
        let (end, signals) = watch::channel(false);
        let channels = Channels { snapshots, notices, requests, signals };
        (channels, Outside { pictures, requests: request_receiver, end })
    }

    fn screen() -> Screen<TestBackend, TestShell> {
        let terminal = Terminal::new(TestBackend::new(160, 50)).unwrap();
        let ui = UiState::new(&ScreenConfig::default()).unwrap();
        Screen::new(terminal, TestShell::default(), ui, 60)
    }

    fn typed(keys: &str) -> Vec<io::Result<Event>> {
        let key = |c| Ok(Event::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)));
        keys.chars().map(key).collect()
    }

    fn quiet() -> Snapshot {
        let mut snapshot = sample::normal();
        snapshot.header.link.kind = crate::snapshot::header::LinkKind::Snapshot;
        snapshot.header.link.age_seconds = Some(600.0);
        snapshot
    }

    #[tokio::test]
    async fn no_frame_is_drawn_while_nothing_changes() {
        let mut screen = screen();
        screen.picture(Some(Arc::new(quiet())));
        screen.draw().unwrap();
        let (channels, outside) = connected(Some(quiet()));
        // Forty ticks of the clock, the same picture again and again, then the end.
        let pictures = outside.pictures.clone();
        let end = outside.end.clone();
        let ticks = stream::iter(0..40).map(move |n| {
            pictures.send_replace(Some(Arc::new(quiet())));
            if n == 39 {
                end.send_replace(true);
            }
        });
        let screen = drive(screen, channels, stream::pending(), ticks, stream::pending()).await.unwrap();
        assert_eq!(screen.frames, 1);
    }

    #[tokio::test]
    async fn a_key_draws_at_once_and_asks() {
        let (channels, mut outside) = connected(Some(quiet()));
        let events = stream::iter(typed("rq"));
        let screen = drive(screen(), channels, events, stream::pending(), stream::pending()).await.unwrap();
        assert_eq!(outside.requests.try_recv(), Ok(Request::Command(Command::Refresh)));
        assert_eq!(outside.requests.try_recv(), Ok(Request::Quit));
        assert_eq!(screen.frames, 1);
    }

    #[tokio::test]
    async fn a_frozen_screen_keeps_its_picture_and_catches_up() {
        let mut screen = screen();
        screen.picture(Some(Arc::new(quiet())));
        let press = |c| Message::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
        screen.message(press('F'));
        let newer = Snapshot { revision: 2, ..quiet() };
        screen.picture(Some(Arc::new(newer)));
        assert_eq!(screen.shown.as_ref().map(|s| s.revision), Some(1));
        screen.draw().unwrap();
        let text = screen.terminal.backend().to_string();
        assert!(text.contains("FROZEN 0 s"), "{text}");
        screen.message(press('F'));
        assert_eq!(screen.shown.as_ref().map(|s| s.revision), Some(2));
    }

    #[tokio::test]
    async fn a_terminal_that_goes_away_ends_the_screen() {
        let (channels, _outside) = connected(Some(quiet()));
        let ended = drive(screen(), channels, stream::empty(), stream::pending(), stream::pending()).await;
        assert!(matches!(ended, Err(TuiError::Gone)));
        let (channels, _outside) = connected(Some(quiet()));
        let mut broken = screen();
        broken.shell.gone = true;
        let ended = drive(broken, channels, stream::pending(), stream::pending(), stream::pending()).await;
        assert!(matches!(ended, Err(TuiError::Gone)));
    }

    #[tokio::test]
    async fn a_panic_elsewhere_ends_the_screen_at_the_next_second() {
        let (channels, _outside) = connected(Some(quiet()));
        let mut taken_away = screen();
        taken_away.picture(Some(Arc::new(quiet())));
        taken_away.draw().unwrap();
        taken_away.shell.gone = true;
        let tick = stream::iter([()]);
        let ended = drive(taken_away, channels, stream::pending(), tick, stream::pending()).await;
        assert!(matches!(ended, Err(TuiError::Gone)));
    }

    #[tokio::test]
    async fn the_end_of_the_process_ends_the_screen() {
        let (channels, outside) = connected(None);
        outside.end.send_replace(true);
        let ended = drive(screen(), channels, stream::pending(), stream::pending(), stream::pending()).await;
        assert!(ended.is_ok());
    }

    #[tokio::test]
    async fn suspending_draws_everything_anew() {
        let (channels, _outside) = connected(Some(quiet()));
        let stop = KeyEvent::new(KeyCode::Char('z'), KeyModifiers::CONTROL);
        let mut events = vec![Ok(Event::Key(stop))];
        events.extend(typed("yq"));
        let screen = drive(screen(), channels, stream::iter(events), stream::pending(), stream::pending())
            .await
            .unwrap();
        assert_eq!(screen.shell.suspended, 1);
        assert_eq!(screen.shell.copied, ["NVDA"]);
        let text = screen.terminal.backend().to_string();
        assert!(text.contains("Risk by underlying") && text.contains("copied NVDA"), "{text}");
    }

    #[tokio::test]
    async fn a_notice_becomes_a_message_that_stays_until_dismissed() {
        let mut screen = screen();
        screen.picture(Some(Arc::new(quiet())));
        let notice = Notice {
            level: Level::Error,
            text: "the broker refused".into(),
            remedy: Some("run `cotrader doctor`".into()),
        };
        screen.message(Message::Notice(notice));
        screen.ui.at(Duration::from_secs(3_600));
        screen.draw().unwrap();
        let text = screen.terminal.backend().to_string();
        assert!(text.contains("!! the broker refused") && text.contains("Esc dismisses"), "{text}");
        screen.message(Message::Key(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE)));
        screen.draw().unwrap();
        assert!(!screen.terminal.backend().to_string().contains("refused"));
    }
}
