//! Every way out but `kill -9` gives the terminal back and closes the store.

use super::super::terminal::{Home, PATIENCE, Signal, Term, eventually, send};
use super::live_demo;

#[test]
fn a_signal_that_asks_for_the_end_leaves_a_clean_terminal_and_a_sound_store() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT] {
        let home = Home::new();
        let term = live_demo(&home, 120, 40);
        term.signal(signal);
        let ended = term.exit();
        ended.assert_clean();
        assert_eq!((ended.status.exit_code(), ended.status.signal()), (0, None), "{signal:?}: {ended:?}");
        home.output(&["verify"]);
    }
}

#[test]
fn a_panic_gives_the_terminal_back_and_names_the_report() {
    // Of some task, and of the one that holds the store and without which nothing goes on.
    for who in ["panic", "engine"] {
        let home = Home::new().with("COTRADER_REHEARSE", who);
        let term = Term::cockpit(&home, 160, 50);
        let ended = term.exit();
        ended.assert_clean();
        assert_eq!(ended.status.exit_code(), 1, "{ended:?}");
        let report = home.state().join("crash.txt");
        let told = ended.text().replace('\n', "");
        assert!(told.contains(&format!("report: {}", report.display())), "{told}");
        let report = std::fs::read_to_string(report).expect("a report");
        assert!(report.contains("message: rehearsed"), "{report}");
        home.output(&["verify"]);
        // The store is free: whoever comes next writes.
        home.output(&["log", "--rationale", "after the fall"]);
    }
}

#[test]
fn a_panic_in_a_part_that_is_watched_leaves_the_screen_where_it_is() {
    let home = Home::new().with("COTRADER_REHEARSE", "part");
    let term = live_demo(&home, 160, 50);
    eventually("the panic is in the log", || {
        let files = std::fs::read_dir(home.state()).ok()?.flatten();
        let mut texts = files.filter_map(|file| std::fs::read_to_string(file.path()).ok());
        texts.any(|text| text.contains("a part of the cockpit panicked")).then_some(())
    });
    term.keys("?").wait_for("─ Keys ─");
    term.keys("<Esc>").wait_gone("─ Keys ─");
    term.keys("q");
    assert_eq!(term.exit().assert_clean().status.exit_code(), 0);
    assert!(!home.state().join("crash.txt").exists());
}

#[test]
fn job_control_gives_the_terminal_to_the_shell_and_takes_it_back() {
    let home = Home::new().with("PS1", "shell> ");
    let shell = Term::spawn(&home, "bash", &["--norc", "--noprofile", "-i"], 120, 40);
    let at_prompt = |shell: &Term| {
        shell.wait_until("the shell has the terminal", PATIENCE, |screen| {
            let prompt = screen.contents().trim_end().ends_with("shell>");
            prompt && !screen.alternate_screen() && !screen.hide_cursor()
        });
    };
    let in_cockpit = |shell: &Term| {
        shell.wait_until("the cockpit has the terminal", PATIENCE, |screen| {
            let drawn = screen.contents().contains("TOTAL");
            drawn && screen.alternate_screen() && screen.hide_cursor()
        });
    };
    at_prompt(&shell);
    shell.keys(&format!("{}<Enter>", env!("CARGO_BIN_EXE_cotrader")));
    in_cockpit(&shell);
    shell.keys("<C-z>");
    at_prompt(&shell);
    shell.keys("fg<Enter>");
    in_cockpit(&shell);
    // From outside, as `kill -TSTP` does it.
    send(home.writer(), Signal::TSTP);
    at_prompt(&shell);
    shell.keys("fg<Enter>");
    in_cockpit(&shell);
    shell.keys("q");
    at_prompt(&shell);
    shell.keys("echo ended $?<Enter>").wait_for("ended 0");
    shell.keys("exit<Enter>");
    shell.exit().assert_clean();
}
