// Marks: somebody says that an answer is right, or what it should be. From such a file sqlrl trains, without any query.

import { button, count, icon, make, say, unique } from "./elements.js";
import { Failure } from "./server.js";

// What a text stands for: {raw} as JSON has it, {words} as a person reads it. columns: of the result that it is about.
export function meant(text, columns = []) {
  const words = text.trim();
  if (!words) return null;
  try {
    const value = JSON.parse(words);
    if (typeof value === "number") return { raw: words, words: `the number ${words}` };
    if (typeof value === "string") return { raw: words, words: `the text “${value}”` };
    if (Array.isArray(value) && value.some(Array.isArray)) { // rows alone: the server wants their columns named
      const names = value[0]?.length === columns.length ? columns : Array.from(value[0] ?? [], (_, index) => `column ${index + 1}`);
      return { raw: `{"columns":${JSON.stringify(names)},"rows":${words}}`, words: `a table of ${count(value.length, "row")}` };
    }
    if (Array.isArray(value)) return { raw: words, words: `a list of ${value.length}` };
    if (value && Array.isArray(value.rows)) return { raw: words, words: `a table of ${count(value.rows.length, "row")}` };
  } catch { /* words, not JSON */ }
  const lines = words.split("\n").map((line) => line.trim()).filter(Boolean);
  if (lines.length < 2) return { raw: JSON.stringify(words), words: `the text “${words}”` };
  const numbers = lines.every((line) => /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(line));
  return { raw: `[${lines.map((line) => (numbers ? line : JSON.stringify(line))).join(",")}]`, words: `a list of ${lines.length}` };
}

// asked: {question, evidence, query}, as they are when somebody marks. ok: there is a result that may be right.
export function marks(server, asked, ok, columns) {
  const kept = make("p", { class: "kept", role: "status" });
  let sending = false;
  const send = async (body, words) => {
    if (sending) return;
    sending = true;
    kept.textContent = "";
    try {
      await server.mark(body);
      kept.className = "kept good";
      kept.replaceChildren(icon("M3 8.5l3.2 3.2L13 5"), words);
      say(words);
      if (form.contains(document.activeElement)) should.focus();
      form.hidden = true;
      should.setAttribute("aria-expanded", false);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      kept.className = "kept bad";
      kept.textContent = [error.title, error.hint].join(" ");
    } finally {
      sending = false;
    }
  };
  const body = (more) => {
    const { question, evidence, query } = asked();
    const parts = { question, ...(evidence ? { evidence } : {}), ...(more === null ? { query } : {}) };
    return more === null ? JSON.stringify(parts) : `${JSON.stringify(parts).slice(0, -1)},"answer":${more}}`;
  };
  const right = button([icon("M3 8.5l3.2 3.2L13 5"), "Right"], () => send(body(null), "Kept: this answer is right."), { class: "quiet" });
  const id = unique("should");
  const preview = make("p", { class: "soft", id: `${id}-help` });
  const area = make("textarea", { id, rows: "1", placeholder: "42, or a name, or one a line, or JSON", "aria-describedby": `${id}-help`, spellcheck: "false",
    on: { input: () => draw(), keydown: (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); form.requestSubmit(); }
      if (event.key === "Escape") { event.stopPropagation(); form.hidden = true; should.setAttribute("aria-expanded", false); should.focus(); }
    } } });
  const keep = make("button", { type: "submit", class: "main" }, "Keep");
  const form = make("form", { hidden: true, class: "should", on: { submit: (event) => {
    event.preventDefault();
    const found = meant(area.value, columns);
    if (found && !keep.disabled) send(body(found.raw), `Kept: it should be ${found.words}.`);
  } } }, make("label", { for: id }, "It should be"), area, keep, preview);
  const should = button("It should be…", () => {
    form.hidden = !form.hidden;
    should.setAttribute("aria-expanded", !form.hidden);
    if (!form.hidden) area.focus();
  }, { class: "quiet", "aria-expanded": false });
  const draw = () => {
    const found = meant(area.value, columns);
    keep.disabled = !found;
    area.rows = Math.min(Math.max(area.value.split("\n").length, 1), 8);
    preview.textContent = found ? `Kept as ${found.words}.` : "A number, a text, a list with one a line, or a list or table as JSON.";
  };
  draw();
  return make("div", { class: "marks" }, make("div", { class: "mark-row" }, make("span", { class: "soft" }, ok ? "Is this right?" : "Do you know the answer?"), ok && right, should, kept), form);
}
