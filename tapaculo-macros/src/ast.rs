//! What the user wrote, taken apart but not yet judged.

use crate::names::Role;
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{Attribute, FnArg, Generics, Path, Signature, Type, Visibility, token::Brace};

/// With more, clippy speaks of too many: but every field of a message is one.
const CLIPPYS_MOST_ARGUMENTS: usize = 7;

/// An item with `#[tapaculo::game]` on it.
pub(crate) enum Item {
    Struct(Struct),
    Impl(Box<Impl>),
    Other(Other),
}

/// A struct. Its fields are the user's business and stay unread.
pub(crate) struct Struct {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) ident: Ident,
    pub(crate) generics: Generics,
}

/// An `impl` block.
pub(crate) struct Impl {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) trait_: Option<Path>,
    pub(crate) generics: Generics,
    pub(crate) self_ty: Type,
    /// Everything between the attributes and the braces, to be put out again.
    pub(crate) header: TokenStream,
    pub(crate) brace: Brace,
    pub(crate) inner_attrs: Vec<Attribute>,
    pub(crate) items: Vec<ImplItem>,
    /// Whether something in it is not finished: rustc has said so, and what depends on it is no
    /// mistake.
    pub(crate) half_typed: bool,
}

/// What is inside an `impl`.
pub(crate) enum ImplItem {
    Method(Box<Method>),
    Other(OtherItem),
}

/// A function of an `impl`, with or without one of our attributes.
pub(crate) struct Method {
    /// Our attributes; a method should have one at most.
    pub(crate) markers: Vec<Marker>,
    /// All other attributes.
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    /// The body stays unread, so that a mistake in it is reported by rustc alone.
    pub(crate) body: TokenStream,
}

/// A const, a type, a macro call, or something half-typed.
pub(crate) struct OtherItem {
    pub(crate) markers: Vec<Marker>,
    pub(crate) attrs: Vec<Attribute>,
    /// Whether it is a function all the same, whose parameters are half-typed.
    pub(crate) is_function: bool,
    pub(crate) tokens: TokenStream,
}

/// One of our attributes.
pub(crate) struct Marker {
    pub(crate) role: Role,
    pub(crate) attr: Attribute,
}

/// An item that can't be a game.
pub(crate) struct Other {
    /// What it is, as the errors call it.
    pub(crate) kind: &'static str,
    /// The keyword that says so.
    pub(crate) keyword: TokenStream,
    /// Its name, if it is a type.
    pub(crate) ty: Option<Ident>,
}

/// The `impl` as the compiler is to see it: without what only this macro understands.
impl ToTokens for Impl {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        all(&self.attrs, tokens);
        self.header.to_tokens(tokens);
        self.brace.surround(tokens, |tokens| {
            all(&self.inner_attrs, tokens);
            for item in &self.items {
                match item {
                    ImplItem::Method(method) => method.to_tokens(tokens),
                    ImplItem::Other(other) => {
                        all(&other.attrs, tokens);
                        other.tokens.to_tokens(tokens);
                    }
                }
            }
        });
    }
}

impl ToTokens for Method {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        if let Some(marker) = self.markers.first() {
            asked_for(marker.role).to_tokens(tokens);
            if self.sig.inputs.len() > CLIPPYS_MOST_ARGUMENTS {
                quote!(#[allow(clippy::too_many_arguments)]).to_tokens(tokens);
            }
        }
        // An attribute of serde on a method has its error already.
        for attr in &self.attrs {
            if self.markers.is_empty() || !attr.path().is_ident("serde") {
                attr.to_tokens(tokens);
            }
        }
        self.vis.to_tokens(tokens);
        let mut sig = self.sig.clone();
        // Only parameters that are fields have attributes for us; elsewhere rustc refuses them.
        if self
            .markers
            .iter()
            .any(|marker| matches!(marker.role, Role::Message | Role::Timer))
        {
            for input in &mut sig.inputs {
                if let FnArg::Typed(param) = input {
                    param.attrs.retain(|attr| !is_for_field(attr));
                }
            }
        }
        sig.to_tokens(tokens);
        self.body.to_tokens(tokens);
    }
}

/// Allows what clippy would say of the very signature that the macro asks for. It comes first, so
/// that the user's own attributes have the last word.
fn asked_for(role: Role) -> TokenStream {
    match role {
        // An owned field that is only looked at.
        Role::Message | Role::Create | Role::Migrate | Role::Timer => {
            quote!(#[allow(clippy::needless_pass_by_value, clippy::unused_self)])
        }
        // A field that is lent, however small; a `Result` that may become an error one day.
        Role::Validate => quote! {
            #[allow(
                clippy::ref_option,
                clippy::trivially_copy_pass_by_ref,
                clippy::unnecessary_wraps,
                clippy::unused_self
            )]
        },
        Role::Hook(_) | Role::Tick | Role::View => {
            quote!(#[allow(clippy::trivially_copy_pass_by_ref, clippy::unused_self)])
        }
    }
}

/// Whether an attribute of a parameter is meant for the field alone.
pub(crate) fn is_for_field(attr: &Attribute) -> bool {
    attr.path().is_ident("serde") || attr.path().is_ident("doc")
}

fn all(parts: &[impl ToTokens], tokens: &mut TokenStream) {
    for part in parts {
        part.to_tokens(tokens);
    }
}
