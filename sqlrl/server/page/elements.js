// Elements: how the page makes them. Text goes in as text nodes and attributes as attributes, so that nothing which a
// database, a policy or a person wrote is ever read as markup.

const SVG = "http://www.w3.org/2000/svg";

// make("button", {class: "quiet", "aria-expanded": false, on: {click: act}}, "Copy", [others], null)
export function make(tag, given = {}, ...children) {
  return fill(document.createElement(tag), given, children);
}

export function draw(tag, given = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), given, children);
}

function fill(element, given, children) {
  for (const [name, value] of Object.entries(given)) {
    if (name === "on") for (const [event, act] of Object.entries(value)) element.addEventListener(event, act);
    else if (value === true && !name.startsWith("aria-")) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && (value !== false || name.startsWith("aria-")))
      element.setAttribute(name, String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function button(words, act, given = {}) {
  return make("button", { type: "button", ...given, on: { click: act } }, words);
}

// A line drawing of 16 by 16; what it means is said by the words beside it or by the button's label.
export function icon(...paths) {
  return draw("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true", focusable: "false" },
    paths.map((d) => draw("path", { d })));
}

// A summary that opens: what is inside is made when it is first seen.
export function fold(summary, content, given = {}) {
  const inside = make("div", { class: "inside" });
  const details = make("details", given, make("summary", {}, summary), inside);
  const open = () => {
    if (details.open && !inside.childNodes.length) inside.append(...[content()].flat().filter(Boolean));
  };
  details.addEventListener("toggle", open);
  open();
  return details;
}

export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

let last = 0;

// A name that no other element of the page has.
export function unique(word) {
  last += 1;
  return `${word}-${last}`;
}

let timer = 0;

// Told to screen readers through the one live region; the same words twice are told twice.
export function say(words) {
  const region = document.getElementById("status");
  region.textContent = "";
  clearTimeout(timer);
  timer = setTimeout(() => { region.textContent = words; }, 60);
}
