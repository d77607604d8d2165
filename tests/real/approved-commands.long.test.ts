import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import path from "node:path";
import type { Codex, StartThreadOptions, TurnResult } from "../../lib/index.js";
import { reply } from "../../lib/testing/index.js";
import { RealStage } from "../support/real.js";

let stage: RealStage;
let codex: Codex;
let count = 0;

beforeAll(async () => {
  stage = await RealStage.open();
  codex = stage.codex();
});
afterAll(() => stage.close());

type Policy = StartThreadOptions["approvalPolicy"];
type ShellOptions = Parameters<typeof reply.shell>[1];

/** Runs a command that is to make a file, on a thread that may only read; every question is answered with yes. */
async function run(
  approvalPolicy: Policy,
  command: (file: string) => string,
  options: ShellOptions = {},
) {
  const file = path.join(stage.project, `made-${(count += 1)}`);
  let asked = 0;
  const onApproval = () => ((asked += 1), "accept" as const);
  const thread = await codex.startThread({ sandbox: "read-only", approvalPolicy, onApproval });
  const call = reply.shell(command(file), options);
  stage.model.enqueueFor(thread.id, call, reply.text("Done."));
  const result = await thread.run("Make it.");
  const told = stage.model.requests.findLast((request) => request.threadId === thread.id);
  const output = told?.toolOutputs.at(-1)?.output ?? "";
  return { asked, made: existsSync(file), items: commandsOf(result), output };
}

function commandsOf({ items }: TurnResult) {
  return items.flatMap((item) =>
    item.type === "commandExecution" ? [{ status: item.status, exitCode: item.exitCode }] : [],
  );
}

const denied = /read-only file system/i;
const fine = { status: "completed", exitCode: 0 };

describe("an approved command is tried inside the sandbox", () => {
  test("and has done with it when it makes nothing of what it was denied", async () => {
    const command = (file: string) => `echo hi > ${file}; echo out`;
    const { output, ...outcome } = await run("untrusted", command);
    expect(outcome).toEqual({ asked: 1, made: false, items: [fine] });
    expect(output).toMatch(denied);
    expect(output).toContain("out");
  });

  test("and fails when it has run for a while before it is denied something", async () => {
    const { output, ...outcome } = await run("untrusted", (file) => `sleep 1; touch ${file}`);
    const failed = { status: "failed", exitCode: 1 };
    expect(outcome).toEqual({ asked: 1, made: false, items: [failed] });
    expect(output).toMatch(denied);
  });

  test("and, when it fails at once, run again without one or not: it is asked about once", async () => {
    const { asked, made, items } = await run("untrusted", (file) => `touch ${file}`);
    expect(asked).toBe(1);
    expect(items).toEqual([made ? fine : { status: "failed", exitCode: 1 }]);
  });

  test("unless what was approved is to leave it", async () => {
    const leave = { sandboxPermissions: "require_escalated", justification: "It must." } as const;
    const { output, ...outcome } = await run("on-request", (file) => `touch ${file}`, leave);
    expect(outcome).toEqual({ asked: 1, made: true, items: [fine] });
    expect(output).not.toMatch(denied);
  });
});

test.each(["on-request", "never"] as const)(
  "a command that the sandbox denies at once is told to the model, and may be no item: %s",
  async (policy) => {
    const { asked, made, items, output } = await run(policy, (file) => `touch ${file}`);
    expect({ asked, made }).toEqual({ asked: 0, made: false });
    expect(output).toMatch(denied);
    expect(items.filter(({ status }) => status !== "failed")).toEqual([]);
    expect(items.length).toBeLessThanOrEqual(1);
  },
);
