// A seat on the stage: sound out, the others' sound back, and what the stage says ten times a
// second. When the connection breaks it comes back to the same seat by itself, for as long as
// nobody says that it may not.

import { Refused, refusal } from "./api.js";

const SILENCE_MS = 1_500; // the stage speaks every 100 ms
const DISCONNECTED_MS = 2_000;
const RETRY_MS = 300;
const RETRY_MS_MAX = 3_000;
const PATIENT = 10; // quick tries, before they become slower
const REQUEST_MS = 8_000;
const TAKE_OVER = "*";

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Events: "change" (see `status`), "snapshot" (see `snapshot`). */
export class Seat extends EventTarget {
  status = "out"; // out, joining, on, returning, refused
  refused = null; // a Refused, when that is the status
  snapshot = null;
  #peer = null;
  #events = null;
  #session = null; // { id, url } for as long as it may be resumed
  #generation = 0;
  #heardAt = 0;
  #track = null;

  constructor({ url, key, audio }) {
    super();
    this.url = url;
    this.key = key;
    this.audio = audio;
    setInterval(() => this.#watch(), 250);
  }

  /** Takes the seat; with `takeOver`, from another window that has it. */
  join(track, { takeOver = false } = {}) {
    this.#track = track;
    return this.#run(takeOver ? TAKE_OVER : null, "joining");
  }

  async leave() {
    const session = this.#session;
    this.#generation++;
    this.#drop();
    this.#session = null;
    this.snapshot = null;
    this.#become("out");
    if (session) await fetch(session.url, { method: "DELETE", keepalive: true }).catch(() => {});
  }

  async useTrack(track) {
    this.#track = track;
    const sender = this.#peer?.getSenders().find((one) => one.track?.kind === "audio");
    await sender?.replaceTrack(track);
  }

  async #run(resume, status) {
    const mine = ++this.#generation;
    this.#drop();
    this.#become(status);
    for (let attempt = 0; mine === this.#generation; attempt++) {
      try {
        await this.#enter(resume, mine);
        return;
      } catch (error) {
        if (mine !== this.#generation) return;
        this.#drop();
        // A stage that has just come back may not know its rooms yet: 404 is believed later.
        const final = error instanceof Refused && error.status !== 503 && error.status < 500;
        if (final && !(error.status === 404 && attempt < PATIENT && status === "returning")) {
          this.refused = error;
          this.#become("refused");
          return;
        }
        const slower = attempt < PATIENT ? 1 : 2 ** Math.min(4, attempt - PATIENT + 1);
        await pause(Math.min(RETRY_MS_MAX, RETRY_MS * slower) * (0.7 + Math.random() * 0.6));
      }
    }
  }

  async #enter(resume, mine) {
    const peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this.#peer = peer;
    peer.addEventListener("track", ({ track }) => {
      this.audio.srcObject = new MediaStream([track]);
      this.audio.play().catch(() => {});
    });
    peer.addEventListener("connectionstatechange", () => this.#onPeer(peer, mine));
    peer.addTrack(this.#track, new MediaStream([this.#track]));
    await peer.setLocalDescription();
    const headers = { Authorization: `Bearer ${this.key}`, "Content-Type": "application/sdp" };
    if (resume) headers["Stentor-Resume"] = resume;
    const response = await fetch(this.url, {
      method: "POST",
      headers,
      body: peer.localDescription.sdp,
      signal: AbortSignal.timeout(REQUEST_MS),
    });
    if (!response.ok) throw await refusal(response);
    const url = new URL(response.headers.get("Location"), this.url).href;
    if (mine !== this.#generation) {
      fetch(url, { method: "DELETE" }).catch(() => {});
      return;
    }
    this.#session = { id: url.slice(url.lastIndexOf("/") + 1), url };
    await peer.setRemoteDescription({ type: "answer", sdp: await response.text() });
    this.#listen(mine);
    this.#become("on");
  }

  #listen(mine) {
    this.#heardAt = performance.now();
    const events = new EventSource(`${this.#session.url}/events`);
    this.#events = events;
    events.addEventListener("message", ({ data }) => {
      if (mine !== this.#generation) return;
      this.#heardAt = performance.now();
      this.snapshot = JSON.parse(data);
      this.dispatchEvent(new Event("snapshot"));
    });
    events.addEventListener("error", () => {
      if (mine === this.#generation) this.#broke();
    });
  }

  #onPeer(peer, mine) {
    const broken = () => mine === this.#generation && peer === this.#peer;
    if (peer.connectionState === "failed" && broken()) this.#broke();
    if (peer.connectionState === "disconnected") {
      setTimeout(() => {
        if (broken() && peer.connectionState === "disconnected") this.#broke();
      }, DISCONNECTED_MS);
    }
  }

  #watch() {
    if (this.status === "on" && performance.now() - this.#heardAt > SILENCE_MS) this.#broke();
  }

  #broke() {
    if (this.status === "on") this.#run(this.#session?.id ?? null, "returning");
  }

  #drop() {
    this.#events?.close();
    this.#peer?.close();
    this.#events = this.#peer = null;
  }

  #become(status) {
    this.status = status;
    this.dispatchEvent(new Event("change"));
  }
}
