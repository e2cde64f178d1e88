//! The fields of one head: an ordered list exactly as received.
//!
//! Order, spelling, duplicates and odd bytes are evidence, so nothing here is a map. All text of a head lies in
//! one arena; a field is two spans of it and the [`Name`] recognised when it was read. Changing a field appends
//! the new text and moves a span: what is forwarded unchanged is never copied.

use super::name::Name;

/// A piece of the arena, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    start: u32,
    length: u32,
}

impl Span {
    /// The span `start..end`. Heads are bounded far below 4 GiB; beyond that the span is empty.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        match (u32::try_from(start), u32::try_from(end.saturating_sub(start))) {
            (Ok(start), Ok(length)) => Self { start, length },
            _ => Self::default(),
        }
    }

    /// How long the piece is, in bytes.
    #[must_use]
    pub const fn len(self) -> usize {
        self.length as usize
    }

    /// Whether the piece has no bytes.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.length == 0
    }

    fn of(self, text: &[u8]) -> &[u8] {
        text.get(self.range()).unwrap_or_default()
    }

    const fn range(self) -> std::ops::Range<usize> {
        let start = self.start as usize;
        start..start + self.length as usize
    }
}

/// Where one field lies in the arena. Text is only ever appended, so an entry stays readable with
/// [`Fields::text`] after the field was changed or removed.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The name as the product knows it.
    pub id: Name,
    /// The name as it was spelled.
    pub name: Span,
    /// The value without the white space around it.
    pub value: Span,
}

/// One field as it stands in the list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name as the product knows it.
    pub id: Name,
    /// The name as it was spelled.
    pub name: &'a [u8],
    /// The value without the white space around it (RFC 9110 §5.5).
    pub value: &'a [u8],
}

/// For the fields that a head gains on its way, in bytes.
const ROOM_FOR_CHANGES: usize = 256;

/// The same with a trail between doctors.
const ROOM_FOR_A_TRAIL: usize = 640;

/// What is allocated fastest: glibc keeps blocks up to 1032 bytes per thread.
const FAST: usize = 1024;

/// How much to allocate for a head of this size: room for a trail where it costs nothing.
const fn room(text: usize) -> usize {
    let (least, most) = (text + ROOM_FOR_CHANGES, text + ROOM_FOR_A_TRAIL);
    if least <= FAST && most > FAST { FAST } else { most }
}

/// The fields of a head in the order received, with the text of the whole head.
#[derive(Clone, Default)]
pub struct Fields {
    text: Vec<u8>,
    entries: Vec<Entry>,
}

impl Fields {
    /// An empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A list over a copy of `head`, with room for `fields` fields and some more text; [`Fields::push_span`]
    /// then names the spans.
    #[must_use]
    pub fn over(head: &[u8], fields: usize) -> Self {
        let mut list = Self::with_room(head.len(), fields);
        list.text.extend_from_slice(head);
        list
    }

    /// An empty list with room for `text` bytes and `fields` fields, and some more of both.
    #[must_use]
    pub fn with_room(text: usize, fields: usize) -> Self {
        Self { text: Vec::with_capacity(room(text)), entries: Vec::with_capacity(fields + 8) }
    }

    /// Adds a field whose text is already in the arena.
    pub fn push_span(&mut self, name: Span, value: Span) {
        let id = Name::of(name.of(&self.text));
        self.entries.push(Entry { id, name, value });
    }

    /// Adds a field at the end.
    pub fn append(&mut self, name: &[u8], value: &[u8]) {
        let (name, value) = (self.store(name), self.store(value));
        self.push_span(name, value);
    }

