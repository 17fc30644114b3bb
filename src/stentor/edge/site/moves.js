// What becomes of the server's advice to come again in another lane: when, and whether the buffer is
// there for it. Pure: it is told the time and what is left to hear, and answers with what to do.

import { targetS } from "./grid.js";

const TRIES = 3;
const AGAIN_MS = 5_000;

export class Moves {
  #advice = null;
  #atMs = 0;
  #tries = 0;
  #id = null; // the newest that was taken: the same may be said again

  /** Advice has come: { id, period_ms, within_s, reason }. */
  take(advice, periodMs, nowMs) {
    if (advice.id === this.#id) return;
    this.#id = advice.id;
    const elsewhere = advice.period_ms !== periodMs || advice.reason === "deploy";
    this.#advice = elsewhere ? { ...advice, slower: advice.period_ms > periodMs } : null;
    this.#tries = 0;
    this.#atMs = nowMs + 1_000 * advice.within_s * (0.05 + 0.9 * Math.random());
  }

  get reason() {
    return this.#advice?.reason ?? null;
  }

  /** Whether to play slowly now, for a slower lane's buffer. */
  stretching(leftS) {
    return Boolean(this.#advice?.slower) && leftS < targetS(this.#advice.period_ms / 1_000);
  }

  /** The lane to go to now, in ms, or null. */
  due(leftS, nowMs) {
    if (!this.#advice || nowMs < this.#atMs || this.stretching(leftS)) return null;
    return this.#advice.period_ms;
  }

  /** A move was tried; `done` says whether it succeeded. */
  tried(done, nowMs) {
    this.#tries++;
    this.#atMs = nowMs + AGAIN_MS * this.#tries * (1 + Math.random());
    if (done || this.#tries >= TRIES) this.forget();
  }

  forget() {
    this.#advice = null;
  }

  /** On another connection: whose numbers begin anew. */
  arrived() {
    this.#id = null;
  }
}

/** Follows advice with a source and an ear: stretches, then moves, make-before-break. */
export class Mover {
  #moves = new Moves();
  #ear;
  #moving = false;

  constructor(ear) {
    this.#ear = ear;
  }

  take(advice, periodMs) {
    this.#moves.take(advice, periodMs, performance.now());
  }

  arrived() {
    this.#moves.arrived();
  }

  forget() {
    this.#moves.forget();
  }

  /** `early`: before the hour there is nothing to hear yet, so nothing to lose. */
  async tick(source, early) {
    if (this.#moving || !(this.#ear.heard || early)) return;
    const left = early ? Infinity : this.#ear.margin;
    this.#ear.stretch(this.#moves.stretching(left));
    const periodMs = this.#moves.due(left, performance.now());
    if (periodMs === null) return;
    this.#moving = true;
    const done = await source.move(periodMs);
    this.#moving = false;
    this.#moves.tried(done, performance.now());
  }
}
