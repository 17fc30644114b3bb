// Waiting in line: from the door's public notice (door.json, the same for all) and one's own place,
// how many are ahead and how long it will take; and when to ask again. A place is a moment, so it is
// neither lost nor gained by asking.

import { Backoff, pause } from "./backoff.js";

const POLL_MAX_S = 15;
const POLL_MIN_S = 1;
const TELL_MS = 1_000;
const jitter = (s) => s * (0.75 + Math.random() / 2);

/** The number that belongs to a place, from the notice's line of [place_ms, number]. Pure. */
export function numberAt(line, placeMs) {
  let before = null;
  for (const [at, number] of line) {
    if (at >= placeMs) {
      if (!before || at === before[0]) return number;
      return before[1] + ((number - before[1]) * (placeMs - before[0])) / (at - before[0]);
    }
    before = [at, number];
  }
  return before ? before[1] : 0;
}

/** Where one stands: { served, ahead, waitS }; `waitS` is null when the line does not move. Pure. */
export function standing(notice, placeMs) {
  if (notice.open || notice.serving_ms >= placeMs) return { served: true, ahead: 0, waitS: 0 };
  const ahead = Math.max(0, Math.round(numberAt(notice.line, placeMs) - notice.serving));
  return { served: false, ahead, waitS: notice.per_minute > 0 ? (60 * ahead) / notice.per_minute : null };
}

/** When to look at the notice again, seconds: seldom far back, each second at the front. Pure. */
export function nextLookS(waitS, least) {
  return Math.min(POLL_MAX_S, Math.max(least ?? POLL_MIN_S, POLL_MIN_S, (waitS ?? POLL_MAX_S) / 4));
}

async function notice(room, signal) {
  const answer = await fetch(`/r/${room}/door.json`, {
    signal: AbortSignal.any([signal, AbortSignal.timeout(8_000)]),
  });
  if (!answer.ok) throw new Error(`door: ${answer.status}`);
  return answer.json();
}

/**
 * Resolves when it is one's turn to come, or `signal` is aborted. `said` is the door's refusal;
 * `tell` gets { ahead, total, waitS, away } about once a second.
 */
export async function waitInLine({ room, said, signal, tell }) {
  const backoff = new Backoff();
  const place = { ahead: said.ahead, waitS: said.wait_s, away: false, total: Math.max(1, said.ahead) };
  let seenAt = performance.now();
  const draw = () => {
    const passed = (performance.now() - seenAt) / 1_000;
    const left = place.waitS === null ? null : Math.max(0, place.waitS - passed);
    const share = place.waitS ? left / place.waitS : 1;
    tell({ ...place, waitS: left, ahead: Math.round(place.ahead * share) });
  };
  draw();
  const timer = setInterval(draw, TELL_MS);
  try {
    let waitS = said.poll_s ?? nextLookS(said.wait_s);
    while (!signal.aborted) {
      await pause(1_000 * jitter(waitS), signal);
      if (signal.aborted) return;
      try {
        const seen = await notice(room, signal);
        const now = standing(seen, said.place_ms);
        if (now.served) return;
        backoff.reset();
        seenAt = performance.now();
        Object.assign(place, { ahead: now.ahead, waitS: now.waitS, away: false });
        place.total = Math.max(place.total, now.ahead);
        waitS = nextLookS(now.waitS, seen.poll_s_min);
      } catch {
        place.away = backoff.attempt > 0;
        waitS = Math.max(POLL_MIN_S, backoff.nextMs() / 1_000);
      }
    }
  } finally {
    clearInterval(timer);
  }
}
