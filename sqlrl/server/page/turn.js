// Turn: one question, or one query of somebody's own, with all that became of it.

import { account, brief, heard, result, whole } from "./answer.js";
import { Editor } from "./editor.js";
import { button, icon, make, say, unique } from "./elements.js";
import { explanation } from "./explanation.js";
import { marks } from "./marks.js";
import { Progress } from "./progress.js";
import { quoted } from "./queries.js";
import { Failure } from "./server.js";

const OWN = "A query of your own"; // folded, it is the query itself that tells it from others

export class Turn {
  // app: {about, server, work, history, compose}. before: the turns that the question may refer to.
  constructor(app, { question = "", evidence = "", before = [], query = "" }) {
    Object.assign(this, { app, question, evidence, before, answer: null, editor: null, own: !question });
    const id = unique("turn");
    this.note = make("span", { class: "brief" });
    this.folds = make("button", { type: "button", class: "fold", "aria-expanded": true, "aria-controls": `${id}-body`, on: { click: () => this.open(this.body.hidden) } },
      icon("M4.5 6.5 8 10l3.5-3.5"), this.title = make("span", { class: "words", dir: "auto" }, this.own ? OWN : question));
    this.slot = make("div", { class: "slot" });
    this.result = make("div", { class: "outcome" });
    this.foot = make("div", { class: "foot" });
    this.body = make("div", { class: "body", id: `${id}-body` },
      evidence && make("p", { class: "given soft" }, "With the hint: ", make("span", { dir: "auto" }, evidence)), this.slot, this.result, this.foot);
    this.element = make("article", { class: "turn", "aria-labelledby": id }, make("header", {}, make("h2", { id }, this.folds), this.note), this.body);
    if (query) this.#edit(query);
  }

  open(is) {
    this.body.hidden = !is;
    this.folds.setAttribute("aria-expanded", is);
    this.note.hidden = is;
    if (this.own && this.editor) this.title.textContent = is ? OWN : this.editor.query.trim().replace(/\s+/g, " ").slice(0, 160);
  }

  // The question with its last query that ran: what a follow-up may refer to.
  get pair() {
    return this.question && this.answer?.outcome === "ok" && this.answer.query ? { question: this.question, query: this.answer.query } : null;
  }

  ask() {
    const { about, server } = this.app;
    const body = { question: this.question };
    if (this.evidence) body.evidence = this.evidence;
    if (this.before.length && about.kind !== "search") body.history = this.before;
    return this.#work(about.kind === "search" ? "Searching" : "Working on it", (signal, step) => server.ask(body, signal, step), true, () => this.ask());
  }

  run(query) {
    if (!query.trim()) return null;
    return this.#work(this.app.about.kind === "search" ? "Searching" : "Running", (signal) => this.app.server.run(query, signal), false, () => this.run(query));
  }

  // As it was asked once: with its query, not run.
  restore() {
    const again = this.question && (this.app.about.policy !== null || this.app.about.kind === "search");
    this.result.replaceChildren(make("p", { class: "nothing" }, "From the history, not run. ",
      this.editor && button("Run the query", () => this.run(this.editor.query), { class: "quiet" }), " ",
      again && button("Ask anew", () => this.ask(), { class: "quiet" })));
    this.note.textContent = "from the history";
  }

  busy(is) {
    this.editor?.busy(is);
  }

