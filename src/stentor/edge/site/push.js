// The push stream over as many connections as it takes: comes again by itself with its return
// ticket and exactly where it was, moves to another lane before it leaves the one it has, waits in
// line when there is one, and says when something in between holds the stream back, so that the
// player can go to the shelf. Knows nothing of media elements.

import { Backoff, Budget, pause, pauseUnlessWoken } from "./backoff.js";
import { Connection, SHORT_LIVED_MS } from "./connection.js";
import { PART_SAMPLES } from "./grid.js";
import { waitInLine } from "./line.js";

const EARLY_MS = 8_000; // long before the hour the doors are closed: ask again after about so long
const RETURN_MS = 700; // the server may not have noticed yet that one was cut off
const FINAL = ["ended", "gone", "over", "blocked"];

export class PushSource {
  #abort = new AbortController();
  #backoff = new Backoff();
  #budget = new Budget();
  #connection = null;
  #next = null; // the part that is to come
  #periodMs = null; // the lane that one was in
  #phase;
  #proof = null; // of work, and the ticket that it is for
  #provedMs = null; // the place that was had before that
  #moved = false; // it has moved forward since
  #strangled = 0; // connections in a row that began well and then went silent
  #heardAt = performance.now();

  /** `emit` gets what a connection says; and open, early, line, trouble, blocked, gone, over, ended. */
  constructor({ room, rendition, also, phase, tickets, dry, emit }) {
    this.room = room;
    this.rendition = rendition;
    this.also = also;
    this.tickets = tickets;
    this.dry = dry;
    this.#phase = phase;
    this.emit = emit;
  }

  start() {
    this.#run();
  }

  stop() {
    this.#abort.abort();
    this.#connection?.stop();
  }

  get #stopped() {
    return this.#abort.signal.aborted;
  }

  #connect(periodMs, emit) {
    const asked = {
      rendition: this.rendition,
      also: this.also,
      ticket: this.tickets.best(),
      proof: this.#takeProof(),
      from: this.#next,
      period: periodMs,
    };
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(asked)) if (value !== null) query.set(name, value);
    const url = `/r/${this.room}/live.mp4?${query}`;
    const connection = new Connection({ url, phase: this.#phase, emit });
    connection.start();
    return connection;
  }

  async #run() {
    while (!this.#stopped) {
      const outcome = await this.#listen();
      if (this.#stopped) return;
      if (FINAL.includes(outcome.kind)) return this.emit({ kind: outcome.kind });
      if (outcome.kind === "early") {
        this.emit({ kind: "early" });
        await pause(EARLY_MS * (0.5 + Math.random()), this.#abort.signal);
      } else if (outcome.kind === "line") {
        if (this.tickets.refused(outcome.said)) await this.#hold({ kind: "lost", afterMs: RETURN_MS });
        else await this.#queue(outcome.said);
      } else if (outcome.kind === "ticket") {
        this.tickets.forget(); // ours are no good here: like anybody else, then
      } else {
        if (outcome.kind === "stale") this.#next = null;
        await this.#hold(outcome);
      }
      await pause(this.#budget.waitMs(), this.#abort.signal);
    }
  }

  async #hold({ kind, afterMs = 0 }) {
    const retryMs = Math.max(this.#backoff.nextMs(), afterMs * (1 + Math.random() / 2));
    this.emit({
      kind: "trouble",
      attempt: this.#backoff.attempt,
      silentMs: performance.now() - this.#heardAt,
      retryMs,
      full: kind === "full",
      crowded: kind === "crowded",
    });
    await pauseUnlessWoken(retryMs, this.#abort.signal);
  }

  async #queue(said) {
    const lost = this.tickets.worse;
    const ticket = this.tickets.best();
    this.#moved = this.#provedMs !== null && said.place_ms < this.#provedMs;
    const proof = await waitInLine({
      room: this.room,
      said: {
        ...said,
        place_ms: this.tickets.line?.place_ms ?? said.place_ms,
        altcha: said.ticket === ticket ? said.altcha : undefined,
      },
      signal: this.#abort.signal,
      tell: (place) => this.emit({ kind: "line", lost, moved: this.#moved, ...place }),
    });
    if (proof === null || proof === undefined) return;
    this.#proof = { text: proof, ticket };
    this.#provedMs = said.place_ms;
  }

  /** The proof for the ticket that is shown, once. */
  #takeProof() {
    const proof = this.#proof;
    this.#proof = null;
    return proof && proof.ticket === this.tickets.best() ? proof.text : null;
  }

  /** Listens on one connection, and on what replaces it, to the end of the last one. */
  async #listen() {
    this.#budget.spend();
    // The lane that one was in has the buffer; who has none left begins like anybody else.
    const first = this.#connect(this.dry() ? null : this.#periodMs, (event) => this.#on(first, event));
    this.#connection = first;
    let connection;
    let outcome;
    do {
      connection = this.#connection;
      outcome = await connection.outcome;
    } while (connection !== this.#connection);
    this.#connection = null;
    this.#periodMs = connection.head ? connection.periodMs : this.#periodMs;
    if (outcome.kind !== "lost" || this.#stopped) return outcome;
    return (await this.#heldBack(connection)) ? { kind: "blocked" } : outcome;
  }

  #on(connection, event) {
    if (connection !== this.#connection || this.#stopped) return;
    this.#heardAt = performance.now();
    switch (event.kind) {
      case "head":
        this.emit(event);
        return;
      case "init":
        this.tickets.admitted();
        this.emit({ kind: "open" });
        break;
      case "part":
        this.#backoff.reset();
        this.#next = Math.max(this.#next ?? 0, Math.round((event.start + event.samples) / PART_SAMPLES));
        break;
      case "state":
        this.#phase = event.state.phase;
        break;
      case "return":
        this.tickets.keepReturn(event);
        return;
    }
    this.emit(event);
  }

  /**
   * Comes again in another lane, and leaves this one when the other delivers. Resolves to whether
   * that is so: if not, nothing has happened.
   */
  async move(periodMs) {
    const old = this.#connection;
    if (this.#stopped || !old || this.#budget.waitMs() > 0) return false;
    this.#budget.spend();
    return new Promise((resolve) => {
      const told = [];
      const fresh = this.#connect(periodMs, (event) => {
        if (this.#connection === fresh) return this.#on(fresh, event);
        told.push(event);
        if (event.kind !== "init" && event.kind !== "part") return;
        if (this.#stopped || this.#connection !== old) return fresh.stop();
        this.#connection = fresh;
        old.stop();
        for (const one of told.splice(0)) this.#on(fresh, one);
        this.#periodMs = fresh.periodMs;
        resolve(true);
      });
      const signal = this.#abort.signal;
      signal.addEventListener("abort", () => fresh.stop(), { once: true });
      fresh.outcome.then(() => resolve(false));
    });
  }

  /** Whether a connection's silence was that of something in between, not of the server. */
  async #heldBack(connection) {
    if (connection.received > 0) {
      const short = connection.lastedMs < SHORT_LIVED_MS;
      this.#strangled = connection.silent && short ? this.#strangled + 1 : 0;
      return this.#strangled >= 2;
    }
    if (connection.silent && connection.head) return true;
    // No head: refused here, but answered next door, at least twice, is not a dead server.
    if (!connection.silent && this.#backoff.attempt < 2) return false;
    try {
      const answer = await fetch(`/r/${this.room}/state.json`, {
        signal: AbortSignal.timeout(2_000),
        cache: "no-store",
      });
      return answer.ok;
    } catch {
      return false;
    }
  }
}
