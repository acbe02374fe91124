// Dialogs: the token that a server asks for, and the keys that do something.

import { button, make } from "./elements.js";
import { lasting } from "./store.js";

// A promise of what was typed, or null. wrong: one was tried and not taken.
export function askToken(wrong) {
  return new Promise((resolve) => {
    const before = document.activeElement;
    let given = null;
    const field = make("input", { id: "token", type: "password", autocomplete: "off", required: true, spellcheck: "false", "aria-describedby": "token-help", "aria-invalid": wrong });
    const box = make("dialog", { class: "box", "aria-labelledby": "token-title" },
      make("form", { on: { submit: (event) => { event.preventDefault(); given = field.value.trim() || null; box.close(); } } },
        make("h2", { id: "token-title" }, "This server asks for a token"),
        wrong && make("p", { class: "bad", role: "alert" }, "That token was not taken."),
        make("label", { for: "token" }, "Token"), field,
        make("p", { class: "soft", id: "token-help" }, "Kept until this tab is closed, and sent to this server alone."),
        make("div", { class: "tools" }, make("button", { type: "submit", class: "main" }, "Go on"), button("Not now", () => box.close(), { class: "quiet" }))));
    box.addEventListener("close", () => {
      box.remove();
      if (before?.isConnected) before.focus();
      resolve(given);
    });
    document.body.append(box);
    box.showModal();
    field.focus();
  });
}

const KEYS = [
  ["Enter", "ask the question"], ["Shift+Enter", "a new line"], ["↑ ↓", "earlier questions, in the empty box"],
  ["Ctrl+Enter", "run the query that you are in"], ["Esc", "stop what is going on, close what is open"],
  ["/", "to the question"], ["t", "tables, or how to search"], ["h", "history"], ["n", "a new conversation"], ["?", "these keys"],
];

export const lettersWork = () => lasting.get("letters") !== "off";

export function showKeys() {
  const mac = /Mac|iP(?:hone|ad)/.test(navigator.platform);
  // Who speaks to the browser, or hits keys unmeant, must be able to switch them off.
  const letters = make("input", { type: "checkbox", on: { change: () => (letters.checked ? lasting.remove("letters") : lasting.set("letters", "off")) } });
  letters.checked = lettersWork();
  const box = make("dialog", { class: "box", "aria-labelledby": "keys-title", on: { close: () => box.remove() } },
    make("h2", { id: "keys-title" }, "Keys"),
    make("dl", { class: "keys" }, KEYS.map(([key, words]) => [
      make("dt", {}, (mac ? key.replace("Ctrl", "⌘") : key).split(/(?<=.)\+|\s/).map((each, index) => [index ? " " : null, make("kbd", {}, each)])), make("dd", {}, words)])),
    make("label", { class: "check" }, letters, "Single letters do something, outside of fields"),
    make("p", { class: "soft" }, "Tab goes everywhere."),
    make("div", { class: "tools" }, button("Close", () => box.close(), { class: "main", autofocus: true })));
  document.body.append(box);
  box.showModal();
}
