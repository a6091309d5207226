//! Reads the options of an attribute, `name` or `name = value` between commas, each on its own:
//! a mistake in one does not hide the next.

use crate::{
    errors::{Errors, instead, listed, nearest},
    names::{ALIAS, Known},
};
use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::{LitStr, parse::Parse};

/// One option as written.
pub(crate) struct Written {
    pub(crate) known: &'static Known,
    pub(crate) name: Ident,
    value: Value,
}

enum Value {
    Absent,
    Given(TokenStream),
    /// It has its error already.
    Malformed,
}

impl Written {
    /// The value; an error says how the option is written.
    pub(crate) fn value<T: Parse>(&self, errors: &mut Errors, expected: &str) -> Option<T> {
        let Known { name, example } = self.known;
        let value = match &self.value {
            Value::Given(value) => value,
            Value::Absent => {
                let words = format!("`{name}` needs a value: write `{example}`");
                errors.at(&self.name, words);
                return None;
            }
            Value::Malformed => return None,
        };
        let read = syn::parse2(value.clone()).ok();
        if read.is_none() {
            errors.at(value, format!("expected {expected}: write `{example}`"));
        }
        read
    }

    /// A time in milliseconds, written `"50ms"`, `"90s"`, `"5m"` or `"1h"`.
    pub(crate) fn duration(&self, errors: &mut Errors) -> Option<u64> {
        let literal: LitStr = self.value(errors, "a time in quotes")?;
        let text = literal.value();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (count, unit) = text.split_at(digits);
        let factor: Option<u64> = match unit {
            "ms" => Some(1),
            "s" => Some(1_000),
            "m" => Some(60_000),
            "h" => Some(3_600_000),
            _ => None,
        };
        let milliseconds = count
            .parse::<u64>()
            .ok()
            .zip(factor)
            .and_then(|(count, factor)| count.checked_mul(factor));
        if milliseconds.is_none() {
            errors.at(
                &literal,
                format!(
                    "`{text}` is not a time: write a whole number and a unit, `ms`, `s`, `m` or \
                     `h`, such as `{}`",
                    self.known.example
                ),
            );
        }
        milliseconds
    }

    /// The same, where no time at all makes no sense.
    pub(crate) fn period(&self, errors: &mut Errors) -> Option<u64> {
        let milliseconds = self.duration(errors)?;
        if milliseconds == 0 {
            let Known { name, example } = self.known;
            errors.at(
                self.tokens(),
                format!("`{name}` is at least `1ms`: write `{example}`"),
            );
            return None;
        }
        Some(milliseconds)
    }

    /// Whether it is there without a value, where both can be.
    pub(crate) fn is_alone(&self) -> bool {
        matches!(self.value, Value::Absent)
    }

    /// Whether it is there as it should be, without a value.
    pub(crate) fn flag(&self, errors: &mut Errors) -> bool {
        if let Value::Given(value) = &self.value {
            let name = self.known.name;
            errors.at(value, format!("`{name}` takes no value: write `{name}`"));
        }
        matches!(self.value, Value::Absent)
    }

    /// The value's tokens, for an error about what they say.
    pub(crate) fn tokens(&self) -> TokenStream {
        match &self.value {
            Value::Given(value) => value.clone(),
            Value::Absent | Value::Malformed => TokenStream::new(),
        }
    }
}

/// Reads the options, leaving out those that are unknown or there already. A misspelt
/// one is an error, and then taken for what was meant, so that nothing else breaks for want of it.
pub(crate) fn read(
    options: TokenStream,
    known: &'static [Known],
    errors: &mut Errors,
) -> Vec<Written> {
    read_or(options, known, errors, |_| None)
}

