// Editor: a query that can be written in. A textarea with the coloured query behind it, letter upon letter.

import { button, icon, make, say, unique } from "./elements.js";
import { broken, coloured, isSearch } from "./queries.js";

let active = null; // the one that a name from the schema goes into

export class Editor {
  // run(query): asked by Ctrl+Enter and the button. changed(): after each change.
  constructor({ dialect, query = "", label = "Query", run, changed = () => {}, placeholder = "", bare = false }) {
    this.dialect = dialect;
    this.original = query;
    this.changed = changed;
    const id = unique("query");
    this.back = make("pre", { class: "back", "aria-hidden": "true" });
    this.area = make("textarea", {
      id, class: "front", "aria-label": label, spellcheck: "false", autocapitalize: "off", autocomplete: "off",
      placeholder, rows: "1", "aria-keyshortcuts": "Control+Enter",
      on: {
        input: () => this.#draw(),
        focus: () => { active = this; },
        keydown: (event) => {
          if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
          event.preventDefault();
          run(this.query);
        },
      },
    });
    this.runs = button([icon("M4 2.5 13 8l-9 5.5z"), "Run"], () => run(this.query), { class: "quiet", title: "Run this query (Ctrl+Enter)" });
    this.resets = button("Reset", () => this.reset(), { class: "quiet", hidden: true, title: "Back to the query as it came" });
    this.copies = button("Copy", () => this.#copy(), { class: "quiet" });
    this.breaks = button("Break lines", () => this.set(broken(this.query, dialect)), { class: "quiet", hidden: isSearch(dialect), title: "Each clause on a line of its own" });
    const tools = make("div", { class: "tools" }, this.runs, this.resets, this.breaks, this.copies);
    this.element = make("div", { class: "editor" }, make("div", { class: "layers" }, this.back, this.area), bare ? null : tools);
    this.area.value = query;
    this.#draw();
  }

  get query() { return this.area.value; }

  get edited() { return this.query.trim() !== this.original.trim(); }

  // As if it were typed: it can be undone by the browser's own Ctrl+Z.
  set(text) {
    this.area.focus();
    this.area.select();
    this.#type(text);
  }

  // What Reset goes back to from now on.
  begin(query) {
    this.original = query;
    this.area.value = query;
    this.#draw();
  }

  reset() {
    this.set(this.original);
    say("The query is as it came.");
  }

  // A name, where the caret is, with a space before where it would run into a word.
  insert(name) {
    const before = this.query.slice(0, this.area.selectionStart);
    this.area.focus();
    this.#type(/[\p{L}\p{N}_"'`)]$/u.test(before) ? ` ${name}` : name);
  }

  busy(is) {
    this.runs.setAttribute("aria-disabled", is); // not disabled: who has pressed it by key is still on it
  }

  #type(text) {
    // The one way that keeps the browser's undo; it is old, and where it is gone the text goes in without.
    if (!document.execCommand?.("insertText", false, text))
      this.area.setRangeText(text, this.area.selectionStart, this.area.selectionEnd, "end");
    this.#draw();
  }

  #draw() {
    // A pre ends before a last line that is empty, a textarea after it.
    this.back.replaceChildren(...coloured(this.query, this.dialect), "\n");
    this.resets.hidden = !this.edited;
    this.element.classList.toggle("edited", this.edited);
    this.changed();
  }

  async #copy() {
    let done = true;
    try {
      await navigator.clipboard.writeText(this.query);
    } catch { // not a secure address, or not allowed: the selection can still be copied
      this.area.select();
      done = document.execCommand?.("copy") ?? false;
    }
    this.copies.textContent = done ? "Copied" : "Press Ctrl+C";
    say(done ? "The query is copied." : "The query is selected: press Ctrl+C.");
    setTimeout(() => { this.copies.textContent = "Copy"; }, 1600);
  }
}

// The editor that was written in last and is still there to be seen.
export function current() {
  return active?.area.isConnected && active.area.getClientRects().length ? active : null;
}
