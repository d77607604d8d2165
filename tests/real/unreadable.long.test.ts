import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { JsonValue } from "../../generated/types.js";
import {
  AppServerClient,
  InvalidArgumentError,
  type Codex,
  type StartThreadOptions,
  type Thread,
} from "../../lib/index.js";
import { reply, type LoopbackModel, type Reply } from "../../lib/testing/index.js";
import { ListeningServer } from "../support/listening-server.js";
import { mcpConfig } from "../support/mcp-config.js";
import { next, RealStage, rejection } from "../support/real.js";
import { callTools, lastRequest, tool } from "../support/tools.js";

// What is not answered by the real server would make these tests wait for their time limit.

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;

beforeAll(async () => {
  stage = await RealStage.open({
    config: { features: { default_mode_request_user_input: true } },
  });
  model = stage.model;
  codex = stage.codex({ requestTimeoutMs: 20_000 });
});
afterAll(() => stage.close());

const cut = "cut \ud83d";
const repaired = "cut \ufffd";

async function scripted(options: StartThreadOptions, ...replies: Reply[]): Promise<Thread> {
  const thread = await codex.startThread(options);
  model.enqueueFor(thread.id, ...replies, reply.text("Done."));
  return thread;
}

function seen(thread: Thread): string {
  return JSON.stringify(lastRequest(model, thread)?.body);
}

describe("half of a surrogate pair reaches the model as U+FFFD", () => {
  test("in a prompt, instructions, an output schema and a tool's description", async () => {
    const described = { type: "string", description: `The answer, ${cut}` } as const;
    const thread = await scripted({
      developerInstructions: `Be brief, ${cut}`,
      dynamicTools: [
        {
          type: "function",
          name: "look",
          description: `Looks, ${cut}`,
          inputSchema: { type: "object", properties: { at: described } },
        },
      ],
    });
    const outputSchema = { type: "object", properties: { answer: described } };
    const turn = thread.turn(`Hi, ${cut}`, { outputSchema });
    await turn.run().catch(() => undefined);
    const request = lastRequest(model, thread);
    expect(request?.lastUserText).toBe(`Hi, ${repaired}`);
    for (const text of ["Be brief, ", "Looks, ", "The answer, "]) {
      expect(seen(thread)).toContain(`${text}${repaired}`);
    }
    expect(turn.state.status).toBe("completed");
  });

  test("in input that joins a turn, in queued input and in injected items", async () => {
    const gate = reply.hold();
    const thread = await scripted({}, reply.text(["Half ", gate, "of it."]));
    await thread.injectItems([
      {
        type: "message",
        role: "user",
        content: [{ type: "input_text", text: `Injected, ${cut}` }],
      },
    ]);
    const turn = thread.turn("Go");
    await turn.started;
    await turn.steer(`Steered, ${cut}`);
    gate.release();
    await turn.run();
    expect(seen(thread)).toContain(`Injected, ${repaired}`);
    expect(seen(thread)).toContain(`Steered, ${repaired}`);
    model.enqueueFor(thread.id, reply.text("Done."));
    const ended = next(await codex.client(), "turn/completed", (p) => p.threadId === thread.id);
    await thread.queue.add(`Queued, ${cut}`);
    await ended;
    expect(seen(thread)).toContain(`Queued, ${repaired}`);
  });

  test("in a goal, which is followed to its end", async () => {
    const thread = await scripted({}, reply.updateGoal("complete"));
    const goal = thread.runGoal(`Reach it, ${cut}`);
    expect(await goal.run()).toMatchObject({
      status: "complete",
      goal: { objective: `Reach it, ${repaired}` },
    });
    expect(seen(thread)).toContain(`Reach it, ${repaired}`);
  });

  test("in a tool's result, and in what a tool's error says", async () => {
    const tools = [
      tool("look", () => `Saw, ${cut}`),
      tool("list", () => [{ type: "text", text: `Listed, ${cut}` }]),
      tool("fail", () => {
        throw new Error(`Failed, ${cut}`);
      }),
      tool("show", () => ({ type: "image", url: `data:image/png;base64,${cut}` })),
    ];
    const thread = await codex.startThread({ tools });
    const outputs = await callTools(model, thread, ["look"], ["list"], ["fail"], ["show"]);
    expect(outputs[0]).toBe(`Saw, ${repaired}`);
    expect(outputs[1]).toBe(`Listed, ${repaired}`);
    expect(outputs[2]).toContain(`Failed, ${repaired}`);
    expect(outputs[3]).toContain("its image is of a kind that the server leaves out");
  });

  test("in an answer of the user, whose approvals are refused where they are unreadable", async () => {
    const options = [{ label: "Red", description: "Like a rose" }];
    const questions = [{ id: "colour", header: "Colour", question: "Which colour?", options }];
    const thread = await scripted(
      {
        approvalPolicy: "untrusted",
        onUserInput: () => ({ colour: cut }),
        onApproval: () => ({
          acceptWithExecpolicyAmendment: { execpolicy_amendment: [`mkdir ${cut}`] },
        }),
      },
      reply.requestUserInput(questions),
      reply.shell("mkdir unreadable-approval"),
    );
    expect(await thread.run("Ask me")).toMatchObject({ status: "completed" });
    const outputs = lastRequest(model, thread)?.toolOutputs ?? [];
    expect(JSON.parse(outputs[0]?.output ?? "")).toEqual({
      answers: { colour: { answers: [repaired] } },
    });
    expect(outputs[1]?.output).toMatch(/reject|declin|denied/i);
  });

  test("on the way to an MCP server: in the content of an elicitation", async () => {
    const client = await codex.client();
    const ready = new Set<string | null>();
    const stop = client.on("mcpServer/startupStatus/updated", ({ params }) => {
      if (params.status === "ready") ready.add(params.threadId);
    });
    const thread = await scripted(
      {
        approvalPolicy: "on-request",
        config: { mcp_servers: { asking: mcpConfig("asking-mcp-server") } },
        onApproval: "accept",
        onElicitation: (request) =>
          request.type === "form" ? { action: "accept", content: { note: cut } } : "decline",
      },
      reply.mcpTool("asking", "ask"),
    );
    while (!ready.has(thread.id)) await next(client, "mcpServer/startupStatus/updated");
    stop();
    expect(await thread.run("Ask")).toMatchObject({ status: "completed" });
    expect(seen(thread)).toContain("The user chose to accept.");
  });
});

