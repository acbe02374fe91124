// Composer: the box that everything begins in. A question in words, or a query of one's own.

import { button, icon, make, say } from "./elements.js";
import { Editor } from "./editor.js";

export class Composer {
  // about: what the server says of itself. ask(question, evidence), run(query), stop(): what the box does.
  constructor(about, { ask, run, stop }) {
    Object.assign(this, { about, ask, run, stop, past: [], at: -1, draft: "" });
    const search = about.kind === "search";
    this.asks = about.policy !== null || search;
    this.mode = "question";
    this.area = make("textarea", {
      id: "question", class: "ask", rows: "1", autofocus: true, spellcheck: "true", enterkeyhint: "go",
      "aria-label": search ? "Search question" : "Question", dir: "auto", placeholder: search ? "What are you looking for?" : "Ask in your own words",
      on: { input: () => { this.at = -1; this.#grow(); }, keydown: (event) => this.#key(event) },
    });
    this.editor = new Editor({ dialect: about.dialect, label: "Your query", run, bare: true, placeholder: search ? "A query in the engine's own words" : "SELECT …", changed: () => this.#draw() });
    this.evidence = make("input", { id: "evidence", type: "text", autocomplete: "off", dir: "auto", placeholder: "revenue is price × quantity; a year begins in April",
      on: { keydown: (event) => { if (event.key === "Enter" && !event.isComposing) { event.preventDefault(); this.go(); } } } });
    this.known = make("div", { class: "evidence", hidden: true }, make("label", { for: "evidence" }, "What must be known besides"), this.evidence);
    this.hints = button([icon("M8 3v10M3 8h10"), "Hint"], () => this.hint(this.known.hidden), { class: "quiet hint", title: "Say what must be known besides", "aria-expanded": false });
    this.modes = make("div", { class: "modes", role: "group", "aria-label": "What you write" }, ["question", "query"].map((mode) =>
      button(mode === "question" ? "Question" : "Query", () => this.turn(mode), { "data-mode": mode, "aria-pressed": mode === this.mode })));
    this.main = button("", () => (this.working ? stop() : this.go()), { class: "main", id: "go" });
    this.element = make("div", { class: "composer" }, this.area, this.editor.element, this.known,
      make("div", { class: "composer-foot" }, this.asks && this.modes, !search && this.asks && this.hints, make("span", { class: "grow" }), this.main));
    if (!this.asks) this.mode = "query";
    this.#draw();
  }

  turn(mode, focus = true) {
    this.mode = this.asks ? mode : "query";
    this.#draw();
    if (focus) this.focus();
  }

  focus() {
    (this.mode === "question" ? this.area : this.editor.area).focus();
  }

  hint(open) {
    this.known.hidden = !open;
    this.hints.setAttribute("aria-expanded", open);
    if (open) this.evidence.focus();
    else this.evidence.value = "";
  }

  // A question from the history.
  put(question, evidence = "") {
    this.turn("question");
    this.area.value = question;
    if (evidence) { this.hint(true); this.evidence.value = evidence; this.area.focus(); }
    this.#grow();
  }

  busy(is) {
    this.working = is;
    this.editor.busy(is);
    this.#draw();
  }

  go() {
    if (this.working) return;
    if (this.mode === "query") {
      if (this.editor.query.trim()) this.run(this.editor.query);
      return this.editor.query.trim() || this.#empty();
    }
    const question = this.area.value.trim();
    if (!question) return this.#empty();
    this.past = [question, ...this.past.filter((each) => each !== question)];
    this.at = -1;
    this.area.value = "";
    this.#grow();
    this.ask(question, this.evidence.value.trim());
  }

  #empty() {
    this.focus();
    say("There is nothing to ask yet.");
  }

  #key(event) {
    if (event.isComposing || event.keyCode === 229) return; // letters that are still being chosen
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      this.go();
    } else if (event.key === "ArrowUp" && (this.area.value === "" || this.at >= 0) && this.#first()) this.#recall(event, 1);
    else if (event.key === "ArrowDown" && this.at >= 0) this.#recall(event, -1);
  }

  #first() {
    return !this.area.value.slice(0, this.area.selectionStart).includes("\n");
  }

  #recall(event, way) {
    const at = this.at + way;
    if (at >= this.past.length) return;
    event.preventDefault();
    this.at = Math.max(at, -1);
    this.area.value = this.at < 0 ? "" : this.past[this.at];
    this.#grow();
    this.area.setSelectionRange(this.area.value.length, this.area.value.length);
  }

  #grow() {
    this.area.style.height = "auto";
    this.area.style.height = `${Math.min(this.area.scrollHeight, 320)}px`;
  }

  #draw() {
    if (!this.main) return; // the editor draws itself before there is a button
    const question = this.mode === "question";
    this.area.hidden = !question;
    this.editor.element.hidden = question;
    this.hints.hidden = !question;
    if (!question && !this.known.hidden) this.known.hidden = true;
    else if (question) this.known.hidden = this.hints.getAttribute("aria-expanded") !== "true";
    for (const each of this.modes.children) each.setAttribute("aria-pressed", each.dataset.mode === this.mode);
    const search = this.about.kind === "search";
    this.main.replaceChildren(...(this.working ? [icon("M4 4h8v8H4z"), "Stop"] : question ? [search ? "Search" : "Ask"] : [icon("M4 2.5 13 8l-9 5.5z"), "Run"]));
    this.main.title = this.working ? "Stop (Esc)" : question ? "Enter" : "Ctrl+Enter";
    this.main.classList.toggle("stop", Boolean(this.working));
  }
}
