// How fast to play so that the listener stays as near to live as lane and network allow. Pure: told
// what was left to hear each time that a delivery came, it answers with a playback rate.

import { PART_S, marginS } from "./grid.js";

export const SLOWEST = 0.97;
export const FASTEST = 1.05;
const EXTRA_S_MAX = 2;
const STALL_STEP_S = 0.16;
const CALM_MS = 30_000;
const SLACK_S = 0.1;
const HOP_S = 30; // so far behind that playing a little faster would take ten minutes
const SLOW_S = 1.5; // from this period on, the rate is such that one delivery sets it right
const within = (low, value, high) => Math.max(low, Math.min(high, value));

export class Steering {
  #periodS = PART_S;
  #extraS = 0; // what stalls have taught
  #margins = [];
  #arrivedMs = -Infinity;
  #calmMs = null;
  #stretching = false;
  #moved = false; // from a slower lane: what is too much is played, never left out
  rate = 1;

  /** The lane's period: how much comes at once. */
  lane(periodS) {
    this.#moved = periodS < this.#periodS || (this.#moved && periodS === this.#periodS);
    this.#periodS = periodS;
    this.#stretching = false;
    this.forget();
  }

  /** Seconds that should be left when the next delivery comes. */
  get target() {
    return marginS(this.#periodS) + this.#extraS;
  }

  /** Seconds until the next delivery is due. */
  dueS(nowMs) {
    return within(0, this.#periodS - (nowMs - this.#arrivedMs) / 1_000, this.#periodS);
  }

  /** Play slowly, until told otherwise, for the buffer that a slower lane needs. */
  stretch(yes) {
    this.#stretching = yes;
    this.rate = yes ? SLOWEST : 1;
  }

  /** Sound has come with `margin` seconds still to play: returns "hop" when too far behind. */
  arrived(margin, nowMs) {
    const sinceS = (nowMs - this.#arrivedMs) / 1_000;
    this.#arrivedMs = nowMs;
    if (sinceS < this.#periodS / 2) return null; // of the same delivery
    this.#calmMs ??= nowMs;
    this.#margins.push(margin);
    if (this.#margins.length > (this.#periodS < SLOW_S ? 10 : 2)) this.#margins.shift();
    if (nowMs - this.#calmMs > CALM_MS && this.#extraS > 0) {
      this.#extraS = Math.max(0, this.#extraS - STALL_STEP_S / 2);
      this.#calmMs = nowMs;
    }
    if (this.#stretching) return null;
    const excess = Math.min(...this.#margins) - this.target;
    if (excess < SLACK_S) this.#moved = false;
    if (excess > HOP_S && !this.#moved && this.#margins.length >= 2) {
      this.forget();
      return "hop";
    }
    if (this.#periodS < SLOW_S) this.#nudge(excess, margin - this.target);
    else this.rate = Math.abs(excess) < SLACK_S ? 1 : 1 + within(SLOWEST - 1, excess / this.#periodS, FASTEST - 1);
    return null;
  }

  #nudge(excess, latest) {
    if (excess > SLACK_S) this.rate = FASTEST;
    else if (latest < -SLACK_S) this.rate = SLOWEST;
    else if (this.rate > 1 ? excess <= 0.02 : latest >= 0) this.rate = 1;
  }

  /** The buffer ran dry. */
  stalled(nowMs) {
    this.#extraS = Math.min(EXTRA_S_MAX, this.#extraS + STALL_STEP_S);
    this.#calmMs = nowMs;
    this.forget();
  }

  forget() {
    this.#margins.length = 0;
    this.rate = this.#stretching ? SLOWEST : 1;
  }
}
