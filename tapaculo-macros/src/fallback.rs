//! What stands in for a game with mistakes: the types of the real one, and no behaviour.
//!
//! The rest of the user's program then compiles as it will, and the mistakes are all that is shown.

use crate::{expand, model::Game};
use proc_macro2::TokenStream;
use quote::quote;

// pub enum ChessMessage { … }
// impl ::tapaculo::game::Game for Chess { /* every function is unreachable */ }
pub(crate) fn game(game: &Game) -> TokenStream {
    let Game {
        library, ty, enum_, ..
    } = game;
    let message_enum = expand::message_enum(game);
    quote! {
        #message_enum

        const _: () = {
            #[automatically_derived]
            impl #library::game::Game for #ty {
                type Message = #enum_;
                const MESSAGES: &'static [&'static str] = &[];
                fn decode(
                    _: &#library::game::RawMessage<'_>,
                ) -> ::core::result::Result<#enum_, #library::game::BadMessage> {
                    ::core::unreachable!()
                }
                async fn create(
                    _: &#library::ids::RoomId,
                    _: &#library::game::Options,
                ) -> ::core::result::Result<Self, #library::game::Refusal> {
                    ::core::unreachable!()
                }
                async fn dispatch(
                    &mut self,
                    _: &mut #library::game::Room<Self>,
                    _: &#library::game::Member,
                    _: #enum_,
                ) -> #library::game::Answer {
                    ::core::unreachable!()
                }
            }
        };
    }
}
