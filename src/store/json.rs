//! JSON as this program writes it, read without the general case: no white space, the fields of a struct in their
//! declared order, few escapes. It never decides that a text is wrong: whatever it does not expect is
//! `serde_json`'s to read, or to refuse.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};

/// `serde_json::from_str`, sooner.
pub fn from_str<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, serde_json::Error> {
    match read(text) {
        Ok(value) => Ok(value),
        Err(Unexpected) => serde_json::from_str(text),
    }
}

fn read<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Unexpected> {
    let mut reader = Reader { text, at: 0, depth: 0 };
    let value = T::deserialize(&mut reader)?;
    if reader.at == text.len() { Ok(value) } else { Err(Unexpected) }
}

/// Another reader's business. It says nothing more: the other one will.
#[derive(Debug, thiserror::Error)]
#[error("not in the form that is written")]
struct Unexpected;

impl serde::de::Error for Unexpected {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self
    }
}

type Read<T> = Result<T, Unexpected>;

/// Deeper than any event of ours, and far from the end of a thread's stack.
const DEEPEST: u32 = 64;

struct Reader<'de> {
    text: &'de str,
    at: usize,
    depth: u32,
}

impl<'de> Reader<'de> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn rest(&self) -> &'de [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// Steps over `byte` if it comes next.
    #[inline]
    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Read<()> {
        if self.take(byte) { Ok(()) } else { Err(Unexpected) }
    }

    fn word(&mut self, word: &str) -> Read<()> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(Unexpected);
        }
        self.at += word.len();
        Ok(())
    }

    /// The inside of a string without escapes, `None` for one that has some; behind its first quote.
    #[inline]
    fn plain(&mut self) -> Read<Option<&'de str>> {
        let start = self.at;
        self.at += up_to_special(self.rest());
        match self.peek() {
            Some(b'"') => {
                let inside = self.text.get(start..self.at);
                self.at += 1;
                Ok(Some(inside.ok_or(Unexpected)?))
            }
            Some(b'\\') => Ok(None),
            _ => Err(Unexpected),
        }
    }

    #[inline]
    fn string<V: Visitor<'de>>(&mut self, visitor: V) -> Read<V::Value> {
        self.expect(b'"')?;
        let quote = self.at - 1;
        match self.plain()? {
            Some(inside) => visitor.visit_borrowed_str(inside),
            None => visitor.visit_string(self.escaped(quote)?),
        }
    }

    /// A string with escapes from its first quote on; stands at the first escape.
    #[cold]
    fn escaped(&mut self, quote: usize) -> Read<String> {
        loop {
            match self.peek() {
                Some(b'"') => break self.at += 1,
                // Whatever is escaped cannot end the string.
                Some(b'\\') => self.at += 2,
                _ => return Err(Unexpected),
            }
            self.at += up_to_special(self.rest());
        }
        let whole = self.text.get(quote..self.at).ok_or(Unexpected)?;
        serde_json::from_str(whole).map_err(|_| Unexpected)
    }

    fn number<V: Visitor<'de>>(&mut self, visitor: V) -> Read<V::Value> {
        let start = self.at;
        let negative = self.take(b'-');
        let first = self.at;
        let mut whole = 0u64;
        let mut fits = true;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            let next = whole.checked_mul(10).and_then(|n| n.checked_add(u64::from(digit - b'0')));
            fits &= next.is_some();
            whole = next.unwrap_or_default();
            self.at += 1;
        }
        let digits = self.at - first;
        if digits == 0 || (digits > 1 && self.text.as_bytes()[first] == b'0') {
            return Err(Unexpected);
        }
        if !matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            return match (negative, i64::try_from(whole)) {
                _ if !fits => Err(Unexpected),
                (false, _) => visitor.visit_u64(whole),
                // Minus zero is a fraction to JSON.
                (true, Ok(size @ 1..)) => visitor.visit_i64(-size),
                (true, _) => Err(Unexpected),
            };
        }
        if self.take(b'.') && self.digits() == 0 {
            return Err(Unexpected);
        }
        if self.take(b'e') || self.take(b'E') {
            let _ = self.take(b'-') || self.take(b'+');
            if self.digits() == 0 {
                return Err(Unexpected);
            }
        }
        let text = self.text.get(start..self.at).ok_or(Unexpected)?;
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => visitor.visit_f64(value),
            _ => Err(Unexpected),
        }
    }

    fn digits(&mut self) -> usize {
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += digits;
        digits
    }

    /// A list, an object or the content of a variant: between two brackets.
    fn within<T>(&mut self, close: u8, inside: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.depth == DEEPEST {
            return Err(Unexpected);
        }
        self.at += 1;
        self.depth += 1;
        let value = inside(self)?;
        self.depth -= 1;
        self.expect(close)?;
        Ok(value)
    }

    fn list<V: Visitor<'de>>(&mut self, visitor: V) -> Read<V::Value> {
        self.within(b']', |reader| visitor.visit_seq(Items { reader, first: true }))
    }

    fn object<V: Visitor<'de>>(&mut self, fields: &'static [&'static str], visitor: V) -> Read<V::Value> {
        self.within(b'}', |reader| visitor.visit_map(Entries { reader, fields, first: true }))
    }
}

