// The player: decides which source feeds the ear (push, or the shelf where push does not get
// through or the past is wanted), when to start, and what the page is told. It keeps a listener
// listening: every failure ends in another try, a jump, or the truth.

import { ProgrammeClock } from "./clock.js";
import { PART_S, PART_SAMPLES, SAMPLE_RATE, renditionNamed, seconds } from "./grid.js";
import { Pipe } from "./pipe.js";
import { PushSource } from "./push.js";
import { ShelfSource } from "./shelf.js";
import { Steering } from "./steering.js";
import { Timeline } from "./timeline.js";

const START_BEHIND_S = 0.5; // of the newest sound, on joining
const SLEEP_AFTER_MS = 5 * 60_000; // paused for so long, a listener stops receiving
const UNREACHABLE_MS = 5_000;
const LIVE_EDGE_S = 3; // a seek to here and beyond is a wish for live
const TICK_MS = 250;

export class Player extends EventTarget {
  clock = new ProgrammeClock();
  timeline = new Timeline();
  #pipe = null;
  #source = null;
  #steering = new Steering();
  #mode = "none"; // none, push, shelf
  #wanted = "none"; // none, play, pause
  #following = false; // keeps to live by itself
  #held = null; // parts not yet given to the pipe, until enough are there to start with
  #end = null; // sample index after the newest part
  #init = null;
  #startAt = null; // seconds, until the element has taken it
  #fromHour = false; // was there before the first part
  #gone = false;
  #pushBlocked = false;
  #trouble = null;
  #pausedAt = null;
  #heard = false; // sound came out of this source

