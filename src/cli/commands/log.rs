//! `log`: one entry from the arguments, or a batch of JSON lines.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

use tokio::sync::mpsc;

use crate::cli::args::LogArgs;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::setting::Setting;
use crate::domain::TradeId;
use crate::domain::command::LogEntry;
use crate::runtime::control::Told;
use crate::runtime::engine_task::LOG_BATCH;
use crate::runtime::shell::Shell;

/// A line longer than this is no journal entry.
const LINE_LIMIT: u64 = 64 * 1024;

pub async fn run(setting: &Setting, args: LogArgs) -> Result<Exit, Trouble> {
    super::refuse_other_market(setting).await?;
    let mut shell = Shell::open(&setting.store, setting.engine_config()?).await?;
    let done = match &args.batch {
        Some(file) => batch(&mut shell, file).await,
        None => one(&mut shell, args).await,
    };
    shell.close().await;
    done
}

async fn one(shell: &mut Shell, args: LogArgs) -> Result<Exit, Trouble> {
    let kind = serde_json::from_value(serde_json::Value::String(args.kind.clone())).map_err(|_| {
        Trouble::new(Exit::Usage, format!("{:?} is not a kind of entry", args.kind))
            .with_remedy("use decision, note, objective, mandate or outcome")
    })?;
    let entry = LogEntry {
        underlying: args.underlying,
        strategy: args.strategy,
        rationale: args.rationale.unwrap_or_default(),
        portfolio: args.portfolio,
        trade: args.trade.map(TradeId),
        kind,
        key: args.key,
    };
    match shell.log(vec![entry]).await?.pop() {
        Some(Told::Done(done)) => {
            for id in done.events {
                super::print(&format!("{id}\n"))?;
            }
            Ok(Exit::Ok)
        }
        Some(Told::Refused { text, remedy, block }) => {
            let exit = if block { Exit::Blocked } else { Exit::Failed };
            Err(Trouble::new(exit, text).with_remedy(remedy))
        }
        None => Err(Trouble::failed("the entry was not answered")),
    }
}

/// A line as it came, or what is wrong with it.
type Line = (usize, Result<LogEntry, String>);

async fn batch(shell: &mut Shell, file: &Path) -> Result<Exit, Trouble> {
    let source: Box<dyn Read + Send> = if file == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(
            File::open(file)
                .map_err(|error| Trouble::failed(format!("cannot read {}: {error}", file.display())))?,
        )
    };
    let (lines, mut waiting) = mpsc::channel(LOG_BATCH);
    let reader = std::thread::spawn(move || read_lines(BufReader::new(source), &lines));
    let mut bad = false;
    while let Some(first) = waiting.recv().await {
        let mut chunk = vec![first];
        while chunk.len() < LOG_BATCH {
            match waiting.try_recv() {
                Ok(line) => chunk.push(line),
                Err(_) => break,
            }
        }
        bad |= take(shell, chunk).await?;
    }
    if reader.join().is_err() {
        return Err(Trouble::failed("the input could not be read to its end"));
    }
    Ok(if bad { Exit::Failed } else { Exit::Ok })
}

/// Records the good lines of a chunk and prints their ids; says what is wrong with the others.
async fn take(shell: &mut Shell, chunk: Vec<Line>) -> Result<bool, Trouble> {
    let mut bad = false;
    let mut numbers = Vec::new();
    let mut entries = Vec::new();
    for (number, line) in chunk {
        match line {
            Ok(entry) => {
                numbers.push(number);
                entries.push(entry);
            }
            Err(why) => {
                bad = true;
                super::complain(&format!("error: line {number}: {why}"));
            }
        }
    }
    if entries.is_empty() {
        return Ok(bad);
    }
    let answers = shell.log(entries).await?;
    let mut out = std::io::stdout().lock();
    for (number, told) in numbers.into_iter().zip(answers) {
        match told {
            Told::Done(done) => {
                let ids: Vec<String> = done.events.iter().map(ToString::to_string).collect();
                writeln!(out, "{}", ids.join(" ")).map_err(unread)?;
            }
            Told::Refused { text, remedy, .. } => {
                bad = true;
                super::complain(&format!("error: line {number}: {text}; {remedy}"));
            }
        }
    }
    out.flush().map_err(unread)?;
    Ok(bad)
}

/// Lines that were read are recorded, whether or not anybody learns their ids.
fn unread(error: std::io::Error) -> Trouble {
    Trouble::failed(format!("the ids cannot be written ({error}); what was read so far is recorded"))
        .with_remedy("give every line a `key` and send the batch again: what is recorded is not doubled")
}

fn read_lines(mut source: impl BufRead, lines: &mpsc::Sender<Line>) {
    let mut number = 0;
    loop {
        let mut line = Vec::new();
        number += 1;
        let parsed = match source.by_ref().take(LINE_LIMIT).read_until(b'\n', &mut line) {
            Ok(0) => return,
            Ok(n) if n as u64 == LINE_LIMIT && line.last() != Some(&b'\n') => {
                let mut rest = Vec::new();
                // The rest of the line is passed over, whatever its length.
                while source.by_ref().take(LINE_LIMIT).read_until(b'\n', &mut rest).is_ok_and(|n| n > 0) {
                    if rest.last() == Some(&b'\n') {
                        break;
                    }
                    rest.clear();
                }
                Err(format!("longer than {LINE_LIMIT} bytes"))
            }
            Ok(_) if line.iter().all(u8::is_ascii_whitespace) => continue,
            Ok(_) => serde_json::from_slice(&line).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let stop = lines.blocking_send((number, parsed)).is_err();
        if stop {
            return;
        }
    }
}
