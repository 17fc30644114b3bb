// An operator on a page: lets them in with the token that they type or that comes as `#token=`,
// looks again and again until they sign out, and says what is wrong. What is shown is the page's.

import { Control, Refused } from "./api.js";
import { followNewKeys, forgetKey, keepKey, takeKey } from "./key.js";
import { element, show, text } from "./page.js";

export function trouble(line) {
  text("trouble", line);
  show("trouble", Boolean(line));
}

export class Operator {
  /**
   * `look(control)` asks and shows; `explain(error)` is one line. `begins` and `leaves` are called
   * when somebody signs in or out, `blind` when a look that is repeated has failed.
   */
  constructor({ everyMs, look, explain, begins = () => {}, leaves = () => {}, blind = () => {} }) {
    Object.assign(this, { everyMs, look, explain, begins, leaves, blind, control: null, timer: 0 });
  }

  /** To be called once the page is ready. */
  start() {
    element("enter").addEventListener("submit", (event) => {
      event.preventDefault();
      this.enter(element("token").value.trim());
      element("enter").reset();
    });
    element("forget").addEventListener("click", () => this.leave());
    followNewKeys("token");
    const known = takeKey("token");
    if (known) this.enter(known);
    else this.leave();
  }

  async enter(token) {
    const control = new Control(token);
    this.control = control;
    this.begins();
    try {
      await this.look(control);
      trouble("");
    } catch (error) {
      trouble(this.explain(error));
      if (error instanceof Refused) return this.leave();
    }
    keepKey("token", token);
    show("entrance", false);
    show("inside", true);
    show("forget", true);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.follow(), this.everyMs);
  }

  leave() {
    forgetKey("token");
    this.control = null;
    clearTimeout(this.timer);
    show("inside", false);
    show("forget", false);
    this.leaves();
    show("entrance", true);
    element("token").focus();
  }

  async follow() {
    const asked = this.control;
    try {
      await this.look(asked);
      trouble("");
    } catch (error) {
      trouble(this.explain(error));
      this.blind();
    }
    if (asked === this.control) this.timer = setTimeout(() => this.follow(), this.everyMs);
  }
}
