// A reminder asked for before the hour: a ticket that is served before those who come at the hour,
// an entry for the calendar, and coming at the moment that the server gave, if the page is open.

const FETCH_MS = 8_000;
const LENGTH_MS = 3_600_000;
const FOLD = 73; // octets a line, RFC 5545 §3.1
const element = (id) => document.getElementById(id);
const stamp = (unixMs) => new Date(unixMs).toISOString().replace(/[-:]|\.\d+/g, "");
const escaped = (words) => words.replace(/[\\;,]/g, "\\$&").replace(/\s+/g, " ");

function folded(line) {
  const pieces = [];
  let piece = "";
  let octets = 0;
  for (const letter of line) {
    const size = new TextEncoder().encode(letter).length;
    if (octets + size > FOLD) {
      pieces.push(piece);
      piece = "";
      octets = 0;
    }
    piece += letter;
    octets += size;
  }
  return [...pieces, piece].join("\r\n ");
}

/** An iCalendar file (RFC 5545) with one event and its alarm at `comeAtMs`. */
export function calendar({ room, title, epochMs, comeAtMs, nowMs, url }) {
  const minutes = Math.max(1, Math.ceil((epochMs - comeAtMs) / 60_000));
  const lines = [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//Stentor//Room//EN",
    "BEGIN:VEVENT",
    `UID:${room}@${new URL(url).host}`,
    `DTSTAMP:${stamp(nowMs)}`,
    `DTSTART:${stamp(epochMs)}`,
    `DTEND:${stamp(epochMs + LENGTH_MS)}`,
    `SUMMARY:${escaped(title)}`,
    `URL:${url}`,
    `DESCRIPTION:${escaped(`Listen at ${url}`)}`,
    "BEGIN:VALARM",
    "ACTION:DISPLAY",
    `DESCRIPTION:${escaped(title)}`,
    `TRIGGER:-PT${minutes}M`,
    "END:VALARM",
    "END:VEVENT",
    "END:VCALENDAR",
  ];
  return lines.map(folded).join("\r\n") + "\r\n";
}

/** The page's address with the ticket in its fragment, which no server sees. */
function address({ ticket, come_at_ms, until_ms }) {
  const carried = new URLSearchParams({ ticket, come: come_at_ms, until: until_ms });
  return `${location.origin}${location.pathname}#${carried}`;
}

export class Reminder {
  #player;
  #drawn = "";
  #asking = false;
  #came = false;

  constructor(player) {
    this.#player = player;
    element("remind").addEventListener("click", () => this.#ask());
    const carried = new URLSearchParams(location.hash.slice(1));
    if (!carried.has("ticket")) return;
    player.tickets.keepReminder({
      ticket: carried.get("ticket"),
      come_at_ms: Number(carried.get("come")),
      expires_ms: Number(carried.get("until")),
    });
    history.replaceState(null, "", location.pathname);
  }

  async #ask() {
    if (this.#asking) return;
    this.#asking = true;
    try {
      const signal = AbortSignal.timeout(FETCH_MS);
      const answer = await fetch(`/r/${this.#player.room}/ticket.json`, { cache: "no-store", signal });
      if (!answer.ok) throw new Error(`ticket: ${answer.status}`);
      this.#player.tickets.keepReminder(await answer.json());
      this.draw();
      element("calendar").focus();
    } catch {
      this.#player.note("unreminded");
    }
    this.#asking = false;
  }

  /** Draws, and comes when it is time. */
  draw() {
    const { state, status, clock, tickets } = this.#player;
    const before = state?.phase === "scheduled" && clock.unixMs < state.epoch_ms;
    const reminder = tickets.reminder;
    if (reminder && !this.#came && status === "idle" && clock.unixMs >= reminder.come_at_ms) {
      this.#came = true;
      if (state && state.phase !== "ended") this.#player.start("live");
    }
    element("reminder").hidden = !before;
    if (!before) return;
    element("remind").hidden = Boolean(reminder);
    element("reminded").hidden = !reminder;
    if (reminder && this.#drawn !== reminder.ticket + state.epoch_ms + state.title) this.#entry(state, reminder);
  }

  #entry({ title, epoch_ms: epochMs }, reminder) {
    this.#drawn = reminder.ticket + epochMs + title;
    const { room, clock } = this.#player;
    const file = calendar({
      room,
      title,
      epochMs,
      comeAtMs: reminder.come_at_ms,
      nowMs: clock.unixMs,
      url: address(reminder),
    });
    element("calendar").href = `data:text/calendar;charset=utf-8,${encodeURIComponent(file)}`;
    element("calendar").download = `${room}.ics`;
    const at = new Date(reminder.come_at_ms).toLocaleTimeString(undefined, { hour: "numeric", minute: "2-digit" });
    element("come-at").textContent = at;
  }
}
