import { describe, expect, test } from "@jest/globals";
import { AppServerClient, Codex, InvalidArgumentError } from "../../lib/index.js";
import type { Thread } from "../../lib/index.js";
import { rejection } from "../support/collect.js";
import { linkedThread } from "../support/linked-server.js";

type Call = (client: AppServerClient, thread: Thread, options: never) => unknown;

/** Calls that open a thread, which take the name of a sandbox mode. */
const opening: Record<string, Call> = {
  startThread: (client, _, options) => client.startThread(options),
  resumeThread: (client, _, options) => client.resumeThread("thread-1", options),
  forkThread: (client, _, options) => client.forkThread("thread-1", options),
  fork: (_, thread, options) => thread.fork(options),
};

/** Calls that take a policy, too. */
const turning: Record<string, Call> = {
  turn: (_, thread, options) => thread.turn("Hi", options),
  run: (_, thread, options) => thread.run("Hi", options),
  updateSettings: (_, thread, options) => thread.updateSettings(options),
};

const command: Record<string, Call> = {
  exec: (client, _, options) => client.exec(["true"], options),
};

const modes = '"read-only", "workspace-write" or "danger-full-access"';
const modesOrPolicy = '"read-only", "workspace-write", "danger-full-access" or a sandbox policy';
const types = '"dangerFullAccess", "readOnly", "externalSandbox" or "workspaceWrite"';
const policies = '"untrusted", "on-request", "never" or { granular }';

async function refusal(call: Call, options: object) {
  await using pair = await linkedThread();
  const before = pair.server.requests.length;
  const calling = Promise.resolve().then(() => call(pair.client, pair.thread, options as never));
  const error = await rejection(calling);
  expect(error).toBeInstanceOf(InvalidArgumentError);
  expect(pair.server.requests).toHaveLength(before);
  const { argument, message } = error as InvalidArgumentError;
  return { argument, message };
}

describe("a sandbox that no server knows is refused with the choices, and nothing is sent:", () => {
  const values = ["bogus", "readOnly", "READ-ONLY", "", " read-only", 5, true, ["read-only"]];
  const named = Object.entries({ ...opening, ...turning, ...command });

  test.each(named)("%s", async (name, call) => {
    const choices = name in opening ? modes : modesOrPolicy;
    for (const sandbox of values) {
      const { argument, message } = await refusal(call, { sandbox });
      if (Array.isArray(sandbox) && !(name in opening)) {
        expect({ argument, message }).toEqual({
          argument: "sandbox.type",
          message: `sandbox.type must be ${types}`,
        });
      } else {
        expect(argument).toBe("sandbox");
        expect(message).toContain(`sandbox must be ${choices}`);
      }
    }
  });

  test.each(Object.entries({ ...turning, ...command }))("a policy of %s", async (_, call) => {
    for (const type of ["bogus", "read-only", undefined, 5]) {
      const { argument, message } = await refusal(call, { sandbox: { type } });
      expect(argument).toBe("sandbox.type");
      expect(message).toBe(`sandbox.type must be ${types}`);
    }
  });

  test.each(Object.entries({ ...turning, ...command }))(
    "a field of a policy of %s",
    async (_, call) => {
      const bad = [
        [{ type: "workspaceWrite", writableRoots: "/repo" }, "writableRoots", "an array of paths"],
        [{ type: "workspaceWrite", writableRoots: [5] }, "writableRoots", "an array of paths"],
        [{ type: "workspaceWrite", networkAccess: "yes" }, "networkAccess", "true or false"],
        [{ type: "workspaceWrite", excludeSlashTmp: 1 }, "excludeSlashTmp", "true or false"],
        [{ type: "readOnly", networkAccess: "enabled" }, "networkAccess", "true or false"],
        [
          { type: "externalSandbox", networkAccess: true },
          "networkAccess",
          '"restricted" or "enabled"',
        ],
      ] as const;
      for (const [sandbox, name, choices] of bad) {
        expect(await refusal(call, { sandbox })).toEqual({
          argument: `sandbox.${name}`,
          message: `sandbox.${name} must be ${choices}`,
        });
      }
    },
  );

  test.each(["turn", "run", "updateSettings"])(
    "under the protocol's own name: %s",
    async (name) => {
      const call = turning[name] as Call;
      expect(await refusal(call, { sandboxPolicy: { type: "bogus" } })).toMatchObject({
        message: `sandboxPolicy.type must be ${types}`,
      });
    },
  );

  test.each(Object.entries(opening))("a whole policy in %s", async (_, call) => {
    const { message } = await refusal(call, { sandbox: { type: "readOnly" } });
    expect(message).toBe(`sandbox must be ${modes}; only turns and commands take a policy`);
  });
});

test("a review with blank instructions is refused, and nothing is sent", async () => {
  for (const instructions of ["", " \n", undefined, 5]) {
    const review: Call = (_, thread, target) => thread.review(target).run();
    expect(await refusal(review, { type: "custom", instructions })).toEqual({
      argument: "target.instructions",
      message: "target.instructions must be a string that is not blank",
    });
  }
});

describe("an approval policy that no server knows is refused with the choices:", () => {
  test.each(Object.entries({ ...opening, ...turning }))("%s", async (_, call) => {
    for (const approvalPolicy of ["bogus", "on_request", "always", "", 5, false]) {
      expect(await refusal(call, { approvalPolicy })).toEqual({
        argument: "approvalPolicy",
        message: `approvalPolicy must be ${policies}`,
      });
    }
  });

  test.each(Object.entries({ ...opening, ...turning }))("the rules of %s", async (_, call) => {
    const rules = { sandbox_approval: true, rules: "yes" };
    expect(await refusal(call, { approvalPolicy: { granular: rules } })).toEqual({
      argument: "approvalPolicy.granular.rules",
      message: "approvalPolicy.granular.rules must be true or false",
    });
    for (const approvalPolicy of [{}, { granular: null }, { granular: true }]) {
      expect(await refusal(call, { approvalPolicy })).toMatchObject({
        argument: "approvalPolicy.granular",
      });
    }
  });
});

