// What only hosts have: the programme's start and end, listeners, invitations, pinned links. All
// of it goes through control; while control is away this says so, and the conversation goes on.

import { Away, Refused } from "./api.js";
import { faring } from "./crowd.js";
import { Preflight } from "./preflight.js";
import { button, confirm, copy, element, keyed, make, say, show, text } from "./page.js";

const ROOM_EVERY = 2; // of the audience's seconds
const RECENT = 60;
const AWAY = "Host controls are back in a moment. The conversation goes on.";

export class Hosting {
  #jumped = [];
  #away = false;
  #turn = 0;
  room = null;

  constructor(me, control, changed, trouble) {
    this.me = me;
    this.control = control;
    this.changed = changed;
    this.trouble = trouble;
    this.path = `/rooms/${encodeURIComponent(me.room)}`;
    if (me.role === "host") element("invite-role").append(new Option("Co-host", "cohost"));
    element("listen-url").value = me.listen_url;
    this.preflight = new Preflight(this.path, control, this.act);
    this.#wire();
    this.#poll();
  }

  /** Does something to the room; returns the answer, or null after saying why not. */
  act = async (method, path, said, body) => {
    try {
      const answer = await this.control.call(method, this.path + path, body);
      if (answer.links) this.#take(answer);
      this.#here();
      this.trouble("");
      if (said) say(said);
      return answer;
    } catch (error) {
      if (error instanceof Refused) this.trouble(error.message);
      else if (error instanceof Away) this.#gone("What you just did may not have been done. ");
      else throw error;
      return null;
    }
  };

  drawPhase(phase) {
    show("air-acts", !element("hosting").hidden && phase !== "ended");
    show("start", phase === "scheduled");
    show("end", phase !== "ended");
    text("end", phase === "live" ? "End the programme …" : "Call it off …");
    show("invite-section", phase !== "ended");
  }

  #wire() {
    element("start").addEventListener("click", () => this.#start());
    element("end").addEventListener("click", () => this.#end());
    element("copy-listen").addEventListener("click", ({ currentTarget }) => copy(this.me.listen_url, currentTarget, element("listen-url")));
    element("copy-invited").addEventListener("click", ({ currentTarget }) => {
      const field = element("invited-url");
      copy(field.value, currentTarget, field);
    });
    this.#form("rename", () => this.act("PATCH", "", "The title is changed.", { title: element("new-title").value.trim() }));
    this.#form("invite", () => this.#invite());
    this.#form("pin", () => this.#pin());
  }

  #form(id, act) {
    element(id).addEventListener("submit", (event) => {
      event.preventDefault();
      act();
    });
  }

  async #start() {
    const choice = await confirm({
      title: "Go on air now?",
      detail: "From half a second after this, everybody who listens hears the stage.",
      choices: [{ value: "start", label: "Go on air", kind: "live" }],
    });
    if (choice) await this.act("POST", "/start", "");
  }

  async #end() {
    const live = this.room?.phase === "live";
    const choice = await confirm({
      title: live ? "End the programme?" : "Call the conversation off?",
      detail: live ? "It ends for all listeners, and the replay is there at once. It cannot go on after that." : "It will not take place. This cannot be undone.",
      choices: [{ value: "end", label: live ? "End it" : "Call it off", kind: "danger" }],
    });
    if (choice) await this.act("POST", "/end", "");
  }

  async #invite() {
    const name = element("invite-name").value.trim();
    const link = await this.act("POST", "/links", `A link for ${name} is made.`, { role: element("invite-role").value, name });
    if (!link) return;
    text("invited-label", `The link for ${link.name}`);
    element("invited-url").value = link.url ?? "";
    show("invited", Boolean(link.url));
    element("invite").reset();
    element("copy-invited").focus();
    this.#load();
  }

  async #pin() {
    const pin = { title: element("pin-title").value.trim(), url: element("pin-url").value.trim() };
    if (await this.#setPins([...this.#pins, pin], "The link is pinned.")) {
      element("pin").reset();
      element("pin-title").focus();
    }
  }

  get #pins() {
    return (this.room?.pinned ?? []).map(({ title, url }) => ({ title, url }));
  }

  #setPins(pinned, said) {
    return this.act("PATCH", "", said, { pinned });
  }

  async #poll() {
    try {
      if (this.#turn++ % ROOM_EVERY === 0) await this.#load();
      this.#audience(await this.control.get(`${this.path}/audience`));
      show("hosting", true);
      this.#here();
    } catch (error) {
      const out = error instanceof Refused && [401, 403].includes(error.status);
      if (out) show("hosting", false);
      else this.#gone();
    }
    setTimeout(() => this.#poll(), 1_000);
  }

  async #load() {
    this.#take(await this.control.get(this.path));
  }

  #take(room) {
    if (room.revision < (this.room?.revision ?? 0)) return;
    const field = element("new-title");
    if (field.value === (this.room?.title ?? "") && document.activeElement !== field) field.value = room.title;
    this.room = room;
    this.preflight.draw(room);
    keyed(element("pins"), room.pinned, (pin) => pin.url, (pin) => this.#pinned(pin), (node, pin) => text(node.firstChild, pin.title));
    this.changed();
  }

  #pinned(pin) {
    const node = make("li");
    const link = make("a", "", pin.title);
    if (/^https?:\/\//i.test(pin.url)) link.href = pin.url;
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    const away = button("Remove", () => this.#setPins(this.#pins.filter((one) => one.url !== pin.url), "The link is not pinned any more."), "small");
    away.append(make("span", "unseen", ` the link ${pin.title}`));
    node.append(link, away);
    return node;
  }

  #audience(now) {
    const count = now.listeners + now.shelf_listeners;
    const before = this.room?.phase === "scheduled";
    text("listeners", new Intl.NumberFormat().format(before ? Math.max(now.waiting, count) : count));
    this.#jumped.push(now.jumped_total);
    if (this.#jumped.length > RECENT) this.#jumped.shift();
    const jumped = Math.max(0, now.jumped_total - this.#jumped[0]);
    text("faring", faring(now, jumped, before));
  }

  #gone(before = "") {
    if (before || !this.#away) text("away", before + AWAY);
    if (this.#away) return;
    this.#away = true;
    show("away", true);
    this.#enable(false);
  }

  #here() {
    if (!this.#away) return;
    this.#away = false;
    show("away", false);
    this.#enable(true);
    say("Host controls are back.");
  }

  #enable(yes) {
    const controls = document.querySelectorAll("#hosting button:not([id^=copy]), .acts button, #air-acts button");
    for (const node of controls) node.disabled = !yes;
  }
}
