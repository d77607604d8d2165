import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import {
  InvalidArgumentError,
  RequestNotPendingError,
  defer,
  type AppServerClient,
  type Codex,
  type RequestContext,
  type StartThreadOptions,
  type Thread,
} from "../../lib/index.js";
import { reply } from "../../lib/testing/index.js";
import { compileProgram } from "../support/compile-program.js";
import { killIfAlive, untilGone } from "../support/processes.js";
import { ListeningServer } from "../support/listening-server.js";
import { RealStage, next, rejection } from "../support/real.js";

let stage: RealStage;
let codex: Codex;
let markers = 0;

beforeAll(async () => {
  stage = await RealStage.open();
  codex = stage.codex();
});
afterAll(() => stage.close());

type OnApproval = NonNullable<StartThreadOptions["onApproval"]>;
type Answer = (decision: "accept" | "decline") => void;

/** A command that leaves something behind, on a thread that must ask for every command. */
async function asking(options: StartThreadOptions = {}, of: Codex = codex) {
  const file = path.join(stage.project, `marker-${(markers += 1)}`);
  const thread = await of.startThread({ approvalPolicy: "untrusted", ...options });
  stage.model.enqueueFor(thread.id, reply.shell(`mkdir ${file}`), reply.text("Done."));
  return { thread, ran: () => existsSync(file) };
}

/** An approval that waits for the test: who asks, and what answers. */
function held() {
  let seen!: (one: { context: RequestContext; answer: Answer }) => void;
  const asked = new Promise<{ context: RequestContext; answer: Answer }>((resolve) => {
    seen = resolve;
  });
  const onApproval: OnApproval = (_request, context) =>
    new Promise((resolve) => {
      seen({ context, answer: resolve });
    });
  return { asked, onApproval };
}

/** The same on a server that several clients use, after a first turn, so that others can resume it. */
async function settled(client: AppServerClient, options: StartThreadOptions) {
  const file = path.join(stage.project, `marker-${(markers += 1)}`);
  const thread = await client.startThread({ approvalPolicy: "untrusted", ...options });
  stage.model.enqueueFor(thread.id, reply.text("Hello."));
  await thread.run("Hello");
  stage.model.enqueueFor(thread.id, reply.shell(`mkdir ${file}`), reply.text("Done."));
  return { thread, ran: () => existsSync(file), begin: () => thread.turn("Go") };
}

function expectTooLate(of: Codex, key: string): void {
  expect(() => {
    of.respond(key, "accept");
  }).toThrow(RequestNotPendingError);
}

/** The thread goes on: a further turn of it comes to its end, so nothing of the last one hangs. */
async function expectUsable(thread: Thread): Promise<void> {
  stage.model.enqueueFor(thread.id, reply.text("Still here."));
  expect(await thread.run("Hello?")).toMatchObject({ status: "completed" });
}

test("what is accepted runs: so the others could have run", async () => {
  const { thread, ran } = await asking({ onApproval: "accept" });
  await thread.run("Go");
  expect(ran()).toBe(true);
});

