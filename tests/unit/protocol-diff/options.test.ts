import { describe, expect, test } from "@jest/globals";
import type { PackageProgress } from "../../../scripts/protocol-diff/fetch-package.js";
import { parseOptions } from "../../../scripts/protocol-diff/options.js";
import { showProgress } from "../../../scripts/protocol-diff/show-progress.js";

const parse = (...args: string[]) => parseOptions(args, "/project");

describe("the command line", () => {
  test("takes versions, the installed release and paths of binaries", () => {
    expect(parse("0.165.0", "0.171.0-alpha.1")).toEqual({
      before: { version: "0.165.0" },
      after: { version: "0.171.0-alpha.1" },
      json: false,
    });
    expect(parse("installed", "./codex", "--json")).toEqual({
      before: { installed: true },
      after: { binary: "/project/codex" },
      json: true,
    });
    expect(parse("--help")).toBe("help");
  });

  test.each([
    [[], "Name two releases, not 0."],
    [["0.1.0"], "Name two releases, not 1."],
    [["0.1.0", "0.2.0", "0.3.0"], "Name two releases, not 3."],
    [["0.1.0", "0.1.0"], "Both releases are 0.1.0. Name two different ones."],
    [["latest", "0.1.0"], '"latest" is no release: give an exact version, such as 0.171.0'],
    [["0.1", "0.1.0"], '"0.1" is no release'],
    [["0.1.0", "0.2.0", "--markdown"], "--markdown"],
  ])("refuses %j", (args, message) => {
    expect(() => parse(...args)).toThrow(message);
  });
});

describe("progress", () => {
  const shown = (isTTY: boolean): string => {
    let text = "";
    const out = { isTTY, write: (more: string) => (text += more) !== "" };
    const { onProgress, end } = showProgress("codex 1.2.3", out);
    const stages: PackageProgress[] = [
      { stage: "asking" },
      { stage: "downloading", bytes: 0 },
      { stage: "downloading", bytes: 12_300_000 },
      { stage: "verifying" },
    ];
    for (const stage of stages) onProgress(stage);
    end();
    return text;
  };

  test("is a line for each stage in a file", () => {
    expect(shown(false)).toBe(
      "codex 1.2.3: asking the registry\ncodex 1.2.3: downloading\ncodex 1.2.3: verifying\n",
    );
  });

  test("is one line that changes on a terminal, and is cleared away", () => {
    const lines = shown(true).split("\r\u001b[K");
    expect(lines.slice(1)).toEqual([
      "codex 1.2.3: asking the registry",
      "codex 1.2.3: downloading",
      "codex 1.2.3: downloading (12 MB)",
      "codex 1.2.3: verifying",
      "",
    ]);
  });
});
