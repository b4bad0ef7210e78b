//! What holds for any bytes given to `price --batch` and `iv --batch`.

use csv::{ByteRecord, ReaderBuilder};

use super::{iv, price};
use crate::cli::exit::{Exit, Trouble};
use crate::domain::Right;
use crate::fuzzing::tellable;
use crate::pricing::american::{self, Accuracy};
use crate::pricing::{OptionInputs, QuoteInputs, raw_greeks};

/// `price --batch`: a line for every row, with the figures of its own numbers or with the reason why there are
/// none; a header without the columns is refused before anything is printed. Where the first byte is even the header
/// is given, so that the rest are rows.
pub fn price_batch(bytes: &[u8]) {
    let input = with_header(bytes, "id,type,spot,strike,rate,div,vol,t,style\n");
    let mut out = Vec::new();
    let end = price::through(input.as_slice(), &mut out);
    let Some(table) = Table::of(&input, &out, &end) else { return };
    for (row, answer) in table.pairs() {
        assert_eq!(answer.len(), 19);
        let (figures, error) = (&answer[1..18], &answer[18]);
        if !error.is_empty() {
            tellable(error);
            assert!(figures.iter().all(String::is_empty), "an error beside figures: {answer:?}");
            continue;
        }
        let inputs = OptionInputs {
            right: table.right(row),
            spot: table.number(row, "spot"),
            strike: table.number(row, "strike"),
            rate: table.number(row, "rate"),
            dividend_yield: table.number(row, "div"),
            vol_annual: table.number(row, "vol"),
            tte_years: table.number(row, "t"),
        };
        assert!(inputs.is_valid() && inputs.tte_years >= 0.0, "priced all the same: {inputs:?}");
        let raw = if table.is_american(row) {
            american::raw_greeks(&inputs, &[], Accuracy::High)
        } else {
            raw_greeks(&inputs)
        };
        let told: Vec<f64> = figures.iter().map(|figure| figure.parse().expect("a number")).collect();
        assert!(told.iter().all(|figure| figure.is_finite()), "{answer:?}");
        assert_eq!((told[0], told[1], told[16]), (raw.price, raw.delta, raw.dual_gamma), "{inputs:?}");
    }
    table.ends_as_it_should(&end, |answer| answer[18].is_empty());
}

/// `iv --batch`: a line for every row, with a volatility and `ok`, or with the word for why there is none.
pub fn iv_batch(bytes: &[u8]) {
    let input = with_header(bytes, "id,type,spot,strike,rate,div,t,price,style\n");
    let mut out = Vec::new();
    let end = iv::through(input.as_slice(), &mut out);
    let Some(table) = Table::of(&input, &out, &end) else { return };
    for (row, answer) in table.pairs() {
        let [_, vol, status] = answer.as_slice() else { panic!("{} cells", answer.len()) };
        if status != "ok" {
            assert!(vol.is_empty() && !status.is_empty(), "{answer:?}");
            continue;
        }
        let quote = QuoteInputs {
            right: table.right(row),
            price: table.number(row, "price"),
            spot: table.number(row, "spot"),
            strike: table.number(row, "strike"),
            rate: table.number(row, "rate"),
            dividend_yield: table.number(row, "div"),
            tte_years: table.number(row, "t"),
        };
        let vol: f64 = vol.parse().expect("a number");
        assert!(vol.is_finite() && vol > 0.0, "{quote:?}: {vol}");
        if !table.is_american(row) {
            assert!(quote.implied_vol().is_ok(), "{quote:?}: {vol}");
        }
    }
    table.ends_as_it_should(&end, |answer| answer[2] == "ok");
}

fn with_header(bytes: &[u8], header: &str) -> Vec<u8> {
    match bytes.split_first() {
        Some((choice, rows)) if choice.is_multiple_of(2) => [header.as_bytes(), rows].concat(),
        Some((_, all)) => all.to_vec(),
        None => Vec::new(),
    }
}

/// What went in and what came out, each read by names.
struct Table {
    header: ByteRecord,
    rows: Vec<ByteRecord>,
    answers: Vec<Vec<String>>,
}

impl Table {
    /// `None` where the input was refused as a whole.
    fn of(input: &[u8], out: &[u8], end: &Result<Exit, Trouble>) -> Option<Self> {
        if let Err(trouble) = end {
            tellable(&trouble.text);
            trouble.remedy.iter().for_each(|remedy| tellable(remedy));
        }
        if let Some(trouble) = end.as_ref().err().filter(|_| out.is_empty()) {
            assert!(trouble.exit == Exit::Usage, "nothing but the header can be refused: {}", trouble.text);
            return None;
        }
        let mut reader = ReaderBuilder::new().flexible(true).has_headers(false).from_reader(input);
        let mut rows = reader.byte_records().map(|row| row.expect("bytes are always a record"));
        let header = rows.next().expect("an input without a header is refused");
        let rows: Vec<ByteRecord> = rows.collect();
        let mut answers = Vec::new();
        let mut reader = ReaderBuilder::new().from_reader(out);
        for answer in reader.byte_records() {
            let answer = answer.expect("as many cells as the heading names");
            answers.push(answer.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect());
        }
        let table = Self { header, rows, answers };
        assert_eq!(table.answers.len(), table.rows.len(), "a line for every row");
        for (row, answer) in table.pairs() {
            assert_eq!(answer[0], String::from_utf8_lossy(table.raw(row, "id").unwrap_or_default()));
        }
        Some(table)
    }

    fn pairs(&self) -> impl Iterator<Item = (&ByteRecord, &Vec<String>)> {
        self.rows.iter().zip(&self.answers)
    }

    fn raw<'a>(&self, row: &'a ByteRecord, name: &str) -> Option<&'a [u8]> {
        let names = |is: fn(&[u8], &[u8]) -> bool| {
            self.header.iter().position(|cell| is(cell.trim_ascii(), name.as_bytes()))
        };
        row.get(names(<[u8]>::eq).or_else(|| names(<[u8]>::eq_ignore_ascii_case))?)
    }

    fn text(&self, row: &ByteRecord, name: &str) -> String {
        String::from_utf8_lossy(self.raw(row, name).unwrap_or_default().trim_ascii()).into_owned()
    }

    /// Of a row that was answered.
    fn number(&self, row: &ByteRecord, name: &str) -> f64 {
        self.text(row, name).parse().unwrap_or_else(|_| panic!("{name} is no number and was used: {row:?}"))
    }

    fn right(&self, row: &ByteRecord) -> Right {
        match self.text(row, "type").to_ascii_lowercase().as_str() {
            "c" | "call" => Right::Call,
            "p" | "put" => Right::Put,
            other => panic!("{other:?} was taken for a type"),
        }
    }

    fn is_american(&self, row: &ByteRecord) -> bool {
        match self.text(row, "style").to_ascii_lowercase().as_str() {
            "american" => true,
            "" | "european" => false,
            other => panic!("{other:?} was taken for a style"),
        }
    }

    fn ends_as_it_should(&self, end: &Result<Exit, Trouble>, good: impl Fn(&Vec<String>) -> bool) {
        let bad = self.answers.iter().filter(|answer| !good(answer)).count();
        match end {
            Ok(end) => {
                assert!(*end == Exit::Ok && bad == 0, "{bad} rows without an answer, and no word of it");
            }
            Err(trouble) => {
                let told = trouble.text.split(' ').next().unwrap_or_default().replace(',', "");
                assert!(trouble.exit == Exit::Failed && told == bad.to_string(), "{bad}: {}", trouble.text);
            }
        }
    }
}
