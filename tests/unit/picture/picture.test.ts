import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import type { Recording } from "../../../scripts/picture/recording.js";
import { render } from "../../../scripts/picture/render.js";

const picture = readFileSync("docs/terminal.svg", "utf8");
const recording = JSON.parse(readFileSync("scripts/picture/recording.json", "utf8")) as Recording;

describe("the picture in the README", () => {
  test("is what the recording gives", () => {
    expect(picture === render(recording) ? "" : "behind: npm run picture").toBe("");
  });

  test("is small, and is shown by the README", () => {
    expect(Buffer.byteLength(picture)).toBeLessThan(40_000);
    expect(readFileSync("README.md", "utf8")).toContain("](docs/terminal.svg)");
  });
});

describe("a recording", () => {
  const textOf = (svg: string): string[] =>
    [...svg.matchAll(/<text.*?>(.*)<\/text>/g)].map(([, line = ""]) => line.replace(/<.*?>/g, ""));

  test("becomes lines after the command line, without the empty ones at the end", () => {
    const svg = render({
      example: "a.ts",
      pieces: [
        [0, "one "],
        [90, "two\n\nthr"],
        [120, "ee\n\n"],
      ],
    });
    expect(textOf(svg)).toEqual(["$ npx tsx examples/a.ts", "one two", "", "three"]);
  });

  test("is shown piece by piece, and all of it where nothing moves", () => {
    const svg = render({
      example: "a.ts",
      pieces: [
        [0, "one "],
        [90, "two"],
      ],
    });
    const times = [...svg.matchAll(/animation-duration:(\d+)ms/g)].map(([, ms]) => Number(ms));
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBe(90);
    expect(svg).toMatch(/prefers-reduced-motion:reduce\)\{tspan\{animation:none/);
    expect(svg).not.toMatch(/opacity:0|[^{]visibility:hidden\}[^}]/);
  });

  test("may hold what XML has a meaning for", () => {
    expect(textOf(render({ example: "a.ts", pieces: [[0, "a < b && c > d"]] }))[1]).toBe(
      "a &lt; b &amp;&amp; c &gt; d",
    );
  });

  test("goes on in the next line where a line is full", () => {
    const words = Array.from({ length: 40 }, (_, index) => [index, "four "] as const);
    const lines = textOf(render({ example: "a.ts", pieces: words })).slice(1);
    expect(lines.map((line) => line.length <= 92)).toEqual(lines.map(() => true));
    expect(lines.join("")).toBe("four ".repeat(40));
    expect(lines.length).toBe(3);
  });
});
