// What both players know and tell in the same way: the room's newest state, how long the programme
// is, how far behind live one is, and with what lane. Where the sound comes from is theirs.

import { ProgrammeClock } from "./clock.js";
import { PART_S, seconds, targetS } from "./grid.js";
import { Tickets } from "./tickets.js";
import { Timeline } from "./timeline.js";

const USUAL_S = 1.2; // what encoding, one part and the way here take

/** Events: "change", "tick", and "note" with what is worth a sentence. */
export class BasePlayer extends EventTarget {
  clock = new ProgrammeClock();
  timeline = new Timeline();
  pushBlocked = false;
  trouble = null;
  line = null; // one's place, while waiting in it
  lane = { periodMs: 1_000 * PART_S, rendition: "" }; // what the server gives

  constructor(audio, room) {
    super();
    this.audio = audio;
    this.room = room;
    this.tickets = new Tickets(room, () => this.clock.unixMs, localStorage);
  }

  get state() {
    return this.timeline.newest;
  }

  /** Seconds of programme that there are by now. */
  get length() {
    if (this.state?.phase === "ended") return seconds(this.state.end_samples ?? 0);
    return this.state?.phase === "live" ? Math.max(0, this.clock.live ?? 0) : 0;
  }

  get behind() {
    return Math.max(0, this.length - this.position);
  }

  /** Seconds behind live that the lane brings with it, at most. */
  get laneBehind() {
    return targetS(this.lane.periodMs / 1_000) + USUAL_S;
  }

  takeState(state) {
    this.clock.noteState(state);
    this.timeline.add(state.sample_index, state);
  }

  note(kind, detail = {}) {
    this.dispatchEvent(new CustomEvent("note", { detail: { kind, ...detail } }));
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }
}
