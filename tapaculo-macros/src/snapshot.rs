//! One whole expansion, checked in so that a reader can open it.
//!
//! `snapshot/chess.rs` is what a user writes, `snapshot/chess.expanded.rs` what the compiler gets.
//! After a change that is meant, `UPDATE_SNAPSHOT=1 cargo test -p tapaculo-macros` writes it anew.

use crate::item;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use std::{env, fs, path::Path};
use syn::{Attribute, File, Item, parse_quote};

const WRITTEN: &str = include_str!("snapshot/chess.rs");
const EXPANDED: &str = "src/snapshot/chess.expanded.rs";

#[test]
fn a_game_expands_to_what_is_checked_in() {
    let expanded = pretty(expand(syn::parse_file(WRITTEN).unwrap()));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(EXPANDED);
    if env::var_os("UPDATE_SNAPSHOT").is_some() {
        fs::write(&path, &expanded).unwrap();
    }
    let checked_in = fs::read_to_string(&path).unwrap();
    assert!(
        expanded == checked_in,
        "the expansion has changed; if that is meant, run the test with UPDATE_SNAPSHOT=1.\n\
         {expanded}"
    );
}

#[test]
fn one_more_handler_is_one_more_variant_and_one_more_arm_in_each_match() {
    let before = expanded_with(1);
    let after = expanded_with(2);
    let grown = |part: &str| after.matches(part).count() - before.matches(part).count();
    assert_eq!(grown("ToyMessage::Push"), 2, "made once, matched once");
    assert_eq!(grown("::core::result::Result::Ok(ToyMessage::"), 1);
    assert_eq!(grown("::tapaculo::__private::answer("), 1);
    assert_eq!(grown("Self::push"), 1);
    // The method itself and what clippy is not to say of it, the variant, the arm that decodes it,
    // and seven lines of the one that runs it; its name is one word more in a line that is there.
    assert_eq!(after.lines().count() - before.lines().count(), 11);
}

#[test]
fn one_more_timer_is_one_more_variant_and_one_more_arm() {
    let with = |timers: usize| {
        expanded((0..timers).map(|n| {
            let name = quote::format_ident!("ring{n}");
            quote!(#[timer] fn #name(&mut self) {})
        }))
    };
    let grown = |part: &str| with(2).matches(part).count() - with(1).matches(part).count();
    assert_eq!(grown("Ring1"), 2, "a variant, and matched once");
    assert_eq!(grown("Self::ring1"), 1);
    // The method and what clippy is not to say of it, the variant, and six lines of the arm.
    assert_eq!(grown("\n"), 9);
}

#[test]
fn what_does_not_depend_on_the_handlers_is_a_few_dozen_lines() {
    let lines = expanded_with(0).lines().count();
    assert!(lines <= 50, "{lines} lines");
}

/// A game with so many handlers that take nothing, expanded.
fn expanded_with(handlers: usize) -> String {
    expanded((0..handlers).map(|n| {
        let name = quote::format_ident!("push{n}");
        quote!(#[message] fn #name(&mut self) {})
    }))
}

/// A game with these methods, expanded.
fn expanded(methods: impl Iterator<Item = TokenStream>) -> String {
    pretty(item::game(
        TokenStream::new(),
        quote!(impl Toy { #(#methods)* }),
    ))
}

/// Does to a file what the compiler does: calls the macro where its attribute is.
fn expand(file: File) -> TokenStream {
    let mut expanded = TokenStream::new();
    for mut item in file.items {
        let (Item::Struct(syn::ItemStruct { attrs, .. }) | Item::Impl(syn::ItemImpl { attrs, .. })) =
            &mut item
        else {
            expanded.extend(item.into_token_stream());
            continue;
        };
        let game: Attribute = attrs.remove(0);
        let options = match &game.meta {
            syn::Meta::List(list) => list.tokens.clone(),
            _ => TokenStream::new(),
        };
        expanded.extend(item::game(options, item.into_token_stream()));
    }
    expanded
}

fn pretty(tokens: TokenStream) -> String {
    prettyplease::unparse(&parse_quote!(#tokens))
}
