// One request for the push stream, from its head to its end, read box by box. Says how it ended:
// refused (and what the door said), ended, silent, or held back by something in between. Never asks
// twice; whether to come again is for push.js.

import { PartReader } from "./boxes.js";

const HEAD_MS = 6_000; // a crowded edge may let a joiner wait; it serves whoever listens first
const FIRST_BYTES_MS = 3_000; // a head without a body for so long is a proxy that buffers
const SILENCE_MS = 4_000; // beyond a quarter more than the lane's period
const WAITING_SILENCE_MS = 25_000; // before the hour there is a heartbeat every 10 s
const CROWDED_MS = 20_000; // too many from this network, or this browser asks too often
export const SHORT_LIVED_MS = 15_000;

export class Connection {
  #abort = new AbortController();
  #timedOut = false;
  #timer = 0;
  #phase;
  periodMs = 320;
  rendition = "";
  head = false;
  received = 0;
  lastedMs = 0;

  /** `emit` gets head, init, part, state, jump, return, advice; `outcome` is how it ended. */
  constructor({ url, phase, emit }) {
    this.url = url;
    this.#phase = phase;
    this.emit = emit;
  }

  /** What ended it came from here: the other side said nothing for too long. */
  get silent() {
    return this.#timedOut;
  }

  start() {
    this.outcome = this.#read();
    return this.outcome;
  }

  stop() {
    this.#abort.abort();
  }

  /**
   * Resolves to { kind }: ended, gone, over (it ended before), early, full, crowded, line, ticket (it
   * is no good), stale (what was asked for is), refused, lost.
   */
  async #read() {
    const began = performance.now();
    this.#wait(HEAD_MS);
    try {
      const response = await fetch(this.url, { signal: this.#abort.signal, cache: "no-store" });
      if (!response.ok) return await refused(response);
      this.head = true;
      this.periodMs = Number(response.headers.get("Stentor-Period-Ms")) || this.periodMs;
      this.rendition = response.headers.get("Stentor-Rendition") ?? "";
      this.#wait(FIRST_BYTES_MS);
      this.emit({ kind: "head", periodMs: this.periodMs, rendition: this.rendition });
      const reader = response.body.getReader();
      const parts = new PartReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return { kind: this.#phase === "ended" ? "ended" : "lost" };
        this.received += value.length;
        for (const event of parts.feed(value)) {
          if (event.kind === "state") this.#phase = event.state.phase;
          this.emit(event);
        }
        this.#wait(this.#phase === "live" ? this.periodMs * 1.25 + SILENCE_MS : WAITING_SILENCE_MS);
      }
    } catch {
      return { kind: "lost" };
    } finally {
      clearTimeout(this.#timer);
      this.lastedMs = performance.now() - began;
      this.#abort.abort(); // a body that is not read to its end would keep the connection
    }
  }

  #wait(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timedOut = true;
      this.#abort.abort();
    }, ms);
  }
}

/** What a refusal of the door means: { kind }, and what it said or when to come again. */
export async function refused(response) {
  if (response.status === 404) return { kind: "gone" };
  if (response.status === 410) return { kind: "over" };
  const said = await response.json().catch(() => ({}));
  const type = said.type ?? "";
  if (type.endsWith(":line")) return { kind: "line", said };
  if (type.endsWith(":doors-closed")) return { kind: "early" };
  if (type.includes(":ticket-")) return { kind: "ticket" };
  const afterMs = 1_000 * (Number(response.headers.get("Retry-After")) || 0);
  const crowded = response.status === 429 || type.endsWith(":line-full");
  if (crowded) return { kind: "crowded", afterMs: Math.max(CROWDED_MS, afterMs) };
  if (response.status === 400) return { kind: "stale", afterMs };
  return { kind: type.endsWith("-full") ? "full" : "refused", afterMs };
}
