// Words: what the page says of an outcome or a failure, in a sentence for somebody who asked a question.

const OUTCOMES = {
  refused: ["This query may not be run.", "Nothing can be written here, and only what is listed under Tables can be read."],
  invalid: ["The database cannot run this query.", ""],
  timed_out: ["It took too long.", "Ask for less: fewer tables, a condition, an aggregate. Or run it again, if the server was busy."],
  too_large: ["The result is too large.", "Ask for less: a condition, an aggregate, fewer columns."],
  crashed: ["The query brought its worker down.", "It probably needs more memory than it may have. Nothing else was harmed; ask for less."],
  unavailable: ["No answer from the database or the policy.", "The server is there, but something that it needs is not. Try again in a moment."],
};

const SEARCHING = {
  invalid: ["The search engine cannot read this query.", ""],
  refused: ["This query may not be run.", ""],
  too_large: ["The result is too large.", "Ask for something narrower."],
  timed_out: ["It took too long.", "Ask for something narrower, or try again if the server was busy."],
};

// {title, hint} of an answer without a result. asked: a policy wrote the query; kind: "database" or "search".
export function fate(outcome, asked, kind) {
  const known = (kind === "search" && SEARCHING[outcome]) || OUTCOMES[outcome];
  const [title, hint] = known ?? ["There is no answer.", ""];
  if (outcome !== "invalid" || !asked || kind === "search") return { title, hint };
  return { title: "No query was found that the database can run.", hint: "Put the question in other words, or set the query right and run it." };
}

// In a list of attempts, a word or two each.
export const SHORT = {
  ok: "ran", refused: "refused", invalid: "cannot be run", timed_out: "too long", too_large: "too large",
  crashed: "crashed", unavailable: "no answer", stopped: "stopped",
};

const GONE = {
  gone: ["The server does not answer.", "It may have been stopped, or the network is away. What you wrote is kept here."],
  broken: ["The connection broke off before the answer was here.", "The server may have been stopped meanwhile. Try again."],
  late: ["No answer came in time.", "The server took longer than it promised, and was left. Try again."],
  stopped: ["Stopped.", "Nothing more is done for this question."],
};

// {title, hint, again} of a call that failed. again: the same call may work later.
export function wording(code, said, status, wait) {
  const message = sentence(said);
  if (GONE[code]) return { title: GONE[code][0], hint: GONE[code][1], again: true };
  if (code === "no_marks") return { title: "Marks are not kept here.", hint: "The server was started without --answered FILE.", again: false };
  if (code === "no_policy") return { title: "No policy is here to write queries.", hint: message, again: false };
  if (code === "cannot_mark") return { title: "This cannot be kept.", hint: message, again: false };
  if (code === "unavailable") return { title: "What is needed for an answer does not work.", hint: message, again: true };
  if (code === "body_invalid") status = 422;
  if (code === "busy" || code === "stopping") status = 503;
  const soon = wait > 0 ? `Try again in ${wait.toLocaleString("en")} ${wait === 1 ? "second" : "seconds"}.` : "Try again in a moment.";
  switch (status) {
    case 401: return { title: "This server asks for a token.", hint: "Whoever started it knows the token. Try again to enter it.", again: true };
    case 403: return { title: "The server does not take calls from this address.", hint: message, again: false };
    case 404: case 405: return { title: "The server does not know this call.", hint: "Page and server may be of different versions: load the page anew.", again: false };
    case 413: return { title: "That is longer than the server takes.", hint: "Shorten it, or begin a new conversation.", again: false };
    case 400: case 415: case 422: return { title: "The server cannot take this.", hint: message, again: false };
    case 408: return { title: "What you sent did not arrive in time.", hint: "The connection is slow, or was broken. Try again.", again: true };
    case 429: return { title: "Too many questions at once.", hint: soon, again: true };
    case 502: case 504: return { title: "The server behind this address does not answer.", hint: soon, again: true };
    case 503: return { title: "The server is busy, or about to stop.", hint: soon, again: true };
    default: return { title: "Something went wrong at the server.", hint: message || soon, again: true };
  }
}

// The first letter large, a full stop at the end.
export function sentence(text) {
  const words = String(text ?? "").trim();
  if (!words) return "";
  const begun = words[0].toUpperCase() + words.slice(1);
  return /[.!?:;…)]$/.test(begun) ? begun : `${begun}.`;
}
