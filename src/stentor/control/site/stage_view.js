// Draws who is on the stage, with their levels, and what a host may do to them. A seat's row is
// made once and then only its figures change, so that the focus stays where it is.

import { button, confirmed, element, make, text } from "./dom.js";
import { meterValue } from "./microphone.js";

const ROLES = { host: "Host", cohost: "Co-host", speaker: "Speaker" };

export class StageView {
  #rows = new Map();

  /** `act(seat, verb)` is null for who may do nothing to others. */
  constructor({ mine, act }) {
    this.mine = mine;
    this.act = act;
  }

  draw({ present, you }) {
    const here = new Set(present.map((one) => one.seat));
    for (const [seat, row] of this.#rows) {
      if (here.has(seat)) continue;
      row.item.remove();
      this.#rows.delete(seat);
    }
    for (const one of present) {
      if (!this.#rows.has(one.seat)) this.#add(one, you);
      this.#update(this.#rows.get(one.seat), one);
    }
  }

  #add(one, you) {
    const item = make("li");
    item.dataset.seat = one.seat;
    const name = make("span", "name");
    const role = make("span", "small soft");
    const who = make("span");
    who.append(name, document.createTextNode(" "), role);
    const meter = make("meter", "", undefined, { min: 0, max: 100, "aria-label": `Level of ${one.name}` });
    const acts = make("span", "acts");
    const row = { item, name, role, meter, mute: null, one };
    const rank = { operator: 0, host: 1, cohost: 2, speaker: 3 };
    if (this.act && one.seat !== this.mine && rank[you.role] < rank[one.role]) {
      row.mute = button("Mute", () => this.act(row.one, row.one.muted ? "unmute" : "mute"));
      const remove = button("Remove", () => this.#sure(row.one, "remove"), "danger");
      const ban = button("Ban", () => this.#sure(row.one, "ban"), "danger");
      remove.setAttribute("aria-label", `Remove ${one.name}`);
      ban.setAttribute("aria-label", `Ban ${one.name}`);
      acts.append(row.mute, remove, ban);
    }
    item.append(who, meter, acts);
    element("seats").append(item);
    this.#rows.set(one.seat, row);
  }

  #update(row, one) {
    row.one = one;
    text(row.name, one.seat === this.mine ? `${one.name} (you)` : one.name);
    const also = one.away ? ", away for a moment" : one.muted ? ", muted" : "";
    text(row.role, ROLES[one.role] + also);
    row.meter.value = one.muted || one.away ? 0 : meterValue(one.level_db);
    const speaking = one.speaking ? "yes" : "no";
    if (row.item.dataset.speaking !== speaking) row.item.dataset.speaking = speaking;
    if (row.mute) {
      const verb = one.muted ? "Unmute" : "Mute";
      text(row.mute, verb);
      row.mute.setAttribute("aria-label", `${verb} ${one.name}`);
    }
  }

  async #sure(one, verb) {
    const ban = verb === "ban";
    const yes = await confirmed({
      title: ban ? `Ban ${one.name}?` : `Remove ${one.name} from the stage?`,
      detail: ban ? "Their link stops working for good." : "You can let them back later.",
      yes: ban ? "Ban" : "Remove",
    });
    if (yes) this.act(one, verb);
  }
}
