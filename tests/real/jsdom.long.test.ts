/** @jest-environment jsdom */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { createContext, runInContext } from "node:vm";
import { Codex, type InputItem } from "../../lib/index.js";
import { reply, type LoopbackModel } from "../../lib/testing/index.js";
import { ListeningServer } from "../support/listening-server.js";
import { testWhere } from "../support/offers.js";
import { RealStage } from "../support/real.js";
import { callTools, lastRequest, tool } from "../support/tools.js";

const png =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;

beforeAll(async () => {
  stage = await RealStage.open();
  model = stage.model;
  codex = stage.codex();
});
afterAll(() => stage.close());

/** Bytes that are neither Node's nor jsdom's. */
const foreign = createContext({ text: Buffer.from(png, "base64").toString("latin1") });
const bytesOf: Record<string, () => Uint8Array> = {
  jsdom: () => Uint8Array.from(Buffer.from(png, "base64")),
  Node: () => Buffer.from(png, "base64"),
  "another context": () =>
    runInContext("Uint8Array.from(text, (one) => one.charCodeAt(0))", foreign) as Uint8Array,
};

test("this is jsdom: its classes and timers are not Node's", () => {
  expect(typeof (globalThis as { document?: unknown }).document).toBe("object");
  expect(typeof setTimeout(() => undefined, 0)).toBe("number");
  expect(typeof setImmediate).toBe("undefined");
  expect(Buffer.from("x")).not.toBeInstanceOf(Uint8Array);
  expect(bytesOf["another context"]?.()).not.toBeInstanceOf(Uint8Array);
});

test("a turn runs, is iterated, and answers", async () => {
  const thread = await codex.startThread();
  model.enqueueFor(thread.id, reply.text("Hello from jsdom."));
  const turn = thread.turn("Hi", { timeoutMs: 30_000, idleTimeoutMs: 30_000 });
  const methods: string[] = [];
  for await (const event of turn) methods.push(event.method);
  expect(methods.at(-1)).toBe("turn/completed");
  expect(await turn.run()).toMatchObject({ finalResponse: "Hello from jsdom." });
});

test.each(["ws", "unix"] as const)(
  "a turn runs over %s, though ws is one for browsers there",
  async (listen) => {
    const server = await ListeningServer.start(stage, { listen });
    const connected = new Codex({ url: server.url });
    try {
      const thread = await connected.startThread({ cwd: stage.project });
      model.enqueueFor(thread.id, reply.text("Hello."));
      expect(await thread.run("Hi")).toMatchObject({ finalResponse: "Hello." });
    } finally {
      await connected.close();
      await server.stop();
    }
  },
);

describe.each(Object.keys(bytesOf))("bytes of %s are taken", (realm) => {
  const data = () => bytesOf[realm]?.() ?? new Uint8Array();

  test("in an image, and in what a tool returns", async () => {
    const image = (): InputItem => ({ type: "image", data: data(), mediaType: "image/png" });
    const thread = await codex.startThread({ tools: [tool("draw", () => image())] });
    const seen = () => JSON.stringify(lastRequest(model, thread)?.input).split(png).length - 1;
    await thread.run(["Look", image()]);
    expect(seen()).toBe(1);
    await callTools(model, thread, ["draw"]);
    expect(seen()).toBe(2);
  });

  test("in files, and as the standard input of a command", async () => {
    const file = path.join(stage.project, `${realm}.png`);
    await codex.files.write(file, data());
    expect((await readFile(file)).toString("base64")).toBe(png);
    expect(Buffer.from(await codex.files.read(file)).toString("base64")).toBe(png);
    const { stdout } = await codex.exec(["base64", "-w", "0"], { stdin: data() }).exit;
    expect(stdout).toBe(png);
  });
});

describe("signals of jsdom", () => {
  test("end a turn with their reason, and are aborted for handlers", async () => {
    const thread = await codex.startThread();
    model.enqueueFor(thread.id, reply.text(["Half", reply.hold()]));
    const stop = new AbortController();
    const turn = thread.turn("Hi", { signal: stop.signal });
    await turn.started;
    const reason = new Error("enough");
    stop.abort(reason);
    await expect(turn.run()).rejects.toBe(reason);
  });

  test("and those that are aborted already let nothing begin", async () => {
    const signal = AbortSignal.abort();
    await expect(codex.exec(["true"], { signal }).exit).rejects.toBe(signal.reason);
    await expect((await codex.startThread()).run("Hi", { signal })).rejects.toBe(signal.reason);
  });

  test("of which a hundred calls can share one, without a word of a leak", async () => {
    const warnings: string[] = [];
    const note = ({ name }: Error) => warnings.push(name);
    process.on("warning", note);
    const { signal } = new AbortController();
    const client = await codex.client();
    const calls = Array.from({ length: 100 }, () => client.request("account/read", {}, { signal }));
    await Promise.all(calls);
    process.off("warning", note);
    expect(warnings).toEqual([]);
  });
});

const clockTest = await testWhere("currentTime/read");

for (const realm of ["jsdom", "another context"]) {
  clockTest(`the time that a Date of ${realm} tells is the answer`, async () => {
    const at = Date.UTC(2030, 0, 1);
    const onCurrentTime = () =>
      realm === "jsdom" ? new Date(at) : (runInContext(`new Date(${at})`, foreign) as Date);
    const features = { current_time_reminder: { enabled: true, clock_source: "external" } };
    const thread = await codex.startThread({ onCurrentTime, config: { features } });
    await thread.run("What time is it?");
    expect(JSON.stringify(lastRequest(model, thread)?.input)).toContain("2030-01-01");
  });
}

test("a deadline passes, and leaves nothing behind", async () => {
  const client = await codex.client();
  const slow = client.request(
    "command/exec",
    { command: ["sleep", "5"], cwd: stage.project },
    { timeoutMs: 50 },
  );
  await expect(slow).rejects.toMatchObject({ code: "REQUEST_TIMEOUT" });
});
