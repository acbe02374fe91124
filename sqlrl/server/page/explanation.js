// Explanation: what a query reads, what is sent in its place where rows are hidden, and the engine's plan.

import { button, make } from "./elements.js";
import { shown } from "./queries.js";
import { Failure } from "./server.js";
import { fate, sentence } from "./words.js";

// Asked for when it is first opened. query(): as it stands in the editor.
export function explanation(server, query, dialect) {
  const inside = make("div", { class: "plan" });
  const load = async () => {
    const asked = query();
    inside.replaceChildren(make("p", { class: "soft" }, "Asking the database…"));
    try {
      inside.replaceChildren(...parts(await server.explain(asked), asked, dialect));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      inside.replaceChildren(make("p", { class: "bad" }, error.title, " ", error.hint), button("Try again", load, { class: "quiet" }));
    }
  };
  const details = make("details", { on: { toggle: () => { if (details.open) load(); } } }, make("summary", {}, "How it is read"), inside);
  return details;
}

function parts({ executed, tables, plan, outcome, message }, asked, dialect) {
  if (outcome !== "ok") return [make("p", { class: "bad" }, fate(outcome, false, "database").title, " ", sentence(message))];
  const found = [];
  if (Array.isArray(tables) && tables.length) found.push(make("p", { class: "soft" }, "Reads ", make("span", { class: "code" }, tables.join(", "))));
  if (typeof executed === "string" && executed.trim() !== asked.trim()) found.push(make("p", { class: "soft" }, "Sent with the row filters in it:"), shown(executed, dialect));
  if (Array.isArray(plan) && plan.length) found.push(make("ol", { class: "lines", "aria-label": "Plan" }, plan.map((line) => make("li", { class: "code" }, line))));
  return found.length ? found : [make("p", { class: "soft" }, "It can be run; the engine tells no plan.")];
}