/// How many bytes come before the next quote, backslash or control character.
#[inline]
fn up_to_special(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES << 7;
    let mut passed = 0;
    let (blocks, rest) = bytes.as_chunks::<8>();
    for block in blocks {
        let word = u64::from_le_bytes(*block);
        let quote = word ^ (ONES * b'"' as u64);
        let escape = word ^ (ONES * b'\\' as u64);
        // The lowest bit that is set stands in the first such byte; those above may be carried there.
        let found = (quote.wrapping_sub(ONES) & !quote)
            | (escape.wrapping_sub(ONES) & !escape)
            | (word.wrapping_sub(ONES * 0x20) & !word);
        if found & HIGH != 0 {
            return passed + (found & HIGH).trailing_zeros() as usize / 8;
        }
        passed += 8;
    }
    passed + rest.iter().take_while(|&&byte| byte >= 0x20 && byte != b'"' && byte != b'\\').count()
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Unexpected;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        match self.peek() {
            Some(b'"') => self.string(visitor),
            Some(b'{') => self.object(&[], visitor),
            Some(b'[') => self.list(visitor),
            Some(b'-' | b'0'..=b'9') => self.number(visitor),
            Some(b'n') => self.word("null").and_then(|()| visitor.visit_unit()),
            Some(b't') => self.word("true").and_then(|()| visitor.visit_bool(true)),
            Some(b'f') => self.word("false").and_then(|()| visitor.visit_bool(false)),
            _ => Err(Unexpected),
        }
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        self.string(visitor)
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        self.string(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        self.string(visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Read<V::Value> {
        if self.peek() == Some(b'n') {
            self.word("null")?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Read<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        if self.peek() == Some(b'{') { self.object(fields, visitor) } else { Err(Unexpected) }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Read<V::Value> {
        if self.peek() == Some(b'{') {
            return self.within(b'}', |reader| visitor.visit_enum(Variant { reader }));
        }
        self.expect(b'"')?;
        let name = self.plain()?.ok_or(Unexpected)?;
        visitor.visit_enum(BorrowedStrDeserializer::new(name))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf
        unit unit_struct seq tuple tuple_struct map ignored_any
    }
}

struct Items<'r, 'de> {
    reader: &'r mut Reader<'de>,
    first: bool,
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Unexpected;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Read<Option<S::Value>> {
        if self.reader.peek() == Some(b']') && self.first {
            return Ok(None);
        }
        if !self.first && !self.reader.take(b',') {
            return Ok(None);
        }
        self.first = false;
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

struct Entries<'r, 'de> {
    reader: &'r mut Reader<'de>,
    /// Those that have not been met, in the order in which they are written.
    fields: &'static [&'static str],
    first: bool,
}

impl<'de> MapAccess<'de> for Entries<'_, 'de> {
    type Error = Unexpected;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Read<Option<S::Value>> {
        if self.reader.peek() == Some(b'}') && self.first {
            return Ok(None);
        }
        if !self.first && !self.reader.take(b',') {
            return Ok(None);
        }
        self.first = false;
        self.reader.expect(b'"')?;
        let name = match self.fields.split_first() {
            Some((&next, others)) if ends_like(self.reader.rest(), next) => {
                self.fields = others;
                self.reader.at += next.len() + 1;
                next
            }
            _ => {
                let name = self.reader.plain()?.ok_or(Unexpected)?;
                if let Some(met) = self.fields.iter().position(|&field| field == name) {
                    self.fields = &self.fields[met + 1..];
                }
                name
            }
        };
        seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some)
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Read<S::Value> {
        self.reader.expect(b':')?;
        seed.deserialize(&mut *self.reader)
    }
}

/// Whether the rest of a key is this name and its quote.
#[inline]
fn ends_like(rest: &[u8], name: &str) -> bool {
    rest.get(name.len()) == Some(&b'"') && rest.starts_with(name.as_bytes())
}

/// `{"name":content}`; between the brackets.
struct Variant<'r, 'de> {
    reader: &'r mut Reader<'de>,
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Unexpected;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Read<(S::Value, Self)> {
        self.reader.expect(b'"')?;
        let name = self.reader.plain()?.ok_or(Unexpected)?;
        self.reader.expect(b':')?;
        Ok((seed.deserialize(BorrowedStrDeserializer::new(name))?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Unexpected;

    fn unit_variant(self) -> Read<()> {
        Err(Unexpected)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Read<S::Value> {
        seed.deserialize(self.reader)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Read<V::Value> {
        if self.reader.peek() == Some(b'[') { self.reader.list(visitor) } else { Err(Unexpected) }
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Read<V::Value> {
        if self.reader.peek() == Some(b'{') {
            return self.reader.object(fields, visitor);
        }
        Err(Unexpected)
    }
}

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
#[cfg(test)]
mod tests;
