//! The way of one item through the macro: parse, check, expand.

use crate::{ast::Item, check, errors::Errors, expand, fallback, parse};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::ItemImpl;

/// The item, put out again, with what makes it a game behind it.
///
/// The item is put out whatever is wrong with it: otherwise everything that uses it would be an
/// error too, and editors would know nothing about it.
pub(crate) fn game(options: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let (item, generated) = match parse::item(item.clone(), &mut errors) {
        Ok(Item::Struct(found)) => {
            let declaration = check::structure(&found, options, &mut errors);
            (item, declaration.map(|it| expand::declaration(&it)))
        }
        Ok(Item::Impl(found)) => {
            let game = check::implementation(&found, options, &mut errors);
            // Nobody else would say a word, and the game would fail at each message.
            if found.half_typed && errors.is_empty() && syn::parse2::<ItemImpl>(item).is_ok() {
                let words = "`#[tapaculo::game]` can't read a function of this `impl`: that is a \
                             mistake of the library, please report it";
                errors.at(&found.self_ty, words);
            }
            let generated = game.map(|game| {
                if errors.is_empty() && !found.half_typed {
                    expand::game(&game)
                } else {
                    fallback::game(&game)
                }
            });
            (found.into_token_stream(), generated)
        }
        Ok(Item::Other(found)) => {
            let declaration = check::other(&found, options, &mut errors);
            (item, declaration.map(|it| expand::declaration(&it)))
        }
        Err(error) => {
            errors.push(error);
            (item, None)
        }
    };
    let errors = errors.into_compile_errors();
    quote!(#errors #item #generated)
}
