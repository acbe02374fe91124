// Queries: their text as coloured words, broken into lines, and the names in them as a dialect quotes them.

import { make } from "./elements.js";

const SQL = new Set(`add all and any array as asc between both by case cast collate contains create cross current
current_date current_time current_timestamp default delete desc describe distinct drop else end escape except exists
explain extract false fetch filter first following for from full group grouping having ilike in inner insert intersect
interval into is isnull join last lateral left like limit materialized minus natural next no not notnull null nulls of offset
on only or order outer over overlaps partition percent preceding pragma qualify range recursive regexp right rlike
rollup row rows select separator set sets similar some symmetric table tablesample temporary then ties to top true unbounded
union unique unknown unnest update using values view when where window with within without xor`.split(/\s+/));
const SEARCH = new Set(["and", "or", "not", "near", "adj", "to"]);
const SEARCHES = new Set(["words", "pubmed", "essie", "lucene"]);

export const isSearch = (dialect) => SEARCHES.has(dialect);

// A text of MariaDB may hold \', one of PostgreSQL does so after an E; between $$ and $$ all is text.
const REST = String.raw`|(?<number>\b\d+(?:\.\d+)?(?:e[+-]?\d+)?\b|\.\d+\b)|(?<word>[\p{L}_][\p{L}\p{N}_$]*)|(?<space>\s+)|(?<sign>[\s\S])`;
const COMMENT = String.raw`(?<comment>--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))`;
const ESCAPED = String.raw`(?:[^'\\]|''|\\[\s\S])*(?:'|$)`;
const NAME = String.raw`|(?<name>"(?:[^"]|"")*(?:"|$)|${"`"}[^${"`"}]*(?:${"`"}|$)|\[[a-z_][^\]\n]*\])`;
const WORDS = {
  sql: new RegExp(`${COMMENT}|(?<text>'(?:[^']|'')*(?:'|$)|\\be'${ESCAPED}|(?<tag>\\$\\w*\\$)[\\s\\S]*?(?:\\k<tag>|$))${NAME}${REST}`, "giu"),
  mysql: new RegExp(`${COMMENT.replace("--", "(?:--|#)")}|(?<text>'${ESCAPED}|"(?:[^"\\\\]|""|\\\\[\\s\\S])*(?:"|$))${NAME}${REST}`, "giu"),
  search: /(?<text>"[^"]*(?:"|$))|(?<name>\[[^\]\n]*\]|AREA\[[^\]]*\])|(?<number>\b\d+(?:[./]\d+)*\b)|(?<word>[\p{L}_][\p{L}\p{N}_*-]*)|(?<space>\s+)|(?<sign>[\s\S])/gu,
};
const KINDS = ["comment", "text", "name", "number", "word", "space", "sign"];

// [kind, text] of each piece of a query; together they are the query.
export function pieces(query, dialect) {
  const search = isSearch(dialect);
  const found = [];
  for (const match of query.matchAll(WORDS[search ? "search" : dialect === "mysql" ? "mysql" : "sql"])) {
    let kind = KINDS.find((each) => match.groups[each] !== undefined);
    const [text] = match;
    if (kind === "word") {
      if (search ? SEARCH.has(text.toLowerCase()) && text === text.toUpperCase() : SQL.has(text.toLowerCase())) kind = "keyword";
      else if (!search && query[match.index + text.length] === "(") kind = "call";
    }
    found.push([kind, text]);
  }
  return found;
}

const COLOURED = new Set(["comment", "text", "name", "number", "keyword", "call"]);

export function coloured(query, dialect) {
  return pieces(query, dialect).map(([kind, text]) => (COLOURED.has(kind) ? make("span", { class: `q-${kind}` }, text) : text));
}

// A query to read, not to write in.
export function shown(query, dialect) {
  return make("pre", { class: "query", tabindex: "0", "aria-label": "Query" }, make("code", {}, coloured(query, dialect)));
}

const CLAUSES = new Set(["from", "where", "group", "having", "order", "limit", "offset", "union", "intersect", "except", "window", "qualify"]);
const JOINS = new Set(["join", "left", "right", "inner", "full", "cross", "natural"]);

// The query with each clause on a line of its own, deeper within brackets. Nothing but white space outside of texts,
// names and comments is touched, so that it means what it meant.
export function broken(query, dialect) {
  if (isSearch(dialect)) return query;
  const parts = pieces(query.trim(), dialect);
  let out = "", depth = 0, after = "", opened = [];
  const begin = () => { out = `${out.trimEnd()}\n${"  ".repeat(depth)}`; };
  parts.forEach(([kind, text], index) => {
    const word = kind === "keyword" ? text.toLowerCase() : "";
    if (kind === "space") {
      // What ends a comment is no mere space.
      if (parts[index - 1]?.[0] === "comment" && text.includes("\n")) out = `${out.trimEnd()}\n`;
      else if (!/\s$/.test(out)) out += " ";
      return;
    }
    if (text === "(" && kind === "sign") {
      const next = parts.slice(index + 1).find(([each]) => each !== "space" && each !== "comment");
      const inner = next?.[0] === "keyword" && /^(select|with)$/i.test(next[1]);
      opened.push(inner);
      out += text;
      if (inner) { depth += 1; begin(); }
    } else if (text === ")" && kind === "sign") {
      if (opened.pop()) { depth -= 1; begin(); }
      out += text;
    } else {
      const within = opened.length && !opened.at(-1);
      const joins = JOINS.has(word) && !JOINS.has(after) && after !== "outer";
      const call = word === "left" || word === "right" ? parts[index + 1]?.[1] === "(" : false;
      if (!within && !call && (CLAUSES.has(word) || joins) && out.trim() && !/\($/.test(out)) begin();
      if (word === "select" && (after === "union" || after === "all" || after === "except" || after === "intersect")) begin();
      out += text;
    }
    if (kind !== "comment") after = word;
  });
  return out;
}

// A name as a query has it: quoted where it would be read otherwise.
export function quoted(name, dialect) {
  return name.split(".").length > 2 ? one(name, dialect) : name.split(".").map((part) => one(part, dialect)).join(".");
}

function one(name, dialect) {
  const plain = /^[a-z_][a-z0-9_]*$/.test(name) || (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && dialect !== "postgresql");
  if (plain && !SQL.has(name.toLowerCase())) return name;
  return dialect === "mysql" ? `\`${name.replaceAll("`", "``")}\`` : `"${name.replaceAll('"', '""')}"`;
}
