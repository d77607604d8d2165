/** What an error advises is tried here: it has to help. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  ExperimentalApiError,
  FeatureNotChangedError,
  GoalsUnavailableError,
  InvalidRequestError,
  ThreadArchivedError,
  ThreadBusyError,
  ThreadNotFoundError,
  TurnDetachedError,
  TurnFailedError,
  type AppServerClient,
  type Thread,
} from "../../lib/index.js";
import { reply } from "../../lib/testing/index.js";
import { LoginServer } from "../support/login-server.js";
import { RealStage, rejection } from "../support/real.js";

let stage: RealStage;
let client: AppServerClient;
beforeAll(async () => {
  stage = await RealStage.open();
  stage.model.respond(() => reply.text("Hello"));
  client = await stage.client();
});
afterAll(() => stage.close());

const input = [{ type: "text" as const, text: "Hi", text_elements: [] }];

/** A thread that has run a turn. */
async function usedThread(): Promise<Thread> {
  const thread = await client.startThread();
  await thread.run("Hi");
  return thread;
}

describe("an archived thread", () => {
  test.each<[string, (thread: Thread) => Promise<unknown>]>([
    ["a turn", (thread) => thread.run("Go on")],
    ["a turn of another handle", (thread) => client.thread(thread.id).run("Go on")],
    ["resumeThread()", (thread) => client.resumeThread(thread.id)],
    ["fork()", (thread) => thread.fork()],
    ["compact()", (thread) => thread.compact().run()],
    ["queue.add()", (thread) => thread.queue.add("Go on")],
    ["queue.list()", (thread) => thread.queue.list().all()],
  ])("refuses %s, and is taken back as the error says", async (_, call) => {
    const thread = await usedThread();
    await thread.archive();
    const error = await rejection(call(thread));
    expect(error).toBeInstanceOf(ThreadArchivedError);
    expect(error.message).toContain(thread.id);
    expect(error.message).toContain("unarchiveThread(id)");
    expect(error.message).not.toContain("codex unarchive");
    await client.unarchiveThread(thread.id);
    await call(thread);
  });

  test("has its turns and items listed all the same", async () => {
    const thread = await usedThread();
    await thread.archive();
    expect(await thread.turns().all()).toHaveLength(1);
    expect((await thread.items().all()).length).toBeGreaterThan(0);
  });

  test("cannot be archived again, and the error says what it may be", async () => {
    const thread = await usedThread();
    await thread.archive();
    const error = await rejection(thread.archive());
    expect(error).toBeInstanceOf(ThreadNotFoundError);
    expect(error.message).toContain("It may be archived already.");
    await thread.unarchive();
    await thread.archive();
  });
});

describe("unarchiveThread()", () => {
  test("of a thread that this client has open does not speak of another process", async () => {
    const thread = await usedThread();
    const error = await rejection(client.unarchiveThread(thread.id));
    expect(error).toBeInstanceOf(ThreadBusyError);
    expect(error.message).toContain("is not archived: there is nothing to take back");
    expect(error.message).not.toContain("Another process");
    await expect(thread.run("Go on")).resolves.toMatchObject({ status: "completed" });
  });
});

test("a thread that another process has open can be forked, and used once that process is gone", async () => {
  const other = await stage.client();
  const thread = await other.startThread();
  await thread.run("Hi");
  for (const call of [
    () => client.resumeThread(thread.id),
    () => client.archiveThread(thread.id),
    () => client.deleteThread(thread.id),
  ]) {
    const error = await rejection(call());
    expect(error).toBeInstanceOf(ThreadBusyError);
    expect(error.message).toMatch(/Another process has this thread open: .*end that app-server/);
  }
  const fork = await client.forkThread(thread.id);
  expect((await fork.run("Go on")).status).toBe("completed");
  await other.close();
  expect((await client.thread(thread.id).run("Go on")).status).toBe("completed");
});

test("a request for a thread that is not loaded works once the thread is resumed", async () => {
  const other = await stage.client();
  const { id: threadId } = await other.startThread();
  await other.thread(threadId).run("Hi");
  await other.close();
  const send = () => client.request("turn/start", { threadId, input });
  const error = await rejection(send());
  expect(error).toBeInstanceOf(ThreadNotFoundError);
  expect(error.message).toContain("Resume a thread that is not loaded");
  await client.resumeThread(threadId);
  await expect(send()).resolves.toMatchObject({ turn: { status: "inProgress" } });
});

test("an experimental method works with experimentalApi: true", async () => {
  const stable = await stage.client({ experimentalApi: false });
  const error = await rejection(stable.searchThreads("Hi").all());
  expect(error).toBeInstanceOf(ExperimentalApiError);
  expect(error.message).toContain("experimentalApi: true");
  await stable.close();
  const experimental = await stage.client({ experimentalApi: true });
  await experimental.searchThreads("Hi").all();
  await experimental.close();
});

