// The operator's screen: asks the watch once a second, shows what it says, and sends what is to be
// undone. The token is asked for, or taken from `#token=`; it is kept for this tab only.

import { Away } from "./api.js";
import { Chart } from "./charts.js";
import { Operator, trouble } from "./operator.js";
import { button, copy, element, keyed, make, mark, say, show, text } from "./page.js";
import { localTime } from "./times.js";
import * as words from "./words.js";

const REFRESH_MS = 1_000;
const SPAN_MS = 600_000;
const KINDS = {
  let_in: ["let in", 1],
  in_line: ["a place in line", 2],
  network_full: ["too many from one network", 2],
  banned: ["kept out", 3],
  wrong_tickets: ["wrong tickets", 4],
  wrong_requests: ["wrong requests", 5],
  slow: ["slow or silent", 6],
  no_tls: ["no TLS session", 7],
  no_room: ["no room", 8],
  gave_up: ["hung up in the queue", 1],
};
const WELCOME = ["let_in", "in_line"];
const PHASES = { scheduled: "soon", live: "live", ended: "over" };

let points = [];
let newest = null;
const operator = new Operator({
  everyMs: REFRESH_MS,
  look,
  explain,
  begins: () => (points = []),
  leaves: () => show("rooms-link", false),
  blind: () => mark(element("headline"), "stress", "blind"),
});

function explain(error) {
  if (error instanceof Away) {
    const old = points.length ? ` What you see is of ${new Date(points.at(-1).at_ms).toLocaleTimeString()}.` : "";
    return `The watch does not answer. Trying again …${old}`;
  }
  if (error.status === 401) return "This is not the operator's token.";
  return error.message;
}

async function look(watch) {
  const now = await watch.get(`/now?after=${points.at(-1)?.at_ms ?? 0}`);
  if (operator.control !== watch) return;
  points = [...points, ...now.points].filter((point) => point.at_ms > now.now_ms - SPAN_MS);
  newest = { ...now, points };
  draw(newest);
}

const lastMinute = (now) => now.points.filter((point) => point.at_ms > now.now_ms - 60_000);
const sum = (rows, of) => rows.reduce((total, row) => total + of(row), 0);
const of = (kind) => (point) => point.kinds[kind] ?? 0;
const counted = (kind) => ({ name: KINDS[kind][0], kind: KINDS[kind][1], of: of(kind) });

const charts = [
  new Chart(element("chart-listeners"), { title: "Listening", series: [{ name: "listening", kind: 1, of: (point) => point.listeners }, { name: "in line", kind: 2, of: (point) => point.waiting }] }),
  new Chart(element("chart-audio"), {
    title: "Time to first audio",
    least: 1,
    shown: words.seconds,
    series: [{ name: "95 % within", kind: 2, of: (point) => point.first_audio_p95 }, { name: "half within", kind: 1, of: (point) => point.first_audio_p50 }],
  }),
  new Chart(element("chart-use"), { title: "CPU for deliveries", least: 1, shown: words.percent, series: [{ name: "CPU for deliveries", kind: 5, of: (point) => point.use }] }),
  new Chart(element("chart-welcome"), { title: "Who comes, a second", stacked: true, series: WELCOME.map(counted) }),
  new Chart(element("chart-refused"), { title: "What is turned away, a second", stacked: true, sparse: true, series: Object.keys(KINDS).filter((kind) => !WELCOME.includes(kind)).map(counted) }),
];

function draw(now) {
  const { stress, state, explained } = words.headline(now);
  mark(element("headline"), "stress", stress);
  text("state", state);
  text("explained", explained);
  document.title = `${stress === "calm" ? "" : "⚠ "}${state} – Stentor`;
  keyed(element("marks"), words.marks(now), (line) => line.replace(/\d+/g, ""), () => make("li"), text);
  const link = element("rooms-link");
  if (link.href !== now.control) link.href = now.control;
  show(link, true);
  drawPeople(now);
  drawCapacity(now);
  drawShield(now);
  drawEdges(now);
  drawNotes(now);
  drawLedger(now.ledger);
  for (const chart of charts) chart.draw(now.points, now.now_ms);
}

function drawPeople(now) {
  const last = now.points.at(-1);
  const minute = lastMinute(now);
  if (!last) return;
  text("listeners", words.number(last.listeners));
  text("joined", words.number(sum(minute, of("let_in"))));
  text("waiting", words.number(last.waiting));
  text("inside-before", words.number(last.inside));
  const measured = minute.filter((point) => point.first_audio_p50 >= 0).at(-1);
  text("audio50", measured ? words.seconds(measured.first_audio_p50) : "–");
  text("audio95", measured ? words.seconds(measured.first_audio_p95) : "–");
  const called = minute.filter((point) => point.turn_lag_p95 >= 0).at(-1);
  text("turn95", called ? words.seconds(called.turn_lag_p95) : "–");
  text("jumped", words.number(sum(minute, (point) => point.jumped)));
  text("accepted", words.number(last.accepted));
  text("addresses", words.number(last.addresses));
  text("wronging", words.number(last.wronging));
  keyed(element("rooms"), now.rooms, (room) => room.room, makeRoom, (node, room) => {
    text(node.children[0], room.title);
    const many = room.phase === "live" ? `${words.number(room.listeners)} listen` : `${words.number(room.inside)} wait`;
    text(node.children[1], `${room.phase === "scheduled" ? localTime(room.epoch_ms) : PHASES[room.phase]} · ${many}`);
  });
  const lanes = Object.entries(now.load.by_lane_ms ?? {}).filter(([, count]) => count).sort(([a], [b]) => a - b);
  const all = lanes.reduce((total, [, count]) => total + count, 0);
  show("no-lanes", all === 0);
  keyed(element("lanes"), lanes, ([ms]) => ms, makeBar, (node, [ms, count]) => {
    bar(node, `up to ${words.behind(Number(ms))} s`, words.number(count), count / all, false);
  });
}

