//! Collects the errors of one item, so that all of them are shown at once.

use proc_macro2::TokenStream;
use quote::ToTokens;
use std::fmt::Display;
use syn::{Type, parse_quote};

/// What is wrong with an item, in the order in which it was found.
#[derive(Default)]
#[must_use]
pub(crate) struct Errors(Vec<syn::Error>);

impl Errors {
    /// An error on the token that is wrong.
    pub(crate) fn at(&mut self, wrong: impl ToTokens, words: impl Display) {
        self.push(syn::Error::new_spanned(wrong, words));
    }

    pub(crate) fn push(&mut self, error: syn::Error) {
        self.0.push(error);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A `compile_error!` for each, in the order of the source: it is read from the top.
    pub(crate) fn into_compile_errors(mut self) -> TokenStream {
        // Tests run outside the compiler, where there are no places.
        if proc_macro::is_available() {
            self.0.sort_by_key(|error| {
                let start = error.span().unwrap().start();
                (start.line(), start.column())
            });
        }
        self.0
            .into_iter()
            .map(syn::Error::into_compile_error)
            .collect()
    }

    /// The last error once more, in a type: rustc shows it once, and then asks nothing of whatever
    /// has that type. (In place of a type it would be `()`, but a length is not made up.)
    pub(crate) fn last_as_a_type(&self) -> Option<Type> {
        let error = self.0.last()?.to_compile_error();
        Some(parse_quote!([(); { #error }]))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    #[cfg(test)]
    pub(crate) fn words(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

/// The names in backticks: `` `players`, `spectators` ``.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// The name that was probably meant, if one is near enough.
pub(crate) fn nearest<'a>(
    wrong: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // A third of the letters may be wrong; a short name needs one all the same.
    let most = (wrong.chars().count() / 3).max(1);
    let wrong = wrong.to_lowercase();
    names
        .into_iter()
        .map(|name| {
            let known = name.to_lowercase();
            // Half of a name is as good as one with a letter wrong.
            let half = wrong.len() > 2 && wrong != known && known.starts_with(&wrong);
            let apart = if half {
                1
            } else {
                strsim::damerau_levenshtein(&wrong, &known)
            };
            (apart, name)
        })
        .filter(|(apart, _)| *apart <= most)
        .min_by_key(|(apart, _)| *apart)
        .map(|(_, name)| name)
}

/// What to say about a name that does not exist: what was meant, or else what there is.
pub(crate) fn instead(wrong: &str, names: &[&str]) -> String {
    let all = listed(names.iter().copied());
    match (nearest(wrong, names.iter().copied()), names) {
        (Some(near), [_]) => format!("did you mean `{near}`?"),
        (Some(near), _) => format!("did you mean `{near}`? expected one of: {all}"),
        (None, [_]) => format!("expected {all}"),
        (None, _) => format!("expected one of: {all}"),
    }
}

/// Code as a user would write it, for the words of an error.
pub(crate) fn code(tokens: impl ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string();
    for (spaced, tight) in [
        (" :: ", "::"),
        (":: ", "::"),
        (" < ", "<"),
        (" >", ">"),
        (" ,", ","),
        ("& ", "&"),
        (" ;", ";"),
    ] {
        text = text.replace(spaced, tight);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_is_told_what_was_meant() {
        assert_eq!(nearest("playrs", ["name", "players"]), Some("players"));
        assert_eq!(nearest("Event", ["name", "event"]), Some("event"));
        assert_eq!(nearest("hist", ["name", "history"]), Some("history"));
        assert_eq!(nearest("colour", ["name", "players"]), None);
    }

    #[test]
    fn code_reads_as_it_was_written() {
        let ty: syn::Type = syn::parse_quote!(&Option<std::vec::Vec<u8>>);
        assert_eq!(code(ty), "&Option<std::vec::Vec<u8>>");
    }
}
