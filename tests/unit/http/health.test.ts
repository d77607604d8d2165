import { describe, expect, test } from "@jest/globals";
import { health, healthResponse } from "../../../lib/http/health.js";
import { Codex, type CodexStatus } from "../../../lib/index.js";
import { FakeAppServer } from "../../../lib/testing/index.js";
import { rejection } from "../../support/collect.js";

const reason = { kind: "dropped", exitCode: null, signal: null, stderrTail: "" } as const;
const error = new Error("lost");

describe("health()", () => {
  test.each<[CodexStatus, number, string]>([
    [{ state: "idle" }, 200, "ok"],
    [{ state: "starting", attempt: 3 }, 200, "ok"],
    [{ state: "ready", serverInfo: {} as never }, 200, "ok"],
    [{ state: "reconnecting", attempt: 2, reason }, 200, "ok"],
    [{ state: "lost", error, mayRestart: true }, 200, "ok"],
    [{ state: "lost", error, mayRestart: false }, 503, "lost"],
    [{ state: "draining" }, 503, "draining"],
    [{ state: "closed" }, 503, "closed"],
  ])("of %j is %i", async (currentStatus, status, why) => {
    const codex = { currentStatus, runningTurns: [] };
    const body = { health: why, state: currentStatus.state, runningTurns: 0 };
    expect(health(codex)).toEqual({ status, body });
    const response = healthResponse(codex);
    expect([response.status, await response.json()]).toEqual([status, body]);
    expect(response.headers.get("cache-control")).toBe("no-store");
  });

  test("is 503 while streams are closing, whatever the server does", () => {
    const codex = { currentStatus: { state: "idle" }, runningTurns: [] } as const;
    expect(health(codex, { isClosing: false }).status).toBe(200);
    expect(health(codex, { isClosing: true })).toEqual({
      status: 503,
      body: { health: "draining", state: "idle", runningTurns: 0 },
    });
    expect(healthResponse(codex, { isClosing: true }).status).toBe(503);
  });

  test("starts nothing, and counts the turns that run until the last has ended", async () => {
    await using server = new FakeAppServer();
    const codex = new Codex({ server });
    expect(health(codex).status).toBe(200);
    expect(server.received).toEqual([]);
    let end!: () => void;
    const ended = new Promise<void>((resolve) => (end = resolve));
    server.onNextTurn(() => ended);
    const turn = (await codex.startThread()).turn("Hi");
    await turn.started;
    const sent = server.received.length;
    expect(health(codex).body).toEqual({ health: "ok", state: "ready", runningTurns: 1 });
    const closing = codex.close({ drainMs: Infinity });
    expect(health(codex)).toMatchObject({ status: 503, body: { runningTurns: 1 } });
    expect(server.received).toHaveLength(sent);
    end();
    await closing;
    expect(health(codex)).toMatchObject({ status: 503, body: { state: "closed" } });
  });

  test("stays 200 when the server is lost, since the next request starts another", async () => {
    await using server = new FakeAppServer();
    await using codex = new Codex({ server });
    const client = await codex.client();
    server.crash();
    await client.closed;
    expect(health(codex)).toMatchObject({ status: 200, body: { state: "lost" } });
    await codex.startThread();
    expect(health(codex)).toMatchObject({ status: 200, body: { state: "ready" } });
  });

  test("is 503 when no request could bring the server back", async () => {
    await using server = new FakeAppServer();
    await using codex = new Codex({ server, restart: false });
    const client = await codex.client();
    server.crash();
    await client.closed;
    expect(await rejection(codex.startThread())).toMatchObject({ code: "TRANSPORT_CLOSED" });
    expect(health(codex)).toMatchObject({ status: 503, body: { health: "lost" } });
  });
});
