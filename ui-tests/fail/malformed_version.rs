use serde::{Deserialize, Serialize};

#[tapaculo::game(persist, version = 0)]
#[derive(Default, Serialize, Deserialize)]
pub struct Zero;

#[tapaculo::game(persist, version = "3")]
#[derive(Default, Serialize, Deserialize)]
pub struct Text;

#[tapaculo::game(persist, version = 1.2)]
#[derive(Default, Serialize, Deserialize)]
pub struct Dotted;

#[tapaculo::game(persist, version = -1)]
#[derive(Default, Serialize, Deserialize)]
pub struct Negative;

#[tapaculo::game(persist, version = 20261123070500)]
#[derive(Default, Serialize, Deserialize)]
pub struct Date;

#[tapaculo::game(persist, version)]
#[derive(Default, Serialize, Deserialize)]
pub struct Absent;

#[tapaculo::game(persist, version(3))]
#[derive(Default, Serialize, Deserialize)]
pub struct Parentheses;

fn main() {}