/// The same, where an unknown name can have words of its own.
pub(crate) fn read_or(
    options: TokenStream,
    known: &'static [Known],
    errors: &mut Errors,
    words: impl Fn(&str) -> Option<String>,
) -> Vec<Written> {
    let mut all: Vec<Written> = Vec::new();
    for option in at_commas(options, known, errors) {
        let Some(written) = one(option, known, errors, &words) else {
            continue;
        };
        let name = written.known.name;
        match all.iter().find(|earlier| earlier.known.name == name) {
            None => all.push(written),
            // Serde's, of which a field may have several.
            Some(_) if name == ALIAS => all.push(written),
            // A misspelt one has its error already.
            Some(earlier) if earlier.name != name || written.name != name => {}
            Some(_) => errors.at(&written.name, format!("`{name}` is given twice: keep one")),
        }
    }
    all
}

fn one(
    option: TokenStream,
    known: &'static [Known],
    errors: &mut Errors,
    words: impl Fn(&str) -> Option<String>,
) -> Option<Written> {
    let names: Vec<_> = known.iter().map(|known| known.name).collect();
    let mut tokens = option.into_iter();
    let name = match tokens.next()? {
        TokenTree::Ident(name) => name,
        other => {
            errors.at(
                other,
                match known {
                    [only] => format!("expected an option: write `{}`", only.example),
                    _ => format!("expected an option, one of: {}", listed(names)),
                },
            );
            return None;
        }
    };
    let wrong = name.to_string();
    if !names.contains(&wrong.as_str()) {
        errors.at(
            &name,
            words(&wrong).unwrap_or_else(|| {
                format!("unknown option `{wrong}`: {}", instead(&wrong, &names))
            }),
        );
    }
    let meant = nearest(&wrong, names.iter().copied())?;
    let known = known.iter().find(|known| known.name == meant)?;
    let value = match tokens.next() {
        // Of half a name, not even a value is to be expected.
        None if wrong != meant && known.example.contains('=') => Value::Malformed,
        None => Value::Absent,
        Some(TokenTree::Punct(equals)) if equals.as_char() == '=' => {
            let value: TokenStream = tokens.collect();
            if value.is_empty() {
                errors.at(
                    equals,
                    format!("a value is missing: write `{}`", known.example),
                );
                Value::Malformed
            } else {
                Value::Given(value)
            }
        }
        Some(other) => {
            errors.at(other, format!("expected `=`: write `{}`", known.example));
            Value::Malformed
        }
    };
    Some(Written { known, name, value })
}

/// Splits at the commas that are not inside `<…>`, and where one is missing.
fn at_commas(tokens: TokenStream, known: &[Known], errors: &mut Errors) -> Vec<TokenStream> {
    const MISSING: &str = "expected `,` between options";
    let mut parts = vec![TokenStream::new()];
    let mut depth = 0_u32;
    let mut before: Option<TokenTree> = None;
    for token in tokens {
        let punct = punct(&token);
        let after = before.as_ref().and_then(self::punct);
        let begins = |name: &Ident| known.iter().any(|known| name == known.name);
        match &token {
            TokenTree::Punct(_) if depth == 0 && matches!(punct, Some(',' | ';')) => {
                if punct == Some(';') {
                    errors.at(&token, MISSING);
                }
                parts.push(TokenStream::new());
                before = None;
                continue;
            }
            // The name of an option after a whole value, such as `2` or `Vec<u8>`.
            TokenTree::Ident(name)
                if depth == 0
                    && before.is_some()
                    && matches!(after, None | Some('>'))
                    && begins(name) =>
            {
                errors.at(name, MISSING);
                parts.push(TokenStream::new());
            }
            TokenTree::Punct(_) if punct == Some('<') => depth += 1,
            TokenTree::Punct(_) if punct == Some('>') && after != Some('-') => {
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.extend([token.clone()]);
        }
        before = Some(token);
    }
    // A comma at the end, or no options at all.
    parts.retain(|part| !part.is_empty());
    parts
}

fn punct(token: &TokenTree) -> Option<char> {
    match token {
        TokenTree::Punct(punct) => Some(punct.as_char()),
        _ => None,
    }
}