describe("nothing runs when", () => {
  const wrong: readonly [string, unknown][] = [
    ["nothing is answered", undefined],
    ["null is answered", null],
    ["true is answered", true],
    ["another word is answered", "approved"],
    ["the word is in a list", ["accept"]],
    ["the answer is in the shape of the protocol", { decision: "accept" }],
    ["the answer is one for permissions", { permissions: {}, scope: "session" }],
    ["the answer has two decisions", { acceptWithExecpolicyAmendment: {}, accept: {} }],
    ["the answer is a function", () => "accept"],
    ["the answer says it is text", { toString: () => "accept" }],
  ];
  test.each(wrong)("%s", async (_name, answer) => {
    const { thread, ran } = await asking({ onApproval: () => answer as never });
    expect(await thread.run("Go")).toMatchObject({ status: "completed" });
    expect(ran()).toBe(false);
  });

  test("nobody handles it", async () => {
    const { thread, ran } = await asking();
    expect(await thread.run("Go")).toMatchObject({ status: "completed" });
    expect(ran()).toBe(false);
  });

  test("the handler throws, or rejects", async () => {
    const failing: OnApproval[] = [
      () => {
        throw new Error("broken");
      },
      () => Promise.reject(new Error("broken")),
    ];
    for (const onApproval of failing) {
      const { thread, ran } = await asking({ onApproval });
      expect(await thread.run("Go")).toMatchObject({ status: "completed" });
      expect(ran()).toBe(false);
    }
  });

  test("the handler hangs until the turn is interrupted, and then accepts", async () => {
    const { asked, onApproval } = held();
    const { thread, ran } = await asking({ onApproval });
    const turn = thread.turn("Go");
    const { answer, context } = await asked;
    await turn.interrupt();
    expect(await turn.run()).toMatchObject({ status: "interrupted" });
    answer("accept");
    expectTooLate(codex, context.key);
    await expectUsable(thread);
    expect(ran()).toBe(false);
  });

  test("it is deferred and never answered, and the turn's time is over", async () => {
    let asked = 0;
    const onApproval: OnApproval = () => {
      asked += 1;
      return defer();
    };
    const { thread, ran } = await asking({ onApproval });
    expect(await rejection(thread.run("Go", { timeoutMs: 5_000 }))).toMatchObject({
      code: "TURN_TIMEOUT",
    });
    expect(asked).toBe(1);
    expect(codex.pendingRequests()).toEqual([]);
    await expectUsable(thread);
    expect(ran()).toBe(false);
  });

  test("the answer goes to another request", async () => {
    const [first, second] = [held(), held()];
    const one = await asking({ onApproval: first.onApproval });
    const other = await asking({ onApproval: second.onApproval });
    const turns = [one.thread.turn("Go"), other.thread.turn("Go")];
    const [asked] = [await first.asked, await second.asked];
    const { context } = await second.asked;
    codex.respond(context.key, "accept");
    expect(await turns[1]?.run()).toMatchObject({ status: "completed" });
    expect([one.ran(), other.ran()]).toEqual([false, true]);
    for (const key of [context.key, "no-such-key"]) expectTooLate(codex, key);
    // Ids on the wire are counted from zero by every server process, so a Codex takes none.
    expect(() => {
      codex.respond(context.requestId as string, "accept");
    }).toThrow(InvalidArgumentError);
    asked.answer("decline");
    expect(await turns[0]?.run()).toMatchObject({ status: "completed" });
    expect(one.ran()).toBe(false);
  });

  test("the client is closed while it is asked, and the answer comes then", async () => {
    const own = stage.codex();
    const { asked, onApproval } = held();
    const { thread, ran } = await asking({ onApproval }, own);
    const turn = thread.turn("Go");
    const { answer, context } = await asked;
    await own.close();
    answer("accept");
    await rejection(turn.run());
    expect(context.signal.aborted).toBe(true);
    expect(ran()).toBe(false);
  });

  test("the server is killed while it asks, started again, and the thread resumed", async () => {
    const others = await stage.processes();
    const own = stage.codex();
    const { asked, onApproval } = held();
    const { thread, ran } = await asking({ onApproval }, own);
    const client = await own.client();
    const turn = thread.turn("Go");
    const { answer, context } = await asked;
    const servers = (await stage.processes()).filter((pid) => !others.includes(pid));
    expect(servers).toHaveLength(1);
    servers.forEach(killIfAlive);
    await client.closed;
    await rejection(turn.run());
    answer("accept");
    // The ids of the new server begin where those of the old one began.
    await expectUsable(thread);
    expectTooLate(own, context.key);
    expect(ran()).toBe(false);
    await own.close();
  });

  test("another client of the server declines first", async () => {
    await using server = await ListeningServer.start(stage);
    const { asked, onApproval } = held();
    const [one, other] = [await server.connect(), await server.connect()];
    const { thread, ran, begin } = await settled(one, { onApproval });
    const theirs = await other.resumeThread(thread.id, { onApproval: "decline" });
    const resolved = next(one, "serverRequest/resolved");
    const turn = begin();
    const { answer, context } = await asked;
    await resolved;
    answer("accept");
    expect(() => {
      one.respond(context.key, "accept");
    }).toThrow(RequestNotPendingError);
    expect(await turn.run()).toMatchObject({ status: "completed" });
    expect([theirs.id, ran()]).toEqual([thread.id, false]);
  });

  test("the connection is lost while it is asked, and a client that handles nothing takes over", async () => {
    await using server = await ListeningServer.start(stage);
    const { asked, onApproval } = held();
    const one = await server.connect();
    const { thread, ran, begin } = await settled(one, { onApproval });
    const turn = begin();
    const { answer } = await asked;
    await one.close();
    answer("accept");
    await rejection(turn.run());
    const other = await server.connect();
    const ended = next(other, "turn/completed", ({ threadId }) => threadId === thread.id);
    await other.resumeThread(thread.id);
    await ended;
    expect(ran()).toBe(false);
  });

  test("the host is killed while it is asked", async () => {
    const file = path.join(stage.project, "marker-of-the-doomed");
    stage.model.enqueue(reply.shell(`mkdir ${file}`), reply.text("Done."));
    const args = [await compileProgram(doomed), JSON.stringify(stage.options()), "Go"];
    const host = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    const exited = once(host, "exit");
    const [line] = (await once(host.stdout, "data")) as [Buffer];
    expect(line.toString()).toBe("asked\n");
    const servers = await childrenOf(host.pid ?? 0);
    expect(servers).not.toEqual([]);
    host.kill("SIGKILL");
    await exited;
    for (const pid of servers) await untilGone(pid);
    expect(existsSync(file)).toBe(false);
  });
});

const doomed = new URL("doomed-host.ts", import.meta.url);

/** The codex processes that a process has started. */
async function childrenOf(parent: number): Promise<number[]> {
  const { stdout } = await promisify(execFile)("ps", ["-axo", "pid=,ppid=,comm="]);
  return stdout.split("\n").flatMap((line) => {
    const [, pid, ppid, name = ""] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return Number(ppid) === parent && name.includes("codex") ? [Number(pid)] : [];
  });
}
