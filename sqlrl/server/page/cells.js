// Cells: what stands in a result, as text for the eye and for a file.

const NUMERIC = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

// A number as JSON has it, or one with more digits than JavaScript holds, which comes as text.
export function isNumber(cell) {
  return typeof cell === "number" || (typeof cell === "string" && NUMERIC.test(cell));
}

// How the cells of a column are shown. right: numbers alone. places: digits after the point, null for as they come.
export function manner(cells) {
  const known = cells.filter((cell) => cell !== null);
  const right = known.length > 0 && known.every(isNumber);
  const floats = known.filter((cell) => typeof cell === "number" && !Number.isInteger(cell));
  if (!right || !floats.length || !known.every((cell) => typeof cell === "number")) return { right, places: null };
  const sizes = known.filter((cell) => cell !== 0).map(Math.abs);
  // Four digits of the smallest are enough to read by; the whole number is in the title and in the file.
  const wanted = Math.max(2, 3 - Math.floor(Math.log10(Math.min(...sizes))));
  const written = Math.max(...floats.map((cell) => (String(Number(cell.toPrecision(12))).split(".")[1] ?? "").length));
  const exponents = floats.some((cell) => /e/.test(String(cell)));
  return { right, places: exponents || wanted > 10 ? null : Math.min(wanted, written) };
}

// The text of a cell, null for NULL.
export function text(cell, places = null) {
  if (cell === null) return null;
  if (typeof cell === "number") return places === null ? whole(cell) : cell.toFixed(places);
  return typeof cell === "object" ? JSON.stringify(cell) : String(cell);
}

function whole(number) {
  return Number.isInteger(number) ? String(number) : String(Number(number.toPrecision(12)));
}

// As sorting has it: numbers by size before words by alphabet; what is NULL comes last whichever way.
export function order(column, down) {
  const words = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const compare = (one, other) => {
    if (isNumber(one) && isNumber(other)) return Number(one) - Number(other) || words.compare(text(one), text(other));
    if (isNumber(one) !== isNumber(other)) return isNumber(one) ? -1 : 1;
    return words.compare(text(one), text(other));
  };
  return (first, second) => {
    const one = first[column], other = second[column];
    if (one === null || other === null) return (one === null) - (other === null);
    return down ? -compare(one, other) : compare(one, other);
  };
}

// The rows as a file of comma-separated values. NULL is nothing, an empty text "". A text that a spreadsheet would take
// for a formula and run gets a ' before it.
export function csv(columns, rows) {
  const quote = (words) => `"${words.replaceAll('"', '""')}"`;
  const field = (cell) => {
    if (cell === null) return "";
    if (typeof cell === "number") return String(cell);
    let words = text(cell);
    if (/^[=+\-@\t\r]/.test(words) && !isNumber(words)) words = `'${words}`;
    return words === "" || /[",\r\n]|^\s|\s$/.test(words) ? quote(words) : words;
  };
  return [columns, ...rows].map((row) => `${row.map(field).join(",")}\r\n`).join("");
}

export function save(name, words) {
  const address = URL.createObjectURL(new Blob(["\ufeff", words], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
