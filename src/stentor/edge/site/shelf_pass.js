// The shelf's way past the door: fetches the multivariant playlist, in line like everybody if there
// is one, and takes from it the pass that playlists are asked for with. Needs nothing of media.

import { Backoff, pause } from "./backoff.js";
import { refused } from "./connection.js";
import { waitInLine } from "./line.js";

const REQUEST_MS = 10_000;
const LEAST_MS = 1_000;

/** The pass that a multivariant playlist gives, "" if it gives none. Pure. */
export function passIn(playlist) {
  return /[?&]pass=([\w.~-]+)/.exec(playlist)?.[1] ?? "";
}

/**
 * Resolves to a pass, "" where none is needed, or null once `signal` is aborted. `tell` gets one's
 * place in line about once a second; `trouble` that it could not be asked, and when it will be again.
 */
export async function takePass({ room, tickets, signal, tell, trouble }) {
  const backoff = new Backoff();
  let proof = null;
  while (!signal.aborted) {
    try {
      const query = new URLSearchParams();
      const ticket = tickets.best();
      if (ticket) query.set("ticket", ticket);
      if (ticket && proof?.ticket === ticket) query.set("proof", proof.text);
      proof = null;
      const asked = query.size ? `?${query}` : "";
      const response = await fetch(`/r/${room}/hls/master.m3u8${asked}`, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]),
        cache: "no-store",
      });
      if (response.ok) {
        tickets.admitted();
        return passIn(await response.text());
      }
      const { kind, said, afterMs = 0 } = await refused(response);
      if (kind === "gone" || kind === "over") return ""; // the playlist itself says so
      if (kind === "ticket") tickets.forget();
      else if (kind === "line" && !tickets.refused(said)) {
        const lost = tickets.worse;
        const shown = tickets.best();
        const place_ms = tickets.line?.place_ms ?? said.place_ms;
        const text = await waitInLine({ room, said: { ...said, place_ms }, signal, tell: (place) => tell({ lost, ...place }) });
        if (text) proof = { text, ticket: shown };
        backoff.reset();
        continue;
      }
      await pause(Math.max(LEAST_MS, afterMs) * (0.75 + Math.random() / 2), signal);
    } catch {
      if (signal.aborted) break;
      const retryMs = backoff.nextMs();
      trouble({ attempt: backoff.attempt, retryMs });
      await pause(retryMs, signal);
    }
  }
  return null;
}
