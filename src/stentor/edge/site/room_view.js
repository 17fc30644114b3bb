// Draws the room page from what the player and the room's state say. Touches the document only
// where something changed, so that a screen reader is left in peace.

import { RENDITIONS } from "./grid.js";
import { canPlay } from "./pipe.js";
import { LineView } from "./line_view.js";
import { behindLine, distance, statusLine, titleMark } from "./said.js";
import { countdown, localTime, position, spoken } from "./times.js";

const ROLES = { host: "Host", cohost: "Co-host", speaker: "Speaker", operator: "Operator" };
const PHASES = { scheduled: "Soon", live: "Live", ended: "Replay" };
const LABELS = { idle: "Listen", tap: "Listen" };
const NOTE_MS = 8_000;
const DISTANCE_MS = 5_000; // a figure that changes all the time is read by nobody

const element = (id) => document.getElementById(id);
function text(id, value) {
  const node = element(id);
  if (node.textContent !== value) node.textContent = value;
}
const show = (id, yes) => (element(id).hidden = !yes);

function make(tag, className, content) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (content !== undefined) node.textContent = content;
  return node;
}

export class RoomView {
  #note = null;
  #drawn = { stage: null, pinned: null, distance: null };
  #line = new LineView();
  dragging = false;

  constructor(player) {
    this.player = player;
    this.#renditions();
  }

  note(line, forMs = NOTE_MS) {
    this.#note = { line, until: performance.now() + forMs };
  }

  missing() {
    text("title", "There is no such room");
    text("phase", "Not found");
    this.#missing(true);
  }

