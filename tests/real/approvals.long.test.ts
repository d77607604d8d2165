import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import {
  approve,
  type ApprovalRequest,
  type Codex,
  type CommandApproval,
  type FileChangeApproval,
  type PermissionsApproval,
  type PermissionsDecision,
  type RequestContext,
  type StartThreadOptions,
  type Thread,
} from "../../lib/index.js";
import { reply, type LoopbackModel, type Reply } from "../../lib/testing/index.js";
import { RealStage } from "../support/real.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;
const warnings: string[] = [];

beforeAll(async () => {
  stage = await RealStage.open({ config: { features: { request_permissions_tool: true } } });
  model = stage.model;
  codex = stage.codex({ logger: { warn: (message) => warnings.push(message) } });
});
afterAll(() => stage.close());

/** A thread that asks for everything, and whose model does `replies` and then says "Done.". */
async function asking(options: StartThreadOptions, ...replies: Reply[]): Promise<Thread> {
  const thread = await codex.startThread({ approvalPolicy: "untrusted", ...options });
  model.enqueueFor(thread.id, ...replies, reply.text("Done."));
  return thread;
}

/** A file that is not there, and whether it is. */
function marker(name: string) {
  const file = path.join(stage.project, name);
  return { file, made: () => existsSync(file) };
}

function toolOutput(thread: Thread): string {
  const asked = model.requests.findLast(({ threadId }) => threadId === thread.id);
  return asked?.toolOutputs.at(-1)?.output ?? "";
}

