//! The struct half: the options of `#[tapaculo::game(…)]`.

use super::header;
use crate::{
    ast::{Other, Struct},
    errors::Errors,
    model::{Declaration, Keeping, Kept, Library},
    names::{
        CRATE, EMPTY_TIMEOUT, EVENT, HANDLER_TIMEOUT, HISTORY, NAME, PERSIST, PLAYERS, RECONNECT,
        ROLLBACK, SPECTATORS, STRUCT_OPTIONS, VERSION,
    },
    options::{self, Written},
};
use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{
    LitInt, LitStr, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream},
};

const LONGEST_NAME: usize = 128;

/// A struct with the attribute.
pub(crate) fn structure(
    item: &Struct,
    options: TokenStream,
    errors: &mut Errors,
) -> Option<Declaration> {
    header::once(&item.attrs, errors)?;
    let declaration = declaration(&item.ident, options, errors);
    if item.generics.params.is_empty() {
        return Some(declaration);
    }
    errors.at(
        &item.generics,
        format!(
            "a game can't be generic: write a struct without parameters, such as `struct {}`",
            item.ident
        ),
    );
    None
}

/// Anything else with the attribute: an error, and an enum is declared all the same.
pub(crate) fn other(
    item: &Other,
    options: TokenStream,
    errors: &mut Errors,
) -> Option<Declaration> {
    let Other { kind, keyword, ty } = item;
    errors.at(
        keyword,
        match ty {
            Some(_) => format!("a game is a struct: put {kind} into a field of it"),
            None => format!(
                "`#[tapaculo::game]` goes on a struct and on one `impl` of it, not on {kind}"
            ),
        },
    );
    ty.as_ref().map(|ty| declaration(ty, options, errors))
}

fn declaration(ident: &Ident, options: TokenStream, errors: &mut Errors) -> Declaration {
    let mut declaration = Declaration {
        library: Library(quote!(::tapaculo)),
        ident: ident.clone(),
        event: None,
        name: String::new(),
        players: None,
        spectators: false,
        history: None,
        times: Vec::new(),
        rollback: None,
        keeping: Keeping::Not,
    };
    let written = options::read(options, STRUCT_OPTIONS, errors);
    let mut named = false;
    for option in &written {
        match option.known.name {
            PLAYERS => declaration.players = players(option, errors),
            SPECTATORS => declaration.spectators = option.flag(errors),
            EVENT => declaration.event = option.value(errors, "a type"),
            HISTORY => declaration.history = history(option, errors),
            RECONNECT | EMPTY_TIMEOUT | HANDLER_TIMEOUT => {
                let ms = if option.known.name == HANDLER_TIMEOUT {
                    option.period(errors)
                } else {
                    option.duration(errors)
                };
                let time = ms.map(|ms| (option.known.name, ms));
                declaration.times.extend(time);
            }
            ROLLBACK => declaration.rollback = option.flag(errors).then(|| option.name.span()),
            CRATE => declaration.library = header::library(option, errors),
            NAME => {
                named = true;
                declaration.name = name(option, errors).unwrap_or_default();
            }
            // Those that are about each other.
            PERSIST | VERSION => {}
            _ => {}
        }
    }
    declaration.keeping = keeping(&written, errors);
    if !named {
        declaration.name = kebab_case(&ident.unraw().to_string());
        if !is_name(&declaration.name) {
            errors.at(
                ident,
                format!(
                    "the game's name on the wire is `a` to `z`, `0` to `9` and `-`, at most \
                     {LONGEST_NAME}, which `{ident}` does not give: add `name = \"…\"`"
                ),
            );
        }
    }
    if !errors.is_empty() {
        forgive(&mut declaration, errors);
    }
    declaration
}

/// What is missing may be what was meant by a mistake: then nothing in the rules is wrong for want
/// of it, neither what they say nor that a hook is called.
fn forgive(declaration: &mut Declaration, errors: &Errors) {
    let Declaration {
        event,
        players,
        times,
        keeping,
        ..
    } = declaration;
    *event = event.take().or_else(|| errors.last_as_a_type());
    players.get_or_insert(1);
    if times.iter().all(|(name, _)| *name != RECONNECT) {
        times.push((RECONNECT, 1));
    }
    *keeping = Keeping::Perhaps;
}

