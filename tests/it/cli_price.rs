//! `price --batch` and `iv --batch`: tables of options through the program itself.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;

use super::cli::{Home, Ran};

const FIGURES: [&str; 17] = [
    "price",
    "delta",
    "gamma",
    "vega",
    "theta",
    "rho",
    "phi",
    "vanna",
    "volga",
    "charm",
    "veta",
    "speed",
    "zomma",
    "color",
    "ultima",
    "dual_delta",
    "dual_gamma",
];

type Row = HashMap<String, String>;

fn rows(text: &str) -> Vec<Row> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let names: Vec<String> = reader.headers().expect("a header").iter().map(str::to_owned).collect();
    let row =
        |record: csv::StringRecord| names.iter().cloned().zip(record.iter().map(str::to_owned)).collect();
    reader.records().map(|record| row(record.expect("a record"))).collect()
}

fn number(row: &Row, name: &str) -> f64 {
    row[name].parse().unwrap_or_else(|_| panic!("{name} is no number in {row:?}"))
}

fn price(input: &str) -> Ran {
    Home::new().feed(&["price", "--batch", "-"], input)
}

fn iv(input: &str) -> Ran {
    Home::new().feed(&["iv", "--batch", "-"], input)
}

/// A reference table that lies beside the repository on some machines.
#[expect(clippy::print_stdout, reason = "a skipped test says that it was skipped")]
fn reference(name: &str) -> Option<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/reference/numerics").join(name);
    if !path.exists() {
        println!("skipped: {name} is not here");
        return None;
    }
    Some(std::fs::read_to_string(path).expect("a readable table"))
}

const GOOD: &str = "good,C,100,70,0.05,0.02,0.6,0.019178082191780823\n";
const HEADER: &str = "id,type,spot,strike,rate,div,vol,t\n";

#[test]
fn every_figure_stands_under_its_name_in_mathematical_units() {
    let ran = price(&format!("{HEADER}{GOOD}")).expect(0);
    assert_eq!(ran.lines()[0], format!("id,{},error", FIGURES.join(",")));
    let expected = [
        30.028754924934332,
        0.999609424561169,
        3.882446191707798e-6,
        0.000446747233018432,
        -1.50437893058186,
        1.3411652403240494,
        -1.9170591703912832,
        -0.00022893376615784387,
        0.013762824238773356,
        0.023561719351831673,
        -0.22622809336438213,
        -2.0671923678249419e-6,
        0.00011313475270792212,
        -0.0017635880218609381,
        0.3551650093017096,
        -0.999031250445465,
        7.923359574913874e-6,
    ];
    let row = &rows(&ran.out)[0];
    assert_eq!((row["id"].as_str(), row["error"].as_str()), ("good", ""));
    for (name, expected) in FIGURES.into_iter().zip(expected) {
        let got = number(row, name);
        assert!((got / expected - 1.0).abs() < 1e-9, "{name}: {got}, not {expected}");
        assert_eq!(format!("{got:?}"), row[name], "the shortest text that reads back equal");
    }
}

#[test]
fn columns_are_found_by_name_wherever_they_stand() {
    let plain = price(&format!("{HEADER}{GOOD}")).expect(0);
    let moved = "\u{feff}note,t, vol ,div,rate,strike,spot,style,id,type,more\r\n\
                 \"x, \"\"y\"\"\",0.019178082191780823,0.6,0.02,5e-2, 70 ,100.0,EUROPEAN,good,c,\r\n\r\n";
    assert_eq!(price(moved).expect(0).out, plain.out);
    let odd = price(&format!("{HEADER}\"a,\"\"b\"\"\"{}", &GOOD[4..])).expect(0);
    assert_eq!(rows(&odd.out)[0]["id"], "a,\"b\"");
}

const BEYOND: &str = "a figure is beyond the range of numbers; check the row";

