// What the page says about what the player does: one honest sentence for each situation.

import { renditionNamed } from "./grid.js";

const seconds = (value) => (value < 10 ? value.toFixed(1) : Math.round(value).toString());

export function statusLine(player) {
  const { status, state, trouble } = player;
  switch (status) {
    case "gone":
      return "This conversation can't be listened to: there is no such room, or its recording is gone.";
    case "idle":
      if (state?.phase === "scheduled") return "Tap to listen: the sound starts by itself.";
      return state?.phase === "ended" ? "Tap to listen to the recording." : "Tap to listen.";
    case "line":
      return player.line.away ? "You keep your place. The server can't be reached just now." : waitLine(player.line);
    case "tap":
      return "It's your turn. Tap to hear it: your browser wants that.";
    case "waiting":
      return "You're in. The sound starts by itself on the hour.";
    case "connecting":
      return "Connecting …";
    case "stalled":
      return "Waiting for more sound …";
    case "reconnecting":
      return `${lost(trouble, "The connection was lost.")} Trying again …`;
    case "unreachable": {
      const left = Math.max(0, Math.ceil((trouble.retryAt - performance.now()) / 1000));
      const what = lost(trouble, "The server can't be reached.");
      return left > 0 ? `${what} Trying again in ${left} s.` : `${what} Trying again …`;
    }
    case "finished":
      return "That was the whole conversation.";
    case "paused":
      return "Paused.";
    default:
      return playing(player);
  }
}

function lost({ full, crowded }, otherwise) {
  if (full) return "The room is full just now.";
  return crowded ? "Too many are coming from your network just now." : otherwise;
}

function playing({ state, following }) {
  if (state?.phase === "ended") return "From the recording.";
  if (!following) return "";
  if (state?.on_air === "hold") return "Music until the first word.";
  if (state?.on_air === "silence") return "The programme is silent just now: nobody is on stage.";
  return "";
}

/** How long, in words that change seldom: a screen reader says each of them. */
export function about(waitS) {
  if (waitS < 50) return waitS < 15 ? "a few seconds" : "less than a minute";
  const minutes = Math.round(waitS / 60);
  if (minutes <= 1) return "about a minute";
  if (minutes <= 10) return `about ${minutes} minutes`;
  const whole = 5 * Math.round(minutes / 5);
  if (whole < 90) return `about ${whole} minutes`;
  const hours = Math.round(whole / 30) / 2;
  return `about ${hours} hours`;
}

/** The door says an hour of a wait that it does not know (`WAIT_S_MAX` of admission/line.py). */
const UNKNOWN_S = 3_500;

function waitLine({ waitS, standby, ahead }) {
  if (waitS < UNKNOWN_S) return `You are in line: ${about(waitS)}. The sound starts by itself.`;
  if (!standby) return "It is full just now: you are in line, and come in as others leave.";
  const among = ahead > 0 ? `among the first ${(ahead + 1).toLocaleString()}` : "the first";
  return `The house is full. You are ${among} who will be let in as others leave.`;
}

/** What the title of the page says first, so that another tab can tell. */
export function titleMark(player) {
  if (player.status === "tap") return "▶ Your turn: ";
  if (player.status === "line") return `${player.line.ahead.toLocaleString()} ahead: `;
  return player.state?.phase === "live" ? "● " : "";
}

const LATE_S = 2;
const MANY_MS = 1_500; // pieces larger than that are given only when many are listening

/** How far behind live, why, and what to know about that; or null when it means nothing. */
export function distance(player) {
  const { state, status, behind, following, mode, pushBlocked, lane } = player;
  if (state?.phase !== "live") return null;
  if (!["playing", "paused", "stalled", "reconnecting", "unreachable"].includes(status)) return null;
  const [why, more, jump] = reason();
  return { behind, why, more: more + lowered(player), jump };

  function reason() {
    if (status === "paused")
      return ["because you paused", "Go on where you were, and nothing is missing; or jump to what is said now.", true];
    if (!following && mode === "shelf") return ["from the recording", "You went back in time. What is said now waits for you.", true];
    if (!following) return ["where you went back to", "You paused or went back. What is said now waits for you.", true];
    if (mode === "native")
      return ["as this browser's own player has it", "It keeps some seconds in store, and does not say why.", behind > 30];
    if (pushBlocked)
      return ["in pieces", "Something between here and the server holds the stream back, so the sound is fetched piece by piece.", false];
    if (behind > player.laneBehind + LATE_S)
      return ["and catching up", "Your connection was away for a while. All that was said is played, a little faster than it was spoken, until you are near live again.", true];
    if (lane.periodMs > MANY_MS)
      return ["because many are listening", `The programme comes ${Math.round(lane.periodMs / 1_000)} s at a time, so that there is room for everybody. You hear all of it.`, false];
    return ["as near as it gets", "Sound travels in pieces of a third of a second to a second, and a little is kept in store.", false];
  }
}

function lowered({ lane, rendition }) {
  const given = renditionNamed(lane.rendition);
  if (!given || given.name === rendition) return "";
  return ` The sound is ${given.kbps} kbit/s for now, for the same reason.`;
}

/** "12 s behind live" */
export function behindLine(behind) {
  if (behind >= 60) return `${Math.floor(behind / 60)} min ${Math.floor(behind % 60)} s behind live`;
  return `${behind < 5 ? behind.toFixed(1) : Math.round(behind)} s behind live`;
}

export function noteLine({ kind, seconds: lost }) {
  switch (kind) {
    case "jumped":
      return `Your connection fell behind, so ${seconds(lost)} s were left out.`;
    case "blocked":
      return "Something between here and the server holds the stream back, so the sound now comes in pieces.";
    case "unreminded":
      return "That did not work just now. Please try again.";
    case "tap":
      return "Your browser wants a tap before it plays sound.";
    default:
      return "";
  }
}
