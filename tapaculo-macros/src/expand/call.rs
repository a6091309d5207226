//! Calls of the user's methods: what they are given, and what becomes of what they return.

use crate::model::{Arg, Call, Library, Value};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};

// {
//     let __returned = Self::legal(self, __player, &from, &to);
//     ::tapaculo::__private::hooked(__returned)?;
// }
pub(super) fn validated(library: &Library, call: &Call, player: &TokenStream) -> TokenStream {
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
pub(super) fn passed(library: &Library, to: &TokenStream, call: &Call) -> TokenStream {
    let method = method(call, &quote!(__player));
    let (first, last) = call.output;
    let to = at_token(to, first);
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
pub(super) fn method(call: &Call, player: &TokenStream) -> TokenStream {
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
        Value::Old => quote_spanned!(at=> __old),
        Value::Options => quote_spanned!(at=> __options.read()?),
        Value::Player => at_token(player, at),
        Value::Member => quote_spanned!(at=> __from),
        Value::Elapsed => quote_spanned!(at=> __elapsed),
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
pub(super) fn at_token(tokens: impl ToTokens, at: Span) -> TokenStream {
    tokens
        .into_token_stream()
        .into_iter()
        .map(|mut token| {
            token.set_span(at);
            token
        })
        .collect()
}
