//! Commands, and values of more than one word.

use super::{hides, masked};

#[test]
fn credentials_in_commands() {
    for text in [
        "curl -H 'password: a Secret-1' h",
        "curl -H \"password: a b: Secret-1\" h",
        "curl --data-urlencode \"password=a Secret-1\" h",
        "{\"h\":[\"password: a Secret-1\"]",
        "\"{\\\"h\\\":[\\\"password: a Secret-1\\\"]",
        "password: correct horse Secret-1",
        "user: a\npassword: correct horse Secret-1\nb: c",
        "curl -su a:Secret-1 h",
        "curl -sSu \"a:Secret-1\" h",
        "curl -kiua:Secret-1 h",
        "curl --user=a:Secret-1 h",
        "curl.exe -u a:Secret-1 h",
        "C:\\bin\\curl.exe -u a:Secret-1 h",
        "curl -x a:Secret-1@p:1 h",
        "curl -sx a:Secret-1@p:1 h",
        "curl --proxy a:Secret-1@p:1 h",
        "curl --preproxy=a:Secret-1@p:1 h",
        "curl --socks5 a:Secret-1@p h",
        "curl -E a.pem:Secret-1 h",
        "curl --cert a.pem:Secret-1 h",
        "curl --pass Secret-1 h",
        "curl --oauth2-bearer Secret-1 h",
        "curl -dpassword=Secret-1 h",
        "curl -Fpassword=Secret-1 h",
        "curl -Hpassword:Secret-1 h",
        "http -a a:Secret-1 h",
        "https -a a:Secret-1 h",
        "http --auth a:Secret-1 h",
        "xh --auth=a:Secret-1 h",
        "curl -d '{\"password\":\"a'\"'\"'b Secret-1\"}' h",
        "curl -d ^\"^{^\\^\"password^\\^\":^\\^\"a Secret-1^\\^\"^}^\" h",
    ] {
        hides(text);
    }
}

#[test]
fn what_is_no_credential_stays() {
    for (text, expected) in [
        ("curl -H 'password: a b' -H 'c: d'", "curl -H 'password: [redacted]' -H 'c: d'"),
        ("msg=\"password=x user=ann\" c", "msg=\"password=[redacted] user=ann\" c"),
        ("\"password\": x y", "\"password\": [redacted] y"),
        ("bad password: x y", "bad password: [redacted] y"),
        (" password: x y", " password: [redacted] y"),
        ("password: a b, c\npin: d e=f", "password: [redacted], c\npin: [redacted] e=f"),
        ("curl -x http://a:b@p:1 h", "curl -x http://[redacted]@p:1 h"),
        ("curl -sSLx p:1 -du=1 -su ann h", "curl -sSLx p:1 -du=1 -su ann h"),
        ("ls -su a:b; tar -xu a:b", "ls -su a:b; tar -xu a:b"),
    ] {
        assert_eq!(masked(text), expected);
    }
}
