import { expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { compileProgram } from "../support/compile-program.js";
import { type Script, ScriptedServer, type Step } from "../support/scripted-server.js";

const host = await compileProgram(new URL("strict-host.ts", import.meta.url));

/** Runs a scenario of `strict-host.ts` on the script; gives what it reported and how it ended. */
async function runHost(scenario: string, script: Script) {
  await using server = await ScriptedServer.create(script);
  const options = JSON.stringify({ launch: server.launch });
  const node = ["--unhandled-rejections=strict", host, scenario, options];
  const child = spawn(process.execPath, node, { stdio: ["ignore", "pipe", "pipe"] });
  const exited = once(child, "exit");
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  await exited;
  expect(await server.alive()).toEqual([]);
  return { exitCode: child.exitCode, stderr, report: JSON.parse(stdout || "{}") as object };
}

function undisturbed(report: object) {
  return { exitCode: 0, stderr: "", report: { ...report, warnings: [] } };
}

test("the host survives a server that ends in the middle of large writes", async () => {
  const script: Script = {
    start: [
      { waitFor: "initialized" },
      { ask: "item/tool/call", id: 1, params: {} },
      // Far more than the pipe holds, and far less than is being written.
      { waitForBytes: 1_000_000 },
      { repeat: 50, steps: [{ ask: "item/tool/call", id: "{{index}}", params: {} }] },
      { exit: 3 },
    ],
  };
  const codes = Array(4).fill("TRANSPORT_CLOSED");
  expect(await runHost("large writes", script)).toEqual(
    undisturbed({ codes, kind: "exited", exitCode: 3 }),
  );
});

test("the host survives a crash that nobody attends to", async () => {
  const script: Script = { on: { "turn/start": [], "config/read": [{ exit: 3 }] } };
  expect(await runHost("unattended", script)).toEqual(
    undisturbed({ codes: ["TRANSPORT_CLOSED"], kind: "exited", exitCode: 3 }),
  );
});

test("the host survives handlers that throw, reject, answer what cannot be written, or come too late", async () => {
  const ask = (kind: string): Step => ({
    ask: "item/commandExecution/requestApproval",
    id: kind,
    params: { command: kind, threadId: "thread", turnId: "turn", itemId: kind },
  });
  const kinds = ["throws", "rejects", "circle", "late rejection", "late answer"];
  const script: Script = {
    start: [{ waitFor: "initialized" }, ...kinds.map(ask)],
    on: {
      "account/read": [
        ...kinds.slice(0, 3).map((id): Step => ({ waitForAnswer: id })),
        { respond: {} },
        { exit: 3 },
      ],
    },
  };
  expect(await runHost("failing handlers", script)).toEqual(
    undisturbed({ codes: ["ok"], kind: "exited", exitCode: 3, pending: 2 }),
  );
});

test("the host survives listeners of all kinds that reject, and onError, and the logger behind it", async () => {
  const script: Script = {
    start: [
      { waitFor: "initialized" },
      { stderr: "x" },
      { line: "noise" },
      { notify: "warning", params: { threadId: null, message: "Careful." } },
      {
        ask: "item/commandExecution/requestApproval",
        id: 1,
        params: { command: "ls", threadId: "thread", turnId: "turn", itemId: "item" },
      },
      { waitForAnswer: 1 },
    ],
    on: {
      "account/read": [[{ refuse: { code: -32_001, message: "busy" } }], [{ exit: 3 }]],
    },
  };
  expect(await runHost("rejecting listeners", script)).toEqual(
    undisturbed({
      codes: ["TRANSPORT_CLOSED"],
      kind: "exited",
      exitCode: 3,
      told: ["handler", "listener", "logger", "onConnectionStatus", "onRetry", "onStderr"],
    }),
  );
});

test("a closed client leaves nothing that keeps the host alive, and no warning", async () => {
  const script: Script = { on: { "account/read": [{ respond: {} }] } };
  expect(await runHost("one signal", script)).toEqual(undisturbed({ codes: ["ok"] }));
});

test("a failed start leaves nothing that keeps the host alive", async () => {
  expect(await runHost("failed starts", { on: { initialize: [] } })).toEqual(
    undisturbed({ codes: ["HANDSHAKE_FAILED", "TimeoutError", "BINARY_NOT_FOUND"] }),
  );
});
