// Scale: numbers, days and names along an axis, and the marks that people can read on it.

const DAY = /^\d{4}-\d{2}(?:-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?)?$/;

export function number(cell) {
  if (cell === null || cell === "" || typeof cell === "boolean") return null;
  const value = Number(cell);
  return Number.isFinite(value) ? value : null;
}

export function time(cell) {
  if (typeof cell !== "string" || !DAY.test(cell)) return null;
  const text = cell.replace(" ", "T");
  const value = Date.parse(text.length > 10 && !/(?:Z|[+-]\d{2}:?\d{2})$/.test(text) ? `${text}Z` : text);
  return Number.isFinite(value) ? value : null;
}

// Round steps of 1, 2 or 5 that part [low, high] into about `parts`; the ends are widened to the steps.
export function ticks(low, high, parts, widen = true) {
  if (low === high) [low, high] = low === 0 ? [0, 1] : [Math.min(low, 0), Math.max(high, 0)];
  const rough = (high - low) / Math.max(parts, 1);
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * size).find((each) => each >= rough * 0.999) ?? rough;
  const from = widen ? Math.floor(low / step + 1e-9) : Math.ceil(low / step - 1e-9);
  const to = widen ? Math.ceil(high / step - 1e-9) : Math.floor(high / step + 1e-9);
  const places = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const marks = [];
  for (let at = from; at <= to && marks.length < 60; at += 1) marks.push(Number((at * step).toFixed(Math.min(places, 20))));
  return marks;
}

// Years are no amounts: 2024, not 2,024.
export function areYears(values) {
  return values.length > 0 && values.every((value) => Number.isInteger(value) && value >= 1000 && value <= 2999);
}

// Numbers beside each other: all with as many digits after the point as the largest needs to be told from the others.
export function amounts(values) {
  const most = Math.max(...values.filter((value) => value !== null).map(Math.abs));
  const exact = values.every((value) => value === null || Number.isInteger(value));
  const places = exact || most >= 1000 ? 0 : most >= 100 ? 1 : most >= 1 ? 2 : 4;
  return values.map((value) => (value === null ? "" : most >= 1e6 || (most < 0.01 && most > 0) ? amount(value)
    : value.toLocaleString("en", { minimumFractionDigits: places, maximumFractionDigits: places })));
}

export function amount(value) {
  const size = Math.abs(value);
  if (size >= 1e5) return new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 }).format(value);
  return new Intl.NumberFormat("en", { maximumSignificantDigits: 6 }).format(value);
}

const SPANS = [["year", 365.25 * 864e5], ["month", 30.44 * 864e5], ["day", 864e5], ["hour", 36e5], ["minute", 6e4], ["second", 1e3]];
const STEPS = { year: [1, 2, 5, 10, 20, 50, 100], month: [1, 3, 6], day: [1, 2, 7, 14], hour: [1, 3, 6, 12], minute: [1, 5, 15, 30], second: [1, 5, 15, 30] };

// [{at, text}] of round times between two, at most about `most`.
export function times(low, high, most) {
  const all = SPANS.flatMap(([unit, size]) => STEPS[unit].map((step) => ({ unit, step, size: size * step })));
  const fitting = all.filter(({ size }) => (high - low) / size <= most).sort((a, b) => a.size - b.size);
  const { unit, step } = fitting[0] ?? { unit: "year", step: 100 };
  const marks = [];
  const day = new Date(low);
  const fields = [day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate(), day.getUTCHours(), day.getUTCMinutes(), day.getUTCSeconds()];
  const place = ["year", "month", "day", "hour", "minute", "second"].indexOf(unit);
  const first = [0, 0, 1, 0, 0, 0];
  for (let at = place + 1; at < 6; at += 1) fields[at] = first[at];
  fields[place] = unit === "day" ? fields[place] : Math.floor(fields[place] / step) * step;
  for (let turn = 0; turn < 200; turn += 1) {
    const value = Date.UTC(...fields);
    if (value > high) break;
    if (value >= low) marks.push({ at: value, text: stamp(value, unit) });
    fields[place] += step;
  }
  return marks;
}

function stamp(value, unit) {
  const given = { year: { year: "numeric" }, month: { month: "short", year: "numeric" }, day: { day: "numeric", month: "short" },
    hour: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }, minute: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
    second: { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" } }[unit];
  return new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...given }).format(value);
}

let pen = null;

// How wide a text is on the page, in pixels.
export function width(text, size = 12) {
  pen ??= document.createElement("canvas").getContext("2d");
  pen.font = `${size}px ${getComputedStyle(document.body).fontFamily}`;
  return pen.measureText(text).width;
}

// A text no wider than some pixels.
export function fitted(text, most, size = 12) {
  if (width(text, size) <= most) return text;
  let [low, high] = [0, text.length];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (width(`${text.slice(0, middle).trimEnd()}…`, size) <= most) low = middle;
    else high = middle - 1;
  }
  return low ? `${text.slice(0, low).trimEnd()}…` : "";
}
