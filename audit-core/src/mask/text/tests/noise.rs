//! Whatever stands before a pair, its value is hidden.

use super::masked;

const PIECES: [&str; 75] = [
    "password",
    "password:",
    "pin: ",
    "pin=",
    "token",
    "\"pin\":",
    "\"",
    "'",
    "Bearer ",
    "basic",
    "--pin ",
    "-p",
    "String",
    "was",
    "Authorization:",
    "<a ",
    "<b",
    "<x:y ",
    "</a",
    "/>",
    ">",
    "<<EOF\n",
    "<br>",
    "<a b=\"c\">",
    "<a b=",
    "&lt;a ",
    "&gt;",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "name",
    "name=",
    "value=",
    "type=",
    "key: a",
    "=",
    ":",
    "::",
    "=>",
    "->",
    ",",
    ";",
    "&",
    "?",
    "|",
    "||",
    "/",
    "//",
    "/*",
    "*/",
    "#",
    "%",
    "%22",
    "%3D",
    "%3A",
    "%25",
    "\\",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    "a",
    "x1",
    " ",
    "  ",
    "\n",
    "VALUES (1,",
    "is",
    "curl ",
    "-u",
    "\u{1b}[0m",
    "\u{e9}",
];

#[test]
fn no_noise_before_a_pair_shows_its_value() {
    let mut seed = 11_u64;
    for round in 0..20_000 {
        let mut text = String::new();
        for _ in 0..1 + round % 5 {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            text.push_str(PIECES[(seed >> 33) as usize % PIECES.len()]);
            if seed >> 62 == 0 {
                text.push(' ');
            }
        }
        for pair in
            [" password=Secret-1 ", "\npassword: Secret-1\n", " {\"password\":\"Secret-1\"}"]
        {
            let text = format!("{text}{pair}");
            assert!(!masked(&text).contains("Secret-1"), "{text:?} {:?}", masked(&text));
        }
    }
}
