/** What is known of the game: the server's view of it, and what its events change. */
const NAMES = ["one", "two", "three", "four", "five", "six"];

/** `3 fours` */
export const bidWords = ({ count, face }) => `${count} ${faceWords(face, count)}`;
export const faceWords = (face, count) => NAMES[face - 1] + (count === 1 ? "" : face === 6 ? "es" : "s");

export const diceCount = count => `${count} ${count === 1 ? "die" : "dice"}`;

/** How to say that there are so many. */
export const thereAre = (count, face) => (count === 1 ? `There is 1 ${NAMES[face - 1]}` : `There are ${count || "no"} ${faceWords(face, count)}`);

/** Whether the bid that was uncovered was true. */
export const isTrue = ({ bid, count }) => count >= bid.count;

export const blank = () => ({
  stage: "waiting", // "waiting", "bidding", "uncovered" or "over"
  players: [],      // of the game, in order of their turns: { user, name, dice: how many }
  mine: null,       // what is under the own cup; that of others is nowhere in the page
  round: 0, bids: [], turn: null, until: null, uncovered: null, ready: [], winner: null,
  away: new Map(),  // user → when the player will have left
  options: { dice: 5, seconds: 30 },
});

export function fromView(view) {
  const { dice, seconds, away, ...rest } = view;
  return { ...rest, away: new Map(Object.entries(away)), options: { dice, seconds } };
}

/** The game after an event. */
export function after(game, event) {
  const { away } = game;
  switch (event.type) {
    case "GameStart":
      return { ...blank(), away, options: game.options, players: event.players }; // the first round follows
    case "RoundStart": {
      const { round, players, turn, until } = event;
      return { ...game, stage: "bidding", round, players, turn, until, mine: null, bids: [], uncovered: null, ready: [] };
    }
    case "YourDice":
      return { ...game, mine: event.dice };
    case "BidMade": {
      const { by, count, face, late, turn, until } = event;
      return { ...game, bids: [...game.bids, { by, count, face, late }], turn, until };
    }
    case "Uncovered": {
      const { type, until, ...uncovered } = event;
      const players = game.players.map(each => (each.user === event.loser ? { ...each, dice: each.dice - 1 } : each));
      return { ...game, stage: "uncovered", uncovered, until, players, turn: null, mine: null };
    }
    case "Ready":
      return { ...game, ready: [...game.ready, event.by] };
    case "Gone":
      return { ...game, players: game.players.map(each => (each.user === event.by ? { ...each, dice: 0 } : each)) };
    case "GameOver":
      return { ...game, stage: "over", winner: event.winner, turn: null, until: null, mine: null };
    case "Disconnected":
      return { ...game, away: new Map(away).set(event.by, event.until) };
    case "Reconnected":
      return { ...game, away: new Map([...away].filter(([user]) => user !== event.by)) };
    default:
      return game;
  }
}

/** The game once somebody has given up the seat. */
export const without = (game, user) => ({ ...game, away: new Map([...game.away].filter(([other]) => other !== user)) });

export const isPlaying = game => game.stage === "bidding" || game.stage === "uncovered";
export const isBot = user => user.startsWith("bot:");
export const diceOf = (game, user) => game.players.find(each => each.user === user)?.dice ?? 0;
export const allDice = game => game.players.reduce((sum, each) => sum + each.dice, 0);
export const lastBid = game => game.bids.at(-1) ?? null;
export const smallestCount = (last, face) => (!last ? 1 : face > last.face ? last.count : last.count + 1);

/** Dice in words, for those who hear them. */
export const diceWords = dice => [...dice].sort().join(", ");
