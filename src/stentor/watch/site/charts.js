// Small charts of the last ten minutes, as SVG, each with its figures in words and a table behind
// it. Draws what it is given; knows nothing of what the figures mean.

import { make } from "./page.js";

const SPAN_MS = 600_000;
const SPAN_MS_MIN = 60_000; // a page that has seen little shows that, and not much emptiness
const WIDTH = 600;
const HEIGHT = 100;
const BROKEN_MS = 5_000; // no line is drawn across a longer hole
const SVG = "http://www.w3.org/2000/svg";

/** The next of 1, 2, 5, 10, 20, … that is not below. */
export function nice(value, least) {
  let step = least;
  while (step < value) {
    const head = Number(String(step.toExponential()).split("e")[0]);
    step *= head === 2 ? 2.5 : 2;
  }
  return step;
}

function shape(tag, className) {
  const node = document.createElementNS(SVG, tag);
  node.setAttribute("class", className);
  return node;
}

/**
 * A chart in `figure`. `series`: name, kind (a colour's number), of (point → number, or < 0 for
 * none). `stacked` puts them on top of each other, `sparse` leaves out what there was none of,
 * `shown` writes a value for people.
 */
export class Chart {
  constructor(figure, { title, series, stacked = false, sparse = false, least = 10, shown = (value) => Math.round(value).toLocaleString() }) {
    Object.assign(this, { series, stacked, sparse, least, shown, title });
    this.svg = shape("svg", "");
    this.svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    this.svg.setAttribute("preserveAspectRatio", "none");
    this.svg.setAttribute("role", "img");
    const middle = shape("line", "middle");
    for (const [name, value] of [["x1", 0], ["x2", WIDTH], ["y1", HEIGHT / 2], ["y2", HEIGHT / 2]]) middle.setAttribute(name, value);
    this.paths = series.map(({ kind }) => shape("path", `k${kind} ${stacked ? "area" : "stroke"}`));
    this.svg.append(middle, ...this.paths);
    this.most = make("span", "most");
    const plot = make("div", "plot");
    plot.append(this.svg, this.most);
    const ends = make("div", "ends");
    this.since = make("span");
    ends.append(this.since, make("span", "", "now"));
    this.caption = make("figcaption");
    this.labels = series.map(({ name, kind }) => {
      const label = make("span");
      const value = make("strong");
      label.append(make("span", `swatch k${kind}`), `${name} `, value);
      this.caption.append(label);
      return { label, value };
    });
    this.nothing = make("span", "", "nothing");
    this.caption.append(this.nothing);
    this.table = make("table");
    this.details = make("details");
    this.details.append(make("summary", "", "As a table"), this.table);
    this.details.addEventListener("toggle", () => this.fill());
    figure.append(this.caption, plot, ends, this.details);
  }

  draw(points, nowMs) {
    this.points = points;
    const span = Math.min(SPAN_MS, Math.max(SPAN_MS_MIN, nowMs - (points[0]?.at_ms ?? nowMs)));
    const from = nowMs - span;
    const rows = points.filter((point) => point.at_ms >= from);
    const ago = span < SPAN_MS_MIN * 2 ? `${Math.round(span / 1000)} s ago` : `${Math.round(span / 60_000)} min ago`;
    if (this.since.textContent !== ago) this.since.textContent = ago;
    const values = this.series.map(({ of }) => rows.map(of));
    const sums = rows.map((_, n) => values.reduce((sum, one) => sum + Math.max(0, one[n]), 0));
    const highest = this.stacked ? Math.max(0, ...sums) : Math.max(0, ...values.flat());
    const top = nice(highest * 1.05, this.least); // a line at the very edge is not seen
    const x = (n) => (((rows[n].at_ms - from) / span) * WIDTH).toFixed(1);
    const y = (value) => (HEIGHT - (value / top) * HEIGHT).toFixed(1);
    const floor = rows.map(() => 0);
    this.paths.forEach((path, s) => {
      path.setAttribute("d", this.stacked ? area(rows, values[s], floor, x, y) : line(rows, values[s], x, y));
    });
    const now = this.series.map((one, s) => values[s].at(-1) ?? -1);
    const most = values.map((some) => Math.max(0, ...some));
    this.labels.forEach(({ label, value }, s) => {
      const told = now[s] < 0 ? "–" : this.shown(now[s]);
      if (value.textContent !== told) value.textContent = told;
      label.hidden = this.sparse && most[s] === 0;
    });
    this.nothing.hidden = !this.sparse || most.some(Boolean);
    this.most.textContent = this.shown(top);
    const told = this.series
      .map(({ name }, s) => `${name} ${now[s] < 0 ? "not measured" : this.shown(now[s])}, at most ${this.shown(most[s])}`)
      .filter((_, s) => !this.sparse || most[s]);
    this.svg.setAttribute("aria-label", `${this.title}, since ${ago}: ${told.join("; ") || "nothing"}.`);
    if (this.details.open && Math.floor(nowMs / 10_000) !== this.filled) this.fill();
  }

  /** The table: what each minute had at most. */
  fill() {
    if (!this.details.open || !this.points?.length) return;
    const now = this.points.at(-1).at_ms;
    this.filled = Math.floor(now / 10_000);
    const head = make("tr");
    head.append(...["Minutes ago", ...this.series.map(({ name }) => `${name}, most`)].map((name) => Object.assign(make("th", "", name), { scope: "col" })));
    const body = [];
    for (let minute = 0; minute < 10; minute += 1) {
      const rows = this.points.filter((point) => point.at_ms <= now - minute * 60_000 && point.at_ms > now - (minute + 1) * 60_000);
      if (!rows.length) continue;
      const row = make("tr");
      row.append(Object.assign(make("th", "", minute === 0 ? "under 1" : String(minute)), { scope: "row" }));
      for (const { of } of this.series) {
        const most = Math.max(...rows.map(of));
        row.append(make("td", "number", most < 0 ? "–" : this.shown(most)));
      }
      body.push(row);
    }
    const thead = make("thead");
    thead.append(head);
    const tbody = make("tbody");
    tbody.append(...body);
    this.table.replaceChildren(thead, tbody);
  }
}

const follows = (rows, n) => n > 0 && rows[n].at_ms - rows[n - 1].at_ms < BROKEN_MS;

function line(rows, values, x, y) {
  let path = "";
  let drawing = false;
  values.forEach((value, n) => {
    if (value < 0) return;
    path += `${drawing && follows(rows, n) ? "L" : "M"}${x(n)} ${y(value)}`;
    drawing = true;
  });
  return path;
}

/** One band; `floor` is what lies below it, and is raised by it. */
function area(rows, values, floor, x, y) {
  let path = "";
  for (let begin = 0; begin < rows.length; ) {
    let end = begin + 1;
    while (end < rows.length && follows(rows, end)) end += 1;
    const span = Array.from({ length: end - begin }, (_, n) => begin + n);
    const upper = span.map((n) => `${x(n)} ${y(floor[n] + Math.max(0, values[n]))}`);
    const lower = span.map((n) => `${x(n)} ${y(floor[n])}`).reverse();
    path += `M${upper.join("L")}L${lower.join("L")}Z`;
    begin = end;
  }
  values.forEach((value, n) => (floor[n] += Math.max(0, value)));
  return path;
}
