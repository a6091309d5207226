//! What runs: the handler of a message, the hooks, the timers, the tick and the view.

use super::{
    call::{at_token, method, passed, validated},
    enums::names,
    keep, milliseconds,
};
use crate::{
    model::{Call, Game, Library, Message, Variant, in_macro},
    names::{Hook, Role},
};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};

// async fn dispatch(
//     &mut self,
//     __room: &mut ::tapaculo::game::Room<Self>,
//     __from: &::tapaculo::game::Member,
//     __message: ChessMessage,
// ) -> ::tapaculo::game::Answer {
//     use ::tapaculo::__private::Infallibly as _;
//     match &__message { ChessMessage::Chat { .. } => {} _ => { __from.seated()?; } }
//     { let __returned = Self::polite(self, &__message); … }
//     match __message { … }
// }
pub(super) fn dispatch(game: &Game) -> TokenStream {
    let (library, enum_, messages) = (&game.library, &game.message_enum, &game.messages);
    let infallibly =
        (!messages.is_empty()).then(|| quote!(use #library::__private::Infallibly as _;));
    let seated = seated(game);
    let validators = game.validators.iter();
    let validators = validators.map(|call| validated(library, call, &quote!(&__from.seated()?)));
    let arms = messages.iter().map(|message| dispatch_arm(game, message));
    let handlers = messages.iter().flat_map(|message| {
        let handler = std::iter::once(&message.variant.call);
        handler.chain(&message.validators)
    });
    let signature = at_token(
        quote! {
            async fn dispatch(
                &mut self,
                __room: &mut #library::game::Room<Self>,
                __from: &#library::game::Member,
                __message: #enum_,
            ) -> #library::game::Answer
        },
        waits(game, handlers.chain(&game.validators)),
    );
    quote! {
        #signature {
            #infallibly
            #seated
            #(#validators)*
            match __message {
                #(#arms)*
            }
        }
    }
}

// match &__message {
//     ChessMessage::Chat { .. } => {}
//     _ => { __from.seated()?; }
// }
//
// Before the validators of every message: a spectator is refused as one, whatever they would say.
fn seated(game: &Game) -> Option<TokenStream> {
    if game.validators.is_empty() {
        return None;
    }
    let enum_ = &game.message_enum;
    let open = game.messages.iter().filter(|message| message.open);
    let mut open = open.map(|message| {
        let (name, cfgs) = (&message.variant.name, &message.variant.call.cfgs);
        quote!(#(#cfgs)* #enum_::#name { .. } => {})
    });
    let Some(first) = open.next() else {
        return Some(quote!(__from.seated()?;));
    };
    Some(quote! {
        match &__message {
            #first
            #(#open)*
            _ => { __from.seated()?; }
        }
    })
}

/// Where rustc says that a future is not `Send`, before it says why: at the method that waits, or
/// at the game's name if several do.
fn waits<'a>(game: &Game, calls: impl Iterator<Item = &'a Call>) -> Span {
    let mut calls = calls.filter(|call| call.is_async);
    match (calls.next(), calls.next()) {
        (Some(call), None) => in_macro(call.method.span()),
        _ => in_macro(game.name.span()),
    }
}

// ChessMessage::Move { from, to, promotion } => {
//     let __player = &__from.seated()?;
//     { let __returned = Self::legal(self, __player, &from, &to); … }
//     let __returned = Self::play(self, __room, __player, from, to, promotion);
//     ::tapaculo::__private::answer(::tapaculo::__private::Returned(__returned).result())
// }
fn dispatch_arm(game: &Game, message: &Message) -> TokenStream {
    let library = &game.library;
    // Asked for even if nobody takes it: that is what refuses a spectator.
    let seated = (!message.open).then(|| quote!(let __player = &__from.seated()?;));
    let validators = message.validators.iter();
    let validators = validators.map(|call| validated(library, call, &quote!(__player)));
    let answer = passed(library, &quote!(answer), &message.variant.call);
    let body = quote!(#seated #(#validators)* #answer);
    arm(&game.message_enum, &message.variant, &body)
}

fn arm(enum_: &Ident, variant: &Variant, body: &TokenStream) -> TokenStream {
    let (name, cfgs) = (&variant.name, &variant.call.cfgs);
    let fields = names(&variant.fields);
    quote! {
        #(#cfgs)*
        #enum_::#name #fields => {
            #body
        }
    }
}

pub(super) fn hook(library: &Library, hook: Hook, call: &Call) -> TokenStream {
    let player = hook
        .has_player()
        .then(|| quote!(__player: &#library::game::Player));
    let hooked = passed(library, &quote!(hooked), call);
    let hook = called(
        library,
        hook.name(),
        player,
        in_macro(call.method.span()),
        &hooked,
    );
    let cfgs = &call.cfgs;
    quote!(#(#cfgs)* #hook)
}

// use ::tapaculo::__private::Undeclared as _;
// const _: () = ::tapaculo::__private::SettingsOf::<Chess>::SETTINGS.on_full();
//
// At the hook's name: there rustc says that it is never called, and why.
pub(super) fn ever_called(game: &Game) -> Option<TokenStream> {
    let (library, ty) = (&game.library, &game.ty);
    let hooks = game.hooks.iter();
    let mut checks = hooks
        .filter(|(hook, _)| hook.needs_a_setting())
        .map(|(hook, call)| {
            let (cfgs, name) = (&call.cfgs, format_ident!("{}", hook.name()));
            let check = quote!(#library::__private::SettingsOf::<#ty>::SETTINGS.#name());
            let check = at_token(check, in_macro(call.method.span()));
            quote!(#(#cfgs)* const _: () = #check;)
        })
        .chain(keep::ever_saved(game))
        .peekable();
    checks.peek()?;
    Some(quote! {
        #[allow(unused_imports)]
        use #library::__private::Undeclared as _;
        #(#checks)*
    })
}

// async fn timer(…, __timer: ChessTimer) -> ::tapaculo::game::Hooked {
//     …
//     match __timer {
//         ChessTimer::Flag { seat } => {
//             let __returned = Self::flag(self, __room, seat);
//             ::tapaculo::__private::hooked(::tapaculo::__private::Returned(__returned).result())
//         }
//     }
// }
pub(super) fn timer(game: &Game) -> Option<TokenStream> {
    let (library, enum_, timers) = (&game.library, &game.timer_enum, &game.timers);
    if timers.is_empty() {
        return None;
    }
    let arms = timers
        .iter()
        .map(|timer| arm(enum_, timer, &passed(library, &quote!(hooked), &timer.call)));
    let at = waits(game, timers.iter().map(|timer| &timer.call));
    let timer = quote!(__timer: #enum_);
    let body = quote!(match __timer { #(#arms)* });
    Some(called(library, Role::Timer.name(), Some(timer), at, &body))
}

// const TICK: ::core::option::Option<::core::time::Duration> =
//     ::core::option::Option::Some(::core::time::Duration::from_millis(50));
// async fn tick(…, __elapsed: ::core::time::Duration) -> ::tapaculo::game::Hooked { … }
pub(super) fn tick(library: &Library, every: u64, call: &Call) -> TokenStream {
    let every = milliseconds(every);
    let elapsed = quote!(__elapsed: ::core::time::Duration);
    let hooked = passed(library, &quote!(hooked), call);
    let tick = called(
        library,
        Role::Tick.name(),
        Some(elapsed),
        in_macro(call.method.span()),
        &hooked,
    );
    let cfgs = &call.cfgs;
    quote! {
        #(#cfgs)*
        const TICK: ::core::option::Option<::core::time::Duration> =
            ::core::option::Option::Some(#every);
        #(#cfgs)*
        #tick
    }
}

// async fn on_join(
//     &mut self,
//     __room: &mut ::tapaculo::game::Room<Self>,
//     __player: &::tapaculo::game::Player,
// ) -> ::tapaculo::game::Hooked {
//     use ::tapaculo::__private::Infallibly as _;
//     let __returned = Self::welcome(self, __room, __player);
//     ::tapaculo::__private::hooked(::tapaculo::__private::Returned(__returned).result())
// }
fn called(
    library: &Library,
    name: &str,
    about: Option<TokenStream>,
    at: Span,
    body: &TokenStream,
) -> TokenStream {
    let name = format_ident!("{name}");
    let about = about.into_iter();
    let signature = at_token(
        quote! {
            async fn #name(
                &mut self,
                __room: &mut #library::game::Room<Self>,
                #(#about,)*
            ) -> #library::game::Hooked
        },
        at,
    );
    quote! {
        #signature {
            use #library::__private::Infallibly as _;
            #body
        }
    }
}

// fn view(
//     &self,
//     __from: &::tapaculo::game::Member,
// ) -> ::core::option::Option<
//     ::core::result::Result<::tapaculo::game::Reply, ::tapaculo::game::Refusal>,
// > {
//     let __returned = &Self::view(self, __from);
//     ::core::option::Option::Some(::tapaculo::__private::encoded(__returned))
// }
pub(super) fn view(library: &Library, call: &Call) -> TokenStream {
    let cfgs = &call.cfgs;
    let method = method(call, &quote!(__player));
    let at = call.output.0;
    let private = at_token(library, at);
    let viewed = quote_spanned!(at=> #private::__private::encoded(__returned));
    quote! {
        #(#cfgs)*
        fn view(
            &self,
            __from: &#library::game::Member,
        ) -> ::core::option::Option<
            ::core::result::Result<#library::game::Reply, #library::game::Refusal>,
        > {
            let __returned = &#method;
            ::core::option::Option::Some(#viewed)
        }
    }
}
