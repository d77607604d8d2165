import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { AsyncLocalStorage } from "node:async_hooks";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { type Codex, type Thread } from "../../lib/index.js";
import { reply, type LoopbackModel } from "../../lib/testing/index.js";
import { RealStage } from "../support/real.js";
import { callTools, tool } from "../support/tools.js";

/** Whose request this is, as the middleware of a web server would keep it. */
const user = new AsyncLocalStorage<string>();

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;
/** In whose name the client's handler was called. */
const asked: unknown[] = [];
let files = 0;

beforeAll(async () => {
  stage = await RealStage.open();
  model = stage.model;
  codex = stage.codex({
    onApproval: async () => {
      await Promise.resolve();
      asked.push(user.getStore());
      return "accept" as const;
    },
  });
  // As it is in production: somebody's request comes first, and starts the server.
  await user.run("the first", () => codex.ready());
});
afterAll(() => stage.close());

/** A command that has to be approved. */
const command = () => reply.shell(`mkdir ${path.join(stage.project, `d${(files += 1)}`)}`);

async function askedBy(what: () => Promise<unknown>): Promise<unknown[]> {
  asked.length = 0;
  await what();
  return [...asked];
}

async function startThread(): Promise<Thread> {
  return user.run("whoever made the thread", () =>
    codex.startThread({ approvalPolicy: "untrusted" }),
  );
}

describe("a handler of the client is called in the name of", () => {
  test("each user who runs a turn on a thread that is kept", async () => {
    const thread = await startThread();
    const names = await askedBy(async () => {
      for (const name of ["Ada", "Grace"]) {
        model.enqueueFor(thread.id, command(), reply.text("Done."));
        await user.run(name, () => thread.run("Make it"));
      }
    });
    expect(names).toEqual(["Ada", "Grace"]);
  });

  test("users whose turns run beside each other", async () => {
    const names = await askedBy(() =>
      Promise.all(
        ["Ada", "Grace", "Edsger"].map(async (name) => {
          const thread = await startThread();
          model.enqueueFor(thread.id, command(), command(), reply.text("Done."));
          await user.run(name, () => thread.run("Make them"));
        }),
      ),
    );
    expect(names.sort()).toEqual(["Ada", "Ada", "Edsger", "Edsger", "Grace", "Grace"]);
  });

  test("whoever set a goal, in all of its turns", async () => {
    const thread = await startThread();
    const done = [reply.updateGoal("complete"), reply.text("Reached.")];
    model.enqueueFor(thread.id, command(), reply.text("On."), command(), ...done);
    const names = await askedBy(() => user.run("Ada", () => thread.runGoal("Reach it").run()));
    expect(names).toEqual(["Ada", "Ada"]);
  });

  test("whoever set a goal without following it, though others look on", async () => {
    const thread = await startThread();
    const turns = user.run("Grace", () => thread.unsolicitedTurns());
    const done = [reply.updateGoal("complete"), reply.text("Reached.")];
    model.enqueueFor(thread.id, command(), reply.text("On."), command(), ...done);
    const names = await askedBy(async () => {
      const first = turns.next();
      await user.run("Ada", () => thread.goal.set({ objective: "Reach it" }));
      for (const coming of [first, turns.next()]) {
        const { value: turn } = await coming;
        await turn?.run();
      }
    });
    expect(names).toEqual(["Ada", "Ada"]);
    await turns.return?.();
  });

  test("whoever put the input into the queue, behind the turn of another", async () => {
    const thread = await startThread();
    const hold = reply.hold();
    model.enqueueFor(thread.id, reply.text(["Run", hold, "ning."]), command(), reply.text("Done."));
    const names = await askedBy(async () => {
      const running = user.run("Grace", () => thread.turn("Running"));
      await hold.reached;
      const turns = thread.unsolicitedTurns();
      await user.run("Ada", () => thread.queue.add("And then"));
      hold.release();
      await running.run();
      const { value: queued } = await turns.next();
      await queued?.run();
      await turns.return?.();
    });
    expect(names).toEqual(["Ada"]);
  });

  test("the user for whose turn a sub-agent works", async () => {
    const thread = await startThread();
    model.respond((request) => {
      if (request.parentThreadId === thread.id) {
        return request.toolOutputs.length > 0 ? reply.text("Made.") : command();
      }
      const [spawned, waited] = request.toolOutputs.filter(({ callId }) => callId !== "");
      if (!spawned) return reply.spawnAgent("Make it.");
      const { agent_id: agentId } = JSON.parse(spawned.output) as { agent_id: string };
      return waited ? reply.text("Done.") : reply.waitAgent([agentId]);
    });
    const names = await askedBy(() => user.run("Ada", () => thread.run("Ask somebody")));
    model.respond(undefined);
    expect(names).toEqual(["Ada"]);
  });
});

test("a tool runs for whoever runs the turn, not for whoever gave it to the thread", async () => {
  const seen: unknown[] = [];
  const who = tool("who", async () => {
    seen.push(user.getStore());
    await new Promise((resolve) => setTimeout(resolve, 5));
    seen.push(user.getStore());
    return "somebody";
  });
  const thread = await user.run("whoever", () => codex.startThread({ tools: [who] }));
  for (const name of ["Ada", "Grace"]) {
    await user.run(name, () => callTools(model, thread, ["who"]));
  }
  expect(seen).toEqual(["Ada", "Ada", "Grace", "Grace"]);
});

test("a web server answers each request in its own name, though one client serves them all", async () => {
  const who = tool("who", () => user.getStore());
  const threads = new Map<string, Promise<Thread>>();
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? "/", "http://localhost");
    const name = searchParams.get("user") ?? "";
    const key = searchParams.get("thread") ?? "";
    void user.run(name, async () => {
      const kept = threads.get(key) ?? codex.startThread({ tools: [who] });
      threads.set(key, kept);
      response.end((await callTools(model, await kept, ["who"])).join());
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const ask = async (thread: string, name: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}/?thread=${thread}&user=${name}`);
    return answer.text();
  };
  expect(await ask("a", "Ada")).toBe("Ada");
  expect(await ask("a", "Grace")).toBe("Grace");
  expect(await Promise.all([ask("a", "Edsger"), ask("b", "Barbara")])).toEqual([
    "Edsger",
    "Barbara",
  ]);
  server.close();
});

test("what the server writes to stderr is told in the context of the client, not of its first call", async () => {
  const own = await RealStage.open();
  const seen = new Set<unknown>();
  const made = user.run("at the start", () =>
    own.codex({
      env: { RUST_LOG: "info" },
      onStderr: () => {
        seen.add(user.getStore());
      },
    }),
  );
  await user.run("the first", () => made.ready());
  await made.startThread();
  await own.close();
  expect([...seen]).toEqual(["at the start"]);
});
