// The microphone: which one, how loud, with which of the browser's own treatments. Nothing of it
// leaves the page until the stage is joined.

const FLOOR_DB = -60;

export class Microphone {
  stream = null;
  wishes = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  #device = null;
  #context = null;
  #analyser = null;
  #samples = null;

  /** Opens the microphone anew as wished; raises what getUserMedia raises. */
  async open() {
    this.close();
    const audio = { ...this.wishes, channelCount: 1 };
    if (this.#device) audio.deviceId = { exact: this.#device };
    this.stream = await navigator.mediaDevices.getUserMedia({ audio });
    this.#context ??= new AudioContext();
    this.#context.resume();
    this.#analyser = this.#context.createAnalyser();
    this.#analyser.fftSize = 1024;
    this.#samples = new Float32Array(this.#analyser.fftSize);
    this.#context.createMediaStreamSource(this.stream).connect(this.#analyser);
    return this.track;
  }

  get track() {
    return this.stream?.getAudioTracks()[0] ?? null;
  }

  choose(device) {
    this.#device = device || null;
  }

  /** The other microphones of this machine, as { id, label, chosen }. */
  async devices() {
    const all = await navigator.mediaDevices.enumerateDevices();
    const current = this.track?.getSettings().deviceId;
    return all
      .filter((one) => one.kind === "audioinput" && one.deviceId !== "communications")
      .map((one, index) => ({
        id: one.deviceId,
        label: one.label || `Microphone ${index + 1}`,
        chosen: one.deviceId === current,
      }));
  }

  /** How loud it is now, in dB of full scale. */
  get levelDb() {
    if (!this.#analyser) return FLOOR_DB;
    this.#analyser.getFloatTimeDomainData(this.#samples);
    const power = this.#samples.reduce((sum, sample) => sum + sample * sample, 0);
    return Math.max(FLOOR_DB, 10 * Math.log10(power / this.#samples.length + 1e-12));
  }

  close() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.#analyser = null;
  }
}

/** 0 to 100 for a meter. */
export const meterValue = (db) => Math.round(Math.max(0, Math.min(1, (db + 60) / 60)) * 100);

/** Why the microphone could not be opened, for people. */
export function microphoneProblem(error) {
  switch (error.name) {
    case "NotAllowedError":
      return "The browser was not allowed to use the microphone. Allow it for this page (next to the address), then try again.";
    case "NotFoundError":
    case "OverconstrainedError":
      return "No such microphone was found. Plug one in, or choose another, then try again.";
    case "NotReadableError":
      return "The microphone is in use by another program. Close that program, then try again.";
    default:
      return navigator.mediaDevices
        ? `The microphone could not be opened: ${error.message}`
        : "Browsers give the microphone only to pages that come by https, or from this same machine.";
  }
}
