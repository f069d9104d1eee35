use crate::settings::Reading;

fn lint(text: &str) -> Vec<String> {
    let mut reading = Reading::default();
    reading.text("a", text).unwrap_or_else(|error| panic!("{text}: {error}"));
    reading.lint().unwrap().iter().map(ToString::to_string).collect()
}

/// Rules, each `key = value; key = value`.
fn rules(rules: &[&str]) -> String {
    rules.iter().map(|rule| format!("[[rule]]\n{}\n", rule.replace("; ", "\n"))).collect()
}

#[test]
fn rules_that_are_never_reached_are_told() {
    for (set, expected) in [
        // A rule without conditions before others.
        (
            &["name = 'all'", "name = 'b'; path = '/b'"][..],
            "a:4: rule.b: is never reached: rule `all`",
        ),
        (
            &["path = '/**'", "methods = ['GET']; path = '/a'"],
            "rule.rule-2: is never reached: rule `rule-1`",
        ),
        (&["path = '/a/**'", "path = '/a/*/b'; status = ['5xx']"], "rule.rule-2: is never"),
        // Several together.
        (
            &["methods = ['GET']", "methods = ['POST']", "methods = ['GET', 'POST']; path = '/x'"],
            "rule.rule-3: is never reached: rules `rule-1`, `rule-2` before it already take all",
        ),
        (
            &["status = ['1xx', '2xx', '3xx']", "status = ['400-499']", "status = [201, '404']"],
            "rule.rule-3: is never",
        ),
        (&["min_duration = '1s'", "min_duration = '2s'; user = 'ann'"], "rule.rule-2: is never"),
        (&["user = ['ann', 'bob']", "user = 'bob'; tenant = 'x'"], "rule.rule-2: is never"),
        (&["route = '/a/{id}'", "route = '/a/{id}'; min_size = 5"], "rule.rule-2: is never"),
        (
            &["outcome = ['panicked']", "outcome = ['panicked']; status = 500"],
            "rule.rule-2: is never",
        ),
        (
            &["path = '/h'; capture = 'none'", "path = '/h'; capture = 'none'"],
            "rule.rule-2: is never",
        ),
        // What records nothing leaves odd paths to others.
        (
            &["path = '/h'; capture = 'none'", "path = '/h'"],
            "rule.rule-2: is reached only by odd requests",
        ),
        // By itself.
        (&["status = 500; outcome = ['service_error']"], "rule.rule-1: decides on no request"),
        (&["outcome = ['interrupted']"], "rule.rule-1: decides on no request"),
        (&["outcome = ['upgraded']; status = 404"], "rule.rule-1: decides on no request"),
    ] {
        let told = lint(&rules(set));
        assert!(told.len() == 1 && told[0].contains(expected), "{set:?}: {told:#?}");
    }
    for fine in [
        &["path = '/a'", "path = '/a/b'"][..],
        &["path = '/a/*'", "path = '/a/**'"],
        &["methods = ['GET']", "methods = ['GET', 'POST']"],
        &["methods = ['GET']", "path = '/a'"],
        &["status = ['4xx']", "status = ['400-500']"],
        &["status = ['1xx', '2xx', '3xx', '4xx', '5xx']", "path = '/without-response'"],
        &["min_duration = '2s'", "min_duration = '1s'"],
        &["min_size = 10", "min_size = 5"],
        &["user = 'ann'", "user = 'bob'"],
        &["user = 'ann'", "tenant = 'acme'"],
        &["tenant = 'acme'", "path = '/x'"],
        &["route = '/a'", "path = '/a'"],
        &["outcome = ['panicked']", "outcome = ['cancelled', 'panicked']"],
        &["methods = ['GET']; sample = 0.1", "status = ['5xx']"],
        &["outcome = ['cancelled']"],
        &["outcome = ['upgraded']; status = 101"],
    ] {
        assert_eq!(lint(&rules(fine)), [""; 0], "{fine:?}");
    }
}

#[test]
fn what_is_excluded_is_reached_by_no_rule() {
    let told =
        |exclude: &str, rule: &str| lint(&format!("[exclude]\n{exclude}\n{}", rules(&[rule])));
    for (exclude, rule) in [
        ("paths = ['/health/**']", "path = '/health/live'"),
        ("extensions = ['css']", "path = '/assets/*.css'"),
        ("methods = ['OPTIONS', 'HEAD']", "methods = ['HEAD']"),
    ] {
        let told = told(exclude, rule);
        assert!(told.len() == 1 && told[0].contains("[exclude] leaves out"), "{told:?}");
        // `/%68ealth/live` is recorded.
        assert_eq!(told[0].contains("never reached"), rule.contains("methods"), "{told:?}");
    }
    assert_eq!(told("paths = ['/health']", "path = '/health/**'"), [""; 0]);
    assert_eq!(told("methods = ['HEAD']", "methods = ['HEAD', 'GET']"), [""; 0]);
    let all = told("paths = ['/**']", "path = '/a'");
    assert!(all.len() == 1 && all[0].contains("excludes every request"), "{all:?}");
}

