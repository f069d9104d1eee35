//! Server-sent events: `text/event-stream`.

use super::{
    fields::{find, is_plain},
    how::Value,
    json::documents,
    part::Of,
    rules::Sel,
    scope::Scope,
    unparsable::Unparsable,
    value::inside,
};

/// Appends a stream of events. The data lines of one event are one text, as readers join them:
/// JSON is masked as JSON, another text inside. Lines stay as they are unless something in them
/// is masked. A line of a field that no stream has makes it none; behind an event with broken JSON
/// nothing is shown: it may be the rest of it.
pub(super) fn sse(
    out: &mut String,
    text: &str,
    cut: bool,
    scope: &mut Scope<'_>,
) -> Result<(), Unparsable> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut event = Event::default();
    let (mut begin, mut at) = (0, 0);
    while at < text.len() {
        let (line, ends) = first_line(&text[at..]);
        at += line.len() + ends.len();
        let field = field(line);
        // The last line may be torn; of the data, JSON can be masked up to where it is.
        let torn = cut && ends.is_empty();
        if !torn && !is_known(field.0) {
            return Err(Unparsable);
        }
        if !scope.spend(LINE) {
            return Err(Unparsable);
        }
        event.take(line, field, scope);
        if !event.has_data && !line.is_empty() {
            // What is before the data does not wait for it.
            other(out, line, ends, cut, scope);
            begin = at;
        } else if line.is_empty() {
            // The line feeds between events go in one piece.
            let blank = text[at..].bytes().take_while(|b| matches!(b, b'\n' | b'\r')).count();
            if !event.write(out, &text[begin..at], false, scope) {
                return Ok(());
            }
            out.push_str(&text[at..at + blank]);
            at += blank;
            begin = at;
        }
    }
    event.write(out, &text[begin..], cut, scope);
    Ok(())
}

/// Steps of a line, of one that is looked into, and of an event whose name is, or whose lines are
/// of more than one kind.
const LINE: usize = 6;
const INSIDE: usize = 10;
const EVENT: usize = 12;

/// The first line of a text, and what ends it: nothing if the text does.
fn first_line(text: &str) -> (&str, &str) {
    let bytes = text.as_bytes();
    let near = &bytes[..bytes.len().min(16)];
    let near = near.iter().position(|b| (*b == b'\n') | (*b == b'\r'));
    let end = near.or_else(|| memchr::memchr2(b'\n', b'\r', bytes)).unwrap_or(bytes.len());
    let len = match &bytes[end..] {
        [b'\r', b'\n', ..] => 2,
        [_, ..] => 1,
        [] => 0,
    };
    (&text[..end], &text[end..end + len])
}

/// Whether a stream of events has such a field.
fn is_known(name: &str) -> bool {
    matches!(name, "" | "data" | "event" | "id" | "retry")
}

/// The data of one event.
#[derive(Default)]
struct Event {
    data: String,
    has_data: bool,
    /// What its name selects, which is all of its data.
    named: Option<Sel>,
    has_name: bool,
    /// Behind the data there are lines of other fields.
    is_mixed: bool,
}

/// The field's name and value.
fn field(line: &str) -> (&str, &str) {
    let end = find(b':', line);
    let (name, value) = (&line[..end], line.get(end + 1..).unwrap_or_default());
    (name, value.strip_prefix(' ').unwrap_or(value))
}

impl Event {
    fn take(&mut self, line: &str, (name, value): (&str, &str), scope: &Scope<'_>) {
        match name {
            "data" => {
                if self.has_data {
                    self.data.push('\n');
                }
                self.has_data = true;
                self.data.push_str(value);
                return;
            }
            "event" => {
                self.has_name = true;
                scope.spend(EVENT);
                self.named = scope.find_told(value);
            }
            _ => {}
        }
        self.is_mixed |= self.has_data && !line.is_empty();
    }

    /// Appends the lines of the event that is over. `false`: its data is broken.
    fn write(&mut self, out: &mut String, lines: &str, cut: bool, scope: &mut Scope<'_>) -> bool {
        let masked = self.masked(cut, scope);
        let (masked, whole) = match masked {
            Ok(masked) => (masked, true),
            Err(Unparsable) => (Some("[omitted]".to_owned()), false),
        };
        let mut written = false;
        let mut rest = lines;
        if masked.is_none() && !self.is_mixed {
            // Nothing but the data, and the line feed behind it.
            out.push_str(lines);
            rest = "";
        } else {
            scope.spend(EVENT);
        }
        while !rest.is_empty() {
            let (line, ends) = first_line(rest);
            rest = &rest[line.len() + ends.len()..];
            let (name, _) = field(line);
            if name == "data" {
                match &masked {
                    None => out.push_str(line),
                    Some(_) if written => continue,
                    Some(masked) => {
                        written = true;
                        for (at, piece) in masked.split(['\n', '\r']).enumerate() {
                            out.push_str(if at == 0 { "" } else { "\n" });
                            out.push_str("data: ");
                            out.push_str(piece);
                        }
                        out.push_str(if ends.is_empty() { "\n" } else { ends });
                        continue;
                    }
                }
            } else {
                other(out, line, ends, cut, scope);
                continue;
            }
            out.push_str(ends);
        }
        self.data.clear();
        (self.has_data, self.has_name, self.named, self.is_mixed) = (false, false, None, false);
        whole
    }

