use super::{
    super::{part::Part, scope::tests::with_fields},
    url::untorn,
    *,
};

mod commands;
mod encoded;
mod next;
mod noise;
mod tags;

fn masked(message: &str) -> String {
    let mut out = String::new();
    with_fields(&[], Part::Error, |scope| text(&mut out, message, scope));
    out
}

/// Nothing of a secret is shown, neither by the whole text nor by one that was cut.
fn hides(message: &str) {
    assert!(!masked(message).contains("Secret-"), "{message} {}", masked(message));
    for end in 0..=message.len() {
        let mut out = String::new();
        with_fields(&[], Part::Error, |s| text_cut(&mut out, &message[..end], s));
        assert!(!out.contains("Secr") || out.contains("Secret("), "{message} {out}");
    }
}

#[test]
fn what_people_and_libraries_write() {
    for (message, expected) in [
        ("password=hunter2", "password=[redacted]"),
        ("bad password: hunter2, sorry", "bad password: [redacted], sorry"),
        (
            r#"Auth { user: "ann", password: "x y" }"#,
            r#"Auth { user: "ann", password: "[redacted]" }"#,
        ),
        (r#"{"api_key": "abc"}"#, r#"{"api_key": "[redacted]"}"#),
        (r#"token: Some("abc")"#, r#"token: Some("[redacted]")"#),
        ("Authorization: Bearer abc.def", "Authorization: [redacted]"),
        ("got Bearer abcdef123 here", "got Bearer [redacted] here"),
        ("postgres://u:p@ss@db/x failed", "postgres://[redacted]@db/x failed"),
        ("see https://h/a?token=abc&b=1", "see https://h/a?token=[redacted]&b=1"),
        ("see https://h/a?code=abc&sig=x", "see https://h/a?code=[redacted]&sig=[redacted]"),
        ("code=7, key: 8", "code=7, key: 8"),
        (r#"{"password":"a\"b c","n":"d"}"#, r#"{"password":"[redacted]","n":"d"}"#),
        (
            r#""{\"password\":\"a\\\"b c\",\"n\":\"d\"}""#,
            r#""{\"password\":\"[redacted]\",\"n\":\"d\"}""#,
        ),
        ("password=", "password="),
        ("Basic Training, basic tutorial", "Basic Training, basic tutorial"),
        ("Basic dXNlcjpw", "Basic [redacted]"),
        ("index 7 out of range: 3", "index 7 out of range: 3"),
        ("shipping: none", "shipping: none"),
        ("Enter password:\nUser: x", "Enter password:\nUser: x"),
        ("a password:\nfoo: 1", "a password:\nfoo: 1"),
        ("q($password: String = \"x\"){a}", "q($password: [redacted]\"){a}"),
        ("a=1&pass%77ord=x&b=2", "a=1&pass%77ord=[redacted]&b=2"),
        ("--db.password=x -v", "--db.password=[redacted] -v"),
        ("| password | x |", "| password | [redacted] |"),
        ("<password>x</password> y", "<password>[redacted]</password> y"),
        ("usage: <password> <host>", "usage: <password> <host>"),
        ("Authorization: ApiKey x, y=z\n w\nHost: h", "Authorization: [redacted]\nHost: h"),
        ("password:\n  - x\nuser: y", "password:\n  [redacted]\nuser: y"),
        ("private_key=-----BEGIN X-----\nx\n-----END X-----\nk", "private_key=[redacted]\nk"),
        ("password={SSHA}x y", "password=[redacted] y"),
        ("password: \"x\".into()", "password: \"[redacted]\".into()"),
        ("a \"password='x'\" b", "a \"password='[redacted]'\" b"),
        ("see http://h:80/@s/x https://h/a:b@c", "see http://h:80/@s/x https://h/a:b@c"),
        ("(password, email), [user, 'password']", "(password, email), [user, 'password']"),
        ("a<b && c>d, e|f(\"g\")", "a<b && c>d, e|f(\"g\")"),
        ("the password is hunter2.", "the password is [redacted]."),
        ("password is required, token is invalid", "password is required, token is invalid"),
        ("my PIN was 4829", "my PIN was [redacted]"),
        (
            "ALTER ROLE b PASSWORD 'x' VALID UNTIL 'y'",
            "ALTER ROLE b PASSWORD '[redacted]' VALID UNTIL 'y'",
        ),
        ("unexpected token \"x\" there", "unexpected token \"x\" there"),
        (
            "INSERT INTO t (\"user\", password, n) VALUES ('a,(b', 'x', 7), ('c', fn(1, 2), 8)",
            "INSERT INTO t (\"user\", password, n) VALUES ('a,(b', [redacted], 7), ('c', [redacted], 8)",
        ),
        ("insert into t(pin) values(1)", "insert into t(pin) values([redacted])"),
        ("t(pin,note) values(1,'pin=2 b')", "t(pin,note) values([redacted],'pin=[redacted]')"),
        ("Key (email, token)=(a, x) exists", "Key (email, token)=(a, [redacted]) exists"),
        (
            "SELECT user,password FROM t WHERE id IN (1,2)",
            "SELECT user,password FROM t WHERE id IN (1,2)",
        ),
        (
            "curl -u ann:x -b 'a=b; c=d' -H 'Accept: y' h",
            "curl -u [redacted] -b '[redacted]' -H 'Accept: y' h",
        ),
        (
            "curl -u ann -b jar.txt --user bob https://h",
            "curl -u ann -b jar.txt --user bob https://h",
        ),
        ("docker run -u 1:2 -p 80:80; mkdir -p a", "docker run -u 1:2 -p 80:80; mkdir -p a"),
        ("curl x\nrun -u a:b", "curl x\nrun -u a:b"),
        ("mysql -px -p db", "mysql -p[redacted] -p db"),
        ("secret key: x, token id: y", "secret key: [redacted], token id: y"),
        ("name=password value=x user=y", "name=password value=[redacted] user=y"),
        ("name=a value=x\nname=pin\nvalue=y", "name=a value=x\nname=pin\nvalue=y"),
        ("<input name=\"a\" value=\"x\">", "<input name=\"a\" value=\"x\">"),
        ("<f name='pin'>x</f><f name='a'>y</f>", "<f name='pin'>[redacted]</f><f name='a'>y</f>"),
        ("next=%2Fcb%3Ftoken%3Dx%26a%3Db", "next=%2Fcb%3Ftoken%3D[redacted]%26a%3Db"),
        ("50%3D half, a%3Db", "50%3D half, a%3Db"),
        ("", ""),
        ("é=ü //", "é=ü //"),
    ] {
        assert_eq!(masked(message), expected);
    }
}

#[test]
fn no_spelling_shows_the_value() {
    for message in [
        "login(password: \"Secret-1 x\", pin: 1234)",
        "{'password': u'Secret-1'}",
        "{:password=>\"Secret-1\"}",
        "password := b\"Secret-1\"",
        "password: Secret(\"Secret-1\")",
        "password: [\"Secret-0\", \"Secret-1\"]",
        "cmd --password Secret-1 -v",
        "cmd --password='a Secret-1'",
        "Authorization: Basic Secret-1",
        "curl -H 'Cookie: sid=Secret-0; a=Secret-1' x",
        "Cookie: sid=\"a Secret-1\"; b=Secret-2\nHost: x",
        "where password='it''s Secret-1'",
        "<password>Secret-1</password>",
        "API key: Secret-1",
        "password=a,Secret-1",
        "password=a)Secret-1",
        "password=a\"Secret-1",
        "password=\"\" token=\"Secret-1\"",
        "password='''a 'b' Secret-1'''",
        "postgres://u:p/Secret-1@h/db",
        "params[\"password\"] = \"Secret-1\"",
        "got bearer Secret-1",
        r#"[{"pass\u0077ord":"Secret-1"}"#,
        r#"{"m":"{\"pass\\u0077ord\":\"Secret-1\""}"#,
        r#"x {"pass\u0077ord":"Secret-1"}"#,
        r#""pass\x77ord": "Secret-1""#,
        "\"password\"/*c*/:\"Secret-1\"",
        "a=1&pass%77ord=Secret-1",
        "a=1&user[password][]=Secret-1",
        "password[0]=Secret-1",
        "password[]=Secret-1",
        "a=1&user%5Bpassword%5D=Secret-1",
        "db.password=Secret-1",
        "config.password = \"Secret-1\"",
        "-Dpassword=Secret-1",
        "-password Secret-1",
        "_password_: Secret-1",
        "%password%=Secret-1",
        "Authorization: ApiKey Secret-1",
        "Authorization: Digest username=\"a\", response=\"Secret-1\"",
        "Proxy-Authorization: Negotiate Secret-1",
        "authorization: Bearer\n Secret-1",
        "-H 'Authorization: ApiKey Secret-1' x",
        "private_key=-----BEGIN RSA PRIVATE KEY-----\nMIIB\nSecret-1\n-----END RSA PRIVATE KEY-----",
        "private_key: |\n-----BEGIN X-----\nSecret-1\n",
        "<password t=\"1\">Secret-1</password>",
        "<w:password w:t='>'>Secret-1<b>Secret-2</b></w:password>",
        "<password><![CDATA[Secret-1]]></password>",
        "<password value=\"Secret-1\"/>",
        "&lt;password t=\"1\"&gt;Secret-1&lt;/password&gt;",
        "query($password: String = \"Secret-1\"){a}",
        "$password: [String!]! = [\"Secret-1\"]",
        "password: string = \"Secret-1\"",
        "password: &str = \"Secret-1\"",
        "login(password: # c\n \"Secret-1\")",
        "login(password:, \"Secret-1\")",
        "password=(a)Secret-1",
        "password=)Secret-1",
        "password=,Secret-1",
        "password=&Secret-1",
        "password=\"a\"\"Secret-1\"",
        "password='a'\\''Secret-1'",
        "password='a'\"Secret-1\"",
        "password=a\\ Secret-1",
        "password=a)!Secret-1",
        "password=a]]Secret-1",
        "password=['a]b', 'Secret-1']",
        "password: Some(\n  \"Secret-1\",\n)",
        "password: Secret { inner: \"Secret-1\" }",
        "password: \"\"Secret-1",
        "password=$(echo Secret-1)",
        "userPassword:: Secret-1".trim_start_matches("user"),
        "password += \"Secret-1\"",
        "password ||= \"Secret-1\"",
        "password ?= Secret-1",
        "password != \"Secret-1\"",
        "password -> Secret-1",
        "password <> 'Secret-1'",
        "**password:** Secret-1",
        "**password**: Secret-1",
        "password(\"Secret-1\")",
        "(\"password\", \"Secret-1\")",
        "|password|Secret-1|",
        "\u{1b}[3mpassword\u{1b}[0m\u{1b}[2m=\u{1b}[0mSecret-1",
        "\u{1b}[1;33mpassword\u{1b}[0m: Secret-1",
        "\"password\"\u{1b}[0m:\u{1b}[32m\"a Secret-1\"\u{1b}[0m",
        "password: |\n  Secret-1\n\n  Secret-2",
        "password: >-\n  Secret-1",
        "password:\n- Secret-1\n- Secret-2",
        "password: !vault |\n  Secret-1",
        "password: !!str Secret-1",
        "password: &x Secret-1",
        "password:\n  value: Secret-1",
        "see https://u:pa'Secret-1@h ok",
        "see https://u:12345#Secret-1@h ok",
        "see https:/u:Secret-1@h ok",
        "{\"a\":\"{\\\"password\\\":\\\"Secret-1\\\"}\"}",
        "curl -u a:Secret-1 h",
        "/usr/bin/curl -sX POST \\\n -u 'a:Secret 1, Secret-1' h",
        "curl -ua:Secret-1 h",
        "curl --proxy-user \"a:Secret-1\" h",
        "curl --user a:Secret-1 h",
        "curl -b sid=Secret-1 --cookie 'a=Secret-2' h",
        "curl --data '{\"password\":\"Secret-1\"}' h",
        "curl -H 'X-Api-Key: Secret-1' h",
        "mysqldump -pSecret-1 db",
        "sshpass -p 'Secret-1' ssh h",
        "sshpass -pSecret-1 ssh h",
        "docker login -u a -p Secret-1",
        "redis-cli -a Secret-1 get k",
        "CREATE USER a IDENTIFIED BY 'Secret-1'",
        "ALTER USER a PASSWORD \"Secret-1\"",
        "WHERE password LIKE 'Secret-1%' OR pin IN ('Secret-2', 'Secret-3')",
        "INSERT INTO t (a, password) VALUES ('b', 'it''s Secret-1'), ('c', \"Secret-2\")",
        "INSERT INTO t (`password`) VALUES (concat('Secret-1', 'Secret-2'))",
        "the password was Secret-1",
        "the password is 'Secret-1'",
        "name: password, value: Secret-1",
        "{\"key\":\"password\",\"value\":\"Secret-1\"} x",
        "<input name=\"password\" value=\"Secret-1\">",
        "<input value=Secret-1 type=password>",
        "<meta name='csrf-token' content='Secret-1'>",
        "<textarea name=\"secret\">Secret-1</textarea>",
        "to=%2Fcb%3Ftoken%3DSecret-1",
        "to=%252Fcb%253Fcode%253DSecret-1",
        "d=%7B%22password%22%3A%22Secret-1%22%7D",
        "PGPASSWORD=Secret-1 psql",
    ] {
        hides(message);
    }
    assert_eq!(masked("credit card: 4012 8888 8888 1881 ok"), "credit card: [redacted] ok");
    let kept = "use: -- a --b=c, see http://h:80/x 12:30 it's a > b \u{a0}";
    assert_eq!(masked(kept), kept);
}

#[test]
fn user_info_that_was_cut_off_is_hidden() {
    let cut = format!("see https://u:{}", "x".repeat(LONGEST_HOST));
    assert_eq!(masked(&cut), "see https://[redacted]");
    for (text, kept) in [
        ("postgres://u:hun", "postgres://"),
        ("a postgres://u:hun", "a postgres://"),
        ("postgres://h/x", "postgres://h/x"),
        ("postgres://h failed", "postgres://h failed"),
        ("é\u{a0}//é", "é\u{a0}//"),
        ("", ""),
    ] {
        assert_eq!(untorn(text), kept);
    }
}

#[test]
fn a_hostile_text_is_linear() {
    // `a=a=a=…` was quadratic: each name looked for the end of its value.
    for piece in [
        "a=",
        "a:",
        "é=",
        "a='",
        "a=\"\\\"",
        "a\\",
        "//a",
        "a.b=1 ",
        "bearer ",
        "password:\n",
        "password: ",
        "password=)",
        "[a]=",
        "<pin>x",
        "<pin '",
        "<pin \"'",
        "&lt;pin ",
        "<password> ",
        "password=a)",
        "(a(",
        "\\u0061:",
        "%61=",
        "a,\"",
        "|a|",
        "\u{1b}[0m=",
        "*/=",
        "a: b = ",
        "-a ",
        "a:/b:",
        "password:&a ",
        "password: !a",
        "password=,\"",
        "#\n",
        "curl -u ",
        "-p -u ",
        "(a)values(",
        "(pin)values(",
        "(pin)values('",
        "pin in (",
        " 'a",
        "pin '",
        "pin is a1b2 ",
        "name=pin value=",
        "<a b=",
        "<a name='pin' ",
        "<a '",
        "%3D",
        "a%3D",
        "token%3D",
        "%7B%22a%22:",
        "a%25252520",
        "%3Ca%20",
        "%2522 ",
        "<pin><pin>x</pin>",
        "<pin><!--",
        "<name>pin<",
        "<value>",
        "&quot;",
        "name:&quot;",
        "'a%20",
        "'pin: a ",
        "\"pin=a b ",
        "pin: ^\"a ",
        "name: ^\\^\"a",
        "curl -su a:",
        "-ss",
        "pin: pin: ",
        "pin \"a\": ",
        "\npin: a b c",
    ] {
        let text = piece.repeat(256 * 1024 / piece.len());
        let began = std::time::Instant::now();
        masked(&text);
        assert!(began.elapsed().as_secs() < 2, "{piece} {:?}", began.elapsed());
    }
}

#[test]
fn no_mixture_of_signs_panics() {
    const PIECES: [&str; 52] = [
        "password",
        "pin",
        "é",
        "€",
        "=",
        ":",
        "\"",
        "'",
        "\\",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        "<",
        ">",
        "/",
        "//",
        "@",
        "#",
        "\n",
        " ",
        "  ",
        "|",
        "-",
        "--",
        "&",
        "&lt;",
        "&gt;",
        "\u{1b}[0m",
        "*",
        "/*",
        "*/",
        ",",
        "!",
        "$",
        "%70",
        "\\u0070",
        "Authorization: ",
        "curl -u ",
        "-p",
        "values",
        " in ",
        " is ",
        "by '",
        "name",
        "value",
        "<input ",
        "%3D",
        "%25",
        "22%3A",
    ];
    let mut seed = 7_u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..12 {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            text.push_str(PIECES[(seed >> 33) as usize % PIECES.len()]);
        }
        let once = masked(&text);
        let mut out = String::new();
        with_fields(&[], Part::Error, |s| text_cut(&mut out, &once, s));
    }
}