#[test]
fn capital_letters_and_whole_words_mean_the_same() {
    let want = price(&format!("{HEADER}good,C,100,70,0.05,0.02,0.6,0.5\n")).expect(0).out;
    for word in ["c", "CALL", "Call", "call"] {
        let header = "ID,Type,SPOT,Strike,rate,Div,VOL,T\n";
        assert_eq!(price(&format!("{header}good,{word},100,70,0.05,0.02,0.6,0.5\n")).expect(0).out, want);
    }
    let puts =
        "id,type,spot,strike,rate,div,t,PRICE,Style\np,Put,100,90,0,0,1,5,American\nq,PUT,100,90,0,0,1,5,\n";
    let vols = iv(puts).expect(0).lines().join(" ");
    assert!(vols.contains("p,0.2") && vols.contains("q,0.2"), "{vols}");
    // A column of just this name is meant before one in other letters; two of those are one too many.
    let both = "VOL,id,type,spot,strike,rate,div,vol,t\n9,good,C,100,70,0.05,0.02,0.6,0.5\n";
    assert_eq!(price(both).expect(0).out, want);
    price("Vol,id,type,spot,strike,rate,div,VOL,t\n").expect(2).says("names the column vol twice");
}

#[test]
fn a_row_with_more_cells_than_the_header_is_not_priced() {
    let bad =
        ["C,1,234,100,0,0,0.2,1", "C,100,100,0,0,0,2,1", "C,100,100,0,05,0,0,2,1", "C,100,100,0,0,0.2,1,,x"];
    let input: String = bad.iter().map(|row| format!("bad,{row}\n{GOOD}")).collect();
    let ran = price(&format!("{HEADER}{input}")).expect(1);
    for (pair, cells) in rows(&ran.out).chunks(2).zip([9, 9, 10, 10]) {
        let why =
            format!("the row has {cells} cells, the header 8; a decimal comma is read as the end of a cell");
        assert_eq!((pair[0]["price"].as_str(), pair[0]["error"].as_str()), ("", why.as_str()));
        assert!(number(&pair[1], "price") > 30.0);
    }
    let empty = price(&format!("{HEADER}{}, ,,\n", GOOD.trim_end())).expect(0);
    assert_eq!(empty.out, price(&format!("{HEADER}{GOOD}")).expect(0).out, "empty cells say nothing");
    let ran = iv("id,type,spot,strike,rate,div,t,price\n1,C,100,100,0,0,1,7,97\n").expect(1);
    assert_eq!(ran.lines()[1], "1,,bad_row");
}

#[test]
fn an_american_row_whose_figures_leave_the_range_says_so() {
    let header = "id,type,spot,strike,rate,div,vol,t,style\n";
    for option in ["P,1e300,1e300,0.05,0,0.2,1", "C,100,100,-800,-800,0.2,1", "P,100,100,0.05,0,0.2,1e-300"] {
        let ran = price(&format!("{header}1,{option},american\n")).expect(1);
        assert_eq!(rows(&ran.out)[0]["error"], BEYOND, "{option}");
    }
    // Exercised, or next to no volatility: the zeros are true.
    for option in ["P,50,100,0.05,0,0.2,1e-300", "P,0,100,0.05,0,0.2,1", "P,100,110,0.05,0,0,1"] {
        let ran = price(&format!("{header}1,{option},american\n")).expect(0);
        assert_eq!(number(&rows(&ran.out)[0], "gamma"), 0.0, "{option}");
    }
}

