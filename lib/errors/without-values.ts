/**
 * The server's decoding errors quote the value that did not fit, be it a param or a setting, and other
 * errors what a backend answered: a secret may be among them. This takes the values out and leaves
 * what was expected, and where.
 */
export function withoutValues(text: string): string {
  return text
    .replace(/(unknown variant) `[^]*?`(?=, (?:expected|there are no))/g, "$1")
    .replace(/(invalid (?:type|value|length): [a-z ]+?) (?:"(?:[^"\\]|\\.)*"|`[^`]*`)/g, "$1")
    .replace(/(Model provider) `[^`]*`/g, "$1")
    .replace(/; body=[^]*$/, "");
}

/** A method's name as the server wrote it, fit for a log line: what is no name is not repeated. */
export function shownMethod(method: string): string {
  return /^[\w/.-]{1,100}$/.test(method) ? method : "a request with an odd name";
}
