use super::{
    super::{copied::Copied, frame, identity::Identity, metadata::MOST, state::Ended},
    *,
};

fn fields(context: &AuditContext) -> (Ended, Vec<(Tag, String, String)>) {
    let mut arena = Vec::new();
    let ended = context.0.end(&mut arena, &mut Copied::default(), None);
    let text = |b: &[u8]| String::from_utf8(b.to_vec()).unwrap();
    (ended, frame::fields(&arena).map(|f| (f.tag, text(f.name), text(f.value))).collect())
}

fn words(ended: Ended) -> Vec<&'static str> {
    ended.flags.words().collect()
}

#[test]
fn the_last_value_of_a_thing_counts() {
    let context = AuditContext(Arc::default());
    context.user("bob").user("ann").metadata("n", 1).metadata("n", [2]).roles(["a", "b"]);
    let (ended, fields) = fields(&context);
    assert!(!ended.discard);
    let plain = |tag, value: &str| (tag, String::new(), value.to_owned());
    assert_eq!(
        fields,
        [
            plain(Tag::User, "ann"),
            plain(Tag::Role, "a"),
            plain(Tag::Role, "b"),
            (Tag::Metadata, "n".into(), "[2]".into()),
        ]
    );
}

#[test]
fn after_the_end_nothing_counts() {
    let context = AuditContext(Arc::default());
    fields(&context);
    context.user("ann");
    assert!(!context.0.has(Tag::User));
    AuditContext::detached().user("ann").discard();
}

#[test]
fn the_core_takes_identifiers_only() {
    let context = AuditContext(Arc::default());
    context.tenant("acme").tenant("Ann Smith, 12 High St").module("sales/eu").action("");
    let (ended, fields) = fields(&context);
    assert_eq!(words(ended), ["tenant_invalid", "action_invalid"]);
    assert_eq!(fields, [(Tag::Module, String::new(), "sales/eu".into())]);
}

#[test]
fn limits_are_kept_and_told() {
    let context = AuditContext(Arc::default());
    context.user("é".repeat(200)).metadata("big", "x".repeat(MOST));
    context.metadata("key", f64::NAN).metadata("ok", true).route("/é".repeat(1000));
    let (ended, kept) = fields(&context);
    assert_eq!(words(ended), ["path_truncated", "metadata_truncated", "actor_truncated"]);
    assert_eq!(kept[0].2, "é".repeat(128));
    assert_eq!(kept[1].2, format!("{}/", "/é".repeat(341)));
    assert_eq!(kept.len(), 4);

    let context = AuditContext(Arc::default());
    let map = std::collections::BTreeMap::from([(vec![1], 2)]);
    context.metadata("not a string key", map);
    let mut deep = serde_json::Value::Null;
    (0..70).for_each(|_| deep = serde_json::Value::Array(vec![deep.take()]));
    context.metadata("deep", deep);
    let (ended, kept) = fields(&context);
    assert_eq!(words(ended), ["metadata_invalid"]);
    assert!(kept.is_empty());
}

#[test]
fn raw_json_is_made_fit_for_a_line() {
    let raw = |text: &str| serde_json::value::RawValue::from_string(text.to_owned()).unwrap();
    let context = AuditContext(Arc::default());
    context.metadata("spaced", raw("{\n \"password\" : \"x\"}"));
    context.metadata("paired", raw("\"\\ud83d\\ude00\""));
    context.metadata("lone", raw("[\"\\ud800\"]"));
    let (ended, fields) = fields(&context);
    assert_eq!(words(ended), ["metadata_invalid"]);
    let values: Vec<_> = fields.iter().map(|(_, _, value)| value.as_str()).collect();
    assert_eq!(values, [r#"{"password":"x"}"#, r#""\ud83d\ude00""#]);
}

#[test]
fn a_state_is_renewed_only_when_nobody_holds_it() {
    let mut state = Arc::new(ContextState::default());
    let held = AuditContext(state.clone());
    ContextState::renew(&mut state);
    held.user("ann");
    assert!(!state.has(Tag::User));
    AuditContext(state.clone()).user("ann");
    let before = Arc::as_ptr(&state);
    ContextState::renew(&mut state);
    assert_eq!(before, Arc::as_ptr(&state));
    assert!(!state.has(Tag::User));
}

#[test]
fn money_and_entities_come_in_pairs() {
    let context = AuditContext(Arc::default());
    context.amount("1.50", "eur").entity("invoice", "7").amount(-3, "MMK").error("no stock");
    let plain = |tag, value: &str| (tag, String::new(), value.to_owned());
    let (ended, kept) = fields(&context);
    assert_eq!(words(ended), [""; 0]);
    assert_eq!(
        kept,
        [
            plain(Tag::EntityType, "invoice"),
            plain(Tag::EntityId, "7"),
            plain(Tag::Amount, "-3"),
            plain(Tag::Currency, "MMK"),
            plain(Tag::Failure, "no stock"),
        ]
    );
    let context = AuditContext(Arc::default());
    context.amount("1.50", "EUR").amount("1,50", "EUR");
    let (ended, kept) = fields(&context);
    assert_eq!((words(ended), kept.len()), (vec!["amount_invalid"], 0));
}

#[test]
fn an_identity_says_what_the_application_did_not() {
    let identity = Identity::new().user("bob").user_id("7").roles(["r"]).tenant("not one, no");
    let context = AuditContext(Arc::default());
    context.user("ann").roles(["a", "b"]);
    let mut arena = Vec::new();
    let ended = context.0.end(&mut arena, &mut Copied::default(), Some(&identity));
    assert_eq!(words(ended), ["tenant_invalid"]);
    let kept: Vec<_> = frame::fields(&arena).map(|f| (f.tag, f.value)).collect();
    assert_eq!(
        kept,
        [(Tag::User, &b"ann"[..]), (Tag::Role, b"a"), (Tag::Role, b"b"), (Tag::UserId, b"7"),]
    );
}

#[test]
fn the_last_change_counts_and_what_does_not_fit_is_told() {
    let context = AuditContext(Arc::default());
    context.change("x".repeat(20_000), f64::NAN).change(1, None::<u8>);
    let (ended, kept) = fields(&context);
    assert_eq!(words(ended), [""; 0]);
    let values: Vec<_> = kept.iter().map(|(tag, _, value)| (*tag, value.as_str())).collect();
    assert_eq!(values, [(Tag::ChangeOld, "1"), (Tag::ChangeNew, "null")]);

    let context = AuditContext(Arc::default());
    let mut deep = serde_json::Value::Null;
    (0..62).for_each(|_| deep = serde_json::Value::Array(vec![deep.take()]));
    context.change("x".repeat(20_000), deep);
    let (ended, kept) = fields(&context);
    assert_eq!((words(ended), kept.len()), (vec!["change_truncated", "change_invalid"], 0));
}
