// What the figures mean, in words. Pure: a document of the watch in, sentences out.

const LATELY_MS = 600_000;

export const number = (value) => Math.round(value).toLocaleString();
export const percent = (value) => `${(value * 100).toFixed(value < 0.095 ? 1 : 0)} %`;
export const seconds = (value) => (value < 0 ? "–" : value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toFixed(value < 10 ? 1 : 0)} s`);

/** "4:05" until then, or "now". */
export function remaining(ms) {
  const whole = Math.max(0, Math.ceil(ms / 1000));
  return whole >= 3600 ? `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min` : whole >= 60 ? `${Math.floor(whole / 60)} min ${whole % 60} s` : `${whole} s`;
}

const STEPS = {
  all: "Joiners get everything.",
  shed: "Joiners get the programme at once; side features (compression, downloads) are put off.",
  slower: "Joiners hear it further behind live, so that there is room for all.",
  lower: "Joiners hear it further behind live, and in simpler sound.",
  line: "Joiners get a place in line.",
};
export const SHORT_STEPS = { all: "everything", shed: "no side features", slower: "slower lanes", lower: "a lower bitrate", line: "a place in line" };

export function step(door) {
  const lane = door.lane_ms > 320 ? ` Deliveries of ${(door.lane_ms / 1000).toFixed(2)} s.` : "";
  return (STEPS[door.step] ?? "") + (door.step === "all" ? "" : lane);
}

/** What the page says first: how hard it is, and the state that its border shows. */
export function headline({ points, edges, missing, shield, door, now_ms: now }) {
  const last = points.at(-1);
  if (!last || (!edges.length && !missing.length)) return { stress: "blind", state: "No edge has told anything yet", explained: "The page fills as soon as one does." };
  if (now - last.at_ms > 5_000) return { stress: "blind", state: "The watch has stood still", explained: "Figures are old; listeners are not touched by it." };
  if (last.edges === 0) return { stress: "blind", state: "No edge tells how it fares", explained: "They may be down, or the machine is too busy for them to tell." };
  const { stress } = shield.policy;
  const state = { calm: "All is well", strained: "More is asked for than is easy", siege: "Under siege: far more is asked for than there is" }[stress] ?? stress;
  const words = [`${number(last.listeners)} ${last.listeners === 1 ? "listens" : "listen"}`];
  words.push(last.waiting ? `${number(last.waiting)} in line` : "nobody waits in line");
  if (door.per_s && door.line) words.push(`${number(door.per_s * 60)} are let in a minute`);
  const bans = shield.ban_count;
  const kept = bans ? ` ${number(bans)} ${bans === 1 ? "network is" : "networks are"} kept out.` : "";
  return { stress, state, explained: `${words.join(", ")}.${kept}` };
}

/** Short warnings: each is something that an operator may want to do something about. */
export function marks({ points, missing, shield, ledger, notes, now_ms: now }) {
  const found = missing.map((edge) => `${edge} is silent`);
  const last = points.at(-1);
  if (last?.first_audio_p95 > 3) found.push("first audio takes over 3 s");
  if (last?.late > 0.5) found.push(`deliveries are ${seconds(last.late)} late`);
  if (shield.paused_until_ms) found.push(`the shield is paused, ${remaining(shield.paused_until_ms - now)}`);
  if (ledger.hindered) found.push(`the ledger cannot be written: ${ledger.hindered}`);
  else if (ledger.lost) found.push(`the ledger has a gap of ${number(ledger.lost)} s`);
  if (shield.assessment.attack) found.unshift(`it looks like an attack${SIGNS[shield.assessment.by] ? `: ${SIGNS[shield.assessment.by]}` : ""}`);
  const deaths = new Map();
  for (const { what, about, at_ms: at } of notes) if (what === "part-restarted" && now - at < LATELY_MS) deaths.set(about, (deaths.get(about) ?? 0) + 1);
  for (const [part, times] of deaths) found.push(`${part} died${times > 1 ? ` ${times} times` : ""}, and was started again`);
  return found;
}

export function shieldDoes({ shield, points }) {
  const { policy, ban_count: bans, paused_until_ms: paused } = shield;
  if (paused) return "It is paused: nobody is kept out, and the ordinary limits hold for every network alike.";
  const words = [];
  if (policy.network_share < 0.995) words.push(`one network gets ${percent(policy.network_share)} of what it may have in calm times`);
  if (policy.proof_cost) words.push("who waits in line may move up by a proof of work");
  if (bans) words.push(`${number(bans)} ${bans === 1 ? "network is" : "networks are"} kept out for what no player does`);
  const obeyed = Object.entries(points.at(-1)?.obeyed ?? {}).filter(([, count]) => count);
  const did = obeyed.map(([what, count]) => `${OBEYED[what] ?? what} ${number(count)}`).join(", ");
  const lately = points.slice(-60);
  const total = (counts) => counts.reduce((sum, some) => sum + some, 0);
  const dropped = total(lately.flatMap(({ guard }) => Object.values(guard)));
  const kernel = shield.guard ? ` The kernel (${shield.guard}) dropped ${number(dropped)} packets in the last minute.` : "";
  const tail = (did ? ` In the last second: ${did}.` : "") + kernel + beneath(total(lately.map(({ unfinished }) => unfinished)), total(lately.map(({ strays }) => strays)));
  const does = words.length ? `${words.join("; ")}.` : "It keeps nobody out and asks nobody for anything.";
  return does.replace(/^./, (letter) => letter.toUpperCase()) + tail;
}

// What never became a connection: no network can be kept out for it, as its addresses may be forged.
function beneath(unfinished, strays) {
  const found = [];
  if (unfinished >= BENEATH_SHOWN) found.push(`${number(unfinished)} SYN-ACKs that nobody answered`);
  if (strays >= BENEATH_SHOWN) found.push(`${number(strays)} datagrams at media ports from nobody who speaks`);
  return found.length ? ` Beneath the connections, in the last minute: ${found.join(", and ")}.` : "";
}

const BENEATH_SHOWN = 1000; // a minute; fewer are bad radio and scanners

// What stands out in a second that looks like an attack. It is told to people; nothing acts on it.
const SIGNS = {
  false: "requests that no player makes",
  mute: "connections that say nothing, or too slowly",
  heavy: "a few networks without anybody in them ask for most",
  strangers: "far more networks than usual that were never seen before",
  soon: "who joins leaves at once",
  reloads: "far more waiting for playlists than there are listeners",
  unspoken: "connections on which nothing is asked for",
  again: "the page is asked for again and again by the same addresses",
};

const OBEYED = { banned: "put off", closed: "closed", set_back: "set back", paced: "paced", proofs_asked: "asked for a proof", proved: "proved", told_guard: "told to the kernel", spared: "spared, as somebody there listens" };

/** Why a network is kept out, for the how manieth time, and where. */
export function whyBanned({ why, times, kernel }, guard) {
  const again = times > 1 ? `, ${times} times now` : "";
  return `${WHY[why] ?? why}${again}${kernel && guard ? "; in the kernel too" : ""}`;
}

const WHY = {
  forged: "forged or used tickets",
  malformed: "sent what is no request",
  silent: "connected and said nothing",
  slow: "took what it asked for too slowly",
  probing: "asked for what does not exist",
  hasty: "came again and again after refusals",
};

const NOTES = {
  "part-restarted": (about) => `${about} died and was started again`,
  "part-added": (about) => `${about} was added`,
  deploy: (about) => `${about} was replaced by a deploy`,
  "clock-jumped": (about) => `The clock jumped ${about}`,
  "undo-ban": (about) => `An operator lifted the ban of ${about}`,
  "shield-paused": (about) => `An operator paused the shield for ${about}`,
  "shield-resumed": () => "An operator let the shield go on",
  "ledger-gap": (about) => `The ledger has a gap: ${about}`,
  "event-key-replaced": (about) => `A new event: networks are named under key ${about}`,
};
export const note = ({ what, about }) => NOTES[what]?.(about) ?? `${what.replaceAll("-", " ")}${about ? `: ${about}` : ""}`;

/** The most that a lane's listeners are behind live, as the listeners' page counts it. */
export const behind = (laneMs) => Math.round((laneMs + Math.max(500, laneMs / 4)) / 1_000 + 1.2);
