import { describe, expect, test } from "@jest/globals";
import * as z from "zod";
import { callTool } from "../../../lib/tools/call-tool.js";
import { defineTool } from "../../../lib/tools/define-tool.js";
import type { ToolContext, ToolOutput } from "../../../lib/tools/tool.js";
import { dataUrl, gif, png, svg } from "../../support/images.js";

const params = {
  threadId: "thread-1",
  turnId: "turn-1",
  callId: "call-1",
  namespace: null,
  tool: "it",
  arguments: {},
};

/** Calls a tool that does this. */
function call(
  execute: (args: unknown, context: ToolContext) => ToolOutput | Promise<ToolOutput>,
  signal = new AbortController().signal,
) {
  const tool = defineTool({ name: "it", description: "It", input: { type: "object" }, execute });
  return callTool(tool, params, { signal });
}

const text = (value: string) => ({ type: "inputText", text: value });

async function textOf(output: ToolOutput): Promise<string> {
  const { contentItems, success } = await call(() => output);
  expect(success).toBe(true);
  expect(contentItems).toEqual([text(expect.any(String) as unknown as string)]);
  return onlyText(contentItems);
}

function onlyText(contentItems: readonly object[]): string {
  const [item] = contentItems as readonly { text: string }[];
  return item?.text ?? "none";
}

async function failure(execute: () => ToolOutput | Promise<ToolOutput>): Promise<string> {
  const { contentItems, success } = await call(execute);
  expect(success).toBe(false);
  return onlyText(contentItems);
}

describe("what a tool returns", () => {
  test.each<[name: string, output: ToolOutput, expected: string]>([
    ["text", "sunny", "sunny"],
    ["an empty text", "", ""],
    ["nothing", undefined, ""],
    ["null", null, "null"],
    ["a number", 21.5, "21.5"],
    ["a boolean", false, "false"],
    ["an object", { sky: "blue", wind: [1, 2] }, '{"sky":"blue","wind":[1,2]}'],
    ["an empty list", [], "[]"],
    ["a list of texts", ["a", "b"], '["a","b"]'],
    [
      "a list that is not all content",
      [{ type: "text", text: "a" }, { b: 1 }],
      '[{"type":"text","text":"a"},{"b":1}]',
    ],
    [
      "an object with more keys than content has",
      { type: "text", text: "a", id: 1 },
      '{"type":"text","text":"a","id":1}',
    ],
    [
      "an object of the type text without text",
      { type: "text", text: 1 },
      '{"type":"text","text":1}',
    ],
    ["an object of another type", { type: "video", url: "x" }, '{"type":"video","url":"x"}'],
    ["an object that writes itself", { toJSON: () => ({ a: 1 }) }, '{"a":1}'],
  ])("reaches the model: %s", async (_name, output, expected) => {
    await expect(textOf(output)).resolves.toBe(expected);
  });

  test("content items reach it as they are, friendly or as on the wire", async () => {
    const inside = new Uint8Array(Buffer.concat([Buffer.alloc(1), png, Buffer.alloc(1)]));
    const bytes = inside.subarray(1, -1);
    const sound = new Uint8Array([0, 1, 2, 253]).subarray(1, 3);
    const { contentItems, success } = await call(() => [
      { type: "text", text: "a" },
      { type: "image", data: bytes, mediaType: "image/png" },
      { type: "image", url: dataUrl("image/gif", gif) },
      { type: "audio", data: sound, mediaType: "audio/wav" },
      { type: "audio", url: "DATA:audio/wav;base64,AA==" },
      { type: "inputText", text: "b" },
      { type: "inputImage", imageUrl: dataUrl("image/png", png) },
      { type: "inputAudio", audioUrl: "data:audio/wav;base64,AA==" },
    ]);
    expect(success).toBe(true);
    expect(contentItems).toEqual([
      text("a"),
      { type: "inputImage", imageUrl: dataUrl("image/png", png) },
      { type: "inputImage", imageUrl: dataUrl("image/gif", gif) },
      { type: "inputAudio", audioUrl: "data:audio/wav;base64,AQI=" },
      { type: "inputAudio", audioUrl: "data:audio/wav;base64,AA==" },
      text("b"),
      { type: "inputImage", imageUrl: dataUrl("image/png", png) },
      { type: "inputAudio", audioUrl: "data:audio/wav;base64,AA==" },
    ]);
  });

  test("one content item needs no list", async () => {
    const { contentItems } = await call(() => ({ type: "text", text: "a" }));
    expect(contentItems).toEqual([text("a")]);
  });

  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;

  test.each<[name: string, output: unknown, problem: RegExp]>([
    ["a cycle", cycle, /cannot be written as JSON/],
    ["a bigint", { a: 1n }, /cannot be written as JSON/],
    ["a function", () => 1, /cannot be written as JSON/],
    ["a symbol", Symbol("a"), /cannot be written as JSON/],
    ["a Map", new Map([["a", 1]]), /cannot be written as JSON/],
    ["bytes", new Uint8Array(2), /cannot be written as JSON/],
    [
      "a remote image",
      { type: "image", url: "https://example.com/a.png" },
      /image must be a data: URL/,
    ],
    [
      "a remote sound",
      { type: "inputAudio", audioUrl: "https://example.com/a" },
      /audio must be a data/,
    ],
    [
      "an image of text",
      { type: "image", data: "abc", mediaType: "image/png" },
      /must have a Uint8Array/,
    ],
    [
      "an image of another type",
      { type: "image", data: new Uint8Array(1), mediaType: "text/x" },
      /must have a mediaType that begins with image/,
    ],
    [
      "an image of a kind that the model is not shown",
      { type: "image", data: svg, mediaType: "image/svg+xml" },
      /^The tool failed: its image is of a kind that .* PNG, JPEG, GIF or WebP image$/,
    ],
    [
      "a sound of such a kind",
      { type: "audio", data: new Uint8Array(1), mediaType: "audio/flac" },
      /its audio has a media type that the server leaves out/,
    ],
    [
      "an image without type",
      { type: "image", data: new Uint8Array(1), mediaType: 1 },
      /mediaType/,
    ],
  ])("that cannot be written is a failed call: %s", async (_name, output, problem) => {
    await expect(failure(() => output as ToolOutput)).resolves.toMatch(problem);
  });
});

