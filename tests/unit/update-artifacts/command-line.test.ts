import { describe, expect, test } from "@jest/globals";
import { parseOptions } from "../../../scripts/update-artifacts/options.js";

describe("the command line of update-artifacts", () => {
  const parse = (...args: string[]) => parseOptions(args, "/project");

  test("means the newest stable release without a bundle when it is empty", () => {
    expect(parse()).toEqual({
      version: undefined,
      channel: "stable",
      bundle: "none",
      verify: false,
      dryRun: false,
      repair: false,
      root: "/project",
      vendorDir: "/project/vendor-bin",
    });
  });

  test("takes every option", () => {
    expect(parse("--channel", "alpha", "--bundle", "--verify")).toMatchObject({
      channel: "alpha",
      bundle: "this-machine",
      verify: true,
    });
    expect(
      parse("--version", "1.2.3-alpha.4", "--bundle-all-platforms", "--dry-run"),
    ).toMatchObject({ version: "1.2.3-alpha.4", bundle: "all", dryRun: true });
    expect(parse("--channel", "1.2.3")).toMatchObject({ version: "1.2.3" });
    expect(parse("--vendor-dir", "/elsewhere")).toMatchObject({ vendorDir: "/elsewhere" });
    expect(parse("--repair")).toMatchObject({ repair: true });
    expect(parse("--help")).toBe("help");
  });

  test.each([
    [["--version", "latest"], "--version must be an exact version"],
    [["--channel", "nightly"], "--channel must be stable, alpha or an exact version"],
    [["--channel", "^1.2.3"], "--channel must be stable, alpha or an exact version"],
    [["--channel", "stable", "--version", "1.2.3"], "not both"],
    [["--verify", "--dry-run"], "--verify does not go with"],
    [["--unknown"], "--unknown"],
    [["stray"], "stray"],
  ])("refuses %j", (args, message) => {
    expect(() => parse(...args)).toThrow(message);
  });
});
