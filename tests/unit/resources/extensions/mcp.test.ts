import { describe, expect, test } from "@jest/globals";
import { getEventListeners } from "node:events";
import { InvalidArgumentError } from "../../../../lib/errors/invalid-argument-error.js";
import { McpServerError } from "../../../../lib/errors/rpc-errors.js";
import {
  InternalRpcError,
  InvalidRequestError,
  ServerBusyError,
  ThreadNotFoundError,
} from "../../../../lib/errors/rpc-errors.js";
import { toRpcError } from "../../../../lib/errors/to-rpc-error.js";
import { rejection } from "../../../support/collect.js";
import { linked } from "../../../support/linked-server.js";

const threadId = "thread-8";

describe("a thread that is named", () => {
  test.each([
    ["servers", (mcp) => mcp.servers({ threadId }).all(), "mcpServerStatus/list"],
    ["started", (mcp) => mcp.started(threadId), "mcpServerStatus/list"],
    [
      "callTool",
      (mcp) => mcp.callTool({ threadId, server: "a", tool: "b" }),
      "mcpServer/tool/call",
    ],
    [
      "readResource",
      (mcp) => mcp.readResource({ threadId, server: "a", uri: "b" }),
      "mcpServer/resource/read",
    ],
    ["login", (mcp) => mcp.login("a", { threadId }), "mcpServer/oauth/login"],
  ] as [string, (mcp: Mcp) => Promise<unknown>, string][])(
    "is loaded first by %s",
    async (_name, use, method) => {
      await using pair = await linked();
      const { client, server } = pair;
      server.handle("mcpServerStatus/list", () => ({ data: [], nextCursor: null }));
      await use(client.mcp);
      await use(client.mcp);
      const sent = server.requests.map((request) => request.method);
      expect(sent.filter((each) => ["thread/resume", method].includes(each))).toEqual([
        "thread/resume",
        method,
        method,
      ]);
      expect(server.paramsOf(method)[0]).toMatchObject({ threadId });
    },
  );
});
type Mcp = Awaited<ReturnType<typeof linked>>["client"]["mcp"];

describe("waiting for a thread's servers", () => {
  const page = (...states: string[]) => ({
    data: states.map((runtimeStatus, index) => ({ name: `server-${index}`, runtimeStatus })),
    nextCursor: null,
  });

  test("asks again while one is told to start, and gives what it was told last", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    const pages = [page("starting", "connected"), page("failed", "connected")];
    server.handle("mcpServerStatus/list", () => pages.shift());
    expect(await client.mcp.started(threadId)).toMatchObject([
      { name: "server-0", runtimeStatus: "failed" },
      { name: "server-1", runtimeStatus: "connected" },
    ]);
    expect(pages).toEqual([]);
  });

  test("does not wait for one that starts when it is needed", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    server.handle("mcpServerStatus/list", () => page("notStarted"));
    expect(await client.mcp.started(threadId)).toHaveLength(1);
  });

  test("ends with its signal, also between two looks", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    server.handle("mcpServerStatus/list", () => page("starting"));
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = rejection(client.mcp.started(threadId, { signal }));
    await server.nextRequest("mcpServerStatus/list");
    await server.nextRequest("mcpServerStatus/list");
    const gone = new Error("gone");
    controller.abort(gone);
    expect(await waiting).toBe(gone);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});

test("what cannot work is told before anything is sent", async () => {
  await using pair = await linked();
  const { mcp } = pair.client;
  const call = { threadId, server: "a", tool: "b" };
  const mistakes: [Promise<unknown>, string][] = [
    [mcp.callTool({ ...call, threadId: "" }), "threadId"],
    [mcp.callTool({ ...call, server: "" }), "server"],
    [mcp.callTool({ ...call, tool: "" }), "tool"],
    [mcp.readResource({ server: "", uri: "b" }), "server"],
    [mcp.readResource({ server: "a", uri: "" }), "uri"],
    [mcp.started(""), "threadId"],
  ];
  for (const [promise, argument] of mistakes) {
    const error = await rejection(promise);
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error).toMatchObject({ argument });
  }
  expect(pair.server.requests).toHaveLength(1);
});

describe("an error that an MCP server answered", () => {
  const errorOf = (method: string, code: number, message: string) =>
    toRpcError(method, { code, message, data: { of: "theirs" } });

  test.each(["mcpServer/tool/call", "mcpServer/resource/read"])(
    "is told from ours: %s",
    (method) => {
      for (const code of [-32_001, -32_002, -32_042, -32_601, -32_602, -32_700, 0, 1234]) {
        const error = errorOf(method, code, "thread not found");
        expect(error).toBeInstanceOf(McpServerError);
        expect(error).toMatchObject({
          code: "MCP_SERVER_ERROR",
          rpcCode: code,
          serverMessage: "thread not found",
          data: { of: "theirs" },
        });
      }
      expect(errorOf(method, -32_001, "Server overloaded; retry later.")).toBeInstanceOf(
        ServerBusyError,
      );
      expect(errorOf(method, -32_600, "thread not found: x")).toBeInstanceOf(ThreadNotFoundError);
      expect(errorOf(method, -32_600, "No.")).toBeInstanceOf(InvalidRequestError);
      expect(errorOf(method, -32_603, "unknown MCP server")).toBeInstanceOf(InternalRpcError);
    },
  );

  test("is looked for in no other method", () => {
    const error = errorOf("thread/start", -32_001, "Request timed out");
    expect(error).toBeInstanceOf(ServerBusyError);
  });
});
