//! A file of secrets, `NAME='value'` a line: some lines of it are ours, the rest stays as it is.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

/// A file of credentials is small; more is something else and is not touched.
const MOST_BYTES: u64 = 64 * 1024;

/// Replaces these values, whole or not at all, with a file that only its owner can read.
pub fn write(path: &Path, values: &[(&str, &str)]) -> std::io::Result<()> {
    let old = match std::fs::metadata(path) {
        Ok(meta) if meta.len() > MOST_BYTES => {
            return Err(std::io::Error::other("it is too large to be a file of credentials"));
        }
        Ok(_) => std::fs::read_to_string(path)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let text = with_values(&old, values);
    let beside = path.with_file_name(format!(".env.{}", std::process::id()));
    let written = replace(&beside, path, text.expose_secret());
    if written.is_err() {
        // Nothing of a secret is left behind.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

fn replace(beside: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(beside, path)
}

fn with_values(old: &str, values: &[(&str, &str)]) -> SecretString {
    let name_of = |line: &str| {
        let line = line.trim_start();
        let line = line.strip_prefix("export ").unwrap_or(line);
        line.split_once('=').map(|(name, _)| name.trim().to_owned())
    };
    let mut text = String::new();
    for line in old.lines() {
        let ours = name_of(line).is_some_and(|name| values.iter().any(|(own, _)| *own == name));
        if !ours {
            text.push_str(line);
            text.push('\n');
        }
    }
    for (name, value) in values {
        // In single quotes nothing is expanded; no value has a quote in it.
        text.push_str(&format!("{name}='{value}'\n"));
    }
    SecretString::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_lines_stay_and_ours_are_replaced() {
        let old = "# mine\nOTHER=1\nexport TT_CLIENT_SECRET=old\nTT_REFRESH_TOKEN=\n";
        let new = with_values(old, &[("TT_CLIENT_SECRET", "a$b"), ("TT_REFRESH_TOKEN", "c")]);
        assert_eq!(new.expose_secret(), "# mine\nOTHER=1\nTT_CLIENT_SECRET='a$b'\nTT_REFRESH_TOKEN='c'\n");
    }

    #[test]
    fn the_file_is_private_even_where_it_was_open() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".env");
        std::fs::write(&path, "X=1\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        write(&path, &[("Y", "s")]).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, [".env"]);
    }
}
