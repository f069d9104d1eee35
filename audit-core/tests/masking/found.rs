//! What generated bodies found, each as small as it can be.

use audit_core::How;

use crate::{
    check::{mask, masker, text},
    plant::Format,
};

const SECRET: &str = "S3cr3t";

#[test]
fn no_cut_shows_the_value_of_a_name_that_is_still_to_come() {
    for (content_type, body) in [
        // A pair that is the whole document.
        ("application/json", r#"{"value":["S3cr3t",7],"name":"pin"}"#),
        // Something else that may be a name, and selects nothing.
        ("application/json", r#"[{"type":"text","value":"S3cr3t","name":"pin"}]"#),
        ("application/json", r#"[{"id":"7","value":["S3cr3t"],"name":"pin"}]"#),
        // An element that is not closed yet.
        ("application/xml", r#"<p><value><b c="S3cr3t"/></value><key>pin</key></p>"#),
        ("application/xml", "<p><value>S3cr3t<b/></value><key>pin</key></p>"),
    ] {
        for cut in 0..=body.len() {
            let (_, json) = mask(&mut masker(How::Redact), content_type, body.as_bytes(), cut);
            assert!(!json.contains(SECRET), "{body} cut at {cut}: {json}");
        }
    }
}

#[test]
fn what_is_masked_stays_as_it_is() {
    for body in ["a Bearer S3cr3tS3cr3t b\n", "Authorization: Bearer S3cr3tS3cr3t\n"] {
        let mut masker = masker(How::Redact);
        let (once, _) = mask(&mut masker, "text/plain", body.as_bytes(), usize::MAX);
        let once = text(Format::Text, body, &once.body.unwrap_or_default());
        let (twice, _) = mask(&mut masker, "text/plain", once.as_bytes(), usize::MAX);
        assert_eq!(text(Format::Text, body, &twice.body.unwrap_or_default()), once);
    }
}
