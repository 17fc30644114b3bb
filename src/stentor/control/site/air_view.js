// Draws whether the audience hears the stage, and since when or until when: from the room's hour
// and the server's clock, so that it is right at the hour without anybody saying so.

import { element, mark, say, show, text } from "./page.js";
import { countdown, localTime, position } from "./times.js";

/** The server's time: the newest that anybody told, drifting back slowly where one was too early. */
class ServerClock {
  #aheadMs = null;

  note(nowMs) {
    const ahead = nowMs - performance.now();
    this.#aheadMs = this.#aheadMs === null || Math.abs(ahead - this.#aheadMs) > 2_000 ? ahead : Math.max(this.#aheadMs - 1, ahead);
  }

  get nowMs() {
    return performance.now() + (this.#aheadMs ?? Date.now() - performance.now());
  }
}

export class AirView {
  #said = "";
  clock = new ServerClock();
  phase = null;

  /** `facts` has title, epoch_ms, end_ms, listen_url. */
  draw(facts, call, you, muted) {
    const now = this.clock.nowMs;
    const calledOff = facts.end_ms !== null && facts.end_ms <= facts.epoch_ms;
    const ended = facts.end_ms !== null && now >= facts.end_ms;
    this.phase = ended ? "ended" : now >= facts.epoch_ms ? "live" : "scheduled";
    text("title", facts.title);
    const title = `${this.phase === "live" ? "● " : ""}${facts.title} – Studio`;
    if (document.title !== title) document.title = title;
    text("when", localTime(facts.epoch_ms, now));
    show("air", true);
    const on = call === "on" || call === "lost";
    const look = call === "lost" ? "lost" : this.phase;
    mark(element("air"), "phase", look);
    const heard = look === "live" && call === "on" && !you?.muted && !muted;
    mark(element("air"), "heard", heard ? "yes" : "no");
    text("air-sign", { lost: "Connecting again …", scheduled: on ? "Green room" : "Not yet on air", live: "On air", ended: calledOff ? "Called off" : "Over" }[look]);
    text("air-clock", this.#clock(facts, now));
    text("air-text", this.#line(call, you, muted));
    text("join", this.phase === "scheduled" ? "Enter the green room" : "Join the stage");
    if (this.phase === "ended" && call === "idle") show("entrance", false);
    this.#announce(on, you);
  }

  #clock(facts, now) {
    if (this.phase === "scheduled") return `in ${countdown(facts.epoch_ms - now)}`;
    if (this.phase === "ended" && facts.end_ms <= facts.epoch_ms) return "";
    const until = this.phase === "ended" ? facts.end_ms : now;
    return position(Math.max(0, until - facts.epoch_ms) / 1000, true);
  }

  #line(call, you, muted) {
    const on = call === "on";
    if (call === "lost") return "Your connection was lost. Stay here: you are back by yourself.";
    if (this.phase === "ended") return on ? "The conversation is over. You still hear each other for a few seconds." : "Nobody hears the stage any more.";
    if (!on) return this.phase === "live" ? "The audience hears the stage. You are not on it yet." : "When the hour comes it goes on air by itself.";
    if (you?.muted) return "The host has muted you: nobody hears you.";
    if (muted) return "You have muted yourself: nobody hears you.";
    return this.phase === "live" ? "The audience hears you." : "Only those on the stage hear you.";
  }

  /** What must not be missed by who listens to a screen reader, each once. */
  #announce(on, you) {
    const now = on ? `${this.phase} ${you?.muted ?? false}` : "";
    const [phase, muted] = this.#said.split(" ");
    if (now && this.#said && now !== this.#said) {
      if (phase !== this.phase) say({ live: "You are on air.", ended: "The conversation is over.", scheduled: "Green room." }[this.phase]);
      else if (muted !== String(you?.muted ?? false)) say(you?.muted ? "The host has muted you." : "The host has unmuted you.");
    }
    this.#said = now;
  }
}
