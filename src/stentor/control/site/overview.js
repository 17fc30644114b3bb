// The operator's overview: every room with its phase, listeners and links, and a form for a new
// one. The token is asked for, or taken from `#token=`; it is kept for this tab only.

import { Away } from "./api.js";
import { crowded } from "./crowd.js";
import { Operator, trouble } from "./operator.js";
import { button, copy, element, keyed, make, mark, say, show, text } from "./page.js";
import { localTime } from "./times.js";

const REFRESH_MS = 2_000;
const COUNTED_MAX = 20; // rooms that are asked for their listeners
const PHASES = { scheduled: "Soon", live: "Live", ended: "Over" };
const ROLES = { host: "Host", cohost: "Co-host", speaker: "Speaker" };
const ORDER = { live: 0, scheduled: 1, ended: 2 };

const counts = new Map();
const operator = new Operator({ everyMs: REFRESH_MS, look, explain });

function explain(error) {
  if (error instanceof Away) return "Control does not answer. Trying again …";
  if (error.kind === "not-allowed") return "This is a link to a seat, not the operator's token. Open the link itself.";
  if (error.status === 401) return "This is not the operator's token.";
  return error.message;
}

async function look(control) {
  const { rooms } = await control.get("/rooms");
  if (operator.control !== control) return;
  rooms.sort((a, b) => ORDER[a.phase] - ORDER[b.phase] || (a.phase === "scheduled" ? a.epoch_ms - b.epoch_ms : b.epoch_ms - a.epoch_ms));
  keyed(element("rooms"), rooms, (room) => room.room, makeRoom, update);
  show("none", rooms.length === 0);
  const open = rooms.filter((room) => room.phase !== "ended").slice(0, COUNTED_MAX);
  for (const room of open) counts.set(room.room, await control.get(`/rooms/${encodeURIComponent(room.room)}/audience`));
}

function makeRoom(room) {
  const node = make("li");
  const facts = make("div", "facts");
  facts.append(make("span", "chip"), make("span", "when"), make("span", "count number"), make("span", "door"));
  const row = make("div", "row");
  const page = make("a", "button small", "Listeners' page");
  page.href = room.listen_url;
  const share = button("Copy its address", () => copy(room.listen_url, share), "small");
  row.append(page, share);
  const details = make("details");
  details.append(make("summary", "", "Links for host and speakers"), make("ul", "links"));
  node.append(make("h2"), facts, row, details);
  return node;
}

function update(node, room) {
  const [title, facts, , details] = node.children;
  const [chip, when, count, door] = facts.children;
  text(title, room.title);
  text(chip, PHASES[room.phase]);
  mark(chip, "phase", room.phase);
  text(when, localTime(room.epoch_ms) + (room.listed ? "" : ", not listed"));
  const now = counts.get(room.room);
  const many = now ? now.listeners + now.shelf_listeners : 0;
  text(count, !now || room.phase === "ended" ? "" : room.phase === "live" ? `${many} listening` : `${now.waiting} waiting`);
  text(door, now && room.phase !== "ended" ? crowded(now.door) : "");
  keyed(details.lastChild, room.links, (link) => `${link.id} ${link.revoked}`, makeLink, () => {});
}

function makeLink(link) {
  const node = make("li");
  const name = make("span", link.revoked ? "gone" : "", `${link.name} · ${ROLES[link.role]}`);
  node.append(name);
  if (link.url) {
    const share = button("Copy link", () => copy(link.url, share), "small");
    share.append(make("span", "unseen", ` for ${link.name}`));
    node.append(share);
  }
  return node;
}

async function create() {
  const names = element("names").value.split(",").map((name) => name.trim()).filter(Boolean);
  const wish = {
    title: element("title").value.trim(),
    at_ms: new Date(element("at").value).getTime(),
    listed: element("listed").checked,
    host_name: element("host").value.trim(),
    speakers: names.length,
    speaker_names: names,
  };
  try {
    const room = await operator.control.post("/rooms", wish);
    trouble("");
    await look(operator.control);
    element("create").reset();
    propose();
    element("new").open = false;
    const made = [...element("rooms").children].find((node) => node.dataset.key === room.room);
    made.querySelector("details").open = true;
    made.querySelector("summary").focus();
    say("The room is made. Its links are open.");
  } catch (error) {
    trouble(explain(error));
  }
}

/** The next full hour, as `datetime-local` wants it. */
function propose() {
  const hour = new Date(Math.ceil((Date.now() + 60_000) / 3_600_000) * 3_600_000);
  hour.setMinutes(hour.getMinutes() - hour.getTimezoneOffset());
  element("at").value = hour.toISOString().slice(0, 16);
}

element("create").addEventListener("submit", (event) => {
  event.preventDefault();
  create();
});
propose();
operator.start();
