//! Raw identifiers, `mut` parameters, and names that serde changes.

#[tapaculo::game]
#[derive(Default)]
pub struct Typist(String);

fn upper<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Upper, D::Error> {
    let text = <String as serde::Deserialize>::deserialize(deserializer)?;
    Ok(Upper(text.to_uppercase()))
}

/// Not `Deserialize`: that is what the function is for.
pub struct Upper(String);

#[tapaculo::game]
impl Typist {
    #[validate(r#type)]
    fn short(&self, r#in: &str, mut kind: &Option<u8>) -> Result<(), &'static str> {
        let _ = std::mem::replace(&mut kind, &None);
        if r#in.len() < 20 { Ok(()) } else { Err("too long") }
    }

    /// A method called `type` is the message `Type`.
    #[message]
    fn r#type(
        &mut self,
        mut r#in: String,
        #[serde(rename = "what", default)] kind: Option<u8>,
        #[serde(with = "module")] with: Upper,
        #[serde(rename = "kind", deserialize_with = "upper")] r#type: Upper,
    ) {
        let _ = kind;
        r#in.push('.');
        self.0 = r#in + &with.0 + &r#type.0;
    }

    #[message(rename = "not an identifier")]
    fn spaced(&mut self, grid: [u8; Self::SIZE], own: Vec<Option<u8>>) {
        let _ = (grid, own);
    }

    #[message(rename = "snake_case")]
    fn other(&mut self) {}

    const SIZE: usize = { 3 };
}

mod module {
    pub(crate) use super::upper as deserialize;
}

fn main() {
    use tapaculo::game::Game;
    assert_eq!(Typist::MESSAGES, ["Type", "not an identifier", "snake_case"]);
    let _ = TypistMessage::Spaced {
        grid: [0; 3],
        own: Vec::new(),
    };
    let _ = TypistMessage::Type {
        r#in: String::new(),
        kind: None,
        with: Upper(String::new()),
        r#type: Upper(String::new()),
    };
}
