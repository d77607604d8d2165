import { execFile, spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";
import { reply } from "../../lib/testing/index.js";
import { compileProgram } from "../support/compile-program.js";
import { ListeningServer } from "../support/listening-server.js";
import { RealStage } from "../support/real.js";
import type { Begun, Endings, Plan } from "./stopped-host.js";

const host = new URL("stopped-host.ts", import.meta.url);
/** All of it has to begin within this, however busy the machine is; after that it is waited for while the host is stopped. */
const timeoutMs = 20_000;

/** What a host sees that is stopped beyond its time-outs while the server comes to an end with all. */
async function stopAndGoOn(stage: RealStage, options: Plan["options"]): Promise<Endings> {
  const at = path.join(stage.project, randomUUID());
  const files = { end: `${at}-end`, ended: `${at}-ended` };
  const plan: Plan = { options, timeoutMs, files };
  const args = [await compileProgram(host), JSON.stringify(plan)];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  try {
    const begun = await next<Begun>(lines);
    const gates = [reply.hold(), reply.hold(), reply.hold()] as const;
    const long = Array.from({ length: 64 }, () => "and so on, ".repeat(200));
    stage.model.enqueueFor(begun.turn, reply.text(["Well, ", gates[0], ...long]));
    stage.model.enqueueFor(begun.silent, reply.text(["Well, ", gates[1], "well."]));
    const half = reply.text(["Half of ", gates[2], "it."]);
    stage.model.enqueueFor(begun.goal, [half, reply.updateGoal("complete")], reply.text("All."));
    child.stdin.write("go\n");
    await next(lines);
    await untilStopped(child);
    const overdue = sleep(timeoutMs);
    for (const gate of gates) gate.release();
    await writeFile(files.end, "");
    const { home } = stage;
    await Promise.all(Object.values(begun).map((id: string) => untilStored(home, id)));
    await until(() => existsSync(files.ended));
    await overdue;
    child.kill("SIGCONT");
    return await next<Endings>(lines);
  } finally {
    child.kill("SIGCONT");
    child.stdin.end();
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  }
}

async function next<T>(lines: AsyncIterator<string>): Promise<T> {
  const line = await lines.next();
  if (line.done) throw new Error("the host has ended");
  return JSON.parse(line.value) as T;
}

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await sleep(20);
}

function untilStopped({ pid }: ChildProcess): Promise<void> {
  return until(async () => {
    const { stdout } = await promisify(execFile)("ps", ["-o", "state=", "-p", String(pid)]);
    return stdout.startsWith("T");
  });
}

/** Resolves when the server has stored the end of the thread's turn: it has been told by then, too. */
async function untilStored(home: string, threadId: string): Promise<void> {
  const directory = path.join(home, "sessions");
  await until(async () => {
    const files = await readdir(directory, { recursive: true });
    const file = files.find((name) => name.endsWith(`${threadId}.jsonl`));
    if (file === undefined) return false;
    return (await readFile(path.join(directory, file), "utf8")).includes('"task_complete"');
  });
}

/** Both at once, since most of it is waiting for time-outs to pass. */
async function stopBoth(): Promise<Record<"stdio" | "socket", Endings>> {
  await using stage = await RealStage.open();
  await using server = await ListeningServer.start(stage);
  const [stdio, socket] = await Promise.all([
    stopAndGoOn(stage, stage.options()),
    stopAndGoOn(stage, { url: server.url }),
  ]);
  return { stdio, socket };
}

test("what has ended while the host was stopped has ended in time, over pipes and sockets", async () => {
  const all = {
    turn: "completed",
    silent: "completed",
    goal: "complete",
    request: "exit code 0",
  };
  expect(await stopBoth()).toEqual({ stdio: all, socket: all });
}, 120_000);
