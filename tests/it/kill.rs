//! The kill switch from a shell where no cockpit runs.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::Value;

use super::cli::Home;

fn flag(home: &Home) -> PathBuf {
    home.store().join("KILL")
}

fn health(home: &Home) -> Value {
    home.run(&["health", "--json"]).json()["kill"].clone()
}

fn events(home: &Home, kind: &str) -> Vec<Value> {
    let ran = home.run(&["events", "--json", "--kind", kind]).expect(0);
    ran.lines().iter().map(|line| serde_json::from_str(line).expect("an event")).collect()
}

#[test]
fn from_any_shell_it_is_put_down_recorded_kept_and_reset_with_a_reason() {
    let home = Home::new();
    home.run(&["log", "--rationale", "a first line"]).expect(0);
    assert_eq!(health(&home)["mode"], Value::Null);
    let ran = home.run(&["kill", "--reason", "fat fingers"]).expect(0);
    assert!(ran.out.contains("KILL is down"), "{ran:?}");
    let mode = std::fs::metadata(flag(&home)).expect("put down").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(health(&home)["mode"], "safe");
    assert_eq!(events(&home, "kill.raised").len(), 1);
    home.run(&["kill", "--hard"]).expect(0);
    assert_eq!(health(&home)["mode"], "hard");
    let raised = events(&home, "kill.raised");
    assert_eq!(raised.len(), 2);
    assert!(
        raised[0]["payload"]["why"].as_str().is_some_and(|why| why.contains("fat fingers")),
        "{raised:?}"
    );
    assert!(home.run(&["doctor"]).out.contains("kill switch"));

    home.run(&["kill", "--reset"]).expect(2);
    home.run(&["kill", "--reset", "--reason", " "]).expect(1);
    assert!(flag(&home).exists());
    home.run(&["kill", "--reset", "--reason", "looked at every order"]).expect(0);
    assert!(!flag(&home).exists());
    assert_eq!(health(&home)["mode"], Value::Null);
    assert_eq!(events(&home, "kill.lifted")[0]["payload"]["reason"], "looked at every order");
    home.run(&["verify"]).expect(0);
}

#[test]
fn it_works_with_a_configuration_that_does_not_and_before_there_is_a_store() {
    let home = Home::new();
    std::fs::create_dir_all(home.config()).expect("a folder");
    std::fs::write(home.config().join("cotrader.yaml"), "orders: {contracts_per_leg: 0}\n").expect("written");
    let store = home.store();
    let named = store.to_str().expect("text");
    home.run(&["--store", named, "kill"]).expect(0).says("not recorded yet");
    assert!(flag(&home).exists());
    std::fs::remove_file(home.config().join("cotrader.yaml")).expect("removed");
    home.run(&["log", "--rationale", "the next one records it"]).expect(0);
    assert_eq!(events(&home, "kill.raised").len(), 1);
}
