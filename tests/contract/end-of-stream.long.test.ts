import { describe, expect, test } from "@jest/globals";
import { type CloseReason, TransportClosedError } from "../../lib/errors/connection-errors.js";
import type { AppServerClient } from "../../lib/client.js";
import { isAlive } from "../support/processes.js";
import { type Script, startScripted, type Step } from "../support/scripted-server.js";
import { errorOf } from "./error-of.js";

function warning(message: string): Step {
  return { notify: "warning", params: { threadId: null, message } };
}

function collectWarnings(client: AppServerClient): string[] {
  const texts: string[] = [];
  client.on("warning", ({ params }) => texts.push(params.message));
  return texts;
}

function onConfigRead(...steps: Step[]): Script {
  return { on: { "config/read": steps } };
}

const lookFirst = "The server may have carried it out: look before you repeat it.";

describe("a process that ends", () => {
  test.each<[string, Step, Partial<CloseReason>, string]>([
    [
      "with code 0",
      { exit: 0 },
      { kind: "exited", exitCode: 0, signal: null },
      `The app-server process ended with code 0 while config/read was pending. ${lookFirst}`,
    ],
    [
      "with code 1",
      { exit: 1 },
      { kind: "exited", exitCode: 1, signal: null },
      `The app-server process ended with code 1 while config/read was pending. ${lookFirst}`,
    ],
    [
      "by a signal",
      { kill: "SIGKILL" },
      { kind: "exited", exitCode: null, signal: "SIGKILL" },
      `The app-server process ended by SIGKILL while config/read was pending. ${lookFirst}`,
    ],
  ])("%s right after its last event has delivered all of them first", async (_, end, how, text) => {
    const script = onConfigRead(
      { stderr: "the last words" },
      { repeat: 500, steps: [warning("event {{index}}")] },
      end,
    );
    await using running = await startScripted(script);
    const { client } = running;
    const seen = collectWarnings(client);
    const order: string[] = [];
    client.on("warning", ({ params }) => order.push(params.message));
    const error = await errorOf(
      client.request("config/read", {}).finally(() => order.push("rejected")),
    );

    expect(seen).toEqual(Array.from({ length: 500 }, (_unused, n) => `event ${n}`));
    expect(order.at(-1)).toBe("rejected");
    expect(error).toBeInstanceOf(TransportClosedError);
    const { exitCode, signal } = how;
    expect(error).toMatchObject({
      code: "TRANSPORT_CLOSED",
      method: "config/read",
      stderrTail: "the last words",
      exitCode,
      signal,
    });
    expect(error.message).toBe(text);
    expect(await client.closed).toEqual({ ...how, stderrTail: "the last words" });
  });

  test("in the chunk of an answer still has answered", async () => {
    const answer: Step = {
      together: [warning("event"), { respond: { ok: true } }, warning("end")],
    };
    await using running = await startScripted(onConfigRead(answer, { exit: 1 }));
    const seen = collectWarnings(running.client);
    expect(await running.client.request("config/read", {})).toEqual({ ok: true });
    expect(await running.client.closed).toMatchObject({ kind: "exited", exitCode: 1 });
    expect(seen).toEqual(["event", "end"]);
  });

  test("is found to have ended only behind everything that was still to be dispatched", async () => {
    const ask: Step = { ask: "item/tool/call", id: "{{index}}", params: {} };
    const together: Step[] = [{ repeat: 3_000, steps: [ask] }, warning("last"), { respond: 1 }];
    await using running = await startScripted(onConfigRead({ together }, { exit: 1 }));
    const seen = collectWarnings(running.client);
    expect(await running.client.request("config/read", {})).toBe(1);
    expect(seen).toEqual(["last"]);
    expect(await running.client.closed).toMatchObject({ kind: "exited", exitCode: 1 });
  });

  test("rejects everything that is pending, waiting for its turn included, each with its own error", async () => {
    const script: Script = { on: { "model/list": [], "config/read": [{ exit: 1 }] } };
    await using running = await startScripted(script, { maxInFlight: 2 });
    const { client, server } = running;
    const methods = ["model/list", "config/read", "account/read", "model/list"] as const;
    const errors = await Promise.all(methods.map((method) => errorOf(client.request(method, {}))));

    expect(errors.every((error) => error instanceof TransportClosedError)).toBe(true);
    expect(errors).toMatchObject(methods.map((method) => ({ method })));
    expect(new Set(errors).size).toBe(4);
    expect((await server.received()).map(({ method }) => method)).not.toContain("account/read");
  });

  test("is known from then on: closed, the signal, and every later call", async () => {
    await using running = await startScripted(onConfigRead({ exit: 7 }));
    const { client } = running;
    await errorOf(client.request("config/read", {}));
    const reason = await client.closed;
    expect(reason.exitCode).toBe(7);
    expect(client.signal.aborted).toBe(true);
    expect(client.signal.reason).toBeInstanceOf(TransportClosedError);
    expect(client.signal.reason).toMatchObject({ exitCode: 7, method: undefined });
    const later = await errorOf(client.request("account/read", {}));
    expect(later).toBeInstanceOf(TransportClosedError);
    expect(later).toMatchObject({ exitCode: 7, method: "account/read" });
    expect(await errorOf(client.notify("initialized"))).toBeInstanceOf(TransportClosedError);
  });

  test("ends a connection on which nothing is asked, too", async () => {
    await using running = await startScripted({ on: { initialized: [{ exit: 5 }] } });
    expect(await running.client.closed).toMatchObject({ kind: "exited", exitCode: 5 });
  });
});