#[test]
fn what_is_unlikely_is_told_with_its_key_and_line() {
    for (text, expected) in [
        ("auditor.capture = 'none'", &["a:1: auditor.capture: `none`, and no rule"][..]),
        ("auditor.capture = 'none'\n[[rule]]\npath = '/a'\ncapture = 'full'", &[]),
        // Patterns.
        ("exclude.paths = ['/users/{id}']", &["a:1: exclude.paths: `/users/{id}`: a parameter"]),
        ("exclude.paths = ['/a/../b']", &["a:1: exclude.paths: `/a/../b`: matches nothing"]),
        ("exclude.paths = ['/a%2Fb']", &["a:1: exclude.paths: `/a%2Fb`: matches nothing"]),
        ("exclude.paths = ['/caf\u{e9}']", &["exclude.paths: `/caf\u{e9}`: matches nothing"]),
        ("exclude.paths = ['/a b']", &["exclude.paths: `/a b`: matches nothing"]),
        ("exclude.paths = ['/', '/a/', '/a%20b', '/**/x', '/a.b/*-*']", &[]),
        (
            "exclude.methods = ['GTE']",
            &["exclude.methods: `GTE` is no registered method; did you mean `GET`"],
        ),
        ("exclude.methods = ['options', 'PROPFIND']", &[]),
        ("[[rule]]\npath = '/users/:id'", &["a:2: rule.rule-1.path: a parameter of a route"]),
        ("[[rule]]\npath = '/a**'", &["a:2: rule.rule-1.path: `**` counts only"]),
        ("[[rule]]\npath = '/[ab]'", &["a:2: rule.rule-1.path: `[` and `]`"]),
        ("[[rule]]\npath = '/a//b'", &["a:2: rule.rule-1.path: an empty segment"]),
        ("[[rule]]\npath = '/caf\u{e9}'", &[]),
        ("[[rule]]\nroute = '/a/*'", &["a:2: rule.rule-1.route: `/a/*` is compared"]),
        ("[[rule]]\nroute = '/a/{*rest}'", &[]),
        ("[[rule]]\nmethods = ['PSOT']", &["a:2: rule.rule-1.methods: `PSOT` is no registered"]),
        (
            "[[rule]]\nstatus = ['6xx']",
            &["a:2: rule.rule-1.status: no response ends with status 600 to 699"],
        ),
        (
            "[[rule]]\nstatus = [100, 404]",
            &["a:2: rule.rule-1.status: no response ends with status 100"],
        ),
        // Masks.
        (
            "auditor.capture = 'full'\nmask.builtin = false",
            &[
                "a:1: auditor.capture: bodies are recorded, and nothing",
                "a:2: mask.builtin: is off",
            ],
        ),
        (
            "mask.builtin = false\n[[rule]]\nname = 'x'\ncapture = 'request'",
            &["a:1: mask.builtin", "a:4: rule.x.capture: bodies are recorded"],
        ),
        ("mask.builtin = false\nmask.fields = ['a']\nauditor.capture = 'full'", &[]),
        (
            "bodies.content_types = ['json', 'text']\nauditor.capture = 'full'",
            &["a:1: bodies.content_types: `text`: in a text only"],
        ),
        ("bodies.content_types = ['text']", &[]),
        (
            "bodies.content_types = ['text']\nauditor.capture = 'full'\nmask.detectors = ['jwt']",
            &[],
        ),
        ("mask.how = 'pseudonym'", &["a:1: mask.how: pseudonyms of the built-in names"]),
        (
            "mask.how = 'pseudonym'\nmask.builtin = false\nmask.fields = ['email', 'zipCode']",
            &["a:3: mask.fields: a pseudonym of `zipCode`: there are few values of a zip"],
        ),
        (
            "[[rule]]\nmask = { fields = ['$.card.date_of_birth'], how = 'pseudonym' }",
            &["a:2: rule.rule-1.mask.fields: a pseudonym of `$.card.date_of_birth`"],
        ),
        ("[[rule]]\nmask = { fields = ['$.customer.email', 'tax_id'], how = 'pseudonym' }", &[]),
        ("mask.except = ['colour']", &["a:1: mask.except: `colour` excepts nothing"]),
        ("mask.except = ['$.user.name']", &["a:1: mask.except: `$.user.name` excepts nothing"]),
        ("mask.except = ['token', '$.page.next_token', 'cookie:theme']", &[]),
        (
            "mask.except = ['salary']\nmask.fields = ['Salary']",
            &["a:1: mask.except: `salary` is among the fields"],
        ),
        ("mask.except = ['salary']\n[[rule]]\nmask.fields = ['salary']", &[]),
        (
            "[[rule]]\nmask.fields = ['a']\nmask.except = ['a']",
            &["a:3: rule.rule-1.mask.except: `a` is among"],
        ),
        // Who is believed, and what is given away.
        (
            "client.trusted_proxies = ['0.0.0.0/0']",
            &["a:1: client.trusted_proxies: `0.0.0.0/0` is wider"],
        ),
        (
            "client.trusted_proxies = ['::/0', '8.0.0.0/8']",
            &["`::/0` is wider", "`8.0.0.0/8` is wider"],
        ),
        (
            "client.trusted_proxies = ['10.0.0.0/8', '104.16.0.0/13', '2400:cb00::/32', 'fd00::/8', '::1']",
            &[],
        ),
        ("client.forwarded = 'forwarded'", &["a:1: client.forwarded: has no effect"]),
        (
            "session.as = 'clear'\nsession.cookie = 'sid'",
            &["a:1: session.as: `clear`: whoever reads"],
        ),
        ("session.as = 'none'", &["a:1: session.as: has no effect"]),
        ("auditor.secret = './audit/secret'", &["a:1: auditor.secret: lies in the trail"]),
        ("auditor.secret = './audit.secret'\ntrail.key = '/etc/audit.key'", &[]),
        // Shares.
        ("[[rule]]\nsample = 0.1\nkeep_errors = false", &["a:3: rule.rule-1.keep_errors: is off"]),
        (
            "[[rule]]\nsample = 0\nkeep_errors = false",
            &["a:2: rule.rule-1.sample: records nothing"],
        ),
        ("[[rule]]\nsample = 0.1", &[]),
        (
            "[[rule]]\nsample = 0.1\nreliability = 'strict'",
            &["a:2: rule.rule-1.sample: has no effect"],
        ),
        (
            "[[rule]]\nstatus = 500\nreliability = 'strict'",
            &["a:3: rule.rule-1.reliability: is decided at the head"],
        ),
        (
            "[[rule]]\npath = '/a'\ncapture = 'none'\nreliability = 'strict'",
            &["a:4: rule.rule-1.reliability: strict requests are"],
        ),
    ] {
        let told = lint(text);
        assert_eq!(told.len(), expected.len(), "{text}: {told:#?}");
        for (told, expected) in told.iter().zip(expected) {
            assert!(told.contains(expected), "{text}: {told}");
        }
    }
}

