import { describe, expect, test } from "@jest/globals";
import { type Script, startScripted } from "../support/scripted-server.js";

describe("what the process writes to stderr", () => {
  test("is drained, however much it is, and its end is kept", async () => {
    const line = `${"0123456789".repeat(99)} noise\n`;
    const times = Math.ceil(50_000_000 / line.length);
    const script: Script = {
      on: {
        "config/read": [{ stderr: line, times }, { stderr: "the end" }, { respond: {} }],
        "account/read": [{ exit: 1 }],
      },
    };
    let characters = 0;
    await using running = await startScripted(script, {
      onStderr: (text) => {
        characters += text.length;
      },
    });
    const { client } = running;
    await client.request("config/read", {});
    await client.request("account/read", {}).catch(() => undefined);

    const { stderrTail } = await client.closed;
    expect(characters).toBe(line.length * times + "the end".length);
    expect(stderrTail).toBe(`${line.repeat(10)}the end`.slice(-8_192));
  });

  test("is kept up to the last word before the end", async () => {
    const script: Script = {
      on: { "config/read": [{ stderr: `${"x".repeat(60_000)}the very end` }, { exit: 1 }] },
    };
    for (let round = 0; round < 5; round += 1) {
      await using running = await startScripted(script);
      await running.client.request("config/read", {}).catch(() => undefined);
      const { stderrTail } = await running.client.closed;
      expect(stderrTail).toHaveLength(8_192);
      expect(stderrTail).toMatch(/x{8000}the very end$/);
    }
  });

  test("arrives as text, and in errors without its colours", async () => {
    const text = "\u001b[2m2026\u001b[0m \u001b[31mERROR\u001b[0m größer als 世界\n";
    let received = "";
    await using running = await startScripted(
      { on: { "config/read": [{ stderr: text }, { exit: 1 }] } },
      { onStderr: (piece) => (received += piece) },
    );
    const error: unknown = await running.client.request("config/read", {}).catch((e: unknown) => e);
    expect(received).toBe(text);
    expect(error).toMatchObject({ stderrTail: "2026 ERROR größer als 世界\n" });
  });
});

describe("a callback that throws does no harm", () => {
  const boom = (): never => {
    throw new Error("boom");
  };

  test("in onStderr", async () => {
    const script: Script = { on: { "config/read": [{ stderr: "x" }, { respond: { ok: 1 } }] } };
    await using running = await startScripted(script, { onStderr: boom });
    expect(await running.client.request("config/read", {})).toEqual({ ok: 1 });
    await running.client.close();
    expect(await running.client.closed).toMatchObject({ kind: "closed", stderrTail: "x" });
  });

  test("in the logger", async () => {
    const script: Script = {
      on: {
        initialize: [{ respond: {} }],
        "config/read": [
          { line: "noise" },
          { ask: "item/tool/call", id: 1, params: {} },
          { waitForAnswer: 1 },
          { respond: { ok: 1 } },
        ],
      },
    };
    const logger = { debug: boom, info: boom, warn: boom, error: boom };
    await using running = await startScripted(script, { logger });
    expect(await running.client.request("config/read", {})).toEqual({ ok: 1 });
  });

  test("in a listener: the other listeners, and the events behind, are served", async () => {
    const script: Script = {
      on: {
        "config/read": [
          {
            together: [
              { notify: "warning", params: { threadId: null, message: "one" } },
              { notify: "warning", params: { threadId: null, message: "two" } },
              { respond: { ok: 1 } },
            ],
          },
        ],
      },
    };
    const logged: string[] = [];
    const logger = { error: (message: string) => logged.push(message) };
    await using running = await startScripted(script, { logger });
    const { client } = running;
    const seen: string[] = [];
    client.on("warning", boom);
    client.on("warning", ({ params }) => seen.push(params.message));
    expect(await client.request("config/read", {})).toEqual({ ok: 1 });
    expect(seen).toEqual(["one", "two"]);
    expect(logged).toHaveLength(2);
    for (const message of logged) {
      expect(message).toMatch(/^A listener of warning failed: Error\n {4}at .*callbacks\.test\.ts/);
      expect(message).not.toContain("Error: boom");
    }
  });
});
