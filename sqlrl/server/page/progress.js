// Progress: what is being done for somebody who waits, and for how long already.

import { make } from "./elements.js";

const SHOWN = 6; // steps: the last ones

export class Progress {
  constructor(words) {
    this.begun = performance.now();
    this.clock = make("span", { class: "clock" }, "0 s");
    this.list = make("ol", { class: "steps", "aria-label": "Steps" });
    this.element = make("div", { class: "progress" },
      make("p", { class: "now" }, make("span", { class: "pulse", "aria-hidden": "true" }), make("span", {}, words), this.clock), this.list);
    this.timer = setInterval(() => this.#tick(), 200);
  }

  step(words) {
    const line = words.trim().replace(/\s+/g, " ");
    if (!line) return;
    this.list.append(make("li", {}, make("span", { class: "words", title: line }, line[0].toUpperCase() + line.slice(1)), make("span", { class: "clock" }, performance.now() - this.begun < 50 ? "" : this.#since(1))));
    while (this.list.children.length > SHOWN) this.list.firstChild.remove();
  }

  end() {
    clearInterval(this.timer);
    this.element.remove();
  }

  #tick() {
    if (!this.element.isConnected) clearInterval(this.timer);
    this.clock.textContent = this.#since(0);
  }

  #since(places) {
    return `${((performance.now() - this.begun) / 1000).toFixed(places)} s`;
  }
}
