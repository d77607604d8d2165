import { serverSentences } from "./server-sentences.js";

/**
 * The server's decoding errors quote the value that did not fit, be it a param or a setting, and other
 * errors what a backend answered: a secret may be among them. This takes the values out and leaves
 * what was expected, and where.
 */
export function withoutValues(text: string): string {
  // The words before the value stay, where the pattern picks them out.
  const without = (_: string, before: unknown) => (typeof before === "string" ? before : "");
  return quotations.reduce((rest, name) => rest.replace(serverSentences[name], without), text);
}

const quotations = ["quotedVariant", "quotedValue", "quotedProvider", "quotedBody"] as const;

const maxShownWords = 40;

/**
 * The parts of a server's sentence that may be logged: its plain words and small numbers. Everything else
 * may be a value: what is quoted, and what looks like a path, a flag, an address, a token or an
 * assignment. It leaves a mark, and so does what is too long.
 */
export function plainWords(sentence: string): string {
  const words = sentence
    .slice(0, 2_000)
    .replace(quoted, " … ")
    .split(blanks)
    .filter((word) => word !== "")
    .map((word) => (plainWord.test(word) ? word : "…"));
  const shown = words.filter((word, index) => word !== "…" || words[index - 1] !== "…");
  const text = shown.slice(0, maxShownWords).join(" ");
  return shown.length > maxShownWords ? `${text} …` : text;
}

/** White space, and characters that cannot be seen. A class of Unicode takes a millisecond to compile. */
const blanks = /[\s\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f]+/;

/** Up to where the quotation or the bracket ends, or all of the rest. */
const quoted = new RegExp(
  [
    /`[^`]*(?:`|$)/,
    /"(?:[^"\\]|\\[^]?)*(?:"|$)/,
    /(?<![A-Za-z])'(?:[^'\\]|\\[^]?)*(?:'|$)/,
    /‘[^’]*(?:’|$)/,
    /[“„«][^”“»]*(?:[”“»]|$)/,
    /[[{<][^\]}>]*[\]}>]/,
  ]
    .map(({ source }) => source)
    .join("|"),
  "g",
);

/** English, with hyphens and what ends a sentence or a clause; or a number that counts something. */
const plainWord =
  /^\(?(?:(?:[A-Z]?[a-z]{1,20}|[A-Z]{1,8})(?:[-'][a-z]{1,20}){0,3}|\d{1,5})[.,;:!?)]{0,3}$/;

/** A method's name as the server wrote it, fit for a log line: what is no name is not repeated. */
export function shownMethod(method: string): string {
  return /^[\w/.-]{1,100}$/.test(method) ? method : "a request with an odd name";
}
