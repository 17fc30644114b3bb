// What time it is on the programme, as far as a listener can tell: from what the server said and
// when it arrived. The device's own clock may be wrong by minutes and only stands in until then.

import { seconds } from "./grid.js";

const WINDOW_MS = 30_000;
const nowMs = () => performance.now();

export class ProgrammeClock {
  #best = null; // programme seconds minus local seconds: the largest seen is the least delayed
  #previous = null;
  #since = 0;
  #wall = null; // the server's Unix time minus performance.now(), milliseconds

  /** Something said or played up to `sample` has just arrived. */
  note(sample) {
    const offset = seconds(sample) - nowMs() / 1000;
    if (nowMs() - this.#since > WINDOW_MS) {
      this.#previous = this.#best;
      this.#best = null;
      this.#since = nowMs();
    }
    if (this.#best === null || offset > this.#best) this.#best = offset;
  }

  /** The server's Unix time, milliseconds, as of now. */
  noteWall(unixMs) {
    this.#wall = unixMs - nowMs();
  }

  /** The server's clock said `unixMs` when it answered with `state`. */
  noteNow(unixMs, state) {
    this.noteWall(unixMs);
    if (state.phase === "live") this.note((unixMs - state.epoch_ms) * 48);
  }

  /** A state that has just come down the stream; a fetched one may be older than it looks. */
  noteState(state) {
    if (state.phase !== "live") return;
    this.note(state.sample_index);
  }

  /** How far the programme is, in seconds, or null when nothing was heard of it yet. */
  get live() {
    if (this.#best === null && this.#previous === null) return null;
    return Math.max(this.#best ?? -Infinity, this.#previous ?? -Infinity) + nowMs() / 1000;
  }

  /** The server's Unix time, milliseconds. */
  get unixMs() {
    return this.#wall === null ? Date.now() : this.#wall + nowMs();
  }
}
