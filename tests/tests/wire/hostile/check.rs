//! What the records of single requests have to say besides.

use audit_core::{Entry, IdSource, RequestEntry};

pub(super) fn five_in_a_row(records: &[Entry]) {
    let mut of: Vec<_> = records.iter().filter_map(Entry::request).collect();
    of.sort_by(|a, b| a.path.cmp(&b.path));
    let paths: Vec<_> = of.iter().filter_map(|request| request.path.as_deref()).collect();
    assert_eq!(paths, ["/users/1", "/users/2", "/users/3", "/users/4", "/users/5"]);
    of.sort_by(|a, b| a.id.cmp(&b.id));
    of.dedup_by(|a, b| a.id == b.id);
    assert_eq!(of.len(), 5);
}

pub(super) fn check(id: &str, record: &Entry, request: &RequestEntry) {
    let actor = record.actor().expect("an actor");
    let (path, query) = (request.path.as_deref(), request.query.as_deref());
    let flags: Vec<&str> = record.flags.iter().map(String::as_str).collect();
    let values = |name: &str| request.headers.as_ref().expect("headers").get(name);
    let masked = |part: &str| record.masked.iter().any(|masked| masked.part == part);
    let expected_flags: &[&str] = match id {
        "F01" => {
            assert_eq!(path, Some("/echo"));
            &[]
        }
        "F07" => {
            assert_eq!(request.size, None);
            &[]
        }
        "F08" => {
            assert_eq!((values("authorization"), values("x-user")), (None, None));
            assert!(values("trailer").is_some());
            &[]
        }
        "F14" => {
            assert_eq!(path, Some(&*format!("/{}", "p".repeat(2047))));
            &["path_truncated"]
        }
        "F23" => {
            assert_eq!(request.host, None);
            &[]
        }
        "F25" => {
            assert_eq!((path, request.host.as_deref()), (Some("/a"), Some("evil.test")));
            &[]
        }
        "C01" => {
            assert_eq!(path, Some("/a%0d%0a%7b%22fake%22%3atrue%7d"));
            &[]
        }
        "C04" => {
            assert_eq!(actor.user_agent.as_deref(), Some("\\xff\\xfe\\xc3("));
            assert_eq!(values("user-agent"), Some(&vec!["\\xff\\xfe\\xc3(".to_owned()]));
            &["bytes_escaped"]
        }
        "C05" => {
            assert_eq!(path, Some("/a%zz%f%"));
            &[]
        }
        "C08" | "H03" => {
            assert_eq!(request.id_source, Some(IdSource::Replaced));
            assert_eq!(request.id.as_ref().map(String::len), Some(36));
            if id == "C08" { &["header_truncated"] } else { &[] }
        }
        "C10" => {
            assert_eq!((&actor.user_id, &actor.company_id, &actor.session), (&None, &None, &None));
            assert_eq!(actor.roles, [""; 0]);
            assert_eq!(values("x-session-id"), Some(&vec!["[redacted]".to_owned()]));
            &[]
        }
        "C11" => {
            assert_eq!(actor.forwarded, ["127.0.0.1", "10.0.0.1"]);
            &[]
        }
        "C12" => {
            assert_eq!(actor.forwarded, ["1.1.1.1", "203.0.113.9"]);
            &[]
        }
        "C14b" => {
            assert_eq!(query, Some("q=%3Cimg/src=x%3E"));
            assert_eq!(actor.user_agent.as_deref(), Some("<script>window.__xss=1</script>"));
            &[]
        }
        "C15" => {
            assert_eq!(path, Some("/=HYPERLINK(%22http://x%22)"));
            assert_eq!(actor.user_agent.as_deref(), Some("=cmd|'/c calc'!A1"));
            &[]
        }
        "C16" => {
            assert_eq!(actor.user_agent.as_deref(), Some("=1+1"));
            &[]
        }
        "C17" => {
            assert_eq!(query, Some("f=invoice%E2%80%AEgpj.exe"));
            &[]
        }
        "C19" => {
            let pairs: Vec<_> = query.expect("a query").split_terminator('&').collect();
            assert_eq!(pairs[..3], ["x=1", "x=2", "k=v"]);
            assert_eq!(pairs.len(), 100);
            &["query_truncated"]
        }
        "S02" => {
            let hidden =
                "token=[redacted]&api_key=[redacted]&access_token=[redacted]&sig=[redacted]";
            assert_eq!(query, Some(hidden));
            assert_eq!(values("referer"), Some(&vec!["https://h/cb".to_owned()]));
            assert!(masked("request.query") && masked("request.headers"));
            &[]
        }
        "H01" => {
            let three: Vec<_> = ["one", "two", "three"].map(str::to_owned).into();
            assert_eq!(values("x-dup"), Some(&three));
            &[]
        }
        "H02" => {
            let twice = vec!["[redacted]".to_owned(), "[redacted]".to_owned()];
            assert_eq!(values("authorization"), Some(&twice));
            let cookies = vec!["session=[redacted]; theme=[redacted]".to_owned()];
            assert_eq!(values("cookie"), Some(&cookies));
            &[]
        }
        "H04" => {
            assert_eq!(path, Some("/a;token=[redacted]/b"));
            let hidden = "?%70assword=[redacted]&new+password=[redacted]";
            assert_eq!(query, Some(&hidden[1..]));
            assert_eq!(
                values("referer"),
                Some(&vec!["https://[redacted]@h/p;pin=[redacted]".into()])
            );
            &[]
        }
        "H05" => {
            assert_eq!(query.map(|query| query.matches("a=b").count()), Some(100));
            &["query_truncated"]
        }
        "H06" => {
            assert_eq!(query.map(str::len), Some(4096));
            &["query_truncated"]
        }
        "H07" => {
            assert_eq!(values("x-long").map(|values| values[0].len()), Some(1024));
            assert_eq!(actor.user_agent.as_ref().map(String::len), Some(512));
            &["header_truncated", "user_agent_truncated"]
        }
        "H08" => {
            let headers = request.headers.as_ref().expect("headers");
            assert_eq!(headers.values().map(Vec::len).sum::<usize>(), 90);
            assert_eq!(headers["x-many"].len(), 50);
            &[]
        }
        // The bodies: nothing of them is recorded, which the search for the canary shows.
        _ => &[],
    };
    assert!(request.body.is_none(), "{id}");
    assert_eq!(flags, expected_flags, "{id}");
}
