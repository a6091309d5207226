//! Compiles the games in `pass/` and `fail/`.

#[test]
fn games_compile_and_mistakes_are_told_in_words() {
    let cases = trybuild::TestCases::new();
    cases.pass("pass/*.rs");
    cases.compile_fail("fail/*.rs");
}
