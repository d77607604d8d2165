import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import path from "node:path";
import { Codex } from "../../../lib/index.js";
import { reply, type LoopbackModel } from "../../../lib/testing/index.js";
import { addTool } from "../../support/ai-model.js";
import { CuttingProxy } from "../../support/cutting-proxy.js";
import { ListeningServer } from "../../support/listening-server.js";
import { HarnessStage, partOf, partsIn, textOf } from "./harness-stage.js";

let stage: HarnessStage;
let model: LoopbackModel;
let server: ListeningServer;
let proxy: CuttingProxy;

beforeAll(async () => {
  stage = await HarnessStage.open();
  model = stage.model;
  server = await ListeningServer.start(stage.real);
  proxy = await CuttingProxy.start(server.target);
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await stage.close();
});

test.each(["while it is asked", "with its answer"])(
  "an approval counts although the connection drops: %s",
  async (moment) => {
    await using codex = new Codex({ url: proxy.url });
    const agent = stage.agent({ codex, permissionMode: "allow-reads" });
    const session = await agent.createSession();
    model.enqueue(reply.shell("touch marker"), reply.text("Touched."));
    const parts = await partsIn(await agent.stream({ session, prompt: "Go" }));
    const { approvalId } = partOf(parts, "tool-approval-request");
    const cut =
      moment === "with its answer" ? proxy.cutAt("client", "before", /"decision"/) : undefined;
    if (!cut) proxy.cut();
    const answer = { type: "tool-approval-response", approvalId: String(approvalId) } as const;
    const toolApprovalContinuations = [{ ...answer, approved: true }];
    const result = await agent.continueStream({ session, toolApprovalContinuations });
    const rest = await partsIn(result);
    await cut;
    expect(textOf(rest)).toBe("Touched.");
    expect(existsSync(path.join(stage.directoryOf(session), "marker"))).toBe(true);
    await session.destroy();
  },
);

test("the result of a tool counts although the connection drops with it", async () => {
  await using codex = new Codex({ url: proxy.url });
  let calls = 0;
  const add = addTool(({ a, b }) => {
    calls += 1;
    return a + b;
  });
  const agent = stage.agent({ codex, tools: { add } as never });
  const session = await agent.createSession();
  model.enqueue(reply.functionCall("add", { a: 1, b: 2 }), reply.text("Three."));
  const cut = proxy.cutAt("client", "before", /contentItems/);
  const parts = await partsIn(await agent.stream({ session, prompt: "Add" }));
  await cut;
  expect(textOf(parts)).toBe("Three.");
  expect(calls).toBe(1);
  expect(JSON.stringify(model.requests.at(-1)?.toolOutputs)).toContain('"3"');
  await session.destroy();
});