/// Whether rooms are kept: `persist`, `persist = "2s"`, and `version = 3` beside it.
fn keeping(written: &[Written], errors: &mut Errors) -> Keeping {
    let find = |name| written.iter().find(|option| option.known.name == name);
    let version = find(VERSION);
    let Some(persist) = find(PERSIST) else {
        if let Some(version) = version {
            errors.at(
                &version.name,
                "`version` is that of the saved state, and nothing is saved: add `persist`",
            );
        }
        return Keeping::Not;
    };
    if let Some(rollback) = find(ROLLBACK) {
        errors.at(
            &rollback.name,
            "`persist` restores the state already when a handler fails: remove `rollback`",
        );
    }
    let every = every(persist, errors);
    let number = version.map_or(Some(1), |option| self::version(option, errors));
    match (every, number) {
        (Some(every), Some(number)) => Keeping::Kept(Kept {
            at: persist.name.span(),
            every,
            version: number,
            version_at: version.unwrap_or(persist).name.span(),
        }),
        _ => Keeping::Perhaps,
    }
}

/// How much may be lost, in milliseconds: nothing if nothing is said.
fn every(persist: &Written, errors: &mut Errors) -> Option<u64> {
    if persist.is_alone() {
        return Some(0);
    }
    let every = persist.duration(errors)?;
    if every == 0 {
        errors.at(
            persist.tokens(),
            "to lose nothing, leave the time out: write `persist`",
        );
        return None;
    }
    Some(every)
}

fn version(option: &Written, errors: &mut Errors) -> Option<u32> {
    let literal: LitInt = option.value(errors, "a whole number")?;
    let version = number(&literal, option, errors)?;
    if version == 0 {
        errors.at(
            &literal,
            "versions count from 1: write `version = 1`, or leave it out",
        );
        return None;
    }
    Some(version)
}

/// The number of seats: `2`, or the upper end of `2..=6`.
struct Players(LitInt, Option<LitInt>);

impl Parse for Players {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let least = input.parse()?;
        let range: Option<Token![..=]> = input.parse()?;
        let most = range.map(|_| input.parse()).transpose()?;
        Ok(Self(least, most))
    }
}

fn players(option: &Written, errors: &mut Errors) -> Option<u32> {
    let expected = "a number of seats, or a range such as `2..=6`";
    let Players(least, most) = option.value(errors, expected)?;
    let most = most.as_ref().unwrap_or(&least);
    let low = number(&least, option, errors)?;
    let high = number(most, option, errors)?;
    if high == 0 || low == 0 {
        errors.at(
            if low == 0 { &least } else { most },
            "a room needs a seat: `players` is at least 1, or is left out for no limit",
        );
        return None;
    }
    if low > high {
        errors.at(
            option.tokens(),
            format!("the range is empty: write `players = {high}..={low}`"),
        );
        return None;
    }
    Some(high)
}

fn history(option: &Written, errors: &mut Errors) -> Option<u32> {
    let events: LitInt = option.value(errors, "a number of events")?;
    number(&events, option, errors)
}

fn number(literal: &LitInt, option: &Written, errors: &mut Errors) -> Option<u32> {
    let number = literal.base10_parse().ok();
    if number.is_none() {
        errors.at(
            literal,
            format!(
                "expected a whole number, at most {}: write `{}`",
                u32::MAX,
                option.known.example
            ),
        );
    }
    number
}

fn name(option: &Written, errors: &mut Errors) -> Option<String> {
    let literal: LitStr = option.value(errors, "a name in quotes")?;
    let name = literal.value();
    if is_name(&name) {
        return Some(name);
    }
    let nearby = kebab_case(&name);
    let fix = if is_name(&nearby) {
        format!(", such as `\"{nearby}\"`")
    } else {
        String::new()
    };
    errors.at(
        &literal,
        format!(
            "a game's name is `a` to `z`, `0` to `9` and `-`, between 1 and {LONGEST_NAME} of \
             them{fix}"
        ),
    );
    None
}

