// The pre-flight in the studio: how many are expected, and whether everything is there for them.
// Asks control and shows its answer; decides nothing.

import { Away, Refused } from "./api.js";
import { element, keyed, make, mark, show, text } from "./page.js";

const LIMIT_MS = 25_000; // control looks at every part and port
const WORDS = { yes: "Yes", no: "No", unknown: "Not known" };
const FIRST = { stops: 0, warns: 1, fine: 2 };

const clock = (ms) => new Date(ms).toLocaleTimeString(undefined, { hour: "numeric", minute: "2-digit", second: "2-digit" });

/** What an item means for the event. */
const kind = ({ word, weight }) => (word === "yes" ? "fine" : weight === "vital" ? "stops" : "warns");

export class Preflight {
  #asked = false;
  #shown = 0; // what the field was set to by us

  constructor(path, control, act) {
    this.path = path;
    this.control = control;
    this.act = act;
    element("preflight-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#ask();
    });
  }

  /** Takes what the room is now; a pre-flight is for the time before the hour. */
  draw(room) {
    show("preflight", room.phase === "scheduled");
    const field = element("expected");
    const untouched = field.value === (this.#shown ? String(this.#shown) : "");
    if (!untouched || document.activeElement === field) return;
    this.#shown = room.expected;
    field.value = room.expected || "";
  }

  async #ask() {
    const field = element("expected");
    const expected = Number(field.value);
    if (this.#asked || !field.reportValidity() || !Number.isInteger(expected)) return;
    this.#asked = true;
    mark(element("preflight-check"), "busy", "yes");
    text("preflight-sentence", "Looking at every part …");
    try {
      if (!(await this.act("PATCH", "", "", { expected }))) return this.#forget();
      this.#shown = expected;
      this.#answer(await this.control.call("GET", `${this.path}/preflight?expect=${expected}`, undefined, LIMIT_MS));
    } catch (error) {
      if (!(error instanceof Refused) && !(error instanceof Away)) throw error;
      this.#forget();
      text("preflight-sentence", error instanceof Refused ? error.message : "No: control did not answer in time.");
    } finally {
      this.#asked = false;
      mark(element("preflight-check"), "busy", "no");
    }
  }

  #forget() {
    text("preflight-sentence", "");
    mark(element("preflight"), "ready", "");
    show("preflight-found", false);
  }

  #answer(answer) {
    mark(element("preflight"), "ready", answer.ready ? "yes" : "no");
    text("preflight-sentence", headline(answer));
    const items = answer.items.map((item, place) => ({ ...item, place, kind: kind(item) }));
    items.sort((a, b) => FIRST[a.kind] - FIRST[b.kind] || a.place - b.place);
    const fine = items.filter((item) => item.kind === "fine");
    list("preflight-open", items.filter((item) => item.kind !== "fine"));
    list("preflight-fine", fine);
    text("preflight-fine-label", `${fine.length} of ${items.length} checks are fine`);
    show("preflight-fine-details", fine.length > 0);
    const source = answer.rehearsal ? `What a listener costs was measured in the rehearsal ${answer.rehearsal}.` : "What a listener costs was not measured on this machine.";
    text("preflight-source", `Checked at ${clock(answer.at_ms)}. ${source}`);
    show("preflight-found", true);
  }
}

function headline({ ready, expected, items }) {
  const count = new Intl.NumberFormat().format(expected.listeners);
  if (!ready) {
    const stops = items.filter((item) => kind(item) === "stops").length;
    return `No: not ready for ${count}. ${stops === 1 ? "One thing stands" : `${stops} things stand`} in the way.`;
  }
  const warnings = items.filter((item) => kind(item) === "warns").length;
  return `Yes: ready for ${count}${warnings ? `, with ${warnings === 1 ? "a warning" : `${warnings} warnings`}` : ""}.`;
}

function list(id, items) {
  const node = element(id);
  keyed(node, items, (item) => item.name, create, update);
  show(node, items.length > 0);
}

function create() {
  const node = make("li");
  const head = make("p", "check");
  head.append(make("span", "word"), make("b", "what"));
  node.append(head, make("p", "told"), make("p", "do soft"));
  return node;
}

function update(node, item) {
  mark(node, "kind", item.kind);
  text(node.querySelector(".word"), item.kind === "warns" && item.word === "no" ? "Warning" : WORDS[item.word]);
  text(node.querySelector(".what"), item.name);
  text(node.querySelector(".told"), item.told);
  const todo = node.querySelector(".do");
  text(todo, item.word === "yes" ? "" : item.do);
  show(todo, Boolean(todo.textContent));
}
