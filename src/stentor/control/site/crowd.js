// How the listeners fare, in sentences, from the audience's facts: for hosts and for the operator.

const number = (count) => new Intl.NumberFormat().format(count);
const people = (count, one, many) => (count === 1 ? `1 ${one}` : `${number(count)} ${many}`);
const LATE_MS = 1_500; // lanes that are slower than that are given only when many listen

/** What a joiner gets now, when it is less than everything; else nothing. */
export function crowded(door) {
  const words = [];
  if (door?.lane_ms > LATE_MS) {
    const sound = ["lower", "line"].includes(door.step) ? " and perhaps in simpler sound" : "";
    words.push(`Whoever comes now hears it up to ${behind(door.lane_ms)} s later${sound}, so that there is room for all.`);
  }
  if (door?.line) words.push(inLine(door));
  return words.join(" ");
}

function inLine({ waiting, per_minute: perMinute }) {
  if (!waiting) return "There is a line at the door, and nobody is in it just now.";
  return `${people(waiting, "is", "are")} in line at the door; about ${number(perMinute)} come in each minute.`;
}

/** The most that a lane's listeners are behind live, as the listeners' page counts it. */
const behind = (laneMs) => Math.round((laneMs + Math.max(500, laneMs / 4)) / 1_000 + 1.2);

function lanes({ by_lane_ms: byLane, listeners }) {
  const late = Object.entries(byLane ?? {}).filter(([ms]) => Number(ms) > LATE_MS);
  if (!late.length) return "";
  const count = late.reduce((sum, [, some]) => sum + some, 0);
  const slowest = Math.max(...late.map(([ms]) => Number(ms)));
  const who = count >= listeners ? "all of them hear" : people(count, "hears", "hear");
  return `${who} it up to ${behind(slowest)} s later, because many are listening`;
}

/** How those who listen fare; `jumped` is how many fell behind lately. */
export function faring(now, jumped, before) {
  if (!now.edges) return "No news from the listeners' side just now.";
  const door = crowded(now.door);
  const also = door ? ` ${door}` : "";
  if (before) return (now.waiting ? "waiting for it to begin." : "Nobody waits yet.") + also;
  if (!now.listeners && !now.shelf_listeners) return `Nobody listens yet.${also}`;
  const words = [lanes(now)].filter(Boolean);
  if (now.lagging) words.push(`${people(now.lagging, "is", "are")} on a slow line just now`);
  if (jumped) words.push(`${people(jumped, "fell", "fell")} behind in the last minute and went on at the live edge`);
  if (!words.length) return `All of them hear it as it is said.${also}`;
  const others = words[0].startsWith("all of") ? "" : " The others hear it as it is said.";
  return `${words.join("; ")}.${others}${also}`;
}
