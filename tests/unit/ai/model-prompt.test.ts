import { describe, expect, test } from "@jest/globals";
import { APICallError } from "ai";
import { hasOptional } from "../../../lib/ai/model/has-optional.js";
import { markRetryable } from "../../../lib/ai/model/mark-retryable.js";
import { readFile } from "../../../lib/ai/model/prompt-file.js";
import { readPrompt } from "../../../lib/ai/model/read-prompt.js";
import {
  InvalidArgumentError,
  TransportClosedError,
  TurnNotStartedError,
} from "../../../lib/index.js";

const bytes = new Uint8Array([1, 2, 3]);
const base64 = "AQID";

describe("a file", () => {
  test.each<[string, unknown, string, object]>([
    ["bytes of version 3", bytes, "image/jpeg", { url: `data:image/jpeg;base64,${base64}` }],
    ["base64 of version 3", base64, "image/*", { url: `data:image/png;base64,${base64}` }],
    [
      "a URL of version 3",
      new URL(`data:image/gif;base64,${base64}`),
      "image/gif",
      {
        url: `data:image/gif;base64,${base64}`,
      },
    ],
    [
      "bytes of version 4",
      { type: "data", data: bytes },
      "image",
      {
        url: `data:image/png;base64,${base64}`,
      },
    ],
    [
      "base64 of version 4",
      { type: "data", data: base64 },
      "audio/wav",
      {
        url: `data:audio/wav;base64,${base64}`,
      },
    ],
    ["a text of version 4", { type: "text", text: "hello" }, "text/plain", { text: "hello" }],
    ["the bytes of a text", Buffer.from("hello"), "text/markdown", { text: "hello" }],
  ])("is read: %s", (_name, data, mediaType, expected) => {
    expect(readFile({ type: "file", data, mediaType }, "here")).toMatchObject(expected);
  });

  test.each<[string, unknown, unknown, string]>([
    ["of another type", bytes, "application/pdf", "here has a file of the type application/pdf"],
    ["of no type", bytes, undefined, "here has a file without a media type"],
    ["by its URL", new URL("https://example.com/a.png"), "image/png", "here has a URL"],
    [
      "by another provider's id",
      { type: "reference", reference: {} },
      "image/png",
      "here has a file",
    ],
  ])("is refused: %s", (_name, data, mediaType, message) => {
    const reading = () => readFile({ type: "file", data, mediaType }, "here");
    expect(reading).toThrow(InvalidArgumentError);
    expect(reading).toThrow(message);
  });
});

describe("a prompt", () => {
  const text = (words: string) => [{ type: "text", text: words }];
  const call = { type: "tool-call", toolCallId: "call_1", toolName: "add", input: { a: 1 } };
  const result = (output: unknown) => ({
    ...{ type: "tool-result", toolCallId: "call_1", toolName: "add" },
    output,
  });

  test("is told to a new thread as items, without what Codex has done by itself", () => {
    const elsewhere = { ...call, toolCallId: "call_0", providerExecuted: true };
    const prompt = readPrompt([
      { role: "system", content: "Be brief." },
      { role: "user", content: text("Add") },
      { role: "assistant", content: [{ type: "reasoning", text: "Hm." }, elsewhere, call] },
      { role: "tool", content: [result({ type: "json", value: 3 })] },
      { role: "assistant", content: text("Three.") },
      { role: "user", content: text("Thanks") },
    ]);
    expect(prompt.instructions).toBe("Be brief.");
    expect(prompt.history).toEqual([
      { type: "message", role: "user", content: [{ type: "input_text", text: "Add" }] },
      { type: "function_call", call_id: "call_1", name: "add", arguments: '{"a":1}' },
      { type: "function_call_output", call_id: "call_1", output: "3" },
      { type: "message", role: "assistant", content: [{ type: "output_text", text: "Three." }] },
    ]);
    expect(prompt.newest).toEqual(text("Thanks"));
    expect(prompt.isAnswer).toBe(false);
  });

  test.each<[string, object, boolean, unknown[]]>([
    ["an error", { type: "error-text", value: "no" }, true, text("no")],
    [
      "a refusal",
      { type: "execution-denied", reason: "not now" },
      true,
      [{ type: "text", text: "The user has declined this call: not now" }],
    ],
    ["nothing", { type: "json", value: undefined }, false, text("null")],
    [
      "what is no JSON",
      { type: "json", value: 7n },
      true,
      text("The result of the tool cannot be written as JSON."),
    ],
    [
      "a picture of version 3",
      {
        type: "content",
        value: [{ type: "image-data", data: base64, mediaType: "image/png" }],
      },
      false,
      [{ type: "image", url: `data:image/png;base64,${base64}` }],
    ],
    [
      "a picture of version 4",
      {
        type: "content",
        value: [{ type: "file", data: { type: "data", data: base64 }, mediaType: "image/png" }],
      },
      false,
      [{ type: "image", url: `data:image/png;base64,${base64}` }],
    ],
  ])("answers a call with %s", (_name, output, failed, content) => {
    const { answers, isAnswer } = readPrompt([
      { role: "assistant", content: [call] },
      { role: "tool", content: [result(output)] },
    ]);
    expect(isAnswer).toBe(true);
    expect(answers).toEqual([{ toolCallId: "call_1", toolName: "add", failed, content }]);
  });

  test("that ends with the assistant is refused", () => {
    expect(() => readPrompt([{ role: "assistant", content: text("So") }])).toThrow(
      "prompt must end with a message of the user",
    );
  });
});

test("an optional property is found, wherever it is", () => {
  const item = (required: string[]) => ({
    ...{ type: "object", properties: { a: { type: "string" } }, required },
  });
  const list = (items: object) => ({
    ...{ type: "object", properties: { list: { type: "array", items } }, required: ["list"] },
  });
  expect(hasOptional(list(item(["a"])))).toBe(false);
  expect(hasOptional(list(item([])))).toBe(true);
});

test("only what the server has not taken may be repeated", () => {
  const reason = { kind: "exited", exitCode: 1, signal: null, stderrTail: "" } as const;
  const lost = (sent: boolean) => new TransportClosedError(reason, "turn/start", sent);
  const isRetryable = (error: Error) => {
    const marked = markRetryable(error);
    expect(marked).toBe(error);
    return APICallError.isInstance(marked) && marked.isRetryable;
  };
  expect(isRetryable(lost(false))).toBe(true);
  expect(isRetryable(lost(true))).toBe(false);
  const closed = new TransportClosedError({ ...reason, kind: "closed" }, "turn/start", false);
  expect(isRetryable(closed)).toBe(false);
  expect(isRetryable(new TurnNotStartedError())).toBe(false);
});
