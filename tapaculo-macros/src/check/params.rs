//! Parameters: which of them are lent by the library, and which are fields.

use super::{fields::field, methods::cfgs};
use crate::{
    ast::Method,
    errors::{Errors, code, instead, nearest},
    model::{Arg, Field, Value},
    names::{Hook, MEMBER, PLAYER, ROOM, ROOM_ID, Role, SAVED_STATE},
};
use proc_macro2::{Ident, TokenStream};
use std::mem;
use syn::{
    FnArg, GenericArgument, Pat, PatType, PathArguments, PathSegment, Type, TypeReference,
    ext::IdentExt, spanned::Spanned,
};

/// What kind of method the parameters are of.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    Handler {
        open: bool,
    },
    /// A validator of one message, with that message's fields.
    Validator {
        open: bool,
        handler: &'a Ident,
        fields: &'a [String],
    },
    /// A validator of every message.
    AnyValidator {
        open: bool,
        message: &'a Ident,
    },
    Hook(Hook),
    Timer,
    Tick,
    Create,
    Migrate,
    View,
}

const ONLY_WHAT_WAS_SAVED: &str =
    "`#[migrate]` is given what was saved, and nothing else: write `old: SavedState`";

/// What the library lends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lent {
    Room,
    Player,
    Member,
    RoomId,
}

/// The arguments of a handler or a timer, and its fields.
pub(super) fn with_fields(
    method: &Method,
    place: Place<'_>,
    game: &TokenStream,
    errors: &mut Errors,
) -> (Vec<Arg>, Vec<Field>) {
    let mut args = Args::default();
    let mut fields = Vec::new();
    let mut taken = Vec::new();
    let role = match place {
        Place::Timer => Role::Timer,
        _ => Role::Message,
    };
    for param in typed(method) {
        if let Some((lent, ty)) = lent(&param.ty) {
            if let Some(attr) = param
                .attrs
                .iter()
                .find(|attr| attr.path().is_ident("serde"))
            {
                errors.at(
                    attr,
                    "this is not a field, but lent by the library: remove `#[serde]`",
                );
            }
            args.lend(place, lent, ty, param, errors);
        } else if let Some(field) = field(param, role, game, &mut taken, errors) {
            args.push(Value::Field(field.name.clone()), param);
            fields.push(field);
        }
    }
    (args.0, fields)
}

/// The arguments of anything without fields.
pub(super) fn of(method: &Method, place: Place<'_>, errors: &mut Errors) -> Vec<Arg> {
    let mut args = Args::default();
    for param in typed(method) {
        match place {
            Place::Validator { fields, .. } if is_field(param, fields) => {
                if let Some(field) = seen_field(param, errors) {
                    args.push(Value::FieldRef(field), param);
                }
            }
            Place::AnyValidator { message, .. } if is_reference_to(&param.ty, message) => {
                args.push(Value::Message, param);
            }
            Place::Create if !is_reference(&param.ty) => args.give(
                Value::Options,
                "a room's options are one value: put the fields of both into one struct",
                param,
                errors,
            ),
            Place::Migrate if is_saved_state(&param.ty) => args.give(
                Value::Old,
                "what was saved is there already: take it once",
                param,
                errors,
            ),
            Place::Tick if !is_reference(&param.ty) => args.give(
                Value::Elapsed,
                "a tick is told one thing, the time since the one before: remove this parameter, \
                 and keep in the struct what it needs",
                param,
                errors,
            ),
            _ => match lent(&param.ty) {
                Some((lent, ty)) => args.lend(place, lent, ty, param, errors),
                None => place.refuse(param, errors),
            },
        }
    }
    args.0
}

/// The names of a handler's fields, sound or not, for its validators.
pub(super) fn field_names(method: &Method) -> Vec<String> {
    typed(method)
        .filter(|param| lent(&param.ty).is_none())
        .filter_map(|param| Some(plain_name(&param.pat)?.unraw().to_string()))
        .collect()
}

fn typed(method: &Method) -> impl Iterator<Item = &PatType> {
    method.sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(param) => Some(param),
        FnArg::Receiver(_) => None,
    })
}

#[derive(Default)]
struct Args(Vec<Arg>);

impl Args {
    fn push(&mut self, value: Value, param: &PatType) {
        self.0.push(Arg {
            value,
            span: param.ty.span(),
            cfgs: cfgs(&param.attrs),
        });
    }

    /// What a method is given once at most.
    fn give(&mut self, value: Value, twice: &str, param: &PatType, errors: &mut Errors) {
        let kind = mem::discriminant(&value);
        let mut given = self.0.iter().map(|arg| mem::discriminant(&arg.value));
        if given.any(|given| given == kind) {
            errors.at(&param.ty, twice);
        } else {
            self.push(value, param);
        }
    }

