// For browsers without MediaSource: the element plays HLS by itself. The same face as Player, with
// less to say: the browser does not tell how far behind live it is, except by its own start date.

import { BasePlayer } from "./base_player.js";
import { pause } from "./backoff.js";
import { takePass } from "./shelf_pass.js";

const TICK_MS = 500;

export class NativePlayer extends BasePlayer {
  mode = "native";
  following = true;
  rendition = "aac48";
  #wanted = "none";
  #whole = false; // plays from minute 0, else the live playlist
  #gone = false;
  #pass = ""; // past the door
  #entering = null; // aborts the way there

  constructor(audio, room) {
    super(audio, room);
    for (const name of ["playing", "waiting", "pause", "ended"]) {
      audio.addEventListener(name, () => this.changed());
    }
    audio.addEventListener("error", () => this.#retry());
    setInterval(() => this.dispatchEvent(new Event("tick")), TICK_MS);
  }

  get position() {
    const began = this.audio.getStartDate?.().getTime();
    if (this.#whole || !began || !this.state) return this.audio.currentTime;
    return (began - this.state.epoch_ms) / 1000 + this.audio.currentTime;
  }

  get status() {
    if (this.#gone) return "gone";
    if (this.#wanted === "none") return "idle";
    if (this.line) return "line";
    if (this.audio.ended) return "finished";
    if (this.state?.phase === "scheduled") return "waiting";
    if (this.audio.paused && this.#wanted === "pause") return "paused";
    return this.audio.readyState < 3 ? "connecting" : "playing";
  }

  noteState(state) {
    const before = this.state?.phase;
    this.takeState(state);
    const begins = before === "scheduled" && state.phase === "live";
    if (begins && this.#wanted === "play") this.start("live");
    this.changed();
  }

  start(where = "live") {
    this.#wanted = "play";
    const live = where === "live" && this.state?.phase === "live";
    this.#whole = !live;
    this.following = live;
    const pass = this.#pass ? `?pass=${this.#pass}` : "";
    this.audio.src = `/r/${this.room}/hls/${live ? "master" : "dvr"}.m3u8${pass}`;
    const at = where === "live" ? 0 : where;
    if (at) {
      this.audio.addEventListener("loadedmetadata", () => (this.audio.currentTime = at), { once: true });
    }
    this.#play();
  }

  /** Stops waiting; the place in line is kept for as long as it is worth something. */
  leave() {
    this.#entering?.abort();
    this.line = null;
    this.#wanted = "none";
    this.changed();
  }

  pause() {
    this.#wanted = "pause";
    this.following = false;
    this.audio.pause();
  }

  resume() {
    this.#wanted = "play";
    this.#play();
  }

  seek(time) {
    const target = Math.max(0, Math.min(time, this.length));
    this.following = false;
    if (this.#whole) this.audio.currentTime = target;
    else this.start(target);
  }

  jumpToLive() {
    this.start("live");
  }

  useRendition() {} // the element chooses

  #play() {
    this.audio.play().catch((error) => {
      if (error.name !== "NotAllowedError") return;
      this.#wanted = "none";
      this.note("tap");
    });
    this.changed();
  }

  #retry() {
    if (this.#wanted === "none" || this.state?.phase === "scheduled") return;
    const at = this.#whole ? this.audio.currentTime : "live";
    const again = () => this.#wanted === "play" && this.start(at);
    if (this.state?.phase === "live") this.#enter().then(again);
    else setTimeout(again, 1_000 + Math.random() * 2_000);
  }

  /** The element does not say why it failed: perhaps there is a line, then we wait in it. */
  async #enter() {
    this.#entering?.abort();
    const way = (this.#entering = new AbortController());
    await pause(1_000 + Math.random() * 2_000, way.signal);
    const pass = await takePass({
      room: this.room,
      tickets: this.tickets,
      signal: way.signal,
      tell: (place) => {
        this.line = place;
        this.changed();
      },
      trouble: () => {},
    });
    if (way.signal.aborted) return;
    this.#pass = pass ?? "";
    this.line = null;
    this.changed();
  }
}
