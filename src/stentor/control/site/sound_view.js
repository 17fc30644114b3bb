// Draws the microphone: which one, how loud, what the browser does to it. Changes nothing about
// the call but the track that it sends.

import { element, mark, show, text } from "./page.js";
import { levelShare } from "./people.js";
import { SILENCE_DB, whyNot } from "./microphone.js";

const TREATMENTS = ["echoCancellation", "noiseSuppression", "autoGainControl"];
const SHORTCUT = "stentor-shortcut";
const QUIET_DB = -45;
const CLIPS_DB = -0.5;
const SILENT_MS = 3_000;

export class SoundView {
  #heardAt = 0;
  #clippedAt = -Infinity;
  onReplaced = () => {};

  constructor(microphone) {
    this.microphone = microphone;
    for (const name of TREATMENTS) {
      element(name).checked = microphone.treatment[name];
      element(name).addEventListener("change", ({ target }) => this.#change(() => microphone.treat(name, target.checked)));
    }
    element("device").addEventListener("change", ({ target }) => this.#change(() => microphone.choose(target.value)));
    element("output").addEventListener("change", ({ target }) => element("return").setSinkId(target.value));
    element("shortcut").checked = localStorage.getItem(SHORTCUT) !== "no";
    element("shortcut").addEventListener("change", ({ target }) => localStorage.setItem(SHORTCUT, target.checked ? "yes" : "no"));
    microphone.addEventListener("devices", () => microphone.stream && this.#devices());
  }

  get shortcut() {
    return element("shortcut").checked;
  }

  async open() {
    this.#heardAt = performance.now();
    show("sound", true);
    await this.#devices();
    if (!this.timer) this.timer = setInterval(() => this.drawLevel(), 66);
  }

  reopen() {
    return this.#change(() => this.microphone.open());
  }

  async #change(how) {
    try {
      await how();
      this.#heardAt = performance.now();
      await this.#devices();
      await this.onReplaced();
    } catch (error) {
      text("level-verdict", whyNot(error));
    }
  }

  async #devices() {
    const using = this.microphone.track?.getSettings().deviceId;
    const fill = async (id, kind, chosen) => {
      const devices = (await this.microphone.devices(kind)).filter((one) => one.deviceId);
      const options = devices.map((one, index) => new Option(one.label || `Device ${index + 1}`, one.deviceId, false, one.deviceId === chosen));
      element(id).replaceChildren(...options);
      return options.length;
    };
    await fill("device", "audioinput", using);
    const output = element("return");
    const outputs = await fill("output", "audiooutput", output.sinkId || "default");
    show("output-field", Boolean(output.setSinkId) && outputs > 1);
  }

  drawMuted() {
    const { muted } = this.microphone;
    text("mute-label", muted ? "Unmute" : "Mute");
    mark(element("mute"), "muted", muted ? "yes" : "no");
  }

  drawLevel() {
    const now = performance.now();
    const { mean, peak } = this.microphone.level();
    if (mean > QUIET_DB || this.microphone.muted) this.#heardAt = now;
    if (peak > CLIPS_DB) this.#clippedAt = now;
    const share = mean > SILENCE_DB ? levelShare(mean + 6).toFixed(2) : "0"; // speech's peaks are what one looks at
    for (const id of ["level", "bar-level"]) element(id).firstElementChild.style.setProperty("--level", share);
    const rounded = String(Math.max(SILENCE_DB, Math.round(mean / 5) * 5));
    if (element("level").getAttribute("aria-valuenow") !== rounded) element("level").setAttribute("aria-valuenow", rounded);
    if (!this.microphone.stream) this.#heardAt = now;
    text("level-verdict", this.#verdict(now));
    const loud = now - this.#clippedAt < 1_000 ? "yes" : "no";
    mark(element("level"), "loud", loud);
    mark(element("bar-level"), "loud", loud);
  }

  #verdict(now) {
    if (!this.microphone.stream) return "The microphone is off.";
    if (this.microphone.muted) return "You are muted.";
    if (now - this.#clippedAt < SILENT_MS) return "Too loud: move away a little, or turn it down.";
    if (now - this.#heardAt > SILENT_MS) return "Nothing is heard from this microphone. Is it the right one, and switched on?";
    return "You are heard well.";
  }
}
