#[tapaculo::game(players = 2, spectators, history = 512, reconnect = "60s", event = ChessEvent, persist, version = 2)]
#[derive(Default, Serialize, Deserialize)]
pub struct Chess {
    board: Board,
    outcome: Option<Outcome>,
}

#[tapaculo::game]
impl Chess {
    #[migrate]
    fn migrate(old: SavedState) -> Result<Self, SavedStateError> {
        Ok(Self::from(old.read::<ChessV1>()?))
    }

    #[on_full]
    fn start(&mut self, room: &mut Room<Self>) {
        room.broadcast(ChessEvent::GameStart);
    }

    #[validate]
    fn playing(&self) -> Result<(), &'static str> {
        self.outcome.is_none().then_some(()).ok_or("the game is over")
    }

    #[validate(play)]
    fn legal(&self, player: &Player, from: &Square, to: &Square) -> Result<(), IllegalMove> {
        self.board.legal(player.seat(), *from, *to)
    }

    /// Moves a piece.
    #[message(rename = "Move")]
    fn play(
        &mut self,
        room: &mut Room<Self>,
        player: &Player,
        from: Square,
        to: Square,
        #[serde(default)] promotion: Option<Piece>,
    ) {
        let fen = self.board.play(from, to, promotion);
        room.broadcast(ChessEvent::MoveMade { by: player.user().clone(), fen });
    }

    /// Gives up.
    #[message]
    fn resign(&mut self, room: &mut Room<Self>, player: &Player) -> Result<Outcome, Over> {
        self.finish(room, Outcome::Resigned(player.seat()))
    }

    /// Says something; spectators may too.
    #[message(spectators)]
    async fn chat(&mut self, room: &mut Room<Self>, from: &Member, text: String) {
        room.broadcast(ChessEvent::Said { by: from.user().clone(), text });
    }

    #[cfg(feature = "analysis")]
    #[message]
    fn analyse(&self) -> Analysis {
        self.board.analyse()
    }

    /// The clock of a seat ran out.
    #[timer]
    fn flag(&mut self, room: &mut Room<Self>, seat: Seat) -> Result<(), Over> {
        self.finish(room, Outcome::Flagged(seat)).map(|_| ())
    }

    #[on_disconnect]
    fn dropped(&mut self, room: &mut Room<Self>, player: &Player) {
        room.after(GRACE, ChessTimer::Flag { seat: player.seat() });
    }

    #[on_leave]
    fn left(&mut self, room: &mut Room<Self>, player: &Player) -> Result<(), Over> {
        self.finish(room, Outcome::Left(player.seat())).map(|_| ())
    }

    #[view]
    fn view(&self, viewer: &Member) -> ChessView {
        ChessView::of(self, viewer)
    }

    fn finish(&mut self, room: &mut Room<Self>, outcome: Outcome) -> Result<Outcome, Over> {
        self.outcome = Some(outcome);
        room.broadcast(ChessEvent::GameOver { outcome });
        Ok(outcome)
    }
}
