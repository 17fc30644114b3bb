// The room page: puts player, view and the listener's wishes together. One page for a room's whole
// life: before the hour, live, and as a recording.

import { followState } from "./directory.js";
import { DEFAULT_RENDITION, renditionNamed } from "./grid.js";
import { bindMediaSession } from "./media_session.js";
import { NativePlayer } from "./native.js";
import { canPlay, hasMediaSource } from "./pipe.js";
import { Player } from "./player.js";
import { Reminder } from "./reminder.js";
import { RoomView } from "./room_view.js";
import { noteLine } from "./said.js";

const STEP_S = 15;
const KEPT = "stentor.rendition";
const element = (id) => document.getElementById(id);

const room = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const audio = element("audio");
const player = hasMediaSource()
  ? new Player(audio, encodeURIComponent(room), chosenRendition())
  : new NativePlayer(audio, encodeURIComponent(room));
const view = new RoomView(player);
const reminder = new Reminder(player);
const drawLockScreen = bindMediaSession(player);

function chosenRendition() {
  const kept = renditionNamed(localStorage.getItem(KEPT));
  return kept && canPlay(kept.mime) ? kept.name : DEFAULT_RENDITION;
}

function draw() {
  reminder.draw();
  view.draw();
  drawLockScreen();
}
for (const name of ["tick", "change"]) player.addEventListener(name, draw);
player.addEventListener("note", ({ detail }) => view.note(noteLine(detail)));

element("listen").addEventListener("click", () => {
  if (player.status === "idle") player.start("live");
  else if (["paused", "finished", "tap"].includes(player.status)) player.resume();
  else if (player.status === "line") player.leave();
  else player.pause();
  draw();
});
element("jump").addEventListener("click", () => {
  player.jumpToLive();
  element("listen").focus(); // the button that had the focus goes away
});
element("back").addEventListener("click", () => player.seek(player.position - STEP_S));
element("forward").addEventListener("click", () => player.seek(player.position + STEP_S));

const slider = element("position");
slider.addEventListener("input", () => {
  view.dragging = true;
  view.drawPosition(Number(slider.value));
});
slider.addEventListener("change", () => {
  view.dragging = false;
  player.seek(Number(slider.value));
});

element("volume").addEventListener("input", ({ target }) => (audio.volume = target.value / 100));
audio.volume = 0.5;
element("loudness").hidden = audio.volume !== 0.5; // iPhones have only their own buttons
audio.volume = 1;

element("rendition").addEventListener("change", ({ target }) => {
  localStorage.setItem(KEPT, target.value);
  player.useRendition(target.value);
});

followState({
  room: encodeURIComponent(room),
  clock: player.clock,
  wanted: () => player.mode !== "push" || !player.connected,
  take: (state) => {
    if (state) player.noteState(state);
    else if (!player.state) view.missing();
    draw();
  },
  trouble: (attempt, waitMs) => {
    if (attempt > 1 && player.status === "idle") view.unreachable(waitMs);
    draw();
  },
});

window.stentor = { player }; // for whoever debugs, and for the tests
