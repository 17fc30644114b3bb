// The home page: what is live, what comes, what can be heard again, from /rooms.json. Asks every
// 15 to 30 s, and counts down by itself in between.

import { Backoff, pause } from "./backoff.js";
import { ProgrammeClock } from "./clock.js";
import { countdown, localTime, spoken } from "./times.js";

const REFRESH_MS = 15_000;
const ROOMS_MAX = 100;
const clock = new ProgrammeClock();
const backoff = new Backoff();
let rooms = [];
let drawn = "";

const element = (id) => document.getElementById(id);
function make(tag, className, content) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.textContent = content;
  return node;
}

/** The phase by the clock: at the hour a room is live, whether or not the list says so already. */
function phase(room) {
  return room.phase === "scheduled" && clock.unixMs >= room.epoch_ms ? "live" : room.phase;
}

function facts(room) {
  const line = make("span", "facts", "");
  const when = localTime(room.epoch_ms, clock.unixMs);
  switch (phase(room)) {
    case "live": {
      const chip = make("span", "chip", "Live");
      chip.dataset.phase = "live";
      const since = (clock.unixMs - room.epoch_ms) / 1000;
      line.append(chip, make("span", "", since < 60 ? "It has just begun" : `for ${spoken(since)}`));
      break;
    }
    case "scheduled": {
      const left = make("strong", "", "");
      left.dataset.until = room.epoch_ms;
      line.append(make("span", "", when), left);
      break;
    }
    default: {
      const length = room.end_samples ? `, ${spoken(room.end_samples / 48_000)}` : "";
      line.append(make("span", "", when + length));
    }
  }
  return line;
}

function item(room) {
  const node = document.createElement("li");
  const link = document.createElement("a");
  link.href = `/r/${encodeURIComponent(room.room)}`;
  link.append(make("span", "title", room.title), facts(room));
  const names = (room.stage ?? []).map((one) => one.name);
  if (names.length && phase(room) === "live") link.append(make("span", "soft", names.join(", ")));
  node.append(link);
  return node;
}

function draw() {
  const minute = Math.floor(clock.unixMs / 60_000);
  const now = JSON.stringify([minute, rooms.map((room) => [phase(room), room])]);
  if (now !== drawn) {
    drawn = now;
    const order = { live: 1, scheduled: 1, ended: -1 };
    for (const name of Object.keys(order)) {
      const some = rooms
        .filter((room) => phase(room) === name && !(name === "ended" && !room.end_samples))
        .sort((a, b) => order[name] * (a.epoch_ms - b.epoch_ms))
        .slice(0, ROOMS_MAX);
      element(name).hidden = some.length === 0;
      redraw(element(name).querySelector("ul"), some.map(item));
    }
  }
  for (const node of document.querySelectorAll("[data-until]")) {
    const left = countdown(Number(node.dataset.until) - clock.unixMs);
    if (node.textContent !== `in ${left}`) node.textContent = `in ${left}`;
  }
}

/** Replaces the items; whoever had the focus on one keeps it. */
function redraw(list, items) {
  const focused = list.contains(document.activeElement) ? document.activeElement.href : null;
  list.replaceChildren(...items);
  if (focused) [...list.querySelectorAll("a")].find((link) => link.href === focused)?.focus();
}

function say(line) {
  if (element("status").textContent !== line) element("status").textContent = line;
  element("status").hidden = !line;
}

async function refresh() {
  const response = await fetch("/rooms.json", { cache: "no-store", signal: AbortSignal.timeout(8_000) });
  if (!response.ok) throw new Error(`rooms: ${response.status}`);
  const answer = await response.json();
  clock.noteWall(answer.now_ms);
  rooms = answer.rooms;
}

async function follow() {
  for (;;) {
    let waitMs = REFRESH_MS * (1 + Math.random());
    try {
      await refresh();
      backoff.reset();
      say(rooms.length ? "" : "Nothing is on the air, and nothing is announced. When a conversation is, it will be here.");
      draw();
    } catch {
      waitMs = backoff.nextMs();
      if (backoff.attempt > 1) say("The server can't be reached. Trying again …");
    }
    await pause(waitMs);
  }
}

follow();
setInterval(draw, 1_000);