describe("is refused before anything is sent", () => {
  const refused = (argument: string) => ({ code: "INVALID_ARGUMENT", argument, sent: false });

  test("in names, paths, commands and values", async () => {
    const thread = await codex.startThread();
    const calls: [Promise<unknown>, string][] = [
      [thread.setName(cut), "name"],
      [codex.startThread({ cwd: `/tmp/${cut}` }), "cwd"],
      [codex.resumeThread(cut), "threadId"],
      [thread.run({ type: "mention", name: "a", path: `/tmp/${cut}` }), "input[0].path"],
      [codex.exec(["echo", cut]).exit, "command[1]"],
      [codex.files.read(`/tmp/${cut}`), "path"],
      [
        codex.rpc.config.value.write({ keyPath: cut, value: 1, mergeStrategy: "replace" }),
        "keyPath",
      ],
      [codex.login.apiKey(cut), "apiKey"],
    ];
    for (const [call, argument] of calls) {
      expect(await rejection(call)).toMatchObject(refused(argument));
    }
    const typed = String.raw`typed \ud83d`;
    await thread.setName(typed);
    await thread.run("Go");
    expect((await thread.read()).name).toBe(typed);
  });

  test("when it is nested deeper than the server reads, and taken just as deep", async () => {
    const lists = (levels: number) =>
      JSON.parse("[".repeat(levels) + "]".repeat(levels)) as JsonValue;
    const write = (levels: number) =>
      codex.rpc.config.value.write({
        keyPath: "a",
        value: lists(levels),
        mergeStrategy: "replace",
      });
    for (const levels of [126, 127, 200, 100_000]) {
      expect(await rejection(write(levels))).toMatchObject(refused("value"));
    }
    // Written into the configuration, that would be more than the server can read back.
    const client = await codex.client();
    const extra = { watchId: "none", extra: lists(125) } as never;
    expect(await client.request("fs/unwatch", extra)).toEqual({});
  });

  test("over a socket, whose server reads as much", async () => {
    await using server = await ListeningServer.start(stage);
    await using client = await AppServerClient.connect(server.url, { requestTimeoutMs: 20_000 });
    const lists = (levels: number) =>
      JSON.parse("[".repeat(levels) + "]".repeat(levels)) as JsonValue;
    const unwatch = (levels: number) =>
      client.request("fs/unwatch", { watchId: "none", extra: lists(levels) } as never);
    expect(await unwatch(125)).toEqual({});
    await expect(unwatch(126)).rejects.toBeInstanceOf(InvalidArgumentError);
  });

  test("in what a client says of itself", () => {
    const clientInfo = { name: "app", version: "1" };
    for (const changed of [{ title: cut }, { version: cut }]) {
      expect(() => stage.codex({ clientInfo: { ...clientInfo, ...changed } })).toThrow(
        InvalidArgumentError,
      );
    }
  });
});

test("a trace beside the params is taken by every kind of request", async () => {
  const trace = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };
  const thread = await codex.startThread({ trace });
  expect(await thread.run("Go", { trace })).toMatchObject({ status: "completed" });
  expect((await codex.exec(["true"], { trace, sandbox: "danger-full-access" }).exit).exitCode).toBe(
    0,
  );
  expect(await codex.rpc.model.list({}, { trace })).toHaveProperty("data");
});
