import { describe, expect, test } from "@jest/globals";
import { InvalidArgumentError } from "../../../lib/errors/invalid-argument-error.js";
import { ThreadNotFoundError } from "../../../lib/errors/rpc-errors.js";
import type { StartThreadOptions } from "../../../lib/options/thread-options.js";
import { rejection, settled } from "../../support/collect.js";
import { isNoLoadQuestion, linked, ResponseError } from "../../support/linked-server.js";
import { opened } from "../../support/turn-messages.js";

describe("startThread", () => {
  test("passes the settings on as they are, and returns a handle with what the server said", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    const settings: StartThreadOptions = {
      cwd: "/home/user/project",
      model: "gpt-x",
      sandbox: "read-only",
      approvalPolicy: "never",
      config: { "features.web_search": true, nested: { list: [1, "two", null] } },
    };
    const thread = await client.startThread(settings);
    expect(server.paramsOf("thread/start")).toEqual([settings]);
    expect(thread.id).toBe("thread-1");
    expect(thread.opened).toMatchObject({ model: "mock-model", cwd: "/home/user/project" });
  });

  test("needs no settings", async () => {
    await using pair = await linked();
    await pair.client.startThread();
    expect(pair.server.paramsOf("thread/start")).toEqual([{}]);
  });

  test("sends null and does not send undefined", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    const settings = { model: undefined, cwd: null, baseInstructions: "Be brief." };
    // exactOptionalPropertyTypes forbids the undefined; JavaScript does not.
    await client.startThread(settings);
    expect(server.paramsOf("thread/start")).toEqual([{ cwd: null, baseInstructions: "Be brief." }]);
  });

  test("throws what the server answers", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    server.handle("thread/start", () => {
      throw new ResponseError(-32_600, "failed to load configuration: expected `=`");
    });
    expect(await rejection(client.startThread())).toMatchObject({ code: "INVALID_REQUEST" });
  });
});

describe.each(["thread/resume", "thread/fork"] as const)("%s", (method) => {
  test("leaves the history out unless told otherwise", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    const open = method === "thread/resume" ? "resumeThread" : "forkThread";
    server.handle(method, () => opened("thread-9"));
    const thread = await client[open]("thread-8");
    await client[open]("thread-8", { excludeTurns: false, model: "gpt-x" });
    expect(server.paramsOf(method)).toEqual([
      { threadId: "thread-8", excludeTurns: true },
      { threadId: "thread-8", excludeTurns: false, model: "gpt-x" },
    ]);
    expect(thread.id).toBe("thread-9");
    expect(thread.opened).toMatchObject({ thread: { id: "thread-9" } });
  });

  test("says in plain words that a thread without turns has no history", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    const open = method === "thread/resume" ? "resumeThread" : "forkThread";
    server.handle(method, () => {
      throw new ResponseError(-32_600, "no rollout found for thread id thread-8");
    });
    const error = await rejection(client[open]("thread-8"));
    expect(error).toBeInstanceOf(ThreadNotFoundError);
    expect((error as Error).message).toContain(
      "A thread has no stored history before its first turn; if it has run one, check the id.",
    );
  });
});

test("a loaded thread is unloaded before it is resumed with changes, which it would ignore", async () => {
  await using pair = await linked();
  const { client, server } = pair;
  server.handle("thread/resume", () => opened("thread-8"));
  server.handle("thread/unsubscribe", () => ({ status: "unsubscribed" }));
  await client.resumeThread("thread-8");
  const requests = () => server.requests.filter(isNoLoadQuestion);
  const before = requests().length;
  await client.resumeThread("thread-8", { excludeTurns: false });
  expect(requests().slice(before)).toHaveLength(1);
  await client.resumeThread("thread-8", { sandbox: "read-only" });
  expect(requests().slice(before + 1)).toMatchObject([
    { method: "thread/resume", params: { threadId: "thread-8", excludeTurns: true } },
    { method: "thread/unsubscribe", params: { threadId: "thread-8" } },
    { method: "thread/resume", params: { threadId: "thread-8", sandbox: "read-only" } },
  ]);
});

test("thread(id) sends nothing and knows nothing", async () => {
  await using pair = await linked();
  const { client, server } = pair;
  const before = server.requests.length;
  const thread = client.thread("thread-8");
  expect(thread.id).toBe("thread-8");
  expect(thread.opened).toBeUndefined();
  await settled();
  expect(server.requests).toHaveLength(before);
});

test.each([
  ["an empty string", ""],
  ["undefined", undefined],
  ["a thread", { id: "thread-8" }],
])("an id that is %s is refused at once, and nothing is sent", async (_name, value) => {
  await using pair = await linked();
  const { client, server } = pair;
  const before = server.requests.length;
  const id = value as string;
  expect(() => client.thread(id)).toThrow(InvalidArgumentError);
  expect(() => client.thread(id)).toThrow("id must be the id of a thread");
  for (const call of [
    () => client.resumeThread(id),
    () => client.forkThread(id),
    () => client.archiveThread(id),
    () => client.unarchiveThread(id),
  ]) {
    expect(await rejection(call())).toBeInstanceOf(InvalidArgumentError);
  }
  expect(server.requests).toHaveLength(before);
});

test("archiveThread and unarchiveThread call the methods of their names", async () => {
  await using pair = await linked();
  const { client, server } = pair;
  await client.archiveThread("thread-8");
  const thread = await client.unarchiveThread("thread-8");
  expect(thread.id).toBe("thread-8");
  expect(server.paramsOf("thread/archive")).toEqual([{ threadId: "thread-8" }]);
  expect(server.paramsOf("thread/unarchive")).toEqual([{ threadId: "thread-8" }]);
});
