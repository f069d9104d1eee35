//! A table of policies: each is a configuration as a user would write it, requests, and the record
//! that each leaves, or that it leaves none. Both testbeds have to give the same verdict.

mod ask;
mod found;
mod reload;
mod run;
mod table;
mod verdict;
mod wrong;

use std::{
    cell::Cell,
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, PoisonError},
    thread,
};

use crate::pair::Framework;

/// Policies that are run at the same time. Most of it is waiting.
const AT_ONCE: usize = 4;

#[test]
fn every_request_of_the_table_leaves_what_its_policy_says() {
    let policies = table::all();
    let configurations: HashSet<_> =
        policies.iter().map(|p| (&p.config, &p.flags, &p.variables)).collect();
    let rows: usize = policies.iter().map(|policy| policy.rows.len()).sum();
    println!("{rows} requests under {} configurations", configurations.len());
    assert_eq!(configurations.len(), policies.len(), "two policies are the same");

    let both = policies.iter().flat_map(|policy| Framework::ALL.map(|of| (policy, of)));
    let (left, wrong) = (Mutex::new(both), Mutex::new(Vec::new()));
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        while let Some((policy, framework)) = next() {
            let at = Cell::new(None);
            let ran = catch_unwind(AssertUnwindSafe(|| run::run(policy, framework, &at)));
            let told = ran.unwrap_or_else(|_| {
                let target = at.get().map_or("its end", |row| &row.target);
                vec![format!(
                    "{}\n    {target} on {framework:?}: it went wrong, see above",
                    policy.title
                )]
            });
            wrong.lock().unwrap_or_else(PoisonError::into_inner).extend(told);
        }
    };
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(work);
        }
    });
    let wrong = wrong.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(wrong.is_empty(), "\n  {}\n", wrong.join("\n  "));
}

/// A key that no policy sets to something else than its default is not shown to do anything.
#[test]
fn every_key_is_in_the_table() {
    let policies = table::all();
    let reference = settings(include_str!("../../../../audit.toml"));
    assert!(reference.len() > 50, "{}", reference.len());
    let set: HashSet<_> = policies.iter().flat_map(|policy| settings(&policy.config)).collect();
    for (key, default) in &reference {
        // What only the trail itself can show.
        let shown = key.starts_with("trail.")
            || set.iter().any(|(other, value)| other == key && value != default);
        assert!(shown, "{key}");
    }
}

/// Keys with their sections and values.
fn settings(toml: &str) -> HashSet<(String, String)> {
    let mut section = "";
    let mut settings = HashSet::new();
    for line in toml.lines().map(|line| line.trim_start_matches("# ")) {
        if let Some((name, _)) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            section = name.trim_start_matches('[');
        } else if let Some((key, value)) = line.split_once(" = ") {
            let value = value.split(" #").next().unwrap_or_default().trim();
            settings.insert((format!("{section}.{key}"), value.to_owned()));
        }
    }
    settings
}