describe("both are refused in the configuration, where they have other names:", () => {
  const bad = [
    [{ sandbox_mode: "bogus" }, `config.sandbox_mode must be ${modes}`],
    [{ sandbox_mode: "workspaceWrite" }, `config.sandbox_mode must be ${modes}`],
    [{ approval_policy: "bogus" }, `config.approval_policy must be ${policies}`],
  ] as const;

  test.each(Object.entries(opening))("of %s", async (_, call) => {
    for (const [config, message] of bad) {
      expect((await refusal(call, { config })).message).toBe(message);
    }
  });

  test.each(bad)("of a client: %j", async (config, message) => {
    expect(() => new Codex({ config })).toThrow(message);
    expect(await rejection(AppServerClient.start({ config }))).toMatchObject({ message });
  });

  test.each([
    ["sandbox_mode=bogus", modes],
    ['sandbox_mode = "bogus"', modes],
    ["sandbox_mode=", modes],
    ["approval_policy='bogus'", policies],
  ])("of a client's raw overrides: %s", (override, choices) => {
    const configOverrides = ["model=m", override];
    const message = `configOverrides[1] must be ${choices}`;
    expect(() => new Codex({ configOverrides })).toThrow(message);
  });

  test.each([
    { config: { sandbox_mode: "read-only", approval_policy: "never" } },
    // What old configurations have.
    { config: { approval_policy: "on-failure" } },
    { config: { approval_policy: { granular: { rules: true } } } },
    { config: { sandbox_mode: undefined } },
    { configOverrides: ["sandbox_mode='read-only'", 'approval_policy="on-failure"'] },
    { configOverrides: ["approval_policy={ granular = { rules = true } }", "x.sandbox_mode=y"] },
  ])("what the server knows passes: %j", (options) => {
    expect(() => new Codex(options)).not.toThrow();
  });
});

describe("everything else of a newer server passes:", () => {
  test("values of other settings", async () => {
    await using pair = await linkedThread();
    const newer = { effort: "newest", personality: "kind", approvalsReviewer: "panel" } as object;
    await pair.thread.turn("Hi", newer).started;
    expect(pair.server.paramsOf("turn/start")).toMatchObject([newer]);
  });

  test("a sandbox and a policy, by request() and rpc", async () => {
    await using pair = await linkedThread();
    const newer = { sandbox: "newest", approvalPolicy: "newest" } as never;
    await pair.client.request("thread/start", newer);
    await pair.client.rpc.thread.start(newer);
    expect(pair.server.paramsOf("thread/start").slice(-2)).toEqual([newer, newer]);
  });

  test("null, which clears, and undefined, which is nothing", async () => {
    await using pair = await linkedThread();
    await pair.client.startThread({ sandbox: null, approvalPolicy: null });
    await pair.client.startThread({ sandbox: undefined, approvalPolicy: undefined });
    await pair.thread.turn("Hi", { sandbox: null, approvalPolicy: null }).started;
    expect(pair.server.paramsOf("turn/start")).toMatchObject([{ sandboxPolicy: null }]);
  });
});

describe("a prompt that says nothing is refused, and nothing is sent:", () => {
  const text = (value: string) => ({ type: "text" as const, text: value });
  const nothing = [
    "",
    " \n\t",
    "\u00A0\uFEFF",
    text(""),
    text(" "),
    [],
    [""],
    ["", "\n"],
    [text("")],
    [{ ...text(""), text_elements: [] }, " "],
  ];
  const calls: Record<string, (thread: Thread, input: never) => unknown> = {
    turn: (thread, input) => thread.turn(input),
    run: (thread, input) => thread.run(input),
    "a turn that steers": (thread, input) => thread.turn(input, { whenBusy: "steer" }),
    "queue.add": (thread, input) => thread.queue.add(input),
    "queue.update": (thread, input) => thread.queue.update("q", input),
  };

  test.each(Object.entries(calls))("%s", async (_, call) => {
    for (const input of nothing) {
      const { argument, message } = await refusal(
        (_client, thread) => call(thread, input as never),
        {},
      );
      expect(argument).toBe("input");
      expect(message).toMatch(/^input must (say something|not be empty)/);
    }
  });

  test("steer()", async () => {
    await using pair = await linkedThread();
    const turn = pair.thread.turn("Hi");
    await turn.started;
    for (const input of nothing) {
      expect(await rejection(turn.steer(input))).toMatchObject({ argument: "input" });
    }
    expect(pair.server.paramsOf("turn/steer")).toEqual([]);
  });

  test.each(["", " "])("a goal and a shell command: %j", async (empty) => {
    await using pair = await linkedThread();
    expect(() => pair.thread.runGoal(empty)).toThrow(InvalidArgumentError);
    expect(() => pair.thread.shellCommand(empty)).toThrow(InvalidArgumentError);
  });

  test("another item alone says something, also beside an empty text", async () => {
    await using pair = await linkedThread();
    const skill = { type: "skill", name: "lint", path: "/skills/lint" } as const;
    await pair.thread.turn(skill).started;
    await pair.thread.queue.update("q", ["", skill]).catch(() => undefined);
    expect(pair.server.paramsOf("turn/start")).toMatchObject([{ input: [skill] }]);
    expect(pair.server.paramsOf("thread/queue/update")).toHaveLength(1);
  });
});
