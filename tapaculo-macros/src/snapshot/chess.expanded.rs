#[derive(Default, Serialize, Deserialize)]
pub struct Chess {
    board: Board,
    outcome: Option<Outcome>,
}
#[automatically_derived]
impl ::tapaculo::game::Declared for Chess {
    const NAME: &'static ::core::primitive::str = "chess";
    const SETTINGS: ::tapaculo::game::Settings = ::tapaculo::game::Settings::new()
        .players(2)
        .spectators()
        .history(512)
        .reconnect(::core::time::Duration::from_millis(60000));
    const PERSIST: ::core::option::Option<::tapaculo::game::Persist> = ::core::option::Option::Some(
        ::tapaculo::game::Persist::new().version(2),
    );
    fn save(&self) -> ::core::option::Option<::tapaculo::game::Encoded> {
        ::core::option::Option::Some(::tapaculo::__private::save(self))
    }
    fn load(
        __saved: &[::core::primitive::u8],
    ) -> ::core::result::Result<Self, ::tapaculo::game::Refusal> {
        ::tapaculo::__private::load(__saved)
    }
}
#[automatically_derived]
impl ::tapaculo::game::Speaks for Chess {
    type Event = ChessEvent;
    fn encode(
        __event: &Self::Event,
    ) -> ::core::result::Result<::tapaculo::game::Reply, ::tapaculo::game::Refusal> {
        ::tapaculo::__private::encoded(__event)
    }
}
#[automatically_derived]
impl ::tapaculo::__private::Persists for Chess {
    const STATE: ::tapaculo::__private::Codec<Self> = ::tapaculo::__private::codec();
}
const _: () = {
    #[allow(unused_imports)]
    use ::tapaculo::__private::Undeclared as _;
    ::tapaculo::__private::migrates(::tapaculo::__private::SettingsOf::<Chess>::MIGRATES)
};
impl Chess {
    #[allow(clippy::needless_pass_by_value, clippy::unused_self)]
    fn migrate(old: SavedState) -> Result<Self, SavedStateError> {
        Ok(Self::from(old.read::<ChessV1>()?))
    }
    #[allow(clippy::trivially_copy_pass_by_ref, clippy::unused_self)]
    fn start(&mut self, room: &mut Room<Self>) {
        room.broadcast(ChessEvent::GameStart);
    }
    #[allow(
        clippy::ref_option,
        clippy::trivially_copy_pass_by_ref,
        clippy::unnecessary_wraps,
        clippy::unused_self
    )]
    fn playing(&self) -> Result<(), &'static str> {
        self.outcome.is_none().then_some(()).ok_or("the game is over")
    }
    #[allow(
        clippy::ref_option,
        clippy::trivially_copy_pass_by_ref,
        clippy::unnecessary_wraps,
        clippy::unused_self
    )]
    fn legal(
        &self,
        player: &Player,
        from: &Square,
        to: &Square,
    ) -> Result<(), IllegalMove> {
        self.board.legal(player.seat(), *from, *to)
    }
    #[allow(clippy::needless_pass_by_value, clippy::unused_self)]
    /// Moves a piece.
    fn play(
        &mut self,
        room: &mut Room<Self>,
        player: &Player,
        from: Square,
        to: Square,
        promotion: Option<Piece>,
    ) {
        let fen = self.board.play(from, to, promotion);
        room.broadcast(ChessEvent::MoveMade {
            by: player.user().clone(),
            fen,
        });
    }
    #[allow(clippy::needless_pass_by_value, clippy::unused_self)]
    /// Gives up.
    fn resign(
        &mut self,
        room: &mut Room<Self>,
        player: &Player,
    ) -> Result<Outcome, Over> {
        self.finish(room, Outcome::Resigned(player.seat()))
    }
    #[allow(clippy::needless_pass_by_value, clippy::unused_self)]
    /// Says something; spectators may too.
    async fn chat(&mut self, room: &mut Room<Self>, from: &Member, text: String) {
        room.broadcast(ChessEvent::Said {
            by: from.user().clone(),
            text,
        });
    }
    #[allow(clippy::needless_pass_by_value, clippy::unused_self)]
    #[cfg(feature = "analysis")]
    fn analyse(&self) -> Analysis {
        self.board.analyse()
    }
    #[allow(clippy::needless_pass_by_value, clippy::unused_self)]
    /// The clock of a seat ran out.
    fn flag(&mut self, room: &mut Room<Self>, seat: Seat) -> Result<(), Over> {
        self.finish(room, Outcome::Flagged(seat)).map(|_| ())
    }
    #[allow(clippy::trivially_copy_pass_by_ref, clippy::unused_self)]
    fn dropped(&mut self, room: &mut Room<Self>, player: &Player) {
        room.after(
            GRACE,
            ChessTimer::Flag {
                seat: player.seat(),
            },
        );
    }
    #[allow(clippy::trivially_copy_pass_by_ref, clippy::unused_self)]
    fn left(&mut self, room: &mut Room<Self>, player: &Player) -> Result<(), Over> {
        self.finish(room, Outcome::Left(player.seat())).map(|_| ())
    }
    #[allow(clippy::trivially_copy_pass_by_ref, clippy::unused_self)]
    fn view(&self, viewer: &Member) -> ChessView {
        ChessView::of(self, viewer)
    }
    fn finish(
        &mut self,
        room: &mut Room<Self>,
        outcome: Outcome,
    ) -> Result<Outcome, Over> {
        self.outcome = Some(outcome);
        room.broadcast(ChessEvent::GameOver { outcome });
        Ok(outcome)
    }
}
const __ALL_HANDLERS_OF_Chess_GO_INTO_ONE_IMPL: () = ();
/// The messages of `Chess`.
#[allow(missing_docs, clippy::exhaustive_enums)]
pub enum ChessMessage {
    /// Moves a piece.
    Move { from: Square, to: Square, promotion: Option<Piece> },
    /// Gives up.
    Resign,
    /// Says something; spectators may too.
    Chat { text: String },
    #[cfg(feature = "analysis")]
    Analyse,
}
/// The timers of `Chess`.
#[derive(
    ::tapaculo::__private::serde::Serialize,
    ::tapaculo::__private::serde::Deserialize
)]
#[serde(crate = "::tapaculo::__private::serde")]
#[allow(missing_docs, clippy::exhaustive_enums)]
pub enum ChessTimer {
    /// The clock of a seat ran out.
    Flag {
        #[serde(bound = "for<'__kept> Seat: ::tapaculo::__private::Persistable")]
        seat: Seat,
    },
}
const _: () = {
    const __MESSAGES: &[&::core::primitive::str] = &[
        "Move",
        "Resign",
        "Chat",
        #[cfg(feature = "analysis")]
        "Analyse",
    ];
    #[allow(unused_imports)]
    use ::tapaculo::__private::Undeclared as _;
    const _: () = ::tapaculo::__private::SettingsOf::<Chess>::SETTINGS.on_full();
    const _: () = ::tapaculo::__private::SettingsOf::<Chess>::SETTINGS.on_disconnect();
    const _: () = ::tapaculo::__private::migrate(
        ::tapaculo::__private::SettingsOf::<Chess>::PERSIST,
    );
    #[allow(unused_imports)]
    use ::tapaculo::__private::Unkept as _;
    #[automatically_derived]
    impl ::tapaculo::game::Game for Chess {
        type Message = ChessMessage;
        type Timer = ChessTimer;
        const MESSAGES: &'static [&'static ::core::primitive::str] = __MESSAGES;
        fn decode(
            __message: &::tapaculo::game::RawMessage<'_>,
        ) -> ::core::result::Result<ChessMessage, ::tapaculo::game::BadMessage> {
            match __message.tag() {
                "Move" => {
                    #[derive(::tapaculo::__private::serde::Deserialize)]
                    #[serde(crate = "::tapaculo::__private::serde")]
                    struct __Fields<__T0, __T1, __T2> {
                        from: __T0,
                        to: __T1,
                        #[serde(default)]
                        promotion: __T2,
                    }
                    fn __fields<
                        __T0: ::tapaculo::__private::IsField,
                        __T1: ::tapaculo::__private::IsField,
                        __T2: ::tapaculo::__private::IsField + ::core::default::Default,
                    >(
                        __message: &::tapaculo::game::RawMessage<'_>,
                    ) -> ::core::result::Result<
                        __Fields<__T0, __T1, __T2>,
                        ::tapaculo::game::BadMessage,
                    > {
                        __message.fields()
                    }
                    let __Fields { from, to, promotion } = __fields::<
                        Square,
                        Square,
                        Option<Piece>,
                    >(__message)?;
                    ::core::result::Result::Ok(ChessMessage::Move {
                        from,
                        to,
                        promotion,
                    })
                }
                "Resign" => ::core::result::Result::Ok(ChessMessage::Resign),
                "Chat" => {
                    #[derive(::tapaculo::__private::serde::Deserialize)]
                    #[serde(crate = "::tapaculo::__private::serde")]
                    struct __Fields<__T0> {
                        text: __T0,
                    }
                    fn __fields<__T0: ::tapaculo::__private::IsField>(
                        __message: &::tapaculo::game::RawMessage<'_>,
                    ) -> ::core::result::Result<
                        __Fields<__T0>,
                        ::tapaculo::game::BadMessage,
                    > {
                        __message.fields()
                    }
                    let __Fields { text } = __fields::<String>(__message)?;
                    ::core::result::Result::Ok(ChessMessage::Chat { text })
                }
                #[cfg(feature = "analysis")]
                "Analyse" => ::core::result::Result::Ok(ChessMessage::Analyse),
                _ => ::core::result::Result::Err(__message.unknown(__MESSAGES)),
            }
        }
        async fn create(
            __room: &::tapaculo::ids::RoomId,
            __options: &::tapaculo::game::Options,
        ) -> ::core::result::Result<Self, ::tapaculo::game::Refusal> {
            ::core::result::Result::Ok(
                <Chess as ::tapaculo::__private::BeginsByDefault>::begin(),
            )
        }
        const MIGRATES: ::core::primitive::bool = true;
        fn migrate(
            __old: ::tapaculo::game::SavedState,
        ) -> ::core::result::Result<Self, ::tapaculo::game::Refusal> {
            use ::tapaculo::__private::Infallibly as _;
            let __returned = Self::migrate(__old);
            ::tapaculo::__private::migrated::<
                Self,
                _,
                _,
            >(::tapaculo::__private::Returned(__returned).result())
        }
        async fn dispatch(
            &mut self,
            __room: &mut ::tapaculo::game::Room<Self>,
            __from: &::tapaculo::game::Member,
            __message: ChessMessage,
        ) -> ::tapaculo::game::Answer {
            use ::tapaculo::__private::Infallibly as _;
            match &__message {
                ChessMessage::Chat { .. } => {}
                _ => {
                    __from.seated()?;
                }
            }
            {
                let __returned = Self::playing(self);
                ::tapaculo::__private::hooked(__returned)?;
            }
            match __message {
                ChessMessage::Move { from, to, promotion } => {
                    let __player = &__from.seated()?;
                    {
                        let __returned = Self::legal(self, __player, &from, &to);
                        ::tapaculo::__private::hooked(__returned)?;
                    }
                    let __returned = Self::play(
                        self,
                        __room,
                        __player,
                        from,
                        to,
                        promotion,
                    );
                    ::tapaculo::__private::answer(
                        ::tapaculo::__private::Returned(__returned).result(),
                    )
                }
                ChessMessage::Resign => {
                    let __player = &__from.seated()?;
                    let __returned = Self::resign(self, __room, __player);
                    ::tapaculo::__private::answer(
                        ::tapaculo::__private::Returned(__returned).result(),
                    )
                }
                ChessMessage::Chat { text } => {
                    let __returned = Self::chat(self, __room, __from, text).await;
                    ::tapaculo::__private::answer(
                        ::tapaculo::__private::Returned(__returned).result(),
                    )
                }
                #[cfg(feature = "analysis")]
                ChessMessage::Analyse => {
                    let __player = &__from.seated()?;
                    let __returned = Self::analyse(self);
                    ::tapaculo::__private::answer(
                        ::tapaculo::__private::Returned(__returned).result(),
                    )
                }
            }
        }
        async fn on_full(
            &mut self,
            __room: &mut ::tapaculo::game::Room<Self>,
        ) -> ::tapaculo::game::Hooked {
            use ::tapaculo::__private::Infallibly as _;
            let __returned = Self::start(self, __room);
            ::tapaculo::__private::hooked(
                ::tapaculo::__private::Returned(__returned).result(),
            )
        }
        async fn on_disconnect(
            &mut self,
            __room: &mut ::tapaculo::game::Room<Self>,
            __player: &::tapaculo::game::Player,
        ) -> ::tapaculo::game::Hooked {
            use ::tapaculo::__private::Infallibly as _;
            let __returned = Self::dropped(self, __room, __player);
            ::tapaculo::__private::hooked(
                ::tapaculo::__private::Returned(__returned).result(),
            )
        }
        async fn on_leave(
            &mut self,
            __room: &mut ::tapaculo::game::Room<Self>,
            __player: &::tapaculo::game::Player,
        ) -> ::tapaculo::game::Hooked {
            use ::tapaculo::__private::Infallibly as _;
            let __returned = Self::left(self, __room, __player);
            ::tapaculo::__private::hooked(
                ::tapaculo::__private::Returned(__returned).result(),
            )
        }
        async fn timer(
            &mut self,
            __room: &mut ::tapaculo::game::Room<Self>,
            __timer: ChessTimer,
        ) -> ::tapaculo::game::Hooked {
            use ::tapaculo::__private::Infallibly as _;
            match __timer {
                ChessTimer::Flag { seat } => {
                    let __returned = Self::flag(self, __room, seat);
                    ::tapaculo::__private::hooked(
                        ::tapaculo::__private::Returned(__returned).result(),
                    )
                }
            }
        }
        fn save_timer(
            __timer: &ChessTimer,
        ) -> ::core::option::Option<::tapaculo::game::Encoded> {
            ::tapaculo::__private::TimerOf::<Self, ChessTimer>::parameter::<Seat>();
            ::tapaculo::__private::TimerOf::<Self, ChessTimer>::save(__timer)
        }
        fn load_timer(
            __saved: &[::core::primitive::u8],
        ) -> ::core::result::Result<ChessTimer, ::tapaculo::game::Refusal> {
            ::tapaculo::__private::TimerOf::<Self, ChessTimer>::load(__saved)
        }
        fn view(
            &self,
            __from: &::tapaculo::game::Member,
        ) -> ::core::option::Option<
            ::core::result::Result<::tapaculo::game::Reply, ::tapaculo::game::Refusal>,
        > {
            let __returned = &Self::view(self, __from);
            ::core::option::Option::Some(::tapaculo::__private::encoded(__returned))
        }
    }
};
