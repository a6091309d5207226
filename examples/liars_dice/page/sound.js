/** What is heard of a game. */
import { Sounds } from "./sounds.js";

export const Sound = new Sounds({
  bid: [[420], 0.06], turn: [[523, 659], 0.09], liar: [[392, 311, 233], 0.12], roll: [[180, 240, 200, 260, 210], 0.04],
  start: [[440, 554], 0.11], end: [[523, 659, 784], 0.16], low: [[980, 980], 0.08],
});