#[test]
fn a_row_that_cannot_be_priced_says_why_and_the_others_are_priced() {
    let bad = [
        ("X,100,70,0.05,0.02,0.6,0.5", "type is neither C nor P: X"),
        (",100,70,0.05,0.02,0.6,0.5", "type is missing"),
        ("C,,70,0.05,0.02,0.6,0.5", "spot is missing"),
        ("C,NaN,70,0.05,0.02,0.6,0.5", "spot is not a finite number"),
        ("C,100,inf,0.05,0.02,0.6,0.5", "strike is not a finite number"),
        ("C,100,1e999,0.05,0.02,0.6,0.5", "strike is not a finite number"),
        ("C,-100,70,0.05,0.02,0.6,0.5", "spot is negative"),
        ("C,100,-70,0.05,0.02,0.6,0.5", "strike is negative"),
        ("C,100,70,abc,0.02,0.6,0.5", "rate is not a number: abc"),
        ("C,100,70,0.05,0.02,-0.6,0.5", "vol is negative"),
        ("C,100,70,0.05,0.02,0.6,-0.5", "t is negative"),
        ("C,100,70,0.05,0.02,0.6", "t is missing"),
        ("C,100,70,0.05,0.02,\"0,6\",0.5", "vol is not a number: 0,6"),
        ("C", "spot is missing"),
        ("C,1e308,1e-308,0,-700,5,9", BEYOND),
        ("C,100,100,-800,-800,0.2,1", BEYOND),
        ("C,100,100,0,0,0.2,1e-300", BEYOND),
        ("C,1e-310,1e-310,0,0,0.2,1", BEYOND),
    ];
    let mut input = HEADER.to_owned();
    for (row, _) in bad {
        input += &format!("bad,{row}\n{GOOD}");
    }
    let ran = price(&input).expect(1);
    let rows = rows(&ran.out);
    assert_eq!(rows.len(), 2 * bad.len());
    for (pair, (row, why)) in rows.chunks(2).zip(bad) {
        assert_eq!(pair[0]["error"], why, "{row}");
        assert!(FIGURES.iter().all(|name| pair[0][*name].is_empty()), "{row}");
        assert_eq!((pair[1]["id"].as_str(), pair[1]["error"].as_str()), ("good", ""));
        assert!(number(&pair[1], "price") > 30.0);
    }
    ran.says("cotrader: 18 of 36 rows could not be priced; the column error says why");
    let styled = price("id,type,spot,strike,rate,div,vol,t,style\n1,C,100,70,0,0,0.2,1,asian\n").expect(1);
    let styled = styled.says("1 of 1 row could not be priced");
    assert!(styled.out.contains("style is neither european nor american: asian"), "{styled:?}");
}

#[test]
fn at_the_edges_there_are_numbers_all_the_same() {
    let edges =
        ["C,100,90,0.05,0,0.2,0", "P,100,90,0.05,0,0,1", "C,0,90,0.05,0,0.2,1", "P,100,0,0.05,0,0.2,1"];
    let input: String = edges.iter().map(|edge| format!("e,{edge}\n")).collect();
    let ran = price(&format!("{HEADER}{input}")).expect(0);
    let prices: Vec<f64> = rows(&ran.out).iter().map(|row| number(row, "price")).collect();
    assert_eq!(prices, [10.0, 0.0, 0.0, 0.0]);
    assert!(!ran.out.contains("-0.0,"), "zero has no sign: {}", ran.out);
}

#[test]
fn a_header_that_lacks_a_column_is_a_usage_error_that_names_it() {
    let ran = price("id,type,spot,strike,rate,div,t\n").expect(2).says("the header has no column vol");
    assert!(ran.out.is_empty());
    ran.says("id,type,spot,strike,rate,div,vol,t[,style]");
    iv("id,type,spot,strike,rate,div,t\n").expect(2).says("no column price");
    price("type,spot,strike,rate,div,vol,t\n").expect(2).says("no column id");
    price(&format!("vol,{HEADER}")).expect(2).says("names the column vol twice");
    price("").expect(2).says("the input is empty");
    Home::new().run(&["price", "--batch", "nowhere.csv"]).expect(1).says("nowhere.csv");
    Home::new().run(&["price"]).expect(2).says("--batch");
}

#[test]
fn a_header_of_a_million_columns_is_a_header() {
    let many: String = (0..1_000_000).map(|i| format!("c{i},")).collect();
    let ran = price(&format!("{many}{HEADER}{}{GOOD}", ",".repeat(1_000_000))).expect(0);
    assert_eq!(rows(&ran.out)[0]["id"], "good");
    price(&format!("{many}last\n")).expect(2).says("the header has no column");
}

#[test]
fn a_quote_that_is_never_closed_does_not_fill_the_memory() {
    let mut child = Home::new().spawn(&["price", "--batch", "-"]);
    let mut input = child.stdin.take().expect("piped");
    let feeding = std::thread::spawn(move || {
        let line = GOOD.repeat(20_000);
        // Far more than it takes; the other end hangs up.
        let _ = input.write_all(format!("{HEADER}{GOOD}\"open").as_bytes());
        (0..200).all(|_| input.write_all(line.as_bytes()).is_ok())
    });
    let ran = Ran::of(&child.wait_with_output().expect("it ends")).expect(1);
    assert!(!feeding.join().expect("fed"), "it stopped reading");
    assert_eq!(ran.lines().len(), 2, "what stood before is priced");
    ran.says("row 2").says("a quote that is not closed");
}