    fn lend(
        &mut self,
        place: Place<'_>,
        lent: Lent,
        ty: &TypeReference,
        param: &PatType,
        errors: &mut Errors,
    ) {
        match place.lend(lent, ty) {
            Ok(Value::Room) => {
                let twice = "the room is there already: take it once";
                self.give(Value::Room, twice, param, errors);
            }
            Ok(value) => self.push(value, param),
            Err(words) => errors.at(ty, words),
        }
    }
}

impl Place<'_> {
    /// The attribute, if nobody in particular is what it is about.
    fn about_room(self) -> Option<&'static str> {
        match self {
            Self::Hook(hook) if !hook.has_player() => Some(hook.name()),
            Self::Tick => Some(Role::Tick.name()),
            _ => None,
        }
    }

    /// What the library lends in this place, or why it does not.
    fn lend(self, lent: Lent, ty: &TypeReference) -> Result<Value, String> {
        let by = code(&ty.elem);
        if let Some(lifetime) = ty.lifetime.as_ref().filter(|it| it.ident == "static") {
            return Err(format!(
                "this is lent for one call only: remove `{lifetime}`, and keep what you need of it"
            ));
        }
        if let Some(name) = self.about_room()
            && matches!(lent, Lent::Player | Lent::Member)
        {
            return Err(format!(
                "`#[{name}]` is about the room, not about one player: take `&mut Room<Self>`"
            ));
        }
        Err(match (lent, self) {
            (_, Self::Migrate) => ONLY_WHAT_WAS_SAVED.to_owned(),
            (Lent::Room, Self::Create) => {
                "there is no room yet, only its id: take `&RoomId`".to_owned()
            }
            (Lent::Room, Self::View) => "a view shows the state of the game alone: keep what it \
                needs in the struct, and take `&Member` for who is looking"
                .to_owned(),
            (Lent::Room, Self::Validator { .. } | Self::AnyValidator { .. })
                if ty.mutability.is_some() =>
            {
                format!("a validator changes nothing: write `&{by}`")
            }
            (Lent::Room, _) => return Ok(Value::Room),
            (_, Self::Create) if lent != Lent::RoomId => {
                "nobody has joined yet: `#[create]` takes `&RoomId` and the room's options"
                    .to_owned()
            }
            (Lent::Player | Lent::Member, Self::Timer) => {
                "nobody sends a timer: put whom it is about into a field, such as `seat: Seat`"
                    .to_owned()
            }
            _ if ty.mutability.is_some() => format!("this is lent to look at: write `&{by}`"),
            (Lent::RoomId, Self::Create) => return Ok(Value::RoomId),
            (Lent::RoomId, Self::View) => {
                "a view shows the state of the game alone: keep the id in the struct".to_owned()
            }
            (Lent::RoomId, _) => "take `&Room<Self>` and ask for its `id()`".to_owned(),
            (
                Lent::Player,
                Self::Handler { open }
                | Self::Validator { open, .. }
                | Self::AnyValidator { open, .. },
            ) => {
                if !open {
                    return Ok(Value::Player);
                }
                "spectators may send this and have no seat: take `&Member`".to_owned()
            }
            (Lent::Player, Self::View) => {
                "spectators look too and have no seat: take `&Member`".to_owned()
            }
            (Lent::Player, _) => return Ok(Value::Player),
            (Lent::Member, Self::Hook(_)) => {
                "hooks are about players, who have a seat: take `&Player`".to_owned()
            }
            (Lent::Member, _) => return Ok(Value::Member),
        })
    }

    /// Says why a parameter is nothing this place has.
    fn refuse(self, param: &PatType, errors: &mut Errors) {
        let ty = &param.ty;
        if let Some(near) = misspelt(ty) {
            errors.at(ty, not_lent(ty, &near));
            return;
        }
        let words = match self {
            // What is not lent there is a field.
            Self::Handler { .. } | Self::Timer => return,
            Self::Validator {
                handler, fields, ..
            } => {
                errors.at(&param.pat, no_such_field(&param.pat, handler, fields));
                return;
            }
            Self::AnyValidator { message, .. } => format!(
                "a validator of every message takes `&{message}`, `&Player`, `&Member` and \
                 `&Room<Self>`: to see one message's fields, name it: `#[validate(handler)]`"
            ),
            Self::Hook(hook) if hook.has_player() => {
                format!("`#[{}]` takes `&mut Room<Self>` and `&Player`", hook.name())
            }
            Self::Hook(hook) => format!("`#[{}]` takes `&mut Room<Self>`", hook.name()),
            Self::Tick => "`#[tick]` takes `&mut Room<Self>` and the time since the one before, \
                which is owned: write `Duration`"
                .to_owned(),
            Self::Create => "`#[create]` takes `&RoomId` and the room's options, which are owned: \
                write the type without `&`"
                .to_owned(),
            Self::Migrate => ONLY_WHAT_WAS_SAVED.to_owned(),
            Self::View => "`#[view]` takes `&Member`, who is looking".to_owned(),
        };
        errors.at(ty, words);
    }
}

