// The operator's overview: all rooms, who listens, and a new room with its links.

import { Api } from "./api.js";
import { button, element, make, show, text } from "./dom.js";
import { takeKey } from "./key.js";
import { localTime } from "./times.js";

const KEPT = "stentor.operator";
const REFRESH_MS = 3_000;
const AUDIENCES_MAX = 20; // rooms asked for at once
const PHASES = { scheduled: "Scheduled", live: "Live", ended: "Ended" };
const ROLES = { host: "Host", cohost: "Co-host", speaker: "Speaker" };
let api = null;
let drawn = "";

function alertLine(line) {
  text("alert", line);
  show("alert", Boolean(line));
}

async function open(token) {
  api = new Api(token);
  try {
    const me = await api.get("/api/me");
    if (me.role !== "operator") throw new Error("That is a link for the studio, not the operator's token.");
  } catch (error) {
    alertLine(error.message);
    show("sign-in", true);
    return;
  }
  sessionStorage.setItem(KEPT, token);
  alertLine("");
  show("sign-in", false);
  show("desk", true);
  const soon = new Date(Date.now() + 3_600_000 - new Date().getTimezoneOffset() * 60_000);
  element("new-at").value = soon.toISOString().slice(0, 16);
  for (;;) {
    try {
      await refresh();
      alertLine("");
    } catch (error) {
      alertLine(error.status ? error.message : "Control can't be reached. Trying again …");
    }
    await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
  }
}

async function refresh() {
  const { rooms } = await api.get("/api/rooms");
  const on = rooms.filter((room) => room.phase !== "ended").slice(0, AUDIENCES_MAX);
  const heard = await Promise.all(
    on.map((room) => api.get(`/api/rooms/${room.room}/audience`).catch(() => null)),
  );
  const audience = new Map(on.map((room, index) => [room.room, heard[index]]));
  const now = JSON.stringify([rooms, heard.map((one) => one && [one.listeners + one.shelf_listeners, one.waiting])]);
  show("none", rooms.length === 0);
  if (now === drawn) return;
  drawn = now;
  element("rooms").replaceChildren(...rooms.map((room) => item(room, audience.get(room.room))));
}

function item(room, audience) {
  const node = make("li");
  const who = make("span");
  const title = make("a", "name", room.title, { href: room.listen_url, target: "_blank", rel: "noopener" });
  const chip = make("span", "chip", PHASES[room.phase]);
  chip.dataset.phase = room.phase;
  const listening = audience && room.phase === "live" ? ` · ${audience.listeners + audience.shelf_listeners} listening` : "";
  const waiting = audience?.waiting ? ` · ${audience.waiting} waiting` : "";
  who.append(title, make("span", "small soft", ` ${localTime(room.epoch_ms)}${listening}${waiting}`));
  const acts = make("span", "acts");
  acts.append(chip, button("Links", () => links(room)));
  acts.lastChild.setAttribute("aria-label", `Links of ${room.title}`);
  node.append(who, acts);
  return node;
}

function links(room) {
  show("made", true);
  text("made-heading", `Links of “${room.title}”`);
  const row = (name, kind, url) => {
    const node = make("li");
    const who = make("span");
    who.append(make("span", "name", name), make("span", "small soft", ` ${kind}`));
    const copy = button("Copy", async () => {
      await navigator.clipboard.writeText(url);
      copy.textContent = "Copied";
    });
    copy.setAttribute("aria-label", `Copy the link for ${name}`);
    const acts = make("span", "acts");
    acts.append(make("a", "button", "Open", { href: url, target: "_blank", rel: "noopener", "aria-label": `Open the link for ${name}` }), copy);
    node.append(who, acts);
    return node;
  };
  const some = room.links.filter((link) => link.url);
  element("made-links").replaceChildren(
    row("Listeners", "", room.listen_url),
    ...some.map((link) => row(link.name, ROLES[link.role], link.url)),
  );
  element("made-heading").focus();
}

element("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  open(element("token").value.trim());
});
element("create").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const room = await api.ask("POST", "/api/rooms", {
      title: element("new-title").value.trim(),
      at_ms: new Date(element("new-at").value).getTime(),
      speakers: Number(element("new-speakers").value),
      listed: element("new-listed").checked,
    });
    element("new-title").value = "";
    links(room);
    await refresh();
  } catch (error) {
    alertLine(error.status ? error.message : "Control can't be reached. Try again.");
  }
});

const token = takeKey(KEPT, "token");
if (token) open(token);
else show("sign-in", true);
