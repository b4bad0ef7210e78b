//! The local socket by which shell commands reach a running cockpit: one JSON object a line each way.
//! Mode 0600, beside the store or in a folder of the user's own.

use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::getuid;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot, watch};

use crate::domain::Command;
use crate::domain::command::{Done, LogEntry};
use crate::snapshot::Snapshot;

use super::engine_task::{Ask, LOG_BATCH, Outcome};
use super::supervised;

/// A request line is a batch of journal entries at most.
const LINE_LIMIT: u64 = 16 * 1024 * 1024;
/// Unix socket paths end at 104 bytes on some systems.
const PATH_LIMIT: usize = 100;
/// The pause before the next shell is let in where one could not be.
const AFTER_ERROR: Duration = Duration::from_millis(100);

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    Command(Command),
    Log(Vec<LogEntry>),
    Snapshot,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    Command(Told),
    Log(Vec<Told>),
    Snapshot(Box<Snapshot>),
    /// The request could not be understood, or the cockpit is closing.
    Failed(String),
}

/// An outcome as a shell needs it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    Done(Done),
    Refused { text: String, remedy: String, block: bool },
}

impl From<Outcome> for Told {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Ok(done) => Self::Done(done),
            Err(refusal) => Self::Refused {
                text: refusal.to_string(),
                remedy: refusal.remedy().to_owned(),
                block: refusal.is_block(),
            },
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error("no cockpit answers at {}", path.display())]
    Nobody { path: PathBuf },
    #[error(
        "the folder for sockets {} is not to be trusted: {why}; remove it, set TMPDIR to a folder of your own, or give the store a shorter path",
        folder.display()
    )]
    NotOurs { folder: PathBuf, why: &'static str },
    #[error("cannot listen at {}: {source}", path.display())]
    Listen { path: PathBuf, source: std::io::Error },
    #[error("the running cockpit did not answer: {0}")]
    Broken(#[from] std::io::Error),
    #[error("the running cockpit answered what this version cannot read: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error("the running cockpit says: {0}")]
    Failed(String),
}

/// Where the socket of a store is.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    /// The folder made for sockets only, where the store's own path is too long for one. Everybody may write
    /// beside it, so it must be ours before anything in it is believed.
    folder: Option<PathBuf>,
}

impl Place {
    fn of(store: &Path) -> Self {
        Self::within(store, &std::env::temp_dir())
    }

    fn within(store: &Path, temporary: &Path) -> Self {
        // Both ends come to the same place, from wherever and however the store is named.
        let full = std::fs::canonicalize(store).or_else(|_| std::path::absolute(store));
        let full = full.unwrap_or_else(|_| store.to_owned());
        let beside = full.join("control.sock");
        if beside.as_os_str().len() <= PATH_LIMIT {
            return Self { path: beside, folder: None };
        }
        let digest = Sha256::digest(full.as_os_str().as_encoded_bytes());
        let name: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let folder = temporary.join(format!("cotrader-{}", getuid().as_raw()));
        Self { path: folder.join(format!("{name}.sock")), folder: Some(folder) }
    }

    /// Makes the folder where there is none.
    fn prepare(&self) -> Result<(), ControlError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        match std::fs::DirBuilder::new().mode(0o700).create(folder) {
            Err(source) if source.kind() != std::io::ErrorKind::AlreadyExists => {
                Err(ControlError::Listen { path: self.path.clone(), source })
            }
            Ok(()) | Err(_) => self.check(),
        }
    }

    /// A folder that somebody else owns or can write to may hold somebody else's socket.
    fn check(&self) -> Result<(), ControlError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let nobody = |_| ControlError::Nobody { path: self.path.clone() };
        // Not followed: a link is somebody's choice of another place.
        let found = std::fs::symlink_metadata(folder).map_err(nobody)?;
        let why = if !found.is_dir() {
            "it is no folder"
        } else if found.uid() != getuid().as_raw() {
            "it belongs to somebody else"
        } else if found.mode() & 0o077 != 0 {
            "others have access to it"
        } else {
            return Ok(());
        };
        Err(ControlError::NotOurs { folder: folder.clone(), why })
    }
}

/// Listens until shutdown. The caller holds the store's lock, so a socket that is already there is a
/// leftover of a process that died.
pub async fn serve(
    store: PathBuf,
    asks: mpsc::Sender<Ask>,
    snapshots: watch::Receiver<Option<Arc<Snapshot>>>,
    mut shutdown: watch::Receiver<bool>,
) -> Result<(), ControlError> {
    let place = Place::of(&store);
    place.prepare()?;
    let path = place.path;
    let listen = |source| ControlError::Listen { path: path.clone(), source };
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(listen(error)),
        _ => {}
    }
    let listener = UnixListener::bind(&path).map_err(listen)?;
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&path, private).map_err(listen)?;
    loop {
        tokio::select! {
            _ = shutdown.changed() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let conversation = talk(stream, asks.clone(), snapshots.clone());
                    tokio::spawn(async move {
                        if let Err(why) = supervised::watched(conversation).await {
                            tracing::error!(why, "a conversation with a shell stopped");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a shell could not connect");
                    // It may go on failing, as where there are no more file descriptors.
                    tokio::time::sleep(AFTER_ERROR).await;
                }
            },
        }
    }
    drop(std::fs::remove_file(&path));
    Ok(())
}

