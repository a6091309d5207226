//! A resume position: what is taken for one has its form, and is the same when it is printed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tapaculo::fuzzing::position;

fuzz_target!(|text: &str| {
    let found = position(text);
    if let Some((epoch, seq)) = &found {
        assert_eq!(position(&format!("{epoch}-{seq}")), found);
    }
    assert_eq!(found, expected(text));
});

/// The position that a text is: letters and digits, a hyphen, digits.
fn expected(text: &str) -> Option<(String, u64)> {
    let epoch: String = text
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    let digits = text[epoch.len()..].strip_prefix('-')?;
    if epoch.is_empty() || digits.is_empty() {
        return None;
    }
    let mut seq = 0_u64;
    for digit in digits.chars() {
        let digit = digit.to_digit(10)?;
        seq = seq.checked_mul(10)?.checked_add(digit.into())?;
    }
    Some((epoch, seq))
}
