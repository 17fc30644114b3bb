// The ear: a media element, what feeds it, and where in the programme it is. Decides when enough
// has come to start, where to start, how fast to play, and how to get over a hole. Where parts come
// from, and what the listener wants, it is told.

import { PART_S, seconds, targetS } from "./grid.js";
import { Pipe } from "./pipe.js";
import { Steering } from "./steering.js";

const SAME_PLACE_S = 0.05;
const same = (a, b) => a?.length === b.length && a.every((byte, at) => byte === b[at]);

export class Ear {
  #pipe = null;
  #steering = new Steering();
  #held = null; // parts not yet given to the pipe, until enough are there to start with
  #init = null;
  #periodS = PART_S;
  #startAt = null; // seconds, until the element has got there
  #mime = "";
  #stretching = false;
  #fromHour = false; // was there before the first part
  following = false; // keeps to live by itself
  heard = false; // sound came out since it was opened
  end = null; // sample index after the newest part

  constructor(audio, { changed, failed }) {
    this.audio = audio;
    this.changed = changed;
    this.failed = failed;
    audio.addEventListener("loadedmetadata", () => this.#place());
    audio.addEventListener("seeked", () => this.#arrived());
    audio.addEventListener("playing", () => this.#onPlaying());
    audio.addEventListener("waiting", () => this.#onWaiting());
  }

  /** Begins anew: at `startAt` seconds or, following, near the newest sound. */
  open({ startAt, fromHour }) {
    this.close();
    this.#pipe = new Pipe(this.audio);
    this.#pipe.failed = this.failed;
    this.following = startAt === null;
    this.#startAt = startAt;
    this.#fromHour = fromHour;
    this.#held = [];
  }

  close() {
    this.#pipe?.close();
    this.#pipe = this.#init = this.#held = this.#startAt = this.end = null;
    this.#mime = "";
    this.heard = this.#stretching = false;
    this.steady();
  }

  get position() {
    return this.#startAt ?? this.audio.currentTime;
  }

  /** Seconds of sound ahead. */
  get margin() {
    return this.end === null || this.#held !== null ? 0 : seconds(this.end) - this.position;
  }

  /** Nothing to hear just now. */
  get dry() {
    return this.#held !== null || this.audio.readyState < 3;
  }

  /** At normal speed, from what is known now on. */
  steady() {
    this.#steering.forget();
    this.#obey();
  }

  /** What comes from here on is of this type, and so many seconds at a time. */
  takeHead(mime, periodS) {
    this.#pipe?.type(mime);
    if (mime !== this.#mime) this.#init = null;
    this.#mime = mime;
    if (periodS !== this.#periodS) this.#steering.lane(periodS);
    this.#periodS = periodS;
  }

  takeInit(bytes) {
    if (!same(this.#init, bytes)) this.#pipe.append(bytes);
    this.#init = bytes;
  }

  takePart(start, samples, bytes) {
    const end = start + samples;
    if (this.end !== null && end <= this.end) return; // had it
    if (this.#held !== null) {
      this.#held.push({ start, bytes });
      this.end = end;
      if (this.#enough()) this.#begin();
      return;
    }
    if (!this.audio.paused && this.#startAt === null) {
      const far = this.#steering.arrived(this.margin, performance.now()) === "hop";
      if (far && this.following) this.hop();
      this.#obey();
    }
    this.#pipe.append(bytes);
    this.end = end;
    this.#place();
  }

  /** Who follows live is steered; who went back is not, unless they need it for another lane. */
  #obey() {
    this.#setRate(this.following || this.#stretching ? this.#steering.rate : 1);
  }

  /** Plays slowly until told otherwise, for the buffer that a slower lane needs. */
  stretch(yes) {
    if (yes === this.#stretching) return;
    this.#stretching = yes;
    this.#steering.stretch(yes);
    this.#obey();
  }

  #enough() {
    if (!this.following) return true;
    const there = seconds(this.end - this.#held[0].start);
    return there >= (this.#fromHour && !this.heard ? this.#periodS : this.#steering.target);
  }

  #begin() {
    if (!this.following || !this.#fromHour || this.heard) {
      // What came in the same read is still to be heard of: the ear is placed after all of it.
      return queueMicrotask(() => this.flush());
    }
    // The first delivery after the hour is just a period long: what is to be left when the next one
    // comes is waited for now.
    const short = targetS(this.#periodS) - seconds(this.end - this.#held[0].start);
    const held = this.#held;
    const flush = () => this.#held === held && this.flush();
    setTimeout(flush, 1_000 * Math.max(0, Math.min(short, this.#steering.target)));
  }

  /** Gives the pipe what was held back, and places the ear when this is the beginning. */
  flush() {
    const held = this.#held;
    this.#held = null;
    if (!held?.length) return;
    for (const part of held) this.#pipe.append(part.bytes);
    if (!this.heard && this.following) this.#startAt = seconds(held[0].start);
    this.#place();
  }

  /** No more will come. */
  finish() {
    this.flush();
    this.#pipe?.finish();
  }

  /** Puts the element where it is to start; a browser may lose the first wish, so it is repeated. */
  #place() {
    const { audio } = this;
    if (this.#startAt === null || audio.readyState < 1 || this.#held !== null || audio.seeking) return;
    if (this.following && !(this.#fromHour && this.#startAt === 0)) {
      this.#startAt = Math.max(this.#startAt, seconds(this.end) - targetS(this.#periodS));
    }
    if (Math.abs(audio.currentTime - this.#startAt) > SAME_PLACE_S) audio.currentTime = this.#startAt;
    else if (audio.readyState >= 2) this.#startAt = null;
  }

  #arrived() {
    const there = this.#startAt;
    if (there !== null && Math.abs(this.audio.currentTime - there) <= SAME_PLACE_S) this.#startAt = null;
  }

  /** Whether it can go to `time` with what it has. */
  holds(time) {
    return this.#held === null && Boolean(this.#pipe?.around(time));
  }

  /** Forward to the newest sound. */
  hop() {
    this.steady();
    const left = Math.max(PART_S, this.#steering.dueS(performance.now())) + this.#steering.target;
    const to = seconds(this.end) - left;
    if (to > this.audio.currentTime && this.#pipe.around(to)) this.audio.currentTime = to;
  }

  /** Over a hole, if it stands before one. */
  tick() {
    this.#place();
    const { currentTime, paused, readyState } = this.audio;
    if (!this.#pipe || !this.heard || paused || readyState >= 3) return;
    const next = this.#pipe.after(currentTime);
    if (next !== null && !this.#pipe.around(currentTime + 0.02)) this.audio.currentTime = next + 0.01;
  }

  #onPlaying() {
    this.#startAt = null;
    this.heard = true;
    this.changed();
  }

  /** Run dry while following: hold back until there is enough to go on without stuttering. */
  #onWaiting() {
    if (this.following && this.heard && this.#held === null && !this.audio.seeking) {
      const { currentTime } = this.audio;
      if (this.#pipe.around(currentTime + 0.05) || this.#pipe.after(currentTime) !== null) return;
      this.#held = [];
      this.#steering.stalled(performance.now());
    }
    this.changed();
  }

  #setRate(rate) {
    if (this.audio.playbackRate !== rate) this.audio.playbackRate = rate;
  }
}
