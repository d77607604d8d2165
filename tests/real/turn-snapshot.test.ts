import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Codex } from "../../lib/index.js";
import { reply, type LoopbackModel } from "../../lib/testing/index.js";
import { RealStage } from "../support/real.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;

beforeAll(async () => {
  stage = await RealStage.open();
  model = stage.model;
  codex = stage.codex();
});
afterAll(() => stage.close());

test("diff, tokens and rate limits can be read off a turn while it runs", async () => {
  const thread = await codex.startThread();
  const gate = reply.hold();
  model.enqueueFor(
    thread.id,
    [
      reply.headers({
        "x-codex-primary-used-percent": "37",
        "x-codex-primary-window-minutes": "300",
      }),
      reply.applyPatch("*** Begin Patch\n*** Add File: new.txt\n+hello\n*** End Patch"),
    ],
    reply.text(["Half ", gate, "said."]),
  );
  const turn = thread.turn("Make a file");
  expect(turn.state).toMatchObject({ status: "inProgress", diff: null, usage: null });
  let looked = 0;
  for await (const event of turn) {
    if (event.method !== "item/agentMessage/delta" || (looked += 1) > 1) continue;
    const { status, diff, usage, items, openItems, rateLimits } = turn.state;
    expect(status).toBe("inProgress");
    expect(diff).toContain("+hello");
    expect(usage?.turn.totalTokens).toBeGreaterThan(0);
    expect(items.map(({ type }) => type)).toContain("fileChange");
    expect(openItems).toMatchObject([{ type: "agentMessage" }]);
    expect(rateLimits?.rateLimits.primary).toMatchObject({ usedPercent: 37 });
    gate.release();
  }
  expect(looked).toBeGreaterThan(0);
  const result = await turn.run();
  expect(result.finalResponse).toBe("Half said.");
  expect(turn.state).toMatchObject({ status: "completed", openItems: [] });
});

test("text that is proposed as a plan is in the snapshot while it is written", async () => {
  const client = await codex.client();
  const { data } = await client.request("collaborationMode/list", {});
  const mode = data.find(({ mode }) => mode === "plan");
  expect(mode?.mode).toBe("plan");
  const thread = await codex.startThread();
  const gate = reply.hold();
  model.enqueueFor(
    thread.id,
    reply.text(["<proposed_plan>\n", "1. Look\n", gate, "2. Fix\n", "</proposed_plan>"]),
  );
  const collaborationMode = {
    mode: "plan",
    settings: { model: "mock-model", reasoning_effort: null, developer_instructions: null },
  } as const;
  const turn = thread.turn("Plan it", { collaborationMode });
  await gate.reached;
  const seen: boolean[] = [];
  for await (const event of turn) {
    if (event.method !== "item/plan/delta" || seen.length > 0) continue;
    seen.push(turn.state.openItems.some(({ type }) => type === "plan"));
    gate.release();
  }
  expect(seen).toEqual([true]);
  const { items } = await turn.run();
  const plans = items.flatMap((item) => (item.type === "plan" ? [item.text] : []));
  expect(plans).toEqual([expect.stringContaining("2. Fix")]);
});
