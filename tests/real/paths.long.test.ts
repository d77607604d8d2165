import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdir, realpath, writeFile } from "node:fs/promises";
import path from "node:path";
import type { AppServerClient, Codex, protocol } from "../../lib/index.js";
import { ListeningServer } from "../support/listening-server.js";
import { configArgs, serverUnderTest } from "../support/raw-client.js";
import { next, RealStage, rejection } from "../support/real.js";

let stage: RealStage;
let codex: Codex;
/** A directory below where the server runs, by its name there and as it is seen from this process. */
let sub: string;
let fromHere: string;

beforeAll(async () => {
  stage = await RealStage.open();
  codex = stage.codex();
  sub = path.join(await realpath(stage.project), "sub");
  fromHere = path.relative(process.cwd(), sub);
  await mkdir(sub);
  await writeFile(path.join(sub, "file.txt"), "content");
});
afterAll(() => stage.close());

describe("relative paths start where this process runs, wherever the server does", () => {
  test("of threads: when they start, are copied, and change", async () => {
    const thread = await codex.startThread({ cwd: fromHere });
    expect(thread.opened?.cwd).toBe(sub);
    await thread.run("Hi");
    const copy = await thread.fork({ cwd: path.relative(process.cwd(), stage.home) });
    expect(copy.opened?.cwd).toBe(await realpath(stage.home));
    const again = await codex.resumeThread(thread.id, {
      cwd: path.relative(process.cwd(), stage.home),
    });
    expect(again.opened?.cwd).toBe(await realpath(stage.home));
    const found = await codex.listThreads({ cwd: fromHere, sourceKinds: ["appServer"] }).all();
    expect(found.every(({ cwd }) => cwd === sub)).toBe(true);
  });

  test("of turns, and of what they may write to", async () => {
    const client = await codex.client();
    const thread = await codex.startThread();
    const told = next(client, "thread/settings/updated", ({ threadId }) => threadId === thread.id);
    const home = path.relative(process.cwd(), stage.home);
    const sandbox: protocol.SandboxPolicy = { type: "workspaceWrite", writableRoots: [home] };
    await thread.run("Hi", { cwd: fromHere, sandbox });
    expect((await told).threadSettings).toMatchObject({
      cwd: sub,
      sandboxPolicy: { writableRoots: [await realpath(stage.home)] },
    });
  });

  test("of commands, files and searches", async () => {
    expect((await codex.exec(["pwd"], { cwd: fromHere }).exit).stdout).toBe(`${sub}\n`);
    expect((await codex.spawn(["pwd"], { cwd: fromHere }).exit).stdout).toBe(`${sub}\n`);
    expect(await codex.files.readText(path.join(fromHere, "file.txt"))).toBe("content");
    const [found] = await codex.searchFiles("file", { roots: [fromHere] });
    expect(found).toMatchObject({ root: sub, path: "file.txt" });
    await using watch = codex.watch(fromHere);
    await watch.ready;
    const changed = watch.next();
    await writeFile(path.join(sub, "new.txt"), "");
    expect((await changed).value?.changedPaths).toContain(path.join(sub, "new.txt"));
  });

  test("and ~ is the home directory of the server's user, for files too", async () => {
    const { HOME = "" } = stage.options().env ?? {};
    await writeFile(path.join(HOME, "at-home.txt"), "home");
    expect(await codex.files.readText("~/at-home.txt")).toBe("home");
    const thread = await codex.startThread({ cwd: "~" });
    expect(thread.opened?.cwd).toBe(await realpath(HOME));
  });

  test("but what rpc is given goes as it is", async () => {
    const { cwd } = await codex.rpc.thread.start({ cwd: "sub" });
    expect(cwd).toBe(sub);
  });
});

describe("relative paths have no meaning for a server that may be elsewhere", () => {
  async function refuses(client: AppServerClient): Promise<void> {
    const start = await rejection(client.startThread({ cwd: "sub" }));
    expect(start).toMatchObject({ code: "INVALID_ARGUMENT", argument: "cwd" });
    const thread = await client.startThread({ cwd: sub });
    expect(thread.opened?.cwd).toBe(sub);
    for (const attempt of [
      thread.run("Hi", { cwd: "sub" }),
      client.exec(["pwd"], { cwd: "./sub" }).exit,
      client.files.read("sub/file.txt"),
    ]) {
      expect(await rejection(attempt)).toMatchObject({ code: "INVALID_ARGUMENT" });
    }
    await expect(thread.run("Hi")).resolves.toMatchObject({ status: "completed" });
  }

  test("over a socket, unless it is said to share the files", async () => {
    await using server = await ListeningServer.start(stage);
    await refuses(await server.connect());
    const sharing = await server.connect({ sharesFiles: true });
    expect((await sharing.startThread({ cwd: fromHere })).opened?.cwd).toBe(sub);
  });

  test("behind a command line of the caller's, unless it is said", async () => {
    const { config = {} } = stage.options();
    const launch = { command: serverUnderTest(), args: [...configArgs(config), "app-server"] };
    await refuses(await stage.client({ config: undefined, launch }));
    const sharing = await stage.client({ config: undefined, launch, sharesFiles: true });
    expect((await sharing.startThread({ cwd: fromHere })).opened?.cwd).toBe(sub);
  });

  test("nor for a server of ours that is said not to share them", async () => {
    await refuses(await stage.client({ sharesFiles: false }));
  });
});
