/** When something was, in words of the reader's language. */
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });

export const clock = at => CLOCK.format(at);
export const whole = at => WHOLE.format(at);

/** A word that is the same all day. */
export const dayOf = at => new Date(at).toDateString();

export function day(at) {
  const yesterday = new Date();
  yesterday.setDate(yesterday.getDate() - 1);
  if (dayOf(at) === dayOf(Date.now())) return "Today";
  return dayOf(at) === dayOf(yesterday) ? "Yesterday" : DAY.format(at);
}
