import { describe, expect, test } from "@jest/globals";
import {
  ConnectError,
  IncompatibleServerError,
  RequestTimeoutError,
  TransportClosedError,
} from "../../../../lib/index.js";
import { recordingLogger } from "../../../contract/recording-logger.js";
import { LinkedAnew } from "../../../support/linked-anew.js";
import { later, methodsSent, type LinkedServer } from "../../../support/linked-server.js";
import { rejection } from "../../../support/real.js";

const refused = () => new ConnectError("ws://here", "nobody listens there.", { retryable: true });

describe("a connection that drops", () => {
  test("is made anew, handshake included, and goes on", async () => {
    await using link = await LinkedAnew.start();
    const first = link.server;
    const second = await link.reconnect();
    expect(second).not.toBe(first);
    expect(second.requests.map(({ method }) => method)).toEqual(["initialize"]);
    expect(await link.client.request("config/read", {})).toEqual({});
    expect(link.statuses).toEqual([
      {
        state: "reconnecting",
        attempt: 1,
        reason: expect.objectContaining({ kind: "dropped" }) as unknown,
        error: undefined,
      },
      { state: "ready" },
    ]);
    expect(link.client.signal.aborted).toBe(false);
  });

  test("is logged, and so is that it could not be restored, without the words of an error", async () => {
    const logger = recordingLogger();
    await using link = await LinkedAnew.start({
      logger,
      reconnect: { retries: 1 },
      prepare: (_server, index) => {
        if (index > 0) throw refused();
      },
    });
    link.server.crash();
    await link.client.closed;
    expect(logger.lines).toEqual([
      expect.stringMatching(/^warn: The connection dropped and is being restored\b.*\.$/),
      "warn: The connection to the app-server failed (CONNECT_FAILED).",
    ]);
  });

  test("rejects what was under way, and lets what is asked meanwhile wait", async () => {
    await using link = await LinkedAnew.start();
    link.server.handle("config/read", () => later);
    const pending = rejection(link.client.request("config/read", {}));
    await link.server.nextRequest("config/read");
    await link.drop();
    const waiting = link.client.request("model/list", {});
    const error = await pending;
    expect(error).toBeInstanceOf(TransportClosedError);
    expect(error).toMatchObject({ method: "config/read", reason: { kind: "dropped" } });
    expect(error.message).toContain("is being restored");
    expect(await waiting).toEqual({});
    expect(link.server.paramsOf("model/list")).toHaveLength(1);
    expect(link.servers[0]?.paramsOf("model/list")).toEqual([]);
  });

  test("lets a call wait no longer than its deadline, or its signal, allows", async () => {
    let letIn = (): void => undefined;
    const gate = new Promise<void>((resolve) => (letIn = resolve));
    await using link = await LinkedAnew.start({
      prepare: (_, index) => (index === 0 ? undefined : gate),
    });
    await link.drop();
    const late = await rejection(link.client.request("config/read", {}, { timeoutMs: 1 }));
    expect(late).toBeInstanceOf(RequestTimeoutError);
    expect(late).toMatchObject({ method: "config/read", timeoutMs: 1 });
    const leaving = new AbortController();
    const left = rejection(link.client.request("config/read", {}, { signal: leaving.signal }));
    leaving.abort(new Error("enough"));
    expect((await left).message).toBe("enough");
    letIn();
    await link.client.session.available();
    expect(link.server.paramsOf("config/read")).toEqual([]);
  });

  test("is tried again and again, with what the attempts failed with", async () => {
    await using link = await LinkedAnew.start({
      prepare: (_, index) => {
        if (index > 0 && index < 4) throw refused();
      },
    });
    await link.reconnect();
    expect(
      link.statuses.map((status) =>
        status.state === "reconnecting" ? [status.attempt, status.error] : status.state,
      ),
    ).toEqual([
      [1, undefined],
      [2, expect.any(ConnectError)],
      [3, expect.any(ConnectError)],
      [4, expect.any(ConnectError)],
      "ready",
    ]);
  });

  test("that drops again during the handshake or while threads are resumed is tried again", async () => {
    const prepare = (server: LinkedServer, index: number): void => {
      const crash = () => {
        server.crash();
        return later;
      };
      if (index === 1) server.handle("initialize", crash);
      if (index === 2) server.handle("thread/resume", crash);
    };
    await using link = await LinkedAnew.start({ prepare });
    await link.client.startThread();
    await link.reconnect();
    expect(link.servers).toHaveLength(4);
    expect(methodsSent(link.server).slice(0, 2)).toEqual(["initialize", "thread/resume"]);
  });

  test("is given up after the last attempt, with what that one failed with", async () => {
    await using link = await LinkedAnew.start({
      reconnect: { retries: 3 },
      prepare: (_, index) => {
        if (index > 0) throw refused();
      },
    });
    await link.drop();
    const error = await rejection(link.client.request("config/read", {}));
    expect(error).toMatchObject({ reason: { kind: "failed" } });
    expect(error.cause).toBeInstanceOf(ConnectError);
    expect(await link.client.closed).toMatchObject({
      kind: "failed",
      error: expect.any(ConnectError) as unknown,
    });
    expect(link.client.signal.reason).toBeInstanceOf(TransportClosedError);
    expect(link.client.connectionStatus).toMatchObject({ state: "closed" });
    const later = await rejection(link.client.request("config/read", {}));
    expect(later).toMatchObject({ reason: { kind: "failed" } });
    expect(link.statuses.filter(({ state }) => state === "reconnecting")).toHaveLength(3);
  });

  test("is given up at once when another attempt would change nothing", async () => {
    const unauthorized = new ConnectError("ws://here", "the token is wrong.", {
      statusCode: 401,
      retryable: false,
    });
    await using link = await LinkedAnew.start({
      prepare: (_, index) => {
        if (index > 0) throw unauthorized;
      },
    });
    await link.drop();
    expect(await link.client.closed).toMatchObject({ kind: "failed", error: unauthorized });
    await using old = await LinkedAnew.start({
      prepare: (server, index) => {
        if (index === 0) return;
        server.handle("initialize", () => ({ userAgent: "x/0.1.0 (Linux; x86_64)" }));
      },
    });
    await old.drop();
    expect((await old.client.closed).error).toBeInstanceOf(IncompatibleServerError);
    expect(old.servers).toHaveLength(2);
  });

  test("that breaks again and again, each time at once, is given up, too", async () => {
    await using link = await LinkedAnew.start({
      reconnect: { retries: 4, minDelayMs: 0, maxDelayMs: 100_000 },
    });
    link.client.onConnectionStatus(({ state }) => {
      if (state === "ready") link.server.crash();
    });
    link.server.crash();
    expect(await link.client.closed).toMatchObject({ kind: "failed" });
    expect(link.servers).toHaveLength(5);
  });

  test("is not restored when whoever is told of it closes the client at once", async () => {
    await using link = await LinkedAnew.start({ reconnect: { retries: 3 } });
    link.client.session.connectionSignal.addEventListener("abort", () => void link.client.close());
    link.server.crash();
    expect(await link.client.closed).toMatchObject({ kind: "closed" });
    await new Promise(setImmediate);
    expect(link.statuses.map(({ state }) => state)).toEqual(["closed"]);
    expect(link.client.connectionStatus.state).toBe("closed");
    expect(link.servers).toHaveLength(1);
  });

  test("is not restored when the client is closed meanwhile", async () => {
    await using link = await LinkedAnew.start({
      prepare: (_, index) => (index === 0 ? undefined : new Promise<void>(() => undefined)),
    });
    await link.drop();
    const waiting = rejection(link.client.request("config/read", {}));
    void link.client.close();
    expect(await waiting).toMatchObject({ reason: { kind: "closed" } });
    expect(await link.client.closed).toMatchObject({ kind: "closed" });
  });
});
