import { describe, expect, test } from "@jest/globals";
import ts from "typescript";
import { sentenceParts, says, serverSentences } from "../../../lib/errors/server-sentences.js";
import { notSaidBy, triedReleases } from "../../support/sentences/tried-releases.js";
import { sentenceMatches } from "../../support/sentence-matches.js";
import { parseSource, sourceFiles } from "../../support/source-imports.js";

const table = "lib/errors/server-sentences.ts";

/** Looks for words, but for none that the server could change: where, and whose they are. */
const exceptions: Readonly<Record<string, string>> = {
  'lib/async/realms.ts: Object.prototype.toString.call(value) === "[object DOMException]"':
    "JavaScript",
  'lib/cli/parse-doctor-arguments.ts: (error as Error).message.split(". ", 1)':
    "Node's parseArgs()",
  'lib/doctor/check-configuration.ts: summary.replaceAll(/\\s+/g, " ")': "blanks, to be shown",
  "lib/doctor/check-mcp-servers.ts: /^MCP startup failed: /": "shown without it, if it is there",
  'lib/doctor/check-runtime.ts: message.split("\\n")': "a message of our own",
  'lib/doctor/check-sandbox.ts: check.stderr.trim().split("\\n", 1)': "its first line, to be shown",
  'lib/doctor/says-and-cure.ts: message.split("\\nThe process wrote to stderr:\\n", 2)':
    "a message of our own",
  'lib/errors/login-errors.ts: message.replace(words, "[…]")': "cuts out whatever is long",
  "lib/errors/rpc-errors.ts: /[.!?]$/.test(sentence)": "punctuation, for the next sentence",
  'lib/errors/without-values.ts: sentence .slice(0, 2_000) .replace(quoted, " … ") .split(blanks)':
    "cuts out whatever is in quotes",
  "lib/fleet/store/redis/redis-connection.ts: /^[A-Z]+/.exec(message)":
    "the code of an error of Redis",
  "lib/jsonrpc/readable-json.ts: /call stack/i.test(error.message)": "V8, of JSON.parse()",
  "lib/parts/visible-diff.ts: /\\n+Moved to: [^\\n]*\\n?$/": "the line of a diff that names a path",
  "lib/parts/visible-diff.ts: /^Binary files (.+) and (.+) differ$/": "the format of diffs",
  "lib/recording/redact.ts: /-----BEGIN [A-Z ]*PRIVATE KEY-----[\\s\\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g":
    "the format of keys",
  'lib/runtime/spawn-failure.ts: "Unknown system error -86"': "libuv",
  'lib/server-requests/approvals.ts: words.includes("")': "the caller's command",
  'lib/testing/server/run-steps.ts: spawnHolder === "and logs"': "a step of our own",
  'lib/transport/connect-failure.ts: said.replaceAll(token, "…")': "the caller's token",
  "lib/transport/connect-failure.ts: /HTTP\\/[\\d.]+ (\\d{3})/.exec(message)":
    "Node's proxy agents",
  "lib/transport/connect-failure.ts: /^[\\x20-\\x7e]*$/.test(reason)": "whether it is plain text",
  "lib/transport/load-ws.ts: /([\"'])(.+?)\\1/.exec(message)": "Node, of import()",
  'lib/turns/answer-text.ts: "goes on"': "a state of our own",
  'lib/turns/answer-text.ts: "may repeat"': "a state of our own",
  'lib/turns/answer-text.ts: this.#next === "may repeat"': "a state of our own",
};

function matchesIn(code: string): string[] {
  const source = ts.createSourceFile("some.ts", code, ts.ScriptTarget.ESNext, true);
  return sentenceMatches(source).map((match) => match.code);
}

describe("the sentences of the server stand in one table:", () => {
  test("nothing else in lib/ decides by words", () => {
    const found = sourceFiles("lib")
      .filter((file) => file !== table)
      .flatMap((file) => sentenceMatches(parseSource(file)).map(({ code }) => `${file}: ${code}`));
    expect(found.filter((place) => !(place in exceptions))).toEqual([]);
    // What is gone is no exception any more.
    expect(Object.keys(exceptions).filter((place) => !found.includes(place))).toEqual([]);
  });

  test("each entry is used", () => {
    const code = sourceFiles("lib")
      .filter((file) => file !== table)
      .map((file) => parseSource(file).text)
      .join("\n");
    // The names of errors in Node.js are gone through one by one.
    const names = Object.keys(serverSentences).filter((name) => !/^E[A-Z]+$/.test(name));
    expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(code))).toEqual([]);
  });

  test("of each, some release was seen to say it", () => {
    for (const [name, releases] of Object.entries(notSaidBy)) {
      expect([name, new Set(releases).size]).toEqual([name, releases.length]);
      expect(releases.length).toBeLessThan(triedReleases.length);
    }
  });
});

describe("what counts as deciding by words", () => {
  test.each([
    'if (error.message.includes("busy")) retry();',
    "if (error.serverMessage.endsWith(word)) retry();",
    "const isOld = pattern.test(stderr);",
    "const parts = pattern.exec(params.message) ?? [];",
    'const [first] = textIn(params, "message").split(/:/, 1);',
    "if (words.test(warning.trim())) tell();",
    'if (text === "thread not found") tell();',
    'switch (text) { case "thread not found": tell(); }',
    "const busy = /already has an? active writer/;",
    'const isBusy = anything.startsWith("thread is");',
    "const isBusy = anything.startsWith(`thread is ${state}`);",
    'const at = (error as Error).message.indexOf("x");',
    'const at = (message ?? "").search(/x/);',
    "if (words.exec(error)) tell();",
  ])("%s", (code) => {
    expect(matchesIn(code)).toHaveLength(1);
  });

  test.each([
    'if (says(error.message, "draining")) retry();',
    "const [verdict] = message.split(serverSentences.endOfVerdict, 1);",
    'if (method === "thread/start") note();',
    'throw new Error("The thread was not found.");',
    'if (params.status.startsWith("in")) note();',
    "const isBare = /^[A-Za-z0-9_-]+$/.test(key);",
    "const name = `${first} and ${second}`;",
    'const list = names.includes("thread/start");',
  ])("not %s", (code) => {
    expect(matchesIn(code)).toEqual([]);
  });
});

describe("looking for a sentence", () => {
  test("takes any of those that are named, as often as it is asked", () => {
    const quoting = 'invalid type: string "a", expected u32';
    for (let round = 0; round < 3; round += 1) {
      expect(says(quoting, "quotedValue")).toBe(true);
      expect(says("no active turn to steer", "otherActiveTurn", "noActiveTurn")).toBe(true);
      expect(says("no active turn to steer", "otherActiveTurn")).toBe(false);
    }
  });

  test("gives the parts that the pattern picks out", () => {
    expect(sentenceParts("session 0199-8 is archived. Run …", "sessionArchived")).toEqual([
      "0199-8",
    ]);
    expect(sentenceParts("Reconnecting... 2/5", "attemptOf")).toEqual(["2", "5"]);
    expect(sentenceParts("something else", "attemptOf")).toBeUndefined();
  });
});
