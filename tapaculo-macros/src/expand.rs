//! Writes a model out as Rust. Nothing can go wrong here.
//!
//! All paths are absolute and all names of our own begin with `__`, so that nothing of the user's
//! can be in the way. Where rustc alone can see a mistake, the tokens that it will point at are
//! given the span of what the user wrote.

use crate::{
    model::{Arg, Call, Declaration, Field, Game, Library, Message, Reading, Value, in_macro},
    names::Hook,
};
use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{ext::IdentExt, spanned::Spanned};

impl ToTokens for Library {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.0.to_tokens(tokens);
    }
}

// #[automatically_derived]
// impl ::tapaculo::game::Declared for Chess {
//     type Event = ChessEvent;
//     const NAME: &'static ::core::primitive::str = "chess";
//     const SETTINGS: ::tapaculo::game::Settings = ::tapaculo::game::Settings::new().players(2);
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
        empty_timeout_ms,
    } = declaration;
    let event = match event {
        // The whole item at the type: there rustc says that the type is not public enough.
        Some(event) => quote_spanned!(in_macro(event.span())=> type Event = #event;),
        None => quote!(type Event = #library::game::NoEvent;),
    };
    let players = players.map(|most| {
        let most = Literal::u32_unsuffixed(most);
        quote!(.players(#most))
    });
    let spectators = spectators.then(|| quote!(.spectators()));
    let history = history.map(|events| {
        let events = Literal::u32_unsuffixed(events);
        quote!(.history(#events))
    });
    let empty_timeout = empty_timeout_ms.map(|ms| {
        let ms = Literal::u64_unsuffixed(ms);
        quote!(.empty_timeout(::core::time::Duration::from_millis(#ms)))
    });
    quote! {
        #[automatically_derived]
        impl #library::game::Declared for #ident {
            #event
            const NAME: &'static ::core::primitive::str = #name;
            const SETTINGS: #library::game::Settings = #library::game::Settings::new()
                #players #spectators #history #empty_timeout;
        }
    }
}

// pub enum ChessMessage { … }
// const _: () = {
//     const __MESSAGES: &[&::core::primitive::str] = &["Move", "Resign"];
//     #[automatically_derived]
//     impl ::tapaculo::game::Game for Chess { … }
// };
pub(crate) fn game(game: &Game) -> TokenStream {
    let (library, ty, enum_) = (&game.library, &game.ty, &game.enum_);
    let once = once(game);
    let message_enum = message_enum(game);
    let wires = game.messages.iter().map(|message| {
        let cfgs = &message.handler.cfgs;
        let wire = &message.wire;
        quote!(#(#cfgs)* #wire)
    });
    let decode = decode(game);
    let create = create(game);
    let dispatch = dispatch(game);
    let hooks = game.hooks.iter();
    let hooks = hooks.map(|(hook, call)| self::hook(game, *hook, call));
    let view = game.view.iter().map(|call| self::view(game, call));
    let allow = game.deprecated.then(|| quote!(#[allow(deprecated)]));
    quote! {
        #once
        #message_enum

        const _: () = {
            const __MESSAGES: &[&::core::primitive::str] = &[#(#wires),*];
            #[automatically_derived]
            #allow
            impl #library::game::Game for #ty {
                type Message = #enum_;
                type Timer = #library::game::NoTimer;
                const MESSAGES: &'static [&'static ::core::primitive::str] = __MESSAGES;
                #decode
                #create
                #dispatch
                #(#hooks)*
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

// /// The messages of `Chess`.
// pub enum ChessMessage {
//     /// Moves a piece.
//     Move { from: Square, to: Square, promotion: Option<Piece> },
//     Resign,
// }
pub(crate) fn message_enum(game: &Game) -> TokenStream {
    let enum_ = &game.enum_;
    let doc = format!(" The messages of `{}`.", game.name);
    let variants = game.messages.iter().map(|message| {
        let (variant, docs) = (&message.variant, &message.docs);
        let cfgs = &message.handler.cfgs;
        let fields = braced(message.fields.iter().map(|field| {
            let (name, ty, docs) = (&field.name, &field.ty, &field.docs);
            let cfgs = &field.cfgs;
            quote!(#(#docs)* #(#cfgs)* #name: #ty)
        }));
        quote!(#(#docs)* #(#cfgs)* #variant #fields)
    });
    quote! {
        #[doc = #doc]
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
fn decode(game: &Game) -> TokenStream {
    let (library, enum_) = (&game.library, &game.enum_);
    let messages = game.messages.iter();
    let arms = messages.map(|message| decode_arm(game, message));
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
fn decode_arm(game: &Game, message: &Message) -> TokenStream {
    let (library, enum_) = (&game.library, &game.enum_);
    let (wire, variant, fields) = (&message.wire, &message.variant, &message.fields);
    let cfgs = &message.handler.cfgs;
    if fields.is_empty() {
        return quote!(#(#cfgs)* #wire => ::core::result::Result::Ok(#enum_::#variant),);
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
        #wire => {
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
        let created = passed(library, "created", call);
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
fn dispatch(game: &Game) -> TokenStream {
    let (library, enum_, messages) = (&game.library, &game.enum_, &game.messages);
    let infallibly =
        (!messages.is_empty()).then(|| quote!(use #library::__private::Infallibly as _;));
    let seated = seated(game);
    let validators = game.validators.iter();
    let validators = validators.map(|call| validated(library, call, &quote!(&__from.seated()?)));
    let arms = messages.iter().map(|message| dispatch_arm(game, message));
    let signature = at_token(
        quote! {
            async fn dispatch(
                &mut self,
                __room: &mut #library::game::Room<Self>,
                __from: &#library::game::Member,
                __message: #enum_,
            ) -> #library::game::Answer
        },
        waits(game),
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
    let enum_ = &game.enum_;
    let open = game.messages.iter().filter(|message| message.open);
    let mut open = open.map(|message| {
        let (variant, cfgs) = (&message.variant, &message.handler.cfgs);
        quote!(#(#cfgs)* #enum_::#variant { .. } => {})
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
fn waits(game: &Game) -> Span {
    let handlers = game.messages.iter().flat_map(|message| {
        let handler = std::iter::once(&message.handler);
        handler.chain(&message.validators)
    });
    let mut calls = handlers
        .chain(&game.validators)
        .filter(|call| call.is_async);
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
    let (library, enum_, variant) = (&game.library, &game.enum_, &message.variant);
    let cfgs = &message.handler.cfgs;
    let names = names(&message.fields);
    // Asked for even if nobody takes it: that is what refuses a spectator.
    let seated = (!message.open).then(|| quote!(let __player = &__from.seated()?;));
    let validators = message.validators.iter();
    let validators = validators.map(|call| validated(library, call, &quote!(__player)));
    let answer = passed(library, "answer", &message.handler);
    quote! {
        #(#cfgs)*
        #enum_::#variant #names => {
            #seated
            #(#validators)*
            #answer
        }
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
fn hook(game: &Game, hook: Hook, call: &Call) -> TokenStream {
    let library = &game.library;
    let cfgs = &call.cfgs;
    let name = format_ident!("{}", hook.name());
    let player = hook
        .has_player()
        .then(|| quote!(__player: &#library::game::Player,));
    let hooked = passed(library, "hooked", call);
    let signature = at_token(
        quote! {
            async fn #name(
                &mut self,
                __room: &mut #library::game::Room<Self>,
                #player
            ) -> #library::game::Hooked
        },
        in_macro(call.method.span()),
    );
    quote! {
        #(#cfgs)*
        #signature {
            use #library::__private::Infallibly as _;
            #hooked
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
//     ::core::option::Option::Some(::tapaculo::__private::viewed(__returned))
// }
fn view(game: &Game, call: &Call) -> TokenStream {
    let library = &game.library;
    let cfgs = &call.cfgs;
    let method = method(call, &quote!(__player));
    let at = call.output.0;
    let private = at_token(library, at);
    let viewed = quote_spanned!(at=> #private::__private::viewed(__returned));
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

// {
//     let __returned = Self::legal(self, __player, &from, &to);
//     ::tapaculo::__private::hooked(__returned)?;
// }
fn validated(library: &Library, call: &Call, player: &TokenStream) -> TokenStream {
    let cfgs = &call.cfgs;
    let method = method(call, player);
    let at = call.output.0;
    let library = at_token(library, at);
    let hooked = quote_spanned!(at=> #library::__private::hooked(__returned));
    quote! {
        #(#cfgs)* {
            let __returned = #method;
            #hooked?;
        }
    }
}

// let __returned = Self::resign(self, __room, __player);
// ::tapaculo::__private::answer(::tapaculo::__private::Returned(__returned).result())
fn passed(library: &Library, to: &str, call: &Call) -> TokenStream {
    let method = method(call, &quote!(__player));
    let (first, last) = call.output;
    let to = Ident::new(to, first);
    let library = at_token(library, first);
    let returned = quote_spanned!(first=> #library::__private::Returned(__returned));
    let result = quote_spanned!(last=> .result());
    let passed = quote_spanned!(first=> #library::__private::#to(#returned #result));
    quote! {
        let __returned = #method;
        #passed
    }
}

// Self::play(self, __room, __player, from, to, promotion)
//
// Not a word of the trait is meant: an inherent function goes before one of a trait, so that
// `Self::create` and `Self::view` inside `impl Game` are the user's.
fn method(call: &Call, player: &TokenStream) -> TokenStream {
    let at = call.method.span();
    let name = &call.method;
    let this = call.takes_self.then(|| quote_spanned!(at=> self,));
    let args = call.args.iter().map(|arg| argument(arg, player));
    let awaited = call.is_async.then(|| quote!(.await));
    quote_spanned!(at=> Self::#name(#this #(#args),*) #awaited)
}

fn argument(arg: &Arg, player: &TokenStream) -> TokenStream {
    let at = arg.span;
    let value = match &arg.value {
        Value::Room | Value::RoomId => quote_spanned!(at=> __room),
        Value::Options => quote_spanned!(at=> __options.read()?),
        Value::Player => at_token(player, at),
        Value::Member => quote_spanned!(at=> __from),
        Value::Message => quote_spanned!(at=> &__message),
        Value::Field(name) => at_token(name, at),
        Value::FieldRef(name) => {
            let name = at_token(name, at);
            quote_spanned!(at=> &#name)
        }
    };
    let cfgs = &arg.cfgs;
    quote!(#(#cfgs)* #value)
}

/// The tokens in the place of one of the user's.
fn at_token(tokens: impl ToTokens, at: Span) -> TokenStream {
    tokens
        .into_token_stream()
        .into_iter()
        .map(|mut token| {
            token.set_span(at);
            token
        })
        .collect()
}

/// `{ from, to }`
fn names(fields: &[Field]) -> TokenStream {
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
