// Schema: the tables and columns that may be read; a click on a name puts it into the query.

import { button, count, fold, icon, make, unique } from "./elements.js";

const MOST = 60; // tables drawn at once: a schema may have thousands

export class SchemaPanel {
  // insert(name), look(table): asked by a click.
  constructor({ tables, description }, { insert, look }) {
    this.tables = tables ?? [];
    Object.assign(this, { insert, look });
    this.list = make("div", { class: "tables" });
    this.note = make("p", { class: "soft", "aria-live": "polite" });
    if (!this.tables.length) {
      this.element = make("div", { class: "panel schema" }, description ? make("pre", { class: "syntax" }, description) : make("p", { class: "none" }, "There is no table that may be read."));
      return;
    }
    const id = unique("filter");
    this.filter = make("input", { id, type: "search", placeholder: "Filter tables and columns", autocomplete: "off", spellcheck: "false", "aria-label": "Filter tables and columns", on: { input: () => this.#draw() } });
    this.element = make("div", { class: "panel schema", role: "group", "aria-label": "Tables" },
      make("div", { class: "panel-head" }, this.filter, this.note), this.list);
    this.#draw();
  }

  #draw() {
    const words = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const holds = (text) => words.every((word) => text.toLowerCase().includes(word));
    const found = [];
    for (const table of this.tables) {
      const whole = holds(`${table.name} ${table.comment ?? ""}`);
      const columns = whole ? table.columns : table.columns.filter((column) => holds(`${table.name} ${column.name} ${column.comment ?? ""}`));
      if (whole || columns.length) found.push([table, columns]);
    }
    const open = this.tables.length <= 3 || (words.length > 0 && found.length <= 8);
    this.list.replaceChildren(...found.slice(0, MOST).map(([table, columns]) => this.#table(table, columns, open)));
    const all = count(this.tables.length, "table");
    this.note.textContent = words.length ? `${found.length.toLocaleString("en")} of ${all}` : all;
    if (found.length > MOST) this.note.textContent += `, the first ${MOST} shown: filter for the others`;
  }

  #table(table, columns, open) {
    const summary = [make("span", { class: "name" }, table.name), make("span", { class: "soft" }, count(table.columns.length, "column"))];
    return fold(summary, () => [
      table.comment ? make("p", { class: "comment" }, table.comment) : null,
      make("div", { class: "tools" }, button("First rows", () => this.look(table), { class: "quiet", "aria-label": `First rows of ${table.name}` }),
        button("Insert name", () => this.insert(table.name), { class: "quiet", "aria-label": `Put ${table.name} into the query` })),
      make("ul", {}, columns.map((column) => make("li", {}, this.#name(column.name, `Put ${column.name} into the query`),
        make("span", { class: "kind" }, String(column.type ?? "").toLowerCase()), column.key && make("span", { class: "key" }, "key"),
        column.comment ? make("span", { class: "comment" }, column.comment) : null))),
    ], { open });
  }

  #name(name, label) {
    return button(name, () => this.insert(name), { class: "insert", "aria-label": label, title: label });
  }
}

// The names of some tables, to begin with.
export function examples(tables, insert) {
  return make("ul", { class: "chips" }, tables.slice(0, 12).map((table) => make("li", {}, button([icon("M2.5 3.5h11v9h-11zM2.5 6.5h11M6.5 6.5v6"), table.name],
    () => insert(table), { class: "chip", title: `${table.columns.map((column) => column.name).join(", ")}` }))));
}
