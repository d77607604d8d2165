import { describe, expect, test } from "@jest/globals";
import { Codex, InvalidArgumentError, TransportClosedError } from "../../../lib/index.js";
import type { CodexOptions } from "../../../lib/index.js";
import { rejection } from "../../support/collect.js";
import { ScriptedServer, type Script } from "../../support/scripted-server.js";

/** Each process warns at once, and whenever its threads are listed; it dies when asked to archive one. */
const warning: Script = {
  on: {
    initialized: [{ notify: "warning", params: { message: "started" } }],
    "thread/loaded/list": [
      { notify: "warning", params: { message: "listed" } },
      { notify: "deprecationNotice", params: { summary: "listed", details: null } },
      { respond: { data: [], nextCursor: null } },
    ],
    "thread/archive": [{ notify: "warning", params: { message: "dying" } }, { exit: 3 }],
  },
};

/** A server that warns, and a `Codex` on it that has not started it. */
async function warningServer(options: CodexOptions = {}) {
  const server = await ScriptedServer.create(warning);
  const codex = new Codex({ launch: server.launch, restart: { minDelayMs: 0 }, ...options });
  const list = () => codex.loadedThreads().all();
  const die = () => rejection(codex.archiveThread("thread-1"));
  const dispose = async () => {
    await codex.close();
    await server[Symbol.asyncDispose]();
  };
  return { server, codex, list, die, [Symbol.asyncDispose]: dispose };
}

describe("codex.on()", () => {
  test("starts nothing, and hears the first words of the process that a call starts", async () => {
    await using stage = await warningServer();
    const { server, codex, list } = stage;
    const heard: string[] = [];
    codex.on("warning", ({ params }) => heard.push(params.message));
    expect(codex.currentStatus).toEqual({ state: "idle" });
    expect(await server.pids()).toEqual([]);
    await list();
    expect(heard).toEqual(["started", "listed"]);
  });

  test("hears every process that takes the place of one that died, the last words of that one too", async () => {
    await using stage = await warningServer();
    const { server, codex, list, die } = stage;
    const heard: string[] = [];
    await list();
    codex.on("warning", ({ params }) => heard.push(params.message));
    for (let round = 0; round < 3; round += 1) {
      await list();
      await die();
    }
    await list();
    const life = ["listed", "dying", "started"];
    expect(heard).toEqual([...life, ...life, ...life, "listed"]);
    expect(await server.pids()).toHaveLength(4);
  });

  test("hears a process that was started because somebody has closed the client of the moment", async () => {
    await using stage = await warningServer();
    const { codex, list } = stage;
    const heard: string[] = [];
    codex.on("warning", ({ params }) => heard.push(params.message));
    await list();
    await (await codex.client()).close();
    await list();
    expect(heard).toEqual(["started", "listed", "started", "listed"]);
  });

  test("returns what stops it: at once, only itself, and however often it is called", async () => {
    await using stage = await warningServer();
    const { codex, list, die } = stage;
    const heard: string[] = [];
    const listener = ({ params }: { params: { message: string } }): void => {
      heard.push(params.message);
    };
    // The same function twice is called twice, and each is stopped by its own.
    const [stopFirst, stopSecond] = [codex.on("warning", listener), codex.on("warning", listener)];
    await list();
    expect(heard).toEqual(["started", "started", "listed", "listed"]);
    stopFirst();
    stopFirst();
    await die();
    await list();
    expect(heard.slice(4)).toEqual(["dying", "started", "listed"]);
    stopSecond();
    await die();
    await list();
    expect(heard).toHaveLength(7);
  });

  test("calls no listener that one before it has stopped", async () => {
    await using stage = await warningServer();
    const { codex, list } = stage;
    const heard: string[] = [];
    codex.on("deprecationNotice", ({ params }) => {
      heard.push(`first ${params.summary}`);
      stop();
    });
    const stop = codex.on("deprecationNotice", () => heard.push("second"));
    await list();
    expect(heard).toEqual(["first listed"]);
  });

  test("goes on after a listener that throws, for it and for the others", async () => {
    const errors: string[] = [];
    await using stage = await warningServer({ logger: { error: (text) => errors.push(text) } });
    const { codex, list, die } = stage;
    const heard: string[] = [];
    codex.on("warning", ({ params }) => {
      heard.push(`first ${params.message}`);
      throw new Error("a secret");
    });
    codex.on("warning", ({ params }) => heard.push(`second ${params.message}`));
    await list();
    await die();
    expect(heard).toHaveLength(6);
    expect(heard.filter((text) => text.startsWith("second"))).toHaveLength(3);
    expect(errors).toHaveLength(3);
    expect(errors.join()).not.toContain("secret");
  });

  test.each<[unknown, unknown, string]>([
    ["warning", undefined, "listener must be a function"],
    ["warning", { handleEvent: () => undefined }, "listener must be a function"],
    ["", () => undefined, "method must be"],
    [undefined, () => undefined, "method must be"],
    [{ method: "warning" }, () => undefined, "method must be"],
  ])("refuses %j with %p at once", async (method, listener, message) => {
    await using stage = await warningServer();
    const { codex } = stage;
    const on = () => codex.on(method as "warning", listener as () => void);
    expect(on).toThrow(InvalidArgumentError);
    expect(on).toThrow(message);
    const client = await codex.client();
    expect(() => client.on(method as "warning", listener as () => void)).toThrow(message);
  });

  test("takes the name of a notification that only a newer server has", async () => {
    await using stage = await warningServer();
    expect(stage.codex.on("thread/novelty" as "warning", () => undefined)).toBeInstanceOf(Function);
  });

  test("hears what comes until close() is done, and nothing can be listened to after it", async () => {
    await using server = await ScriptedServer.create({
      on: {
        initialized: [
          { waitForEof: true },
          { notify: "warning", params: { message: "goodbye" } },
          { exit: 0 },
        ],
      },
      survives: ["EOF"],
    });
    const codex = new Codex({ launch: server.launch });
    const heard: string[] = [];
    const stop = codex.on("warning", ({ params }) => heard.push(params.message));
    await codex.client();
    await codex.close();
    expect(heard).toEqual(["goodbye"]);
    stop();
    expect(() => codex.on("warning", () => undefined)).toThrow(TransportClosedError);
  });

  test("refuses when the server is gone and none is started any more", async () => {
    await using stage = await warningServer({ restart: false });
    const { codex, list, die } = stage;
    codex.on("warning", () => undefined);
    await list();
    await die();
    expect(() => codex.on("warning", () => undefined)).toThrow("ended with code 3");
  });
});
