//! What was encoded for a URL.

use super::{hides, masked};

#[test]
fn what_is_encoded_is_looked_at_as_what_it_stands_for() {
    for word in [
        "%7B%22password%22:%22Secret-1%22%7D",
        "%7B%22user%22:%7B%22password%22:%22Secret-1%22%7D%7D",
        "%7B%22password%22%3A%22ab%26Secret-1%22%7D",
        "%7B%22p%5Cu0061ssword%22%3A%22Secret-1%22%7D",
        "%2Fy%3Fa%5Bpassword%5D%3DSecret-1",
        "%2Fy%3Fp%2561ssword%3DSecret-1",
        "https%3A%2F%2Fu%3ASecret-1%40h%2F",
        "%3Cpassword%3ESecret-1%3C%2Fpassword%3E",
        "%7B%22name%22%3A%22password%22%2C%22value%22%3A%22Secret-1%22%7D",
        "%5B%5B%22password%22%2C%22Secret-1%22%5D%5D",
        "code%3DSecret-1%26password%3DSecret-2",
        "Bearer%20Secret-1Secret",
        "{%22password%22:%22Secret-1%22}",
        "password%3D%22a%26Secret-1%22",
    ] {
        let twice = word.replace('%', "%25");
        for word in [word, &twice] {
            for text in [
                format!("https://h/x?to={word}&z=1"),
                format!("GET /x?a=1&to={word} HTTP/1.1"),
                format!("to {word}"),
                format!("/p#{word}"),
                format!("{{\"u\":\"/x?to={word}\",\"a\""),
            ] {
                hides(&text);
            }
        }
    }
    hides("/x?f=%7B%22password%22%3A%22it's%20Secret-1%22%7D");
    hides("/x?f=(password%20eq%20'Secret-1')&z=1");
    hides("/x?f=%7B%22password%22:%22a&Secret-1%22%7D&z=1");
    hides("GET /login%3Fpassword%3DSecret-1");
}

#[test]
fn the_rest_of_what_is_encoded_stays() {
    for (text, expected) in [
        (
            "https://h/x?f=%7B%22password%22:%22a%26b%22,%22n%22:%22c%20d%22%7D&z=1",
            "https://h/x?f=%7B%22password%22:%22[redacted]%22,%22n%22:%22c%20d%22%7D&z=1",
        ),
        ("a /b%20c/?n=%2Fy%3Fpin%3D1+2 d", "a /b%20c/?n=%2Fy%3Fpin%3D[redacted] d"),
        ("n=%2F%C3%A9%3Fpin%3D1%26a%3D2", "n=%2F%C3%A9%3Fpin%3D[redacted]%26a%3D2"),
        ("n=%2Fy%3Fpin%3Da%20b&q=1%22&c=d", "n=%2Fy%3Fpin%3D[redacted]&q=1%22&c=d"),
        ("'/x?n=%2Fy%3Fpin%3Da'; b", "'/x?n=%2Fy%3Fpin%3D[redacted]'; b"),
        ("('n%3Dx%26pin%3Da', 'b')", "('n%3Dx%26pin%3D[redacted]', 'b')"),
        ("n=code%3D1%26a%3Dx", "n=code%3D[redacted]%26a%3Dx"),
        ("n=a+b%2Bc%3Fpin%3D1", "n=a+b%2Bc%3Fpin%3D[redacted]"),
    ] {
        assert_eq!(masked(text), expected);
        assert_eq!(masked(expected), expected);
    }
    for text in [
        "GET /a%20b/%7Bid%7D?q=100%25%20off&r=%22a%22%3A1 HTTP/1.1",
        "50% off, 100%25 %zz %",
        "https://h/%E2%82%AC?next=https%3A%2F%2Fh%3A80%2Fa%3Fb%3D1",
    ] {
        assert_eq!(masked(text), text);
    }
}