describe("a command", () => {
  test("that is accepted runs, and its handler was told what it is", async () => {
    const { file, made } = marker("accepted");
    const seen: { request: ApprovalRequest; context: RequestContext }[] = [];
    const thread = await asking(
      {
        onApproval: (request, context) => {
          expect(made()).toBe(false);
          seen.push({ request, context });
          return "accept";
        },
      },
      reply.shell(`touch ${file}`, { callId: "touch-it" }),
    );
    const { id, items } = await thread.run("Touch it");
    expect(made()).toBe(true);
    expect(items).toContainEqual(
      expect.objectContaining({ type: "commandExecution", status: "completed", exitCode: 0 }),
    );
    const ids = { threadId: thread.id, turnId: id, itemId: "touch-it" };
    expect(seen).toHaveLength(1);
    expect(seen[0]?.context).toMatchObject({
      ...ids,
      method: "item/commandExecution/requestApproval",
      requestId: expect.any(Number) as unknown,
    });
    const { command, cwd, availableDecisions } = seen[0]?.request as CommandApproval;
    expect(command).toContain(`touch ${file}`);
    expect(cwd).toBe(stage.project);
    expect(availableDecisions).toEqual(expect.arrayContaining(["accept", "cancel"]));
  });

  test("that is declined does not run, and the turn goes on", async () => {
    const { file, made } = marker("declined");
    const thread = await asking({ onApproval: () => "decline" }, reply.shell(`touch ${file}`));
    const { status, items, finalResponse } = await thread.run("Touch it");
    expect([status, finalResponse, made()]).toEqual(["completed", "Done.", false]);
    expect(items).toContainEqual(expect.objectContaining({ status: "declined" }));
  });

  test("that is cancelled does not run, and the turn ends as interrupted", async () => {
    const { file, made } = marker("cancelled");
    const thread = await asking({ onApproval: () => "cancel" }, reply.shell(`touch ${file}`));
    const { status, items } = await thread.run("Touch it");
    expect([status, made()]).toEqual(["interrupted", false]);
    expect(items).toContainEqual(expect.objectContaining({ status: "declined" }));
  });

  test("that is accepted for the session is not asked about again", async () => {
    const { file, made } = marker("session");
    let asked = 0;
    const onApproval = () => ((asked += 1), "acceptForSession" as const);
    const command = reply.shell(`touch ${file}`);
    const thread = await asking({ onApproval }, command, command);
    const { items } = await thread.run("Touch it twice");
    expect(items.filter(({ type }) => type === "commandExecution")).toHaveLength(2);
    expect([asked, made()]).toEqual([1, true]);
  });

  test("that was accepted for the session is asked about on other threads, and after a restart", async () => {
    const own = stage.codex();
    const { file } = marker("other-session");
    const command = reply.shell(`touch ${file}`);
    let asked = 0;
    const options: StartThreadOptions = {
      approvalPolicy: "untrusted",
      onApproval: () => ((asked += 1), "acceptForSession"),
    };
    const first = await own.startThread(options);
    const second = await own.startThread(options);
    for (const thread of [first, first, second]) {
      model.enqueueFor(thread.id, command, reply.text("Done."));
      await thread.run("Touch it");
    }
    expect(asked).toBe(2);
    await (await own.client()).close();
    model.enqueueFor(first.id, command, reply.text("Done."));
    await first.run("Touch it");
    expect(asked).toBe(3);
    await own.close();
  });

  test("that is only accepted is asked about again", async () => {
    const { file } = marker("twice");
    let asked = 0;
    const onApproval = () => ((asked += 1), "accept" as const);
    const command = reply.shell(`touch ${file}`);
    await (await asking({ onApproval }, command, command)).run("Touch it twice");
    expect(asked).toBe(2);
  });

  test("that amends the policy lets others with the same beginning run, too", async () => {
    const [first, second] = [marker("amended-1"), marker("amended-2")];
    const proposed: unknown[] = [];
    const thread = await asking(
      {
        onApproval: {
          command: (request) => {
            proposed.push(request.proposedExecpolicyAmendment);
            return approve.execPolicy(["touch"]);
          },
        },
      },
      reply.shell(`touch ${first.file}`),
      reply.shell(`touch ${second.file}`),
    );
    await thread.run("Touch them");
    expect([first.made(), second.made()]).toEqual([true, true]);
    expect(proposed).toEqual([["touch", first.file]]);
    // It is kept in the server's home, for every thread: from here on the tests make directories.
    const rules = await readFile(path.join(stage.home, "rules", "default.rules"), "utf8");
    expect(rules).toContain("touch");
  });

  test("is asked about under the policy untrusted, even if it only looks", async () => {
    let asked = 0;
    const onApproval = () => ((asked += 1), "decline" as const);
    await (await asking({ onApproval }, reply.shell("ls"))).run("Look");
    expect(asked).toBe(1);
  });

  test("may be answered with one of the decisions that the server offers", async () => {
    const { file, made } = marker("offered");
    const thread = await asking(
      {
        onApproval: {
          command: ({ availableDecisions }) => availableDecisions?.at(-1) ?? "decline",
        },
      },
      reply.shell(`mkdir ${file}`),
    );
    expect(await thread.run("Make it")).toMatchObject({ status: "interrupted" });
    expect(made()).toBe(false);
  });
});

describe("a change of files", () => {
  const readOnly = { sandbox: "read-only" } as const;

  test("comes with the diff that its item announced, and is made when accepted", async () => {
    const { file, made } = marker("changed.txt");
    const seen: FileChangeApproval[] = [];
    const thread = await asking(
      {
        ...readOnly,
        onApproval: {
          fileChange: (request) => {
            expect(made()).toBe(false);
            seen.push(request);
            return "accept";
          },
        },
      },
      reply.addFile("changed.txt", "hello\n", { callId: "add-it" }),
    );
    await thread.run("Write it");
    expect(await readFile(file, "utf8")).toBe("hello\n");
    expect(seen).toMatchObject([
      {
        type: "fileChange",
        itemId: "add-it",
        changes: [{ path: file, kind: { type: "add" }, diff: "hello\n" }],
      },
    ]);
  });

  test("is not made when declined or cancelled", async () => {
    for (const [decision, status] of [
      ["decline", "completed"],
      ["cancel", "interrupted"],
    ] as const) {
      const { made } = marker(`${decision}.txt`);
      const change = reply.addFile(`${decision}.txt`, "hello\n");
      const thread = await asking({ ...readOnly, onApproval: () => decision }, change);
      expect(await thread.run("Write it")).toMatchObject({ status });
      expect(made()).toBe(false);
    }
  });

  test("that is accepted for the session is not asked about again for the same file", async () => {
    let asked = 0;
    const onApproval = { fileChange: () => ((asked += 1), "acceptForSession" as const) };
    const thread = await asking(
      { ...readOnly, onApproval },
      reply.addFile("again.txt", "hello\n"),
      reply.applyPatch(
        "*** Begin Patch\n*** Update File: again.txt\n@@\n-hello\n+bye\n*** End Patch",
      ),
    );
    await thread.run("Write it twice");
    expect(await readFile(marker("again.txt").file, "utf8")).toBe("bye\n");
    expect(asked).toBe(1);
  });
});

