import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import {
  InternalRpcError,
  McpServerError,
  RequestTimeoutError,
  ThreadNotFoundError,
  type Codex,
  type McpStartup,
  type Thread,
} from "../../lib/index.js";
import { mcpConfig } from "../support/mcp-config.js";
import { testWhere } from "../support/offers.js";
import { untilGone } from "../support/processes.js";
import { RealStage, rejection } from "../support/real.js";

let stage: RealStage;
let codex: Codex;

beforeAll(async () => {
  stage = await RealStage.open();
  codex = stage.codex();
});
afterAll(() => stage.close());

/** A thread with MCP servers of its own. */
function startWith(mcp_servers: Record<string, ReturnType<typeof mcpConfig>>): Promise<Thread> {
  return codex.startThread({ config: { mcp_servers } });
}

/** A thread with the server that does as it is told, and the file in which that notes its calls. */
async function startFickle(): Promise<{ threadId: string; calls: () => Promise<string> }> {
  const name = `calls-${(counter += 1)}`;
  const file = path.join(stage.project, name);
  const { id } = await startWith({ fickle: mcpConfig("fickle-mcp-server", { CALLS_FILE: file }) });
  return { threadId: id, calls: () => readFile(file, "utf8") };
}
let counter = 0;

const missing = { command: path.join(import.meta.dirname, "no-such-program"), args: [], env: {} };

const listTest = await testWhere("a list of what the thread itself has", async (other) => {
  const elsewhere = other.codex();
  const { id: threadId } = await elsewhere.startThread();
  const { command, args, env } = mcpConfig("mcp-server");
  await elsewhere.config.write("mcp_servers.late", { command, args, env });
  return (await elsewhere.mcp.servers({ threadId, serverName: "late" }).all()).length === 0;
});

describe("the MCP servers of a thread", () => {
  test("can be waited for, until all have started, with their tools, or failed, with why", async () => {
    const { id } = await startWith({ missing, shouting: mcpConfig("mcp-server") });
    const servers = await codex.mcp.started(id);
    expect(servers).toMatchObject([
      { name: "missing", runtimeStatus: "failed", tools: {}, toolsError: expect.any(String) },
      {
        name: "shouting",
        runtimeStatus: "connected",
        toolsError: null,
        tools: { shout: { description: "Says it louder" } },
      },
    ]);
    const paged = codex.mcp.servers({ threadId: id, limit: 1 });
    expect((await paged.page()).data).toHaveLength(1);
    expect((await paged.all()).map(({ name }) => name)).toEqual(["missing", "shouting"]);
  });

  test("tell how they start, and which of them fail and why", async () => {
    const startups = codex.mcp.startups();
    const { id } = await startWith({ missing, shouting: mcpConfig("mcp-server") });
    const seen: Record<string, McpStartup[]> = { missing: [], shouting: [] };
    for await (const startup of startups) {
      if (startup.threadId !== id) continue;
      seen[startup.name]?.push(startup);
      if (Object.values(seen).every((steps) => steps.length === 2)) break;
    }
    expect(seen["shouting"]).toMatchObject([{ status: "starting" }, { status: "ready" }]);
    expect(seen["missing"]).toMatchObject([{ status: "starting" }, { status: "failed" }]);
    expect(seen["missing"]?.[1]?.error).toContain("No such file");
  });

  listTest(
    "that were added to the configuration come into a loaded thread with reload()",
    async () => {
      const thread = await codex.startThread();
      const list = () => codex.mcp.servers({ threadId: thread.id, serverName: "late" }).all();
      const { command, args, env } = mcpConfig("mcp-server");
      await codex.config.write("mcp_servers.late", { command, args, env });
      expect(await list()).toEqual([]);

      await codex.mcp.reload();
      expect(await codex.mcp.started(thread.id)).toMatchObject([
        { name: "late", runtimeStatus: "connected" },
      ]);
      const call = {
        threadId: thread.id,
        server: "late",
        tool: "shout",
        arguments: { text: "hi" },
      };
      expect(await codex.mcp.callTool(call)).toMatchObject({ content: [{ text: "HI" }] });
      await codex.config.write("mcp_servers.late", null);
      await codex.mcp.reload();
    },
  );
});

