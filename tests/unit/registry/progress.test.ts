import { describe, expect, test } from "@jest/globals";
import { Progress } from "../../../scripts/registry/progress.js";

function shown(isTTY: boolean): { progress: Progress; texts: string[]; at: (ms: number) => void } {
  const texts: string[] = [];
  let now = 0;
  const progress = new Progress({ isTTY, write: (text) => texts.push(text) }, () => now);
  return { progress, texts, at: (ms) => (now = ms) };
}

describe("the progress of downloads", () => {
  test("is one line on a terminal, which goes when others are printed", () => {
    const { progress, texts } = shown(true);
    progress.show("codex@1.2.3", 0, undefined);
    progress.show("codex@1.2.3", 50_000_000, 170_000_000);
    progress.clear();
    progress.clear();
    expect(texts).toEqual([
      "\r  codex@1.2.3: downloading\u001B[K",
      "\r  codex@1.2.3: 50.0 MB of 170.0 MB (29 %)\u001B[K",
      "\r\u001B[K",
    ]);
  });

  test("is a line every five seconds elsewhere, and one for each package", () => {
    const { progress, texts, at } = shown(false);
    progress.show("a", 0, undefined);
    at(4_000);
    progress.show("a", 1_000_000, 2_000_000);
    at(5_000);
    progress.show("a", 1_500_000, 2_000_000);
    progress.show("b", 0, undefined);
    at(11_000);
    progress.show("b", 3_000_000, undefined);
    progress.clear();
    expect(texts).toEqual([
      "  a: downloading\n",
      "  a: 1.5 MB of 2.0 MB (75 %)\n",
      "  b: downloading\n",
      "  b: 3.0 MB\n",
    ]);
  });

  test("never says more than all, though npm keeps a little more", () => {
    const { progress, texts } = shown(false);
    progress.show("a", 2_100_000, 2_000_000);
    expect(texts).toEqual(["  a: 2.0 MB of 2.0 MB (100 %)\n"]);
  });
});
