//! Writes a model out as Rust. Nothing can go wrong here.
//!
//! All paths are absolute and all names of our own begin with `__`, so that nothing of the user's
//! can be in the way. Where rustc alone can see a mistake, the tokens that it will point at are
//! given the span of what the user wrote.

mod call;
mod enums;
mod keep;
mod run;

pub(crate) use self::enums::{enums, types};

use self::call::{at_token, passed};
use crate::model::{Declaration, Game, Library, in_macro};
use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{ext::IdentExt, spanned::Spanned};

impl ToTokens for Library {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.0.to_tokens(tokens);
    }
}

// #[automatically_derived]
// impl ::tapaculo::game::Declared for Chess {
//     const NAME: &'static ::core::primitive::str = "chess";
//     const SETTINGS: ::tapaculo::game::Settings = ::tapaculo::game::Settings::new().players(2);
// }
// #[automatically_derived]
// impl ::tapaculo::game::Speaks for Chess {
//     type Event = ChessEvent;
//     fn encode(__event: &Self::Event) -> ::core::result::Result<…> {
//         ::tapaculo::__private::encoded(__event)
//     }
// }
pub(crate) fn declaration(declaration: &Declaration) -> TokenStream {
    let Declaration {
        library,
        ident,
        event,
        name,
        players,
        spectators,
        history,
        times,
        rollback,
        keeping: _,
    } = declaration;
    let speaks = event.as_ref().map(|event| {
        // Both at the type: there rustc says that it is not public enough, or no `Serialize`.
        let at = in_macro(event.span());
        let event = quote_spanned!(at=> type Event = #event;);
        let private = at_token(library, at);
        let encoded = quote_spanned!(at=> #private::__private::encoded(__event));
        quote! {
            #[automatically_derived]
            impl #library::game::Speaks for #ident {
                #event
                fn encode(
                    __event: &Self::Event,
                ) -> ::core::result::Result<#library::game::Reply, #library::game::Refusal> {
                    #encoded
                }
            }
        }
    });
    let players = players.map(|most| {
        let most = Literal::u32_unsuffixed(most);
        quote!(.players(#most))
    });
    let spectators = spectators.then(|| quote!(.spectators()));
    let history = history.map(|events| {
        let events = Literal::u32_unsuffixed(events);
        quote!(.history(#events))
    });
    let times = times.iter().map(|(name, ms)| {
        let (name, time) = (format_ident!("{name}"), milliseconds(*ms));
        quote!(.#name(#time))
    });
    let backup = rollback.map(|at| backup(library, in_macro(at)));
    let (kept, persists) = (keep::declared(declaration), keep::persists(declaration));
    quote! {
        #[automatically_derived]
        impl #library::game::Declared for #ident {
            const NAME: &'static ::core::primitive::str = #name;
            const SETTINGS: #library::game::Settings = #library::game::Settings::new()
                #players #spectators #history #(#times)*;
            #backup
            #kept
        }
        #speaks
        #persists
    }
}

// fn backup(&self) -> ::core::option::Option<Self> {
//     ::tapaculo::__private::backup(self)
// }
//
// At the option: there rustc says that the struct has no `Clone`. In the macro's context, or it
// would advise `&rollback`.
fn backup(library: &Library, at: Span) -> TokenStream {
    let library = at_token(library, at);
    let backup = quote_spanned!(at=> #library::__private::backup(self));
    quote! {
        fn backup(&self) -> ::core::option::Option<Self> {
            #backup
        }
    }
}

/// `::core::time::Duration::from_millis(50)`
fn milliseconds(ms: u64) -> TokenStream {
    let ms = Literal::u64_unsuffixed(ms);
    quote!(::core::time::Duration::from_millis(#ms))
}

// pub enum ChessMessage { … }
// pub enum ChessTimer { … }
// const _: () = {
//     const __MESSAGES: &[&::core::primitive::str] = &["Move", "Resign"];
//     #[automatically_derived]
//     impl ::tapaculo::game::Game for Chess { … }
// };
pub(crate) fn game(game: &Game) -> TokenStream {
    let (library, ty) = (&game.library, &game.ty);
    let once = once(game);
    let enums = enums(game, true);
    let types = types(game);
    let wires = game.messages.iter().map(|message| {
        let (cfgs, tag) = (&message.variant.call.cfgs, &message.variant.tag);
        quote!(#(#cfgs)* #tag)
    });
    let decode = enums::decode(game);
    let create = create(game);
    let dispatch = run::dispatch(game);
    let hooks = game.hooks.iter();
    let hooks = hooks.map(|(hook, call)| run::hook(library, *hook, call));
    let migrate = game.migrate.iter().map(|call| keep::migrate(library, call));
    let ever_called = run::ever_called(game);
    let timer = run::timer(game);
    let (unless_kept, kept_timers) = (keep::unless_kept(game), keep::timers(game));
    let tick = game.tick.iter();
    let tick = tick.map(|(every, call)| run::tick(library, *every, call));
    let view = game.view.iter().map(|call| run::view(library, call));
    let allow = game.deprecated.then(|| quote!(#[allow(deprecated)]));
    quote! {
        #once
        #enums

        const _: () = {
            const __MESSAGES: &[&::core::primitive::str] = &[#(#wires),*];
            #ever_called
            #unless_kept
            #[automatically_derived]
            #allow
            impl #library::game::Game for #ty {
                #types
                const MESSAGES: &'static [&'static ::core::primitive::str] = __MESSAGES;
                #decode
                #create
                #(#migrate)*
                #dispatch
                #(#hooks)*
                #timer
                #kept_timers
                #(#tick)*
                #(#view)*
            }
        };
    }
}

// const __ALL_HANDLERS_OF_Chess_GO_INTO_ONE_IMPL: () = ();
//
// Before anything else, so that its name is in the first error about a second `impl`.
fn once(game: &Game) -> TokenStream {
    let name = format_ident!("__ALL_HANDLERS_OF_{}_GO_INTO_ONE_IMPL", game.name.unraw());
    let name = at_token(name, Span::call_site());
    quote!(const #name: () = ();)
}

// async fn create(
//     __room: &::tapaculo::ids::RoomId,
//     __options: &::tapaculo::game::Options,
// ) -> ::core::result::Result<Self, ::tapaculo::game::Refusal> {
//     ::core::result::Result::Ok(<Chess as ::tapaculo::__private::BeginsByDefault>::begin())
// }
fn create(game: &Game) -> TokenStream {
    let (library, ty, create) = (&game.library, &game.ty, &game.create);
    let signature = quote! {
        async fn create(
            __room: &#library::ids::RoomId,
            __options: &#library::game::Options,
        ) -> ::core::result::Result<Self, #library::game::Refusal>
    };
    let hooks = create.iter().map(|call| {
        let cfgs = &call.cfgs;
        let created = passed(library, &quote!(created::<Self, _, _>), call);
        let signature = at_token(&signature, in_macro(call.method.span()));
        quote! {
            #(#cfgs)*
            #signature {
                use #library::__private::Infallibly as _;
                #created
            }
        }
    });
    // A hook that is there under a `cfg` leaves the default to the other case.
    let unless = (!create.is_empty()).then(|| {
        let cases = create.iter().map(|call| {
            let cfgs = call.cfgs.iter().filter_map(|cfg| {
                let list = cfg.meta.require_list().ok()?;
                Some(&list.tokens)
            });
            quote!(all(#(#cfgs),*))
        });
        quote!(#[cfg(not(any(#(#cases),*)))])
    });
    let default = create.iter().all(|call| !call.cfgs.is_empty()).then(|| {
        let at = game.name.span();
        let library = at_token(library, at);
        // The whole expression at the type's name: there rustc says that it has no `Default`.
        let begin = quote_spanned!(at=> <#ty as #library::__private::BeginsByDefault>::begin());
        quote! {
            #unless
            #signature {
                ::core::result::Result::Ok(#begin)
            }
        }
    });
    quote!(#(#hooks)* #default)
}
