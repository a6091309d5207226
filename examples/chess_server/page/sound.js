/** What is heard of a game. */
import { Sounds } from "./sounds.js";

export const Sound = new Sounds({
  move: [[420], 0.06], capture: [[300, 210], 0.06], check: [[660, 880], 0.09],
  start: [[440, 554], 0.11], end: [[523, 440, 349], 0.16], low: [[980, 980], 0.08],
});
