"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const root = document.documentElement;
  const theme = document.getElementById("theme");
  theme.addEventListener("click", () => {
    const dark = getComputedStyle(root).colorScheme === "dark";
    root.dataset.theme = dark ? "light" : "dark";
  });
  if (!data) return;

  const PAGE = 100;
  const items = data.items, noun = data.noun || "questions";
  items.forEach((item, index) => { item.index = index; });
  const list = document.getElementById("rows"), count = document.getElementById("count");
  const more = document.getElementById("more"), bar = document.getElementById("filters");

  const make = (tag, kind, text) => {
    const element = document.createElement(tag);
    if (kind) element.className = kind;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const plain = (word) => String(word).replaceAll("_", " ");
  const time = (seconds) => seconds === undefined ? "" : seconds >= 1 ? `${seconds.toPrecision(3)} s`
    : seconds >= 1e-3 ? `${(seconds * 1e3).toPrecision(3)} ms` : `${Math.round(seconds * 1e6)} µs`;
  const judged = (item) => !(item.reason in { missing_database: 1, unavailable: 1 });
  const change = (item) => item.was === undefined ? 0 : item.correct - item.was.correct;

  // What can be filtered by: name -> the word of an item.
  const verdicts = {
    wrong: (item) => !item.correct && judged(item), right: (item) => item.correct, gained: (item) => change(item) > 0,
    lost: (item) => change(item) < 0, changed: (item) => change(item) !== 0,
  };
  const facets = { reason: (item) => item.reason, outcome: (item) => item.outcome };
  if (items.some((item) => item.fault)) facets.format = (item) => item.fault;
  if (items.some((item) => item.agreeing)) facets.agreement = (item) => item.agreeing;
  if (items.some((item) => item.right_samples)) facets["right samples"] = (item) => item.right_samples;
  for (const label of data.labels) facets[label] = (item) => item.labels[label];

  // The state of the list is the fragment of the address, so that a view can be shared.
  const read = () => new URLSearchParams(location.hash.slice(1));
  const write = (key, value) => {
    const wanted = read();
    if (value) wanted.set(key, value); else wanted.delete(key);
    location.replace(`#${wanted}`);
  };

  const search = make("input");
  search.type = "search";
  search.placeholder = "Search";
  search.setAttribute("aria-label", "Search questions, queries and messages");
  bar.append(search);
  let typing;
  search.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => write("text", search.value), 150);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/INPUT|SELECT|TEXTAREA/.test(event.target.tagName)) {
      event.preventDefault();
      search.focus();
    }
  });

  const selects = {};
  const choose = (name, values) => {
    if (values.length < 2 && name !== "verdict") return;
    const select = make("select");
    select.setAttribute("aria-label", plain(name));
    select.append(new Option(name === "verdict" ? "right and wrong" : `any ${plain(name)}`, ""));
    for (const [value, number] of values) select.append(new Option(`${plain(value)} (${number.toLocaleString("en")})`, value));
    select.addEventListener("change", () => write(name, select.value));
    selects[name] = select;
    bar.append(select);
  };
  choose("verdict", Object.entries(verdicts).slice(0, data.changes ? 5 : 2).map(([name, holds]) => [name, items.filter(holds).length]));
  for (const [name, word] of Object.entries(facets)) {
    const counts = new Map();
    for (const item of items) if (word(item)) counts.set(word(item), (counts.get(word(item)) || 0) + 1);
    const order = (a, b) => name in { reason: 1, outcome: 1, format: 1, difficulty: 1 } ? b[1] - a[1]
      : a[0].localeCompare(b[0], "en", { numeric: true });
    choose(name, [...counts].sort(order));
  }
  const clear = make("button", "", "Clear");
  clear.addEventListener("click", () => location.replace("#"));
  bar.append(clear);

  const graded = items.some((item) => item.score !== undefined);
  const columns = [
    ["id", "id", (item) => item.index], ["question", "what", (item) => item.question || ""],
    ...data.labels.filter((label) => label === "difficulty" || label === "database" || label === "step").map((label) => [label, `label ${label}`, facets[label]]),
    ["verdict", "verdict", (item) => item.reason],
    ...(graded ? [[noun === "completions" ? "reward" : "score", "number", (item) => item.score ?? Number(item.correct)]] : []),
    ...(noun === "questions" ? [["time", "number", (item) => item.seconds || 0]] : []),
  ];
  const heads = {};
  for (const [name, kind] of columns) {
    const head = make("th", kind), button = make("button", "", name);
    head.scope = "col";
    button.addEventListener("click", () => {
      const now = read();
      if (now.get("sort") === name && !now.has("down")) now.set("down", "1");
      else if (now.get("sort") === name) { now.delete("sort"); now.delete("down"); }
      else { now.set("sort", name); now.delete("down"); }
      location.replace(`#${now}`);
    });
    head.append(button);
    heads[name] = head;
    document.getElementById("heads").append(head);
  }

  const hay = (item) => item.hay ??= [item.id, item.question, item.evidence, item.predicted, item.gold, item.message].join("\n").toLowerCase();
  let shown = [], drawn = 0, opened = "";

  const apply = () => {
    const wanted = read();
    const words = (wanted.get("text") || "").toLowerCase().split(/\s+/).filter(Boolean);
    if (document.activeElement !== search) search.value = wanted.get("text") || "";
    for (const [name, select] of Object.entries(selects)) {
      select.value = wanted.get(name) || "";
      select.classList.toggle("on", Boolean(select.value));
    }
    const holds = verdicts[wanted.get("verdict")] || (() => true);
    const chosen = Object.entries(facets).filter(([name]) => wanted.get(name));
    shown = items.filter((item) => holds(item) && chosen.every(([name, word]) => word(item) === wanted.get(name))
      && words.every((word) => hay(item).includes(word)));
    const column = columns.find(([name]) => name === wanted.get("sort"));
    for (const [name, head] of Object.entries(heads)) {
      if (column && name === column[0]) head.setAttribute("aria-sort", wanted.has("down") ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    if (column) {
      const [, , key] = column, sign = wanted.has("down") ? -1 : 1;
      shown.sort((a, b) => { const x = key(a) ?? "", y = key(b) ?? ""; return x < y ? -sign : x > y ? sign : a.index - b.index; });
    }
    const right = shown.filter((item) => item.correct).length, told = shown.filter(judged).length;
    count.textContent = `${shown.length.toLocaleString("en")} of ${items.length.toLocaleString("en")} ${noun}`
      + (told ? `, ${right.toLocaleString("en")} right (${(100 * right / told).toFixed(1)} %)` : "")
      + (told < shown.length ? `, ${(shown.length - told).toLocaleString("en")} not judged` : "");
    list.replaceChildren();
    drawn = 0;
    opened = wanted.get("open") || "";
    draw();
  };

  const draw = () => {
    const part = shown.slice(drawn, drawn + PAGE);
    drawn += part.length;
    const rows = document.createDocumentFragment();
    for (const item of part) rows.append(...line(item));
    list.append(rows);
    more.hidden = drawn >= shown.length;
    more.textContent = `Show more (${(shown.length - drawn).toLocaleString("en")} left)`;
  };
  more.addEventListener("click", draw);
  if ("IntersectionObserver" in window) {
    new IntersectionObserver((seen) => { if (seen.some((one) => one.isIntersecting) && !more.hidden && drawn) draw(); },
      { rootMargin: "300px" }).observe(more);
  }

  const line = (item) => {
    const row = make("tr", "row");
    for (const [name, kind, key] of columns) {
      const cell = make("td", kind);
      if (name === "id") {
        const button = make("button", "", item.id);
        button.setAttribute("aria-expanded", "false");
        cell.append(button);
      } else if (name === "verdict") {
        cell.append(make("span", item.correct ? "badge right" : judged(item) ? "badge" : "badge unsaid", plain(item.reason)));
        if (change(item)) cell.append(make("span", change(item) > 0 ? "badge right change" : "badge change", change(item) > 0 ? "gained" : "lost"));
      } else if (name === "time") cell.textContent = time(item.seconds);
      else if (name === "score" || (name === "reward" && item.score !== undefined)) cell.textContent = Number(key(item)).toFixed(3);
      else cell.textContent = key(item) || "";
      row.append(cell);
    }
    let detail = null;
    const toggle = () => {
      row.classList.toggle("open", !detail);
      row.querySelector("button").setAttribute("aria-expanded", String(!detail));
      if (detail) { detail.remove(); detail = null; } else { detail = expand(item); row.after(detail); }
    };
    row.addEventListener("click", () => { if (!String(getSelection())) toggle(); });
    if (String(item.id) !== opened) return [row];
    toggle();
    return [row, detail];
  };

  // -- one item, opened

  const expand = (item) => {
    const row = make("tr", "detail"), cell = make("td");
    cell.colSpan = columns.length;
    if (item.evidence) cell.append(make("p", "soft", `${noun === "questions" ? "Evidence" : "Paid for"}: ${item.evidence}`));
    const queries = make("div", "pair"), old = item.was && item.was.predicted !== item.predicted;
    const [left, right] = difference(item.predicted || "", item.gold || "");
    if (old) queries.append(query(`before (${plain(item.was.reason)})`, difference(item.was.predicted || "", item.gold || "")[0], ""));
    queries.append(query(old ? "after" : "predicted", left, ""));
    if (noun === "questions") queries.append(query("gold", right, "gold"));
    cell.append(queries);
    if (item.message) cell.append(make("p", "message", `${plain(item.outcome)}: ${item.message}`));
    if (item.fault) cell.append(make("p", "message", `format: ${item.fault}`));
    if (item.agreeing) cell.append(make("p", "soft", item.agreeing === "nothing ran" ? "No sample ran, so none was voted for."
      : `Voted for: ${item.agreeing} samples agree on this result. Right: ${item.right_samples}.`));
    else if (item.right_samples) cell.append(make("p", "soft", `The first sample. Right: ${item.right_samples}.`));
    const found = item.results || {}, results = make("div", "pair");
    if (found.predicted) results.append(result("returned", found.predicted, found.gold, item.predicted_rows, item.seconds, ""));
    if (found.gold) results.append(result("should return", found.gold, found.predicted, item.gold_rows, item.gold_seconds, "gold"));
    if (results.children.length) cell.append(results);
    if (item.completion && item.completion !== item.predicted) {
      const whole = make("details"), summary = make("summary", "", "What the policy wrote");
      whole.append(summary, make("pre", "", item.completion));
      cell.append(make("p"), whole);
    }
    row.append(cell);
    return row;
  };

  const query = (title, tokens, kind) => {
    const box = make("div"), text = make("pre", kind);
    box.append(make("h3", "", title), text);
    if (!tokens.length) text.append(make("span", "null", "no query"));
    let depth = 0, first = true, last = null, marked = false;
    for (const token of tokens) {
      const word = token.text.toUpperCase();
      if (word === ")") depth -= 1;
      const breaks = !first && BREAK.has(word) && !(word === "JOIN" && JOINS.has(last));
      if (breaks) text.append(`\n${"  ".repeat(Math.max(0, depth))}`);
      else if (!first && token.space) text.append(token.other && marked ? make("mark", "", " ") : " ");
      const piece = make(token.other ? "mark" : "span", WORDS.has(word) ? "k" : /^'/.test(token.text) ? "t" : /^\d/.test(token.text) ? "n" : "", token.text);
      text.append(piece);
      if (word === "(") depth += 1;
      first = false;
      last = word;
      marked = token.other;
    }
    return box;
  };

  const WORDS = new Set(("SELECT FROM WHERE GROUP BY ORDER HAVING LIMIT OFFSET JOIN LEFT RIGHT FULL INNER OUTER CROSS NATURAL ON USING AS AND OR NOT IN "
    + "IS NULL LIKE BETWEEN EXISTS DISTINCT UNION ALL INTERSECT EXCEPT CASE WHEN THEN ELSE END ASC DESC WITH CAST OVER PARTITION COUNT SUM AVG MIN MAX").split(" "));
  const BREAK = new Set("FROM WHERE GROUP ORDER HAVING LIMIT JOIN LEFT INNER CROSS NATURAL UNION INTERSECT EXCEPT".split(" "));
  const JOINS = new Set("LEFT RIGHT FULL INNER OUTER CROSS NATURAL".split(" "));
  const TOKEN = /(\s*)('(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|--[^\n]*|\/\*[\s\S]*?\*\/|\d+(?:\.\d+)?|[\p{L}\p{N}_]+|<>|!=|>=|<=|\|\||[^\s])/gu;
  const tokens = (text) => [...text.matchAll(TOKEN)].map(([, space, word]) => ({ text: word, space: space !== "", other: false,
    same: /^'/.test(word) ? word : word.toLowerCase().replace(/^["`[](.*)["`\]]$/, "$1") }));

  // The longest common run of tokens is what both say; all else is marked.
  const difference = (one, other) => {
    const a = tokens(one), b = tokens(other), n = a.length, m = b.length;
    if (!n || !m || n * m > 4e6) return [a, b];
    const table = new Uint16Array((n + 1) * (m + 1)), wide = m + 1;
    for (let i = n - 1; i >= 0; i -= 1) {
      for (let j = m - 1; j >= 0; j -= 1) {
        table[i * wide + j] = a[i].same === b[j].same ? table[(i + 1) * wide + j + 1] + 1 : Math.max(table[(i + 1) * wide + j], table[i * wide + j + 1]);
      }
    }
    let i = 0, j = 0;
    while (i < n || j < m) {
      if (i < n && j < m && a[i].same === b[j].same) { i += 1; j += 1; }
      else if (j >= m || (i < n && table[(i + 1) * wide + j] >= table[i * wide + j + 1])) { a[i].other = true; i += 1; }
      else { b[j].other = true; j += 1; }
    }
    return [a, b];
  };

  const result = (title, sample, other, number, seconds, kind) => {
    const box = make("div", kind), table = make("table", "result"), head = make("tr"), body = make("tbody");
    const rows = Math.max(number || 0, sample.rows.length);
    const words = `${title} ${rows.toLocaleString("en")} row${rows === 1 ? "" : "s"}${seconds ? ` in ${time(seconds)}` : ""}`
      + (rows > sample.rows.length ? `, the first ${sample.rows.length}` : "") + (sample.hidden_columns ? `, ${sample.hidden_columns} columns more` : "");
    const whole = other && !sample.more && !other.more;
    const known = new Set(whole ? other.rows.map((row) => JSON.stringify(row)) : []);
    for (const name of sample.columns) head.append(make("th", "", name));
    for (const row of sample.rows) {
      const line = make("tr", whole && !known.has(JSON.stringify(row)) ? "lone" : "");
      for (const value of row) line.append(value === null ? make("td", "null", "NULL") : make("td", typeof value === "number" ? "number" : "", String(value)));
      body.append(line);
    }
    const top = make("thead"), scroll = make("div", "scroll");
    top.append(head);
    table.append(top, body);
    scroll.append(table);
    box.append(make("h3", "", words), scroll);
    return box;
  };

  window.addEventListener("hashchange", apply);
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (link) document.getElementById("list").scrollIntoView({ behavior: "smooth" });
  });
  apply();
  if (location.hash.length > 1) document.getElementById("list").scrollIntoView();
})();
