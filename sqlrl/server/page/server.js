// Server: the calls to it, with the token, and every way in which they fail as one `Failure` with words for a person.

import { passing } from "./store.js";
import { wording } from "./words.js";

const GRACE = 15; // seconds beyond a call's deadline until it is given up

// code: the server's word, or "gone", "broken", "stopped", "late". wait: seconds until another try may help.
export class Failure extends Error {
  constructor(code, said = "", status = 0, wait = 0) {
    super(said);
    Object.assign(this, { code, status, wait, ...wording(code, said, status, wait) });
  }
}

export class Server {
  // prompt(wrong) -> a promise of a token, or null where none is given. wrong: one was tried.
  constructor(prompt) {
    this.prompt = prompt;
    this.prompting = null;
    this.deadline = 60;
  }

  about() { return this.call("api/about"); }
  schema() { return this.call("api/schema"); }
  run(query, signal) { return this.call("api/run", JSON.stringify({ query }), signal); }

  explain(query) { return this.call("api/explain", JSON.stringify({ query })); }

  // As text: a number with more digits than JavaScript holds goes out as it was typed.
  mark(body) { return this.call("api/mark", body); }

  async call(path, body = null, signal = null) {
    return this.#patiently(signal, async (within) => {
      const response = await this.#send(path, body, within);
      return parse(await response.text(), response.status);
    });
  }

  // The answer to a question; step(words) is told what is being done meanwhile.
  async ask(question, signal, step) {
    return this.#patiently(signal, async (within) => {
      const response = await this.#send("api/ask/stream", JSON.stringify(question), within);
      for await (const line of lines(response.body)) {
        const item = parse(line, response.status);
        if (item?.error) throw failure(item, response.status, 0);
        if (item?.answer) return item.answer;
        if (typeof item?.step === "string") step(item.step);
      }
      throw new Failure("broken");
    });
  }

  // A call that is stopped, takes too long, or finds nobody.
  async #patiently(signal, call) {
    const end = new AbortController();
    const late = Number.isFinite(this.deadline) ? setTimeout(() => end.abort("late"), (this.deadline + GRACE) * 1000) : 0;
    const stop = () => end.abort("stopped");
    signal?.addEventListener("abort", stop);
    try {
      return await call(end.signal);
    } catch (error) {
      if (error instanceof Failure) throw error;
      if (end.signal.aborted) throw new Failure(end.signal.reason);
      throw new Failure("gone");
    } finally {
      clearTimeout(late);
      signal?.removeEventListener("abort", stop);
      if (!end.signal.aborted) end.abort("over"); // what is left unread of a stream
    }
  }

  async #send(path, body, signal) {
    for (;;) {
      const token = passing.get("token");
      const headers = { Accept: "application/json, application/x-ndjson" };
      if (body !== null) headers["Content-Type"] = "application/json";
      if (token) headers.Authorization = `Bearer ${token}`;
      const response = await fetch(path, {
        method: body === null ? "GET" : "POST", headers, body, signal, cache: "no-store", credentials: "same-origin",
        redirect: "error",
      });
      if (response.ok) return response;
      const said = await response.text();
      if (response.status !== 401) throw failure(read(said), response.status, waiting(response));
      if (passing.get("token") !== token) continue; // another call was given one meanwhile
      passing.remove("token");
      this.prompting ??= this.prompt(token !== null).finally(() => { this.prompting = null; });
      const given = await this.prompting;
      if (given === null) throw failure(read(said), 401, 0);
      passing.set("token", given);
      if (signal.aborted) throw new Failure(signal.reason);
    }
  }
}

function failure(item, status, wait) {
  const { code, message } = item?.error ?? {};
  return new Failure(typeof code === "string" ? code : "", typeof message === "string" ? message : "", status, wait);
}

function waiting(response) {
  const seconds = Number(response.headers.get("Retry-After"));
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0), 3600) : 0;
}

function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null; // a proxy's page of HTML: the status says enough
  }
}

function parse(text, status) {
  const item = read(text);
  if (item === null) throw new Failure("broken", "", status);
  return item;
}

async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    const parts = (rest + (value ?? "")).split("\n");
    rest = parts.pop();
    for (const part of done ? [...parts, rest] : parts) if (part.trim()) yield part;
    if (done) return;
  }
}
