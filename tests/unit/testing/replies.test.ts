import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";

import {
  reply,
  startLoopbackModel,
  type LoopbackModel,
  type ModelEvent,
  type Reply,
} from "../../../lib/testing/index.js";
import { ask, eventsOf, textDeltas } from "./ask-model.js";

let model: LoopbackModel;
beforeEach(async () => {
  model = await startLoopbackModel();
});
afterEach(() => model.close());

/** What is sent for a reply. */
async function sent(scripted: Reply): Promise<ModelEvent[]> {
  model.enqueue(scripted);
  return eventsOf(await ask(model));
}

/** The finished items of a reply. */
async function items(scripted: Reply): Promise<unknown[]> {
  const done = (await sent(scripted)).filter(({ type }) => type === "response.output_item.done");
  return done.map(({ item }) => item);
}

/** The decoded arguments of the only call in a reply, with its name and namespace. */
async function call(scripted: Reply) {
  const [item] = (await items(scripted)) as { arguments: string; name: string }[];
  return { ...item, arguments: JSON.parse(item?.arguments ?? "") as unknown };
}

describe("text", () => {
  test("is streamed word by word, and the words join to the text", async () => {
    const spaced = "  Two  words\nand äöü 🙂. ";
    const events = await sent(reply.text(spaced));
    const deltas = textDeltas(events);
    expect(deltas.length).toBeGreaterThan(3);
    expect(deltas.join("")).toBe(spaced);
    expect(events.map(({ type }) => type)).toEqual([
      "response.created",
      "response.output_item.added",
      ...deltas.map(() => "response.output_text.delta"),
      "response.output_item.done",
      "response.completed",
    ]);
  });

  test("is the final answer unless told otherwise", async () => {
    expect(await items(reply.text("a"))).toMatchObject([{ phase: "final_answer" }]);
    expect(await items(reply.commentary("a"))).toMatchObject([{ phase: "commentary" }]);
    const [bare] = await items(reply.text("a", { phase: null }));
    expect(bare).not.toHaveProperty("phase");
  });

  test("can be empty, whole, and of a given id", async () => {
    const events = await sent(reply.text("", { deltas: false, id: "mine" }));
    expect(events.map(({ type }) => type)).toEqual([
      "response.created",
      "response.output_item.done",
      "response.completed",
    ]);
    expect(events[1]).toMatchObject({ item: { id: "mine", content: [{ text: "" }] } });
  });

  test("that is not finished has no end", async () => {
    const events = await sent([reply.unfinishedText("cut"), reply.endEarly()]);
    expect(events.map(({ type }) => type)).toEqual([
      "response.created",
      "response.output_item.added",
      "response.output_text.delta",
    ]);
  });
});

describe("several items in one reply", () => {
  test("come in order between one beginning and one end", async () => {
    const done = await items([
      reply.reasoning(["a", "b"], { raw: ["c"] }),
      reply.commentary("d"),
      reply.shell("ls"),
      reply.shell("pwd"),
      reply.webSearch("e"),
    ]);
    expect(done).toMatchObject([
      { type: "reasoning", summary: [{ text: "a" }, { text: "b" }], content: [{ text: "c" }] },
      { type: "message" },
      { type: "function_call", name: "exec_command" },
      { type: "function_call", name: "exec_command" },
      { type: "web_search_call", status: "completed", action: { query: "e" } },
    ]);
    const callIds = (done as { call_id?: string }[]).flatMap(({ call_id: id }) => id ?? []);
    expect(new Set(callIds).size).toBe(2);
  });

  test("report what was used", async () => {
    const events = await sent([
      reply.text("a"),
      reply.usage({ inputTokens: 7, cachedInputTokens: 3, outputTokens: 2 }),
    ]);
    expect(events.at(-1)).toMatchObject({
      type: "response.completed",
      response: {
        usage: {
          input_tokens: 7,
          input_tokens_details: { cached_tokens: 3 },
          output_tokens: 2,
          output_tokens_details: { reasoning_tokens: 0 },
          total_tokens: 9,
        },
      },
    });
  });
});

describe("tool calls", () => {
  test("carry their arguments in the server's names", async () => {
    expect(
      await call(reply.shell("ls", { yieldTimeMs: 5, workdir: "/", callId: "c" })),
    ).toMatchObject({ call_id: "c", arguments: { cmd: "ls", yield_time_ms: 5, workdir: "/" } });
    expect(await call(reply.mcpTool("files", "read", { path: "a" }))).toMatchObject({
      name: "read",
      namespace: "mcp__files",
      arguments: { path: "a" },
    });
    expect(await call(reply.spawnAgent("go"))).toMatchObject({
      name: "spawn_agent",
      namespace: "multi_agent_v1",
      arguments: { message: "go", agent_type: "default" },
    });
    expect(await call(reply.waitAgent(["x"]))).toMatchObject({
      name: "wait_agent",
      arguments: { targets: ["x"], timeout_ms: 20_000 },
    });
    expect(await call(reply.updateGoal("complete"))).toMatchObject({
      name: "update_goal",
      arguments: { status: "complete" },
    });
  });

  test("leave out what was not given", async () => {
    expect((await call(reply.shell("ls"))).arguments).toEqual({ cmd: "ls", yield_time_ms: 10_000 });
  });

  test("can carry malformed arguments, and free-form input", async () => {
    expect(await items(reply.functionCall("f", "{broken"))).toMatchObject([
      { arguments: "{broken" },
    ]);
    expect(await items(reply.customToolCall("f", "free"))).toMatchObject([
      { type: "custom_tool_call", name: "f", input: "free" },
    ]);
  });

  test("a file to add becomes a patch", async () => {
    const { arguments: args } = await call(reply.addFile("a/b.txt", "one\n\ntwo\n"));
    expect(args).toMatchObject({
      cmd: [
        "apply_patch <<'EOF'",
        "*** Begin Patch",
        "*** Add File: a/b.txt",
        "+one",
        "+",
        "+two",
        "*** End Patch",
        "EOF",
        "",
      ].join("\n"),
    });
  });
});

describe("failures", () => {
  test("in the stream end it", async () => {
    expect((await sent([reply.text("a"), reply.failed("server_error", "b")])).at(-1)).toMatchObject(
      {
        type: "response.failed",
        response: { error: { code: "server_error", message: "b" } },
      },
    );
    expect((await sent(reply.incomplete())).at(-1)).toMatchObject({
      type: "response.incomplete",
      response: { incomplete_details: { reason: "max_output_tokens" } },
    });
  });

  test("of HTTP have their status, body and headers", async () => {
    model.enqueue(reply.http(418, "tea", { "x-pot": "1" }), reply.usageLimit({ resetsAt: 1 }));
    const plain = await ask(model);
    expect([plain.status, await plain.text()]).toEqual([418, "tea"]);
    expect(plain.headers.get("x-pot")).toBe("1");
    const limited = await ask(model);
    expect(limited.status).toBe(429);
    expect(await limited.json()).toMatchObject({
      error: { type: "usage_limit_reached", plan_type: "plus", resets_at: 1 },
    });
  });
});
