//! Test support: recorded data and reference tables that lie beside the repository on some machines.

use std::path::PathBuf;

/// The file below `../shared`; says so and gives `None` where it is not there.
#[expect(clippy::print_stdout, reason = "a skipped test says that it was skipped")]
pub fn path(relative: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared").join(relative);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {relative} is not here");
    None
}

/// Its text, unpacked where the name ends in `.gz`.
pub fn text(relative: &str) -> Option<String> {
    let path = path(relative)?;
    let bytes = std::fs::read(&path).expect("a readable file");
    let mut out = String::new();
    if relative.ends_with(".gz") {
        let mut decoder = flate2::read::GzDecoder::new(bytes.as_slice());
        std::io::Read::read_to_string(&mut decoder, &mut out).expect("gzip text");
    } else {
        out = String::from_utf8(bytes).expect("UTF-8 text");
    }
    Some(out)
}
