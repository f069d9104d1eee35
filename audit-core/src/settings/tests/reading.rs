//! Reading files and the environment.

use proptest::prelude::*;

use super::super::{
    ConfigError, Origin, Reading, Settings,
    keys::{KEYS, RULE_KEYS},
};
use crate::Capture;

fn problems(text: &str) -> Vec<String> {
    match Reading::default().text("a.toml", text) {
        Err(ConfigError::Wrong(problems)) => problems.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?} of {text}"),
    }
}

#[test]
fn what_is_absent_stays_and_lists_are_replaced() {
    let mut settings = Settings::default();
    settings.service.name = "shop".into();
    settings.exclude.paths = vec!["/health".into()];
    settings.read_text("a.toml", "[auditor]\ncapture = 'full'\n[[rule]]\nname = 'a'").unwrap();
    assert_eq!((&*settings.service.name, settings.auditor.capture), ("shop", Capture::Full));
    assert_eq!((settings.exclude.paths.len(), settings.rules.len()), (1, 1));
    settings.read_text("b.toml", "rule = [{ name = 'b' }, {}]\nexclude.paths = ['/a']").unwrap();
    assert_eq!((settings.exclude.paths.len(), settings.rules.len()), (1, 2));
    assert_eq!((settings.rules[0].name(), settings.auditor.capture), ("b", Capture::Full));
    settings.read_text("c.toml", "").unwrap();
    assert_eq!(settings.rules.len(), 2);
    // A list that is empty replaces, too.
    settings.read_text("d.toml", "exclude.paths = []\nrule = []").unwrap();
    assert_eq!((settings.exclude.paths.len(), settings.rules.len()), (0, 0));
}

