// Waiting in line: from the door's public notice (door.json, the same for all) and one's own place,
// how many are ahead and how long it will take; and when to ask again. A place is a moment, so it is
// neither lost nor gained by asking.

import { Backoff, pauseUnlessWoken } from "./backoff.js";
import { prove } from "./proof.js";

const POLL_MAX_S = 30;
const NEAR_S = 6;
const TELL_MS = 1_000;
const WORTH_S = 4; // a shorter wait is over before a proof would change it

/** What belongs to a place, from the notice's line of [place_ms, number] and `values` of it. Pure. */
function between(line, values, placeMs) {
  const at = line.findIndex(([place]) => place >= placeMs);
  if (at < 0) return values.at(-1) ?? 0;
  if (at === 0) return values[0];
  const share = (placeMs - line[at - 1][0]) / Math.max(1, line[at][0] - line[at - 1][0]);
  return values[at - 1] + share * (values[at] - values[at - 1]);
}

/** Where one stands, from the door's notice: { served, ahead, waitS }. Pure. */
export function standing(notice, placeMs) {
  if (notice.open || notice.serving_ms >= placeMs) return { served: true, ahead: 0, waitS: 0 };
  const numbers = notice.line.map(([, number]) => number);
  const number = between(notice.line, numbers, placeMs);
  const ahead = Math.max(0, Math.ceil(number) - 1 - notice.serving);
  return { served: false, ahead, waitS: between(notice.line, notice.wait_s, placeMs) };
}

/**
 * When to look again, seconds: each time a third of what is left, so that a long wait costs few
 * questions and its end is met (admission/line.py does the same). `chance` is 0 to 1. Pure.
 */
export function nextLookS(waitS, leastS, chance) {
  if (waitS <= NEAR_S) return waitS + 0.2 + 0.6 * chance;
  const wanted = Math.min(POLL_MAX_S, Math.max(leastS, waitS / 3)) * (0.75 + 0.5 * chance);
  return Math.min(wanted, waitS + chance);
}

async function notice(room, signal) {
  const answer = await fetch(`/r/${room}/door.json`, {
    signal: AbortSignal.any([signal, AbortSignal.timeout(8_000)]),
  });
  if (!answer.ok) throw new Error(`door: ${answer.status}`);
  return answer.json();
}

/**
 * Resolves when it is one's turn to come, or `signal` is aborted; earlier, and to a proof of work, if
 * the door asked for one. `said` is its refusal; `tell` gets { ahead, total, waitS, away, standby } about
 * once a second.
 */
export async function waitInLine({ room, said, signal, tell }) {
  const backoff = new Backoff();
  const { ahead, wait_s: waitS, standby = false } = said;
  const place = { ahead, waitS, away: false, total: Math.max(1, ahead), standby };
  let seenAt = performance.now();
  const draw = () => {
    const passed = (performance.now() - seenAt) / 1_000;
    const left = Math.max(0, place.waitS - passed);
    const share = place.waitS ? left / place.waitS : 1;
    tell({ ...place, waitS: left, ahead: Math.round(place.ahead * share) });
  };
  draw();
  const timer = setInterval(draw, TELL_MS);
  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal]);
  let proof = null;
  if (said.altcha && said.wait_s > WORTH_S) {
    prove(said.altcha, until).then((found) => {
      proof = found;
      if (found) over.abort();
    });
  }
  try {
    let lookS = said.poll_s;
    while (!until.aborted) {
      await pauseUnlessWoken(1_000 * lookS, until);
      if (until.aborted) return proof;
      // So many came at once that one comes again for a place of one's own; or the turn has come and
      // the house is full: the door says each time how that stands.
      if (said.shared || said.standby) return null;
      try {
        const seen = await notice(room, until);
        const now = standing(seen, said.place_ms);
        if (now.served) return null;
        backoff.reset();
        seenAt = performance.now();
        Object.assign(place, { ahead: now.ahead, waitS: now.waitS, away: false });
        place.total = Math.max(place.total, now.ahead);
        lookS = nextLookS(now.waitS, seen.poll_s_min, Math.random());
      } catch {
        if (until.aborted) return proof;
        place.away = backoff.attempt > 0;
        lookS = 1 + backoff.nextMs() / 1_000;
      }
    }
    return proof;
  } finally {
    over.abort();
    clearInterval(timer);
  }
}
