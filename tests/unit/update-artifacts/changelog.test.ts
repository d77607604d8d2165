import { describe, expect, test } from "@jest/globals";
import { putStep, readStep } from "../../../scripts/update-artifacts/changelog.js";

const step = { from: "0.1.0", to: "0.2.0" };
const block = (text: string, from = "0.1.0", to = "0.2.0"): string =>
  [
    `<!-- codex ${from} to ${to}: npm run update-artifacts writes this anew until the next release -->`,
    `### Protocol: codex ${from} to ${to}`,
    text,
    `<!-- end of codex ${from} to ${to} -->`,
  ].join("\n\n");

describe("what an update writes into the changelog", () => {
  test("stands at the end of the Unreleased section", () => {
    const before = "# Changelog\n\n## [Unreleased]\n\n### Fixed\n\n- a\n\n## [1.0.0]\n\n- b\n";
    expect(putStep(before, step, "- c")).toBe(
      `# Changelog\n\n## [Unreleased]\n\n### Fixed\n\n- a\n\n${block("- c")}\n\n## [1.0.0]\n\n- b\n`,
    );
  });

  test.each([
    ["an empty file", "", `## [Unreleased]\n\n${block("- c")}\n`],
    ["a title alone", "# Changelog\n", `# Changelog\n\n## [Unreleased]\n\n${block("- c")}\n`],
    ["no line end", "# Changelog", `# Changelog\n\n## [Unreleased]\n\n${block("- c")}\n`],
    [
      "releases only",
      "# Changelog\n\n## [1.0.0]\n\n- b\n",
      `# Changelog\n\n## [Unreleased]\n\n${block("- c")}\n\n## [1.0.0]\n\n- b\n`,
    ],
    ["an empty section", "## Unreleased\n", `## Unreleased\n\n${block("- c")}\n`],
  ])("makes the section, or fills it, where there is %s", (_name, before, after) => {
    expect(putStep(before, step, "- c\n")).toBe(after);
  });

  test("takes the place of what stood there, whatever stands in it, and nothing is changed the second time", () => {
    const once = putStep(
      "## [Unreleased]\n\n- a\n\n## [1.0.0]\n",
      step,
      "## not a release\n\n- $& $1",
    );
    expect(once).toContain("- $& $1");
    expect(putStep(once, step, "## not a release\n\n- $& $1")).toBe(once);
    const twice = putStep(once, { from: "0.1.0", to: "0.3.0" }, "- d");
    expect(twice).toBe(
      `## [Unreleased]\n\n- a\n\n${block("- d", "0.1.0", "0.3.0")}\n\n## [1.0.0]\n`,
    );
  });

  test("goes when the step leads nowhere", () => {
    const before = "# Changelog\n\n## [Unreleased]\n\n- a\n\n## [1.0.0]\n\n- b\n";
    const step = { from: "0.1.0", to: "0.1.0" };
    expect(putStep(putStep(before, { ...step, to: "0.2.0" }, "- c"), step, "")).toBe(before);
  });

  test("stays in the section of a release, once that is made", () => {
    const released = putStep("## [Unreleased]\n", step, "- c").replace("[Unreleased]", "[1.0.0]");
    const next = putStep(`## [Unreleased]\n\n${released}`, { from: "0.2.0", to: "0.3.0" }, "- d");
    expect(next).toBe(`## [Unreleased]\n\n${block("- d", "0.2.0", "0.3.0")}\n\n${released}`);
    expect(readStep(next)).toEqual({ from: "0.2.0", to: "0.3.0" });
    expect(readStep(`## [Unreleased]\n\n${released}`)).toBeUndefined();
  });

  test("is read and replaced in a file with the line ends of Windows", () => {
    const once = putStep("## [Unreleased]\r\n\r\n- a\r\n", step, "- c\n- d");
    expect(once.replaceAll("\r\n", "")).not.toContain("\n");
    expect(readStep(once)).toEqual(step);
    expect(putStep(once, step, "- c\n- d")).toBe(once);
  });
});
