import { expect, test } from "@jest/globals";
import type { SandboxPolicy } from "../../../../generated/types.js";
import { ThreadMemory } from "../../../../lib/session/thread-memory.js";
import { isUnlimited, isWider } from "../../../../lib/session/sandbox/sandbox-policy.js";

/** Each is wider than those above it. */
const ladder: SandboxPolicy[] = [
  { type: "readOnly" },
  { type: "readOnly", networkAccess: true },
  { type: "workspaceWrite", excludeSlashTmp: true, excludeTmpdirEnvVar: true },
  { type: "workspaceWrite", excludeSlashTmp: true },
  { type: "workspaceWrite" },
  { type: "workspaceWrite", networkAccess: true },
  { type: "externalSandbox" },
  { type: "externalSandbox", networkAccess: "enabled" },
];
const rungs = ladder.map((policy, rung) => [rung, policy] as const);

test.each(rungs)("a policy is wider than those that allow less: %i", (rung, policy) => {
  for (const [other, than] of rungs)
    expect([other, isWider(policy, than)]).toEqual([other, rung > other]);
});

test("what is left out of a policy is off", () => {
  const off = { networkAccess: false, excludeSlashTmp: false, excludeTmpdirEnvVar: false };
  const policy: SandboxPolicy = { type: "workspaceWrite", ...off };
  expect(isWider(policy, { type: "workspaceWrite" })).toBe(false);
  expect(isWider({ type: "workspaceWrite" }, policy)).toBe(false);
});

test("nothing is wider than full access, nor than an external sandbox with a network", () => {
  const unlimited = [...ladder, { type: "dangerFullAccess" } as const].filter(isUnlimited);
  expect(unlimited).toEqual([ladder.at(-1), { type: "dangerFullAccess" }]);
});

test("the settings of the latest 10,000 threads are known, and those of older ones are forgotten", () => {
  const memory = new ThreadMemory();
  const sandbox: SandboxPolicy = { type: "readOnly" };
  for (let index = 0; index < 30_000; index += 1) {
    memory.learn(`thread-${index}`, { sandbox });
    memory.learn("thread-0", { sandbox });
  }
  const have = (index: number) => memory.settingsOf(`thread-${index}`).sandbox !== undefined;
  expect([0, 1, 18_000, 20_001, 29_999].map(have)).toEqual([true, false, false, true, true]);
});

test("nothing is forgotten of a thread that is loaded", () => {
  const memory = new ThreadMemory();
  memory.isLoaded = (threadId) => threadId === "ours";
  const sandbox: SandboxPolicy = { type: "readOnly" };
  memory.learn("ours", { sandbox });
  memory.bind("ours", { tools: [] });
  for (let index = 0; index < 30_000; index += 1) memory.learn(`thread-${index}`, { sandbox });
  expect([memory.settingsOf("ours"), memory.toolsOf("ours")]).toEqual([{ sandbox }, []]);
});
