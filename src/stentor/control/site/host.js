// What a host or co-host does besides speaking: start, end, invite, withdraw, let back, pin, and
// watch how the audience fares. Control decides whether it may be done.

import { button, confirmed, element, make, show, text } from "./dom.js";

const AUDIENCE_MS = 1_000;
const ROOM_MS = 3_000;
const ROLES = { host: "Host", cohost: "Co-host", speaker: "Speaker" };

export class Host {
  #room = null;
  #drawn = "";

  constructor({ api, room, alertLine, changed }) {
    this.api = api;
    this.path = `/api/rooms/${room}`;
    this.alertLine = alertLine;
    this.changed = changed;
  }

  start() {
    show("host", true);
    element("start").addEventListener("click", () => this.#begin());
    element("end").addEventListener("click", () => this.#end());
    element("copy-listen").addEventListener("click", ({ target }) => copy(target, this.#room?.listen_url));
    this.#onSubmit("invite", async () => {
      const wish = { name: element("invite-name").value.trim(), role: element("invite-role").value };
      const link = await this.api.ask("POST", `${this.path}/links`, wish);
      element("invite").reset();
      text("said", `A link for ${link.name} was made.`);
      await this.#refresh();
    });
    this.#onSubmit("pin", async () => {
      const pin = { title: element("pin-title").value.trim(), url: element("pin-url").value.trim() };
      await this.#pins([...(this.#room?.pinned ?? []), pin]);
      element("pin").reset();
    });
    this.#every(ROOM_MS, () => this.#refresh());
    this.#every(AUDIENCE_MS, () => this.#audience());
  }

  act(one, verb) {
    return this.#try(() => this.api.ask("POST", `${this.path}/seats/${one.seat ?? one.id}/${verb}`));
  }

  async #every(ms, work) {
    for (;;) {
      try {
        await work();
      } catch {
        // Control is away: the conversation does not need it, and it will be asked again.
      }
      await new Promise((resolve) => setTimeout(resolve, ms));
    }
  }

  #onSubmit(id, work) {
    element(id).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#try(work);
    });
  }

  /** Does something and draws the room that comes back; a refusal is told. */
  async #try(work) {
    try {
      const room = await work();
      this.alertLine("");
      if (room?.links) this.#draw(room);
    } catch (error) {
      this.alertLine(error.status ? error.message : "Control can't be reached just now. The conversation goes on; try again.");
    }
  }

  async #begin() {
    const yes = await confirmed({
      title: "Go live now?",
      detail: "The audience hears everybody on stage from now on.",
      yes: "Go live",
    });
    if (yes) await this.#try(() => this.api.ask("POST", `${this.path}/start`));
  }

  async #end() {
    const yes = await confirmed({
      title: "End the conversation?",
      detail: "It ends for everybody, and the recording can be heard at once. This can't be undone.",
      yes: "End it",
    });
    if (yes) await this.#try(() => this.api.ask("POST", `${this.path}/end`));
  }

  #pins(pinned) {
    return this.#try(() => this.api.ask("PATCH", this.path, { pinned }));
  }

  async #refresh() {
    this.#draw(await this.api.get(this.path));
  }

  #draw(room) {
    this.#room = room;
    this.changed(room);
    show("start", room.phase === "scheduled");
    show("end", room.phase === "live");
    const listen = element("listen-url");
    if (listen.href !== room.listen_url) listen.href = room.listen_url;
    text(listen, room.listen_url);
    const drawn = JSON.stringify([room.links, room.pinned]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    element("links").replaceChildren(...room.links.map((link) => this.#link(link)));
    element("pins").replaceChildren(...room.pinned.map((pin, index) => this.#pin(pin, index)));
  }

  #link(link) {
    const item = make("li");
    item.dataset.link = link.id;
    const state = link.revoked ? ", withdrawn" : link.removed ? ", off the stage" : link.muted ? ", muted" : "";
    const who = make("span");
    who.append(make("span", "name", link.name), make("span", "small soft", ` ${ROLES[link.role]}${state}`));
    const acts = make("span", "acts");
    const add = (label, act, className) => {
      const one = button(label, act, className);
      one.setAttribute("aria-label", `${label}: ${link.name}`);
      acts.append(one);
    };
    if (link.url && !link.revoked) {
      if (link.removed) add("Let back", () => this.act(link, "readmit"));
      add("Copy link", ({ target }) => copy(target, link.url));
      add("Withdraw", () => this.#revoke(link), "danger");
    }
    item.append(who, acts);
    return item;
  }

  async #revoke(link) {
    const yes = await confirmed({
      title: `Withdraw the link of ${link.name}?`,
      detail: "Whoever has it can no longer come on stage. This can't be undone.",
      yes: "Withdraw",
    });
    if (yes) await this.#try(() => this.api.ask("DELETE", `${this.path}/links/${link.id}`));
  }

  #pin(pin, index) {
    const item = make("li");
    const who = make("span");
    who.append(make("span", "name", pin.title), make("span", "small soft", ` ${pin.url}`));
    const remove = button("Take off", () => this.#pins(this.#room.pinned.filter((_, at) => at !== index)));
    remove.setAttribute("aria-label", `Take off: ${pin.title}`);
    item.append(who, remove);
    return item;
  }

  async #audience() {
    const now = await this.api.get(`${this.path}/audience`);
    const all = now.listeners + now.shelf_listeners;
    text("listeners", all.toLocaleString());
    text("waiting", now.waiting.toLocaleString());
    text("lagging", now.lagging.toLocaleString());
    text("jumped", now.jumped_total.toLocaleString());
    const share = now.listeners ? now.lagging / now.listeners : 0;
    const fares = !all ? "Nobody listens just now." : share > 0.1 ? "Many listeners have trouble keeping up." : share > 0.01 ? "A few listeners have trouble keeping up." : "All of them keep up.";
    text("fare", now.edges ? fares : "No edge has reported within 3 s.");
  }
}

async function copy(target, value) {
  const label = target.textContent;
  try {
    await navigator.clipboard.writeText(value);
    target.textContent = "Copied";
  } catch {
    window.prompt("Copy this address:", value);
  }
  setTimeout(() => (target.textContent = label), 1_500);
}