async fn talk(
    stream: UnixStream,
    asks: mpsc::Sender<Ask>,
    snapshots: watch::Receiver<Option<Arc<Snapshot>>>,
) {
    let (reading, mut writing) = stream.into_split();
    let mut lines = BufReader::new(reading);
    loop {
        let mut line = String::new();
        match (&mut lines).take(LINE_LIMIT).read_line(&mut line).await {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => return tracing::debug!(%error, "a shell went away"),
        }
        let response = match serde_json::from_str(&line) {
            Ok(request) => answer(request, &asks, &snapshots).await,
            Err(error) => Response::Failed(format!("not a request: {error}")),
        };
        if send_line(&mut writing, &response).await.is_err() {
            return;
        }
    }
}

async fn answer(
    request: Request,
    asks: &mpsc::Sender<Ask>,
    snapshots: &watch::Receiver<Option<Arc<Snapshot>>>,
) -> Response {
    let closing = || Response::Failed("the cockpit is closing".into());
    match request {
        Request::Snapshot => match snapshots.borrow().clone() {
            Some(snapshot) => Response::Snapshot(Box::new(snapshot.as_ref().clone())),
            None => Response::Failed("the first picture is not ready yet".into()),
        },
        Request::Command(command) => {
            let (reply, answer) = oneshot::channel();
            if asks.send(Ask::Command { command, reply: Some(reply) }).await.is_err() {
                return closing();
            }
            answer.await.map_or_else(|_| closing(), |outcome| Response::Command(outcome.into()))
        }
        Request::Log(entries) if entries.len() > LOG_BATCH => {
            Response::Failed(format!("{LOG_BATCH} lines at a time"))
        }
        Request::Log(entries) => {
            let (reply, answer) = oneshot::channel();
            if asks.send(Ask::Log { entries, reply }).await.is_err() {
                return closing();
            }
            answer.await.map_or_else(
                |_| closing(),
                |outcomes| Response::Log(outcomes.into_iter().map(Told::from).collect()),
            )
        }
    }
}

async fn send_line<T: Serialize>(writing: &mut OwnedWriteHalf, value: &T) -> Result<(), ControlError> {
    let mut line = serde_json::to_string(value)?;
    line.push('\n');
    writing.write_all(line.as_bytes()).await?;
    Ok(())
}

/// The shell's end.
pub struct Client {
    lines: BufReader<OwnedReadHalf>,
    writing: OwnedWriteHalf,
}

impl Client {
    pub async fn connect(store: &Path) -> Result<Self, ControlError> {
        let place = Place::of(store);
        place.check()?;
        let path = place.path;
        let stream = UnixStream::connect(&path).await.map_err(|_| ControlError::Nobody { path })?;
        let (reading, writing) = stream.into_split();
        Ok(Self { lines: BufReader::new(reading), writing })
    }

    pub async fn ask(&mut self, request: &Request) -> Result<Response, ControlError> {
        send_line(&mut self.writing, request).await?;
        let mut line = String::new();
        if self.lines.read_line(&mut line).await? == 0 {
            return Err(ControlError::Failed("it closed the connection".into()));
        }
        match serde_json::from_str(&line)? {
            Response::Failed(why) => Err(ControlError::Failed(why)),
            response => Ok(response),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn deep() -> PathBuf {
        PathBuf::from(format!("/home/{}/store", "x".repeat(PATH_LIMIT)))
    }

    #[test]
    fn a_store_whose_path_is_short_has_its_socket_beside_it() {
        let place = Place::within(Path::new("/home/me/store"), Path::new("/tmp"));
        assert_eq!(place.path, Path::new("/home/me/store/control.sock"));
        assert!(place.prepare().is_ok() && place.check().is_ok());
    }

    #[test]
    fn the_place_does_not_depend_on_how_the_store_was_named() {
        let here = std::env::current_dir().expect("a folder");
        let temporary = Path::new("/tmp");
        for name in ["store".to_owned(), format!("{}/store", "x".repeat(PATH_LIMIT - 20))] {
            let (relative, absolute) = (Path::new(&name), here.join(&name));
            let of = |store: &Path| Place::within(store, temporary).path;
            assert_eq!(of(relative), of(&absolute));
            assert!(of(relative).is_absolute());
        }
        let real = tempfile::tempdir().expect("a folder");
        let link = real.path().join("link");
        symlink(real.path(), &link).expect("a link");
        assert_eq!(Place::of(&link).path, Place::of(real.path()).path);
    }

    #[test]
    fn any_other_has_it_in_a_folder_of_our_own_that_both_ends_check() {
        let temporary = tempfile::tempdir().expect("a folder");
        let place = Place::within(&deep(), temporary.path());
        let folder = place.folder.clone().expect("a folder of its own");
        assert_eq!(place.path.parent(), Some(folder.as_path()));
        assert!(matches!(place.check(), Err(ControlError::Nobody { .. })));
        place.prepare().expect("made");
        assert_eq!(std::fs::metadata(&folder).expect("made").mode() & 0o777, 0o700);
        place.prepare().expect("there already");
        place.check().expect("ours");

        let open = |mode| std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(mode));
        for mode in [0o701, 0o710, 0o777] {
            open(mode).expect("our own");
            for seen in [place.prepare(), place.check()] {
                let told = seen.expect_err("refused").to_string();
                assert!(told.contains("others have access") && told.contains("remove it"), "{told}");
            }
        }
    }

    #[test]
    fn a_link_or_a_file_in_its_place_is_refused() {
        let temporary = tempfile::tempdir().expect("a folder");
        let place = Place::within(&deep(), temporary.path());
        let folder = place.folder.clone().expect("a folder of its own");
        symlink(temporary.path(), &folder).expect("a link");
        assert!(matches!(place.prepare(), Err(ControlError::NotOurs { .. })));
        std::fs::remove_file(&folder).expect("our own");
        std::fs::write(&folder, "").expect("a file");
        assert!(matches!(place.check(), Err(ControlError::NotOurs { .. })));
    }
}