function makeRoom() {
  const node = make("li");
  node.append(make("strong"), make("span", "soft"));
  return node;
}

function makeBar() {
  const node = make("li");
  const track = make("span", "bar");
  track.append(make("i"));
  node.append(make("span"), make("span", "number"), track);
  return node;
}

function bar(node, name, value, part, near) {
  text(node.children[0], name);
  text(node.children[1], value);
  node.children[2].firstChild.style.setProperty("--part", Math.min(1, Math.max(0, part)).toFixed(3));
  mark(node, "near", near ? "yes" : "no");
}

function drawCapacity(now) {
  text("step", words.step(now.door));
  const { load } = now;
  const used = [
    ["CPU for deliveries", load.use],
    ["time for who joins", load.joining],
    ["connections", load.descriptors],
    ["memory", load.memory],
    ["network", load.bits],
  ];
  keyed(element("capacity"), used, ([name]) => name, makeBar, (node, [name, part]) => {
    const unknown = name === "network" && !part;
    bar(node, name, unknown ? "no limit set" : `${words.percent(Math.max(0, 1 - part))} left`, part, part > 0.8);
  });
}

function drawShield(now) {
  text("shield-does", words.shieldDoes(now));
  const paused = now.shield.paused_until_ms > 0;
  show("resume", paused);
  text("pause-button", paused ? "Pause it longer" : "Pause the shield");
  show("bans-region", now.shield.bans.length > 0);
  show("names", now.shield.bans.length > 0);
  keyed(element("bans"), now.shield.bans, (ban) => ban.network, makeBan, (row, ban) => {
    text(row.children[1], words.whyBanned(ban, now.shield.guard));
    text(row.children[2], words.remaining(ban.until_ms - now.now_ms));
  });
  const more = now.shield.ban_count - now.shield.bans.length;
  show("more-bans", more > 0);
  if (more > 0) text("more-bans", `… and ${words.number(more)} more.`);
}

function makeBan(ban) {
  const row = make("tr");
  const name = make("td");
  name.append(make("code", "", ban.network));
  const undo = make("td", "number");
  const lift = button("Lift", () => pardon(ban.network), "small");
  lift.append(make("span", "unseen", ` the ban of ${ban.network}`));
  undo.append(lift);
  row.append(name, make("td"), make("td", "number"), undo);
  return row;
}

async function act(path, body, done) {
  try {
    await operator.control.post(path, body);
    say(done);
    await look(operator.control);
  } catch (error) {
    trouble(explain(error));
  }
}

const pardon = (network) => act("/shield/pardon", { network }, "The ban is lifted; this network is not banned again for an hour.");

function drawEdges(now) {
  const told = now.edges.map((edge) => ({ ...edge, silent: now.missing.includes(edge.edge) }));
  const known = new Set(told.map((edge) => edge.edge));
  const rows = [...told, ...now.missing.filter((edge) => !known.has(edge)).map((edge) => ({ edge, silent: true }))];
  rows.sort((a, b) => a.edge.localeCompare(b.edge, undefined, { numeric: true }));
  show("no-edges", rows.length === 0);
  keyed(element("edges"), rows, (edge) => edge.edge, makeEdge, (row, edge) => {
    mark(row, "missing", edge.silent ? "yes" : "no");
    const cells = edge.silent ? ["–", "–", "–", "silent"] : [words.number(edge.listeners), words.percent(edge.use), words.seconds(edge.late), words.SHORT_STEPS[edge.step] ?? edge.step];
    cells.forEach((value, n) => text(row.children[n + 1], value));
  });
}

function makeEdge(edge) {
  const row = make("tr");
  row.append(Object.assign(make("th", "", edge.edge), { scope: "row" }));
  for (const kind of ["number", "number", "number", ""]) row.append(make("td", kind));
  return row;
}

function drawNotes(now) {
  show("no-notes", now.notes.length === 0);
  show("notes", now.notes.length > 0);
  keyed(element("notes"), now.notes, (note) => `${note.at_ms} ${note.what} ${note.about}`, makeNote, () => {});
}

function makeNote(note) {
  const node = make("li");
  const at = make("time", "", new Date(note.at_ms).toLocaleTimeString());
  at.dateTime = new Date(note.at_ms).toISOString();
  node.append(at, make("span", "", words.note(note)));
  return node;
}

function drawLedger(ledger) {
  const head = ledger.head;
  const signed = head ? ` Its newest head covers ${words.number(head.size)} records, until ${new Date(head.at_ms).toLocaleTimeString()}.` : " Its first head is signed within a minute.";
  const state = ledger.hindered ? `It cannot be written just now (${ledger.hindered}); seconds wait in memory.` : `One record a second, in ${ledger.file || "its first file"}.`;
  text("ledger-state", state + signed);
  text("root", head?.root ?? "none yet");
  text("key", ledger.key);
  if (element("copy-head").disabled === Boolean(head)) element("copy-head").disabled = !head;
}

element("copy-head").addEventListener("click", (event) => copy(JSON.stringify(newest.ledger.head), event.currentTarget));
element("copy-key").addEventListener("click", (event) => copy(newest.ledger.key, event.currentTarget));
element("pause").addEventListener("submit", (event) => {
  event.preventDefault();
  const minutes = Number(element("minutes").value);
  act("/shield/pause", { seconds: minutes * 60 }, "The shield is paused.");
});
element("resume").addEventListener("click", () => {
  element("pause-button").focus();
  act("/shield/pause", { seconds: 0 }, "The shield goes on.");
});
operator.start();
