// How fast to play so that the listener stays as near to live as the network allows. Pure: told
// what margin was left each time that a part arrived, it answers with a playback rate.

const FIRST_TARGET_S = 0.15;
const TARGET_S_MAX = 2;
const STALL_STEP_S = 0.16;
const CALM_MS = 30_000;
const WINDOW = 10; // parts
const SLACK_S = 0.1;
const HOP_S = 6; // so far behind that playing a little faster would take minutes

export class Steering {
  #margins = [];
  #calmSince = null;
  target = FIRST_TARGET_S; // seconds that should be left when the next part arrives
  rate = 1;

  /** A part has arrived with `margin` seconds still to play: returns "hop" when too far behind. */
  arrived(margin, nowMs) {
    this.#calmSince ??= nowMs;
    this.#margins.push(margin);
    if (this.#margins.length > WINDOW) this.#margins.shift();
    if (nowMs - this.#calmSince > CALM_MS && this.target > FIRST_TARGET_S) {
      this.target = Math.max(FIRST_TARGET_S, this.target - STALL_STEP_S / 2);
      this.#calmSince = nowMs;
    }
    const least = Math.min(...this.#margins);
    if (least > this.target + HOP_S && this.#margins.length >= 3) {
      this.forget();
      return "hop";
    }
    if (least > this.target + SLACK_S) this.rate = 1.05;
    else if (margin < this.target - SLACK_S) this.rate = 0.97;
    else if (this.rate > 1 ? least <= this.target + 0.02 : margin >= this.target) this.rate = 1;
    return null;
  }

  /** The buffer ran dry. */
  stalled(nowMs) {
    this.target = Math.min(TARGET_S_MAX, this.target + STALL_STEP_S);
    this.#calmSince = nowMs;
    this.forget();
  }

  forget() {
    this.#margins.length = 0;
    this.rate = 1;
  }
}
