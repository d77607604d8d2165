import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  InvalidArgumentError,
  TurnFailedError,
  type Codex,
  type Thread,
  type TurnInput,
  type TurnOptions,
} from "../../lib/index.js";
import type { LoopbackModel, ModelRequest } from "../../lib/testing/index.js";
import { testWhere } from "../support/offers.js";
import { RealStage, rejection } from "../support/real.js";

/** One red pixel. */
const png = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==",
  "base64",
);

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;

beforeAll(async () => {
  stage = await RealStage.open();
  model = stage.model;
  codex = stage.codex();
});
afterAll(() => stage.close());

interface Part {
  readonly type?: string;
  readonly text?: string;
  readonly image_url?: string;
}

/** What the model was given in the last user message of a thread. */
function lastMessage(threadId: string): readonly Part[] {
  const input = lastRequest(threadId).input;
  const message = input.findLast((item) => item.type === "message" && item.role === "user");
  return (message?.content ?? []) as readonly Part[];
}

function lastRequest(threadId: string): ModelRequest {
  const request = model.requests.findLast((asked) => asked.threadId === threadId);
  if (!request) throw new Error("the model was not asked");
  return request;
}

async function show(input: TurnInput): Promise<readonly Part[]> {
  const thread = await codex.startThread();
  await thread.run(input);
  return lastMessage(thread.id);
}

describe("input", () => {
  test("of several texts reaches the model in order", async () => {
    const parts = await show(["First.", { type: "text", text: "Second: U+2028 \u2028." }, "🙂"]);
    expect(parts.map(({ type, text }) => [type, text])).toEqual([
      ["input_text", "First."],
      ["input_text", "Second: U+2028 \u2028."],
      ["input_text", "🙂"],
    ]);
  });

  test("as bytes, as a data URL and as a file reaches the model as images", async () => {
    const file = path.join(stage.project, "red.png");
    await writeFile(file, png);
    const url = `data:image/png;base64,${png.toString("base64")}`;
    for (const image of [
      { type: "image", data: png, mediaType: "image/png" },
      { type: "image", url },
      { type: "localImage", path: path.relative(process.cwd(), file) },
    ] as const) {
      const parts = await show(["Look:", image]);
      expect(parts.filter(({ type }) => type === "input_image")).toEqual([
        expect.objectContaining({ image_url: expect.stringMatching(/^data:image\/png;base64,/) }),
      ]);
    }
  });

  test("with a file that is not there is refused before anything is sent", async () => {
    const thread = await codex.startThread();
    const turn = thread.turn(["Look:", { type: "localImage", path: "no-such.png" }]);
    const error = await rejection(turn.run());
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error).toMatchObject({ argument: "input[1].path" });
    await expect(turn.started).rejects.toBe(error);
    expect(model.requests.some(({ threadId }) => threadId === thread.id)).toBe(false);
    await expect(thread.run("Hi")).resolves.toMatchObject({ status: "completed" });
  });

  test("that names a skill brings its instructions to the model", async () => {
    const skill = path.join(stage.home, "skills", "greeting", "SKILL.md");
    await mkdir(path.dirname(skill), { recursive: true });
    await writeFile(skill, "---\nname: greeting\ndescription: Greets\n---\nGreet in Latin.\n");
    const thread = await codex.startThread();
    await thread.run(["Use it.", { type: "skill", name: "greeting", path: skill }]);
    expect(JSON.stringify(lastRequest(thread.id).input)).toContain("Greet in Latin.");
  });

  test("that mentions something is stored as it was given", async () => {
    const thread = await codex.startThread();
    const mention = { type: "mention", name: "notes", path: "app://notes" } as const;
    const { items } = await thread.run(["See", mention]);
    expect(items[0]).toMatchObject({ type: "userMessage", content: [{ type: "text" }, mention] });
  });
});

const tierTest = await testWhere("a service tier for any model", async (stage) => {
  await (await stage.codex().startThread()).run("Hi", { serviceTier: "flex" });
  return stage.model.requests.at(-1)?.body.service_tier === "flex";
});

describe("the settings of a turn", () => {
  tierTest("stay with the thread, and null takes back what can be taken back", async () => {
    const thread = await codex.startThread();
    const asked: unknown[] = [];
    const run = async (options: TurnOptions) => {
      await thread.run("Hi", options);
      const { model: name, body } = lastRequest(thread.id);
      asked.push([name, body.service_tier]);
    };
    await run({ model: "other-model", serviceTier: "flex" });
    const nothing: object = { model: undefined };
    await run(nothing);
    await run({ serviceTier: null });
    expect(asked).toEqual([
      ["other-model", "flex"],
      ["other-model", "flex"],
      ["other-model", undefined],
    ]);
  });

  test("take the sandbox by the same names as threads do", async () => {
    const thread = await codex.startThread({ sandbox: "read-only" });
    expect(thread.opened?.sandbox).toMatchObject({ type: "readOnly" });
    const sandboxes: unknown[] = [];
    for (const sandbox of ["workspace-write", "danger-full-access", "read-only"] as const) {
      await thread.run("Hi", { sandbox });
      sandboxes.push(await sandboxOf(thread));
    }
    await thread.run("Hi", { sandbox: { type: "readOnly", networkAccess: true } });
    sandboxes.push(await sandboxOf(thread));
    expect(sandboxes).toMatchObject([
      { type: "workspaceWrite", networkAccess: false },
      { type: "dangerFullAccess" },
      { type: "readOnly", networkAccess: false },
      { type: "readOnly", networkAccess: true },
    ]);
  });

  test("that the server does not take fail the turn before it starts", async () => {
    const thread = await codex.startThread();
    const turn = thread.turn("Hi", JSON.parse('{"effort":5}') as TurnOptions);
    const error = await rejection(turn.run());
    expect(error).not.toBeInstanceOf(TurnFailedError);
    expect(error).toMatchObject({ code: "INVALID_PARAMS", method: "turn/start" });
    expect(turn.id).toBeUndefined();
    await expect(thread.run("Hi")).resolves.toMatchObject({ status: "completed" });
  });
});

/** What the thread runs with now: a resume of a loaded thread changes nothing and tells it. */
async function sandboxOf(thread: Thread): Promise<unknown> {
  return (await codex.resumeThread(thread.id)).opened?.sandbox;
}
