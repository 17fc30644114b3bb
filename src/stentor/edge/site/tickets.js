// The tickets that this browser holds for a room: a place in line, the seat of who asked to be
// reminded, and the way back in after a broken connection. Kept across reloads, never past their
// time. What a ticket is worth is the door's business.

const RETURNS_MAX = 3;
const LINE_MS = 2 * 3_600_000; // a place that nobody asked after for so long is not worth showing

const SHARED_MS = 60_000; // the door takes it for no longer

export class Tickets {
  #key;
  #now;
  #held = {};
  #memory;
  #returns = 0; // how often the way back was refused, in a row
  worse = false; // the place in line is later than the one before

  /** `now()` is the server's Unix time in milliseconds; `memory` a Storage. */
  constructor(room, now, memory) {
    this.#key = `stentor.tickets.${room}`;
    this.#now = now;
    this.#memory = memory;
    try {
      this.#held = JSON.parse(memory.getItem(this.#key)) ?? {};
    } catch {
      this.#held = {}; // nothing kept, nothing may be kept, or not ours
    }
  }

  #one(kind) {
    const ticket = this.#held[kind];
    return ticket && ticket.until_ms > this.#now() ? ticket : null;
  }

  #keep(kind, ticket) {
    if (ticket) this.#held[kind] = ticket;
    else delete this.#held[kind];
    try {
      this.#memory.setItem(this.#key, JSON.stringify(this.#held));
    } catch {
      // Kept for as long as the page is open, then.
    }
  }

  get line() {
    return this.#one("line");
  }

  get reminder() {
    return this.#one("reminder");
  }

  /** What to show at the door: the way back before the place in line. */
  best() {
    const found = this.#one("return") ?? this.#one("line") ?? this.#one("reminder");
    return found?.ticket ?? null;
  }

  /**
   * The door said 503 and this place: whatever was shown was not good, or not yet. Says whether the
   * way back should be tried once more all the same.
   */
  refused({ ticket, place_ms, shared = false }) {
    const kept = this.line;
    const returning = this.#one("return") !== null;
    this.worse = kept !== null && !kept.shared && place_ms > kept.place_ms && !returning;
    // The place that one had is the better one, and was not shown just now.
    const until_ms = this.#now() + (shared ? SHARED_MS : LINE_MS);
    if (!returning || !kept) this.#keep("line", { ticket, place_ms, shared, until_ms });
    if (!returning) return false;
    if (++this.#returns < RETURNS_MAX) return true;
    this.#keep("return", null);
    return false;
  }

  /** In: the place in line is used. */
  admitted() {
    this.#returns = 0;
    if (this.#held.line) this.#keep("line", null);
    if (this.#held.reminder) this.#keep("reminder", null);
  }

  forget() {
    for (const kind of Object.keys(this.#held)) this.#keep(kind, null);
  }

  keepReturn({ ticket, until_ms }) {
    this.#keep("return", { ticket, until_ms });
  }

  keepReminder({ ticket, come_at_ms, expires_ms }) {
    this.#keep("reminder", { ticket, come_at_ms, until_ms: expires_ms });
  }
}
