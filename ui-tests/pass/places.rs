//! A game in a function, in a private module, and two games side by side.

mod hidden {
    #[derive(serde::Deserialize)]
    struct Secret(u8);

    #[tapaculo::game]
    #[derive(Default)]
    struct Inner;

    #[tapaculo::game]
    impl Inner {
        #[message]
        fn tell(&mut self, secret: Secret) {
            let _ = secret.0;
        }
    }

    #[tapaculo::game]
    #[derive(Default)]
    pub(crate) struct First;

    #[tapaculo::game]
    impl First {
        #[message]
        fn go(&mut self) {}
    }

    #[tapaculo::game]
    #[derive(Default)]
    pub(crate) struct Second;

    #[tapaculo::game]
    impl Second {
        #[message]
        fn go(&mut self) {}
    }

    pub(crate) fn name() -> &'static str {
        <Inner as tapaculo::game::Declared>::NAME
    }
}

#[tapaculo::game]
#[derive(Default)]
pub struct Elsewhere;

mod rules {
    #[tapaculo::game]
    impl super::Elsewhere {
        #[tapaculo::message]
        fn go(&mut self) {}
    }
}

fn main() {
    #[tapaculo::game]
    #[derive(Default)]
    struct Local;

    #[derive(serde::Deserialize)]
    struct Move(u8);

    #[tapaculo::game]
    impl Local {
        #[tapaculo::message]
        fn play(&mut self, one: Move) -> u8 {
            one.0
        }
    }

    fn is_game<G: tapaculo::game::Game>() {}
    is_game::<Local>();
    is_game::<Elsewhere>();
    is_game::<hidden::First>();
    is_game::<hidden::Second>();
    assert_eq!(hidden::name(), "inner");
}
