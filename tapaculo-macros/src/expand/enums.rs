//! The enums of the messages and of the timers, and how a message is read.

use super::keep;
use crate::model::{Field, Game, Reading, Variant};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

/// The enums. Timers are saved, but for those of a game with mistakes.
pub(crate) fn enums(game: &Game, saved: bool) -> TokenStream {
    let messages = game.messages.iter().map(|message| &message.variant);
    let messages = variants(&game.message_enum, game, "messages", false, messages);
    let timers = (!game.timers.is_empty())
        .then(|| variants(&game.timer_enum, game, "timers", saved, game.timers.iter()));
    let aliases = saved.then(|| keep::aliases(&game.timer_enum, game.timers.iter()));
    quote!(#messages #timers #aliases)
}

// type Message = ChessMessage;
// type Timer = ChessTimer;
pub(crate) fn types(game: &Game) -> TokenStream {
    let (library, message_enum, timer_enum) = (&game.library, &game.message_enum, &game.timer_enum);
    let timer = if game.timers.is_empty() {
        quote!(#library::game::NoTimer)
    } else {
        quote!(#timer_enum)
    };
    quote! {
        type Message = #message_enum;
        type Timer = #timer;
    }
}

// /// The messages of `Chess`.
// pub enum ChessMessage {
//     /// Moves a piece.
//     Move { from: Square, to: Square, promotion: Option<Piece> },
//     Resign,
// }
fn variants<'a>(
    enum_: &Ident,
    game: &Game,
    what: &str,
    saved: bool,
    variants: impl Iterator<Item = &'a Variant>,
) -> TokenStream {
    let doc = format!(" The {what} of `{}`.", game.name);
    let variants = variants.map(|variant| {
        let Variant { name, docs, .. } = variant;
        let cfgs = &variant.call.cfgs;
        let fields = braced(variant.fields.iter().map(|field| {
            let (name, ty, docs) = (&field.name, &field.ty, &field.docs);
            let cfgs = &field.cfgs;
            let serde = saved.then(|| {
                let bound = keep::bound(&game.library, enum_, variant, field);
                let serde = &field.serde;
                quote!(#bound #(#serde)*)
            });
            quote!(#(#docs)* #(#cfgs)* #serde #name: #ty)
        }));
        quote!(#(#docs)* #(#cfgs)* #name #fields)
    });
    let derives = saved.then(|| keep::derives(&game.library));
    quote! {
        #[doc = #doc]
        #derives
        #[allow(missing_docs, clippy::exhaustive_enums)]
        pub enum #enum_ {
            #(#variants,)*
        }
    }
}

// fn decode(
//     __message: &::tapaculo::game::RawMessage<'_>,
// ) -> ::core::result::Result<ChessMessage, ::tapaculo::game::BadMessage> {
//     match __message.tag() {
//         "Resign" => ::core::result::Result::Ok(ChessMessage::Resign),
//         _ => ::core::result::Result::Err(__message.unknown(__MESSAGES)),
//     }
// }
pub(super) fn decode(game: &Game) -> TokenStream {
    let (library, enum_) = (&game.library, &game.message_enum);
    let messages = game.messages.iter();
    let arms = messages.map(|message| decode_arm(game, &message.variant));
    let unknown = quote!(::core::result::Result::Err(__message.unknown(__MESSAGES)));
    let body = if game.messages.is_empty() {
        unknown
    } else {
        quote! {
            match __message.tag() {
                #(#arms)*
                _ => #unknown,
            }
        }
    };
    quote! {
        fn decode(
            __message: &#library::game::RawMessage<'_>,
        ) -> ::core::result::Result<#enum_, #library::game::BadMessage> {
            #body
        }
    }
}

// "Chat" => {
//     #[derive(::tapaculo::__private::serde::Deserialize)]
//     #[serde(crate = "::tapaculo::__private::serde")]
//     struct __Fields<__T0> { text: __T0 }
//     fn __fields<__T0: ::tapaculo::__private::IsField>(
//         __message: &::tapaculo::game::RawMessage<'_>,
//     ) -> ::core::result::Result<__Fields<__T0>, ::tapaculo::game::BadMessage> {
//         __message.fields()
//     }
//     let __Fields { text } = __fields::<String>(__message)?;
//     ::core::result::Result::Ok(ChessMessage::Chat { text })
// }
//
// Generic, so that a type which can't be read is one error, in our words: in a derive for the type
// itself it would be three of serde's.
fn decode_arm(game: &Game, message: &Variant) -> TokenStream {
    let (library, enum_) = (&game.library, &game.message_enum);
    let (tag, variant, fields) = (&message.tag, &message.name, &message.fields);
    let cfgs = &message.call.cfgs;
    if fields.is_empty() {
        return quote!(#(#cfgs)* #tag => ::core::result::Result::Ok(#enum_::#variant),);
    }
    let mut generics = Vec::new();
    let mut bounds = Vec::new();
    let mut types = Vec::new();
    let mut declared = Vec::new();
    for field in fields {
        let (name, ty, serde, cfgs) = (&field.name, &field.ty, &field.serde, &field.cfgs);
        let Reading::ByType { or_default } = field.reading else {
            declared.push(quote!(#(#cfgs)* #(#serde)* #name: #ty));
            continue;
        };
        let generic = format_ident!("__T{}", generics.len());
        let or_default = or_default.then(|| quote!(+ ::core::default::Default));
        declared.push(quote!(#(#serde)* #name: #generic));
        bounds.push(quote!(#generic: #library::__private::IsField #or_default));
        generics.push(generic);
        types.push(ty);
    }
    let serde = quote!(#library::__private::serde);
    let serde_path = serde.to_string().replace(' ', "");
    let names = names(fields);
    quote! {
        #(#cfgs)*
        #tag => {
            #[derive(#serde::Deserialize)]
            #[serde(crate = #serde_path)]
            struct __Fields<#(#generics),*> { #(#declared),* }
            fn __fields<#(#bounds),*>(
                __message: &#library::game::RawMessage<'_>,
            ) -> ::core::result::Result<__Fields<#(#generics),*>, #library::game::BadMessage> {
                __message.fields()
            }
            let __Fields #names = __fields::<#(#types),*>(__message)?;
            ::core::result::Result::Ok(#enum_::#variant #names)
        }
    }
}

/// `{ from, to }`
pub(super) fn names(fields: &[Field]) -> TokenStream {
    braced(fields.iter().map(|field| {
        let (name, cfgs) = (&field.name, &field.cfgs);
        quote!(#(#cfgs)* #name)
    }))
}

/// The parts in braces, or nothing if there are none.
fn braced(parts: impl Iterator<Item = TokenStream>) -> TokenStream {
    let mut parts = parts.peekable();
    if parts.peek().is_some() {
        quote!({ #(#parts),* })
    } else {
        TokenStream::new()
    }
}
