// The call with the stage: enter, be told how things stand, and come back by itself when stage or
// network fail. It decides when a call counts as lost; never what may be said or heard.

import { Away, ask, Refused } from "./api.js";

const RETRY_MS = 300;
const SILENT_MS = 2_500; // the stage tells ten times a second
const CONNECT_MS = 6_000;
const SHAKY_MS = 1_500; // ICE often recovers by itself
const ATTEMPT_MS = 4_000;
const TAKEN_MS = 4_000; // our own half-finished attempt holds the seat for two seconds
const SESSION = "stentor-session";
const VOICELESS_MAX = 2;
const BITRATE = 64_000;
export const TAKE_OVER = "*";

/**
 * Events: `state` (idle, joining, on, lost, over), `news` (a snapshot in `latest`), `unheard` (the
 * browser plays nothing yet), `voiceless` and `voice` (packets do not get through; they do again).
 */
export class Call extends EventTarget {
  #talkUrl;
  #key;
  #output;
  #peer = null;
  #source = null;
  #location = null; // of the session on the stage, until it is left, over or replaced
  #watch = null;
  #track = null;
  #heardAt = 0;
  #shakySince = 0;
  #attempt = 0;
  #connected = false;
  #voiceless = 0; // sessions in a row whose packets never got through
  state = "idle";
  latest = null;
  why = null; // once over: what the stage said last, or `Refused`

  constructor(talkUrl, key, output) {
    super();
    this.#talkUrl = talkUrl;
    this.#key = key;
    this.#output = output;
  }

  /** Enters the stage; throws `Refused` or `Away`. */
  async join(track, resume = sessionStorage.getItem(SESSION)) {
    this.#track = track;
    this.#become("joining");
    try {
      await this.#enter(resume);
    } catch (error) {
      this.#hangUp();
      this.#become("idle");
      throw error;
    }
  }

  /** Speaks with another microphone from now on. */
  async replace(track) {
    this.#track = track;
    await this.#peer?.getSenders()[0]?.replaceTrack(track);
  }

  /** Leaves the stage; also one that was just lost, which would keep the seat. */
  leave() {
    const location = this.#location;
    this.#hangUp();
    this.#location = null;
    sessionStorage.removeItem(SESSION);
    if (location) fetch(location, { method: "DELETE", keepalive: true }).catch(() => {});
    this.#become("idle");
  }

  async #enter(resume) {
    this.#hangUp();
    const attempt = ++this.#attempt;
    const peer = new RTCPeerConnection();
    this.#peer = peer;
    const sender = peer.addTransceiver(this.#track, { direction: "sendrecv" }).sender;
    peer.addEventListener("track", ({ track }) => {
      this.#output.srcObject = new MediaStream([track]);
      this.#output.play().catch(() => this.dispatchEvent(new Event("unheard")));
    });
    await peer.setLocalDescription(await peer.createOffer());
    const headers = { Authorization: `Bearer ${this.#key}`, "Content-Type": "application/sdp" };
    if (resume) headers["Stentor-Resume"] = resume;
    const body = peer.localDescription.sdp;
    const response = await ask(this.#talkUrl, { method: "POST", headers, body }, ATTEMPT_MS);
    const location = new URL(response.headers.get("Location"), this.#talkUrl).href;
    const answer = await response.text();
    if (attempt !== this.#attempt) {
      fetch(location, { method: "DELETE", keepalive: true }).catch(() => {});
      return;
    }
    this.#location = location;
    sessionStorage.setItem(SESSION, location.split("/").at(-1));
    await peer.setRemoteDescription({ type: "answer", sdp: answer });
    this.#faster(sender);
    this.#follow();
    this.#become("on");
  }

  async #faster(sender) {
    const parameters = sender.getParameters();
    for (const encoding of parameters.encodings ?? []) encoding.maxBitrate = BITRATE;
    await sender.setParameters(parameters).catch(() => {}); // the browser's own choice will do
  }

  #follow() {
    const source = new EventSource(`${this.#location}/events`);
    this.#source = source;
    this.#heardAt = performance.now();
    this.#shakySince = 0;
    this.#connected = false;
    source.addEventListener("message", ({ data }) => {
      if (source !== this.#source) return;
      this.#heardAt = performance.now();
      const event = JSON.parse(data);
      if (event.gone) this.#gone(event.gone);
      else {
        this.latest = event;
        this.dispatchEvent(new Event("news"));
      }
    });
    source.addEventListener("error", () => {
      if (source === this.#source) this.#lose();
    });
    this.#watch = setInterval(() => this.#look(), 250);
  }

  #look() {
    const now = performance.now();
    const state = this.#peer.connectionState;
    if (state === "connected") {
      if (this.#voiceless >= VOICELESS_MAX) this.dispatchEvent(new Event("voice"));
      this.#connected = true;
      this.#voiceless = this.#shakySince = 0;
    } else this.#shakySince ||= now;
    const shaky = this.#shakySince ? now - this.#shakySince : 0;
    const limit = this.#connected ? SHAKY_MS : CONNECT_MS;
    if (shaky > limit || state === "failed") {
      this.#voiceless = this.#connected ? 0 : this.#voiceless + 1;
      if (this.#voiceless === VOICELESS_MAX) this.dispatchEvent(new Event("voiceless"));
      this.#lose();
    } else if (now - this.#heardAt > SILENT_MS) this.#lose();
  }

  #gone(why) {
    if (["removed", "replaced", "ended", "left"].includes(why)) this.#finish(why);
    else this.#lose();
  }

  async #lose() {
    if (this.state !== "on") return;
    const session = this.#location.split("/").at(-1);
    this.#hangUp();
    this.#become("lost");
    let triedAt = performance.now(); // an attempt came to no end then: it may hold the seat
    while (this.state === "lost") {
      try {
        await this.#enter(session);
        return;
      } catch (error) {
        if (this.state !== "lost") return;
        const taken = error instanceof Refused && error.status === 409;
        const waits = taken && performance.now() - triedAt < TAKEN_MS;
        if (error instanceof Refused && error.status < 500 && !waits) return this.#finish(error);
        if (!(error instanceof Refused)) triedAt = performance.now();
        if (!(error instanceof Refused || error instanceof Away)) console.warn(error);
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  #finish(why) {
    this.#hangUp();
    this.#location = null;
    this.why = why;
    sessionStorage.removeItem(SESSION);
    this.#become("over");
  }

  #hangUp() {
    this.#attempt++;
    clearInterval(this.#watch);
    this.#source?.close();
    this.#peer?.close();
    this.#source = this.#peer = null;
  }

  #become(state) {
    if (state === this.state) return;
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}
