// The lock screen and the headphones' buttons.

const STEP_S = 15;

export function bindMediaSession(player) {
  const session = navigator.mediaSession;
  if (!session) return () => {};
  const act = (name, handler) => {
    try {
      session.setActionHandler(name, handler);
    } catch {
      // An action that this browser does not know.
    }
  };
  act("play", () => player.resume());
  act("pause", () => player.pause());
  act("seekbackward", ({ seekOffset }) => player.seek(player.position - (seekOffset ?? STEP_S)));
  act("seekforward", ({ seekOffset }) => player.seek(player.position + (seekOffset ?? STEP_S)));
  act("seekto", ({ seekTime }) => player.seek(seekTime));
  let drawn = "";
  return () => {
    const { state, status, length, position } = player;
    if (!state || status === "idle") return;
    const names = state.stage.map((one) => one.name).join(", ");
    if (drawn !== state.title + names) {
      drawn = state.title + names;
      session.metadata = new MediaMetadata({
        title: state.title,
        artist: names,
        album: "Stentor",
        artwork: [{ src: "/site/mark.svg", sizes: "any", type: "image/svg+xml" }],
      });
    }
    session.playbackState = status === "paused" || status === "finished" ? "paused" : "playing";
    if (length > 0 && session.setPositionState) {
      session.setPositionState({ duration: length, position: Math.min(position, length), playbackRate: 1 });
    }
  };
}
