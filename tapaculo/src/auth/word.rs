//! Random words, for what must not be guessed.

/// A random word of so many characters, five bits each; without the ones that look alike.
pub(crate) fn word(characters: usize) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let pick = |_| char::from(ALPHABET[usize::from(rand::random::<u8>() % 32)]);
    (0..characters).map(pick).collect()
}
