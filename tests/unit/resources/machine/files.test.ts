import { describe, expect, test } from "@jest/globals";
import { toRpcError } from "../../../../lib/errors/to-rpc-error.js";
import {
  CommandEndedError,
  CommandNotStartedError,
  FileNotFoundError,
  FileSystemError,
} from "../../../../lib/errors/machine-errors.js";
import type { Files } from "../../../../lib/resources/machine/files.js";
import { rejection } from "../../../support/collect.js";
import { linked } from "../../../support/linked-server.js";

describe("files", () => {
  test("bytes and text come as they are in the file", async () => {
    await using pair = await linked();
    const { files } = pair.client;
    const dataBase64 = Buffer.from([0xef, 0xbb, 0xbf, 0xff, 97]).toString("base64");
    pair.server.handle("fs/readFile", () => ({ dataBase64 }));
    expect([...(await files.read("/f"))]).toEqual([0xef, 0xbb, 0xbf, 0xff, 97]);
    expect(await files.readText("/f")).toBe("\uFEFF\uFFFDa");
  });

  test("bytes and text are written, also a part of a larger array", async () => {
    await using pair = await linked();
    const { files } = pair.client;
    await files.write("/f", new Uint8Array([9, 1, 2, 9]).subarray(1, 3));
    await files.write("/f", "é");
    await files.write("/f", "");
    expect(pair.server.paramsOf("fs/writeFile")).toEqual([
      { path: "/f", dataBase64: "AQI=" },
      { path: "/f", dataBase64: "w6k=" },
      { path: "/f", dataBase64: "" },
    ]);
    const wrong = files.write("/f", [1, 2] as never);
    expect(await rejection(wrong)).toMatchObject({ argument: "data" });
  });

  test("defaults are those of Node: nothing is recursive, nothing is forced", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    const both = { recursive: true, force: true };
    for (const options of [undefined, both]) {
      await client.files.mkdir("/d", options);
      await client.files.remove("/d", options);
      await client.files.copy("/a", "/b", options);
    }
    const copied = { sourcePath: "/a", destinationPath: "/b" };
    expect(server.paramsOf("fs/createDirectory")).toEqual([
      { path: "/d", recursive: false },
      { path: "/d", recursive: true },
    ]);
    expect(server.paramsOf("fs/remove")).toEqual([
      { path: "/d", recursive: false, force: false },
      { path: "/d", ...both },
    ]);
    expect(server.paramsOf("fs/copy")).toEqual([
      { ...copied, recursive: false },
      { ...copied, recursive: true },
    ]);
  });

  test.each<[argument: string, call: (files: Files) => Promise<unknown>]>([
    ["path", (files) => files.read("f")],
    ["path", (files) => files.readText("./f")],
    ["path", (files) => files.write("~/f", "")],
    ["path", (files) => files.mkdir("")],
    ["path", (files) => files.stat(undefined as never)],
    ["path", (files) => files.readDir("..")],
    ["path", (files) => files.remove("C:f")],
    ["from", (files) => files.copy("a", "/b")],
    ["to", (files) => files.copy("/a", "b")],
  ])("a %s that is not absolute is refused before anything is sent: %s", async (argument, call) => {
    await using pair = await linked();
    expect(await rejection(call(pair.client.files))).toMatchObject({
      code: "INVALID_ARGUMENT",
      argument,
    });
    expect(pair.server.requests.filter(({ method }) => method.startsWith("fs/"))).toEqual([]);
  });

  test("a call can be aborted, and has a deadline", async () => {
    await using pair = await linked();
    const { files } = pair.client;
    pair.server.handle("fs/readFile", () => new Promise(() => undefined));
    const reason = new Error("enough");
    expect(await rejection(files.read("/f", { signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(await rejection(files.read("/f", { timeoutMs: 20 }))).toMatchObject({
      code: "REQUEST_TIMEOUT",
    });
  });
});

describe("refusals of the file system", () => {
  test.each([
    ["No such file or directory (os error 2)", "ENOENT"],
    ["The system cannot find the path specified. (os error 3)", "ENOENT"],
    ["Permission denied (os error 13)", "EACCES"],
    ["Access is denied. (os error 5)", "EACCES"],
    ["Operation not permitted (os error 1)", "EPERM"],
    ["File exists (os error 17)", "EEXIST"],
    ["Cannot create a file when that file already exists. (os error 183)", "EEXIST"],
    ["Is a directory (os error 21)", "EISDIR"],
    ["Not a directory (os error 20)", "ENOTDIR"],
    ["The directory name is invalid. (os error 267)", "ENOTDIR"],
    ["Directory not empty (os error 39)", "ENOTEMPTY"],
    ["The directory is not empty. (os error 145)", "ENOTEMPTY"],
    ["Read-only file system (os error 30)", "EROFS"],
    ["No space left on device (os error 28)", "ENOSPC"],
    ["I/O error (os error 5)", "EIO"],
    ["Sleep disturbed (os error 99)", null],
  ])("have the name that Node gives them: %s is %s", (message, errno) => {
    const error = toRpcError("fs/readFile", { code: -32_603, message });
    expect(error).toBeInstanceOf(FileSystemError);
    expect(error).toMatchObject({ errno, rpcCode: -32_603, method: "fs/readFile" });
    const notFound = errno === "ENOENT";
    expect(error instanceof FileNotFoundError).toBe(notFound);
    expect(error.code).toBe(notFound ? "FILE_NOT_FOUND" : "FILE_SYSTEM_ERROR");
  });

  test("do not repeat the path", () => {
    const message = "path `/home/secret\n/name` is not a file";
    const error = toRpcError("fs/readFile", { code: -32_600, message });
    expect(error).toMatchObject({ code: "FILE_SYSTEM_ERROR", errno: "EISDIR" });
    expect(error.message).toBe("fs/readFile was refused: the path is not a file");
  });

  test("are not what other methods fail with, nor all that these fail with", () => {
    const missing = "No such file or directory (os error 2)";
    const classOf = (method: string, code: number, message: string) =>
      toRpcError(method, { code, message }).code;
    expect(classOf("thread/read", -32_603, missing)).toBe("INTERNAL_ERROR");
    expect(classOf("fs/copy", -32_600, "fs/copy requires recursive: true")).toBe("INVALID_REQUEST");
    expect(classOf("fs/watch", -32_001, "Server overloaded; retry later.")).toBe("SERVER_BUSY");
  });
});

describe("refusals of commands", () => {
  test.each([
    ["command/exec", -32_603, "failed to spawn command: No such file or directory (os error 2)"],
    ["process/spawn", -32_603, "failed to spawn process: Permission denied (os error 13)"],
  ])("%s: the command was not started", (method, code, message) => {
    expect(toRpcError(method, { code, message })).toBeInstanceOf(CommandNotStartedError);
  });

  test.each([
    ["command/exec/write", 'no active command/exec for process id "p"'],
    ["command/exec/terminate", 'command/exec "p" is no longer running'],
    ["process/kill", 'no active process for process handle "p"'],
    ["process/writeStdin", 'process "p" is no longer running'],
  ])("%s: the command has ended", (method, message) => {
    expect(toRpcError(method, { code: -32_600, message })).toBeInstanceOf(CommandEndedError);
  });

  test.each([
    ["command/exec", -32_603, "exec failed", "INTERNAL_ERROR"],
    ["command/exec", -32_001, "Server overloaded; retry later.", "SERVER_BUSY"],
    ["command/exec/write", -32_600, "stdin is already closed", "INVALID_REQUEST"],
  ])("%s: others stay what they are: %i %s", (method, rpcCode, message, code) => {
    expect(toRpcError(method, { code: rpcCode, message })).toMatchObject({ code });
  });
});
