import { chmod, copyFile, mkdir, readdir, rm, symlink } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { runCommand } from "../../scripts/run-command.js";
import { ListeningServer } from "../support/listening-server.js";
import { RealStage } from "../support/real.js";
import { makeTempDir, type TempDir } from "../support/temp-dir.js";
import { reply } from "../../lib/testing/index.js";
import type { TurnPart } from "../../lib/browser/index.js";
import { FunctionProcess, type Asked } from "./support/function-platform.js";

const root = path.resolve(import.meta.dirname, "../..");
const app = path.join(root, "examples/apps/serverless");

/** What `handler` answers with. */
interface Answer {
  readonly thread: string;
  readonly status: string;
  readonly answer: string;
  readonly error?: { readonly code: string };
}

let stage: RealStage;
let temp: TempDir;
/** Where the function lies: nothing in it can be written to. */
let task: string;
/** What can be written to. */
let writable: string;

beforeAll(() => runCommand("npm", ["run", "build"], { cwd: app }));
beforeEach(async () => {
  stage = await RealStage.open();
  temp = await makeTempDir();
  task = path.join(temp.path, "task");
  writable = path.join(temp.path, "tmp");
  await mkdir(writable);
  await mkdir(path.join(task, "node_modules"), { recursive: true });
  await copyFile(path.join(app, "dist/handler.cjs"), path.join(task, "handler.cjs"));
});
afterEach(async () => {
  await chmod(task, 0o755);
  await temp.remove();
  await stage.close();
});

/** A process of the function with the program beside it, on the stage's model. */
async function start(more: Readonly<Record<string, string>> = {}): Promise<FunctionProcess> {
  const runtime = path.join(task, "node_modules/@openai");
  await chmod(task, 0o755);
  await rm(runtime, { force: true });
  await symlink(path.join(root, "node_modules/@openai"), runtime);
  const { config } = stage.options();
  const env = {
    CODEX_OPTIONS: JSON.stringify({ config, env: { NO_PROXY: "127.0.0.1" } }),
    THREAD_OPTIONS: JSON.stringify({ sandbox: "danger-full-access" }),
    ...more,
  };
  return startWith(env);
}

async function startWith(more: Readonly<Record<string, string>>): Promise<FunctionProcess> {
  await chmod(task, 0o555);
  return FunctionProcess.start(path.join(task, "handler.cjs"), task, {
    PATH: process.env["PATH"] ?? "",
    HOME: path.join(task, "nonexistent"),
    TMPDIR: writable,
    PROJECT: task,
    ...more,
  });
}

async function ask(
  process: FunctionProcess,
  input: string,
  { thread, user = "ann", ...rest }: { thread?: string; user?: string; limitMs?: number } = {},
): Promise<Answer & { readonly statusCode: number; readonly leftMs: number }> {
  const asked: Asked = { user, body: { input, ...(thread && { thread }) }, ...rest };
  const { statusCode, body, leftMs } = await process.invoke(asked);
  return { ...(JSON.parse(body) as Answer), statusCode, leftMs };
}

/** The parts in a piece of the stream, behind that which names the thread. */
function partsIn(text: string): TurnPart[] {
  return [...text.matchAll(/^data: (.*)$/gm)].map(([, data = ""]) => JSON.parse(data) as TurnPart);
}

describe("a process of the function", () => {
  test("starts one app-server, and goes on with a conversation by it", async () => {
    await using process = await start();
    stage.model.enqueue(reply.text("One."));
    const first = await ask(process, "Count");
    const servers = await process.appServers();
    stage.model.enqueue(reply.text("Two."));
    const second = await ask(process, "Go on", { thread: first.thread });
    expect([first.answer, first.status]).toEqual(["One.", "completed"]);
    expect([second.answer, second.thread]).toEqual(["Two.", first.thread]);
    expect(JSON.stringify(stage.model.requests.at(-1))).toContain("One.");
    expect(servers).toHaveLength(1);
    expect(await process.appServers()).toEqual(servers);
  });

  test("streams the parts of a turn as they come", async () => {
    await using process = await start();
    const hold = reply.hold();
    stage.model.enqueue(reply.text(["At once", hold, ", and later."]));
    let text = "";
    for await (const told of process.stream({ user: "ann", body: { input: "Talk" } })) {
      if (told.type === "head") expect(told.head.statusCode).toBe(200);
      if (told.type !== "chunk") continue;
      text += told.text;
      if (text.includes("At once")) hold.release();
    }
    const [head, ...parts] = partsIn(text);
    expect(head).toMatchObject({ type: "thread" });
    expect(parts.at(-1)).toMatchObject({ type: "end", status: "completed" });
    const deltas = parts.flatMap((part) => (part.type === "message-delta" ? part.delta : []));
    expect(deltas.join("")).toBe("At once, and later.");
  });

  test("needs nothing but its temporary directory, and keeps its credentials to itself", async () => {
    await using process = await start({
      AWS_SESSION_TOKEN: "a credential of the function",
      THREAD_OPTIONS: JSON.stringify({ sandbox: "danger-full-access", config: {} }),
    });
    const command = `touch x || echo cannot write; echo "[$AWS_SESSION_TOKEN]"`;
    stage.model.enqueue(reply.shell(command), reply.text("I have looked."));
    let text = "";
    for await (const told of process.stream({ user: "ann", body: { input: "Look" } })) {
      if (told.type === "chunk") text += told.text;
    }
    const output = partsIn(text).flatMap((part) => (part.type === "tool-output" ? part.delta : []));
    expect(output.join("")).toContain("cannot write\n[]\n");
    expect((await readdir(task)).sort()).toEqual(["handler.cjs", "node_modules"]);
    expect(await readdir(writable)).toContain("codex-home");
  });

  test("runs no commands unless it is told to, since these could read what is other users'", async () => {
    await using process = await start();
    stage.model.enqueue(reply.shell("touch ran.txt"), reply.text("I cannot."));
    const { answer } = await ask(process, "Look around", { limitMs: 120_000 });
    expect(answer).toBe("I cannot.");
    expect(JSON.stringify(stage.model.requests.at(-1))).toContain("unsupported");
  });

  test("lets nobody else go on with a conversation of Ann's", async () => {
    await using process = await start();
    stage.model.enqueue(reply.text("A secret of Ann's."));
    const { thread } = await ask(process, "Tell me");
    const [id = ""] = thread.split(".");
    for (const tried of [thread, id, `${id}.made-up`]) {
      const refused = await ask(process, "Tell me", { thread: tried, user: "ben" });
      expect(refused.statusCode).toBe(404);
      expect(JSON.stringify(refused)).not.toContain("secret");
    }
    expect((await process.invoke({ body: { input: "Tell me" } })).statusCode).toBe(401);
    for (const body of [{}, { input: 1 }, { input: "x", thread: 1 }, "text"]) {
      expect((await process.invoke({ user: "ben", body })).statusCode).toBe(400);
    }
  });
});