  constructor(audio, room, rendition) {
    super();
    this.audio = audio;
    this.room = room;
    this.rendition = rendition;
    audio.addEventListener("loadedmetadata", () => this.#place());
    audio.addEventListener("playing", () => this.#onPlaying());
    audio.addEventListener("waiting", () => this.#onWaiting());
    audio.addEventListener("pause", () => this.#onPause());
    audio.addEventListener("play", () => this.#onPlay());
    audio.addEventListener("ended", () => this.#changed());
    setInterval(() => this.#tick(), TICK_MS);
  }

  get state() {
    return this.timeline.newest;
  }

  get position() {
    return this.#startAt ?? this.audio.currentTime;
  }

  get mode() {
    return this.#mode;
  }

  get following() {
    return this.#following;
  }

  get pushBlocked() {
    return this.#pushBlocked;
  }

  get trouble() {
    return this.#trouble;
  }

  /** Seconds of programme that there are by now. */
  get length() {
    if (this.state?.phase === "ended") return seconds(this.state.end_samples ?? 0);
    return this.state?.phase === "live" ? Math.max(0, this.clock.live ?? 0) : 0;
  }

  get behind() {
    return Math.max(0, this.length - this.position);
  }

  get margin() {
    return this.#end === null ? 0 : seconds(this.#end) - this.position;
  }

  get target() {
    return this.#steering.target;
  }

  /** idle, gone, paused, waiting, connecting, playing, stalled, reconnecting, unreachable, finished */
  get status() {
    if (this.#gone) return "gone";
    if (this.#wanted === "none") return "idle";
    if (this.audio.ended) return "finished";
    if (this.#wanted === "pause") return "paused";
    const dry = this.audio.readyState < 3 || this.#held !== null;
    if (this.#trouble && dry) {
      return this.#trouble.silentMs > UNREACHABLE_MS ? "unreachable" : "reconnecting";
    }
    if (this.state?.phase === "scheduled") return "waiting";
    if (!dry) return "playing";
    return this.#heard ? "stalled" : "connecting";
  }

  noteState(state) {
    this.clock.noteState(state);
    const before = this.state?.phase;
    this.timeline.add(state.sample_index, state);
    if (state.phase === "ended" && before !== "ended" && this.#mode === "shelf") {
      this.#source?.finish?.(state.end_samples ?? 0);
    }
    this.#changed();
  }

  /** Begins to play, live or at so many seconds. Call it within a tap. */
  start(where = "live") {
    this.#close();
    this.#wanted = "play";
    this.#gone = false;
    const live = where === "live" && this.state?.phase !== "ended";
    this.#pipe = new Pipe(this.audio, renditionNamed(this.rendition).mime);
    this.#pipe.failed = (error) => this.#fail(error);
    this.#following = live;
    this.#held = [];
    this.#startAt = live ? null : where === "live" ? 0 : where;
    this.#fromHour = this.state?.phase === "scheduled";
    this.#play();
    if (live && !this.#pushBlocked) this.#openPush();
    else this.#openShelf(this.#startAt === null ? null : Math.floor(this.#startAt * SAMPLE_RATE));
    this.#changed();
  }

  pause() {
    this.#wanted = "pause";
    this.audio.pause();
  }

  resume() {
    if (this.#mode === "none") return this.start(this.position);
    if (this.audio.ended) return this.seek(0);
    this.#wanted = "play";
    this.#play();
  }

  seek(time) {
    const target = Math.max(0, Math.min(time, this.length));
    if (this.state?.phase === "live" && target > this.length - LIVE_EDGE_S) return this.jumpToLive();
    this.#following = false;
    this.#setRate(1);
    if (this.#pipe?.around(target) && this.#held === null) {
      this.audio.currentTime = target;
      if (this.#wanted === "play" && this.audio.paused) this.#play();
    } else if (this.#wanted === "pause") {
      this.start(target);
      this.pause();
    } else this.start(target);
    this.#changed();
  }

  jumpToLive() {
    if (this.state?.phase !== "live") return;
    this.#wanted = "play";
    if (this.#mode === "push" && this.#held === null && this.#end !== null) {
      this.#hop();
      this.#following = true;
      this.#play();
    } else this.start("live");
    this.#changed();
  }

  useRendition(name) {
    if (name === this.rendition) return;
    this.rendition = name;
    if (this.#wanted === "none") return;
    const paused = this.#wanted === "pause";
    const live = this.#following || this.state?.phase === "scheduled";
    this.start(live ? "live" : this.position);
    if (paused) this.pause();
  }

  #openPush() {
    this.#mode = "push";
    this.#source = new PushSource({
      room: this.room,
      rendition: this.rendition,
      phase: this.state?.phase,
      emit: this.#listener(),
    });
    this.#source.start();
  }

  #openShelf(from) {
    this.#mode = "shelf";
    this.#source?.stop();
    const ended = this.state?.phase === "ended";
    this.#source = new ShelfSource({
      room: this.room,
      rendition: this.rendition,
      from,
      endSamples: ended ? (this.state.end_samples ?? 0) : null,
      ahead: () => (this.#held === null ? this.margin : 0),
      emit: this.#listener(),
    });
    this.#source.start();
  }

  /** Events of a source that was replaced meanwhile are not heard. */
  #listener() {
    const mine = this.#pipe;
    const mode = this.#mode;
    return (event) => {
      if (this.#pipe === mine && this.#mode === mode) this.#on(event);
    };
  }

  #on(event) {
    switch (event.kind) {
      case "init":
        if (this.#init?.length !== event.bytes.length) this.#pipe.append(event.bytes);
        this.#init = event.bytes;
        return;
      case "part":
        return this.#onPart(event);
      case "state":
        this.#trouble = null;
        return this.noteState(event.state);
      case "open":
        this.#trouble = null;
        break;
      case "jump":
        this.#note("jumped", { seconds: (event.to - event.from) * PART_S });
        break;
      case "trouble":
        this.#trouble = { ...event, retryAt: performance.now() + event.retryMs };
        break;
      case "blocked":
        this.#pushBlocked = true;
        this.#note("blocked");
        this.#openShelf(this.#end);
        break;
      case "finished":
        this.#note("finished");
        break;
      case "ended":
      case "complete":
        this.#flush();
        this.#pipe.finish();
        break;
      case "gone":
        this.#gone = true;
        this.#close();
        break;
    }
    this.#changed();
  }

  #onPart({ start, bytes }) {
    this.#trouble = null;
    if (this.#mode === "push") this.clock.note(start + PART_SAMPLES);
    if (this.#end !== null && start < this.#end) return; // had it
    if (this.#held !== null) {
      this.#held.push({ start, bytes });
      const first = this.#held[0].start;
      const enough = this.#following ? START_BEHIND_S + this.#steering.target - 0.15 : 0;
      this.#end = start + PART_SAMPLES;
      // What came in the same read is still to be heard of: the ear is placed after all of it.
      if (seconds(this.#end - first) > enough) queueMicrotask(() => this.#flush());
      return;
    }
    if (this.#following && !this.audio.paused) {
      if (this.#steering.arrived(this.margin, performance.now()) === "hop") this.#hop();
      this.#setRate(this.#steering.rate);
    }
    this.#pipe.append(bytes);
    this.#end = start + PART_SAMPLES;
  }

  /** Gives the pipe what was held back, and places the ear when this is the beginning. */
  #flush() {
    const held = this.#held;
    this.#held = null;
    if (!held?.length) return;
    for (const part of held) this.#pipe.append(part.bytes);
    if (this.#heard) return;
    if (this.#following) this.#startAt = seconds(held[0].start);
    this.#place();
  }

  #place() {
    if (this.#startAt === null || this.audio.readyState < 1 || this.#held !== null) return;
    if (this.#following && !(this.#fromHour && this.#startAt === 0)) {
      this.#startAt = Math.max(this.#startAt, seconds(this.#end) - START_BEHIND_S);
    }
    this.audio.currentTime = this.#startAt;
    this.#startAt = null;
  }

  #hop() {
    this.#steering.forget();
    this.#setRate(1);
    const to = seconds(this.#end) - this.#steering.target - PART_S;
    if (to > this.audio.currentTime && this.#pipe.around(to)) this.audio.currentTime = to;
  }

  #setRate(rate) {
    if (this.audio.playbackRate !== rate) this.audio.playbackRate = rate;
  }

  #play() {
    this.#pausedAt = null;
    this.audio.play().catch((error) => {
      if (error.name !== "NotAllowedError") return; // AbortError: another source took over
      this.#close();
      this.#wanted = "none";
      this.#note("tap");
    });
  }

  #onPlaying() {
    this.#heard = true;
    this.#changed();
  }

  #onPlay() {
    this.#wanted = "play";
    this.#pausedAt = null;
    if (this.#mode === "none") this.start(this.position);
  }

  #onPause() {
    if (this.audio.ended || this.#mode === "none") return;
    this.#wanted = "pause"; // ours, or the system's: a call, headphones pulled out
    this.#following = false;
    this.#setRate(1);
    this.#pausedAt = performance.now();
    this.#changed();
  }

  #onWaiting() {
    if (this.#following && this.#heard && this.#held === null && !this.audio.seeking) {
      const { currentTime } = this.audio;
      if (this.#pipe.around(currentTime + 0.05) || this.#pipe.after(currentTime) !== null) return;
      this.#held = [];
      this.#steering.stalled(performance.now());
    }
    this.#changed();
  }

  #tick() {
    if (this.#pausedAt !== null && performance.now() - this.#pausedAt > SLEEP_AFTER_MS) {
      this.#close();
    }
    const { currentTime, paused, readyState } = this.audio;
    if (this.#pipe && this.#heard && !paused && readyState < 3) {
      const next = this.#pipe.after(currentTime);
      if (next !== null && !this.#pipe.around(currentTime + 0.02)) this.audio.currentTime = next + 0.01;
    }
    this.dispatchEvent(new Event("tick"));
  }

  #fail(error) {
    console.warn("stentor: the player starts again:", error);
    this.start(this.#following ? "live" : this.position);
  }

  #close() {
    this.#source?.stop();
    this.#pipe?.close();
    this.#source = this.#pipe = this.#init = this.#end = this.#held = this.#trouble = null;
    this.#pausedAt = null;
    this.#mode = "none";
    this.#heard = false;
    this.#startAt = null;
    this.#steering.forget();
    this.#setRate(1);
  }

  #note(kind, detail = {}) {
    this.dispatchEvent(new CustomEvent("note", { detail: { kind, ...detail } }));
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
