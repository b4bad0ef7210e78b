//! `events`, `verify`, `rebuild`, `backup`: the store without the cockpit.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::cli::args::{EventsArgs, JsonArg};
use crate::cli::exit::{Exit, Trouble};
use crate::cli::setting::{Setting, instant};
use crate::domain::text::{clean, escaped, shown};
use crate::runtime::world;
use crate::store::{self, Access, Filter, Store, StoredEvent, VerifyOptions};

pub fn events(setting: &Setting, args: EventsArgs) -> Result<Exit, Trouble> {
    let since = args.since.as_deref().map(instant).transpose()?;
    let opened = Store::open(&setting.store, Access::ReadOnly)?;
    let filter = Filter { from_seq: 0, since, kind: args.kind, stream: args.stream };
    let columns = columns();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut broken = Ok(());
    opened.store.events(&filter, |event| {
        broken = if args.json {
            writeln!(out, "{}", escaped(&event.to_json_line()))
        } else {
            writeln!(out, "{}", shown(&plain(&event, columns)))
        };
        if broken.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    broken.and_then(|()| out.flush()).map_err(super::stdout_gone)?;
    match opened.damage {
        Some(damage) => Err(store::StoreError::Damaged(damage).into()),
        None => Ok(Exit::Ok),
    }
}

/// One line of an event for people: as wide as the terminal, whole where it goes elsewhere.
fn plain(event: &StoredEvent, columns: usize) -> String {
    let second = event.occurred_at.get(..19).unwrap_or(&event.occurred_at);
    let head = format!("{:>7}  {second}Z  {:<24} ", event.seq, event.kind);
    let room = columns.saturating_sub(head.chars().count()).max(20);
    format!("{head}{}", clean(&event.payload, room))
}

/// More than any event has.
const UNBOUNDED: usize = 1_000_000;

fn columns() -> usize {
    if !std::io::IsTerminal::is_terminal(&std::io::stdout()) {
        return UNBOUNDED;
    }
    crossterm::terminal::size().map_or(UNBOUNDED, |(columns, _)| usize::from(columns))
}

pub fn verify(setting: &Setting, args: JsonArg) -> Result<Exit, Trouble> {
    let report = store::verify(&setting.store, VerifyOptions::default())?;
    let sound = report.is_sound();
    if args.json {
        let damages: Vec<String> = report.damages.iter().map(ToString::to_string).collect();
        let document = serde_json::json!({
            "sound": sound,
            "events": report.events,
            "streams": report.streams,
            "last_hash": report.last_hash,
            "first_damaged_seq": report.first_damaged(),
            "damages": damages,
        });
        super::print_json(&document)?;
    } else if sound {
        super::print(&format!(
            "{} events in {} streams: every one as it was written\n",
            report.events, report.streams
        ))?;
    } else {
        for damage in &report.damages {
            super::print(&format!("damaged: {damage}\n"))?;
        }
        super::print(&format!("{} events before that are sound\n", report.events))?;
    }
    if sound {
        return Ok(Exit::Ok);
    }
    let place = report.first_damaged().map_or("outside the events".to_owned(), |seq| format!("at seq {seq}"));
    Err(Trouble::new(Exit::StoreDamaged, format!("the store is damaged {place}"))
        .with_remedy("keep the folder as it is, restore a backup into an empty one"))
}

pub fn rebuild(setting: &Setting) -> Result<Exit, Trouble> {
    let rebuilt = store::rebuild(&setting.store)?;
    super::print(&format!("tables made anew from {} events\n", rebuilt.events))?;
    Ok(Exit::Ok)
}

pub fn backup(setting: &Setting, file: &Path) -> Result<Exit, Trouble> {
    let mark = world::mark_of(&setting.store);
    let beside = mark.as_deref().and_then(|mark| Some((mark, mark.file_name()?.to_str()?)));
    // Looked for first: a backup of which one half is older than the other is none.
    let beside = beside.map(|(mark, name)| (mark, name, with_name(file, name)));
    if let Some((.., copy)) = beside.as_ref().filter(|(.., copy)| copy.exists()) {
        return Err(store::StoreError::BackupExists { file: copy.clone() }.into());
    }
    let copy = store::backup(&setting.store, file)?;
    let mut said = format!("{} events, {} bytes in {}: verified\n", copy.events, copy.bytes, file.display());
    match beside {
        None => said.push_str("to restore: put it into an empty folder as cotrader.db\n"),
        Some((mark, name, copy)) => {
            std::fs::copy(mark, &copy).map_err(|error| {
                Trouble::failed(format!("the record is copied, but not {name} of its market: {error}"))
                    .with_remedy(format!("copy {} yourself", mark.display()))
            })?;
            said.push_str(&format!(
                "{}: the simulated market it belongs to\n\
                 to restore: put both into an empty folder, as cotrader.db and {name}\n",
                copy.display()
            ));
        }
    }
    super::print(&said)?;
    Ok(Exit::Ok)
}

/// `saved.db` → `saved.db.world.json`.
fn with_name(file: &Path, name: &str) -> PathBuf {
    let mut whole = file.as_os_str().to_owned();
    whole.push(".");
    whole.push(name);
    whole.into()
}
