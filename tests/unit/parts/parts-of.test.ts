import { afterEach, describe, expect, test } from "@jest/globals";
import {
  Codex,
  InvalidArgumentError,
  TurnStreamError,
  type TurnOptions,
} from "../../../lib/index.js";
import { partsOf } from "../../../lib/parts/parts-of.js";
import type { TurnPart } from "../../../lib/parts/turn-part.js";
import { FakeAppServer, type FakeTurn } from "../../../lib/testing/index.js";
import type { Turn } from "../../../lib/turn.js";
import { collect } from "../../support/collect.js";

const stages: Codex[] = [];
afterEach(() => Promise.all(stages.splice(0).map((codex) => codex.close())));

/** A turn in which the server does this. */
async function turnOf(
  script: (turn: FakeTurn) => unknown,
  options: TurnOptions = {},
): Promise<Turn & { readonly codex: Codex }> {
  const server = new FakeAppServer();
  server.onTurn(script);
  const codex = new Codex({ server });
  stages.push(codex);
  const thread = await codex.startThread();
  return Object.assign(thread.turn("Go", options), { codex });
}

/** Reads up to the first part of a type. */
async function until(parts: AsyncIterator<TurnPart>, type: TurnPart["type"]): Promise<TurnPart> {
  for (;;) {
    const step = await parts.next();
    if (step.done === true) throw new Error(`no ${type} came`);
    if (step.value.type === type) return step.value;
  }
}

const ends = (parts: readonly TurnPart[]): TurnPart[] => parts.filter(({ type }) => type === "end");

test("a turn gives its parts, and its result beside them", async () => {
  const turn = await turnOf((fake) => fake.command("ls", { output: "a\n" }).reply("Two words."));
  const parts = await collect(partsOf(turn));
  expect(parts.map(({ type }) => type)).toEqual([
    "start",
    "user-message",
    "tool-start",
    "tool-output",
    "tool-end",
    "message-start",
    "message-delta",
    "message-delta",
    "message-end",
    "end",
  ]);
  expect(parts.at(-1)).toMatchObject({ status: "completed", finalResponse: "Two words." });
  expect(await turn.run()).toMatchObject({ finalResponse: "Two words." });
});