test("goals work in a server that has the feature on, and in a thread that is stored", async () => {
  const { config } = stage.options();
  const without = await stage.client({ config: { ...config, features: { goals: false } } });
  const thread = await without.startThread();
  for (const call of [() => thread.goal.get(), () => thread.goal.set({ objective: "Reach it" })]) {
    const error = await rejection(call());
    expect(error).toBeInstanceOf(GoalsUnavailableError);
    expect(error.message).toContain("config: { features: { goals: true } }");
  }
  await without.close();
  const ephemeral = await client.startThread({ ephemeral: true });
  const refusal = await rejection(ephemeral.goal.get());
  expect(refusal).toBeInstanceOf(GoalsUnavailableError);
  expect(refusal.message).toContain("without `ephemeral: true`");
  const enabled = await stage.client({ config: { ...config, features: { goals: true } } });
  expect(await (await enabled.startThread()).goal.get()).toBeNull();
  await enabled.close();
});

test("a feature that cannot be switched while the server runs is switched by its configuration", async () => {
  const stateOf = async (one: AppServerClient) =>
    (await one.features.list().all()).find(({ name }) => name === "in_app_chat")?.enabled;
  expect(await stateOf(client)).toBe(true);
  const error = await rejection(client.features.set({ in_app_chat: false }));
  expect(error).toBeInstanceOf(FeatureNotChangedError);
  expect(error.message).toContain("Set it in the configuration (features.<name>)");
  const { config } = stage.options();
  const other = await stage.client({ config: { ...config, features: { in_app_chat: false } } });
  expect(await stateOf(other)).toBe(false);
  await other.close();
});

test("a feature that the server does not know is said to be unknown", async () => {
  const error = await rejection(client.features.set({ no_such_feature: true }));
  expect(error).toBeInstanceOf(FeatureNotChangedError);
  expect(error.message).toContain("does not know no_such_feature: features.list() has the names");
  expect(error.message).not.toContain("Set it in the configuration");
});

test("a turn that nobody was logged in for works after the login that the error names", async () => {
  const apiKey = "sk-loopback-advice";
  await using server = await LoginServer.open();
  await using other = await RealStage.open(server.overrides());
  other.model.respond(({ headers }) =>
    headers.authorization === `Bearer ${apiKey}`
      ? reply.text("Hello")
      : reply.http(401, { error: { message: "no key" } }),
  );
  const codex = other.codex();
  const thread = await codex.startThread();
  const error = await rejection(thread.run("Hi"));
  expect(error).toBeInstanceOf(TurnFailedError);
  expect(error.message).toContain("codex.login.apiKey(key)");
  await codex.login.apiKey(apiKey);
  expect(await thread.run("Hi")).toMatchObject({ finalResponse: "Hello" });
});

test("a turn that this client has let go of is found by resuming the thread", async () => {
  const thread = await client.startThread();
  const gate = reply.hold();
  stage.model.enqueueFor(thread.id, reply.text(["Still ", gate, "here."]));
  const turn = thread.turn("Talk");
  const lost = rejection(turn.run());
  await gate.reached;
  await client.request("thread/unsubscribe", { threadId: thread.id });
  expect(await lost).toBeInstanceOf(TurnDetachedError);
  expect((await lost).message).toContain("resume the thread, and read its turns");
  const again = await client.resumeThread(thread.id);
  gate.release();
  await again.run("Go on");
  const stored = await again.turns({ sortDirection: "asc" }).all();
  expect(stored.map(({ status }) => status)).toEqual(["completed", "completed"]);
});

test("what is stored of an ephemeral thread is refused alike by all that would list it", async () => {
  const thread = await client.startThread({ ephemeral: true });
  for (const ran of [false, true]) {
    if (ran) await thread.run("Hi");
    for (const list of [thread.turns(), thread.items(), thread.searchOccurrences("Hi")]) {
      const error = await rejection(list.all());
      expect(error.constructor).toBe(InvalidRequestError);
      expect(error.message).toContain("ephemeral threads do not support");
    }
  }
});

describe("the server's rules for the model and its effort", () => {
  /** A thread whose last turn had another model than the configuration, and an effort. */
  async function thoughtful(): Promise<Thread> {
    const thread = await client.startThread();
    await thread.run("Hi", { model: "model-1", effort: "high" });
    return thread;
  }
  const settingsOf = ({ opened }: Thread) => [opened?.model, opened?.reasoningEffort];

  test("resuming under another model resets the effort, unless the configuration of the call names it", async () => {
    const { id } = await thoughtful();
    expect(settingsOf(await client.resumeThread(id))).toEqual(["model-1", "high"]);
    expect(settingsOf(await client.resumeThread(id, { model: "model-2" }))).toEqual([
      "model-2",
      null,
    ]);
    const config = { model_reasoning_effort: "high" };
    const cured = await client.resumeThread(id, { model: "model-3", config });
    expect(settingsOf(cured)).toEqual(["model-3", "high"]);
  });

  test("updateSettings() changes the model alone", async () => {
    const thread = await thoughtful();
    await thread.updateSettings({ model: "model-2" });
    await thread.run("Go on");
    expect(stage.model.requests.at(-1)).toMatchObject({
      model: "model-2",
      body: { reasoning: { effort: "high" } },
    });
  });

  test("a fork takes both from the configuration, unless the call names them", async () => {
    const thread = await thoughtful();
    const [model, effort] = settingsOf(await thread.fork());
    expect([model === "model-1", effort]).toEqual([false, null]);
    const config = { model_reasoning_effort: "high" };
    expect(settingsOf(await thread.fork({ model: "model-1", config }))).toEqual([
      "model-1",
      "high",
    ]);
  });
});
