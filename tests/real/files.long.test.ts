import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  FileNotFoundError,
  FileSystemError,
  InvalidArgumentError,
  type Codex,
  type Files,
} from "../../lib/index.js";
import { RealStage, rejection } from "../support/real.js";

let stage: RealStage;
let codex: Codex;

beforeAll(async () => {
  stage = await RealStage.open();
  codex = stage.codex();
});
afterAll(() => stage.close());

const at = (...names: string[]): string => path.join(stage.project, ...names);

describe("contents", () => {
  test("of bytes go to the disk and come back as they are", async () => {
    const bytes = Uint8Array.from({ length: 1_024 }, (_, index) => index % 256);
    await codex.files.write(at("bytes"), bytes);
    expect((await readFile(at("bytes"))).equals(bytes)).toBe(true);
    const read = await codex.files.read(at("bytes"));
    expect(read).toBeInstanceOf(Uint8Array);
    expect(Buffer.from(read).equals(bytes)).toBe(true);
    await codex.files.write(at("bytes"), bytes.subarray(10, 13));
    expect([...(await codex.files.read(at("bytes")))]).toEqual([10, 11, 12]);
  });

  test("of text, too, and of nothing", async () => {
    await codex.files.write(at("text"), "Größe: 5 €\u2028\n😀");
    expect(await readFile(at("text"), "utf8")).toBe("Größe: 5 €\u2028\n😀");
    expect(await codex.files.readText(at("text"))).toBe("Größe: 5 €\u2028\n😀");
    await codex.files.write(at("text"), "");
    expect((await codex.files.read(at("text"))).length).toBe(0);
  });

  test("of 20 MiB pass in one piece, both ways", async () => {
    const bytes = Buffer.alloc(20 * 1024 * 1024);
    for (let index = 0; index < bytes.length; index += 4_099) bytes[index] = index % 256;
    await codex.files.write(at("large"), bytes);
    expect((await stat(at("large"))).size).toBe(bytes.length);
    expect(bytes.equals(await codex.files.read(at("large")))).toBe(true);
    await codex.files.remove(at("large"));
  });

  test("larger than the limit of messages are refused before they are sent", async () => {
    const small = await stage.client({ maxMessageBytes: 65_536 });
    const error = await rejection(small.files.write(at("too-large"), new Uint8Array(60_000)));
    expect(error).toMatchObject({ code: "MESSAGE_TOO_LARGE", limitBytes: 65_536 });
    await expect(stat(at("too-large"))).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe("what is there", () => {
  test("is told of files, directories and links", async () => {
    await writeFile(at("file"), "1");
    await mkdir(at("directory"));
    await symlink(at("file"), at("link"));
    const { mtimeMs } = await stat(at("file"));
    const file = await codex.files.stat(at("file"));
    expect(file).toMatchObject({ isFile: true, isDirectory: false, isSymlink: false });
    expect(Math.abs(file.modifiedAtMs - mtimeMs)).toBeLessThan(2);
    expect(await codex.files.stat(at("directory"))).toMatchObject({
      isFile: false,
      isDirectory: true,
    });
    expect(await codex.files.stat(at("link"))).toMatchObject({ isFile: true, isSymlink: true });
  });

  test("is listed", async () => {
    await mkdir(at("list", "sub"), { recursive: true });
    await writeFile(at("list", "one"), "");
    const entries = await codex.files.readDir(at("list"));
    expect(entries.toSorted((a, b) => a.fileName.localeCompare(b.fileName))).toEqual([
      { fileName: "one", isDirectory: false, isFile: true },
      { fileName: "sub", isDirectory: true, isFile: false },
    ]);
  });
});

describe("directories", () => {
  test("are made one at a time, or all on the way", async () => {
    await codex.files.mkdir(at("made"));
    expect(await rejection(codex.files.mkdir(at("made")))).toMatchObject({ errno: "EEXIST" });
    const deep = codex.files.mkdir(at("made", "a", "b"));
    expect(await rejection(deep)).toBeInstanceOf(FileNotFoundError);
    await codex.files.mkdir(at("made", "a", "b"), { recursive: true });
    await codex.files.mkdir(at("made", "a", "b"), { recursive: true });
    expect((await stat(at("made", "a", "b"))).isDirectory()).toBe(true);
  });

  test("with something in them are removed only when that is said", async () => {
    await mkdir(at("full", "sub"), { recursive: true });
    await writeFile(at("full", "sub", "file"), "");
    expect(await rejection(codex.files.remove(at("full")))).toMatchObject({ errno: "ENOTEMPTY" });
    expect((await stat(at("full", "sub", "file"))).isFile()).toBe(true);
    await codex.files.remove(at("full"), { recursive: true });
    await expect(stat(at("full"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("that are empty, and files, are removed as they are; what is missing may be ignored", async () => {
    await mkdir(at("empty"));
    await writeFile(at("single"), "");
    await codex.files.remove(at("empty"));
    await codex.files.remove(at("single"));
    expect(await rejection(codex.files.remove(at("single")))).toBeInstanceOf(FileNotFoundError);
    await codex.files.remove(at("single"), { force: true });
  });

  test("are copied with all that is in them when that is said; files are replaced", async () => {
    await mkdir(at("from", "sub"), { recursive: true });
    await writeFile(at("from", "sub", "file"), "new");
    expect(await rejection(codex.files.copy(at("from"), at("to")))).toMatchObject({
      code: "INVALID_REQUEST",
    });
    await codex.files.copy(at("from"), at("to"), { recursive: true });
    expect(await readFile(at("to", "sub", "file"), "utf8")).toBe("new");
    await writeFile(at("old"), "old");
    await codex.files.copy(at("to", "sub", "file"), at("old"));
    expect(await readFile(at("old"), "utf8")).toBe("new");
  });
});

describe("what cannot be done", () => {
  test.each<[what: string, call: (files: Files) => Promise<unknown>]>([
    ["read", (files) => files.read(at("missing"))],
    ["readText", (files) => files.readText(at("missing"))],
    ["write", (files) => files.write(at("missing", "file"), "x")],
    ["stat", (files) => files.stat(at("missing"))],
    ["readDir", (files) => files.readDir(at("missing"))],
    ["remove", (files) => files.remove(at("missing"))],
    ["copy", (files) => files.copy(at("missing"), at("other"))],
  ])("%s says that there is no such file, without repeating its name", async (_what, call) => {
    const error = await rejection(call(codex.files));
    expect(error).toBeInstanceOf(FileNotFoundError);
    expect(error).toBeInstanceOf(FileSystemError);
    expect(error).toMatchObject({ code: "FILE_NOT_FOUND", errno: "ENOENT" });
    expect(error.message).not.toContain("missing");
  });

  test("has the name that Node gives it", async () => {
    await mkdir(at("is-a-directory"), { recursive: true });
    await writeFile(at("is-a-file"), "");
    const { files } = codex;
    const directory = await rejection(files.read(at("is-a-directory")));
    expect(directory).toMatchObject({ errno: "EISDIR" });
    expect(directory.message).not.toContain("is-a-directory");
    expect(await rejection(files.write(at("is-a-directory"), "x"))).toMatchObject({
      errno: "EISDIR",
    });
    expect(await rejection(files.readDir(at("is-a-file")))).toMatchObject({ errno: "ENOTDIR" });
    expect(await rejection(files.mkdir(at("is-a-file")))).toMatchObject({ errno: "EEXIST" });
  });

  test("includes relative paths of a server that does not share our files", async () => {
    const apart = stage.codex({ sharesFiles: false });
    expect(await rejection(apart.files.read("file"))).toBeInstanceOf(InvalidArgumentError);
  });
});

test("the first call starts the server", async () => {
  const fresh = stage.codex();
  await writeFile(at("fresh"), "fresh");
  expect(await fresh.files.readText(at("fresh"))).toBe("fresh");
  await fresh.close();
});
