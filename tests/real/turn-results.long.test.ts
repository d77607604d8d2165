import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Codex, TurnEvent, TurnResult } from "../../lib/index.js";
import { reply, type LoopbackModel } from "../../lib/testing/index.js";
import { testWhere } from "../support/offers.js";
import { RealStage } from "../support/real.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;

beforeAll(async () => {
  stage = await RealStage.open();
  model = stage.model;
  codex = stage.codex();
});
afterAll(() => stage.close());

function typesOf(result: TurnResult): string[] {
  return result.items.map(({ type }) => type);
}

function tokens(inputTokens: number, outputTokens: number) {
  return expect.objectContaining({
    inputTokens,
    outputTokens,
    totalTokens: inputTokens + outputTokens,
  }) as unknown;
}

describe("the result of a turn", () => {
  test("has its status, answer, items, times and ids", async () => {
    const thread = await codex.startThread();
    model.enqueueFor(thread.id, reply.text("Hello there."));
    const before = Math.floor(Date.now() / 1_000);
    const result = await thread.run("Hi");

    expect(result).toMatchObject({
      threadId: thread.id,
      status: "completed",
      error: null,
      finalResponse: "Hello there.",
      items: [
        { type: "userMessage", content: [{ type: "text", text: "Hi" }] },
        { type: "agentMessage", text: "Hello there.", phase: "final_answer" },
      ],
    });
    expect(result.id).toBe(model.requests.findLast((r) => r.threadId === thread.id)?.turnId);
    expect(result.startedAt).toBeGreaterThanOrEqual(before);
    expect(result.completedAt).toBeGreaterThanOrEqual(result.startedAt ?? Infinity);
    expect(result.durationMs).toBeGreaterThan(0);
    expect(result.durationMs).toBeLessThan(60_000);
  });

  test("counts the tokens of this turn, of its last response, and of the whole thread", async () => {
    const thread = await codex.startThread();
    const spends = (inputTokens: number, outputTokens: number) =>
      reply.usage({ inputTokens, outputTokens });
    model.enqueueFor(
      thread.id,
      [reply.shell("true"), spends(100, 10)],
      [reply.text("One."), spends(200, 20)],
      [reply.shell("true"), spends(300, 30)],
      [reply.text("Two."), spends(400, 40)],
    );
    expect((await thread.run("First")).usage).toMatchObject({
      turn: tokens(300, 30),
      last: tokens(200, 20),
      total: tokens(300, 30),
    });
    expect((await thread.run("Second")).usage).toMatchObject({
      turn: tokens(700, 70),
      last: tokens(400, 40),
      total: tokens(1_000, 100),
    });
  });

  test("takes the final answer, never the commentary, however they are ordered", async () => {
    const thread = await codex.startThread();
    model.enqueueFor(
      thread.id,
      [reply.text("The answer."), reply.commentary("By the way.")],
      [reply.commentary("Only a remark.")],
      [reply.text("First.", { phase: null }), reply.text("Second.", { phase: null })],
      [reply.text("", { deltas: false })],
    );
    const answers = [];
    for (const input of ["1", "2", "3", "4"]) answers.push((await thread.run(input)).finalResponse);
    expect(answers).toEqual(["The answer.", null, "Second.", ""]);
  });

  test("shows reasoning, in summary and raw", async () => {
    const thread = await codex.startThread();
    const thought = reply.reasoning(["First.", "Then."], { raw: ["Raw."] });
    model.enqueueFor(thread.id, [thought, reply.text("Done.")]);
    const turn = thread.turn("Think", { summary: "detailed" });
    const summary: string[] = [];
    for await (const event of turn) {
      if (event.method === "item/reasoning/summaryTextDelta") {
        summary[event.params.summaryIndex] = event.params.delta;
      }
    }
    expect(summary).toEqual(["First.", "Then."]);
    const { items } = await turn.run();
    expect(items[1]).toMatchObject({
      type: "reasoning",
      summary: ["First.", "Then."],
      content: ["Raw."],
    });
  });

  test("has the output of a command that really ran, and its failure", async () => {
    const thread = await codex.startThread();
    model.enqueueFor(
      thread.id,
      [reply.shell("echo out; echo err >&2; exit 3", { callId: "failing" })],
      [reply.shell("printf 'Grüße' > made.txt; cat made.txt", { callId: "making" })],
      reply.text("Done."),
    );
    const result = await thread.run("Run");
    expect(typesOf(result)).toEqual([
      "userMessage",
      "commandExecution",
      "commandExecution",
      "agentMessage",
    ]);
    expect(result.items[1]).toMatchObject({
      id: "failing",
      status: "failed",
      exitCode: 3,
      // Two pipes, and so in either order.
      aggregatedOutput: expect.stringMatching(/^(out\nerr|err\nout)\n$/),
    });
    expect(result.items[2]).toMatchObject({
      id: "making",
      status: "completed",
      exitCode: 0,
      aggregatedOutput: "Grüße",
    });
    expect(await readFile(path.join(stage.project, "made.txt"), "utf8")).toBe("Grüße");
  });

  test("has the patch that really changed a file, and the turn's diff", async () => {
    const thread = await codex.startThread();
    const update = "*** Begin Patch\n*** Update File: list.txt\n@@\n-two\n+three\n*** End Patch";
    model.enqueueFor(
      thread.id,
      reply.addFile("list.txt", "one\ntwo\n"),
      reply.applyPatch(update),
      reply.text("Done."),
    );
    const turn = thread.turn("Patch");
    const result = await turn.run();
    expect(await readFile(path.join(stage.project, "list.txt"), "utf8")).toBe("one\nthree\n");
    const changes = result.items.flatMap((item) =>
      item.type === "fileChange" ? [[item.status, item.changes[0]?.kind.type]] : [],
    );
    expect(changes).toEqual([
      ["completed", "add"],
      ["completed", "update"],
    ]);
    expect(turn.state.diff).toContain("+three");
  });

  test("follows the output schema, which reaches the model", async () => {
    const thread = await codex.startThread();
    const outputSchema = {
      type: "object",
      properties: { answer: { type: "number" } },
      required: ["answer"],
      additionalProperties: false,
    };
    model.enqueueFor(thread.id, reply.text('{"answer":42}'), reply.text("Free."));
    const { finalResponse } = await thread.run("Answer", { outputSchema });
    expect(JSON.parse(finalResponse ?? "")).toEqual({ answer: 42 });
    await thread.run("And now?");
    const asked = model.requests.filter(({ threadId }) => threadId === thread.id);
    expect(asked.map((request) => request.outputSchema)).toEqual([outputSchema, undefined]);
    expect(asked[0]?.body.text).toMatchObject({ format: { type: "json_schema", strict: true } });
  });
});