describe("a process that lives on", () => {
  test("with a closed output is ended", async () => {
    const script = onConfigRead(warning("last"), { close: "stdout" });
    await using running = await startScripted(script);
    const { client, server } = running;
    const seen = collectWarnings(client);
    const error = await errorOf(client.request("config/read", {}));
    expect(error).toBeInstanceOf(TransportClosedError);
    expect(seen).toEqual(["last"]);
    expect(await client.closed).toMatchObject({
      kind: "failed",
      exitCode: 0,
      error: { message: "the server closed its output" },
    });
    expect(await server.alive()).toEqual([]);
  });

  test("with a closed input fails the next request, after all that it has sent, and is ended", async () => {
    const script = onConfigRead({ close: "stdin" }, { respond: {} }, warning("still here"));
    await using running = await startScripted(script);
    const { client, server } = running;
    const seen = collectWarnings(client);
    await client.request("config/read", {});
    const error = await errorOf(client.request("account/read", {}));
    expect(error).toBeInstanceOf(TransportClosedError);
    expect(error).toMatchObject({ method: "account/read" });
    expect(seen).toEqual(["still here"]);
    expect(await client.closed).toMatchObject({ kind: "failed" });
    expect(await server.alive()).toEqual([]);
  });

  test("with a closed input, and asks for an answer that cannot reach it, is ended", async () => {
    const ask: Step = { ask: "item/commandExecution/requestApproval", id: 0, params: {} };
    const script = onConfigRead({ close: "stdin" }, ask);
    await using running = await startScripted(script);
    const { client, server } = running;
    const error = await errorOf(client.request("config/read", {}));
    expect(error).toBeInstanceOf(TransportClosedError);
    expect(await client.closed).toMatchObject({ kind: "failed" });
    expect(await server.alive()).toEqual([]);
  });
});

describe("a grandchild that holds the pipes open", () => {
  test("does not hide that the process has ended", async () => {
    const script = onConfigRead({ spawnHolder: "and is silent" }, warning("last"), { exit: 3 });
    await using running = await startScripted(script);
    const { client, server } = running;
    const seen = collectWarnings(client);
    const error = await errorOf(client.request("config/read", {}));
    expect(error).toMatchObject({ code: "TRANSPORT_CLOSED", exitCode: 3 });
    expect(seen).toEqual(["last"]);
    expect(await client.closed).toMatchObject({ kind: "exited", exitCode: 3 });
    const [, holder] = await server.pids();
    expect(isAlive(holder as number)).toBe(true);
  });

  test("does not hold up close()", async () => {
    const script = onConfigRead({ spawnHolder: "and is silent" }, { respond: {} });
    await using running = await startScripted(script);
    const { client, server } = running;
    await client.request("config/read", {});
    await client.close();
    expect(await client.closed).toMatchObject({ kind: "closed", exitCode: 0 });
    const [child, holder] = await server.pids();
    expect(isAlive(child as number)).toBe(false);
    expect(isAlive(holder as number)).toBe(true);
  });
});