    fn masked(&self, cut: bool, scope: &mut Scope<'_>) -> Result<Option<String>, Unparsable> {
        if !self.has_data || self.data.is_empty() {
            return Ok(None);
        }
        // The name may still come. What says more than one value has names of its own.
        let open = cut && !self.has_name && !self.data.trim_start().starts_with(['{', '[']);
        match self.named.or(open.then_some(Sel::SENSITIVE)) {
            Some(sel) if open => Ok(Some(scope.in_place(sel, Value::Other).into_owned())),
            Some(sel) => Ok(Some(scope.in_place(sel, Value::Text(&self.data)).into_owned())),
            None => data(&self.data, cut, scope),
        }
    }
}

/// Appends what may hold line feeds to the line that it is in.
fn push_line(out: &mut String, text: &str) {
    match memchr::memchr2(b'\n', b'\r', text.as_bytes()) {
        Some(_) => out.push_str(&text.replace(['\n', '\r'], " ")),
        None => out.push_str(text),
    }
}

/// Whether a field's name is all that stands before its colon to who looks for names in a text.
fn is_word(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Appends a line that is no data.
fn other(out: &mut String, line: &str, ends: &str, cut: bool, scope: &mut Scope<'_>) {
    let (name, value) = field(line);
    if cut && ends.is_empty() {
        // Torn.
        return;
    }
    if let Some(sel) = (!value.is_empty()).then(|| scope.find(Of::Field, name)).flatten() {
        let masked = scope.in_place(sel, Value::Text(value));
        out.push_str(&line[..line.len() - value.len()]);
        push_line(out, &masked);
    } else if is_word(name) && is_plain(name, scope) && is_plain(value, scope) {
        out.push_str(line);
    } else {
        scope.spend(INSIDE);
        push_line(out, &inside(line, scope));
    }
    out.push_str(ends);
}

/// The data masked; `None`: it stays as it is.
fn data(data: &str, cut: bool, scope: &mut Scope<'_>) -> Result<Option<String>, Unparsable> {
    // A number or word, of which there may be one in every other line.
    if !cut && data.bytes().all(|b| b.is_ascii_alphanumeric()) && is_plain(data, scope) {
        return Ok(None);
    }
    scope.spend(INSIDE);
    let mut out = scope.empty_text();
    if data.trim_start().starts_with(['{', '[', '"']) {
        match documents(&mut out, data, cut, scope) {
            Ok(_) if cut || out != data => return Ok(Some(out)),
            Ok(_) => {
                scope.text_over(out);
                return Ok(None);
            }
            // `[DONE]` is what some send in the end.
            Err(Unparsable) if data.bytes().any(|b| b"\"\\{:=".contains(&b)) => {
                return Err(Unparsable);
            }
            Err(Unparsable) => {}
        }
    }
    if cut {
        // The value may go on, and only its end show what it is.
        return Ok(Some(String::new()));
    }
    let masked = inside(data, scope);
    Ok((masked != data).then(|| masked.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::{
        super::{part::Part, scope::tests::with_fields},
        *,
    };

    fn masked(text: &str, cut: bool) -> String {
        with_fields(&[], Part::ResponseBody, |scope| {
            let mut out = String::new();
            sse(&mut out, text, cut, scope).map(|()| out).unwrap_or_default()
        })
        .0
    }

    #[test]
    fn events_are_masked() {
        for (text, expected) in [
            ("data: {\"token\":\ndata: \"x\"}\n\n", "data: {\"token\":\"[redacted]\"}\n\n"),
            (
                "id: 7\r\nevent: e\r\ndata: {\"a\":1}\r\n\r\n",
                "id: 7\r\nevent: e\r\ndata: {\"a\":1}\r\n\r\n",
            ),
            ("data:a\rdata:b password=x\r\r", "data: a\ndata: b password=[redacted]\r\r"),
            (": password=x\nretry: 5\n\n", ": password=[redacted]\nretry: 5\n\n"),
            ("\u{feff}data: [DONE]\n\n", "data: [DONE]\n\n"),
            ("data: {\"password\":\"x\n\n", "data: [omitted]\n\n"),
            ("data: {\"password\":\"Sec\n\ndata: ret\"}\n\n", "data: [omitted]\n\n"),
            ("data: 1\n\ndata: {\"pin\":[\n\ndata: 2\n", "data: 1\n\ndata: [omitted]\n\n"),
            ("{\n\"password\":[\n\"x\"\n]}\n", ""),
            ("Data: x\n\n", ""),
            ("data : x\n\n", ""),
            ("dat", ""),
            ("token: x\ndata\n\n", ""),
            ("event: {\"password\":\"x\"}\n", "event: {\"password\":\"[redacted]\"}\n"),
            ("", ""),
        ] {
            assert_eq!(masked(text, false), expected, "{text}");
        }
    }

    #[test]
    fn a_cut_stream_shows_no_piece() {
        for text in [
            "data: {\"password\":[\n\ndata: \"Secret-1\"\n\n",
            "data: {\"password\":\"Secr\n\ndata: Secret-1\"}\n\n",
        ] {
            for end in 0..text.len() {
                assert!(!masked(&text[..end], true).contains("Secr"), "{end} {text}");
            }
        }
        let text = ": pin=Secret-0\nid: 1\ndata: {\"a\":1,\ndata: \"token\":\"Secret-1\"}\n\ndata: password Bearer Secret-2\n\n";
        for end in 0..text.len() {
            let out = masked(&text[..end], true);
            assert!(!out.contains("Secr"), "{out}");
        }
    }

    #[test]
    fn a_hostile_stream_is_linear() {
        for piece in ["\n", "data\n", "data:a\n", ":", ":\n", "data:[\n", "\r"] {
            let text = piece.repeat(256 * 1024 / piece.len());
            let began = std::time::Instant::now();
            masked(&text, false);
            assert!(began.elapsed().as_secs() < 2, "{piece}");
        }
    }
}
