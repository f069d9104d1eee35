//! Multipart forms with a secret in them.

use super::{
    Garden, form, json,
    names::{Fit, name},
    secrets::ANY,
    text,
};

pub(super) fn body(garden: &mut Garden<'_>) -> (String, String) {
    let boundary = garden.draw.pick(&["bnd7", "----WebKitFormBoundaryAbC", "a'b(c)+_,-./:=?"]);
    let content_type = match garden.draw.below(3) {
        1 => format!("Multipart/Form-Data; charset=utf-8; boundary=\"{boundary}\""),
        _ if boundary.contains('(') => format!("multipart/form-data; boundary=\"{boundary}\""),
        _ => format!("multipart/form-data; boundary={boundary}"),
    };
    let end = garden.draw.pick(&["\r\n", "\r\n", "\n"]);
    let mut body = String::new();
    for _ in 0..=garden.draw.below(3) {
        for part in [planted(garden, end), harmless(garden, end)] {
            body.push_str(&format!("--{boundary}{end}{part}{end}"));
        }
    }
    body.push_str(&format!("--{boundary}--{end}"));
    (content_type, body)
}

fn part(head: &str, end: &str, content: &str) -> String {
    let head = head.replace('\n', end);
    format!("{head}{end}{end}{content}")
}

fn planted(garden: &mut Garden<'_>, end: &str) -> String {
    let disposition = garden.draw.pick(&[
        "Content-Disposition: form-data; ",
        "content-disposition:form-data;",
        "CONTENT-DISPOSITION: FORM-DATA ; ",
        "Content-Type: text/plain; charset=utf-8\nContent-Disposition: form-data; ",
    ]);
    let harmless = garden.harmless();
    match garden.draw.below(9) {
        5 => {
            let inner = json::document(garden, 1);
            let head = format!(
                "Content-Disposition: form-data; name={harmless}\nContent-Type: application/json"
            );
            part(&head, end, &inner)
        }
        6 => {
            let inner = text::line(garden);
            part(&format!("{disposition}name=\"{harmless}\""), end, &inner)
        }
        7 => {
            // The content of files is never kept, whatever the field is called.
            garden.once = true;
            let (inner, file) = (garden.secrets.plain(), garden.secrets.plain());
            let named = garden.draw.pick(&["filename", "FileName", "filename*"]);
            let file = format!("{disposition}name=\"{harmless}\"; {named}=\"{file}.png\"");
            part(&file, end, &format!("\u{1}PNG {inner}"))
        }
        8 => {
            let file = format!("{disposition}name=\"{harmless}\"\nContent-Type: application/pdf");
            garden.once = true;
            let mixed = file.matches("Content-Type").count() > 1;
            garden.odd |= mixed;
            part(&file, end, &garden.secrets.plain())
        }
        spelling => {
            let fit = if spelling == 1 { Fit::Word } else { Fit::Any };
            let told = name(garden, fit);
            let named = match spelling {
                0 => format!("name=\"{told}\""),
                1 => format!("name={told}"),
                2 => format!("NAME=\"user[{}]\"", told.trim()),
                3 => format!("name=\"{}\"", form::encode(&told, true)),
                _ => format!("name=\"\\{told}\"; x=y"),
            };
            let value = garden.secrets.text(&mut garden.draw, ANY);
            let number = &garden.secrets.number;
            let value = if garden.draw.odds(5) { number.clone() } else { value };
            part(&format!("{disposition}{named}"), end, &value)
        }
    }
}

fn harmless(garden: &mut Garden<'_>, end: &str) -> String {
    let (name, word) = (garden.harmless(), garden.keep());
    part(&format!("Content-Disposition: form-data; name=\"{name}\""), end, &word)
}
