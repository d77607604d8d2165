import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { runCommand } from "../../../scripts/run-command.js";
import { isRunning, processStart } from "../../../scripts/process-start.js";
import { makeTempDir, type TempDir } from "../../support/temp-dir.js";

let temp: TempDir;

beforeEach(async () => {
  temp = await makeTempDir();
});

afterEach(async () => {
  await temp.remove();
});

/** Waits for a file with a process id in it: nothing else tells that a grandchild has come so far. */
async function readPid(name: string): Promise<number> {
  for (;;) {
    const pid = Number(await readFile(path.join(temp.path, name), "utf8").catch(() => ""));
    if (pid > 0) return pid;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A program that starts another one, and does not end by itself. */
const family = `
  const { spawn } = require("node:child_process");
  const { writeFileSync } = require("node:fs");
  const child = spawn(process.execPath, ["-e", process.argv[1]], { stdio: "inherit" });
  writeFileSync("child", String(child.pid));
  setInterval(() => {}, 1000);
`;
const quiet = "setInterval(() => {}, 1000)";

describe("running a program", () => {
  test("reports one that fails with what it said", async () => {
    const cwd = temp.path;
    await expect(runCommand("tar", ["-xzf", "none.tgz"], { cwd })).rejects.toThrow(
      /^tar -xzf none\.tgz failed with code \d+:\n.*none\.tgz/s,
    );
    await expect(runCommand("no-such-command", [], { cwd })).rejects.toThrow(
      "no-such-command could not be started",
    );
  });

  test("ends it, and what it has started, when the signal is aborted, and waits for that", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    let pid = 0;
    const running = runCommand(process.execPath, ["-e", family, quiet], {
      cwd: temp.path,
      signal,
      onStart: (started) => (pid = started),
    });
    const child = await readPid("child");
    expect(await isRunning(child, undefined)).toBe(true);
    controller.abort(new Error("ended by SIGINT"));
    await expect(running).rejects.toThrow("ended by SIGINT");
    expect(await isRunning(pid, undefined)).toBe(false);
    expect(await isRunning(child, undefined)).toBe(false);
  });

  test("ends what it has started, too, though that does not listen", async () => {
    const controller = new AbortController();
    const deaf = `
      process.on("SIGTERM", () => {});
      require("node:fs").writeFileSync("deaf", String(process.pid));
      setInterval(() => {}, 1000);
    `;
    const running = runCommand(process.execPath, ["-e", family, deaf], {
      cwd: temp.path,
      signal: controller.signal,
    });
    const child = await readPid("deaf");
    controller.abort(new Error("ended"));
    await expect(running).rejects.toThrow("ended");
    expect(await isRunning(child, undefined)).toBe(false);
  });

  test("tells what it prints as it comes, and resolves with what is of stdout", async () => {
    let told = "";
    const script = 'console.log("out"); console.error("err");';
    const printed = await runCommand(process.execPath, ["-e", script], {
      cwd: temp.path,
      onOutput: (text) => (told += text),
    });
    expect(printed).toBe("out\n");
    expect(told.trim().split("\n").sort()).toEqual(["err", "out"]);
  });

  test("does not begin when the signal is aborted already", async () => {
    const signal = AbortSignal.abort(new Error("ended before"));
    await expect(runCommand("tar", [], { cwd: temp.path, signal })).rejects.toThrow("ended before");
  });
});

describe("a process", () => {
  test("is known by when it was started, so that a later one with its id is another", async () => {
    const started = await processStart(process.pid);
    expect(await processStart(process.pid)).toBe(started);
    expect(await isRunning(process.pid, started)).toBe(true);
    if (started !== undefined) expect(await isRunning(process.pid, `${started}0`)).toBe(false);
    expect(await isRunning(2 ** 22 + 1, undefined)).toBe(false);
  });
});