  async #work(words, call, asked, again) {
    const progress = new Progress(words);
    const held = this.result.contains(document.activeElement); // on a button that is about to go
    const took = await this.app.work(async (signal) => {
      this.open(true);
      this.result.classList.add("stale");
      this.slot.after(progress.element);
      if (!this.answer) this.result.replaceChildren();
      say(`${words}.`);
      try {
        this.#show(whole(await call(signal, (step) => progress.step(step))), asked);
      } catch (error) {
        this.#fail(error instanceof Failure ? error : new Failure("broken"), again);
        if (!(error instanceof Failure)) throw error; // a fault of the page, for the console
      } finally {
        progress.end();
        this.result.classList.remove("stale");
        if (held && document.activeElement === document.body) this.folds.focus({ preventScroll: true });
      }
    });
    if (!took) progress.end();
  }

  #edit(query) {
    this.editor = new Editor({ dialect: this.app.about.dialect, query, run: (text) => this.run(text) });
    this.slot.replaceChildren(this.editor.element);
  }

  #show(answer, asked) {
    const { about, history } = this.app;
    this.answer = answer;
    if (asked && answer.query) {
      if (this.editor) this.editor.begin(answer.query);
      else this.#edit(answer.query);
    }
    const swap = this.editor && ((written, meant) => this.#swap(written, meant));
    const name = (this.question || "result").replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "").slice(0, 60) || "result";
    this.result.replaceChildren(...result(answer, { kind: about.kind, asked, name, swap }));
    const right = answer.outcome === "ok" && answer.rows.length > 0 && !answer.truncated;
    const foot = account(answer, about.dialect);
    if (answer.outcome === "ok" && this.editor && about.kind !== "search") foot.push(explanation(this.app.server, () => this.editor.query, about.dialect));
    if (answer.seconds > 0) foot.push(make("p", { class: "soft" }, took(answer.seconds)));
    if (about.marks && this.question && about.kind !== "search") foot.push(marks(this.app.server, () => this.#marked(), right, answer.columns));
    this.foot.replaceChildren(...foot);
    this.note.textContent = brief(answer, about.kind);
    history.add({ question: this.question, query: answer.query ?? null, outcome: answer.outcome, evidence: this.evidence });
    say(heard(answer, about.kind));
  }

  // A question that refers to others says nothing without them.
  #marked() {
    const asked = this.before.map((pair) => pair.question).filter((question) => question !== this.question);
    const after = asked.map((question) => question.slice(0, 1500)).join("; "); // the server takes so much and no more
    const evidence = [this.evidence, after && `asked after: ${after}`].filter(Boolean).join("; ");
    return { question: this.question, evidence, query: this.answer.query ?? undefined };
  }

  #swap(written, meant) {
    const last = (name) => name.split(".").at(-1);
    const old = last(written).replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const { dialect } = this.app.about;
    this.editor.set(this.editor.query.replace(new RegExp(`(?<![\\p{L}\\p{N}_])["\`]?${old}["\`]?(?![\\p{L}\\p{N}_])`, "giu"), () => quoted(last(meant), dialect)));
    say(`${meant} is in the query. Ctrl+Enter runs it.`);
  }

  #fail(failure, again) {
    const retry = failure.again && button(failure.code === "stopped" ? "Ask again" : "Try again", again, { class: "quiet" });
    const box = make("div", { class: `problem ${failure.code === "stopped" ? "stopped" : "failed"}` }, make("h3", {}, failure.title),
      failure.hint ? make("p", {}, failure.hint) : null, retry && make("p", {}, retry));
    if (retry && failure.wait > 0) hold(retry, failure.wait);
    this.result.replaceChildren(box);
    this.foot.replaceChildren();
    this.note.textContent = failure.title;
    // A question must not be lost with its answer; of one that had an answer, that stays.
    if (this.question && !this.answer) this.app.history.add({ question: this.question, query: this.editor?.query ?? null, outcome: failure.code, evidence: this.evidence });
    say(`${failure.title} ${failure.hint}`);
  }
}

function took(seconds) {
  return seconds < 0.1 ? `${Math.max(1, Math.round(seconds * 1000))} ms` : `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
}

// A button that waits for as long as the server asked.
function hold(retry, seconds) {
  const until = performance.now() + seconds * 1000;
  const tick = () => {
    const left = Math.ceil((until - performance.now()) / 1000);
    retry.disabled = left > 0;
    retry.textContent = left > 0 ? `Try again in ${left} s` : "Try again";
    if (left > 0 && retry.isConnected) setTimeout(tick, 250);
  };
  retry.disabled = true;
  setTimeout(tick, 0);
}