describe("the last part tells, in words for users, that", () => {
  test("the server has died, after closing what was open", async () => {
    const turn = await turnOf(async (fake) => {
      fake.unfinishedText("Half");
      await new Promise(setImmediate);
      fake.crash();
    });
    const parts = await collect(partsOf(turn));
    expect(ends(parts)).toEqual([parts.at(-1)]);
    expect(parts.at(-1)).toMatchObject({
      status: "lost",
      error: { code: "TRANSPORT_CLOSED", title: expect.stringContaining("connection") },
    });
    expect(parts).toContainEqual({
      type: "message-end",
      id: expect.any(String),
      phase: "final_answer",
      cut: true,
    });
  });

  test("the time limit is over", async () => {
    const turn = await turnOf((fake) => fake.unfinishedText("Half").hang(), { timeoutMs: 50 });
    const parts = await collect(partsOf(turn));
    expect(parts.at(-1)).toMatchObject({
      status: "failed",
      error: { code: "TURN_TIMEOUT", title: "The turn took too long, and was stopped." },
    });
  });

  test("nothing has come for too long", async () => {
    const turn = await turnOf((fake) => fake.hang(), { idleTimeoutMs: 50 });
    expect((await collect(partsOf(turn))).at(-1)).toMatchObject({
      status: "lost",
      error: { code: "TURN_STALLED" },
    });
    await turn.interrupt();
  });

  test("the reader is too slow, while the turn goes on", async () => {
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const turn = await turnOf(
      async (fake) => {
        for (let index = 0; index < 40; index += 1) {
          fake.command(`echo ${index}`, { output: "x".repeat(2_000) });
        }
        await finished;
        fake.reply("Done.");
      },
      { maxBacklogBytes: 20_000 },
    );
    const parts = partsOf(turn);
    await until(parts, "start");
    finish();
    await turn.run();
    const rest = await collect(parts);
    expect(ends(rest)).toEqual([
      expect.objectContaining({
        status: "lost",
        error: expect.objectContaining({ code: "SLOW_CONSUMER" }),
      }),
    ]);
  });

  test("it was stopped by its signal", async () => {
    const abort = new AbortController();
    const turn = await turnOf((fake) => fake.unfinishedText("Half").hang(), {
      signal: abort.signal,
    });
    const parts = partsOf(turn);
    await until(parts, "message-delta");
    abort.abort(new Error("canary"));
    const rest = await collect(parts);
    expect(rest.at(-1)).toMatchObject({ type: "end", status: "interrupted" });
    expect(JSON.stringify(rest)).not.toContain("canary");
  });

  test("it could not be started", async () => {
    const codex = new Codex({ codexPath: "/nowhere/canary" });
    stages.push(codex);
    const parts = await collect(partsOf(codex.thread("thread-1").turn("Go")));
    expect(parts).toEqual([
      expect.objectContaining({
        type: "end",
        status: "failed",
        error: { code: expect.stringMatching(/^[A-Z_]+$/), title: expect.stringMatching(/\.$/) },
      }),
    ]);
    expect(JSON.stringify(parts)).not.toContain("canary");
  });

  test("it was stopped before it was sent", async () => {
    const busy = await turnOf((fake) => fake.hang());
    const turn = busy.codex.thread(busy.threadId).turn("Go", { whenBusy: "queue" });
    const parts = collect(partsOf(turn));
    await turn.interrupt();
    expect(await parts).toEqual([expect.objectContaining({ type: "end", status: "interrupted" })]);
    await busy.interrupt();
  });
});

test("leaving the loop stops the turn, also before the first part, and while one is waited for", async () => {
  const first = await turnOf((fake) => fake.hang());
  for await (const part of partsOf(first)) if (part.type === "start") break;
  expect(await first.run()).toMatchObject({ status: "interrupted" });

  const second = await turnOf((fake) => fake.hang());
  await partsOf(second).return?.();
  expect(await second.run()).toMatchObject({ status: "interrupted" });

  const third = await turnOf((fake) => fake.hang());
  const parts = partsOf(third);
  await until(parts, "user-message");
  const waiting = parts.next();
  expect(await parts.return?.()).toEqual({ value: undefined, done: true });
  expect(await waiting).toEqual({ value: undefined, done: true });
  expect(await third.run()).toMatchObject({ status: "interrupted" });
});

test("a turn that is to go on goes on when the loop is left", async () => {
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const turn = await turnOf((fake) => finished.then(() => fake.reply("Done.")), {
    onBreak: "detach",
  });
  for await (const part of partsOf(turn)) if (part.type === "start") break;
  finish();
  expect(await turn.run()).toMatchObject({ status: "completed", finalResponse: "Done." });
});

test("several reads at once get one part each, in order", async () => {
  const turn = await turnOf((fake) => fake.reply("Hi."));
  const parts = partsOf(turn);
  const steps = await Promise.all(Array.from({ length: 7 }, () => parts.next()));
  expect(steps.map(({ value }) => value?.type)).toEqual([
    "start",
    "user-message",
    "message-start",
    "message-delta",
    "message-end",
    "end",
    undefined,
  ]);
});

test("what the caller does wrong is thrown at once", async () => {
  const turn = await turnOf((fake) => fake.reply("Hi."));
  expect(() => partsOf(turn, { cwd: 5 } as never)).toThrow(InvalidArgumentError);
  const parts = partsOf(turn);
  expect(() => partsOf(turn)).toThrow(TurnStreamError);
  expect((await collect(parts)).at(-1)).toMatchObject({ type: "end" });
});
