/** Short sounds, made here. Off until they are wanted. */
let context = null;
let wanted = false;

// Frequencies in hertz, one after the other, and how long each takes in seconds.
const SOUNDS = {
  move: [[420], 0.06], capture: [[300, 210], 0.06], check: [[660, 880], 0.09],
  start: [[440, 554], 0.11], end: [[523, 440, 349], 0.16], low: [[980, 980], 0.08],
};

/** Turns sound on or off; has to be called by a press of a button the first time. */
export function setSound(on) {
  wanted = on;
  if (on) context ??= new AudioContext();
  if (on) context.resume().catch(() => {});
}

export function play(kind) {
  if (!wanted || context?.state !== "running") return;
  const [tones, length] = SOUNDS[kind];
  tones.forEach((frequency, i) => {
    const start = context.currentTime + i * length, oscillator = context.createOscillator(), gain = context.createGain();
    oscillator.type = "triangle";
    oscillator.frequency.value = frequency;
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(0.18, start + 0.008);
    gain.gain.exponentialRampToValueAtTime(0.001, start + length * 1.6);
    oscillator.connect(gain).connect(context.destination);
    oscillator.start(start);
    oscillator.stop(start + length * 1.7);
  });
}
