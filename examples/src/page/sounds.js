/** Short sounds, made here. Off until they are wanted. */
export class Sounds {
  #tunes;
  #context = null;
  #wanted = false;

  /** Of each: frequencies in hertz, one after the other, and how long each takes in seconds. */
  constructor(tunes) {
    this.#tunes = tunes;
  }

  /** Turns sound on or off; has to be called by a press of a button the first time. */
  turn(on) {
    this.#wanted = on;
    if (on) this.#context ??= new AudioContext();
    if (on) this.#context.resume().catch(() => {});
  }

  play(name) {
    const context = this.#context;
    if (!this.#wanted || context?.state !== "running") return;
    const [tones, length] = this.#tunes[name];
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

  /** The button that turns them on and off, which the guest finds again as it was; `sample` is heard with it. */
  attach(button, guest, sample) {
    const isOn = () => button.getAttribute("aria-pressed") === "true";
    const show = on => {
      button.setAttribute("aria-pressed", String(on));
      button.title = on ? "Sound is on" : "Sound is off";
    };
    button.onclick = () => {
      const on = !isOn();
      guest.remember("sound", on ? "on" : "off");
      show(on);
      this.turn(on);
      setTimeout(() => this.play(sample), 60);
    };
    if (guest.remembered("sound") !== "on") return;
    show(true);
    addEventListener("pointerdown", () => this.turn(isOn()), { once: true });
  }
}