describe("what a tool throws", () => {
  test.each<[name: string, thrown: unknown, expected: string]>([
    ["an error", new Error("no such city"), "The tool failed: no such city"],
    ["a text", "no such city", "The tool failed: no such city"],
    ["something with a message", { message: "no such city" }, "The tool failed: no such city"],
    ["an error without a message", new Error(""), "The tool failed."],
    ["something else", 42, "The tool failed."],
    ["nothing", undefined, "The tool failed."],
    ["something with another message", { message: 42 }, "The tool failed."],
  ])("is told to the model without the stack: %s", async (_name, thrown, expected) => {
    const now = () => {
      throw thrown;
    };
    await expect(failure(now)).resolves.toBe(expected);
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- a tool may
    await expect(failure(() => Promise.reject(thrown))).resolves.toBe(expected);
  });

  test("is shortened", async () => {
    const message = await failure(() => Promise.reject(new Error("x".repeat(5_000))));
    expect(message).toHaveLength(1_001);
    expect(message.endsWith("x…")).toBe(true);
  });
});

describe("a call", () => {
  test("hands over arguments, ids and the signal", async () => {
    const { signal } = new AbortController();
    let got: unknown[] = [];
    const tool = defineTool({
      name: "it",
      description: "It",
      input: z.object({ city: z.string() }),
      execute: (...all) => {
        got = all;
      },
    });
    await callTool(tool, { ...params, arguments: { city: "Rome" } }, { signal });
    const ids = { threadId: "thread-1", turnId: "turn-1", callId: "call-1" };
    expect(got).toEqual([{ city: "Rome" }, { ...ids, signal }]);
    expect((got[1] as ToolContext).signal).toBe(signal);
  });

  test("with arguments that do not fit tells the model each place", async () => {
    const tool = defineTool({
      name: "it",
      description: "It",
      input: z.object({ city: z.string(), days: z.array(z.int()) }).check((context) => {
        context.issues.push({ code: "custom", message: "Too much", input: context.value });
      }),
      execute: () => "never",
    });
    const { signal } = new AbortController();
    const args = { days: [1, 2.5] };
    await expect(callTool(tool, { ...params, arguments: args }, { signal })).resolves.toEqual({
      contentItems: [
        text(
          "The arguments do not fit the tool's input:\n" +
            "- city: Invalid input: expected string, received undefined\n" +
            "- days[1]: Invalid input: expected int, received number",
        ),
      ],
      success: false,
    });
    const whole = { ...params, arguments: { city: "Rome", days: [] } };
    const { contentItems } = await callTool(tool, whole, { signal });
    expect(contentItems).toEqual([text("The arguments do not fit the tool's input:\n- Too much")]);
  });

  test("of a tool whose schema itself throws is a failed call", async () => {
    const tool = defineTool({
      name: "it",
      description: "It",
      input: z.object({
        city: z.string().refine(() => {
          throw new Error("the check broke");
        }),
      }),
      execute: () => "never",
    });
    const { signal } = new AbortController();
    await expect(
      callTool(tool, { ...params, arguments: { city: "Rome" } }, { signal }),
    ).resolves.toMatchObject({
      success: false,
      contentItems: [text("The tool failed: the check broke")],
    });
  });
});
