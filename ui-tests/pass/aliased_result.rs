//! Results under other names, with any error that displays.

type Outcome<T = ()> = Result<T, Refused>;
type Nothing = ();

#[derive(Debug)]
pub struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("refused")
    }
}

#[tapaculo::game]
#[derive(Default)]
pub struct Alias;

#[tapaculo::game]
impl Alias {
    #[on_join]
    fn joined(&mut self) -> Outcome {
        Err(Refused)
    }

    #[validate]
    fn never(&self) -> Outcome {
        Err(Refused)
    }

    #[message]
    fn one(&mut self) -> Outcome<u8> {
        Ok(1)
    }

    #[message]
    fn two(&mut self) -> Outcome {
        Ok(())
    }

    #[message]
    fn three(&mut self) -> std::io::Result<Vec<u8>> {
        Ok(Vec::new())
    }

    #[message]
    fn four(&mut self) -> Nothing {}

    #[message]
    fn five(&mut self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(())
    }

    #[message]
    fn six(&mut self) -> impl serde::Serialize + use<> {
        "text"
    }

    #[message]
    fn seven(&self) -> &str {
        "text"
    }

    #[message]
    fn eight(&mut self) -> Option<String> {
        None
    }

    #[view]
    fn look(&self) -> impl serde::Serialize {
        ["anything"]
    }
}

mod own {
    //! What a view shows may be called `Result`, as anything else.

    #[derive(serde::Serialize)]
    pub struct Result<T>(pub T);

    #[tapaculo::game]
    #[derive(Default)]
    pub struct Race;

    #[tapaculo::game]
    impl Race {
        #[view]
        fn view(&self) -> Result<u8> {
            Result(1)
        }
    }
}

fn main() {}