#[test]
fn the_reference_configuration_has_nothing_unlikely() {
    let told = lint(include_str!("../../../../audit.toml"));
    assert_eq!(told, [""; 0]);
}

#[test]
fn many_rules_with_many_conditions_take_bounded_time() {
    let users: Vec<String> = (0..200).map(|n| format!("'u{n}'")).collect();
    let statuses: Vec<String> = (200..500).map(|n| n.to_string()).collect();
    let rule = format!("user = [{}]; status = [{}]", users.join(","), statuses.join(","));
    let path = "/**/a".repeat(50);
    let rule = format!("path = '{path}'; {rule}");
    assert_eq!(lint(&rules(&vec![&*rule; 255])), [""; 0], "too many kinds to tell");
}

#[test]
fn conditions_that_are_none_and_selectors_that_are_names_are_told() {
    for key in ["methods", "status", "outcome", "user", "tenant"] {
        let told = lint(&format!("[[rule]]\ncapture = 'full'\n{key} = []\n"));
        let expected = format!("a:3: rule.rule-1.{key}: is empty, which is no condition");
        assert!(told.len() == 1 && told[0].starts_with(&expected), "{told:?}");
    }
    for (selector, expected) in [
        ("headers:x", "did you mean `header:x`?"),
        ("Cookies:sid", "did you mean `cookie:sid`?"),
        ("body:pan_no", "did you mean `pan_no`?"),
        ("card*", "in which `*` stands for itself"),
    ] {
        let told = lint(&format!("mask.fields = ['{selector}']\n"));
        assert!(told.len() == 1 && told[0].contains(expected), "{selector}: {told:?}");
        let told = lint(&format!("[[rule]]\nmask = {{ fields = ['{selector}'] }}\n"));
        assert!(told.len() == 1 && told[0].contains(expected), "{selector}: {told:?}");
    }
    for fine in
        ["header:x", "Query:x", "$.a:b", "soap:note", "$.items[*].pin", "items[*].pin", "a b"]
    {
        assert_eq!(lint(&format!("mask.fields = [\"{fine}\"]\n")), [""; 0], "{fine}");
    }
}

#[test]
fn a_large_file_is_looked_at_soon_and_in_part() {
    let many = |count: usize, item: &str| {
        (0..count)
            .map(|at| format!("'{}'", item.replace('#', &at.to_string())))
            .collect::<Vec<_>>()
            .join(",")
    };
    let rules: String = (0..250)
        .map(|at| format!("[[rule]]\nstatus = '5xx'\npath = '/x{at}'\nuser = ['{at}', 'a']\n"))
        .collect();
    for first in [
        format!("[exclude]\npaths = [{}]\n", many(60_000, "/*f#*a*")),
        format!("[exclude]\nmethods = [{}]\n", many(60_000, "F#")),
        format!("[[rule]]\nmethods = [{}]\n", many(60_000, "F#")),
        format!("[[rule]]\nstatus = [{}]\n", "'401',".repeat(60_000)),
        format!("[[rule]]\nuser = [{}]\n", many(60_000, "u#")),
    ] {
        let begun = std::time::Instant::now();
        let told = lint(&(first + &rules));
        assert!(told.len() <= 1_000);
        // Some took a minute once.
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
    }
}