#[test]
fn bytes_that_are_no_text_are_told_as_what_they_are_and_the_next_row_is_priced() {
    let mut input = HEADER.as_bytes().to_vec();
    input.extend_from_slice(b"a\xff,C,100,70,0.05,0.02,0.6,\xc3\x28\r\n\0,C,\0,70,0.05,0.02,0.6,0.5\r");
    input.extend_from_slice(GOOD.as_bytes());
    let mut child = Home::new().spawn(&["price", "--batch", "-"]);
    child.stdin.take().expect("piped").write_all(&input).expect("taken");
    let out = child.wait_with_output().expect("it ends");
    assert_eq!(out.status.code(), Some(1));
    let lines: Vec<&[u8]> = out.stdout.split(|byte| *byte == b'\n').collect();
    assert!(
        lines[1].starts_with(b"a\xff,,") && lines[1].ends_with("t is not a number: \u{fffd}(".as_bytes())
    );
    assert!(lines[2].starts_with(b"\0,,") && lines[2].ends_with("spot is not a number: ·".as_bytes()));
    assert!(lines[3].starts_with(b"good,30.02"), "{:?}", String::from_utf8_lossy(lines[3]));
    // The same in the header is a header without the column.
    let mut child = Home::new().spawn(&["iv", "--batch", "-"]);
    let header = b"id,type,spot,strike,rate,div,t,pr\xffice\n";
    child.stdin.take().expect("piped").write_all(header).expect("taken");
    Ran::of(&child.wait_with_output().expect("it ends")).expect(2).says("the header has no column price");
}

#[test]
fn a_line_of_ten_megabytes_is_a_row_like_any_other() {
    let long = "x".repeat(10 << 20);
    let ran = price(&format!("{HEADER}bad,C,{long},70,0.05,0.02,0.6,0.5\n{GOOD}{long}\n{GOOD}")).expect(1);
    let lines = ran.lines();
    assert_eq!(lines.len(), 5);
    assert!(lines[1].ends_with(",spot is not a number: xxxxxxxxxxxxxxxxxxxxxxxx"), "the cell is cut");
    assert!(lines[2].starts_with("good,30.02") && lines[4].starts_with("good,30.02"));
    assert!(lines[3].ends_with(",type is missing"), "a row without its other columns");
    price(&long).expect(2).says("the header has no column");
    iv(&format!("id,id,{long}\n")).expect(2).says("the header has no column spot");
}

#[test]
#[cfg(target_os = "linux")]
fn the_memory_does_not_grow_with_the_rows() {
    let mut child = Home::new().spawn(&["iv", "--batch", "-"]);
    let status = format!("/proc/{}/status", child.id());
    let most = || -> u64 {
        let text = std::fs::read_to_string(&status).expect("it runs");
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        line.trim().strip_suffix(" kB").and_then(|kilobytes| kilobytes.parse().ok()).expect("a number")
    };
    let mut output = BufReader::new(child.stdout.take().expect("piped"));
    let reading = std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()).expect("read"));
    let mut input = child.stdin.take().expect("piped");
    input.write_all(b"id,type,spot,strike,rate,div,t,price\n").expect("taken");
    let rows = "a row,Q,100,nonsense,NaN,,0.5,-1\n".repeat(30_000);
    input.write_all(rows.as_bytes()).expect("taken");
    let early = most();
    (0..25).for_each(|_| input.write_all(rows.as_bytes()).expect("taken"));
    // Twenty-five times as many rows later, 25 MB of them.
    let late = most();
    drop(input);
    assert!(late < early + 8_000, "{early} kB after the first rows, {late} kB later");
    assert_eq!(child.wait().expect("gone").code(), Some(1));
    assert!(reading.join().expect("read") > 10_000_000);
}

