// Chart: a result as bars, a line or points, in the colours of the page. The table beside it says the same in words.

import { draw, make, unique } from "./elements.js";
import { amount, amounts, areYears, fitted, number, ticks, time, times, width } from "./scale.js";

const ROOM = { top: 10, right: 16 };
const DRAW = { bar: bars, line, scatter };

export class Chart {
  constructor({ columns, rows, chart }) {
    this.kind = chart.kind;
    this.names = { x: columns[chart.x], y: chart.y.map((index) => columns[index]) };
    this.rows = rows.map((row) => ({ name: row[chart.x], values: chart.y.map((index) => number(row[index])) }))
      .filter((row) => row.values.some((value) => value !== null));
    this.stops = []; // what can be pointed at: {x, y, words: [title, ...lines]}
    this.at = -1;
    this.tip = make("div", { class: "tip", hidden: true, role: "status" });
    this.stage = make("div", { class: "stage" });
    const { x, y } = this.names;
    this.legend = y.length > 1 && this.kind !== "scatter"
      ? make("ul", { class: "legend" }, y.map((name, index) => make("li", {}, draw("svg", { viewBox: "0 0 18 10", "aria-hidden": "true" },
        this.kind === "bar" ? draw("rect", { class: `s${index}`, width: 10, height: 10, x: 4, rx: 2 }) : draw("path", { class: `s${index} stroke`, d: "M0 5H18" })), name)))
      : null;
    const title = this.kind === "scatter" ? `${y[0]} and ${x}` : `${y.join(", ")} by ${x}`;
    const id = unique("chart");
    this.element = make("figure", { class: `chart ${this.kind}`, "aria-labelledby": id }, make("figcaption", { id }, title), this.legend, this.stage, this.tip);
    this.label = `${{ bar: "Bar chart", line: "Line chart", scatter: "Scatter chart" }[this.kind]}: ${title}, ${this.rows.length} points. The table has the numbers. Arrow keys go from point to point.`;
    this.stage.addEventListener("pointermove", (event) => this.#point(event));
    this.stage.addEventListener("pointerleave", () => this.#show(-1));
    new ResizeObserver(() => this.#draw()).observe(this.stage);
  }

  static fits({ chart, columns, rows }) {
    return chart !== null && typeof chart === "object" && chart.kind in DRAW && rows.length > 1 && chart.x in columns
      && Array.isArray(chart.y) && chart.y.length > 0 && chart.y.length <= 3 && chart.y.every((index) => index in columns)
      && rows.some((row) => chart.y.some((index) => number(row[index]) !== null));
  }

  #draw() {
    const wide = Math.floor(this.stage.clientWidth);
    if (wide < 80 || wide === this.wide) return;
    this.wide = wide;
    const { height, marks, stops, across } = DRAW[this.kind](this, wide);
    Object.assign(this, { stops, across });
    this.pointer = draw("g", { class: "pointer" });
    this.svg = draw("svg", { class: "plot", viewBox: `0 0 ${wide} ${height}`, width: wide, height, role: "img", tabindex: "0", "aria-label": this.label,
      on: { keydown: (event) => this.#step(event), blur: () => this.#show(-1), focus: () => this.svg.matches(":focus-visible") && this.#show(Math.max(this.at, 0)) } }, marks, this.pointer);
    this.stage.replaceChildren(this.svg);
    this.height = height;
  }

  #step(event) {
    const way = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape" && !this.tip.hidden) { event.stopPropagation(); this.#show(-1); }
    if (!way || !this.stops.length) return;
    event.preventDefault();
    this.#show((this.at + way + this.stops.length) % this.stops.length);
  }

  #point(event) {
    const box = this.svg.getBoundingClientRect();
    const scale = this.wide / box.width;
    const [x, y] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    const far = { x: (stop) => Math.abs(stop.x - x), y: (stop) => Math.abs(stop.y - y), both: (stop) => Math.hypot(stop.x - x, stop.y - y) }[this.across];
    let best = -1;
    this.stops.forEach((stop, index) => { if (best < 0 || far(stop) < far(this.stops[best])) best = index; });
    this.#show(best >= 0 && (this.across !== "both" || far(this.stops[best]) < 30) ? best : -1);
  }

  #show(at) {
    if (at === this.at && !this.tip.hidden === at >= 0) return;
    this.at = at;
    const stop = this.stops[at];
    this.tip.hidden = !stop;
    this.pointer?.replaceChildren(...(stop?.mark() ?? []));
    if (!stop) return;
    const [title, ...lines] = stop.words;
    this.tip.replaceChildren(make("b", {}, title), ...lines.map((words) => make("span", {}, words)));
    const box = this.svg.getBoundingClientRect(), around = this.element.getBoundingClientRect();
    const left = box.left - around.left + stop.x * (box.width / this.wide), top = box.top - around.top + stop.y * (box.height / this.height);
    const half = this.tip.offsetWidth / 2;
    const over = top - this.tip.offsetHeight - 12;
    this.tip.style.left = `${Math.min(Math.max(left, half + 4), around.width - half - 4)}px`;
    this.tip.style.top = `${over > 0 ? over : top + 14}px`;
  }

  words(row) {
    const title = row.name === null ? "NULL" : String(row.name);
    return [title, ...this.names.y.map((name, index) => `${name}: ${row.values[index] === null ? "NULL" : row.values[index].toLocaleString("en", { maximumFractionDigits: 6 })}`)];
  }
}

function extent(chart, zero) {
  const values = chart.rows.flatMap((row) => row.values).filter((value) => value !== null);
  let [low, high] = [Math.min(...values), Math.max(...values)];
  if (zero || (low > 0 && low < high * 0.6)) low = Math.min(low, 0);
  if (zero || (high < 0 && high > low * 0.6)) high = Math.max(high, 0);
  return [low, high];
}

const along = (low, high, from, to) => (value) => from + ((value - low) / (high - low || 1)) * (to - from);
const word = (given, text) => draw("text", given, text);

// The vertical axis: [its marks, the scale, the room at the left].
function upright(chart, low, high, height, bottom, wide) {
  const marks = ticks(low, high, Math.max(2, Math.floor(height / 52)));
  const texts = marks.map(amount);
  const left = Math.ceil(Math.max(...texts.map((text) => width(text)))) + 12;
  const scale = along(marks[0], marks.at(-1), height - bottom, ROOM.top);
  const lines = marks.map((value, index) => [
    draw("path", { class: value === 0 ? "axis" : "grid", d: `M${left} ${round(scale(value))}H${wide - ROOM.right}` }),
    word({ x: left - 8, y: scale(value) + 4, class: "end" }, texts[index]),
  ]);
  return [lines, scale, left];
}

const round = (value) => Math.round(value) + 0.5;

function title(text, x, y, wide) {
  return word({ x, y, class: "title middle" }, fitted(text, wide));
}

function bars(chart, wide) {
  return chart.rows.length <= 24 ? lying(chart, wide) : standing(chart, wide);
}

// Names at the left, bars to the right: names need not be turned.
function lying(chart, wide) {
  const { rows, names } = chart;
  const series = names.y.length;
  const thick = series > 1 ? 11 : 18, gap = 8, band = series * thick + gap;
  const room = Math.min(wide * 0.38, 260);
  const texts = rows.map((row) => fitted(row.name === null ? "NULL" : String(row.name), room, 12.5));
  const left = Math.ceil(Math.max(...texts.map((text) => width(text, 12.5)))) + 10;
  const [low, high] = extent(chart, true);
  const labels = series === 1 ? amounts(rows.map((row) => row.values[0])) : [];
  const spare = labels.length ? Math.max(...labels.map((text) => width(text))) + 8 : ROOM.right;
  const most = Math.max(2, Math.floor((wide - left) / 80));
  const marks = [most, most + 1, most + 2].map((parts) => ticks(low, high, parts, false)).find((each) => each.length > 1) ?? [0];
  const scale = along(Math.min(low, 0), Math.max(high, 0), left + (low < 0 ? spare : 0), wide - spare);
  const end = 4 + rows.length * band, height = end + (names.y.length === 1 ? 38 : 22);
  const drawn = marks.map((value) => [
    draw("path", { class: value === 0 ? "axis" : "grid", d: `M${round(scale(value))} 0V${end}` }),
    word({ x: scale(value), y: end + 15, class: "middle" }, amount(value)),
  ]);
  const stops = [];
  rows.forEach((row, at) => {
    const y = 4 + at * band;
    drawn.push(word({ x: left - 8, y: y + (band - gap) / 2 + 4.5, class: "end name" }, texts[at]));
    row.values.forEach((value, index) => {
      if (value === null) return;
      const [from, to] = [scale(Math.min(value, 0)), scale(Math.max(value, 0))];
      drawn.push(draw("rect", { class: `bar s${index}`, x: from, y: y + index * thick, width: Math.max(to - from, 1), height: thick - (series > 1 ? 1 : 0), rx: 2 }));
      if (series === 1) drawn.push(word({ x: value < 0 ? from - 5 : to + 5, y: y + thick / 2 + 4.5, class: value < 0 ? "end value" : "value" }, labels[at]));
    });
    stops.push({ x: Math.max(...row.values.filter((value) => value !== null).map((value) => scale(Math.max(value, 0)))) , y, words: chart.words(row),
      mark: () => [draw("rect", { class: "band", x: 0, y: y - gap / 2, width: wide, height: band, rx: 4 })] });
  });
  if (names.y.length === 1) drawn.push(title(names.y[0], (left + wide - spare) / 2, height - 4, wide - left));
  return { height, marks: drawn, stops, across: "y" };
}

function standing(chart, wide) {
  const { rows, names } = chart;
  const height = 320, bottom = 46;
  const [low, high] = extent(chart, true);
  const [drawn, scale, left] = upright(chart, low, high, height, bottom, wide);
  const band = (wide - ROOM.right - left) / rows.length;
  const thick = Math.max((band * 0.8) / names.y.length, 0.8);
  const stops = [];
  rows.forEach((row, at) => {
    const x = left + at * band + band * 0.1;
    row.values.forEach((value, index) => {
      if (value === null) return;
      const [from, to] = [scale(Math.max(value, 0)), scale(Math.min(value, 0))];
      drawn.push(draw("rect", { class: `bar s${index}`, x: x + index * thick, y: from, width: thick, height: Math.max(to - from, 1) }));
    });
    stops.push({ x: x + band * 0.4, y: scale(Math.max(0, ...row.values)), words: chart.words(row),
      mark: () => [draw("rect", { class: "band", x: x - band * 0.1, y: ROOM.top, width: band, height: height - bottom - ROOM.top })] });
  });
  const names_ = rows.map((row) => (row.name === null ? "NULL" : String(row.name)));
  drawn.push(...spread(names_, (at) => left + (at + 0.5) * band, height - bottom + 17, wide));
  drawn.push(title(names.x, (left + wide) / 2, height - 6, wide - left));
  return { height, marks: drawn, stops, across: "x" };
}

// As many names beneath an axis as fit, at even steps.
function spread(names, place, y, wide) {
  const texts = names.map((name) => fitted(name, 110));
  const room = Math.max(...texts.map((text) => width(text))) + 14;
  const step = Math.max(1, Math.ceil(room / Math.max(Math.abs(place(1) - place(0)), 0.01)));
  return texts.flatMap((text, at) => (at % step ? [] : [inside(text, place(at), y, wide)]));
}

// A word beneath its place, but never beyond the edge.
function inside(text, x, y, wide) {
  const half = width(text) / 2;
  return word({ x: Math.min(Math.max(x, half), wide - half), y, class: "middle" }, text);
}

// What the x axis holds: numbers, times, or names in their order.
function level(chart) {
  const cells = chart.rows.map((row) => row.name);
  for (const [kind, read] of [["number", number], ["time", time]]) {
    const values = cells.map(read);
    if (values.every((value) => value !== null)) return { kind, values };
  }
  return { kind: "name", values: cells.map((_, index) => index) };
}

function beneath(chart, { kind, values }, left, wide, y, full) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const edge = full ? 8 : 0;
  if (kind === "number") {
    const years = areYears(values);
    const all = ticks(low, high, Math.max(2, Math.floor((wide - left) / 70)), full).filter((value) => !years || Number.isInteger(value));
    const ends = full ? [all[0], all.at(-1)] : [low, high];
    const scale = along(...ends, left + edge, wide - ROOM.right - edge);
    return [scale, all.map((value) => inside(years ? String(value) : amount(value), scale(value), y, wide))];
  }
  const scale = along(low, high, left + edge, wide - ROOM.right - edge);
  if (kind === "time") return [scale, times(low, high, Math.max(2, Math.floor((wide - left) / 90))).map(({ at, text }) => inside(text, scale(at), y, wide))];
  return [scale, spread(chart.rows.map((row) => String(row.name ?? "NULL")), (at) => scale(at), y, wide)];
}

function line(chart, wide) {
  const height = wide < 480 ? 260 : 320, bottom = 46;
  const x = level(chart);
  const [low, high] = extent(chart, false);
  const [drawn, scale, left] = upright(chart, low, high, height, bottom, wide);
  const [across, marks] = beneath(chart, x, left + 6, wide, height - bottom + 18, false);
  const points = chart.rows.map((row, index) => ({ row, x: across(x.values[index]) })).sort((one, other) => one.x - other.x);
  const shapes = chart.names.y.map((_, index) => {
    let pen = "M";
    const path = points.map(({ row, x: at }) => {
      if (row.values[index] === null) { pen = "M"; return ""; }
      const step = `${pen}${at.toFixed(1)} ${scale(row.values[index]).toFixed(1)}`;
      pen = "L";
      return step;
    }).join("");
    const dots = points.length > 60 ? [] : points.filter(({ row }) => row.values[index] !== null)
      .map(({ row, x: at }) => draw("circle", { class: `dot s${index}`, cx: at, cy: scale(row.values[index]), r: points.length > 30 ? 2 : 3 }));
    return [draw("path", { class: `stroke s${index}`, d: path }), dots];
  });
  const stops = points.map(({ row, x: at }) => {
    const known = row.values.flatMap((value, index) => (value === null ? [] : [[index, scale(value)]]));
    return { x: at, y: Math.min(...known.map(([, y]) => y)), words: chart.words(row), mark: () => [
      draw("path", { class: "cursor", d: `M${round(at)} ${ROOM.top}V${height - bottom}` }),
      ...known.map(([index, y]) => draw("circle", { class: `ring s${index}`, cx: at, cy: y, r: 5 }))] };
  });
  drawn.push(marks, shapes, title(chart.names.x, (left + wide) / 2, height - 6, wide - left));
  return { height, marks: drawn, stops, across: "x" };
}

function scatter(chart, wide) {
  const height = wide < 480 ? 280 : 360, bottom = 46;
  chart.rows = chart.rows.filter((row) => row.values[0] !== null && number(row.name) !== null);
  if (!chart.rows.length) return { height: 0, marks: [], stops: [], across: "both" };
  const x = level(chart);
  const [low, high] = extent({ rows: chart.rows.map((row) => ({ values: row.values.slice(0, 1) })) }, false);
  const [drawn, scale, left] = upright(chart, low, high, height, bottom, wide);
  const [across, marks] = beneath(chart, x, left, wide, height - bottom + 18, true);
  const size = chart.rows.length > 400 ? 2.5 : 4;
  const stops = chart.rows.map((row, index) => {
    const [at, y] = [across(x.values[index]), scale(row.values[0])];
    drawn.push(draw("circle", { class: "dot s0 faint", cx: at, cy: y, r: size }));
    return { x: at, y, words: [`${chart.names.x}: ${row.name}`, `${chart.names.y[0]}: ${row.values[0].toLocaleString("en", { maximumFractionDigits: 6 })}`],
      mark: () => [draw("circle", { class: "ring s0", cx: at, cy: y, r: size + 3 })] };
  });
  drawn.push(marks, title(chart.names.x, (left + wide) / 2, height - 6, wide - left));
  return { height, marks: drawn, stops, across: "both" };
}
