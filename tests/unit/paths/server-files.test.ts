import { describe, expect, jest, test } from "@jest/globals";
import path from "node:path";
import { InvalidArgumentError } from "../../../lib/errors/invalid-argument-error.js";
import { normalizeInput } from "../../../lib/options/input.js";
import { isAbsoluteFor, toServerPath, type ServerFiles } from "../../../lib/paths/server-files.js";

const shared: ServerFiles = { areShared: true, platformFamily: "unix", home: "/home/user" };
const apart: ServerFiles = { areShared: false, platformFamily: "unix", home: undefined };
const windows: ServerFiles = { ...apart, platformFamily: "windows" };
const silent: ServerFiles = { ...apart, platformFamily: "" };

describe("what is absolute is for the server's system to say", () => {
  test.each<[string, string[]]>([
    ["/repo", ["unix", ""]],
    ["//server/share", ["unix", "windows", ""]],
    ["C:\\repo", ["windows", ""]],
    ["c:/repo", ["windows", ""]],
    ["\\\\server\\share", ["windows", ""]],
    // They start at the current drive, or at its current directory.
    ["\\repo", [""]],
    ["C:repo", []],
    ["repo", []],
    ["./repo", []],
    ["..", []],
    ["~/repo", []],
    ["", []],
  ])("%j is so for %j", (given, families) => {
    const fitting = ["unix", "windows", ""].filter((platformFamily) =>
      isAbsoluteFor({ platformFamily }, given),
    );
    expect(fitting).toEqual(families);
  });
});

describe("a server that shares the files of this process", () => {
  test("gets relative paths from the working directory of this process", () => {
    expect(toServerPath(shared, "cwd", "sub")).toBe(path.resolve("sub"));
    expect(toServerPath(shared, "cwd", "./a/../b")).toBe(path.resolve("b"));
    expect(toServerPath(shared, "cwd", "..")).toBe(path.dirname(process.cwd()));
    expect(toServerPath(shared, "cwd", "~user")).toBe(path.resolve("~user"));
  });

  test("gets absolute ones as they are", () => {
    expect(toServerPath(shared, "cwd", "/a/../b/")).toBe("/a/../b/");
  });

  test("gets the home directory of its user in the place of ~", () => {
    for (const kind of ["text", "absolute"] as const) {
      expect(toServerPath(shared, "cwd", "~", kind)).toBe("/home/user");
      expect(toServerPath(shared, "cwd", "~/repo", kind)).toBe("/home/user/repo");
    }
  });

  test("and runs on another system cannot be told them", () => {
    const files = { ...shared, platformFamily: "windows" };
    expect(() => toServerPath(files, "cwd", "sub")).toThrow(
      new InvalidArgumentError(
        "cwd",
        "must be an absolute path on the server's system, which is not the one that this process runs on",
      ),
    );
  });
});

describe("a server that does not share them", () => {
  test.each<[string, ServerFiles]>([
    ["sub", apart],
    ["./sub", apart],
    ["C:\\sub", apart],
    ["\\sub", windows],
    ["/sub", windows],
    ["C:sub", windows],
    ["sub", silent],
  ])("is not told %j, and the error says what to do", (given, files) => {
    const attempt = () => toServerPath(files, "sandbox.writableRoots[1]", given);
    expect(attempt).toThrow(InvalidArgumentError);
    expect(attempt).toThrow(
      expect.objectContaining({
        argument: "sandbox.writableRoots[1]",
        message: expect.stringMatching(/^sandbox.* must be an absolute path .* sharesFiles: true$/),
      }),
    );
    expect(attempt).not.toThrow(/sub/);
  });

  test("knows its own home directory, where it takes a ~ at all", () => {
    expect(toServerPath(apart, "cwd", "~/repo", "text")).toBe("~/repo");
    expect(() => toServerPath(apart, "path", "~/repo", "absolute")).toThrow(
      "path must not begin with ~, since the home directory of this server's user is not known",
    );
  });
});

test("a working directory that was removed is named as the reason", () => {
  const cwd = jest.spyOn(process, "cwd").mockImplementation(() => {
    throw new Error("ENOENT: no such file or directory, uv_cwd");
  });
  try {
    expect(() => toServerPath(shared, "cwd", "sub")).toThrow(
      "cwd must be an absolute path: the working directory of this process, where a relative one starts, is gone",
    );
    expect(() => normalizeInput({ type: "localImage", path: "a.png" })).toThrow(
      InvalidArgumentError,
    );
    expect(toServerPath(shared, "cwd", "/sub")).toBe("/sub");
  } finally {
    cwd.mockRestore();
  }
});

test("an empty path is a mistake, whoever gets it", () => {
  for (const files of [shared, apart]) {
    expect(() => toServerPath(files, "cwd", "")).toThrow("cwd must be a path that is not empty");
  }
});