describe("permissions", () => {
  const network = { network: { enabled: true } };

  /** What the model is told after it has asked for the network. */
  async function told(decide: (request: PermissionsApproval) => PermissionsDecision) {
    const thread = await asking(
      {
        approvalPolicy: "on-request",
        sandbox: "read-only",
        onApproval: { permissions: decide },
      },
      reply.requestPermissions({ reason: "To look it up", permissions: network }),
    );
    await thread.run("Look it up");
    return JSON.parse(toolOutput(thread)) as unknown;
  }

  test("are granted, for the turn or for the session", async () => {
    const seen: PermissionsApproval[] = [];
    expect(
      await told((request) => {
        seen.push(request);
        return "accept";
      }),
    ).toMatchObject({ permissions: network, scope: "turn" });
    expect(seen).toMatchObject([
      { type: "permissions", reason: "To look it up", permissions: network },
    ]);
    expect(await told(() => "acceptForSession")).toMatchObject({
      permissions: network,
      scope: "session",
    });
    expect(
      await told(({ permissions }) => approve.permissions(permissions, { scope: "session" })),
    ).toMatchObject({ permissions: network, scope: "session" });
  });

  test("are not granted when declined, or when nothing of them is granted", async () => {
    for (const decision of ["decline", approve.permissions({})] as const) {
      const output = JSON.stringify(await told(() => decision));
      expect(output).toContain("permissions");
      expect(output).not.toContain("true");
    }
  });
});

describe("a preset answers by itself", () => {
  test.each(["accept", "acceptForSession", "decline"] as const)("%s", async (preset) => {
    const [command, change] = [marker(`${preset}-dir`), marker(`${preset}-preset.txt`)];
    const made = preset !== "decline";
    const first = await asking({ onApproval: preset }, reply.shell(`mkdir ${command.file}`));
    await first.run("Make it");
    expect(command.made()).toBe(made);
    const second = await asking(
      { sandbox: "read-only", onApproval: preset },
      reply.addFile(`${preset}-preset.txt`, "hello\n"),
    );
    await second.run("Write it");
    expect(change.made()).toBe(made);
    const third = await asking(
      { approvalPolicy: "on-request", sandbox: "read-only", onApproval: preset },
      reply.requestPermissions({ permissions: { network: { enabled: true } } }),
    );
    await third.run("Look it up");
    expect(toolOutput(third).includes('"enabled":true')).toBe(made);
  });
});

describe("nothing runs when the handler", () => {
  const odd = {
    throws: () => {
      throw new Error("secret");
    },
    rejects: () => Promise.reject(new Error("secret")),
    "answers nothing": () => undefined as never,
    "answers an unknown word": () => "yes" as never,
    "answers what is for another request": () => ({ permissions: {}, scope: "turn" }) as never,
  };

  test.each(Object.entries(odd))("%s", async (name, onApproval) => {
    const { file, made } = marker(name.replaceAll(" ", "-"));
    const thread = await asking({ onApproval }, reply.shell(`mkdir ${file}`));
    warnings.length = 0;
    const { status, items } = await thread.run("Make it");
    expect([status, made()]).toEqual(["completed", false]);
    expect(items).toContainEqual(expect.objectContaining({ status: "declined" }));
    const [line, ...others] = warnings.filter((each) => each.includes("refused"));
    expect(line).toMatch(/^item\/commandExecution\/requestApproval was refused: its handler \D+$/);
    expect(line).not.toContain("secret");
    expect(others).toEqual([]);
  });
});

