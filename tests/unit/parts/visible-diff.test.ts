import { expect, test } from "@jest/globals";
import { visibleDiff, visibleUpdate } from "../../../lib/parts/visible-diff.js";

const show = (path: string): string => `<${path}>`;
const lines = (...all: string[]): string => all.map((line) => `${line}\n`).join("");

test("paths in headers are shown as they may be, and everything else stays", () => {
  const diff = lines(
    "diff --git a/src/a b.ts b/src/a b.ts",
    "index 1..2 100644",
    "--- a/src/a b.ts",
    "+++ b/src/a b.ts",
    "@@ -1,2 +1,3 @@ function a() {",
    " one",
    "-two",
    "+drei",
    "+vier",
    "diff --git a/old name b/new",
    "rename from old name",
    "rename to new",
    "Binary files a/x and b/x differ",
    'diff --git "a/\\303\\266" "b/\\303\\266"',
    "--- /dev/null",
    '+++ "b/\\303\\266"',
  );
  expect(visibleDiff(diff, show)).toBe(
    lines(
      "diff --git a/<src/a b.ts> b/<src/a b.ts>",
      "index 1..2 100644",
      "--- a/<src/a b.ts>",
      "+++ b/<src/a b.ts>",
      "@@ -1,2 +1,3 @@ function a() {",
      " one",
      "-two",
      "+drei",
      "+vier",
      "diff --git a/<old name> b/<new>",
      "rename from <old name>",
      "rename to <new>",
      "Binary files a/<x> and b/<x> differ",
      'diff --git "a/<\\303\\266>" "b/<\\303\\266>"',
      "--- /dev/null",
      '+++ "b/<\\303\\266>"',
    ),
  );
});

test("lines of a hunk that look like headers are left alone", () => {
  const diff = lines(
    "--- a/x",
    "+++ b/x",
    "@@ -1,3 +1,2 @@",
    "--- a/secret",
    "-diff --git a/b b/b",
    "\\ No newline at end of file",
    "+++ b/other",
    " rename from y",
    "--- a/y",
    "+++ b/y",
    "@@ -1 +1 @@",
    "-a",
    "+b",
  );
  expect(visibleDiff(diff, show)).toBe(
    lines(
      "--- a/<x>",
      "+++ b/<x>",
      "@@ -1,3 +1,2 @@",
      "--- a/secret",
      "-diff --git a/b b/b",
      "\\ No newline at end of file",
      "+++ b/other",
      " rename from y",
      "--- a/<y>",
      "+++ b/<y>",
      "@@ -1 +1 @@",
      "-a",
      "+b",
    ),
  );
});

test("the server's note on where a file was moved is left out", () => {
  const diff = "@@ -1 +1 @@\n-a\n+b\n\n\nMoved to: /home/me/new.txt";
  expect(visibleUpdate(diff, show)).toBe("@@ -1 +1 @@\n-a\n+b\n");
});