  #missing(yes) {
    show("player", !yes);
    show("knobs", !yes);
  }

  unreachable(waitMs) {
    const again = Math.max(1, Math.ceil(waitMs / 1000));
    this.note(`The server can't be reached. Trying again in ${again} s.`, waitMs);
  }

  draw() {
    const { player } = this;
    const { state } = player;
    if (this.#note && performance.now() > this.#note.until) this.#note = null;
    text("status", this.#note?.line ?? statusLine(player));
    this.#button();
    if (!state) return;
    this.#missing(false);
    const heard = this.#heardState();
    this.#heading(state);
    this.#countdown(state);
    this.#line.draw(player);
    this.#distance();
    this.#seek(state);
    this.#stage(state, heard);
    this.#pinned(state.pinned);
  }

  /** What was true when the sound now heard was made. */
  #heardState() {
    const { player } = this;
    if (player.status !== "playing") return null;
    return player.timeline.at(player.position * 48_000);
  }

  #heading(state) {
    text("title", state.title);
    text("phase", PHASES[state.phase]);
    element("phase").dataset.phase = state.phase;
    const when = localTime(state.epoch_ms);
    const length = state.end_samples ? `, ${spoken(state.end_samples / 48_000)}` : "";
    text("when", state.phase === "live" ? `Began: ${when}` : when + length);
    const title = `${titleMark(this.player)}${state.title} – Stentor`;
    if (document.title !== title) document.title = title;
  }

  #button() {
    const { status } = this.player;
    const rests = ["idle", "paused", "finished", "gone", "tap"].includes(status);
    const act = rests ? "play" : status === "line" ? "leave" : "pause";
    const button = element("listen");
    button.dataset.act = act;
    button.disabled = status === "gone";
    const label = act === "leave" ? "Leave the line" : act === "pause" ? "Pause" : LABELS[status] ?? "Go on";
    text("listen-label", label);
    const waits = ["line", "waiting", "connecting", "stalled", "reconnecting"].includes(status);
    const voice = waits ? "wait" : this.#speaking ? "on" : "off";
    if (element("voice").dataset.voice !== voice) element("voice").dataset.voice = voice;
  }

  get #speaking() {
    return this.#heardState()?.stage.some((one) => one.speaking) ?? false;
  }

  #countdown(state) {
    const left = state.epoch_ms - this.player.clock.unixMs;
    show("countdown", state.phase === "scheduled");
    if (state.phase === "scheduled") text("left", left > 0 ? countdown(left) : "now");
  }

  #distance() {
    const found = distance(this.player);
    show("distance", found !== null);
    if (!found) return;
    const drawn = this.#drawn.distance;
    const now = performance.now();
    const far = Math.abs(found.behind - (drawn?.behind ?? Infinity)) > Math.max(1, found.behind / 10);
    if (far || now - drawn.at > DISTANCE_MS) {
      this.#drawn.distance = { behind: found.behind, at: now };
      text("behind", behindLine(found.behind));
    }
    text("why", found.why);
    text("why-more", found.more);
    show("jump", found.jump);
  }

  #seek(state) {
    const { player } = this;
    const { length } = player;
    const usable = length > 1 && state.phase !== "scheduled" && !["gone", "line"].includes(player.status);
    show("seek", usable);
    if (!usable || this.dragging) return;
    const slider = element("position");
    const at = Math.min(player.status === "idle" && state.phase === "live" ? length : player.position, length);
    slider.max = String(Math.ceil(length));
    slider.value = String(Math.round(at));
    this.drawPosition(at);
    text("length", position(length));
  }

  drawPosition(at) {
    const { length } = this.player;
    text("at", position(at, length >= 3_600));
    const said = `${spoken(at)} of ${spoken(length)}`;
    const slider = element("position");
    if (slider.getAttribute("aria-valuetext") !== said) slider.setAttribute("aria-valuetext", said);
  }

  #stage(state, heard) {
    const { player } = this;
    const following = player.status === "idle" || player.following;
    const stage = state.phase === "ended" ? [] : ((following ? heard : null) ?? state).stage;
    show("stage-section", stage.length > 0);
    const speaking = new Set(heard?.stage.filter((one) => one.speaking).map((one) => one.seat));
    const drawn = JSON.stringify([stage.map(({ speaking: _, ...rest }) => rest)]);
    const list = element("stage");
    if (drawn !== this.#drawn.stage) {
      list.replaceChildren(...stage.map(seat));
      this.#drawn.stage = drawn;
    }
    for (const item of list.children) {
      const yes = speaking.has(item.dataset.seat) ? "yes" : "no";
      if (item.dataset.speaking !== yes) item.dataset.speaking = yes;
    }
  }

  #pinned(pinned = []) {
    show("pinned-section", pinned.length > 0);
    const drawn = JSON.stringify(pinned);
    if (drawn === this.#drawn.pinned) return;
    this.#drawn.pinned = drawn;
    element("pinned").replaceChildren(...pinned.map(pin).filter(Boolean));
  }

  #renditions() {
    const options = RENDITIONS.filter((one) => canPlay(one.mime)).map((one) => {
      const option = new Option(`${one.label}, ${one.kbps} kbit/s`, one.name);
      option.selected = one.name === this.player.rendition;
      return option;
    });
    element("rendition").replaceChildren(...options);
    element("rendition").parentElement.hidden = options.length < 2;
  }
}

function seat(one) {
  const item = make("li");
  item.dataset.seat = one.seat;
  item.dataset.away = one.away ? "yes" : "no";
  const bars = make("span", "bars");
  bars.setAttribute("aria-hidden", "true");
  bars.append(make("i"), make("i"), make("i"));
  const also = one.away ? ", back in a moment" : one.muted ? ", muted" : "";
  item.append(bars, make("span", "name", one.name), make("span", "role", ROLES[one.role] + also));
  return item;
}

/** A pinned link; anything but the web is left out. */
function pin({ title, url }) {
  let address;
  try {
    address = new URL(url);
  } catch {
    return null;
  }
  if (!["http:", "https:"].includes(address.protocol)) return null;
  const item = make("li");
  const link = make("a", "", title || address.host);
  link.href = address.href;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  link.append(make("span", "", address.host));
  item.append(link);
  return item;
}
