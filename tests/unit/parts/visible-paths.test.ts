import { describe, expect, test } from "@jest/globals";
import { VisiblePaths } from "../../../lib/parts/visible-paths.js";

const outside = "[outside]";

describe("on a system with slashes", () => {
  const paths = new VisiblePaths("/home/me/repo", false);
  test.each([
    ["/home/me/repo/src/a.ts", "src/a.ts"],
    ["/home/me/repo", "."],
    ["/home/me/repo/", "."],
    ["/home/me/repo/./src//a.ts", "src/a.ts"],
    ["/home/me/repo/src/../b", "b"],
    ["src/a.ts", "src/a.ts"],
    ["a b/ö.ts", "a b/ö.ts"],
    ["/home/me/repo/../other/a", outside],
    ["/home/me/repository/a", outside],
    ["/home/me/Repo/a", outside],
    ["/home/me", outside],
    ["/etc/passwd", outside],
    ["../other", outside],
    ["src/../../other", outside],
    ["~/.ssh/id", outside],
    ["file:///home/me/repo/a", outside],
    ["C:\\Users\\me", outside],
    ["\\\\server\\share", outside],
  ])("%s is shown as %s", (path, shown) => {
    expect(paths.show(path)).toBe(shown);
    expect(paths.showOrHide(path)).toBe(shown === outside ? undefined : shown);
  });
});

describe("on Windows", () => {
  const paths = new VisiblePaths("C:\\Users\\me\\Repo", false);
  test.each([
    ["C:\\Users\\me\\Repo\\src\\a.ts", "src/a.ts"],
    ["c:/users/ME/repo/src/a.ts", "src/a.ts"],
    ["\\\\?\\C:\\Users\\me\\Repo\\a.ts", "a.ts"],
    ["src\\a.ts", "src/a.ts"],
    ["C:\\Users\\me\\Repo\\..\\b", outside],
    ["D:\\Users\\me\\Repo\\a", outside],
    ["\\\\server\\share\\a", outside],
    ["\\Windows", outside],
  ])("%s is shown as %s", (path, shown) => {
    expect(paths.show(path)).toBe(shown);
  });

  test("a directory on a share is one, too", () => {
    const shared = new VisiblePaths("\\\\server\\share\\repo", false);
    expect(shared.show("\\\\?\\UNC\\server\\share\\repo\\a")).toBe("a");
    expect(shared.show("\\\\server\\other\\repo\\a")).toBe(outside);
  });
});

test("without a directory, every absolute path is outside", () => {
  const paths = new VisiblePaths(undefined, false);
  const shown = ["/repo/a", "C:\\repo\\a", "a", "../a"].map((path) => paths.show(path));
  expect(shown).toEqual([outside, outside, "a", outside]);
});

test("with leave, paths outside are shown as they are, and those inside still are relative", () => {
  const paths = new VisiblePaths("/repo", true);
  expect(["/repo/a", "/etc/passwd", "~/b"].map((path) => paths.show(path))).toEqual([
    "a",
    "/etc/passwd",
    "~/b",
  ]);
});
