// Page: where everything is put together. The newest answer stands right beneath the box.

import { Composer } from "./composer.js";
import { askToken, lettersWork, showKeys } from "./dialogs.js";
import { current } from "./editor.js";
import { button, count, icon, make, say } from "./elements.js";
import { History } from "./history.js";
import { quoted } from "./queries.js";
import { SchemaPanel, examples } from "./schema.js";
import { Failure, Server } from "./server.js";
import { lasting } from "./store.js";
import { Turn } from "./turn.js";

const KEPT = 40; // turns on the page, each with its rows; older ones are in the history
const REMEMBERED = 8; // turns that a follow-up may refer to

const place = (id) => document.getElementById(id);

class Page {
  constructor(server, about) {
    Object.assign(this, { server, about, turns: [], working: null });
    server.deadline = about.deadline ?? Infinity;
    this.composer = new Composer(about, {
      ask: (question, evidence) => this.#begin({ question, evidence }).ask(), run: (query) => this.#run(query), stop: () => this.stop(),
    });
    this.history = new History(about.source, about.dialect, (entry) => this.#restore(entry));
    this.composer.past = this.history.questions;
    this.follow = make("p", { class: "follow soft" });
    this.anew = button([icon("M8 3v10M3 8h10"), make("span", {}, "New", make("span", { class: "wide" }, about.kind === "search" ? " search" : " conversation"))], () => this.forget(), { class: "quiet", hidden: true, "aria-label": about.kind === "search" ? "New search" : "New conversation" });
    this.panels = make("div", { class: "panels" });
    this.toggles = {
      schema: this.#toggle(about.kind === "search" ? "How to search" : "Tables", "M2.5 3.5h11v9h-11zM2.5 6.5h11M6.5 6.5v6"),
      history: this.#toggle("History", "M8 4.5V8l2.5 1.5M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11"),
    };
    this.contents = { history: this.history.element, schema: make("p", { class: "panel soft" }, "Reading the tables…") };
    const number = (many) => { this.toggles.history.querySelector(".number").textContent = many || ""; };
    this.history.listeners.push(number);
    number(this.history.entries.length);
    place("composer").replaceChildren(this.composer.element);
    place("panels").replaceChildren(make("div", { class: "toggles" }, Object.values(this.toggles), make("span", { class: "grow" }), this.follow, this.anew), this.panels);
    for (const [name, toggle] of Object.entries(this.toggles)) toggle.addEventListener("click", () => this.show(name));
    this.#welcome([]);
    this.#schema();
    document.addEventListener("keydown", (event) => this.#key(event));
    this.composer.focus();
  }

  // One call at a time. call(signal) -> a promise. False where something else is going on.
  async work(call) {
    if (this.working) return false;
    this.working = new AbortController();
    this.#busy(true);
    try {
      await call(this.working.signal);
    } finally {
      this.working = null;
      this.#busy(false);
      this.#remember();
    }
    return true;
  }

  stop() {
    this.working?.abort();
  }

  forget() {
    this.stop();
    this.turns = [];
    place("turns").replaceChildren();
    this.#remember();
    this.composer.focus();
    say("A new conversation.");
  }

  show(name) {
    const open = this.toggles[name].getAttribute("aria-expanded") !== "true";
    for (const [each, toggle] of Object.entries(this.toggles)) toggle.setAttribute("aria-expanded", open && each === name);
    this.panels.replaceChildren(...(open ? [this.contents[name]] : []));
    if (open) this.panels.querySelector("input, button, [tabindex]")?.focus({ preventScroll: true });
  }

  #toggle(words, path) {
    return button([icon(path), words, make("span", { class: "number" })], () => {}, { class: "toggle", "aria-expanded": false });
  }

  #begin(given) {
    const before = this.turns.map((turn) => turn.pair).filter(Boolean).slice(-REMEMBERED);
    for (const turn of this.turns) if (!turn.editor?.edited) turn.open(false);
    const turn = new Turn(this, { ...given, before });
    this.turns.push(turn);
    while (this.turns.length > KEPT) this.turns.shift().element.remove();
    place("turns").prepend(turn.element);
    place("welcome").hidden = true;
    if (place("composer").getBoundingClientRect().top < 0) window.scrollTo({ top: 0 });
    return turn;
  }

