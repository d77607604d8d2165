import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { safeLogger } from "../../../lib/async/logger.js";
import { plainWords } from "../../../lib/errors/without-values.js";
import { ServerWarnings } from "../../../lib/session/server-warnings.js";

describe("what is logged of a warning", () => {
  test.each([
    [
      "Failed to save the conversation transcript; Codex will continue retrying. Error: thread-store internal error: No space left on device (os error 28)",
      "Failed to save the conversation transcript; Codex will continue retrying. Error: thread-store internal error: No space left on device (os error 28)",
    ],
    ["Model metadata for `mock-model` not found.", "Model metadata for … not found."],
    ["can't read /home/me/.codex/auth.json: denied", "can't read … denied"],
    ["can't read C:\\Users\\me\\auth.json", "can't read …"],
    ["the tool said \"password hunter two\", and 'open sesame'", "the tool said … and …"],
    ["use --token=sk-abc123 or TOKEN=s3cret at https://host/path", "use … or … at …"],
    ["it ended with an open `rm -rf everything", "it ended with an open …"],
    ['ran {"cmd":"deploy now","key":"a b"} and failed', "ran … and failed"],
    ['ran "say \\"open sesame now\\" loud" and failed', "ran … and failed"],
    ["ran 'say \\'open sesame now\\' loud' and failed", "ran … and failed"],
    ["ran “open sesame now”, ‘one two three’ and «one two three»", "ran … and …"],
    ["ran ```sh\nrm all things\n``` and failed", "ran … and failed"],
    ["ran [rm, all, things] in <the old place> and failed", "ran … in … and failed"],
    ["the code is 482915", "the code is …"],
    ["key AKIAIOSFODNN and AbCdEfGh and abc1", "key … and … and …"],
    ["line\nbreak\u001b[31m red\u0007 \u202eevil", "line break … red evil"],
    ["", ""],
  ])("%j becomes %j", (sentence, shown) => {
    expect(plainWords(sentence)).toBe(shown);
  });

  test("is bounded in length", () => {
    expect(plainWords("word ".repeat(100_000)).length).toBeLessThan(250);
    expect(plainWords("w".repeat(100_000))).toBe("…");
  });
});

describe("the server's warnings", () => {
  let lines: string[];
  let warnings: ServerWarnings;
  const warn = (message: unknown, method = "warning"): void => {
    warnings.observe({ method, params: { threadId: "thread-1", message } });
  };

  beforeEach(() => {
    jest.useFakeTimers();
    lines = [];
    warnings = new ServerWarnings(safeLogger({ warn: (line) => lines.push(line) }));
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test("of all kinds are logged; of the reviewer's only the verdict, of the configuration's no details", () => {
    warn("The disk is full.");
    warn(
      "Automatic approval review denied (risk: high): deploy the secret thing",
      "guardianWarning",
    );
    warnings.observe({
      method: "configWarning",
      params: { summary: "Invalid configuration; using defaults.", details: "token", path: "/x" },
    });
    warnings.observe({
      method: "deprecationNotice",
      params: { summary: "not one", details: null },
    });
    expect(lines).toEqual([
      "The server warns: The disk is full.",
      "The server's reviewer of approvals warns: Automatic approval review denied (risk: high)",
      "The server warns of its configuration: Invalid configuration; using defaults.",
    ]);
  });

  test("of any length cost no time", () => {
    warn(":".repeat(4_000_000) + ")", "guardianWarning");
    warn("(".repeat(4_000_000), "guardianWarning");
    for (const one of ["'", '"', "`", "\\", "[", "a-", "aaaaaaaaaaaaaaaaaaaa-", "“"])
      warn(one.repeat(2_000_000));
    expect(lines.join("").length).toBeLessThan(1_000);
  });

  test.each([undefined, null, 1, {}])(
    "without words, as with %p, are logged as that",
    (message) => {
      warn(message);
      warnings.observe({ method: "warning", params: undefined });
      expect(lines).toEqual(["The server warns: …"]);
    },
  );

  test("are logged once a minute each, and no more than thirty in all", () => {
    const letters = "abcdefghijklmnopqrstuvwxyz";
    for (let round = 0; round < 2; round += 1) {
      for (const one of letters) for (const other of letters) warn(`warned of ${one}${other}`);
    }
    expect(lines).toHaveLength(30);
    jest.advanceTimersByTime(60_000);
    warn("warned of aa");
    expect(lines.slice(30)).toEqual([
      "1292 more warnings were not logged.",
      "The server warns: warned of aa",
    ]);
  });
});
