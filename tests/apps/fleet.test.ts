import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { readTurn } from "../../lib/browser/index.js";
import {
  configFor,
  reply,
  startLoopbackModel,
  type LoopbackModel,
} from "../../lib/testing/index.js";
import { configArgs, serverUnderTest } from "../support/raw-client.js";
import { makeTempDir, type TempDir } from "../support/temp-dir.js";

let model: LoopbackModel;
let folder: TempDir;
let fleet: ChildProcess;
/** The processes of the fleet that run at the moment, by their names. */
const pids = new Map<string, number>();
const webs: string[] = [];

beforeAll(async () => {
  model = await startLoopbackModel();
  model.respond(({ lastUserText }) =>
    reply.text(["You ", "said ", `${lastUserText}.`], { delayMs: 300 }),
  );
  folder = await makeTempDir("fleet-");
  const { config, env } = await configFor(model);
  fleet = spawn(process.execPath, ["--import", "tsx", "fleet.ts"], {
    cwd: path.resolve(import.meta.dirname, "../../examples/apps/fleet"),
    env: {
      ...process.env,
      ...env,
      FLEET_DATA: folder.path,
      CODEX_PROGRAM: serverUnderTest(),
      CODEX_ARGS: JSON.stringify(configArgs(config)),
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const { stdout } = fleet;
  if (!stdout) throw new Error("it has no output");
  createInterface(stdout).on("line", (line) => {
    const [, name = "", pid] = /^(\S+) runs as (\d+)$/.exec(line) ?? [];
    if (pid !== undefined) pids.set(name, Number(pid));
    const [, url] = /^web-\d: (\S+)$/.exec(line) ?? [];
    if (url !== undefined) webs.push(url);
  });
  await until(async () => webs.length === 2 && (await isUp(webs[0])) && (await isUp(webs[1])));
}, 120_000);

afterAll(async () => {
  const gone = once(fleet, "exit");
  fleet.kill("SIGTERM");
  await gone;
  await model.close();
  await folder.remove();
}, 60_000);

test("whatever is killed in the middle of turns, each ends once, or says why", async () => {
  const kinds = ["worker-a", "worker-b", "app-server-a", "app-server-b", "web-1", "redis"];
  for (const kind of kinds) {
    const texts = [0, 1, 2, 3].map((index) => `${kind} ${index}`);
    const ids = await Promise.all(texts.map(add));
    await until(() => model.requests.some(({ lastUserText }) => texts.includes(lastUserText)));
    const pid = pids.get(kind) ?? 0;
    process.kill(pid, "SIGKILL");
    await until(() => pids.get(kind) !== pid);
    const ends = await Promise.all(ids.map(endOf));
    const others = ends.filter((end) => end !== "completed" && !mayEnd(kind).includes(end));
    expect({ kind, others }).toEqual({ kind, others: [] });
    for (const text of texts) {
      const starts = model.requests.filter(({ lastUserText }) => lastUserText === text);
      expect(starts.length).toBeLessThanOrEqual(1);
    }
  }
}, 300_000);

test("the board shows the queues", async () => {
  const response = await fetch(`${webs[1] ?? ""}/board/api/queues`);
  const { queues } = (await response.json()) as { queues: { name: string }[] };
  expect(queues.map(({ name }) => name)).toEqual(["turns", "turns@a", "turns@b"]);
});

/** How a turn may end, besides by its own end, when this is killed. */
function mayEnd(kind: string): readonly string[] {
  if (kind.startsWith("app-server")) return ["TURN_LOST", "TRANSPORT_CLOSED", "TURN_UNKNOWN"];
  // It may die between the mark that it sends a turn and the server's answer.
  return kind.startsWith("worker") ? ["TURN_UNKNOWN"] : [];
}

async function add(text: string): Promise<string> {
  const headers = { "content-type": "application/json" };
  for (;;) {
    try {
      const body = JSON.stringify({ text, key: text });
      const response = await fetch(`${webs[1] ?? ""}/turns`, { method: "POST", headers, body });
      if (response.ok) return ((await response.json()) as { id: string }).id;
    } catch {
      // It is being started again; the key keeps the turn from being added twice.
    }
    await tick();
  }
}

/** The status, or the code of the error, that a viewer sees at the end who comes back whenever it is cut off. */
async function endOf(id: string): Promise<string> {
  for (;;) {
    try {
      for await (const part of readTurn(`${webs[0] ?? ""}/turns/${id}/events`)) {
        if (part.type === "end" && !part.origin) return part.error?.code ?? part.status;
      }
    } catch {
      // Nobody has begun it yet.
    }
    await tick();
  }
}

async function isUp(url = ""): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}

async function until(fits: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await fits())) await tick();
}

function tick(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 100));
}
