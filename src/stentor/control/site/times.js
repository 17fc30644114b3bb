// Times as people read them: the listener's own time zone, countdowns, positions.

const day = { weekday: "long", day: "numeric", month: "long" };
const hour = { hour: "numeric", minute: "2-digit" };

/** "Tuesday 1 December, 21:00 GMT+1" in the listener's own way of writing it. */
export function localTime(unixMs, nowMs = Date.now()) {
  const then = new Date(unixMs);
  const today = new Date(nowMs).toDateString() === then.toDateString();
  const clock = then.toLocaleTimeString(undefined, { ...hour, timeZoneName: "short" });
  if (today) return `Today, ${clock}`;
  const year = then.getFullYear() === new Date(nowMs).getFullYear() ? {} : { year: "numeric" };
  return `${then.toLocaleDateString(undefined, { ...day, ...year })}, ${clock}`;
}

/** "2 d 03:04:05", "03:04:05" or "04:05". */
export function countdown(ms) {
  const whole = Math.max(0, Math.ceil(ms / 1000));
  const days = Math.floor(whole / 86_400);
  const rest = position(whole % 86_400, whole >= 3_600);
  return days ? `${days} d ${rest}` : rest;
}

/** "1:02:03" or "02:03". */
export function position(time, hours = time >= 3_600) {
  const whole = Math.max(0, Math.floor(time));
  const two = (number) => String(number).padStart(2, "0");
  const tail = `${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  return hours ? `${Math.floor(whole / 3_600)}:${tail}` : tail;
}

/** "12 minutes", "1 hour 5 minutes": for people, and for what a screen reader says. */
export function spoken(time) {
  const minutes = Math.floor(time / 60);
  const unit = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;
  if (minutes < 1) return unit(Math.floor(time), "second");
  if (minutes < 60) return unit(minutes, "minute");
  const tail = minutes % 60 ? ` ${unit(minutes % 60, "minute")}` : "";
  return unit(Math.floor(minutes / 60), "hour") + tail;
}
