// What the page says about what the player does: one honest sentence for each situation.

const seconds = (value) => (value < 10 ? value.toFixed(1) : Math.round(value).toString());

export function statusLine(player) {
  const { status, state, trouble } = player;
  switch (status) {
    case "gone":
      return "This conversation can't be listened to: there is no such room, or its recording is gone.";
    case "idle":
      if (state?.phase === "scheduled") return "Tap to listen: the sound starts by itself.";
      return state?.phase === "ended" ? "Tap to listen to the recording." : "Tap to listen.";
    case "waiting":
      return "You're in. The sound starts by itself on the hour.";
    case "connecting":
      return "Connecting …";
    case "stalled":
      return "Waiting for more sound …";
    case "reconnecting":
      return trouble.full ? "The room is full just now. Trying again …" : "The connection was lost. Reconnecting …";
    case "unreachable": {
      const left = Math.max(0, Math.ceil((trouble.retryAt - performance.now()) / 1000));
      const what = trouble.full ? "The room is full just now." : "The server can't be reached.";
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

function playing({ state, following }) {
  if (state?.phase === "ended") return "From the recording.";
  if (!following) return "";
  if (state?.on_air === "hold") return "Music until the first word.";
  if (state?.on_air === "silence") return "The programme is silent just now: nobody is on stage.";
  return "";
}

/** How far behind live, or null when that means nothing. */
export function distance(player) {
  const { state, status, behind, following, mode, pushBlocked } = player;
  if (state?.phase !== "live" || status === "idle" || status === "waiting") return null;
  if (status === "connecting" || status === "gone") return null;
  const behindLive = `${seconds(behind)} s behind live`;
  const far = behind >= 60;
  const said = far ? `${Math.floor(behind / 60)} min ${Math.round(behind % 60)} s behind live` : behindLive;
  if (status === "paused") return { said, why: "because you paused", jump: true };
  if (!following) return { said, why: mode === "shelf" ? "from the recording" : "where you went back to", jump: true };
  if (mode === "native") return { said, why: "as this browser's own player has it", jump: behind > 30 };
  if (pushBlocked) return { said, why: "in pieces: something between here and the server holds the stream back", jump: false };
  if (behind > 3) return { said, why: "catching up a little faster after a pause in the connection", jump: true };
  return { said, why: "sound travels in thirds of a second", jump: false };
}

export function noteLine({ kind, seconds: lost }) {
  switch (kind) {
    case "jumped":
      return `Your connection fell behind, so ${seconds(lost)} s were left out.`;
    case "blocked":
      return "Something between here and the server holds the stream back, so the sound now comes in pieces.";
    case "tap":
      return "Your browser wants a tap before it plays sound.";
    default:
      return "";
  }
}
