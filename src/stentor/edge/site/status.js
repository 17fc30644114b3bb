// One word for how the listener stands: what the page says and shows follows from it. Pure.

const UNREACHABLE_MS = 5_000;

/**
 * idle, gone, paused, line, tap, waiting (for the hour), connecting, playing, stalled, reconnecting,
 * unreachable or finished.
 */
export function decideStatus({ gone, wanted, finished, trouble, dry, heard, phase, inLine, wantsTap }) {
  if (gone) return "gone";
  if (wanted === "none") return "idle";
  if (finished) return "finished";
  if (wanted === "pause") return "paused";
  if (inLine && dry) return "line";
  if (wantsTap && !trouble) return "tap";
  if (trouble && dry) return trouble.silentMs > UNREACHABLE_MS ? "unreachable" : "reconnecting";
  if (phase === "scheduled") return "waiting";
  if (!dry) return "playing";
  return heard ? "stalled" : "connecting";
}
