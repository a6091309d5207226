//! What is saved: the state, the timers, and what becomes of an older version's state.

use super::{
    call::{at_token, passed},
    milliseconds,
};
use crate::model::{
    Call, Declaration, Field, Game, Keeping, Kept, Library, Reading, Variant, in_macro,
};
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Attribute, spanned::Spanned};

// const PERSIST: ::core::option::Option<::tapaculo::game::Persist> =
//     ::core::option::Option::Some(::tapaculo::game::Persist::new().version(3));
// fn save(&self) -> ::core::option::Option<::tapaculo::game::Encoded> {
//     ::core::option::Option::Some(::tapaculo::__private::save(self))
// }
// fn load(__saved: &[::core::primitive::u8]) -> ::core::result::Result<Self, …> {
//     ::tapaculo::__private::load(__saved)
// }
pub(super) fn declared(declaration: &Declaration) -> Option<TokenStream> {
    let library = &declaration.library;
    let (version, every, functions) = match &declaration.keeping {
        Keeping::Not => return None,
        // The second version is the first that may have a `#[migrate]`.
        Keeping::Perhaps => (2, 0, None),
        Keeping::Kept(Kept { version, every, .. }) => (*version, *every, Some(save(library))),
    };
    let every = (every > 0).then(|| {
        let every = milliseconds(every);
        quote!(.every(#every))
    });
    let version = (version > 1).then(|| {
        let version = Literal::u32_unsuffixed(version);
        quote!(.version(#version))
    });
    Some(quote! {
        const PERSIST: ::core::option::Option<#library::game::Persist> =
            ::core::option::Option::Some(#library::game::Persist::new() #every #version);
        #functions
    })
}

fn save(library: &Library) -> TokenStream {
    quote! {
        fn save(&self) -> ::core::option::Option<#library::game::Encoded> {
            ::core::option::Option::Some(#library::__private::save(self))
        }
        fn load(
            __saved: &[::core::primitive::u8],
        ) -> ::core::result::Result<Self, #library::game::Refusal> {
            #library::__private::load(__saved)
        }
    }
}

// #[automatically_derived]
// impl ::tapaculo::__private::Persists for Chess {
//     const STATE: ::tapaculo::__private::Codec<Self> = ::tapaculo::__private::codec();
// }
// const _: () = {
//     use ::tapaculo::__private::Undeclared as _;
//     ::tapaculo::__private::migrates(::tapaculo::__private::SettingsOf::<Chess>::MIGRATES)
// };
//
// At the option: there rustc says that the struct can't be saved. And at the version, that there is
// nothing to read the one before with.
pub(super) fn persists(declaration: &Declaration) -> Option<TokenStream> {
    let Declaration { library, ident, .. } = declaration;
    let Keeping::Kept(kept) = &declaration.keeping else {
        return None;
    };
    let codec = at_token(quote!(#library::__private::codec()), in_macro(kept.at));
    let migrates = (kept.version > 1).then(|| {
        let check = quote! {
            #library::__private::migrates(#library::__private::SettingsOf::<#ident>::MIGRATES)
        };
        let check = at_token(check, in_macro(kept.version_at));
        quote! {
            const _: () = {
                #[allow(unused_imports)]
                use #library::__private::Undeclared as _;
                #check
            };
        }
    });
    Some(quote! {
        #[automatically_derived]
        impl #library::__private::Persists for #ident {
            const STATE: #library::__private::Codec<Self> = #codec;
        }
        #migrates
    })
}

// #[derive(::tapaculo::__private::serde::Serialize, ::tapaculo::__private::serde::Deserialize)]
// #[serde(crate = "::tapaculo::__private::serde")]
pub(super) fn derives(library: &Library) -> TokenStream {
    let serde = quote!(#library::__private::serde);
    let path = text(&serde);
    quote! {
        #[derive(#serde::Serialize, #serde::Deserialize)]
        #[serde(crate = #path)]
    }
}

// #[serde(bound = "for<'__kept> Seat: ::tapaculo::__private::Persistable")]
//
// Only a timer whose parameters can be saved has to be: which games are kept says the struct, and
// that is not to be seen from here. `for` makes it a condition; without it rustc wants it to be true.
pub(super) fn bound(
    library: &Library,
    enum_: &Ident,
    variant: &Variant,
    field: &Field,
) -> Option<TokenStream> {
    if let Reading::OfItsOwn = field.reading {
        return None;
    }
    let ty = match alias(enum_, variant, field) {
        Some(alias) => alias.to_string(),
        None => text(&field.ty),
    };
    let persistable = text(&quote!(#library::__private::Persistable));
    let bound = format!("for<'__kept> {ty}: {persistable}");
    Some(quote!(#[serde(bound = #bound)]))
}

// type __ChessTimerFlagpiece = $crate::Piece;
pub(super) fn aliases<'a>(
    enum_: &Ident,
    variants: impl Iterator<Item = &'a Variant>,
) -> TokenStream {
    let mut aliases = TokenStream::new();
    for variant in variants {
        for field in &variant.fields {
            let (of_variant, of_field, ty) = (&variant.call.cfgs, &field.cfgs, &field.ty);
            aliases.extend(alias(enum_, variant, field).map(|alias| {
                quote! {
                    #(#of_variant)* #(#of_field)*
                    #[allow(non_camel_case_types)]
                    type #alias = #ty;
                }
            }));
        }
    }
    aliases
}

/// A name for a type that a text can't name, since a macro has.
fn alias(enum_: &Ident, variant: &Variant, field: &Field) -> Option<Ident> {
    let (variant, name) = (&variant.name, &field.name);
    text(&field.ty)
        .contains("$crate")
        .then(|| format_ident!("__{enum_}{variant}{name}", span = Span::call_site()))
}

fn text(tokens: &TokenStream) -> String {
    tokens
        .to_string()
        .replace(" :: ", "::")
        .replace(":: ", "::")
}

// fn save_timer(__timer: &ChessTimer) -> ::core::option::Option<::tapaculo::game::Encoded> {
//     ::tapaculo::__private::TimerOf::<Self, ChessTimer>::parameter::<Seat>();
//     ::tapaculo::__private::TimerOf::<Self, ChessTimer>::save(__timer)
// }
// fn load_timer(…) -> … { … }
//
// All the parameters by themselves: there rustc says that one can't be saved.
pub(super) fn timers(game: &Game) -> Option<TokenStream> {
    let (library, enum_) = (&game.library, &game.timer_enum);
    if game.timers.is_empty() {
        return None;
    }
    let of = quote!(#library::__private::TimerOf::<Self, #enum_>);
    let parameters = game.timers.iter().flat_map(|timer| {
        let of = &of;
        timer.fields.iter().map(move |field| {
            let by_type = matches!(field.reading, Reading::ByType { .. });
            let (ty, on_timer, on_field) = (&field.ty, &timer.call.cfgs, &field.cfgs);
            by_type.then(|| quote!(#(#on_timer)* #(#on_field)* #of::parameter::<#ty>();))
        })
    });
    Some(quote! {
        fn save_timer(
            __timer: &#enum_,
        ) -> ::core::option::Option<#library::game::Encoded> {
            #(#parameters)*
            #of::save(__timer)
        }
        fn load_timer(
            __saved: &[::core::primitive::u8],
        ) -> ::core::result::Result<#enum_, #library::game::Refusal> {
            #of::load(__saved)
        }
    })
}

// use ::tapaculo::__private::Unkept as _;
pub(super) fn unless_kept(game: &Game) -> Option<TokenStream> {
    let library = &game.library;
    (!game.timers.is_empty()).then(|| {
        quote! {
            #[allow(unused_imports)]
            use #library::__private::Unkept as _;
        }
    })
}

// const MIGRATES: ::core::primitive::bool = true;
// fn migrate(
//     __old: ::tapaculo::game::SavedState,
// ) -> ::core::result::Result<Self, ::tapaculo::game::Refusal> {
//     use ::tapaculo::__private::Infallibly as _;
//     let __returned = Self::migrate(__old);
//     ::tapaculo::__private::migrated::<Self, _, _>(
//         ::tapaculo::__private::Returned(__returned).result(),
//     )
// }
pub(super) fn migrate(library: &Library, call: &Call) -> TokenStream {
    let cfgs = &call.cfgs;
    let migrated = passed(library, &quote!(migrated::<Self, _, _>), call);
    quote! {
        #(#cfgs)*
        const MIGRATES: ::core::primitive::bool = true;
        #(#cfgs)*
        fn migrate(
            __old: #library::game::SavedState,
        ) -> ::core::result::Result<Self, #library::game::Refusal> {
            use #library::__private::Infallibly as _;
            #migrated
        }
    }
}

// const _: () = ::tapaculo::__private::migrate(::tapaculo::__private::SettingsOf::<Chess>::PERSIST);
//
// At the hook's name: there rustc says that it is never called, and why.
// The same at what serde is told of a timer's parameter.
pub(super) fn ever_saved(game: &Game) -> impl Iterator<Item = TokenStream> {
    let (library, ty) = (&game.library, &game.ty);
    let check = move |name, at, cfgs: &[&Attribute]| {
        let name = Ident::new(name, at);
        let check = quote! {
            #library::__private::#name(#library::__private::SettingsOf::<#ty>::PERSIST)
        };
        let check = at_token(check, in_macro(at));
        quote!(#(#cfgs)* const _: () = #check;)
    };
    let migrate = game.migrate.iter().map(move |call| {
        let cfgs: Vec<_> = call.cfgs.iter().collect();
        check("migrate", call.method.span(), &cfgs)
    });
    let timers = game.timers.iter().flat_map(move |timer| {
        timer.fields.iter().filter_map(move |field| {
            let cfgs: Vec<_> = timer.call.cfgs.iter().chain(&field.cfgs).collect();
            Some(check(
                "parameter",
                field.serde.first()?.path().span(),
                &cfgs,
            ))
        })
    });
    migrate.chain(timers)
}
