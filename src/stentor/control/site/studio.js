// The studio's page: from a link to the stage and back. Decides which part of the page is due;
// the call, the microphone, the people and the host's part each look after themselves.

import { Away, Control, Refused } from "./api.js";
import { Call, TAKE_OVER } from "./call.js";
import { Hosting } from "./hosting.js";
import { followNewKeys, takeKey } from "./key.js";
import { Microphone, whyNot } from "./microphone.js";
import { element, mark, say, show, text } from "./page.js";
import { People } from "./people.js";
import { SoundView } from "./sound_view.js";
import { AirView } from "./air_view.js";

const ROLES = { host: "Host", cohost: "Co-host", speaker: "Speaker" };
const AGAIN_MS = 1_000;
const KNOW_MS = 4_000;

const key = takeKey("key");
followNewKeys("key");
const control = new Control(key);
const microphone = new Microphone();
const sound = new SoundView(microphone);
const air = new AirView();
let me = null;
let call = null;
let people = null;
let hosting = null;
let endTold = false;

/** Something that stands in the way: a sentence, perhaps a button, perhaps the replay. */
function trouble(line, { label = "", act = null, replay = false, of = "call" } = {}) {
  element("trouble").dataset.of = of;
  text("trouble-text", line);
  show("trouble", Boolean(line));
  show("trouble-act", Boolean(act));
  if (act) {
    text("trouble-act", label);
    element("trouble-act").onclick = act;
  }
  show("trouble-link", replay);
  if (replay) element("trouble-link").href = me.listen_url;
}

/** Puts such a sentence away, unless something else stands in the way by now. */
function overWith(of) {
  if (element("trouble").dataset.of === of) trouble("");
}

const REFUSALS = {
  "no-link": "This page needs a link of its own. Ask the host for yours, and open it whole.",
  "link-malformed": "This link is not whole. Perhaps it was cut short on its way; copy all of it.",
  "link-forged": "This link was not made here, or was changed on its way. Ask the host for a new one.",
  "link-expired": "This link has expired. Ask the host for a new one.",
  "link-unknown": "This link leads to no seat here. Ask the host for a new one.",
  "link-revoked": "This link was withdrawn. Ask the host whether that was meant.",
  "no-seat": "This link leads to no seat here. Ask the host for a new one.",
  removed: "The host has taken you off the stage.",
  "seat-taken": "You are on the stage already, in another window or on another device.",
  "room-ended": "The conversation is over.",
};

function refusal(error) {
  return REFUSALS[error.kind] ?? error.message;
}

async function identify() {
  if (!key) return refuse(new Refused(401, { type: "no-link" }));
  for (;;) {
    try {
      me = await control.get("/me");
      break;
    } catch (error) {
      if (error instanceof Refused) return refuse(error);
      text("when", "Control does not answer. Trying again …");
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
  if (!me.seat) return refuse(new Refused(403, { type: "no-seat" }));
  begin();
}

function refuse(error) {
  text("when", "");
  trouble(refusal(error));
}

function begin() {
  air.clock.note(me.now_ms);
  text("whom", `${me.name} · ${ROLES[me.role]}`);
  call = new Call(me.talk_url, key, element("return"));
  call.addEventListener("state", onState);
  call.addEventListener("news", draw);
  call.addEventListener("voiceless", () => trouble("Your voice does not get through: something in this network blocks it (UDP). Try another network, perhaps your phone's.", { of: "voice" }));
  call.addEventListener("voice", () => overWith("voice"));
  call.addEventListener("unheard", () => trouble("The browser does not play the others' voices yet.", { label: "Hear the others", act: hearOthers }));
  if (me.moderates) hosting = new Hosting(me, control, draw, (line) => (line ? trouble(line, { of: "hosting" }) : overWith("hosting")));
  people = new People(me, hosting?.act);
  addEventListener("pagehide", () => call.state !== "idle" && call.leave());
  setInterval(draw, 500);
  sound.onReplaced = () => call.replace(microphone.track);
  if (me.removed) outOf(new Refused(403, { type: "removed" }));
  else show("entrance", true);
  draw();
  keepKnowing();
}

/** Who is not on the stage is told by control: that the hour was moved, or the link withdrawn. */
async function keepKnowing() {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, KNOW_MS));
    if (call.state === "on" || call.state === "lost") continue;
    try {
      me = await control.get("/me");
      air.clock.note(me.now_ms);
    } catch (error) {
      if (error instanceof Refused && error.status !== 429) outOf(error);
    }
  }
}

function hearOthers() {
  element("return").play();
  trouble("");
}

