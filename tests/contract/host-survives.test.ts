import { expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { type Script, ScriptedServer } from "../support/scripted-server.js";

const host = fileURLToPath(new URL("strict-host.ts", import.meta.url));

/** Runs a scenario of `strict-host.ts` on the script, and gives what the process said and how it ended. */
async function runHost(scenario: string, script: Script) {
  await using server = await ScriptedServer.create(script);
  const launch = JSON.stringify({ launch: server.launch });
  const node = ["--unhandled-rejections=strict", "--import", "tsx", host, scenario, launch];
  const child = spawn(process.execPath, node, { stdio: ["ignore", "pipe", "pipe"] });
  const exited = once(child, "exit");
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  await exited;
  expect(await server.alive()).toEqual([]);
  return { exitCode: child.exitCode, stderr, report: JSON.parse(stdout || "{}") as object };
}

test("the host survives a server that ends in the middle of large writes", async () => {
  const script: Script = {
    start: [
      { waitFor: "initialized" },
      { ask: "item/tool/call", id: 1, params: {} },
      // Far more than the pipe holds, and far less than is being written.
      { waitForBytes: 1_000_000 },
      { repeat: 50, steps: [{ ask: "item/tool/call", id: 2, params: {} }] },
      { exit: 3 },
    ],
  };
  expect(await runHost("large-write", script)).toEqual({
    exitCode: 0,
    stderr: "",
    report: {
      codes: Array(4).fill("TRANSPORT_CLOSED"),
      kind: "exited",
      exitCode: 3,
      warnings: [],
    },
  });
});

test("the host survives a crash that nobody attends to", async () => {
  const script: Script = { on: { "turn/start": [], "config/read": [{ exit: 3 }] } };
  expect(await runHost("unattended", script)).toEqual({
    exitCode: 0,
    stderr: "",
    report: { codes: ["TRANSPORT_CLOSED"], kind: "exited", exitCode: 3, warnings: [] },
  });
});

test("a closed client leaves nothing that keeps the host alive, and no warning", async () => {
  const script: Script = { on: { "account/read": [{ respond: {} }] } };
  expect(await runHost("shared-signal", script)).toEqual({
    exitCode: 0,
    stderr: "",
    report: { codes: ["ok"], kind: "closed", exitCode: 0, warnings: [] },
  });
});