fn no_such_field(wrong: &Pat, handler: &Ident, fields: &[String]) -> String {
    let fields: Vec<_> = fields.iter().map(String::as_str).collect();
    let wrong = plain_name(wrong).map(|name| name.unraw().to_string());
    let words = match wrong {
        Some(_) if fields.is_empty() => format!("`{handler}` has no fields"),
        Some(wrong) => {
            let instead = instead(&wrong, &fields);
            format!("`{handler}` has no field `{wrong}`: {instead}")
        }
        None => "a validator's parameter is a plain name".to_owned(),
    };
    format!("{words} (besides a message's fields there are `&Player`, `&Member` and `&Room<Self>`)")
}

pub(super) fn strip(mut ty: &Type) -> &Type {
    while let Type::Group(group) = ty {
        ty = &group.elem;
    }
    ty
}

fn is_reference(ty: &Type) -> bool {
    matches!(strip(ty), Type::Reference(_))
}

/// What a reference is to, by the last segment of its path.
pub(super) fn referent(ty: &Type) -> Option<(&Ident, &TypeReference)> {
    let Type::Reference(reference) = strip(ty) else {
        return None;
    };
    Some((&last_segment(&reference.elem)?.ident, reference))
}

/// The last segment of a type that is a path: its name, in whatever module.
pub(super) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match strip(ty) {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

/// `u8` of `Vec<u8>`.
/// How many types there are between the angle brackets.
pub(super) fn arguments(segment: &PathSegment) -> usize {
    match &segment.arguments {
        PathArguments::AngleBracketed(list) => list.args.len(),
        _ => 0,
    }
}

pub(super) fn first_argument(segment: &PathSegment) -> Option<&Type> {
    match &segment.arguments {
        PathArguments::AngleBracketed(list) => match list.args.first()? {
            GenericArgument::Type(ty) => Some(ty),
            _ => None,
        },
        _ => None,
    }
}

fn is_saved_state(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|last| last.ident == SAVED_STATE)
}

fn is_reference_to(ty: &Type, name: &Ident) -> bool {
    referent(ty).is_some_and(|(ident, reference)| ident == name && reference.mutability.is_none())
}

fn lent(ty: &Type) -> Option<(Lent, &TypeReference)> {
    let (name, reference) = referent(ty)?;
    let lent = match name.to_string().as_str() {
        ROOM => Lent::Room,
        PLAYER => Lent::Player,
        MEMBER => Lent::Member,
        ROOM_ID => Lent::RoomId,
        _ => return None,
    };
    Some((lent, reference))
}

/// `&Player` for `&Playr`.
pub(super) fn misspelt(ty: &Type) -> Option<String> {
    let (name, _) = referent(ty)?;
    let near = nearest(&name.to_string(), [ROOM, PLAYER, MEMBER])?;
    Some(match near {
        ROOM => "&mut Room<Self>".to_owned(),
        near => format!("&{near}"),
    })
}

pub(super) fn not_lent(ty: &Type, near: &str) -> String {
    format!(
        "the library lends no `{}`: did you mean `{near}`?",
        code(ty)
    )
}

pub(super) fn plain_name(pat: &Pat) -> Option<&Ident> {
    match pat {
        Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => Some(&pat.ident),
        _ => None,
    }
}

/// Whether a validator's parameter is a field of its message: the name decides, so that the
/// field's type may be called `Player`.
fn is_field(param: &PatType, fields: &[String]) -> bool {
    plain_name(&param.pat).is_some_and(|name| fields.contains(&name.unraw().to_string()))
}

fn seen_field(param: &PatType, errors: &mut Errors) -> Option<Ident> {
    match strip(&param.ty) {
        Type::Reference(ty) if ty.mutability.is_none() => {}
        Type::Reference(ty) => {
            errors.at(
                ty,
                format!("a validator changes nothing: write `&{}`", code(&ty.elem)),
            );
            return None;
        }
        ty => {
            errors.at(
                ty,
                format!("a validator looks at the fields: write `&{}`", seen(ty)),
            );
            return None;
        }
    }
    plain_name(&param.pat).cloned()
}

/// What a reference to a type is best to, so that clippy agrees: `str` for `String`. A field has no
/// reference inside.
fn seen(ty: &Type) -> String {
    let code = |ty: &Type| code(ty).replace('&', "");
    let Some(last) = last_segment(ty) else {
        return code(ty);
    };
    match (last.ident.to_string().as_str(), first_argument(last)) {
        ("String", None) => "str".to_owned(),
        ("PathBuf", None) => "Path".to_owned(),
        ("Vec", Some(of)) => format!("[{}]", code(of)),
        ("Box", Some(of)) => code(of),
        _ => code(ty),
    }
}
