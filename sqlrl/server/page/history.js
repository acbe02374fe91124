// History: what was asked of this source in this browser. Questions and queries alone are kept, never what they returned.

import { button, count, make, say } from "./elements.js";
import { lasting } from "./store.js";
import { SHORT } from "./words.js";

const MOST = 100; // entries
const LETTERS = 200_000; // of all of them: browsers give a page a few megabytes

export class History {
  // restore(entry): asked by a click on one.
  constructor(source, dialect, restore) {
    this.key = `history.${dialect}.${source}`;
    this.restore = restore;
    this.entries = this.#read();
    this.element = make("div", { class: "panel history", role: "group", "aria-label": "History" });
    this.listeners = [];
    this.#draw();
  }

  // The newest first; what is asked again moves to the front.
  add({ question, query, outcome, evidence }) {
    const entry = { question, query, outcome, when: Date.now() };
    if (evidence) entry.evidence = evidence;
    const others = this.#read().filter((each) => each.question !== question || (!question && each.query !== query));
    this.entries = [entry, ...others].slice(0, MOST);
    while (this.entries.length > 1 && JSON.stringify(this.entries).length > LETTERS) this.entries.pop();
    this.#keep();
  }

  clear() {
    this.entries = [];
    this.#keep();
    say("The history is cleared.");
    document.querySelector(".toggle[aria-expanded=\"true\"]")?.focus();
  }

  get questions() {
    return [...new Set(this.entries.map((entry) => entry.question).filter(Boolean))];
  }

  // What is there now: another tab may have added to it. Whatever is no entry is left out.
  #read() {
    try {
      const found = JSON.parse(lasting.get(this.key) ?? "[]");
      return found.filter((each) => typeof each?.question === "string" && (each.query === null || typeof each.query === "string")
        && (each.question || each.query)).slice(0, MOST);
    } catch {
      return [];
    }
  }

  #keep() {
    if (this.entries.length) lasting.set(this.key, JSON.stringify(this.entries));
    else lasting.remove(this.key);
    this.#draw();
  }

  #draw() {
    this.listeners?.forEach((listener) => listener(this.entries.length));
    if (!this.entries.length) {
      this.element.replaceChildren(make("p", { class: "none" }, "Nothing was asked yet. Questions and their queries are kept in this browser, never their rows."));
      return;
    }
    let sure = false;
    const clear = button("Clear", () => {
      if (sure) this.clear();
      sure = true;
      clear.textContent = `Clear all ${this.entries.length}?`;
    }, { class: "quiet", on: {} });
    clear.addEventListener("blur", () => { sure = false; clear.textContent = "Clear"; });
    this.element.replaceChildren(
      make("div", { class: "panel-head" }, make("p", { class: "soft" }, "Kept in this browser alone, without rows. A click brings one back without running it."), clear),
      make("ul", { class: "entries" }, this.entries.map((entry) => this.#entry(entry))));
  }

  #entry(entry) {
    const words = entry.question || entry.query;
    const fate = entry.outcome === "ok" ? null : make("span", { class: "fate" }, SHORT[entry.outcome] ?? "no answer");
    return make("li", {}, button([make("span", { class: entry.question ? "words" : "words code" }, words), fate, make("time", { datetime: new Date(entry.when).toISOString() }, since(entry.when))],
      () => this.restore(entry), { title: entry.query ?? words }));
  }
}

function since(when) {
  const minutes = Math.floor((Date.now() - when) / 60_000);
  if (!(minutes >= 1)) return "just now";
  if (minutes < 60) return `${count(minutes, "minute")} ago`;
  if (minutes < 24 * 60) return `${count(Math.floor(minutes / 60), "hour")} ago`;
  return new Date(when).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
}
