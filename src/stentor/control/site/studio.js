// The studio: whose link it is, the check before the stage, and the seat. Everything that a host
// may do besides is in host.js; what may be done is decided by the servers, not here.

import { Api } from "./api.js";
import { confirmed, element, show, text } from "./dom.js";
import { Host } from "./host.js";
import { takeKey } from "./key.js";
import { Microphone, meterValue, microphoneProblem } from "./microphone.js";
import { Seat } from "./seat.js";
import { StageView } from "./stage_view.js";
import { countdown, localTime, position } from "./times.js";

const ROLES = { host: "Host", cohost: "Co-host", speaker: "Speaker" };
const key = takeKey("stentor.key");
const api = new Api(key);
const microphone = new Microphone();
let me = null;
let seat = null;
let host = null;
let stage = null;
let ownMute = false;
let clockOffsetMs = 0; // the server's Unix time minus ours
let timing = null; // { phase, epoch_ms }, the newest word on it

const serverMs = () => Date.now() + clockOffsetMs;

function alertLine(line) {
  text("alert", line);
  show("alert", Boolean(line));
}

async function begin() {
  if (!key) return alertLine("This page needs the link that the host sent you. Open it again from there.");
  for (;;) {
    try {
      me = await api.get("/api/me");
      break;
    } catch (error) {
      if (error.status) return alertLine(error.message);
      alertLine("The server can't be reached. Trying again …");
      await new Promise((resolve) => setTimeout(resolve, 1_000 + Math.random() * 1_000));
    }
  }
  alertLine("");
  if (!me.room) return location.replace("/");
  clockOffsetMs = me.now_ms - Date.now();
  timing = me;
  text("title", me.title);
  document.title = `${me.title} – Stentor studio`;
  text("who", `${me.name} · ${ROLES[me.role]} · ${localTime(me.epoch_ms)}`);
  seat = new Seat({ url: me.talk_url, key, audio: element("others") });
  seat.addEventListener("change", onSeat);
  seat.addEventListener("snapshot", onSnapshot);
  if (me.moderates) {
    host = new Host({ api, room: me.room, alertLine, changed: (room) => (timing = room) });
    host.start();
  }
  stage = new StageView({ mine: me.seat, act: host && ((one, verb) => host.act(one, verb)) });
  setInterval(drawClock, 250);
  drawClock();
  if (me.removed) alertLine("The host has taken you off the stage. If they let you back, you can join again.");
  show("check", me.phase !== "ended");
  if (me.phase !== "ended") await openMicrophone();
}

async function openMicrophone() {
  try {
    const track = await microphone.open();
    track.enabled = !ownMute;
    if (seat.status !== "out" && seat.status !== "refused") await seat.useTrack(track);
    const devices = await microphone.devices();
    element("device").replaceChildren(
      ...devices.map(({ id, label, chosen }) => new Option(label, id, chosen, chosen)),
    );
    element("join").disabled = false;
    show("again", false);
    alertLine("");
  } catch (error) {
    element("join").disabled = true;
    show("again", true);
    alertLine(microphoneProblem(error));
  }
}

function drawLevel() {
  if (element("check").hidden) return;
  const db = microphone.levelDb;
  element("level").value = meterValue(db);
  const advice = db > -6 ? "Too loud: move back a little." : db > -50 ? "You can be heard." : "Say something: the bar should move.";
  if (microphone.track) text("level-advice", advice);
}
setInterval(drawLevel, 100);

function drawClock() {
  const phase = timing.phase === "scheduled" && serverMs() >= timing.epoch_ms ? "live" : timing.phase;
  element("banner").dataset.phase = phase;
  show("banner", true);
  switch (phase) {
    case "scheduled":
      text("banner-line", "Green room: only those on stage hear you.");
      text("clock", `on air in ${countdown(timing.epoch_ms - serverMs())}`);
      break;
    case "live":
      text("banner-line", seat.status === "on" ? "On the air: everybody hears you." : "On the air.");
      text("clock", position((serverMs() - timing.epoch_ms) / 1000));
      break;
    default:
      text("banner-line", "The conversation has ended. Thank you.");
      text("clock", "");
  }
}

function onSnapshot() {
  const { snapshot } = seat;
  clockOffsetMs = snapshot.now_ms - Date.now();
  timing = snapshot;
  text("title", snapshot.title);
  stage.draw(snapshot);
  drawMute(snapshot.you.muted);
}

function drawMute(byHost) {
  const mute = element("mute");
  text(mute, byHost ? "Muted by the host" : ownMute ? "Unmute me" : "Mute me");
  mute.disabled = byHost;
  mute.setAttribute("aria-pressed", String(byHost || ownMute));
}

function onSeat() {
  const { status, refused } = seat;
  const onStage = status === "on" || status === "returning";
  show("stage-section", onStage);
  show("check", !onStage && timing.phase !== "ended");
  element("join").disabled = status === "joining" || !microphone.track;
  text("join", status === "joining" ? "Joining …" : "Join the stage");
  show("takeover", status === "refused" && refused.kind === "seat-taken");
  switch (status) {
    case "on":
      alertLine("");
      text("said", "You are on the stage.");
      break;
    case "returning":
      alertLine("The connection to the stage broke. You are being brought back …");
      break;
    case "refused":
      alertLine(refusedLine(refused));
      if (refused.kind === "room-ended") timing = { ...timing, phase: "ended" };
      break;
    default:
  }
}

function refusedLine(refused) {
  switch (refused.kind) {
    case "seat-taken":
      return "This link is in use in another window or on another device.";
    case "removed":
      return "The host has taken you off the stage. If they let you back, you can join again.";
    case "link-revoked":
      return "This link was withdrawn by the host.";
    case "link-expired":
      return "This link has expired. Ask the host for a new one.";
    case "room-ended":
      return "";
    default:
      return refused.message;
  }
}

element("join").addEventListener("click", () => seat.join(microphone.track));
element("takeover").addEventListener("click", () => seat.join(microphone.track, { takeOver: true }));
element("again").addEventListener("click", openMicrophone);
element("device").addEventListener("change", ({ target }) => {
  microphone.choose(target.value);
  openMicrophone();
});
for (const name of Object.keys(microphone.wishes)) {
  element(name).addEventListener("change", ({ target }) => {
    microphone.wishes[name] = target.checked;
    openMicrophone();
  });
}
element("mute").addEventListener("click", () => {
  ownMute = !ownMute;
  if (microphone.track) microphone.track.enabled = !ownMute;
  drawMute(false);
});
element("leave").addEventListener("click", async () => {
  const live = timing.phase === "live";
  if (live && !(await confirmed({ title: "Leave the stage?", detail: "You can come back with the same link.", yes: "Leave" }))) return;
  await seat.leave();
  element("join").focus();
});
navigator.mediaDevices?.addEventListener("devicechange", () => {
  if (seat && microphone.track?.readyState === "ended") openMicrophone();
});
window.addEventListener("pagehide", () => seat?.leave());

begin();
window.stentor = { get seat() { return seat; }, microphone };