    /// The fields in order.
    pub fn iter(&self) -> impl Iterator<Item = Field<'_>> {
        self.entries.iter().map(|entry| self.field(entry))
    }

    /// Where the fields lie, in order.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        self.entries.iter().copied()
    }

    /// The values of every field with this name, in order.
    pub fn all(&self, id: Name) -> impl DoubleEndedIterator<Item = &[u8]> + Clone {
        self.entries.iter().filter(move |entry| entry.id == id).map(|entry| entry.value.of(&self.text))
    }

    /// The value of the first field with this name.
    #[must_use]
    pub fn first(&self, id: Name) -> Option<&[u8]> {
        self.all(id).next()
    }

    /// The value of the only field with this name; nothing when there are none or several.
    #[must_use]
    pub fn only(&self, id: Name) -> Option<&[u8]> {
        let mut values = self.all(id);
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    /// Whether a field with this name is there.
    #[must_use]
    pub fn has(&self, id: Name) -> bool {
        self.entries.iter().any(|entry| entry.id == id)
    }

    /// How many fields there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no field at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Gives the first field with this name another value, in its place and spelling; appends it canonically
    /// spelled when there is none. Further fields of the name are removed.
    pub fn set(&mut self, id: Name, value: &[u8]) {
        let value = self.store(value);
        self.put(id, value);
    }

    /// Gives the first field with this name another value and leaves further ones alone; appends it canonically spelled when
    /// there is none.
    pub fn set_first(&mut self, id: Name, value: &[u8]) {
        let value = self.store(value);
        match self.entries.iter_mut().find(|entry| entry.id == id) {
            Some(first) => first.value = value,
            None => self.push(id, value),
        }
    }

    /// Removes the first field with this name and leaves further ones alone.
    pub fn remove_first(&mut self, id: Name) {
        if let Some(first) = self.entries.iter().position(|entry| entry.id == id) {
            self.entries.remove(first);
        }
    }

    /// Adds a field at the end, canonically spelled, whose value is already in the arena.
    pub fn push(&mut self, id: Name, value: Span) {
        let name = self.store(id.canonical().as_bytes());
        self.entries.push(Entry { id, name, value });
    }

    /// Makes one field of all with this name, in the place of the first: their values in order, empty ones left
    /// out, and `last` behind them, parted by commas (RFC 9110 §5.3).
    pub fn join(&mut self, id: Name, last: &[u8]) {
        let start = self.text.len();
        for entry in self.entries.iter().filter(|entry| entry.id == id && !entry.value.is_empty()) {
            if entry.value.range().end <= self.text.len() {
                self.text.extend_from_within(entry.value.range());
                self.text.extend_from_slice(b", ");
            }
        }
        self.text.extend_from_slice(last);
        if last.is_empty() && self.text.len() > start {
            self.text.truncate(self.text.len() - 2);
        }
        let value = Span::new(start, self.text.len());
        self.put(id, value);
    }

    /// [`Fields::set`] with a value that is already in the arena.
    pub fn put(&mut self, id: Name, value: Span) {
        let Some(first) = self.entries.iter().position(|entry| entry.id == id) else {
            self.push(id, value);
            return;
        };
        let mut position = 0;
        self.entries.retain_mut(|entry| {
            let here = position;
            position += 1;
            if here == first {
                entry.value = value;
            }
            here == first || entry.id != id
        });
    }

    /// Removes every field with this name and says whether there was one.
    pub fn remove(&mut self, id: Name) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.id != id);
        before != self.entries.len()
    }

    /// Keeps the fields for which `keep` says so.
    pub fn retain(&mut self, mut keep: impl FnMut(Field<'_>) -> bool) {
        let text = &self.text;
        self.entries.retain(|entry| {
            keep(Field { id: entry.id, name: entry.name.of(text), value: entry.value.of(text) })
        });
    }

    /// Keeps the fields of the names for which `keep` says so.
    pub fn retain_names(&mut self, mut keep: impl FnMut(Name) -> bool) {
        self.entries.retain(|entry| keep(entry.id));
    }

    /// Text of the arena: the start line lies there too.
    #[must_use]
    pub fn text(&self, span: Span) -> &[u8] {
        span.of(&self.text)
    }

    /// Copies `text` into the arena.
    pub fn store(&mut self, text: &[u8]) -> Span {
        let start = self.text.len();
        self.text.extend_from_slice(text);
        Span::new(start, self.text.len())
    }

    fn field(&self, entry: &Entry) -> Field<'_> {
        Field { id: entry.id, name: entry.name.of(&self.text), value: entry.value.of(&self.text) }
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Fields {
    fn from(pairs: [(&str, &str); N]) -> Self {
        let mut fields = Self::new();
        for (name, value) in pairs {
            fields.append(name.as_bytes(), value.as_bytes());
        }
        fields
    }
}

/// Names and lengths only: values may be credentials.
impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names =
            self.iter().map(|field| (String::from_utf8_lossy(field.name).into_owned(), field.value.len()));
        f.debug_map().entries(names).finish()
    }
}

/// Name and length only: the value may be a credential.
impl std::fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: ({} B)", String::from_utf8_lossy(self.name), self.value.len())
    }
}

#[cfg(test)]
mod tests {
    use super::{Fields, Name};

    fn names(fields: &Fields) -> Vec<String> {
        fields.iter().map(|field| String::from_utf8_lossy(field.name).into_owned()).collect()
    }

    #[test]
    fn order_spelling_and_duplicates_stay() {
        let fields = Fields::from([("aUTHORIZATION", "Bearer a"), ("X-A", "1"), ("x-a", "2")]);
        assert_eq!(names(&fields), ["aUTHORIZATION", "X-A", "x-a"]);
        assert_eq!(fields.first(Name::Authorization), Some(&b"Bearer a"[..]));
    }

    #[test]
    fn only_refuses_to_choose() {
        let fields = Fields::from([("Host", "a"), ("host", "b"), ("Date", "c")]);
        assert_eq!(fields.only(Name::Host), None);
        assert_eq!(fields.only(Name::Date), Some(&b"c"[..]));
    }

    #[test]
    fn set_keeps_place_and_spelling_and_drops_duplicates() {
        let mut fields =
            Fields::from([("transfer-ENCODING", "Chunked"), ("X-A", "1"), ("Transfer-Encoding", "x")]);
        fields.set(Name::TransferEncoding, b"chunked");
        assert_eq!(names(&fields), ["transfer-ENCODING", "X-A"]);
        assert_eq!(fields.first(Name::TransferEncoding), Some(&b"chunked"[..]));
        fields.set(Name::Connection, b"close");
        assert_eq!(names(&fields), ["transfer-ENCODING", "X-A", "Connection"]);
    }

    #[test]
    fn lines_of_one_name_are_joined_in_order() {
        let mut fields = Fields::from([("via", "1.0 a"), ("X-A", "1"), ("Via", ""), ("VIA", "1.1 b, 1.1 c")]);
        fields.join(Name::Via, b"1.1 d");
        assert_eq!(names(&fields), ["via", "X-A"]);
        assert_eq!(fields.first(Name::Via), Some(&b"1.0 a, 1.1 b, 1.1 c, 1.1 d"[..]));
        fields.join(Name::Via, b"");
        assert_eq!(fields.first(Name::Via), Some(&b"1.0 a, 1.1 b, 1.1 c, 1.1 d"[..]));
        fields.join(Name::XForwardedFor, b"::1");
        assert_eq!(fields.first(Name::XForwardedFor), Some(&b"::1"[..]));
    }

    #[test]
    fn debug_never_shows_a_value() {
        let fields = Fields::from([("Authorization", "Bearer s3cret")]);
        assert_eq!(format!("{fields:?}"), r#"{"Authorization": 13}"#);
    }
}
