// The player: decides which source feeds the ear (push, or the shelf where push does not get
// through or the past is wanted) and what the page is told. It keeps a listener listening: every
// failure ends in another try, a jump, or the truth.

import { BasePlayer } from "./base_player.js";
import { fetchState } from "./directory.js";
import { Ear } from "./ear.js";
import { PART_S, SAMPLE_RATE, lowerThan, renditionNamed } from "./grid.js";
import { Mover } from "./moves.js";
import { canPlay } from "./pipe.js";
import { PushSource } from "./push.js";
import { ShelfSource } from "./shelf.js";
import { decideStatus } from "./status.js";

const SLEEP_AFTER_MS = 5 * 60_000; // paused for so long, a listener stops receiving
const LIVE_EDGE_S = 3; // a seek to here and beyond is a wish for live
const TICK_MS = 250;

export class Player extends BasePlayer {
  mode = "none"; // none, push, shelf
  connected = false; // a source delivers
  wantsTap = false; // there is sound, and the browser wants a tap for it
  #mover;
  #ear;
  #source = null;
  #wanted = "none"; // none, play, pause
  #gone = false;
  #pausedAt = null;

  constructor(audio, room, rendition) {
    super(audio, room);
    this.rendition = rendition;
    this.#ear = new Ear(audio, {
      changed: () => this.changed(),
      failed: () => this.#restart(),
    });
    this.#mover = new Mover(this.#ear);
    audio.addEventListener("pause", () => this.#onPause());
    audio.addEventListener("play", () => this.#onPlay());
    audio.addEventListener("ended", () => this.changed());
    setInterval(() => this.#tick(), TICK_MS);
  }

  get position() {
    return this.#ear.position;
  }

  get following() {
    return this.#ear.following;
  }

  get status() {
    return decideStatus({
      gone: this.#gone,
      wanted: this.#wanted,
      finished: this.audio.ended,
      trouble: this.trouble,
      dry: this.#ear.dry,
      heard: this.#ear.heard,
      phase: this.state?.phase,
      inLine: this.line !== null,
      wantsTap: this.wantsTap,
    });
  }

  noteState(state) {
    const before = this.state?.phase;
    this.takeState(state);
    if (state.phase === "ended" && before !== "ended" && this.mode === "shelf") {
      this.#source.finish(state.end_samples ?? 0);
    }
    this.changed();
  }

  /** Begins to play, live or at so many seconds. Call it within a tap. */
  start(where = "live") {
    this.#close();
    this.#wanted = "play";
    this.#gone = false;
    const live = where === "live" && this.state?.phase !== "ended";
    const startAt = live ? null : where === "live" ? 0 : where;
    this.#ear.open({ startAt, fromHour: this.state?.phase === "scheduled" });
    this.#play();
    if (live && !this.pushBlocked) this.#openPush();
    else this.#openShelf(live ? null : Math.floor(startAt * SAMPLE_RATE));
    this.changed();
  }

  /** Stops listening, or waiting; a place in line is kept for as long as it is worth something. */
  leave() {
    this.#close();
    this.#wanted = "none";
    this.changed();
  }

  pause() {
    this.#wanted = "pause";
    this.audio.pause();
  }

  resume() {
    if (this.audio.ended) return this.seek(0);
    if (this.mode === "none") return this.start(this.position);
    if (this.state?.phase === "scheduled") this.#ear.following = true;
    this.#wanted = "play";
    if (this.wantsTap && this.following) this.#ear.hop();
    this.#play();
  }

  seek(time) {
    const target = Math.max(0, Math.min(time, this.length));
    if (this.state?.phase === "live" && target > this.length - LIVE_EDGE_S) return this.jumpToLive();
    const paused = this.#wanted === "pause" && !this.audio.ended;
    if (this.#ear.holds(target)) {
      this.#ear.following = false;
      this.#ear.steady();
      this.audio.currentTime = target;
      if (!paused) this.resume();
    } else {
      this.start(target);
      if (paused) this.pause();
    }
    this.changed();
  }

  jumpToLive() {
    if (this.state?.phase !== "live") return;
    if (this.mode === "push" && this.#ear.margin > 0) {
      this.#wanted = "play";
      this.#ear.hop();
      this.#ear.following = true;
      this.#play();
    } else this.start("live");
    this.changed();
  }

  useRendition(name) {
    if (name === this.rendition) return;
    this.rendition = name;
    if (this.#wanted !== "none") this.#restart();
  }

  #restart() {
    const paused = this.#wanted === "pause";
    const live = this.following || this.state?.phase === "scheduled";
    this.start(live ? "live" : this.position);
    if (paused) this.pause();
  }

  #openPush() {
    this.mode = "push";
    this.#open(PushSource, {
      also: lowerThan(this.rendition, canPlay)?.name ?? null,
      phase: this.state?.phase,
      tickets: this.tickets,
      dry: () => this.#ear.dry,
    });
  }

  #openShelf(from) {
    this.mode = "shelf";
    this.#head({ periodMs: 1_000 * PART_S, rendition: this.rendition });
    const ended = this.state?.phase === "ended";
    this.#open(ShelfSource, {
      from,
      endSamples: ended ? (this.state.end_samples ?? 0) : null,
      ahead: () => this.#ear.margin,
      tickets: this.tickets,
    });
  }

  #open(Source, wish) {
    this.#source?.stop();
    // What a source that was replaced meanwhile still says is not heard.
    const emit = (event) => this.#source === source && this.#on(event);
    const source = new Source({ room: this.room, rendition: this.rendition, ...wish, emit });
    this.#source = source;
    source.start();
  }

  #on(event) {
    switch (event.kind) {
      case "head":
        return this.#head(event);
      case "init":
        return this.#ear.takeInit(event.bytes);
      case "part":
        this.trouble = null;
        if (this.mode === "push") this.clock.note(event.start + event.samples);
        return this.#ear.takePart(event.start, event.samples, event.bytes);
      case "state":
        this.trouble = null;
        return this.noteState(event.state);
      case "open":
      case "early":
        this.connected = event.kind === "open";
        this.trouble = this.line = null;
        break;
      case "line":
        this.connected = false;
        this.trouble = null;
        this.line = event;
        break;
      case "advice":
        this.#mover.take(event, this.lane.periodMs);
        break;
      case "over":
        this.#over();
        break;
      case "jump":
        this.note("jumped", { seconds: (event.to - event.from) * PART_S });
        break;
      case "trouble":
        this.connected = false;
        this.line = null;
        this.trouble = { ...event, retryAt: performance.now() + event.retryMs };
        break;
      case "blocked":
        this.pushBlocked = true;
        this.note("blocked");
        this.#openShelf(this.#ear.end);
        break;
      case "ended":
      case "complete":
        this.#ear.finish();
        break;
      case "gone":
        this.#gone = true;
        this.#close();
        break;
    }
    this.changed();
  }

  #head({ periodMs, rendition }) {
    const given = renditionNamed(rendition) ?? renditionNamed(this.rendition);
    this.lane = { periodMs, rendition: given.name };
    this.#ear.takeHead(given.mime, periodMs / 1_000);
    this.#mover.arrived();
    this.changed();
  }

  /** The room has ended, says the server: how long it was stands in its state. */
  async #over() {
    const source = this.#source;
    const state = await fetchState(this.room, this.clock).catch(() => null);
    if (!state || this.#source !== source) return;
    this.noteState(state);
    if (this.mode === "push") this.start(this.position);
  }

  #play() {
    this.#pausedAt = null;
    this.audio.play().catch((error) => {
      if (error.name !== "NotAllowedError") return; // AbortError: another source took over
      this.wantsTap = true; // whoever waited in line does not lose their place for that
      this.#pausedAt = performance.now();
      this.changed();
    });
  }

  #onPlay() {
    this.#wanted = "play";
    this.wantsTap = false;
    this.#pausedAt = null;
    if (this.mode === "none") this.start(this.position);
  }

  #onPause() {
    if (this.audio.ended || this.mode === "none") return;
    this.#wanted = "pause"; // ours, or the system's: a call, headphones pulled out
    this.#ear.following = false;
    this.#ear.steady();
    this.#pausedAt = performance.now();
    this.changed();
  }

  #tick() {
    if (this.#pausedAt !== null && performance.now() - this.#pausedAt > SLEEP_AFTER_MS) {
      if (this.wantsTap) this.leave();
      else this.#close();
    }
    this.#ear.tick();
    if (this.mode === "push" && this.connected) {
      this.#mover.tick(this.#source, this.state?.phase === "scheduled");
    }
    this.dispatchEvent(new Event("tick"));
  }

  #close() {
    this.#source?.stop();
    this.#source = this.trouble = this.line = this.#pausedAt = null;
    this.mode = "none";
    this.connected = this.wantsTap = false;
    this.#mover.forget();
    this.#ear.close();
  }
}