#[test]
fn rows_are_answered_while_more_are_to_come() {
    let mut child = Home::new().spawn(&["iv", "--batch", "-"]);
    let mut input = child.stdin.take().expect("piped");
    let mut output = BufReader::new(child.stdout.take().expect("piped"));
    let row = |i: usize| format!("{i},C,100,100,0.02,0,0.5,{}\n", 4.0 + (i % 100) as f64 / 50.0);
    let all: String = (0..50_000).map(row).collect();
    let (seen, enough) = std::sync::mpsc::channel::<()>();
    let feeding = std::thread::spawn(move || {
        input.write_all(b"id,type,spot,strike,rate,div,t,price\n").expect("taken");
        input.write_all(all.as_bytes()).expect("taken");
        // The input stays open until the answers to most of it have been seen.
        enough.recv().expect("seen");
    });
    let mut line = String::new();
    for i in 0..40_000 {
        line.clear();
        output.read_line(&mut line).expect("a line");
        let expected = i32::checked_sub(i, 1).filter(|i| *i >= 0).map_or("id".to_owned(), |i| i.to_string());
        assert_eq!(line.split(',').next(), Some(expected.as_str()));
    }
    seen.send(()).expect("still fed");
    let mut rest = String::new();
    output.read_to_string(&mut rest).expect("the rest");
    feeding.join().expect("fed");
    assert_eq!(rest.lines().count(), 50_001 - 40_000);
    assert!(rest.lines().all(|line| line.ends_with(",ok")));
    assert_eq!(child.wait().expect("gone").code(), Some(0));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let mut child = Home::new().spawn(&["price", "--batch", "-"]);
    let mut input = child.stdin.take().expect("piped");
    drop(child.stdout.take());
    let line = GOOD.repeat(20_000);
    let _ = input.write_all(HEADER.as_bytes());
    while input.write_all(line.as_bytes()).is_ok() {}
    let ran = Ran::of(&child.wait_with_output().expect("it ends")).expect(0);
    assert_eq!(ran.err, "");
}

#[test]
fn a_vol_or_the_reason_why_there_is_none() {
    let header = "id,type,spot,strike,rate,div,t,price\n";
    let cases = [
        ("C,100,100,0,0,1,7.965567455405798", "ok"),
        ("C,100,90,0,0,1,9", "below_intrinsic"),
        ("C,100,90,0,0,1,10", "at_intrinsic"),
        ("C,100,90,0,0,1,101", "above_max"),
        ("C,100,90,0,0,1,100", "at_max"),
        ("C,100,100,-1000,-1000,1,5", "out_of_range"),
        ("C,100,90,0,0,1,0", "zero_price"),
        ("C,100,90,0,0,1,-1", "negative_price"),
        ("C,100,90,0,0,1,NaN", "not_finite"),
        ("C,-100,90,0,0,1,5", "not_finite"),
        ("C,100,90,x,0,1,5", "not_finite"),
        ("C,100,90,,0,1,5", "not_finite"),
        ("C,100,90,0,0,1", "not_finite"),
        ("C,100,90,0,0,0,15", "expired"),
        ("Q,100,90,0,0,1,15", "bad_type"),
    ];
    let input: String = cases.iter().enumerate().map(|(i, (row, _))| format!("{i},{row}\n")).collect();
    let ran = iv(&format!("{header}{input}")).expect(1);
    let ran = ran.says("cotrader: 14 of 15 rows gave no volatility; the column status says why");
    assert_eq!(ran.lines()[0], "id,vol,status");
    let rows = rows(&ran.out);
    assert_eq!(rows.len(), cases.len());
    for (row, (given, status)) in rows.iter().zip(cases) {
        assert_eq!(row["status"], status, "{given}");
        assert_eq!(row["vol"].is_empty(), status != "ok", "{given}");
    }
    assert!((number(&rows[0], "vol") - 0.2).abs() < 1e-14);
    iv(&format!("{header}{}", &input[..input.find('\n').expect("a line") + 1])).expect(0);
}

