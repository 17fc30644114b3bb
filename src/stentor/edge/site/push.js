// The push stream: one request that never ends, read box by box. Reconnects by itself, notices
// silence, and says when something between here and the server holds the stream back, so that the
// player can go to the shelf. Knows nothing of media elements.

import { Backoff, pause } from "./backoff.js";
import { PartReader } from "./boxes.js";

const FIRST_BYTES_MS = 3_000; // a head without a body for so long is a proxy that buffers
const LIVE_SILENCE_MS = 4_000;
const WAITING_SILENCE_MS = 25_000; // before the hour there is a heartbeat every 10 s
const SHORT_LIVED_MS = 15_000;
const EARLY_MS = 8_000; // long before the hour the doors are closed: ask again after about so long

export class PushSource {
  #abort = new AbortController();
  #backoff = new Backoff();
  #phase;
  #strangled = 0; // connections in a row that began well and then went silent
  #heardAt = performance.now();

  /** `emit` gets init, part, state, jump; and open, early, trouble, blocked, gone, over, ended. */
  constructor({ room, rendition, phase, emit }) {
    this.url = `/r/${room}/live.mp4?rendition=${rendition}`;
    this.stateUrl = `/r/${room}/state.json`;
    this.#phase = phase;
    this.emit = emit;
  }

  start() {
    this.#run();
  }

  stop() {
    this.#abort.abort();
  }

  get #stopped() {
    return this.#abort.signal.aborted;
  }

  async #run() {
    while (!this.#stopped) {
      const outcome = await this.#connect();
      if (this.#stopped) return;
      if (["ended", "gone", "over", "blocked"].includes(outcome)) return this.emit({ kind: outcome });
      if (outcome === "early") {
        this.emit({ kind: "early" });
        await pause(EARLY_MS * (0.5 + Math.random()), this.#abort.signal);
        continue;
      }
      const waitMs = this.#backoff.nextMs();
      this.emit({
        kind: "trouble",
        attempt: this.#backoff.attempt,
        silentMs: performance.now() - this.#heardAt,
        retryMs: waitMs,
        full: outcome === "full",
      });
      await pause(waitMs, this.#abort.signal);
    }
  }

  /** One connection, to its end: ended, gone, over (it ended before), early, full, blocked, lost. */
  async #connect() {
    const connection = new AbortController();
    const stop = () => connection.abort();
    this.#abort.signal.addEventListener("abort", stop);
    const began = performance.now();
    let timer = setTimeout(stop, FIRST_BYTES_MS);
    let received = 0;
    let head = false;
    try {
      const response = await fetch(this.url, { signal: connection.signal, cache: "no-store" });
      if (!response.ok) return await refused(response);
      head = true;
      const reader = response.body.getReader();
      const parts = new PartReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return this.#phase === "ended" ? "ended" : "lost";
        if (received === 0) this.emit({ kind: "open" });
        received += value.length;
        clearTimeout(timer);
        this.#heardAt = performance.now();
        if (this.#heardAt - began > SHORT_LIVED_MS) this.#strangled = 0;
        for (const event of parts.feed(value)) {
          if (event.kind === "part") this.#backoff.reset();
          if (event.kind === "state") this.#phase = event.state.phase;
          this.emit(event);
        }
        timer = setTimeout(stop, this.#phase === "live" ? LIVE_SILENCE_MS : WAITING_SILENCE_MS);
      }
    } catch {
      if (this.#stopped) return "lost";
      return (await this.#heldBack(connection.signal.aborted, head, received, began))
        ? "blocked"
        : "lost";
    } finally {
      clearTimeout(timer);
      connection.abort(); // a body that is not read to its end would keep the connection
      this.#abort.signal.removeEventListener("abort", stop);
    }
  }

  /** Whether the silence is that of something in between, not of the server or the network. */
  async #heldBack(timedOut, head, received, began) {
    if (received > 0) {
      const short = performance.now() - began < SHORT_LIVED_MS;
      this.#strangled = timedOut && short ? this.#strangled + 1 : 0;
      return this.#strangled >= 2;
    }
    if (timedOut && head) return true;
    // No head: refused here, but answered next door, at least twice, is not a dead server.
    if (!timedOut && this.#backoff.attempt < 2) return false;
    try {
      const answer = await fetch(this.stateUrl, {
        signal: AbortSignal.timeout(2_000),
        cache: "no-store",
      });
      return answer.ok;
    } catch {
      return false;
    }
  }
}

async function refused(response) {
  if (response.status === 404) return "gone";
  if (response.status === 410) return "over";
  const { type = "" } = await response.json().catch(() => ({}));
  if (type.endsWith(":doors-closed")) return "early";
  return type.endsWith("-full") ? "full" : "lost";
}
