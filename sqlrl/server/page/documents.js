// Documents: what a search found, best first.

import { csv, save } from "./cells.js";
import { button, count, icon, make } from "./elements.js";
import { cut } from "./table.js";

const LONG = 420;

export function documents(answer, name) {
  const at = Object.fromEntries(answer.columns.map((column, index) => [column, index]));
  const scores = answer.rows.map((row) => Number(row[at.score])).filter(Number.isFinite);
  const best = Math.max(...scores, 0);
  const items = answer.rows.map((row) => document(row, at, best));
  const found = count(answer.rows.length, "document");
  return make("div", { class: "documents" },
    make("ol", { "aria-label": "Documents, best first" }, items),
    make("p", { class: "count" }, make("span", {}, answer.truncated ? `The best ${found}; there are more` : found),
      button([icon("M8 2v8m0 0L4.5 6.5M8 10l3.5-3.5M2.5 13.5h11"), "CSV"], () => save(`${name}.csv`, csv(answer.columns, answer.rows)), {
        class: "quiet", "aria-label": "Download the documents as CSV",
      })));
}

function document(row, at, best) {
  const [id, title, text] = ["id", "title", "text"].map((name) => String(row[at[name]] ?? ""));
  const score = Number(row[at.score]);
  const rated = Number.isFinite(score) && row[at.score] !== null;
  return make("li", {},
    make("h3", { dir: "auto" }, title.trim() || text.trim().split(/\s+/).slice(0, 12).join(" ") || id),
    make("p", { class: "facts" }, make("code", {}, id), rated && [
      make("meter", { min: "0", max: String(best || 1), value: String(Math.max(score, 0)), "aria-label": "Score beside the best" }),
      make("span", { title: String(score) }, `score ${Number(score.toPrecision(4))}`),
    ]),
    text.trim() ? make("p", { class: "text", dir: "auto" }, text.length > LONG ? cut(text, LONG) : text) : make("p", { class: "text none" }, "no text"));
}
