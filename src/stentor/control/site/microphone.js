// The microphone: opening it, choosing it, how loud it is, and muting it in this page. What is
// said when it cannot be opened is decided here too.

const TREATMENTS = ["echoCancellation", "noiseSuppression", "autoGainControl"];
const PREFERENCES = "stentor-microphone";
export const SILENCE_DB = -60;

const WHY = {
  NotAllowedError: "The browser does not let this page use the microphone. Allow it in the browser's settings for this page (often the icon left of the address), then try again.",
  NotFoundError: "No microphone was found. Plug one in, then try again.",
  NotReadableError: "The microphone is there, but something else holds on to it. Close what uses it, then try again.",
  OverconstrainedError: "The microphone that was chosen is not there any more. Choose another one.",
};

/** Says in a sentence why the microphone could not be opened. */
export function whyNot(error) {
  if (!navigator.mediaDevices) return "Browsers give the microphone only to pages that came over https. Open this link with https, or on the machine itself.";
  return WHY[error.name] ?? `The microphone cannot be used (${error.name}).`;
}

export class Microphone extends EventTarget {
  #context = null;
  #source = null;
  #analyser = null;
  #samples = new Float32Array(2_048);
  #muted = false;
  stream = null;

  constructor() {
    super();
    const kept = JSON.parse(localStorage.getItem(PREFERENCES) ?? "{}");
    this.device = kept.device ?? "";
    this.treatment = Object.fromEntries(TREATMENTS.map((name) => [name, kept[name] ?? true]));
    navigator.mediaDevices?.addEventListener("devicechange", () => this.#tell("devices"));
  }

  get track() {
    return this.stream?.getAudioTracks()[0] ?? null;
  }

  get muted() {
    return this.#muted;
  }

  set muted(yes) {
    this.#muted = yes;
    if (this.track) this.track.enabled = !yes;
    this.#tell("muted");
  }

  /** Opens the microphone, or opens it anew as it is wanted now; throws what the browser throws. */
  async open() {
    if (!navigator.mediaDevices) throw new Error("insecure");
    this.track?.stop();
    const wanted = { ...this.treatment, channelCount: 1 };
    if (this.device) wanted.deviceId = { exact: this.device };
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ audio: wanted });
    } catch (error) {
      if (!this.device || error.name === "NotAllowedError") throw error;
      this.device = ""; // the one that was used last time is not plugged in
      return this.open();
    }
    this.track.enabled = !this.#muted;
    this.track.addEventListener("ended", () => this.#tell("lost"));
    this.#listen();
    this.#tell("opened");
  }

  async choose(device) {
    this.device = device;
    this.#keep();
    await this.open();
  }

  async treat(name, yes) {
    this.treatment[name] = yes;
    this.#keep();
    if (this.stream) await this.open();
  }

  close() {
    this.track?.stop();
    this.stream = null;
  }

  async devices(kind = "audioinput") {
    const all = await navigator.mediaDevices.enumerateDevices();
    return all.filter((one) => one.kind === kind);
  }

  /** How loud it is now: mean and peak of the last 43 ms, in dB below full scale. */
  level() {
    if (!this.#analyser || this.#muted || !this.stream) return { mean: SILENCE_DB, peak: SILENCE_DB };
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    let peak = 0;
    for (const sample of this.#samples) {
      sum += sample * sample;
      peak = Math.max(peak, Math.abs(sample));
    }
    const db = (value) => Math.max(SILENCE_DB, 20 * Math.log10(value || 1e-9));
    return { mean: db(Math.sqrt(sum / this.#samples.length)), peak: db(peak) };
  }

  #listen() {
    this.#context ??= new AudioContext();
    this.#context.resume();
    this.#source?.disconnect();
    this.#source = this.#context.createMediaStreamSource(this.stream);
    this.#analyser ??= new AnalyserNode(this.#context, { fftSize: this.#samples.length });
    this.#source.connect(this.#analyser);
  }

  #keep() {
    localStorage.setItem(PREFERENCES, JSON.stringify({ device: this.device, ...this.treatment }));
  }

  #tell(what) {
    this.dispatchEvent(new Event(what));
  }
}
