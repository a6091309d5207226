//! What the compiler says to a game: `fail/` holds mistakes, each with the words that answer it,
//! and `pass/` holds what must not be one.
//!
//! `TRYBUILD=overwrite cargo test -p tapaculo-ui-tests` writes the words anew; then read them as
//! somebody who has never seen the crate. Is the error on the right token, is it the first one
//! shown, does it say the fix?
