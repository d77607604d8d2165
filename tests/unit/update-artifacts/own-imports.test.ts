import { expect, test } from "@jest/globals";
import { importsOf } from "../../support/source-imports.js";

test("update-artifacts runs where the library does not fit generated/, since it does without it", () => {
  const open = ["scripts/update-artifacts/index.ts"];
  const seen = new Set<string>();
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    for (const { to, typeOnly } of importsOf(file)) {
      if (!typeOnly && to.endsWith(".ts") && !to.startsWith("..")) open.push(to);
    }
  }
  expect(seen.size).toBeGreaterThan(30);
  const files = [...seen];
  // What is imported of these is there in each release, unlike names that come from the protocol.
  const generated = files.filter((file) => file.startsWith("generated/")).sort();
  expect(generated).toEqual(["generated/routing.ts", "generated/runtime.ts"]);
  // What finds the runtime, and the errors that it throws.
  const library = files.filter((file) => file.startsWith("lib/"));
  expect(library.filter((file) => !/^lib\/(runtime|errors|async)\//.test(file))).toEqual([]);
});