#[test]
fn the_environment_counts_more_than_the_file() {
    let mut reading = Reading::default();
    reading.text("a.toml", "[auditor]\ncapture = 'full'\n\n[trail]\ndir = '/f'").unwrap();
    reading
        .variables([("AUDIT_CAPTURE", "headers"), ("AUDIT_LOG", "debug"), ("PATH", "/bin")])
        .unwrap();
    assert_eq!(reading.settings().auditor.capture, Capture::Headers);
    assert_eq!(reading.origin("auditor.capture"), Origin::Environment("AUDIT_CAPTURE".into()));
    assert_eq!(reading.origin("trail.dir"), Origin::File { name: "a.toml".into(), line: 5 });
    assert_eq!(reading.origin("trail.key"), Origin::Default);
    let shown = reading.to_toml(true);
    for line in [
        "capture = \"headers\"  # environment AUDIT_CAPTURE\n",
        "dir = \"/f\"  # a.toml:5\n",
        "segment_age = \"24h\"  # default\n",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
}

#[test]
fn nothing_changes_where_anything_is_wrong() {
    let mut reading = Reading::default();
    reading.text("a.toml", "[auditor]\ncapture = 'full'\nmemory = 3").unwrap_err();
    reading.variables([("AUDIT_CAPTURE", "full"), ("AUDIT_MEMORY", "x")]).unwrap_err();
    assert_eq!(format!("{:?}", reading.settings()), format!("{:?}", Settings::default()));
    assert_eq!(reading.origin("auditor.capture"), Origin::Default);
}

#[test]
fn every_problem_of_a_file_is_told_with_its_place() {
    let text = "capture = 'full'\n\
                [auditor]\n\
                captur = 'full'\n\
                memory = \"lots\"\n\
                [clients]\n\
                [client]\n\
                \ttrusted_proxies = ['10.0.0.0/8', '10.0.0.0/99', 3]\n\
                [session]\n\
                cookie = 'a'\n\
                header = 'b'\n\
                [[rule]]\n\
                name = 'a'\n\
                statuses = ['4xx']\n\
                [[rule]]\n\
                name = 'a'\n\
                mask = { how = 'last4', fields = 'x' }\n\
                [[rule]]\n\
                mask.how = 'last4'\n";
    assert_eq!(problems(text).join("\n"), "\
a.toml:1:1: capture: there is no such key; did you mean `auditor.capture`?
a.toml:3:1: auditor.captur: there is no such key; did you mean `auditor.capture`?
a.toml:4:10: auditor.memory: `\"lots\"` is not a size such as \"64MiB\", or a number of bytes
a.toml:5:2: clients: there is no such table; did you mean `client`?
a.toml:7:35: client.trusted_proxies: `10.0.0.0/99` is not an IP address or a network such as 10.0.0.0/8
a.toml:7:50: client.trusted_proxies: `3` does not belong in a list of addresses and networks such as \"10.0.0.0/8\"
a.toml:10:10: session.header: `b`, beside the cookie `a`: name one of the two
a.toml:13:1: rule.a.statuses: there is no such key; did you mean `status`?
a.toml:15:8: rule[2].name: `a` is the name of another rule; each needs its own
a.toml:16:34: rule.a.mask.fields: `\"x\"` is not a list of selectors such as \"salary\" or \"$.items[*].pin\"
a.toml:18:12: rule.rule-3.mask.how: says how, and not what: name `fields`, or leave it out");
}

#[test]
fn what_is_no_toml_is_told_with_its_place() {
    for (text, expected) in [
        ("a = 1\na = 2", "a.toml:2:1: a: is set twice"),
        ("[trail]\n[trail]", "a.toml:2:"),
        ("[auditor]\ncapture = full", "a.toml:2:11: "),
        ("[auditor\n", "a.toml:1:"),
        (
            "\u{feff}[auditor]\r\ncapture = 1\r\n",
            "a.toml:2:11: auditor.capture: `1` is not one of none, ",
        ),
        ("[rule]\nname = 'a'", "a.toml:1:"),
        ("rules = []", "a.toml:1:1: rules: there is no such key"),
        ("auditor = 3", "a.toml:1:11: auditor: is not a table; write [auditor] above its keys"),
        ("[auditor]\ncapture.x = 1", "a.toml:2:1: auditor.capture: a table is not one of none, "),
        (
            "[auditor]\nmemory = 99999999999999999999",
            "a.toml:2:10: auditor.memory: a number this large",
        ),
        ("[service]\nname = 2026-11-25", "a.toml:2:8: service.name: a date is not a name"),
    ] {
        let told = problems(text);
        assert!(told[0].starts_with(expected), "{text:?}: {told:?}");
    }
}

#[test]
fn an_excerpt_points_at_the_problem() {
    let error = Reading::default().text("a", "[auditor]\n\tcapture = 'ful' # ä\n").unwrap_err();
    let ConfigError::Wrong(problems) = error else { panic!("{error}") };
    assert_eq!(problems[0].excerpt().unwrap(), "\tcapture = 'ful' # ä\n\t          ^^^^^");
    assert!(problems[0].why().ends_with("; did you mean `full`?"), "{}", problems[0].why());
    assert_eq!(problems[0].line(), Some(2));
    let error = Reading::default().variables([("AUDIT_CAPTURE", "a")]).unwrap_err();
    let ConfigError::Wrong(problems) = error else { panic!("{error}") };
    assert_eq!((problems[0].line(), problems[0].excerpt()), (None, None));
}

#[test]
fn a_file_that_cannot_be_read_is_told_by_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.toml");
    let read = || Settings::default().read_file(&path).unwrap_err().to_string();
    assert!(read().contains("audit.toml: No such file"), "{}", read());
    std::fs::write(&path, b"[auditor]\n\xff").unwrap();
    assert!(read().ends_with(":2:1: is no UTF-8; save the file as UTF-8"), "{}", read());
    std::fs::write(&path, vec![b' '; (4 << 20) + 1]).unwrap();
    assert!(read().ends_with("more than 4 MiB"), "{}", read());
    assert!(Settings::default().read_file(folder.path()).is_err());
    std::fs::write(&path, "auditor.capture = 'full'").unwrap();
    assert_eq!(Settings::load(&path).unwrap().auditor.capture, Capture::Full);
}

#[test]
fn json_holds_the_same() {
    let mut reading = Reading::default();
    reading
        .text("a.toml", "[[rule]]\n[[rule]]\nname = 'b'\nmask.fields = ['x']\nsample = 1")
        .unwrap();
    let json: serde_json::Value = serde_json::from_str(&reading.to_json(false)).unwrap();
    assert_eq!(json["auditor"]["capture"], "metadata");
    assert_eq!(json["trail"]["checkpoint_records"], 4096);
    assert_eq!(json["rule"][0], serde_json::json!({}));
    assert_eq!(json["rule"][1]["mask"]["fields"][0], "x");
    let json: serde_json::Value = serde_json::from_str(&reading.to_json(true)).unwrap();
    let one =
        |key: &str| json.as_array().unwrap().iter().find(|k| k["key"] == key).unwrap().clone();
    assert_eq!(one("rule[2].sample")["origin"], "a.toml:5");
    assert_eq!(one("auditor.memory")["origin"], "default");
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_map(|n| format!("{n:?}").replace("NaN", "nan")),
        any::<bool>().prop_map(|b| b.to_string()),
        "[ -&(-~]{0,20}".prop_map(|text| format!("'{text}'")),
        "[0-9]{1,20}(KiB|MiB|TiB|h|ms|s)".prop_map(|text| format!("'{text}'")),
        "(/|\\$|\\*|[a-z.:\\[\\]{}-]){0,12}".prop_map(|text| format!("'{text}'")),
        Just("2026-11-25T10:00:00Z".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[{}]", items.join(", "))),
            inner.prop_map(|item| format!("{{ a = {item} }}")),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,80}", lines in "([a-z\\[\\].='\"#0-9{} \n]){0,80}") {
        let _ = Reading::default().text("a.toml", &text);
        let _ = Reading::default().text("a.toml", &lines);
    }

    #[test]
    fn no_value_of_a_key_panics_and_what_is_taken_is_shown_and_read_again(
        at in 0..KEYS.len() + RULE_KEYS.len(), value in value(), raw in "\\PC{0,20}",
    ) {
        let text = match KEYS.get(at) {
            Some(key) => format!("{} = {value}", key.name),
            None => format!("[[rule]]\n{} = {value}", RULE_KEYS[at - KEYS.len()].name),
        };
        let mut reading = Reading::default();
        match reading.text("a.toml", &text) {
            Ok(()) => {
                let mut again = Reading::default();
                again.text("b.toml", &reading.to_toml(true)).unwrap();
                prop_assert_eq!(format!("{:?}", again.settings()), format!("{:?}", reading.settings()));
            }
            Err(ConfigError::Wrong(problems)) => {
                prop_assert!(problems.iter().all(|p| p.line().is_some() && !p.why().is_empty()));
                prop_assert_eq!(reading.to_toml(false), Reading::default().to_toml(false));
            }
            Err(error) => prop_assert!(false, "{}", error),
        }
        if let Some(variable) = KEYS.get(at).and_then(super::super::keys::Key::variable) {
            let _ = Reading::default().variables([(variable, raw)]);
        }
    }
}

#[test]
fn a_large_file_of_mistakes_is_told_soon_and_in_part() {
    let bad_list = format!("[exclude]\npaths = [{}]\n", "'x',".repeat(50_000));
    let long = format!("[service]\nname = '{}'\n", "a b".repeat(100_000));
    for text in [
        "[[rule]]\na = 1\n".repeat(50_000),
        (0..50_000).map(|at| format!("k{at} = 1\n")).collect(),
        "[[rule]]\nname = 'a'\n".repeat(50_000),
        "=\n".repeat(50_000),
        format!("{} = 1\n", "a".repeat(100_000)),
        bad_list,
        long,
    ] {
        let begun = std::time::Instant::now();
        let error = Reading::default().text("a", &text).unwrap_err();
        let ConfigError::Wrong(problems) = &error else { panic!("{error}") };
        assert!(problems.len() <= 101, "{}", problems.len());
        assert!(error.to_string().len() < 200_000, "{}", error.to_string().len());
        for problem in problems {
            let excerpt = problem.excerpt().unwrap();
            assert!(excerpt.len() < 2_000 && excerpt.contains('^'), "{excerpt}");
        }
        // Each took minutes once, when every problem counted the lines before it.
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
    }
    let told = problems(&(0..300).map(|at| format!("k{at} = 1\n")).collect::<String>());
    assert_eq!(told.len(), 101);
    assert!(told[100].starts_with("a.toml:101:1: k100: "), "{}", told[100]);
    assert!(told[100].ends_with("; and 199 more"), "{}", told[100]);
}

#[test]
fn variables_that_set_nothing_are_not_passed_over() {
    let refused = |name| match Reading::default().variables([(name, "hunter2")]) {
        Err(error) => error.to_string(),
        Ok(()) => String::new(),
    };
    assert_eq!(
        refused("AUDIT_MASK_FIELDS"),
        "environment AUDIT_MASK_FIELDS: mask.fields: no variable sets a list; write it into a file"
    );
    assert_eq!(
        refused("AUDIT_AUDITOR_CAPTURE"),
        "environment AUDIT_AUDITOR_CAPTURE: auditor.capture: there is no such variable; write \
         `AUDIT_CAPTURE`"
    );
    // Those that Kubernetes sets for a service called `audit`, and others' own.
    for name in ["AUDIT_SERVICE_HOST", "AUDIT_SERVICE_PORT", "AUDIT_PORT", "AUDIT_X", "CAPTURE"] {
        assert_eq!((refused(name).as_str(), Reading::meant_variable(name)), ("", None), "{name}");
    }
    for (name, meant) in [
        ("AUDIT_CAPTUR", Some("AUDIT_CAPTURE")),
        ("AUDIT_TRIAL_DIR", Some("AUDIT_TRAIL_DIR")),
        ("AUDIT_MASK_BUILT_IN", Some("AUDIT_MASK_BUILTIN")),
        ("AUDIT_CAPTURE", None),
    ] {
        assert_eq!(Reading::meant_variable(name).as_deref(), meant, "{name}");
    }
}

#[test]
fn a_secret_in_place_of_its_file_is_refused_and_not_told() {
    let secret = "0123456789abcdef".repeat(4);
    for (text, variable) in [
        (format!("[auditor]\nsecret = '{secret}'"), ("AUDIT_SECRET", secret.clone())),
        (
            "[trail]\nkey = 'PRIVATE+KEY+0123456789abcdef+x'".into(),
            ("AUDIT_TRAIL_KEY", "PRIVATE+KEY+0123456789abcdef+x".into()),
        ),
    ] {
        let error = Reading::default().text("a", &text).unwrap_err();
        let ConfigError::Wrong(problems) = &error else { panic!("{error}") };
        assert_eq!(problems[0].excerpt(), None);
        let in_file = error.to_string();
        let variable = Reading::default().variables([variable]).unwrap_err().to_string();
        for told in [in_file, variable] {
            assert!(told.contains("this is a secret itself"), "{told}");
            assert!(!told.contains("0123456789abcdef"), "{told}");
        }
    }
}
