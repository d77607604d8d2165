import { writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { configArgs, nativeCodexPath, RawClient } from "../support/raw-client.js";
import { RawStage, type Params } from "../support/raw-stage.js";
import {
  methodIndex,
  validateClientRequest,
  validateNotification,
  validateResult,
} from "../support/schemas.js";

/** Requests that need no login and no network, with params that depend on the stage. */
type Call = [method: string, params?: (stage: RawStage, threadId: string) => Params];

const base64 = Buffer.from("text").toString("base64");
const onThread = (_: RawStage, threadId: string): Params => ({ threadId });
const inProject =
  (name: string, field = "path") =>
  ({ project }: RawStage): Params => ({ [field]: path.join(project, name) });

// Between them they return every result type that no naming rule finds, where the server answers
// without an account.
const calls: Call[] = [
  ["account/gatewayOAuth/cancel"],
  ["account/gatewayOAuth/read"],
  ["account/read"],
  ["account/securitySetup/read"],
  ["accountSession/list"],
  ["collaborationMode/list"],
  ["command/exec", () => ({ command: ["echo", "text"] })],
  ["config/batchWrite", () => ({ edits: [edit("model_verbosity", "high")] })],
  ["config/mcpServer/reload"],
  ["config/read", () => ({ includeLayers: true })],
  ["config/value/write", () => edit("model_verbosity", "low")],
  ["configRequirements/read"],
  ["environment/status", () => ({ environmentId: "none" })],
  ["experimentalFeature/list"],
  ["externalAgentConfig/import/readHistories"],
  ["fs/createDirectory", inProject("made")],
  ["fs/getMetadata", inProject("file.txt")],
  ["fs/readDirectory", ({ project }) => ({ path: project })],
  ["fs/readFile", inProject("file.txt")],
  ["fs/writeFile", (stage) => ({ ...inProject("new.txt")(stage), dataBase64: base64 })],
  ["fuzzyFileSearch", ({ project }) => ({ query: "file", roots: [project] })],
  ["getAuthStatus"],
  ["getConversationSummary", (_, conversationId) => ({ conversationId })],
  ["hooks/list"],
  ["mcpServerStatus/list"],
  ["memory/reset"],
  ["memory/status"],
  ["mock/experimentalMethod", () => ({ value: "text" })],
  ["model/list"],
  ["modelProvider/capabilities/read"],
  ["modelProvider/list"],
  ["permissionProfile/list"],
  ["project/list"],
  ["remoteControl/status/read"],
  ["rollout/compress"],
  ["server/diagnostics"],
  ["skills/list"],
  ["thread/backgroundTerminals/list", onThread],
  ["thread/goal/get", onThread],
  ["thread/items/list", onThread],
  ["thread/list"],
  ["thread/loaded/list"],
  ["thread/metadata/update", (_, threadId) => ({ threadId, gitInfo: { branch: "main" } })],
  ["thread/name/set", (_, threadId) => ({ threadId, name: "A name" })],
  ["thread/queue/list", onThread],
  ["thread/read", (_, threadId) => ({ threadId, includeTurns: true })],
  ["thread/search", () => ({ searchTerm: "Hello" })],
  ["thread/timeline/list", onThread],
  ["thread/turns/list", onThread],
  ["threadSection/list"],
  ["userVerification/status"],
  ["windowsSandbox/readiness"],
  ["thread/fork", onThread],
  ["thread/archive", onThread],
  ["thread/unarchive", onThread],
  ["thread/resume", onThread],
  ["thread/unsubscribe", onThread],
  ["account/login/start", () => ({ type: "apiKey", apiKey: "sk-none" })],
  ["account/logout"],
];

describe("the real server's answers", () => {
  let stage: RawStage;
  let threadId: string;
  beforeAll(async () => {
    stage = await RawStage.open();
    await writeFile(path.join(stage.project, "file.txt"), "text\n");
    threadId = await stage.startThread();
    await stage.completed(await stage.startTurn(threadId, "Hello"));
  });
  afterAll(() => stage.close());

  // In this order, on one server: the last ones end what the others use.
  for (const [method, params] of calls) {
    test(`${method} returns what the method map says`, async () => {
      const sent = params?.(stage, threadId) ?? {};
      const result = await stage.client.request(method, sent);
      expect(validateClientRequest(method, sent)).toEqual([]);
      expect(validateResult(method, result)).toEqual([]);
    });
  }

  test("every notification seen meanwhile is as the method map says", () => {
    const seen = stage.client.messages.filter(({ id, method }) => method && id === undefined);
    const problems = seen.flatMap(({ method = "", params }) =>
      validateNotification(method, params),
    );
    expect(problems).toEqual([]);
    expect(seen.length).toBeGreaterThan(20);
  });

  test("config/read leaves its layers out unless asked, though the export says null", async () => {
    const result = await stage.client.request("config/read", {});
    expect(result).not.toHaveProperty("layers");
    expect(validateResult("config/read", result)).toEqual([]);
  });

  test("a gated method is refused on a stable connection, an ungated one is not", async () => {
    const { config, env } = stage.options;
    const stable = RawClient.start({
      command: nativeCodexPath(),
      args: [...configArgs(config), "app-server"],
      env,
    });
    const gated = Object.entries(methodIndex.clientRequests)
      .filter(([, entry]) => entry.experimental && entry.params === null)
      .map(([method]) => method);
    try {
      await stable.initialize({ experimentalApi: false });
      for (const method of gated) {
        const { error } = await stable.call(method);
        expect(error?.message).toBe(`${method} requires experimentalApi capability`);
      }
      expect(gated.length).toBeGreaterThan(1);
      expect(await stable.request("thread/loaded/list", {})).toHaveProperty("data");
    } finally {
      await stable.close();
    }
  });
});

function edit(keyPath: string, value: string): Params {
  return { keyPath, value, mergeStrategy: "replace" };
}
