use super::{
    super::{
        How, MaskRules,
        part::Part,
        scope::tests::{with_fields, with_rules},
    },
    *,
};

fn masked(text: &str, cut: bool) -> Option<String> {
    with_fields(&["$.a.c", "w:k"], Part::RequestBody, |scope| {
        let mut out = String::new();
        xml(&mut out, text, cut, scope).ok().map(|()| out)
    })
    .0
}

const HIDES: &[&str] = &[
    "<a><password>Secret-1</password></a>",
    r#"<s:E xmlns:s="urn:s"><w:Password Type="t">Secret-1</w:Password></s:E>"#,
    "<a><password><![CDATA[Secret-1</password>]]></password></a>",
    "<password>Secret<!-- c -->-1</password>",
    "<password><x>Secret-1</x><y z='Secret-2'/></password>",
    "<a password='Secret-1' b='&lt;'/>",
    "<password value='Secret-1'/>",
    r#"<a><field name="password" value="Secret-1"/></a>"#,
    r#"<a><field value="Secret-1" name="p&#97;ssword"/></a>"#,
    r#"<a><entry key="password">Secret-1</entry></a>"#,
    "<m><name>password</name><value><string>Secret-1</string></value></m>",
    "<m><value>Secret-1</value><name>password</name></m>",
    "<d><key>u</key><string>x</string><key>password</key><string>Secret-1</string></d>",
    "<p><id>7</id><value>Secret-1</value><name>password</name></p>",
    "<p><name>password</name><type>s</type><value>Secret-1</value></p>",
    "<p><value>Secret-1</value><type>s</type><name>password</name></p>",
    "<p><value><a>Secret-1</a></value><name>x</name><name>password</name></p>",
    r#"<p><name value="password"/><value>Secret-1</value></p>"#,
    "<p><name><b>password</b></name><value>Secret-1</value></p>",
    "<p><header>password</header><x/><Values><i>Secret-1</i></Values></p>",
    "<p><value a='Secret-1'/><name>password</name></p>",
    "<p><value a='Secret-1'><b>Secret-2</b></value><type>s</type><name>password</name></p>",
    "<p><label>password</label><k>x</k><v>Secret-1</v></p>",
    "<d><key>password</key><array><string>Secret-1</string></array></d>",
    "<a><c>Secret-1</c></a>",
    "<a><w:k>Secret-1</w:k></a>",
    "<a>{\"password\":\"Secret-1\"}</a>",
    "<a>{&quot;password&quot;:&quot;Secret-1&quot;}</a>",
    "<a>pass<!-- -->word=Se<![CDATA[cret-1]]></a>",
    "<a><![CDATA[<b><pin>Secret-1</pin></b>]]></a>",
    "<a>&lt;b&gt;&lt;pin&gt;Secret-1&lt;/pin&gt;&lt;/b&gt;</a>",
    "<a><!-- Secret-1 --><?p Secret-1?></a>",
    "<a href='https://h/?token=Secret-1'/>",
];

#[test]
fn what_is_hidden_is_hidden_whole_and_cut() {
    for text in HIDES {
        let out = masked(text, false).unwrap();
        assert!(!out.contains("Secret"), "{out}");
        for end in 0..text.len() {
            let out = masked(&text[..end], true).unwrap_or_default();
            assert!(!out.contains("Secr"), "{text} {out}");
        }
    }
}

#[test]
fn the_rest_stays_as_it_is() {
    for (text, expected) in [
        (
            "<a b='1'  z=\"&lt;\"><d/>x &amp; y<e>\n</e></a>\n",
            "<a b='1'  z=\"&lt;\"><d/>x &amp; y<e>\n</e></a>\n",
        ),
        (
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a/>",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a/>",
        ),
        ("<a><pin x='1'>2</pin>k</a >", "<a><pin x=\"[redacted]\">[redacted]</pin>k</a >"),
        (
            "<a><f name='pin' value='1'/><f name='u' value='k'/></a>",
            "<a><f name='pin' value=\"[redacted]\"/><f name='u' value='k'/></a>",
        ),
        ("<a><pin/></a>", "<a><pin/></a>"),
        (
            "<m><value>1</value><name>pin</name><n>u</n><v>k</v></m>",
            "<m><value>[redacted]</value><name>pin</name><n>u</n><v>[redacted]</v></m>",
        ),
        (
            "<f><name>pin</name><maxlength>20</maxlength><hint>x</hint></f>",
            "<f><name>pin</name><maxlength>20</maxlength><hint>x</hint></f>",
        ),
        (
            "<d><key>pin</key><string>1</string><key>u</key><string>k</string></d>",
            "<d><key>pin</key><string>[redacted]</string><key>u</key><string>k</string></d>",
        ),
        ("<u><name>ann</name><value>k</value></u>", "<u><name>ann</name><value>k</value></u>"),
    ] {
        assert_eq!(masked(text, false).as_deref(), Some(expected));
    }
    let rules = MaskRules::new().how(How::Remove);
    let (out, _) = with_rules(&rules, Part::RequestBody, |scope| {
        let mut out = String::new();
        xml(&mut out, "<a><pin>1</pin><b otp='1' c='2'/></a>", false, scope).unwrap();
        out
    });
    assert_eq!(out, "<a><b c='2'/></a>");
}

#[test]
fn what_is_not_well_formed_is_omitted() {
    let deep = "<a>".repeat(65) + &"</a>".repeat(65);
    for text in [
        "",
        "x",
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "<a/>password=x",
        "<a b=c/>",
        "<a b/>",
        "<a>&x;</a>",
        "<a>&</a>",
        "<a>&#xD800;</a>",
        "<!DOCTYPE a [<!ENTITY x \"s\">]><a>&x;</a>",
        "<a><!ELEMENT b></a>",
        "<?xml version=\"1.0\" encoding=\"utf-16\"?><a/>",
        "<a b='<'/>",
        "<a\0/>",
        "<>",
        "</a>",
        "<a",
        "<a><!--",
        "<a b='1'c='2'/>",
        "{\"password\":\"x\"}",
        &deep,
    ] {
        assert_eq!(masked(text, false), None, "{text}");
    }
}

#[test]
fn a_hostile_document_is_linear() {
    for (piece, end) in [
        ("<b/>", ""),
        ("<!---->", ""),
        ("x&amp;", ""),
        ("<v>1</v>", "<n>pin</n>"),
        ("<pin>1</pin>", ""),
        ("<b c='1'/>", ""),
        ("<![CDATA[<]]>", ""),
        ("<v>1</v><n>pin</n>", ""),
        ("<v>1</v><n>x</n>", ""),
        ("<n><b>x</b></n>", ""),
        ("&lt;", ""),
        ("<name>a</name>", ""),
    ] {
        let text = format!("<a>{}{end}</a>", piece.repeat(256 * 1024 / piece.len()));
        let began = std::time::Instant::now();
        assert!(masked(&text, false).is_some(), "{piece}");
        masked(&text[..text.len() - 2], true);
        assert!(began.elapsed().as_secs() < 2, "{piece} {:?}", began.elapsed());
    }
}
