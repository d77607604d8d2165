import { describe, expect, test } from "@jest/globals";
import { doctorHelp, parseDoctorArguments } from "../../../lib/cli/parse-doctor-arguments.js";
import { findingRenderer, summaryOf, usesColours } from "../../../lib/cli/render-finding.js";
import { UsageError } from "../../../lib/cli/usage-error.js";

const parse = (...args: string[]) => parseDoctorArguments(args, { MY_TOKEN: " abc\n", EMPTY: "" });

function refusal(...args: string[]): string {
  try {
    parse(...args);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  throw new Error("it was not refused");
}

describe("the command line", () => {
  test("is read into the options of a client", () => {
    const { options, json, help } = parse(
      ...["--codex-path", "/c", "--codex-home=/h", "--cwd", "/w", "--timeout", "1.5", "--json"],
    );
    expect(options).toMatchObject({
      codexPath: "/c",
      codexHome: "/h",
      cwd: "/w",
      timeoutMs: 1_500,
    });
    expect([json, help]).toEqual([true, undefined]);
    expect(parse().options.timeoutMs).toBe(60_000);
    expect(parse("--help").help).toBe(doctorHelp);
  });

  test("takes a token from the environment, for a server that runs already", () => {
    const { options } = parse("--url", "ws://127.0.0.1:1", "--token-env", "MY_TOKEN");
    expect(options).toMatchObject({ url: "ws://127.0.0.1:1", token: "abc" });
    expect(refusal("--token-env", "MY_TOKEN")).toContain("Give both, or neither");
    expect(refusal("--url", "ws://x", "--token-env", "EMPTY")).toContain("EMPTY is not set");
  });

  test.each([
    [["--nonsense"], "--nonsense"],
    [["word"], "'word'"],
    [["--json=yes"], "--json"],
    [["--cwd"], "--cwd"],
    [["--cwd", ""], "--cwd must not be empty."],
    [["--timeout", "0"], "--timeout must be a number of seconds"],
    [["--timeout", "NaN"], "--timeout must be a number of seconds"],
    [["--timeout", "1e9"], "--timeout must be a number of seconds"],
    [["--url", "ws://x", "--cwd", "/w"], "--cwd is for a server that is started."],
  ])("%j is refused", (args, words) => {
    expect(refusal(...args)).toContain(words);
  });

  test("is not repeated with the values in it", () => {
    expect(refusal("--password=hunter22")).not.toContain("hunter22");
  });
});

describe("a finding is shown", () => {
  const finding = {
    name: "home",
    status: "failure",
    says: "It\n\u001b[2Jis full.",
    cure: "Clean.",
  };

  test("in one line, with its cure below, and nothing that moves the cursor", () => {
    const shown = findingRenderer(false)({ ...finding, status: "failure" });
    expect(shown).toBe("failure  home           It [2Jis full.\n                        Clean.");
  });

  test("in colour on a terminal only, unless that is not wanted", () => {
    const shown = findingRenderer(true)({ ...finding, status: "failure" });
    expect(shown.startsWith("\u001b[31mfailure  \u001b[0mhome")).toBe(true);
    expect(usesColours({ isTTY: true }, {})).toBe(true);
    expect(usesColours({}, {})).toBe(false);
    expect(usesColours({ isTTY: true }, { NO_COLOR: "1" })).toBe(false);
    expect(usesColours({ isTTY: true }, { TERM: "dumb" })).toBe(false);
  });

  test("and the last line counts", () => {
    const ok = { name: "a", status: "ok", says: "" } as const;
    expect(summaryOf([ok])).toBe("\nNothing would fail.");
    expect(summaryOf([ok, { ...ok, status: "warning" }])).toBe(
      "\nNothing would fail. Warnings: 1.",
    );
    expect(summaryOf([{ ...ok, status: "failure" }])).toBe("\nFailures: 1.");
  });
});
