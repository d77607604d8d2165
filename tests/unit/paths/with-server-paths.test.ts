import { describe, expect, test } from "@jest/globals";
import path from "node:path";
import { requestPaths } from "../../../generated/paths.js";
import type { ServerFiles } from "../../../lib/paths/server-files.js";
import { withServerPaths } from "../../../lib/paths/with-server-paths.js";
import { deepFreeze } from "../../support/deep-freeze.js";

const shared: ServerFiles = { areShared: true, platformFamily: "unix", home: undefined };
const apart: ServerFiles = { ...shared, areShared: false };

/** Params with this value at such a place, in lists of two. */
function paramsWith(place: string, value: string): unknown {
  return place
    .split(".")
    .reduceRight<unknown>(
      (inner, name) => (name === "*" ? ["/other", inner] : { other: "rel", [name]: inner }),
      value,
    );
}

const places = Object.entries(requestPaths).flatMap(([method, all]) =>
  Object.keys(all).map((place) => [method, place] as const),
);

test("there are places at all", () => {
  expect(places.length).toBeGreaterThan(40);
});

test.each(places)("%s: %s is a path", (method, place) => {
  const given = deepFreeze(paramsWith(place, "sub/dir"));
  const sent = withServerPaths(method, given, shared);
  expect(sent).toEqual(paramsWith(place, path.resolve("sub/dir")));
  expect(() => withServerPaths(method, given, apart)).toThrow(
    expect.objectContaining({ code: "INVALID_ARGUMENT" }),
  );
  const absolute = paramsWith(place, "/abs");
  expect(withServerPaths(method, absolute, apart)).toEqual(absolute);
});

describe("everything else passes", () => {
  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", { cwd: null, sandboxPolicy: null, runtimeWorkspaceRoots: null }],
    ["another type", { cwd: 7, sandboxPolicy: "x", runtimeWorkspaceRoots: "y" }],
    ["another sandbox", { sandboxPolicy: { type: "readOnly" }, runtimeWorkspaceRoots: [null, 7] }],
    ["a text that looks like one", { model: "./model", input: [{ type: "text", text: "./a" }] }],
    ["an environment's", { environments: [{ environmentId: "x", cwd: "C:\\there" }] }],
  ])("%s", (_what, params) => {
    expect(withServerPaths("turn/start", deepFreeze(params), apart)).toEqual(params);
  });

  test("a method without paths, or one that is not known", () => {
    const params = { cwd: "./sub" };
    expect(withServerPaths("thread/archive", params, apart)).toBe(params);
    expect(withServerPaths("constructor", params, apart)).toBe(params);
  });
});

test("errors name the option, not the field of the protocol", () => {
  const policy = { type: "workspaceWrite", writableRoots: ["/one", "two"] };
  const cases = [
    ["turn/start", { sandboxPolicy: policy }, "sandbox.writableRoots[1]"],
    ["fs/copy", { sourcePath: "one", destinationPath: "/two" }, "from"],
    ["fs/copy", { sourcePath: "/one", destinationPath: "two" }, "to"],
    ["thread/list", { cwd: ["/one", "two"] }, "cwd[1]"],
  ] as const;
  for (const [method, params, argument] of cases) {
    expect(() => withServerPaths(method, params, apart)).toThrow(
      expect.objectContaining({ argument }),
    );
  }
});
