//! What messages and timers have in common: each is a method, and a variant of an enum that is
//! generated.

use super::{
    methods,
    params::{self, Place},
};
use crate::{
    ast::Method,
    errors::Errors,
    model::{Variant, in_macro},
};
use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{LitStr, ext::IdentExt};

/// The variant of a method, called as the method in `PascalCase` or as it is renamed.
pub(super) fn variant(
    method: &Method,
    place: Place<'_>,
    rename: Option<&LitStr>,
    game: &TokenStream,
    errors: &mut Errors,
) -> Variant {
    let ident = &method.sig.ident;
    let pascal = pascal_case(&ident.unraw().to_string());
    let tag = rename.map_or_else(|| pascal.clone(), LitStr::value);
    // Not every name on the wire can be a variant; of those in PascalCase only `Self` can't.
    let name = [&tag, &pascal].into_iter().find(|name| is_ident(name));
    let name = name.cloned().unwrap_or_else(|| format!("{pascal}_"));
    let (args, fields) = params::with_fields(method, place, game, errors);
    Variant {
        tag,
        name: Ident::new(&name, in_macro(ident.span())),
        docs: methods::named(&method.attrs, "doc"),
        fields,
        call: methods::call(method, args),
    }
}

/// Refuses two of one name, unless `cfg` decides between them. Says of each which variant it is and
/// what names it; `fix` is how to name it otherwise.
pub(super) fn only_once<T>(
    all: Vec<T>,
    named: impl Fn(&T) -> (&Variant, &dyn ToTokens),
    fix: &str,
    errors: &mut Errors,
) -> Vec<T> {
    let mut kept: Vec<T> = Vec::new();
    for one in all {
        let (variant, named_by) = named(&one);
        let twin = kept.iter().map(|it| named(it).0).find(|earlier| {
            (earlier.tag == variant.tag || earlier.name == variant.name)
                && earlier.call.cfgs.is_empty()
                && variant.call.cfgs.is_empty()
        });
        match twin {
            None => kept.push(one),
            // Two methods of one name: rustc says so.
            Some(twin) if twin.call.method == variant.call.method => {}
            Some(twin) => errors.at(
                named_by,
                format!(
                    "`{}` is called `{}` already: {fix}",
                    twin.call.method, twin.tag
                ),
            ),
        }
    }
    kept
}

fn is_ident(name: &str) -> bool {
    syn::parse_str::<Ident>(name).is_ok()
}

/// `play_card` is `PlayCard`.
fn pascal_case(name: &str) -> String {
    let mut pascal = String::new();
    for word in name.split('_') {
        let mut letters = word.chars();
        if let Some(first) = letters.next() {
            pascal.extend(first.to_uppercase());
            pascal.push_str(letters.as_str());
        }
    }
    if pascal.is_empty() {
        name.to_owned()
    } else {
        pascal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_is_the_method_in_pascal_case() {
        for (method, variant) in [
            ("play", "Play"),
            ("play_card", "PlayCard"),
            ("r2d2_beep", "R2d2Beep"),
            ("_hidden", "Hidden"),
            ("__", "__"),
        ] {
            assert_eq!(pascal_case(method), variant);
        }
    }
}