/** Runs a command that goes on until its first output has been seen here. */
async function runningCommand(on: RealStage) {
  const file = `go-on-${(commands += 1)}`;
  const command = `echo one; until [ -e ${file} ]; do echo tick; sleep 0.02; done; echo end`;
  const other = on.codex();
  const [client, thread] = [await other.client(), await other.startThread()];
  on.model.enqueueFor(thread.id, reply.shell(command), reply.text("Done."));
  let output = "";
  let isTold = false;
  const turn = thread.turn("Run");
  for await (const event of turn) {
    if (event.method !== "item/commandExecution/outputDelta") continue;
    output += event.params.delta;
    if (output.includes("tick") && !isTold) {
      isTold = true;
      const seen = { path: path.join(on.project, file), dataBase64: "" };
      await client.request("fs/writeFile", seen);
    }
  }
  const { items } = await turn.run();
  await other.close();
  return { output, ran: items.find((item) => item.type === "commandExecution") };
}
let commands = 0;

const wholeTest = await testWhere("the whole output of a command", async (other) => {
  const { ran } = await runningCommand(other);
  return ran?.aggregatedOutput?.startsWith("one") ?? false;
});

describe("the events of a turn", () => {
  test("come in order, from the start to the end, and only its own", async () => {
    const thread = await codex.startThread();
    model.enqueueFor(thread.id, reply.text(["Hel", "lo"]));
    const turn = thread.turn("Hi");
    const events: TurnEvent[] = [];
    for await (const event of turn) events.push(event);
    // The server knows nothing of the scripted model, and warns of that.
    expect(events.filter(({ method }) => method !== "warning").map(({ method }) => method)).toEqual(
      [
        "turn/started",
        "item/started",
        "item/completed",
        "item/started",
        "item/agentMessage/delta",
        "item/agentMessage/delta",
        "item/completed",
        "thread/tokenUsage/updated",
        "turn/completed",
      ],
    );
    expect(new Set(events.map(({ params }) => params.threadId))).toEqual(new Set([thread.id]));
    expect(await turn.started).toEqual({ id: turn.id });
    const { items } = await turn.run();
    expect(events.flatMap((e) => (e.method === "item/completed" ? [e.params.item] : []))).toEqual(
      items,
    );
  });

  test("are all there for a consumer that comes after the end", async () => {
    const thread = await codex.startThread();
    const client = await codex.client();
    const completed = new Promise<void>((resolve) => {
      const stop = client.on("turn/completed", ({ params }) => {
        if (params.threadId !== thread.id) return;
        stop();
        resolve();
      });
    });
    const turn = thread.turn("Hi");
    await completed;
    const methods: string[] = [];
    for await (const { method } of turn) methods.push(method);
    expect(methods[0]).toBe("turn/started");
    expect(methods.at(-1)).toBe("turn/completed");
  });

  test("give the text of the answer alone, also of messages that come whole", async () => {
    const thread = await codex.startThread();
    model.enqueueFor(thread.id, [
      reply.commentary("Let me see. "),
      reply.text(["Strea", "med. "], { phase: null }),
      reply.text("Whole.", { deltas: false }),
    ]);
    const pieces: string[] = [];
    for await (const piece of thread.turn("Talk").textStream()) pieces.push(piece);
    expect(pieces.join("")).toBe("Streamed. \n\nWhole.");
  });

  test("show a running command's output before it ends", async () => {
    const { output, ran } = await runningCommand(stage);
    expect(output).toContain("end\n");
    expect(ran?.aggregatedOutput).toMatch(/(tick\n)+end\n$/);
  });

  wholeTest("end with a command's whole output", async () => {
    const { ran } = await runningCommand(stage);
    expect(ran?.aggregatedOutput).toMatch(/^one\n(tick\n)+end\n$/);
  });
});
