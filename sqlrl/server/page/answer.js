// Answer: what came back, as something to look at: a number, a table, a chart, documents, or why there is none.

import { Chart } from "./chart.js";
import { isNumber, text } from "./cells.js";
import { documents } from "./documents.js";
import { button, count, fold, make } from "./elements.js";
import { shown } from "./queries.js";
import { Table } from "./table.js";
import { SHORT, fate, sentence } from "./words.js";

const NARROW = 4; // columns of a table that fits beside its chart

// With every part there, whatever a server leaves out.
export function whole(item) {
  const list = (value) => (Array.isArray(value) ? value : []);
  return {
    question: "", query: null, outcome: "", message: "", truncated: false, confidence: null, seconds: 0, chart: null, ...item,
    columns: list(item.columns).map(String), rows: list(item.rows).filter(Array.isArray), attempts: list(item.attempts),
    suggestions: list(item.suggestions).map(String), warnings: list(item.warnings).map(String), tables: list(item.tables).map(String),
  };
}

// What a screen reader is told when it is here.
export function heard(answer, kind) {
  if (answer.outcome !== "ok") return fate(answer.outcome, false, kind).title;
  if (lone(answer)) return `Answer: ${text(answer.rows[0][0]) ?? "NULL"}.`;
  const rows = count(answer.rows.length, kind === "search" ? "document" : "row");
  return answer.truncated ? `Answer: the first ${rows}; there are more.` : `Answer: ${answer.rows.length ? rows : "nothing found"}.`;
}

// In a line, where a turn is folded.
export function brief(answer, kind) {
  if (answer.outcome !== "ok") return SHORT[answer.outcome] ?? "no answer";
  if (lone(answer)) return (text(answer.rows[0][0]) ?? "NULL").slice(0, 60);
  return `${count(answer.rows.length, kind === "search" ? "document" : "row")}${answer.truncated ? " and more" : ""}`;
}

const lone = ({ columns, rows }) => rows.length === 1 && columns.length === 1;

// swap(written, meant): puts a name that was probably meant into the query. asked: a policy wrote it.
export function result(answer, { kind, asked, name, swap }) {
  const parts = answer.warnings.map((words) => make("p", { class: "note" }, sentence(words)));
  if (answer.outcome !== "ok") parts.push(problem(answer, kind, asked, swap));
  else if (!answer.rows.length) parts.push(make("p", { class: "nothing" }, make("b", {}, "Nothing was found."), " ", kind === "search" ? "No document fits this query." : "The query ran, and no row fits it."));
  else if (kind === "search" && answer.columns.includes("id") && answer.columns.includes("score")) parts.push(documents(answer, name));
  else if (lone(answer) && String(text(answer.rows[0][0]) ?? "").length <= 80) parts.push(single(answer));
  else {
    const table = new Table(answer, name).element;
    const chart = Chart.fits(answer) ? new Chart(answer).element : null;
    parts.push(make("div", { class: `result${chart ? " charted" : ""}${chart && answer.columns.length <= NARROW ? " beside" : ""}` }, chart, table));
  }
  return parts;
}

function single({ columns, rows: [[cell]] }) {
  const words = text(cell);
  const shownAs = words === null ? make("span", { class: "none" }, "NULL") : words === "" ? make("span", { class: "none" }, "empty")
    : isNumber(cell) && Number.isInteger(Number(cell)) && Math.abs(Number(cell)) >= 10_000 && !/[eE]/.test(words) ? BigInt(words).toLocaleString("en") : words;
  return make("dl", { class: `figure${words !== null && words.length > 16 ? " small" : ""}` }, make("dd", { title: words ?? "NULL" }, shownAs), make("dt", {}, columns[0]));
}

function problem(answer, kind, asked, swap) {
  const { title, hint } = fate(answer.outcome, asked, kind);
  return make("div", { class: `problem ${answer.outcome}` },
    make("h3", {}, title),
    answer.message ? make("p", { class: "said" }, sentence(answer.message)) : null,
    answer.suggestions.map((each) => suggestion(each, swap)),
    hint ? make("p", { class: "soft" }, hint) : null);
}

function suggestion(words, swap) {
  const found = /^there is no (table|column) (.+): did you mean (.+)\?$/.exec(words);
  if (!found || !swap) return make("p", { class: "meant" }, sentence(words));
  const [, thing, written, meant] = found;
  return make("p", { class: "meant" }, `There is no ${thing} `, make("code", {}, written), ". Did you mean ",
    meant.split(" or ").map((each, index) => [index ? " or " : null, button(each, () => swap(written, each), { class: "insert", title: `Put ${each} in its place` })]), "?");
}

// How sure, how long, and what was tried on the way.
export function account(answer, dialect) {
  const samples = answer.attempts.filter((attempt) => attempt.kind === "sample").length;
  const share = answer.confidence;
  const facts = [];
  if (typeof share === "number") {
    const agreeing = samples > 1 ? `${Math.round(share * samples)} of ${samples} queries agree on this` : "of the queries agree on this";
    facts.push(make("p", { class: `sure ${share >= 0.75 ? "high" : share >= 0.45 ? "middle" : "low"}` },
      make("meter", { min: "0", max: "1", value: String(share), "aria-label": "Confidence" }), make("b", {}, `${Math.round(share * 100)} %`), ` ${agreeing}`));
  }
  if (answer.attempts.length > 1) {
    const repairs = answer.attempts.filter((attempt) => attempt.kind === "repair").length;
    const words = `${count(answer.attempts.length, "query was", "queries were")} tried${repairs ? `, ${repairs} of them ${repairs === 1 ? "a repair" : "repairs"}` : ""}`;
    facts.push(fold([words], () => make("ol", { class: "attempts" }, grouped(answer.attempts).map(([each, times]) => attempt(each, times, dialect)))));
  }
  if (answer.tables.length) facts.push(fold([`Asked with ${count(answer.tables.length, "table")} in view`], () => make("p", { class: "soft names" }, answer.tables.join(", "))));
  return facts;
}

// [attempt, how often]: samples are often the same query.
function grouped(attempts) {
  const found = new Map();
  for (const each of attempts) {
    const key = JSON.stringify([each.kind, each.query, each.outcome, each.message]);
    found.set(key, [each, (found.get(key)?.[1] ?? 0) + 1]);
  }
  return [...found.values()];
}

function attempt({ kind, query, outcome, message, rows }, times, dialect) {
  const fine = outcome === "ok";
  return make("li", {}, make("p", {}, make("b", {}, times > 1 ? `${times} times` : kind === "repair" ? "Repair" : "Query"), " ",
    make("span", { class: `fate ${fine ? "good" : ""}` }, fine ? count(rows ?? 0, "row") : (SHORT[outcome] ?? "no answer"))),
  query ? shown(query, dialect) : null, message ? make("p", { class: "said" }, sentence(message)) : null);
}
