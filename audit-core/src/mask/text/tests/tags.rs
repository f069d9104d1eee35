//! What stands in tags, and behind what only looks like one.

use super::{hides, masked};

#[test]
fn a_word_behind_a_less_than_sign_hides_nothing_else() {
    for text in [
        "if a <b then password=\"Secret-1\"",
        "SELECT * FROM t WHERE age <limit AND password='Secret-1'",
        "cat <<EOF\n{\"password\":\"Secret-1\"}\nEOF",
        "psql <dump.sql --password Secret-1",
        "<p class=x\n password: Secret-1",
        "List<String items; String password = \"Secret-1\";",
        "a <b https://u:Secret-1@h/",
        "a <b c?password=Secret-1&d=e",
        "x <EOF\nAuthorization: Bearer Secret-1",
        "a <b value=1 password=Secret-1",
        "a <b value= --password Secret-1",
        "a <b value= \"password\":\"Secret-1\" c",
        "a <b value=\n password = \"Secret-1\" c",
        "a <password pin: Secret-1>",
    ] {
        hides(text);
    }
    for text in ["if a <b then c=1", "a <b c: d\ne", "cat <<EOF\na=b\nEOF"] {
        assert_eq!(masked(text), text);
    }
}

#[test]
fn each_attribute_has_a_name_of_its_own() {
    for text in [
        "<input name=\"pin\" value=\"1\" password=\"Secret-1\"><br>",
        "<input name=\"pin\" value=\"1\" data-password=\"Secret-1\"><br>",
        "<input name=\"pin\" value=\"1\" onclick=\"login('password=Secret-1')\"><br>",
        "<input password=\"Secret-1\" name=\"pin\" value=\"1\"><br>",
        "<f name=\"pin\" old=\"1\" password=\"Secret-1\" new=\"Secret-2\"><br>",
        "<f name='pin' password='Secret-1'>Secret-2</f>",
        "<input value=\"a Secret-1\" name=\"pin\">",
    ] {
        hides(text);
    }
    for (text, expected) in [
        (
            "<input type=\"text\" name=\"pin\" value=\"1\" class=\"a\"><input name=\"a\" value=\"2\">",
            "<input type=\"text\" name=\"pin\" value=\"[redacted]\" class=\"a\"><input name=\"a\" value=\"2\">",
        ),
        (
            "<input type=\"password\" value=\"1\"> value=2",
            "<input type=\"password\" value=\"[redacted]\"> value=2",
        ),
    ] {
        assert_eq!(masked(text), expected);
    }
}

#[test]
fn an_element_ends_where_its_own_tag_closes_it() {
    for text in [
        "<a><password><![CDATA[x</password>Secret-1]]></password>",
        "<a><password>x<!-- </password> -->Secret-1</password>",
        "<a><password>x</passwordx>Secret-1</password>",
        "<a><password>x</password-x>Secret-1</password>",
        "<a><password><password>x</password>Secret-1</password>",
        "<a><password><password/>x</password >y<password> Secret-1",
        "&lt;password&gt;&lt;!--&lt;/password&gt;--&gt;Secret-1&lt;/password&gt;",
        "<password><![CDATA[Secret-1",
        "<r><f><name>password</name><value>Secret-1</value></f>",
        "<r><f>\n<name>pin</name>\n <value t='1'>Secret-1</value>\n</f>",
        "&lt;key&gt;pin&lt;/key&gt;&lt;value&gt;Secret-1&lt;/value&gt;",
        "<!DOCTYPE a><a><f name=\"password\"><v>Secret-1</v></f></a>",
        "{&quot;password&quot;:&quot;a Secret-1&quot;}",
        "<div data-x=\"{&#34;password&#34;:&#34;a Secret-1&#34;}\">",
    ] {
        hides(text);
    }
    for (text, expected) in [
        (
            "<r><name>a</name><value>1</value><name>pin</name><value>2</value>",
            "<r><name>a</name><value>1</value><name>pin</name><value>[redacted]</value>",
        ),
        (
            "<r><name>pin</name><name>a</name><value>1</value>",
            "<r><name>pin</name><name>a</name><value>1</value>",
        ),
        (
            "<f name='pin'><v>1</v></f><f name='a'><v>2</v></f>",
            "<f name='pin'>[redacted]</f><f name='a'><v>2</v></f>",
        ),
        ("<k>a</k><value></value><x>1</x>", "<k>a</k><value></value><x>1</x>"),
        ("<pin>1</pin><pinned>2</pinned>", "<pin>[redacted]</pin><pinned>2</pinned>"),
        (
            "{&quot;pin&quot;:&quot;1 2&quot;,&quot;a&quot;:3}",
            "{&quot;pin&quot;:&quot;[redacted]&quot;,&quot;a&quot;:3}",
        ),
    ] {
        assert_eq!(masked(text), expected);
    }
}
