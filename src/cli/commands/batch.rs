//! Batches of options as CSV: columns by name in any order, rows in chunks, the answer to each in a line of its
//! own. A row that cannot be read says why; the others go on.
//!
//! Never: prices anything; holds more than a chunk of rows.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::ops::Range;
use std::path::Path;
use std::rc::Rc;

use csv::{ByteRecord, ReaderBuilder};

use crate::cli::exit::{Exit, Trouble};
use crate::domain::instrument::{ExerciseStyle, Right};
use crate::domain::text::{clean, thousands};

/// Rows that are read before they are answered.
const CHUNK: usize = 4096;
/// Bytes of ids that are kept before they are answered.
const IDS: usize = 1 << 20;
/// No row is longer than this, and the header neither: an unclosed quote would swallow all that follows.
const LONGEST: u64 = 64 << 20;
/// More threads than this wait for the one that reads.
const WORKERS: usize = 8;

/// Why a row cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("{column} is missing")]
    Missing { column: &'static str },
    #[error("{column} is not a number: {found}")]
    NotANumber { column: &'static str, found: String },
    #[error("{column} is not a finite number")]
    NotFinite { column: &'static str },
    #[error("type is neither C nor P: {found}")]
    Type { found: String },
    #[error("style is neither european nor american: {found}")]
    Style { found: String },
    #[error("the row has {row} cells, the header {header}; a decimal comma is read as the end of a cell")]
    Cells { row: usize, header: usize },
}

/// Rows next to each other, column by column. The numbers of a row with a fault mean nothing.
pub struct Chunk<const N: usize> {
    ids: Vec<u8>,
    id_ends: Vec<usize>,
    pub rights: Vec<Right>,
    pub styles: Vec<ExerciseStyle>,
    pub numbers: [Vec<f64>; N],
    pub faults: Vec<Option<Fault>>,
}

impl<const N: usize> Chunk<N> {
    fn new() -> Self {
        Self {
            ids: Vec::new(),
            id_ends: Vec::with_capacity(CHUNK),
            rights: Vec::with_capacity(CHUNK),
            styles: Vec::with_capacity(CHUNK),
            numbers: std::array::from_fn(|_| Vec::with_capacity(CHUNK)),
            faults: Vec::with_capacity(CHUNK),
        }
    }

    pub fn len(&self) -> usize {
        self.id_ends.len()
    }

    fn is_full(&self) -> bool {
        self.len() >= CHUNK || self.ids.len() >= IDS
    }

    pub fn id(&self, row: usize) -> &[u8] {
        let start = row.checked_sub(1).map_or(0, |before| self.id_ends[before]);
        &self.ids[start..self.id_ends[row]]
    }

    /// The numbers of one row, in the order in which the columns were asked for.
    pub fn row(&self, row: usize) -> [f64; N] {
        std::array::from_fn(|column| self.numbers[column][row])
    }

    fn clear(&mut self) {
        self.ids.clear();
        self.id_ends.clear();
        self.rights.clear();
        self.styles.clear();
        self.numbers.iter_mut().for_each(Vec::clear);
        self.faults.clear();
    }

    fn push(&mut self, record: &ByteRecord, columns: &Columns<N>) {
        let mut fault = None;
        let mut note = |found: Fault| {
            // The first one is told.
            fault.get_or_insert(found);
        };
        // Before the others: where cells were split, they are only what comes of it.
        columns.same_cells(record).unwrap_or_else(&mut note);
        let right = columns.right(record).unwrap_or_else(|found| {
            note(found);
            Right::Call
        });
        for (column, numbers) in self.numbers.iter_mut().enumerate() {
            numbers.push(columns.number(record, column).unwrap_or_else(|found| {
                note(found);
                f64::NAN
            }));
        }
        let style = columns.style(record).unwrap_or_else(|found| {
            note(found);
            ExerciseStyle::European
        });
        self.ids.extend_from_slice(record.get(columns.id).unwrap_or_default());
        self.id_ends.push(self.ids.len());
        self.rights.push(right);
        self.styles.push(style);
        self.faults.push(fault);
    }
}

/// The first two columns of a name.
fn places(header: &ByteRecord, name: &str, is: fn(&[u8], &[u8]) -> bool) -> [Option<usize>; 2] {
    let mut found = header.iter().enumerate().filter(|(_, cell)| is(cell.trim_ascii(), name.as_bytes()));
    std::array::from_fn(|_| found.next().map(|(at, _)| at))
}

/// Where in a row each column stands.
struct Columns<const N: usize> {
    /// In the header.
    cells: usize,
    id: usize,
    right: usize,
    names: [&'static str; N],
    places: [usize; N],
    style: Option<usize>,
}

impl<const N: usize> Columns<N> {
    fn of(header: &ByteRecord, names: [&'static str; N]) -> Result<Self, Trouble> {
        let place = |name: &str| -> Result<Option<usize>, Trouble> {
            // A name as it is written above goes before one in other letters: that may be another column.
            match [places(header, name, <[u8]>::eq), places(header, name, <[u8]>::eq_ignore_ascii_case)] {
                [[Some(_), Some(_)], _] | [[None, _], [Some(_), Some(_)]] => {
                    Err(usage(format!("the header names the column {name} twice"))
                        .with_remedy("leave one of them, or give the other another name"))
                }
                [[exact, _], [alike, _]] => Ok(exact.or(alike)),
            }
        };
        let needed = |name: &str| {
            place(name)?.ok_or_else(|| {
                usage(format!("the header has no column {name}")).with_remedy(format!(
                    "the first line names the columns, in any order: id,type,{}[,style]",
                    names.join(",")
                ))
            })
        };
        let mut places = [0; N];
        for (place, name) in places.iter_mut().zip(names) {
            *place = needed(name)?;
        }
        let (id, right, style) = (needed("id")?, needed("type")?, place("style")?);
        Ok(Self { cells: header.len(), id, right, names, places, style })
    }

    /// A row may end early, or in empty cells; one with more in it than the header names was split elsewhere.
    fn same_cells(&self, record: &ByteRecord) -> Result<(), Fault> {
        if record.iter().skip(self.cells).all(|cell| cell.trim_ascii().is_empty()) {
            return Ok(());
        }
        Err(Fault::Cells { row: record.len(), header: self.cells })
    }

    fn right(&self, record: &ByteRecord) -> Result<Right, Fault> {
        match record.get(self.right).unwrap_or_default().trim_ascii() {
            b"" => Err(Fault::Missing { column: "type" }),
            word if is_any(word, ["c", "call"]) => Ok(Right::Call),
            word if is_any(word, ["p", "put"]) => Ok(Right::Put),
            other => Err(Fault::Type { found: shown(other) }),
        }
    }

    /// European where nothing is said.
    fn style(&self, record: &ByteRecord) -> Result<ExerciseStyle, Fault> {
        match self.style.and_then(|at| record.get(at)).unwrap_or_default().trim_ascii() {
            b"" => Ok(ExerciseStyle::European),
            word if is_any(word, ["european"]) => Ok(ExerciseStyle::European),
            word if is_any(word, ["american"]) => Ok(ExerciseStyle::American),
            other => Err(Fault::Style { found: shown(other) }),
        }
    }

    fn number(&self, record: &ByteRecord, column: usize) -> Result<f64, Fault> {
        let name = self.names[column];
        let cell = record.get(self.places[column]).unwrap_or_default().trim_ascii();
        if cell.is_empty() {
            return Err(Fault::Missing { column: name });
        }
        match std::str::from_utf8(cell).ok().and_then(|text| text.parse::<f64>().ok()) {
            Some(number) if number.is_finite() => Ok(number),
            Some(_) => Err(Fault::NotFinite { column: name }),
            None => Err(Fault::NotANumber { column: name, found: shown(cell) }),
        }
    }
}

/// In small or capital letters.
fn is_any<const N: usize>(cell: &[u8], words: [&str; N]) -> bool {
    words.iter().any(|word| cell.eq_ignore_ascii_case(word.as_bytes()))
}

/// A cell in a message: short, on one line.
fn shown(cell: &[u8]) -> String {
    let start = &cell[..cell.len().min(100)];
    clean(&String::from_utf8_lossy(start), 24)
}

fn usage(text: String) -> Trouble {
    Trouble::new(Exit::Usage, text)
}

/// Counts what was read since the last row ended.
struct Counted<R> {
    source: R,
    read: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read.get() > LONGEST {
            return Err(io::Error::other(format!(
                "it does not end within {} MB; look for a quote that is not closed",
                LONGEST >> 20
            )));
        }
        let n = self.source.read(buffer)?;
        self.read.set(self.read.get() + n as u64);
        Ok(n)
    }
}

/// What a worker wrote for its rows, and how many of them could not be answered.
#[derive(Default)]
pub struct Lines {
    pub text: Vec<u8>,
    pub failed: u64,
}

impl Lines {
    /// A cell as it is, in quotes where it would not be read back as one cell.
    pub fn cell(&mut self, cell: &[u8]) {
        let plain = |byte: &u8| !matches!(byte, b',' | b'"' | b'\n' | b'\r');
        if cell.iter().all(plain) {
            self.text.extend_from_slice(cell);
            return;
        }
        self.text.push(b'"');
        for &byte in cell {
            if byte == b'"' {
                self.text.push(b'"');
            }
            self.text.push(byte);
        }
        self.text.push(b'"');
    }

    /// The shortest text that reads back equal; zero has no sign.
    pub fn number(&mut self, number: f64) {
        // Memory always takes it.
        drop(write!(self.text, "{:?}", number + 0.0));
    }

    pub fn comma(&mut self) {
        self.text.push(b',');
    }

    pub fn end(&mut self) {
        self.text.push(b'\n');
    }
}

/// Where the rows come from: `file`, or standard input for `-`.
pub fn source(file: &Path) -> Result<Box<dyn Read>, Trouble> {
    if file == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    File::open(file)
        .map(|file| Box::new(file) as Box<dyn Read>)
        .map_err(|error| Trouble::failed(format!("cannot read {}: {error}", file.display())))
}

/// Reads the whole of `source` and writes `heading` and what `answer` makes of each chunk of rows, part by part on
/// several threads. Where rows could not be answered it fails in the end, with their number before `complaint`.
pub fn run<const N: usize>(
    source: impl Read,
    out: impl Write,
    names: [&'static str; N],
    [heading, complaint]: [&str; 2],
    answer: impl Fn(&Chunk<N>, Range<usize>, &mut Lines) + Sync,
) -> Result<Exit, Trouble> {
    let read = Rc::new(Cell::new(0));
    let mut rows = ReaderBuilder::new()
        .flexible(true)
        .has_headers(false)
        .buffer_capacity(1 << 16)
        .from_reader(Counted { source, read: Rc::clone(&read) });
    let mut record = ByteRecord::new();
    let unreadable = |what: &str, error: csv::Error| format!("cannot read {what}: {error}");
    match rows.read_byte_record(&mut record) {
        Ok(true) => {}
        Ok(false) => {
            return Err(usage("the input is empty".into()).with_remedy(format!(
                "its first line names the columns: id,type,{}[,style]",
                names.join(",")
            )));
        }
        Err(error) => return Err(usage(unreadable("the header", error))),
    }
    let columns = Columns::of(&record, names)?;
    let mut out = BufWriter::with_capacity(1 << 16, out);
    writeln!(out, "{heading}").map_err(super::stdout_gone)?;
    let mut chunk = Chunk::new();
    let (mut row, mut failed) = (0u64, 0u64);
    loop {
        read.set(0);
        let more = rows.read_byte_record(&mut record);
        if let Ok(true) = more {
            row += 1;
            chunk.push(&record, &columns);
        }
        let ended = !matches!(more, Ok(true));
        if ended || chunk.is_full() {
            failed += answered(&chunk, &answer, &mut out).map_err(super::stdout_gone)?;
            chunk.clear();
        }
        match more {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                out.flush().map_err(super::stdout_gone)?;
                return Err(Trouble::failed(unreadable(&format!("row {}", row + 1), error)));
            }
        }
    }
    out.flush().map_err(super::stdout_gone)?;
    if failed == 0 {
        return Ok(Exit::Ok);
    }
    // Row counts are far below 2^52.
    let [failed, all] = [failed, row].map(|count| thousands(count as f64));
    Err(Trouble::failed(format!("{failed} of {all} {} {complaint}", if row == 1 { "row" } else { "rows" })))
}

/// Answers a chunk in parts and prints them in order; how many rows failed.
fn answered<const N: usize>(
    chunk: &Chunk<N>,
    answer: &(impl Fn(&Chunk<N>, Range<usize>, &mut Lines) + Sync),
    out: &mut impl Write,
) -> io::Result<u64> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(WORKERS);
    let share = chunk.len().div_ceil(workers).max(64);
    let starts = (0..chunk.len()).step_by(share);
    let parts: Vec<Range<usize>> = starts.map(|at| at..(at + share).min(chunk.len())).collect();
    let write = |part: &Range<usize>| {
        let mut lines = Lines::default();
        answer(chunk, part.clone(), &mut lines);
        lines
    };
    let written: Vec<Lines> = if let [only] = parts.as_slice() {
        vec![write(only)]
    } else {
        std::thread::scope(|scope| {
            let write = &write;
            let running: Vec<_> = parts.iter().map(|part| scope.spawn(move || write(part))).collect();
            running.into_iter().map(|part| part.join().map_err(|_| gave_up())).collect::<io::Result<_>>()
        })?
    };
    let mut failed = 0;
    for lines in written {
        out.write_all(&lines.text)?;
        failed += lines.failed;
    }
    Ok(failed)
}

fn gave_up() -> io::Error {
    io::Error::other("the rows could not be answered")
}