fn is_name(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// `RockPaperScissors` is `rock-paper-scissors`, and `HTTPGame2D` is `http-game2d`.
fn kebab_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut kebab = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| letters.get(before));
        let word_begins = letter.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase() || letters.get(at + 1).is_some_and(|next| next.is_lowercase())
            });
        let separates = !letter.is_alphanumeric();
        if (word_begins || separates) && !kebab.is_empty() && !kebab.ends_with('-') {
            kebab.push('-');
        }
        if !separates {
            kebab.extend(letter.to_lowercase());
        }
    }
    kebab.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::format_ident;

    fn declare(options: TokenStream) -> (Declaration, Vec<String>) {
        let mut errors = Errors::default();
        let declaration = declaration(&format_ident!("Chess"), options, &mut errors);
        (declaration, errors.words())
    }

    #[test]
    fn a_name_in_kebab_case_keeps_its_words() {
        for (name, kebab) in [
            ("Chess", "chess"),
            ("RockPaperScissors", "rock-paper-scissors"),
            ("HTTPGame2D", "http-game2d"),
            ("Level2Boss", "level2-boss"),
            ("snake_game", "snake-game"),
            ("_Tic__Tac_", "tic-tac"),
        ] {
            assert_eq!(kebab_case(name), kebab);
        }
    }

    #[test]
    fn every_option_is_read() {
        let (declaration, errors) = declare(quote! {
            players = 2..=6, spectators, history = 512, event = Said<u8, u16>,
            reconnect = "0s", empty_timeout = "90s", handler_timeout = "2m", rollback, name = "go-9", crate = crate::games,
        });
        assert_eq!(errors, [""; 0]);
        assert_eq!(declaration.players, Some(6));
        assert!(declaration.spectators);
        assert_eq!(declaration.history, Some(512));
        assert!(declaration.event.is_some());
        assert_eq!(
            declaration.times,
            [
                ("reconnect", 0),
                ("empty_timeout", 90_000),
                ("handler_timeout", 120_000)
            ]
        );
        assert!(declaration.rollback.is_some());
        assert_eq!(declaration.name, "go-9");
        assert_eq!(declaration.library.0.to_string(), "crate :: games");
    }

    #[test]
    fn how_rooms_are_kept_is_read() {
        for (options, kept) in [
            (quote!(persist), (0, 1)),
            (quote!(version = 3, persist = "2s"), (2_000, 3)),
        ] {
            let (declaration, errors) = declare(options);
            assert_eq!(errors, [""; 0]);
            let Keeping::Kept(Kept { every, version, .. }) = declaration.keeping else {
                panic!("it is not kept");
            };
            assert_eq!((every, version), kept);
        }
        let (declaration, _) = declare(TokenStream::new());
        assert!(matches!(declaration.keeping, Keeping::Not));
    }

    #[test]
    fn a_mistake_about_how_rooms_are_kept_is_one_error() {
        for options in [
            quote!(version = 3),
            quote!(version = 0),
            quote!(persist, version = 0),
            quote!(persist, version = "3"),
            quote!(persist, version),
            quote!(persist, version = -1),
            quote!(persist = 2),
            quote!(persist = "2 parsecs", version = 3),
            quote!(persist = "0s"),
            quote!(persist("2s")),
            quote!(persist, rollback),
            quote!(persist, persist),
            quote!(persits),
        ] {
            let written = options.to_string();
            let (_, errors) = declare(options);
            assert_eq!(errors.len(), 1, "{written}: {errors:#?}");
        }
    }

    #[test]
    fn each_bad_option_is_one_error() {
        let (_, errors) = declare(quote! {
            players = 0, spectators = yes, history = "x", event, empty_timeout = "5 minutes",
            reconnect = "60", handler_timeout = "0s", rollback = true, name = "Chess!", colour = 1,
        });
        assert_eq!(errors.len(), 10, "{errors:#?}");
    }

    #[test]
    fn a_misspelt_option_is_an_error_and_then_taken_as_meant() {
        let (declaration, errors) = declare(quote!(evnt = ChessEvent));
        assert_eq!(errors.len(), 1);
        assert!(errors[0].contains("did you mean `event`?"), "{errors:?}");
        assert!(declaration.event.is_some());
    }
}
