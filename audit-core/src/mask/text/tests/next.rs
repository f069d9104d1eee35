//! Names that stand where the value of another one is looked for.

use super::{hides, masked};

#[test]
fn a_name_is_not_taken_for_the_value_of_another() {
    for text in [
        "Invalid credentials: password: Secret-1",
        "secret: token: Secret-1",
        "secret: token: pin: Secret-1",
        "password: login: Secret-1",
        "password: pin : Secret-1",
        "password = pin = Secret-1",
        "password= pin= Secret-1",
        "password \"pin\":\"Secret-1\"",
        "password \"pin\": Secret-1",
        "password \"note\" : \"Secret-1\"",
        "\"password\": \"pin\":\"Secret-1\"",
        "{\"m\":\"\\\"password\\\": \\\"pin\\\":\\\"Secret-1\\\"\"",
        "password= --pin Secret-1",
        "--password  pin: Secret-1",
        "password->  pin: Secret-1",
        "password(\"pin\": \"Secret-1\")",
        "Bearer password: Secret-1",
        "password= value= --pin Secret-1",
        "password: value= pin = Secret-1",
        "password: value=\n&a= \"pin\":\"Secret-1\"",
        "password:\nString \"pin\":\"Secret-1\"",
        "curl -b value=  pin: Secret-1",
        "password: &a \"pin\": \"Secret-1\"",
        "Bearer --password Secret-1",
        "Bearer password = \"Secret-1\"",
        "Authorization: Bearer password: Secret-1",
        "password: Bearer pin: Secret-1",
        "token: Bearer \"Secret-1\"",
        "Bearer \"Secret-1\"",
        "basic 'Secret-1'",
        "curl --oauth2-bearer \"Secret-1\" h",
        "curl -u password: Secret-1",
    ] {
        hides(text);
    }
    for (text, expected) in [
        ("a credentials: password: x y", "a credentials: [redacted] y"),
        ("password \"pin\":\"x\", a", "password \"[redacted]\", a"),
        ("password \"pin\": x, a", "password [redacted], a"),
        ("password: pin: \"x\", a", "password: [redacted], a"),
        ("invalid token \"x\": not found", "invalid token \"[redacted]\": not found"),
        ("PASSWORD 'x'::text = a", "PASSWORD '[redacted]'::text = a"),
        ("if password == \"x\": login()", "if password == \"[redacted]\": login()"),
        ("token: YWJjZGU= user=ann", "token: [redacted] user=ann"),
        ("token: YWJjZA== user: ann", "token: [redacted] user: ann"),
        ("password: x\nuser: ann", "password: [redacted]\nuser: ann"),
        ("curl -u ann: https://h -d a=b", "curl -u [redacted] https://h -d a=b"),
        ("got Bearer \"abcdef1\" here", "got Bearer \"[redacted]\" here"),
        (
            "a basic \"course\", unexpected token \"A1B2\"",
            "a basic \"course\", unexpected token \"A1B2\"",
        ),
    ] {
        assert_eq!(masked(text), expected);
        assert_eq!(masked(expected), expected);
    }
}
