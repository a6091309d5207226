//! What stands in for a game with mistakes: the types of the real one, and no behaviour.
//!
//! The rest of the user's program then compiles as it will, and the mistakes are all that is shown.

use crate::{expand, model::Game};
use proc_macro2::TokenStream;
use quote::quote;

// pub enum ChessMessage { … }
// pub enum ChessTimer { … }
// impl ::tapaculo::game::Game for Chess { /* every function is unreachable */ }
pub(crate) fn game(game: &Game) -> TokenStream {
    let Game {
        library,
        ty,
        message_enum,
        ..
    } = game;
    let enums = expand::enums(game, false);
    let types = expand::types(game);
    // It never runs, unless rustc knows a syntax that neither we nor syn know.
    let never = quote!(::core::unreachable!(
        "a function of the game's impl can't be read"
    ));
    quote! {
        #enums

        const _: () = {
            #[automatically_derived]
            impl #library::game::Game for #ty {
                #types
                const MIGRATES: ::core::primitive::bool = true;
                const MESSAGES: &'static [&'static str] = &[];
                fn decode(
                    _: &#library::game::RawMessage<'_>,
                ) -> ::core::result::Result<#message_enum, #library::game::BadMessage> {
                    #never
                }
                async fn create(
                    _: &#library::ids::RoomId,
                    _: &#library::game::Options,
                ) -> ::core::result::Result<Self, #library::game::Refusal> {
                    #never
                }
                async fn dispatch(
                    &mut self,
                    _: &mut #library::game::Room<Self>,
                    _: &#library::game::Member,
                    _: #message_enum,
                ) -> #library::game::Answer {
                    #never
                }
            }
        };
    }
}