  #restore({ question, query, evidence }) {
    if (this.working) return;
    this.show("history");
    const turn = this.#begin({ question, query: query ?? "", evidence });
    turn.restore();
    if (question && this.composer.asks) this.composer.put(question, evidence);
    else turn.editor?.area.focus();
    say("Brought back from the history, not run.");
  }

  #busy(is) {
    this.composer.busy(is);
    this.turns.forEach((turn) => turn.busy(is));
    place("turns").setAttribute("aria-busy", is);
  }

  #remember() {
    const many = !this.about.converses ? 0 : this.turns.filter((turn) => turn.pair).length;
    this.follow.textContent = many ? `A question may refer to ${many === 1 ? "the one before" : `the ${Math.min(many, REMEMBERED)} before`}` : "";
    this.anew.hidden = !this.turns.length;
    place("welcome").hidden = this.turns.length > 0;
  }

  // Into the query that was written in last, else into a new one.
  #insert(name) {
    const editor = current();
    if (editor) editor.insert(quoted(name, this.about.dialect));
    else {
      this.composer.turn("query");
      this.composer.editor.insert(quoted(name, this.about.dialect));
    }
    say(`${name} is in the query.`);
  }

  async #schema() {
    try {
      const schema = await this.server.schema();
      const tables = Array.isArray(schema.tables) ? schema.tables : [];
      this.contents.schema = new SchemaPanel(schema, { insert: (name) => this.#insert(name), look: (table) => this.#look(table) }).element;
      this.toggles.schema.querySelector(".number").textContent = tables.length || "";
      this.#welcome(tables);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.contents.schema = make("div", { class: "panel" }, make("p", {}, make("b", {}, error.title), " ", error.hint), button("Try again", () => this.#schema(), { class: "quiet" }));
    }
    if (this.toggles.schema.getAttribute("aria-expanded") === "true") this.panels.replaceChildren(this.contents.schema);
  }

  #welcome(tables) {
    const { about } = this;
    const search = about.kind === "search";
    const lead = search ? "Ask, and the documents that fit best come back, with the query that found them."
      : this.composer.asks ? "Every answer comes with the query that was written for it, to read, to change and to run again. Nothing can be written to the database."
        : "No policy is here to write queries: the server was started without --policy. Your own queries run, read-only.";
    place("welcome").replaceChildren(make("p", { class: "lead" }, lead),
      ...(tables.length ? [make("h2", {}, "Look at a table"), examples(tables, (table) => this.#look(table)),
        tables.length > 12 ? make("p", { class: "soft" }, `and ${count(tables.length - 12, "more table", "more tables")}`) : ""] : []));
  }

  // A table's first rows.
  #look(table) {
    this.#run(`SELECT * FROM ${quoted(table.name, this.about.dialect)} LIMIT 20`);
  }

  #run(query) {
    if (!this.working && query.trim()) this.#begin({ query }).run(query);
  }

  // Stops what is going on; else closes the panel that is open.
  #escape(from) {
    if (this.working) return this.stop();
    const open = Object.keys(this.toggles).find((name) => this.toggles[name].getAttribute("aria-expanded") === "true");
    if (!open || (from.type === "search" && from.value)) return null; // which Escape empties
    this.show(open);
    return this.toggles[open].focus();
  }

  #key(event) {
    if (event.key === "Escape" && !document.querySelector("dialog[open]")) return this.#escape(event.target);
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog") || !lettersWork()) return null;
    const act = { "/": () => { this.composer.turn("question"); }, t: () => this.show("schema"), h: () => this.show("history"), n: () => this.forget(), "?": () => showKeys() }[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
    return null;
  }
}

function theme() {
  const dark = () => matchMedia("(prefers-color-scheme: dark)").matches;
  const root = document.documentElement;
  const is = () => (root.dataset.theme ?? (dark() ? "dark" : "light")) === "dark";
  const draw = () => {
    place("theme").replaceChildren(icon(is() ? "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6M8 1v1.6M8 13.4V15M1 8h1.6M13.4 8H15M3 3l1.2 1.2M11.8 11.8 13 13M13 3l-1.2 1.2M4.2 11.8 3 13" : "M13.2 9.6A5.6 5.6 0 0 1 6.4 2.8a5.6 5.6 0 1 0 6.8 6.8"));
    place("theme").setAttribute("aria-label", "Dark colours");
    place("theme").title = is() ? "To light colours" : "To dark colours";
    place("theme").setAttribute("aria-pressed", is());
  };
  place("theme").addEventListener("click", () => {
    const next = is() ? "light" : "dark";
    if ((next === "dark") === dark()) { // what the system has: it is followed again
      delete root.dataset.theme;
      lasting.remove("theme");
    } else {
      root.dataset.theme = next;
      lasting.set("theme", next);
    }
    draw();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
}

async function start(server) {
  try {
    const about = await server.about();
    const name = String(about.source).replace(/^[\w+]+:\/\/\/?/, "");
    document.title = `${name} · sqlrl`;
    place("source").replaceChildren(make("b", { title: about.source }, name), make("span", { class: "pill" }, about.dialect),
      about.policy !== null ? make("span", { class: "policy", title: `Queries are written by ${about.policy}` }, about.policy) : "");
    new Page(server, about);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    place("welcome").replaceChildren(make("div", { class: "problem failed" }, make("h2", {}, error.title), make("p", {}, error.hint),
      make("p", {}, button("Try again", () => { place("welcome").replaceChildren(); start(server); }, { class: "quiet" }))));
    say(`${error.title} ${error.hint}`);
  }
}

theme();
place("keys").addEventListener("click", () => showKeys());
start(new Server(askToken));
