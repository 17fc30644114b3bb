// Room states by programme time: what was true when the sound now heard was made, so that a name
// lights up with the voice and not before it.

const STATES_MAX = 4_000;

export class Timeline {
  #entries = []; // { at, state }, ascending
  #newest = null;

  get newest() {
    return this.#newest;
  }

  add(at, state) {
    if (!this.#newest || state.revision >= this.#newest.revision || state.phase === "ended") {
      this.#newest = state;
    }
    const entries = this.#entries;
    let index = entries.length;
    while (index > 0 && entries[index - 1].at > at) index--;
    entries.splice(index, 0, { at, state });
    if (entries.length > STATES_MAX) entries.shift();
  }

  /** The state at a sample index, or null when nothing that old is known. */
  at(sample) {
    for (let index = this.#entries.length - 1; index >= 0; index--) {
      if (this.#entries[index].at <= sample) return this.#entries[index].state;
    }
    return null;
  }

  clear() {
    this.#entries.length = 0;
  }
}