#[test]
fn the_reference_values_of_european_options() {
    let Some(table) = reference("european.csv") else { return };
    let ran = price(&table).expect(0);
    for (got, want) in rows(&ran.out).iter().zip(rows(&table)) {
        assert_eq!(got["id"], want["id"]);
        let (d1, d2) = (number(&want, "d1"), number(&want, "d2"));
        let slack = 8.0 * f64::EPSILON * (4.0 + number(&want, "kappa") + d1 * d1 + d2 * d2);
        let (price, exact) = (number(got, "price"), number(&want, "price"));
        assert!((price - exact).abs() <= slack * exact.abs(), "{}: {price}, not {exact}", want["id"]);
        if want["group"] != "typical" {
            continue;
        }
        for name in FIGURES {
            let (figure, exact) = (number(got, name), number(&want, name));
            let size = exact.abs().max(1e-9);
            assert!((figure - exact).abs() <= 1e-7 * size, "{} {name}: {figure}, not {exact}", want["id"]);
        }
    }
}

#[test]
fn the_reference_volatilities() {
    let Some(table) = reference("implied_vol.csv") else { return };
    let ran = iv(&table).expect(1);
    for (got, want) in rows(&ran.out).iter().zip(rows(&table)) {
        assert_eq!((&got["id"], &got["status"]), (&want["id"], &want["status"]));
        if want["status"] == "ok" {
            let bound = 4.0 * f64::EPSILON * number(&want, "kappa");
            let (vol, exact) = (number(got, "vol"), number(&want, "vol"));
            assert!((vol / exact - 1.0).abs() <= bound, "{}: {vol}, not {exact}", want["id"]);
        }
    }
}

#[test]
fn american_options_are_worth_their_exercise() {
    let header = "id,type,spot,strike,rate,div,vol,t,style\n";
    let option = "P,100,110,0.05,0.02,0.2,0.5";
    let ran = price(&format!("{header}e,{option},european\na,{option},american\nn,{option},\n")).expect(0);
    let rows = rows(&ran.out);
    let prices: Vec<f64> = rows.iter().map(|row| number(row, "price")).collect();
    assert!(prices[1] > prices[0] && prices[1] >= 10.0, "{prices:?}");
    assert_eq!(prices[0], prices[2], "european where nothing is said");
}

#[test]
fn a_vol_of_an_american_price_is_the_one_it_was_priced_at() {
    let header = "id,type,spot,strike,rate,div,t,price,style\n";
    // A worked put of 56 days at 24 %, worth 13.6988121 without early exercise.
    let put = |price: &str| format!("p,P,230,240,0.04,0,{},{price},american\n", 56.0 / 365.0);
    let input = [header, &put("13.921953"), &put("10"), &put("9"), &put("-1")].concat();
    let ran = iv(&input).expect(1);
    let rows = rows(&ran.out);
    let said: Vec<&str> = rows.iter().map(|row| row["status"].as_str()).collect();
    assert_eq!(said, ["ok", "at_intrinsic", "below_intrinsic", "negative_price"]);
    let wild = "p,P,90,100,0.05,0,1,";
    let input = [header, wild, "100,american\n", wild, "99.99,american\n", wild, "100.1,american\n"].concat();
    let ran = iv(&input).expect(1);
    assert_eq!(ran.lines()[1..], ["p,,at_max", "p,,out_of_range", "p,,above_max"]);
    assert!((number(&rows[0], "vol") - 0.24).abs() < 1e-6, "{}", rows[0]["vol"]);
}

#[test]
fn the_reference_values_of_american_options() {
    let Some(table) = reference("american.csv") else { return };
    let mut input = "style,id,type,spot,strike,rate,div,vol,t\n".to_owned();
    let wanted: Vec<Row> = rows(&table).into_iter().step_by(8).collect();
    for row in &wanted {
        let cells =
            ["id", "type", "spot", "strike", "rate", "div", "vol", "t"].map(|name| row[name].as_str());
        input += &format!("american,{}\n", cells.join(","));
    }
    let ran = price(&input).expect(0);
    for (got, want) in rows(&ran.out).iter().zip(&wanted) {
        let (price, exact) = (number(got, "price"), number(want, "price"));
        assert!(
            (price - exact).abs() <= 1e-8 * number(want, "strike"),
            "{}: {price}, not {exact}",
            want["id"]
        );
        let (delta, exact) = (number(got, "delta"), number(want, "delta"));
        assert!((delta - exact).abs() <= 1e-5, "{}: {delta}, not {exact}", want["id"]);
    }
}