test("a conversation whose home was left behind with another process does not exist any more", async () => {
  const secret = { THREAD_SECRET: "of all processes" };
  let thread: string;
  {
    await using first = await start(secret);
    stage.model.enqueue(reply.text("One."));
    ({ thread } = await ask(first, "Count"));
  }
  await rm(path.join(writable, "codex-home"), { recursive: true, maxRetries: 10 });
  await using second = await start(secret);
  expect((await ask(second, "Go on", { thread })).statusCode).toBe(404);
});

describe("before the platform ends the process, a turn that takes too long", () => {
  /** It is stopped eight seconds after it has begun. */
  const limitMs = 48_000;
  const reserve = { RESERVE_MS: "40000" };

  test("is stopped, and its answer has what there is", async () => {
    await using process = await start(reserve);
    stage.model.enqueue(reply.text("Ready."), reply.text(["Half of it", reply.hold()]));
    const { thread } = await ask(process, "Start");
    const late = await ask(process, "Talk", { thread, limitMs });
    expect(late).toMatchObject({ statusCode: 200, status: "failed", answer: "Half of it" });
    expect(late.error?.code).toBe("TURN_TIMEOUT");
    expect(late.leftMs).toBeGreaterThan(0);
    stage.model.enqueue(reply.text("The rest."));
    expect((await ask(process, "Go on", { thread })).answer).toBe("The rest.");
  });

  test("is stopped, and its stream says so", async () => {
    await using process = await start(reserve);
    stage.model.enqueue(reply.text("Ready."), reply.text(["Half of it", reply.hold()]));
    const { thread } = await ask(process, "Start");
    let text = "";
    for await (const told of process.stream({
      user: "ann",
      body: { input: "Talk", thread },
      limitMs,
    })) {
      if (told.type === "chunk") text += told.text;
      if (told.type === "done") expect(told.leftMs).toBeGreaterThan(0);
    }
    expect(text).toContain("Half of it");
    expect(partsIn(text).at(-1)).toMatchObject({
      type: "end",
      status: "failed",
      error: { code: "TURN_TIMEOUT" },
    });
  });
});

describe("a process that was frozen", () => {
  /** So that it is longer than what runs by the clock in it. */
  const awhile = () => new Promise((resolve) => setTimeout(resolve, 2_000));

  test("goes on with the next invocation, by the same app-server", async () => {
    const { config } = stage.options();
    const options = { config, env: { NO_PROXY: "127.0.0.1" }, unsubscribeIdleMs: 1_000 };
    await using process = await start({ CODEX_OPTIONS: JSON.stringify(options) });
    stage.model.enqueue(reply.text("One."));
    const { thread } = await ask(process, "Count");
    const servers = await process.appServers();
    await process.freeze(awhile);
    stage.model.enqueue(reply.text("Two."));
    expect((await ask(process, "Go on", { thread })).answer).toBe("Two.");
    expect(await process.appServers()).toEqual(servers);
  });

  test("finds a server elsewhere again that was restarted meanwhile", async () => {
    await using server = await ListeningServer.start(stage);
    await using process = await startWith({ CODEX_URL: server.url, PROJECT: stage.project });
    stage.model.enqueue(reply.text("One."));
    const { thread } = await ask(process, "Count");
    await process.freeze(() => server.restart());
    stage.model.enqueue(reply.text("Two."));
    const second = await ask(process, "Go on", { thread });
    expect(second).toMatchObject({ statusCode: 200, answer: "Two." });
  });
});

test("with a server elsewhere, another process goes on with the conversation, and there is no program", async () => {
  await using server = await ListeningServer.start(stage);
  const env = { CODEX_URL: server.url, PROJECT: stage.project, THREAD_SECRET: "of all processes" };
  let thread: string;
  {
    await using first = await startWith(env);
    stage.model.enqueue(reply.text("One."));
    ({ thread } = await ask(first, "Count"));
  }
  await using second = await startWith(env);
  stage.model.enqueue(reply.text("Two."));
  expect((await ask(second, "Go on", { thread })).answer).toBe("Two.");
  expect((await ask(second, "Go on", { thread, user: "ben" })).statusCode).toBe(404);
  expect(await second.appServers()).toEqual([]);
});