async function turnOn() {
  try {
    await microphone.open();
  } catch (error) {
    return trouble(whyNot(error), { label: "Try again", act: turnOn });
  }
  trouble("");
  await sound.open();
  text("entrance-text", "Say something: the level should move.");
  show("allow", false);
  show("join", true);
  element("join").focus();
}

async function join(resume) {
  if (!microphone.track || microphone.track.readyState === "ended") await turnOn();
  if (!microphone.track) return;
  element("join").disabled = true;
  try {
    await call.join(microphone.track, resume);
    trouble("");
  } catch (error) {
    outOf(error);
  } finally {
    element("join").disabled = false;
  }
}

function outOf(error) {
  if (error instanceof Away) return trouble("The stage does not answer. Is this machine online?", { label: "Try again", act: () => join() });
  if (!(error instanceof Refused)) return trouble(`This browser cannot join (${error.name}).`);
  const here = { label: "Use it here", act: () => join(TAKE_OVER) };
  const again = { label: "Try again", act: () => join() };
  if (error.kind === "room-ended" && !(me.end_ms === null || me.end_ms > me.epoch_ms)) return trouble("The conversation was called off.");
  const options = { "seat-taken": here, removed: again, "room-ended": { replay: true } };
  trouble(refusal(error), options[error.kind] ?? (error.status >= 500 ? again : {}));
}

function onState() {
  const { state, why } = call;
  const on = state === "on" || state === "lost";
  show("entrance", !on && state !== "over");
  show("bar", on);
  mark(document.body, "call", state);
  if (state === "on") {
    if (document.body.dataset.was === "lost") say("You are back on the stage.");
    else {
      say("You are on the stage.");
      element("sound").open = false;
      element("mute").focus();
    }
  }
  if (state === "lost") say("The connection is lost. Connecting again …");
  if (state === "over") over(why);
  if (state === "idle" && document.body.dataset.was === "on") left();
  document.body.dataset.was = state;
  keepAwake(on);
  draw();
}

function left() {
  microphone.close();
  sound.drawLevel();
  text("entrance-text", "You have left the stage, and the microphone is off.");
  say("You have left the stage.");
  element("join").focus();
}

/** The stage has let go of us for good, and this is what can be done about it. */
async function over(why) {
  microphone.close();
  sound.drawLevel();
  if (why instanceof Refused) outOf(why);
  else if (why === "replaced") outOf(new Refused(409, { type: "seat-taken" }));
  else if (why === "ended") outOf(new Refused(410, { type: "room-ended" }));
  else if (why === "removed") {
    trouble(REFUSALS.removed, { label: "Try again", act: () => join() });
    await control.get("/me").catch((error) => error instanceof Refused && trouble(refusal(error)));
  }
  element("trouble").scrollIntoView({ block: "nearest" });
}

let wakeLock = null;
async function keepAwake(yes) {
  if (yes && !wakeLock) wakeLock = await navigator.wakeLock?.request("screen").catch(() => null);
  if (!yes) {
    wakeLock?.release();
    wakeLock = null;
  }
}

function draw() {
  if (!me) return;
  const latest = call.state === "idle" ? null : call.latest;
  const room = hosting?.room;
  const facts = { ...me, ...pick(room), ...pick(latest) };
  if (latest) air.clock.note(latest.now_ms);
  air.draw(facts, call.state, latest?.you, microphone.muted);
  hosting?.drawPhase(air.phase);
  const away = call.state === "idle" || call.state === "over";
  if (air.phase === "ended" && away && !endTold) {
    endTold = true;
    outOf(new Refused(410, { type: "room-ended" }));
  }
  people.draw(latest, room, air.phase);
  sound.drawLevel();
}

/** The facts that whoever told last decides about. */
function pick(told) {
  if (!told) return {};
  const { title, epoch_ms, end_ms } = told;
  return { title, epoch_ms, end_ms };
}

async function regain() {
  await sound.reopen();
  if (microphone.track?.readyState === "live") trouble("");
}

function toggleMute() {
  microphone.muted = !microphone.muted;
  sound.drawMuted();
  draw();
}

element("allow").addEventListener("click", turnOn);
element("join").addEventListener("click", () => join());
element("mute").addEventListener("click", toggleMute);
element("leave").addEventListener("click", () => call.leave());
addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input:not([type=checkbox]), select, textarea, dialog");
  const plain = event.key.toLowerCase() === "m" && !event.repeat && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (plain && !typing && sound.shortcut && !element("bar").hidden) {
    toggleMute();
    say(microphone.muted ? "You are muted." : "You are heard again.");
  }
});
microphone.addEventListener("lost", () => {
  if (call?.state === "idle" || !call) return;
  trouble("The microphone is gone. Plug it in, or choose another one under “Microphone and sound”.", { label: "Try again", act: regain });
});

identify();