test("several approvals are open at once, and may be decided in any order", async () => {
  const files = ["one", "two", "three"].map((name) => marker(`parallel-${name}`));
  // The commands are asked about in any order.
  const decide = new Map<string, (decision: "accept" | "decline") => void>();
  let open: (() => void) | undefined;
  const allOpen = new Promise<void>((resolve) => (open = resolve));
  const thread = await asking(
    {
      onApproval: (request) =>
        new Promise((resolve) => {
          decide.set(request.type === "command" ? (request.command ?? "") : "", resolve);
          if (decide.size === files.length) open?.();
        }),
    },
    files.map(({ file }) => reply.shell(`mkdir ${file}`)),
  );
  const turn = thread.turn("Make them");
  await allOpen;
  const client = await codex.client();
  expect(client.pendingRequests().map(({ threadId }) => threadId)).toEqual(
    files.map(() => thread.id),
  );
  const isSecond = (command: string) => command.includes("parallel-two");
  for (const [command, answer] of decide) if (!isSecond(command)) answer("accept");
  for (const [command, answer] of decide) if (isSecond(command)) answer("decline");
  expect(await turn.run()).toMatchObject({ status: "completed" });
  expect(files.map(({ made }) => made())).toEqual([true, false, true]);
});

describe("by policy and sandbox:", () => {
  test("everything runs under the policy never", async () => {
    const { file, made } = marker("never");
    let asked = 0;
    const onApproval = () => ((asked += 1), "decline" as const);
    const options = { approvalPolicy: "never", onApproval } as const;
    await (await asking(options, reply.shell(`mkdir ${file}`))).run("Make it");
    expect([asked, made()]).toEqual([0, true]);
  });

  test("everything runs under on-request that no sandbox stands against", async () => {
    const { file, made } = marker("on-request");
    let asked = 0;
    const onApproval = () => ((asked += 1), "decline" as const);
    const options = { approvalPolicy: "on-request", onApproval } as const;
    await (await asking(options, reply.shell(`mkdir ${file}`))).run("Make it");
    expect([asked, made()]).toEqual([0, true]);
  });

  test.each([
    ["workspace-write", "on-request", 0],
    ["danger-full-access", "on-request", 0],
    ["read-only", "on-request", 1],
    ["workspace-write", "untrusted", 1],
    ["danger-full-access", "untrusted", 1],
  ] as const)(
    "a change of files is made, or not, under %s and %s",
    async (sandbox, approvalPolicy, questions) => {
      const name = `${sandbox}-${approvalPolicy}.txt`;
      let asked = 0;
      const onApproval = { fileChange: () => ((asked += 1), "decline" as const) };
      const options = { sandbox, approvalPolicy, onApproval };
      const thread = await asking(options, reply.addFile(name, "hello\n"));
      await thread.run("Write it");
      expect([asked, marker(name).made()]).toEqual([questions, questions === 0]);
    },
  );

  test("a shell command of the user runs, whatever the thread's policy is", async () => {
    const { file, made } = marker("shell-command");
    let asked = 0;
    const onApproval = () => ((asked += 1), "decline" as const);
    const thread = await codex.startThread({ approvalPolicy: "untrusted", onApproval });
    await thread.shellCommand(`mkdir ${file}`).run();
    expect([asked, made()]).toEqual([0, true]);
  });

  test("the commands of a review run, whatever the thread's policy is", async () => {
    const { file, made } = marker("review");
    let asked = 0;
    const onApproval = () => ((asked += 1), "decline" as const);
    const thread = await codex.startThread({ approvalPolicy: "untrusted", onApproval });
    model.respond((request) =>
      request.subagent === "review" && request.toolOutputs.length === 0
        ? reply.shell(`mkdir ${file}`)
        : undefined,
    );
    await thread.review({ type: "custom", instructions: "Look" }).run();
    model.respond(undefined);
    expect([asked, made()]).toEqual([0, true]);
  });
});
