// Who is on the stage, how loud, and what a host may do to them. Draws what the stage tells (the
// snapshot) and what control knows (the room); asks before what hurts.

import { button, copy, confirm, element, keyed, make, mark, show, text } from "./page.js";

const ROLES = { host: "Host", cohost: "Co-host", speaker: "Speaker", operator: "Operator" };
const RANK = { speaker: 0, cohost: 1, host: 2, operator: 3 };
const SILENCE_DB = -60;

export function levelShare(db) {
  return Math.max(0, Math.min(1, (db - SILENCE_DB) / -SILENCE_DB));
}

/** One list of seats from both sources: first who is on the stage, then who is expected. */
export function merge(latest, room) {
  const known = new Map((room?.links ?? []).map((link) => [link.id, link]));
  const present = (latest?.present ?? []).map((one) => {
    const link = known.get(one.seat);
    known.delete(one.seat);
    return { ...one, here: true, link };
  });
  const absent = [...known.values()]
    .filter((link) => !link.revoked)
    .map((link) => ({ seat: link.id, name: link.name, role: link.role, muted: link.muted, here: false, link }));
  return [...present, ...absent];
}

export class People {
  #onStage = false;
  constructor(me, act) {
    this.me = me;
    this.act = act; // (method, path, said, body) → whether it was done
  }

  /** May whoever sits here do something to that seat? */
  #rules(one) {
    return this.me.moderates && this.phase !== "ended" && RANK[this.me.role] > RANK[one.role];
  }

  draw(latest, room, phase) {
    this.phase = phase;
    this.#onStage = latest !== null;
    text("people-heading", this.me.moderates ? "People" : "On the stage");
    const seats = merge(latest, room);
    show("people-section", seats.length > 0);
    keyed(element("people"), seats, (one) => one.seat, (one) => this.#make(one), (node, one) => this.#update(node, one));
  }

  #make() {
    const node = make("li");
    const head = make("div", "person");
    const level = make("div", "meter");
    level.setAttribute("aria-hidden", "true");
    level.append(make("i"));
    head.append(make("span", "name"), make("span", "about"), level);
    node.append(head, make("div", "row acts"));
    return node;
  }

  #update(node, one) {
    const removed = one.link?.removed ?? false;
    const absent = this.#onStage ? "expected" : "unknown"; // only who is on the stage is told who is
    const state = removed ? "removed" : !one.here ? absent : one.away ? "away" : "here";
    mark(node, "state", state);
    mark(node, "speaking", one.speaking ? "yes" : "no");
    mark(node, "muted", one.muted ? "yes" : "no");
    const [name, about, level] = node.firstChild.children;
    text(name, one.seat === this.me.seat ? `${one.name} (you)` : one.name);
    const words = [ROLES[one.role]];
    if (one.muted) words.push("muted");
    if (state === "away") words.push("connection lost, back in a moment");
    if (state === "expected") words.push("not here");
    if (state === "removed") words.push("taken off the stage");
    text(about, words.join(" · "));
    show(level, one.here);
    level.firstChild.style.setProperty("--level", one.here && !one.away ? levelShare(one.level_db).toFixed(2) : "0");
    this.#acts(node, one, state);
  }

  /** The buttons, made anew only when others are due. */
  #acts(node, one, state) {
    const itself = this.phase !== "ended" && one.seat === this.me.seat && this.me.role === "host";
    const kind = this.#rules(one) ? `${state} ${one.muted} ${one.link?.url ? 1 : 0} ${one.name}` : itself && one.muted ? "own" : "";
    if (node.dataset.acts === kind) return;
    const had = node.lastChild.contains(document.activeElement);
    node.dataset.acts = kind;
    const list = [];
    const mute = one.muted ? ["Unmute", "unmute", "is heard again"] : ["Mute", "mute", "is muted"];
    const toMute = () => this.#button(mute[0], one, () => this.#seat(one, mute[1], mute[2]));
    if (kind === "own") list.push(toMute());
    else if (kind && state === "removed") {
      list.push(this.#button("Let back in", one, () => this.#seat(one, "readmit", "may come back")));
      list.push(this.#button("Withdraw link …", one, () => this.#withdraw(one)));
    } else if (kind && state === "expected") {
      if (one.link?.url) {
        const share = this.#button("Copy link", one, () => copy(one.link.url, share));
        list.push(share);
      }
      if (one.muted) list.push(toMute());
      list.push(this.#button("Withdraw link …", one, () => this.#withdraw(one)));
    } else if (kind) {
      if (state === "unknown" && one.link?.url) {
        const share = this.#button("Copy link", one, () => copy(one.link.url, share));
        list.push(share);
      }
      list.push(toMute());
      list.push(this.#button("Remove …", one, () => this.#remove(one)));
    }
    node.lastChild.replaceChildren(...list);
    show(node.lastChild, list.length > 0);
    if (had) (list[0] ?? element("people-heading")).focus();
  }

  #button(label, one, act) {
    const node = button(label, act, "small");
    node.append(make("span", "unseen", ` ${one.name}`));
    return node;
  }

  #seat(one, verb, said) {
    return this.act("POST", `/seats/${one.seat}/${verb}`, `${one.name} ${said}.`);
  }

  async #remove(one) {
    const choice = await confirm({
      title: `Take ${one.name} off the stage?`,
      detail: "Within half a second nobody hears them any more. You can let them back in, unless you ban them: then their link is worth nothing from now on.",
      choices: [
        { value: "remove", label: "Take off the stage", kind: "primary" },
        { value: "ban", label: "Ban for good", kind: "danger" },
      ],
    });
    if (choice) await this.#seat(one, choice, choice === "ban" ? "is banned" : "is off the stage");
  }

  async #withdraw(one) {
    const choice = await confirm({
      title: `Withdraw the link of ${one.name}?`,
      detail: "Nobody gets on the stage with it any more. This cannot be undone, but you can make a new link.",
      choices: [{ value: "revoke", label: "Withdraw the link", kind: "danger" }],
    });
    if (choice) await this.act("DELETE", `/links/${one.seat}`, `The link of ${one.name} is withdrawn.`);
  }
}
