//! The kill switch of a running cockpit: by its flag file alone, from a shell, on the screen, and after `kill -9`.

use super::super::terminal::{Home, Term, eventually};
use super::live_demo;

fn raised(home: &Home) -> usize {
    home.events("kill.raised").len()
}

fn live(home: &Home) -> Term {
    live_demo(home, 160, 50)
}

#[test]
fn the_flag_file_alone_raises_it_and_it_outlives_the_file_and_the_process() {
    let home = Home::new();
    let term = live(&home);
    let flag = home.store().join("KILL");
    std::fs::write(&flag, "").expect("touched");
    term.wait_for("KILL SAFE");
    eventually("it is recorded", || (raised(&home) == 1).then_some(()));
    assert_eq!(home.snapshot()["header"]["safety"]["kill"], "safe");
    // Taking the file away is no reset.
    std::fs::remove_file(&flag).expect("removed");
    eventually("the file is back", || flag.exists().then_some(()));
    term.kill();
    std::fs::remove_file(&flag).expect("removed");

    let term = live(&home);
    term.wait_for("KILL SAFE");
    eventually("the file is back", || flag.exists().then_some(()));
    assert_eq!(raised(&home), 1, "replay keeps it, nothing raises it anew");
    home.output(&["kill", "--reset", "--reason", "looked"]);
    term.wait_for("kill off");
    assert!(!flag.exists());
}

#[test]
fn on_the_screen_safe_is_one_key_away_and_hard_one_word() {
    let home = Home::new();
    let term = live(&home);
    let flag = home.store().join("KILL");
    term.keys("<C-k>").wait_for("Kill switch").keys("s").wait_for("KILL SAFE");
    eventually("the file is there", || flag.exists().then_some(()));
    term.keys("<C-k>hHARD<Enter>").wait_for("KILL HARD");
    assert_eq!(home.snapshot()["header"]["safety"]["kill"], "hard");
    term.keys("<C-k>rlooked at every order<Enter>").wait_for("kill off");
    eventually("the file is gone", || (!flag.exists()).then_some(()));
    assert_eq!((raised(&home), home.events("kill.lifted").len()), (2, 1));
    home.output(&["kill", "--hard", "--reason", "from a shell"]);
    term.wait_for("KILL HARD");
    assert!(home.output(&["health"]).contains("HARD: from a shell"));
}