describe("calling a tool", () => {
  test("needs no approval, and a question of the MCP server is declined", async () => {
    const { id } = await codex.startThread({
      // With this policy the model's own call of `act` would be asked about.
      approvalPolicy: "on-request",
      config: { mcp_servers: { asking: mcpConfig("asking-mcp-server") } },
    });
    const file = path.join(stage.project, "acted");
    const call = { threadId: id, server: "asking" };
    const acted = await codex.mcp.callTool({ ...call, tool: "act", arguments: { file } });
    expect(acted).toMatchObject({ content: [{ type: "text", text: "Acted." }] });
    expect(existsSync(file)).toBe(true);

    const asked = await codex.mcp.callTool({ ...call, tool: "ask", arguments: {} });
    expect(asked).toMatchObject({ content: [{ text: "The user chose to decline." }] });
  });

  test("gives what the tool gives, also when that reports a failure", async () => {
    const { threadId } = await startFickle();
    const result = await codex.mcp.callTool({ threadId, server: "fickle", tool: "respond" });
    expect(result).toMatchObject({
      content: [{ type: "text", text: "It did not work." }],
      structuredContent: { count: 1 },
      isError: true,
    });
  });

  test("throws the MCP server's own error, with its code and data", async () => {
    const { threadId } = await startFickle();
    const refusal = { code: -32_602, message: "Too few", data: { missing: ["text"] } };
    const call = { threadId, server: "fickle", tool: "respond", arguments: refusal };
    const error = await rejection(codex.mcp.callTool(call));
    expect(error).toBeInstanceOf(McpServerError);
    expect(error).toMatchObject({
      code: "MCP_SERVER_ERROR",
      rpcCode: -32_602,
      serverMessage: "Too few",
      data: { missing: ["text"] },
    });
  });

  test("runs the tool once, even when it answers with the code of an overload", async () => {
    const { threadId, calls } = await startFickle();
    const refusal = { code: -32_001, message: "Request timed out" };
    const call = { threadId, server: "fickle", tool: "respond", arguments: refusal };
    const error = await rejection(codex.mcp.callTool(call));
    expect(error).toBeInstanceOf(McpServerError);
    expect(error).toMatchObject({ rpcCode: -32_001 });
    expect(await calls()).toBe("called\n");
  });

  test("tells an MCP server that is not there, and a thread that is not there", async () => {
    const { id } = await startWith({ missing });
    const call = { threadId: id, server: "missing", tool: "any" };
    expect(await rejection(codex.mcp.callTool(call))).toBeInstanceOf(InternalRpcError);
    const unknown = await rejection(codex.mcp.callTool({ ...call, server: "unknown" }));
    expect(unknown).toBeInstanceOf(InternalRpcError);
    expect(unknown.message).toContain("unknown MCP server");
    const threadId = "01a20483-87a2-76b3-a140-1adfd2b4339f";
    expect(await rejection(codex.mcp.callTool({ ...call, threadId }))).toBeInstanceOf(
      ThreadNotFoundError,
    );
  });

  test("is given up by a time limit and by a signal, and the thread goes on", async () => {
    const { threadId } = await startFickle();
    const server = { threadId, server: "fickle", tool: "respond" };
    await codex.mcp.callTool(server);
    const call = { ...server, arguments: { hang: true } };
    const late = await rejection(codex.mcp.callTool(call, { timeoutMs: 200 }));
    expect(late).toBeInstanceOf(RequestTimeoutError);
    const gone = new Error("gone");
    const signal = AbortSignal.abort(gone);
    expect(await rejection(codex.mcp.callTool(call, { signal }))).toBe(gone);
    expect(await codex.mcp.callTool(server)).toMatchObject({ isError: true });
  });

  test("loads a thread that another process has stored", async () => {
    const first = stage.codex();
    const stored = await first.startThread();
    await stored.run("Hi");
    await first.close();

    const mcp_servers = { shouting: mcpConfig("mcp-server") };
    const second = stage.codex({ config: { ...stage.options().config, mcp_servers } });
    const call = { server: "shouting", tool: "shout", arguments: { text: "again" } };
    const result = await second.mcp.callTool({ ...call, threadId: stored.id });
    expect(result).toMatchObject({ content: [{ text: "AGAIN" }] });
    await second.close();
  });
});

describe("reading a resource", () => {
  test("gives its pieces, as text or as base64", async () => {
    const { threadId } = await startFickle();
    // Older servers list what has been configured since, too.
    const listed = await codex.mcp.servers({ threadId, detail: "full" }).all();
    expect(listed.filter(({ name }) => name === "fickle")).toMatchObject([
      { resources: [{ uri: "memo://note", name: "note" }] },
    ]);
    const read = { threadId, server: "fickle", uri: "memo://note" };
    const { contents } = await codex.mcp.readResource(read);
    expect(contents).toEqual([
      { uri: "memo://note", text: "A note." },
      { uri: "memo://note", blob: "AAEC" },
    ]);
  });

  test("that is not there throws the MCP server's own error", async () => {
    const { threadId } = await startFickle();
    const read = { threadId, server: "fickle", uri: "memo://none" };
    const error = await rejection(codex.mcp.readResource(read));
    expect(error).toBeInstanceOf(McpServerError);
    expect(error).toMatchObject({ rpcCode: -32_002, data: { uri: "memo://none" } });
  });
});

describe("the processes of MCP servers", () => {
  test.each(["is closed", "is killed"])("are gone when the server %s", async (end) => {
    const before = await stage.processes();
    const other = stage.codex();
    const mcp_servers = { one: mcpConfig("mcp-server"), two: mcpConfig("mcp-server") };
    const { id } = await other.startThread({ config: { mcp_servers } });
    await other.mcp.started(id);
    const [server = 0] = (await stage.processes()).filter((pid) => !before.includes(pid));
    const children = await childrenOf(server);
    expect(children.length).toBeGreaterThanOrEqual(2);

    if (end === "is killed") process.kill(server, "SIGKILL");
    else await other.close();
    for (const pid of [server, ...children]) await untilGone(pid);
    await other.close();
  });
});

async function childrenOf(parent: number): Promise<number[]> {
  const { stdout } = await promisify(execFile)("ps", ["-axo", "pid=,ppid="]);
  const rows = stdout.split("\n").map((line) => line.trim().split(/\s+/).map(Number));
  return rows.flatMap(([pid = 0, ppid]) => (ppid === parent ? [pid] : []));
}
