// The shelf: the same programme in pieces that any proxy lets through, from minute 0 to now. Works
// out addresses by arithmetic and asks the LL-HLS playlist only how far the programme is.

import { Backoff, pause } from "./backoff.js";
import { PartReader } from "./boxes.js";
import { PART_SAMPLES, PARTS_PER_SEGMENT, partsIn } from "./grid.js";
import { readPlaylist } from "./playlist.js";
import { takePass } from "./shelf_pass.js";

const AHEAD_S = 30; // how much of a recording to hold ready
const REQUEST_MS = 10_000;
const LISTED_SEGMENTS = 3; // parts are on the shelf singly for about so many segments
const LIVE_BACK_PARTS = 4;

class Gone extends Error {}
class Full extends Error {}

export class ShelfSource {
  #abort = new AbortController();
  #backoff = new Backoff();
  #heardAt = performance.now();
  #known = { parts: 0, segments: 0, ended: false };
  #pass = null; // past the door; "" where none is needed

  /**
   * `from` is a sample index, or null for the live edge; `endSamples` the whole length, once the
   * room has ended; `ahead()` says how many seconds are held already.
   */
  constructor({ room, rendition, from, endSamples, ahead, tickets, emit }) {
    this.room = room;
    this.tickets = tickets;
    this.base = `/r/${room}/hls/${rendition}/`;
    this.from = from;
    this.ahead = ahead;
    this.emit = emit;
    if (endSamples !== null) this.#end(partsIn(endSamples));
  }

  start() {
    this.#run();
  }

  stop() {
    this.#abort.abort();
  }

  #end(parts) {
    this.#known = { parts, segments: Math.ceil(parts / PARTS_PER_SEGMENT), ended: true };
  }

  async #run() {
    const signal = this.#abort.signal;
    this.emitInit = true;
    let next = null;
    while (!signal.aborted) {
      try {
        if (this.emitInit) {
          await this.#deliver("init.mp4");
          this.emitInit = false;
          this.emit({ kind: "open" });
        }
        next ??= await this.#first();
        if (this.#known.ended && next >= this.#known.parts) {
          this.emit({ kind: "complete" });
          return;
        }
        if (this.ahead() > AHEAD_S) {
          await pause(500, signal);
          continue;
        }
        next = await this.#step(next);
        this.#backoff.reset();
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Gone && this.emitInit) return this.emit({ kind: "gone" });
        if (error instanceof Full) {
          this.#pass = null;
          if (await this.#enter()) continue;
          return;
        }
        const retryMs = this.#backoff.nextMs();
        this.emit({
          kind: "trouble",
          attempt: this.#backoff.attempt,
          silentMs: performance.now() - this.#heardAt,
          retryMs,
        });
        await pause(retryMs, signal);
      }
    }
  }

  async #first() {
    if (!this.#known.ended) await this.#look("");
    if (this.from === null) return Math.max(0, this.#known.parts - LIVE_BACK_PARTS);
    const part = Math.floor(this.from / PART_SAMPLES);
    return part - (part % PARTS_PER_SEGMENT);
  }

  /** Fetches what begins at part `next` and returns the part after it. */
  async #step(next) {
    const segment = Math.floor(next / PARTS_PER_SEGMENT);
    const { parts, segments } = this.#known;
    if (segment < segments && (next % PARTS_PER_SEGMENT === 0 || segment < segments - LISTED_SEGMENTS)) {
      await this.#deliver(`seg/${segment}.m4s`);
      return (segment + 1) * PARTS_PER_SEGMENT;
    }
    if (next < parts) {
      await this.#deliver(`part/${next}.m4s`);
      return next + 1;
    }
    await this.#look(`?_HLS_msn=${segment}&_HLS_part=${next % PARTS_PER_SEGMENT}`);
    return next;
  }

  /** Passes the door, in line if there is one; says whether we are still wanted. */
  async #enter() {
    const signal = this.#abort.signal;
    const told = (event) => this.emit(event);
    this.#pass = await takePass({
      room: this.room,
      tickets: this.tickets,
      signal,
      tell: (place) => told({ kind: "line", ...place }),
      trouble: (how) =>
        told({ kind: "trouble", silentMs: performance.now() - this.#heardAt, ...how }),
    });
    if (signal.aborted) return false;
    this.emit({ kind: "open" });
    return true;
  }

  async #look(query) {
    if (this.#pass === null && !(await this.#enter())) throw new Error("not wanted any more");
    if (this.#pass) query = `${query ? `${query}&` : "?"}pass=${this.#pass}`;
    const seen = readPlaylist(await (await this.#get(`live.m3u8${query}`)).text());
    if (seen.ended && !this.#known.ended) this.emit({ kind: "over" });
    // The last segment may be short: then the playlist's arithmetic says too much, and the room's
    // state, which the player fetches now, says how much there is.
    if (!seen.ended || !this.#known.ended) this.#known = seen;
  }

  /** The room has ended meanwhile, with so many samples. */
  finish(endSamples) {
    this.#end(partsIn(endSamples));
  }

  async #deliver(path) {
    const bytes = new Uint8Array(await (await this.#get(path)).arrayBuffer());
    for (const event of new PartReader().feed(bytes)) this.emit(event);
  }

  async #get(path) {
    const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(REQUEST_MS)]);
    const response = await fetch(this.base + path, { signal });
    this.#heardAt = performance.now();
    if (response.status === 404) throw new Gone(path);
    if (response.status === 503 && path.includes(".m3u8")) {
      const { type = "" } = await response.json().catch(() => ({}));
      if (type.endsWith(":shelf-full")) throw new Full(path);
    }
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return response;
  }
}
