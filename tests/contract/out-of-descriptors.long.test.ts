import { describe, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { RUNTIME_VERSION } from "../../generated/runtime.js";
import { runtimeTarget } from "../../lib/runtime/platform.js";
import { bundleHost } from "../support/bundle-host.js";
import { compileProgram } from "../support/compile-program.js";
import { ScriptedServer } from "../support/scripted-server.js";
import { initialized } from "../support/scripted-server-messages.js";
import { startSocketServer, type SocketServer } from "../support/socket-server.js";
import { makeTempDir } from "../support/temp-dir.js";
import { vendorTree, writeTree } from "../unit/runtime/file-tree.js";

const source = new URL("exhausted-host.ts", import.meta.url);
const host = await compileProgram(source);

interface Report {
  readonly outcomes: readonly string[];
  readonly after: string;
}

/** Runs a scenario of `exhausted-host.ts`; it has to come to its end. */
async function runHost(scenario: string, options: object, file = host): Promise<Report> {
  // Node takes about twenty of them for itself.
  const limited = 'ulimit -n 64; exec "$@"';
  const node = [process.execPath, "--unhandled-rejections=strict", file];
  const args = ["-c", limited, "sh", ...node, scenario, JSON.stringify(options)];
  const child = spawn("sh", args, { stdio: ["ignore", "pipe", "pipe"] });
  const exited = once(child, "exit");
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  await exited;
  expect({ exitCode: child.exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  return JSON.parse(stdout) as Report;
}

const command = process.execPath;
const tooMany = `SPAWN_FAILED: Could not start ${command}: too many files are open (EMFILE). Close some, or raise the limit (ulimit -n).`;

describe("a host without free file descriptors", () => {
  test("gets an error from a start, and lives; when there are some, the next start works", async () => {
    await using server = await ScriptedServer.create();
    const { outcomes, after } = await runHost("starts", { launch: server.launch });
    expect(outcomes[0]).toBe(tooMany);
    expect(new Set(outcomes)).toEqual(new Set([tooMany, "ok"]));
    // With one more it works once and for all.
    expect(outcomes.lastIndexOf(tooMany)).toBeLessThan(outcomes.indexOf("ok"));
    expect(after).toBe("ok");
    expect(await server.alive()).toEqual([]);
  });

  test("loses its server, and gets another when there are descriptors again", async () => {
    await using server = await ScriptedServer.create({ on: { "config/read": [{ exit: 3 }] } });
    const report = await runHost("restart", { launch: server.launch });
    expect(report).toEqual({ outcomes: [tooMany, tooMany], after: "ok" });
    expect(await server.alive()).toEqual([]);
  });

  test("is not told that its runtime is not there", async () => {
    const target = runtimeTarget(process.platform, process.arch);
    if (!target) throw new Error("there is no runtime for this machine");
    const program = Buffer.from("#!/bin/sh\nexit 7\n");
    await using temp = await makeTempDir();
    await writeTree(temp.path, {
      "package.json": '{"name":"codex-app-server-sdk"}',
      ...vendorTree(`vendor-bin/${target.triple}`, target.triple, program),
    });
    const file = path.join(temp.path, "host.mjs");
    await bundleHost(fileURLToPath(source), file);
    const { outcomes, after } = await runHost("starts", {}, file);
    expect(outcomes[0]).toContain("too many files are open (EMFILE)");
    expect(outcomes.map((outcome) => outcome.split(":")[0])).not.toContain("BINARY_NOT_FOUND");
    expect(after).toContain("ended with code 7");
  });

  test("is not told to install ws, and loads it when there are some", async () => {
    await using server = await startSocketServer();
    void answerHandshakes(server);
    const { outcomes, after } = await runHost("connects", { url: server.url });
    for (const outcome of outcomes) {
      if (outcome === "ok") continue;
      // Node 24 says it of a package.json that it could not open.
      expect(outcome).toMatch(/^CONNECT_FAILED: .*(?:EMFILE|ERR_INVALID_PACKAGE_CONFIG)/);
    }
    expect(outcomes[0]).not.toBe("ok");
    expect(after).toBe("ok");
  });
});

/** Answers every client that it is an app-server. */
async function answerHandshakes(server: SocketServer): Promise<void> {
  const result = initialized(`test/${RUNTIME_VERSION} (Linux)`);
  for (;;) {
    const { peer } = await server.accepted();
    peer.on("message", (data: Buffer) => {
      const { id, method } = JSON.parse(data.toString()) as { id?: number; method: string };
      if (method === "initialize") peer.send(JSON.stringify({ id, result }));
    });
  }
}
