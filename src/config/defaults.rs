//! The built-in files: what holds where the trader has no file, and what `init` writes.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::Config;
use super::error::{ConfigError, Fault};
use super::load::file_fault;

pub(super) const COTRADER: &str = include_str!("../../config/cotrader.yaml");
pub(super) const PORTFOLIOS: &str = include_str!("../../config/portfolios.yaml");
const ENV: &str = include_str!("../../.env.example");

/// What `init` did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    pub created: Vec<PathBuf>,
    /// Were there before and stayed as they were.
    pub kept: Vec<PathBuf>,
}

impl Config {
    /// Writes the commented default files and an empty `.env` into `folder` (made with mode 0700 where
    /// missing). Nothing that exists is touched.
    pub fn write_default(folder: &Path) -> Result<Written, ConfigError> {
        make_private_folder(folder).map_err(|error| unwritable(folder, &error))?;
        let mut written = Written::default();
        for (name, text) in [("cotrader.yaml", COTRADER), ("portfolios.yaml", PORTFOLIOS), (".env", ENV)] {
            let path = folder.join(name);
            match write_new(&path, text) {
                Ok(()) => written.created.push(path),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => written.kept.push(path),
                Err(error) => return Err(unwritable(&path, &error)),
            }
        }
        Ok(written)
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> ConfigError {
    file_fault(path, None, Fault::Unwritable(error.kind()))
}

fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder)
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
