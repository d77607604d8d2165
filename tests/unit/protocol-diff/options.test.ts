import { describe, expect, test } from "@jest/globals";
import { parseOptions } from "../../../scripts/protocol-diff/options.js";

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
