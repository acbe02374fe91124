// Table: the rows of a result, to look at, sort, and take away.

import { csv, manner, order, save, text } from "./cells.js";
import { button, count, icon, make, say, unique } from "./elements.js";

const LONG = 140; // letters of a cell that are shown before somebody asks for more
const PAGE = 200; // rows drawn at a time

export class Table {
  constructor(answer, name = "result") {
    this.answer = answer;
    this.name = name;
    this.sorted = null; // {column, down}
    this.drawn = PAGE;
    this.manners = answer.columns.map((_, index) => manner(answer.rows.map((row) => row[index])));
    this.body = make("tbody");
    this.heads = answer.columns.map((column, index) => this.#head(column, index));
    this.more = button("", () => { this.drawn += PAGE; this.#draw(); }, { class: "quiet more-rows" });
    const id = unique("table");
    this.element = make("div", { class: "rows" },
      make("div", { class: "scroll", role: "region", tabindex: "0", "aria-labelledby": id },
        make("table", {},
          make("caption", { id, class: "unseen" }, `Result, ${this.summary}`),
          make("thead", {}, make("tr", {}, this.heads)), this.body), this.more),
      make("p", { class: "count" }, make("span", {}, this.summary),
        button([icon("M8 2v8m0 0L4.5 6.5M8 10l3.5-3.5M2.5 13.5h11"), "CSV"], () => this.#save(), {
          class: "quiet", "aria-label": "Download what is shown as CSV",
          title: "Download what is shown, in this order. A text that a spreadsheet would run as a formula gets a ' before it.",
        })));
    this.#draw();
  }

  get summary() {
    const rows = this.answer.rows.length;
    const columns = count(this.answer.columns.length, "column");
    if (this.answer.truncated) return `The first ${count(rows, "row")}; there are more`;
    return `${count(rows, "row")}, ${columns}`;
  }

  get rows() {
    const { rows } = this.answer;
    return this.sorted === null ? rows : rows.toSorted(order(this.sorted.column, this.sorted.down));
  }

  #head(column, index) {
    const sort = button([make("span", {}, column === "" ? "(no name)" : column), make("span", { class: "arrow", "aria-hidden": "true" })],
      () => this.#sort(index), { title: `Sort by ${column || "this column"}` });
    return make("th", { scope: "col", class: this.manners[index].right && "right" }, sort);
  }

  // Up, down, and as it came.
  #sort(index) {
    const before = this.sorted?.column === index ? this.sorted : null;
    this.sorted = before === null ? { column: index, down: false } : before.down ? null : { column: index, down: true };
    this.heads.forEach((head, at) => {
      if (this.sorted?.column === at) head.setAttribute("aria-sort", this.sorted.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    this.#draw();
    const name = this.answer.columns[index];
    say(this.sorted === null ? "In the order of the result." : `Sorted by ${name}, ${this.sorted.down ? "descending" : "ascending"}.`);
  }

  #draw() {
    const rows = this.rows.slice(0, this.drawn);
    this.body.replaceChildren(...rows.map((row) => make("tr", {}, row.map((cell, index) => this.#cell(cell, index)))));
    const left = this.answer.rows.length - rows.length;
    this.more.hidden = left <= 0;
    this.more.textContent = `Show ${Math.min(left, PAGE).toLocaleString("en")} more of ${left.toLocaleString("en")}`;
  }

  #cell(cell, index) {
    const { right, places } = this.manners[index];
    const words = text(cell, places);
    // A date or a name is not to be broken in two; a sentence is.
    const given = { class: right ? "right" : words !== null && words.length <= 24 && !/\n/.test(words) ? "short" : null };
    if (words === null) return make("td", given, make("span", { class: "none" }, "NULL"));
    if (words === "") return make("td", given, make("span", { class: "none" }, "empty"));
    if (typeof cell === "number" && words !== String(cell)) given.title = String(cell);
    if (!right) given.dir = "auto";
    return make("td", given, words.length > LONG ? cut(words) : words);
  }

  #save() {
    save(`${this.name}.csv`, csv(this.answer.columns, this.rows));
    say(`${count(this.answer.rows.length, "row")} saved as ${this.name}.csv.`);
  }
}

// A long text: its beginning, and the whole of it when asked for.
export function cut(words, long = LONG) {
  const beginning = `${[...words.slice(0, long)].join("").trimEnd()}…`;
  const shown = make("span", { class: "long" }, beginning);
  const toggle = button("more", () => {
    const open = toggle.getAttribute("aria-expanded") !== "true";
    toggle.setAttribute("aria-expanded", open);
    toggle.textContent = open ? "less" : "more";
    shown.textContent = open ? words : beginning;
    shown.classList.toggle("open", open);
  }, { class: "link", "aria-expanded": false, title: `${words.length.toLocaleString("en")} characters` });
  return [shown, " ", toggle];
}
