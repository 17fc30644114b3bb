// How long to wait before trying again: doubling, with full jitter, so that an audience that lost
// the same server does not come back in the same instant.

const FIRST_MS = 250;
const MAX_MS = 8_000;

export class Backoff {
  #attempt = 0;

  get attempt() {
    return this.#attempt;
  }

  /** The first retry comes at once (within 100 ms), each later one after up to twice as long. */
  nextMs() {
    const attempt = this.#attempt++;
    if (attempt === 0) return Math.random() * 100;
    const most = Math.min(MAX_MS, FIRST_MS * 2 ** attempt);
    return most / 2 + (Math.random() * most) / 2;
  }

  reset() {
    this.#attempt = 0;
  }
}

/** Resolves after `ms`, or at once when `signal` is aborted. */
export function pause(ms, signal) {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    }
    signal?.addEventListener("abort", done);
  });
}

/** As `pause`, but over at once when the page is looked at again or the network is back. */
export async function pauseUnlessWoken(ms, signal) {
  const woken = new AbortController();
  const wake = () => document.visibilityState === "visible" && woken.abort();
  addEventListener("online", wake);
  document.addEventListener("visibilitychange", wake);
  await pause(ms, AbortSignal.any([signal, woken.signal]));
  removeEventListener("online", wake);
  document.removeEventListener("visibilitychange", wake);
}

const ASKED_MAX = 12;
const ASKED_WINDOW_MS = 60_000;

/** At most so many requests a minute, whatever went wrong. */
export class Budget {
  #spent = [];

  spend() {
    this.#spent.push(performance.now());
    if (this.#spent.length > ASKED_MAX) this.#spent.shift();
  }

  /** How long to wait before the next one. */
  waitMs() {
    if (this.#spent.length < ASKED_MAX) return 0;
    return Math.max(0, this.#spent[0] + ASKED_WINDOW_MS - performance.now());
  }
}
