// Room state from outside the stream, for those who do not listen yet, or listen to the shelf.
// Asks seldom, with jitter, and right after the hour.

import { Backoff, pause } from "./backoff.js";

const QUIET_MS = 12_000;
const FAR_MS = 60_000;
const UNKNOWN_MS = 3_000; // a room that was made this second is known in the next
const jitter = (ms) => ms * (0.75 + Math.random() / 2);

/** Fetches a state, and tells `clock` what time the server's head says it is. */
export async function fetchState(room, clock) {
  const response = await fetch(`/r/${room}/state.json`, {
    cache: "no-store",
    signal: AbortSignal.timeout(8_000),
  });
  if (response.status === 404) return null;
  if (!response.ok) throw new Error(`state: ${response.status}`);
  const now = Number(response.headers.get("Stentor-Time-Ms"));
  const state = await response.json();
  if (now) clock.noteNow(now, state);
  return state;
}

/** Keeps `take(state)` told for as long as `wanted()`; `take(null)` when there is no such room. */
export async function followState({ room, clock, wanted, take, trouble }) {
  const backoff = new Backoff();
  let unknown = 0;
  for (;;) {
    let waitMs = jitter(QUIET_MS);
    if (wanted()) {
      try {
        const state = await fetchState(room, clock);
        backoff.reset();
        take(state);
        waitMs = state ? untilNext(state, clock.unixMs) : jitter(UNKNOWN_MS * (1 + unknown++));
        if (state) unknown = 0;
      } catch {
        waitMs = backoff.nextMs();
        trouble(backoff.attempt, waitMs);
      }
    }
    await pause(waitMs);
  }
}

function untilNext(state, nowMs) {
  if (state.phase === "ended") return jitter(FAR_MS);
  if (state.phase === "live") return jitter(QUIET_MS);
  const left = state.epoch_ms - nowMs;
  // Just before the hour one asks once more just after it: within the first second, not all at once.
  return left < FAR_MS ? Math.max(500, left) + Math.random() * 500 : jitter(FAR_MS * 0.75);
}
