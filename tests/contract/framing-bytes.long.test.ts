import { describe, expect, test } from "@jest/globals";
import { LineSplitter } from "../../lib/jsonrpc/line-splitter.js";
import { type Script, startScripted, type Step } from "../support/scripted-server.js";
import { recordingLogger } from "./recording-logger.js";

const hardText = "Grüße, 世界 👩🏽‍🚀 a\u2028b\u2029c \u0085 \ufeff end";
const done: Step = { notify: "warning", params: { threadId: null, message: "done" } };

function warningLine(message: string): string {
  return JSON.stringify({ method: "warning", params: { threadId: null, message } });
}

function base64(...parts: (string | number[])[]): string {
  return Buffer.concat(parts.map((part) => Buffer.from(part as string))).toString("base64");
}

/** Has the server perform the steps and gives the text of all warnings, up to the last, "done". */
async function warningsOf(steps: Step[], logger = recordingLogger()): Promise<string[]> {
  const script: Script = { on: { "config/read": [...steps, done, { respond: {} }] } };
  await using running = await startScripted(script, { logger });
  const texts: string[] = [];
  running.client.on("warning", ({ params }) => texts.push(params.message));
  await running.client.request("config/read", {});
  expect(texts.pop()).toBe("done");
  return texts;
}

describe("text arrives unharmed", () => {
  test("when every byte comes in a write of its own", async () => {
    const bytes = base64(warningLine(hardText), "\n", warningLine("next"), "\n");
    expect(await warningsOf([{ bytes, chunk: 1 }])).toEqual([hardText, "next"]);
  });

  test("wherever the stream is cut", () => {
    const bytes = Buffer.from(`${hardText}\n\n${hardText}\r\n`);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const splitter = new LineSplitter(1_000);
      const parts = [bytes.subarray(0, cut), bytes.subarray(cut)];
      const lines = parts.flatMap((part) => splitter.push(part)?.split("\n") ?? []);
      expect(lines).toEqual([hardText, "", `${hardText}\r`]);
      expect(splitter.flush()).toBe("");
    }
  });

  test("when the stream comes byte by byte", () => {
    const splitter = new LineSplitter(1_000);
    const lines: string[] = [];
    for (const byte of Buffer.from(`${hardText}\n${hardText}`)) {
      const text = splitter.push(Buffer.from([byte]));
      if (text !== undefined) lines.push(text);
    }
    expect([...lines, splitter.flush()]).toEqual([hardText, hardText]);
  });

  test("when the line separators of Unicode stand in it", async () => {
    const bytes = base64(warningLine("a\u2028b\u2029c"), "\n");
    expect(Buffer.from(bytes, "base64").includes("\u2028")).toBe(true);
    expect(await warningsOf([{ bytes }])).toEqual(["a\u2028b\u2029c"]);
  });

  test("when lines end with CR and LF", async () => {
    const steps = [{ line: `${warningLine("one")}\r` }, { line: `${warningLine("two")}\r` }];
    expect(await warningsOf(steps)).toEqual(["one", "two"]);
  });

  test("around bytes that are not UTF-8", async () => {
    const line = warningLine("a|b").split("|");
    const bytes = base64(line[0] as string, [0xff, 0xc3], line[1] as string, "\n", [0xfe], "\n");
    expect(await warningsOf([{ bytes }])).toEqual(["a\ufffd\ufffdb"]);
  });
});

describe("a line that is no message", () => {
  test.each<[string, string, number]>([
    ["an empty one", "", 0],
    ["blanks", " \t \r", 0],
    ["text", "Loading configuration…", 1],
    ["terminal colours", "\u001b[2m2026-01-01\u001b[0m \u001b[33m WARN\u001b[0m", 1],
    ["half of a message", '{"method":"warning","params":{"mess', 1],
    ["an empty object", "{}", 1],
    ["an id alone", '{"id":null}', 1],
    ["a request with null for its id", '{"id":null,"method":"item/tool/call","params":{}}', 1],
    ["a request with an object for its id", '{"id":{},"method":"item/tool/call","params":{}}', 1],
    ["a method that is no text", '{"method":7,"params":{}}', 1],
    ["a batch", `[${warningLine("batched")}]`, 1],
    ["an empty batch", "[]", 1],
    ["a number", "4", 1],
    ["null", "null", 1],
    ["a string", '"warning"', 1],
  ])("is skipped: %s", async (_, line, warnings) => {
    const logger = recordingLogger();
    const steps = [{ line: warningLine("before") }, { line }, { line: warningLine("after") }];
    expect(await warningsOf(steps, logger)).toEqual(["before", "after"]);
    const skipped = logger.lines.filter((text) => !text.startsWith("warn: The server warns"));
    expect(skipped).toHaveLength(warnings);
    for (const text of skipped) {
      expect(text).toMatch(
        /^warn: A line from the server was skipped: it is not (JSON|a JSON-RPC message)\.$/,
      );
    }
  });
});

describe("a notification with a shape nobody expects", () => {
  test.each([
    '{"method":"turn/completed"}',
    '{"method":"turn/completed","params":null}',
    '{"method":"turn/completed","params":[1,2]}',
    '{"method":"turn/completed","params":"text"}',
    '{"method":"turn/started","params":{"threadId":7,"turn":null}}',
    '{"method":"thread/closed","params":{"threadId":{}}}',
    '{"method":"constructor","params":{"threadId":"__proto__","turnId":"__proto__"}}',
    '{"method":"__proto__","params":{}}',
    '{"method":"$/cancelRequest","params":{"id":1}}',
    '{"method":"$/progress","params":null}',
    '{"method":"warning","__proto__":{"polluted":true},"params":{"__proto__":{"polluted":true}}}',
    '{"method":"brand/new","params":{"any":"thing"},"extra":1}',
  ])("passes through untouched and breaks nothing: %s", async (line) => {
    await using running = await startScripted({
      on: { "config/read": [{ line }, done, { respond: {} }] },
    });
    const { client } = running;
    const notifications = client.notifications();
    await client.request("config/read", {});
    const { value } = await notifications.next();
    expect(JSON.stringify(value)).toBe(line);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    const result = await (await client.startThread()).run("Hi");
    expect(result.status).toBe("completed");
  });
});

test("half a line at the end of the stream is skipped, and a whole one without a newline is not", async () => {
  const cases = { [warningLine("whole")]: ["before", "whole"], '{"method":"warn': ["before"] };
  for (const [end, expected] of Object.entries(cases)) {
    const steps: Step[] = [{ line: warningLine("before") }, { bytes: base64(end) }, { exit: 0 }];
    await using running = await startScripted({ on: { "config/read": steps } });
    const { client } = running;
    const texts: string[] = [];
    client.on("warning", ({ params }) => texts.push(params.message));
    await expect(client.request("config/read", {})).rejects.toMatchObject({ exitCode: 0 });
    expect(texts).toEqual(expected);
  }
});
