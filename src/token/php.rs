//! What PHP and WordPress's helpers make of a text, where they forgive what others do not.

use serde_json::Value;

/// `base64_decode` without `$strict`, for both alphabets: what is no letter is passed over, and a last letter without a
/// partner is dropped.
pub(super) fn base64_decode(text: &str) -> Vec<u8> {
    let (mut out, mut bits, mut held) = (Vec::with_capacity(text.len()), 0_u32, 0);
    for value in text.bytes().filter_map(sextet) {
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from(bits >> held & 0xff).unwrap_or_default());
        }
    }
    out
}

const fn sextet(letter: u8) -> Option<u8> {
    match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

/// `sscanf($header, 'Bearer %s')`: white space in the format stands for any amount of it, none included.
pub(super) fn first_word(header: &str) -> Option<&str> {
    header.strip_prefix("Bearer")?.split_ascii_whitespace().next()
}

/// `sanitize_text_field` (`wp-includes/formatting.php`): without tags and percent-escapes, white space made single.
pub(super) fn sanitize_text_field(text: &str) -> String {
    let text = single_spaced(&without_tags(text));
    let escapes_removed = without_escapes(&text);
    if escapes_removed == text { text } else { single_spaced(&escapes_removed) }
}

fn single_spaced(text: &str) -> String {
    text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// Without `<…>`.
fn without_tags(text: &str) -> String {
    let mut pieces = text.split('<');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        out.push_str(piece.split_once('>').map_or(piece, |(_, after)| after));
    }
    out
}

/// Without `%XX`.
pub(super) fn without_escapes(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let is_escape = piece.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
        match piece.get(2..).filter(|_| is_escape) {
            Some(after) => out.push_str(after),
            None => out.extend(["%", piece]),
        }
    }
    out
}

/// The whole seconds of a claim that is compared with `time()`: a number, or a text that is one.
pub(super) fn seconds(claim: &Value) -> Option<i64> {
    let seconds = match claim {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    #[expect(clippy::cast_possible_truncation, reason = "saturates, which is far in the past or future")]
    seconds.is_finite().then(|| seconds.floor() as i64)
}

/// Whether `empty()` says so of a value.
pub(super) fn is_empty(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => true,
        Some(Value::String(text)) => !is_truthy(text.as_bytes()),
        Some(Value::Number(number)) => number.as_f64() == Some(0.0),
        Some(Value::Array(list)) => list.is_empty(),
        Some(_) => false,
    }
}

/// Whether a text counts as true: `''` and `'0'` do not.
pub(super) fn is_truthy(text: &[u8]) -> bool {
    !matches!(text, b"" | b"0")
}
