import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";
import type { TurnReading } from "../../lib/browser/index.js";
import type {
  BrowserAnswer,
  ChatOptions,
  ChatThreadOptions,
  PartOf,
} from "../../lib/http/index.js";
import type { Codex } from "../../lib/index.js";
import { reply, type LoopbackModel, type Reply } from "../../lib/testing/index.js";
import {
  startChatServer,
  untilPart,
  type ChatServer,
  type ChatUser,
} from "../support/chat-server.js";
import { mcpConfig } from "../support/mcp-config.js";
import { RealStage } from "../support/real.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;
const opened: ChatServer[] = [];

beforeAll(async () => {
  const features = { default_mode_request_user_input: true, request_permissions_tool: true };
  stage = await RealStage.open({ config: { features } });
  model = stage.model;
  codex = stage.codex();
});
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
  model.respond(undefined);
});
afterAll(() => stage.close());

/** Something that the server asks a person. */
interface Asking {
  readonly settings: ChatThreadOptions;
  /** What the model does on this thread; what is asked for would make the file. */
  readonly script: (threadId: string, file: string) => void;
  /** How the request is shown. */
  readonly shown: object;
  /** What an acceptance has beside its decision. */
  readonly accepting?: Partial<BrowserAnswer>;
  /** Whether it was granted, from what the model was told and what there is. */
  readonly isGranted: (file: string, threadId: string) => boolean;
}

const one = (make: (file: string) => Reply) => (threadId: string, file: string) => {
  model.enqueueFor(threadId, make(file), reply.text("Done."));
};
const tellsModel = (text: string) => (_file: string, threadId: string) => {
  const asked = model.requests.findLast((request) => request.threadId === threadId);
  return JSON.stringify(asked?.toolOutputs.map(({ output }) => output) ?? []).includes(text);
};
const untrusted = { approvalPolicy: "untrusted" } as const;
const readOnly = { approvalPolicy: "on-request", sandbox: "read-only" } as const;
const withMcp: ChatThreadOptions = {
  approvalPolicy: "on-request",
  sandbox: "danger-full-access",
  config: { mcp_servers: { asking: mcpConfig("asking-mcp-server") } },
};
const options = ["Red", "Blue"].map((label) => ({ label, description: `It is ${label}` }));
const question = { id: "colour", header: "Colour", question: "Which colour?", options };

const kinds = {
  "a command": {
    settings: untrusted,
    script: one((file) => reply.shell(`touch ${file}`)),
    shown: { kind: "command", command: expect.stringContaining("touch ") },
    isGranted: existsSync,
  },
  "a change of a file": {
    settings: untrusted,
    script: one((file) =>
      reply.applyPatch(`*** Begin Patch\n*** Add File: ${file}\n+hello\n*** End Patch`),
    ),
    shown: { kind: "fileChange", changes: [{ change: "add" }] },
    isGranted: existsSync,
  },
  permissions: {
    settings: readOnly,
    script: one(() =>
      reply.requestPermissions({ reason: "Look", permissions: { network: { enabled: true } } }),
    ),
    shown: { kind: "permissions", reason: "Look", permissions: ["network"] },
    isGranted: tellsModel('\\"enabled\\":true'),
  },
  "a question": {
    settings: untrusted,
    script: one(() => reply.requestUserInput([question])),
    shown: { kind: "questions", questions: [{ id: "colour", options }] },
    accepting: { answers: { colour: "Blue" } },
    isGranted: tellsModel("Blue"),
  },
  "the form of an MCP server": {
    settings: withMcp,
    script: one(() => reply.mcpTool("asking", "ask", {})),
    shown: { kind: "form", server: "asking", message: "How many?" },
    accepting: { content: { count: 3 } },
    isGranted: tellsModel("chose to accept"),
  },
  "the page of an MCP server": {
    settings: withMcp,
    script: one(() => reply.mcpTool("asking", "visit", {})),
    shown: { kind: "url", server: "asking", url: "https://example.com/sign-in" },
    isGranted: tellsModel("chose to accept"),
  },
  "a tool of an MCP server": {
    settings: withMcp,
    script: one((file) => reply.mcpTool("asking", "act", { file })),
    shown: { kind: "toolApproval", server: "asking", tool: "act" },
    isGranted: existsSync,
  },
  "a command of a sub-agent": {
    settings: untrusted,
    script: withSubagent,
    shown: { kind: "command", command: expect.stringContaining("touch ") },
    isGranted: existsSync,
  },
} satisfies Record<string, Asking>;

/** The model starts a sub-agent that makes the file, waits for it, and answers. */
function withSubagent(threadId: string, file: string): void {
  model.respond((request) => {
    if (request.parentThreadId === threadId) {
      return request.toolOutputs.length > 0 ? reply.text("Made.") : reply.shell(`touch ${file}`);
    }
    const [spawned, waited] = request.toolOutputs;
    if (!spawned) return reply.spawnAgent("Make it.");
    const { agent_id: agentId } = JSON.parse(spawned.output) as { agent_id: string };
    return waited ? reply.text("Done.") : reply.waitAgent([agentId]);
  });
}

interface Asked {
  readonly ada: ChatUser;
  readonly eve: ChatUser;
  readonly threadId: string;
  readonly turnId: string;
  readonly reading: TurnReading;
  readonly request: PartOf<"request">;
  /** The route of its answers. */
  readonly answers: string;
  readonly isGranted: () => boolean;
}

let files = 0;

/** Starts a turn in a chat over HTTP, and reads on until it has asked. */
async function ask(
  { settings, script, isGranted }: Asking,
  chatOptions: Partial<ChatOptions> = {},
): Promise<Asked> {
  const chat = await startChatServer({ codex, newThread: settings, ...chatOptions });
  opened.push(chat);
  const [ada, eve] = [chat.as("ada"), chat.as("eve")];
  const { threadId } = await ada.post<{ threadId: string }>("/threads", {});
  if (settings.config) await codex.mcp.started(threadId);
  const file = path.join(stage.project, `asked-${(files += 1)}`);
  script(threadId, file);
  const turn = await ada.post<{ turnId: string }>(`/threads/${threadId}/turns`, { input: "Go" });
  const reading = ada.read(turn.turnId);
  const request = await untilPart(reading, "request");
  const answers = `/turns/${turn.turnId}/answers`;
  const granted = (): boolean => isGranted(file, threadId);
  return { ada, eve, threadId, ...turn, reading, request, answers, isGranted: granted };
}

const refused = (status: number, code: string) => ({ problem: { status, code } });

describe.each(Object.entries<Asking>(kinds))("%s", (_name, asking) => {
  test("is granted by who has asked for the turn, once, and by nobody else", async () => {
    const { ada, eve, reading, request, answers, isGranted } = await ask(asking);
    expect(request.request).toMatchObject(asking.shown);
    const answer = { key: request.key, decision: "accept", ...asking.accepting };
    await expect(eve.post(answers, answer)).rejects.toMatchObject(refused(404, "NOT_FOUND"));
    expect(isGranted()).toBe(false);
    await ada.post(answers, answer);
    const again = ada.post(answers, { ...answer, decision: "decline" });
    await expect(again).rejects.toMatchObject(refused(409, "ALREADY_ANSWERED"));
    expect(await untilPart(reading, "request-end")).toMatchObject({ outcome: "answered" });
    const end = await untilEnd(reading);
    expect(end).toMatchObject({ status: "completed", finalResponse: "Done." });
    expect(isGranted()).toBe(true);
    await expect(ada.post(answers, answer)).rejects.toMatchObject(refused(409, "ALREADY_ANSWERED"));
  });

  test("is not granted for the session, but refused, and the turn goes on", async () => {
    const { ada, reading, request, answers, isGranted } = await ask(asking);
    const forSession = ada.post(answers, { key: request.key, decision: "acceptForSession" });
    await expect(forSession).rejects.toMatchObject(refused(403, "DECISION_REFUSED"));
    await ada.post(answers, { key: request.key, decision: "decline" });
    expect(await untilEnd(reading)).toMatchObject({ status: "completed", finalResponse: "Done." });
    expect(isGranted()).toBe(false);
  });

  test("is refused when nobody answers in time, and the turn goes on", async () => {
    const { ada, reading, request, answers, isGranted } = await ask(asking, { answerWithinMs: 50 });
    expect(await untilEnd(reading)).toMatchObject({ status: "completed", finalResponse: "Done." });
    expect(isGranted()).toBe(false);
    const late = ada.post(answers, { key: request.key, decision: "accept", ...asking.accepting });
    await expect(late).rejects.toMatchObject(refused(409, "ALREADY_ANSWERED"));
  });
});

/** The end of the turn itself; those of its sub-agents come before. */
async function untilEnd(reading: TurnReading): Promise<PartOf<"end">> {
  for (;;) {
    const end = await untilPart(reading, "end");
    if (!end.origin) return end;
  }
}

describe("what a sub-agent asks", () => {
  test("says whose it is, and is answered on the turn that it works for alone", async () => {
    const asking = kinds["a command of a sub-agent"];
    const { ada, threadId, reading, request, answers, isGranted } = await ask(asking);
    const origin = { parentThreadId: threadId, depth: 1 };
    expect(request).toMatchObject({ origin });
    const hold = reply.hold();
    const other = await ada.post<{ threadId: string }>("/threads", {});
    model.enqueueFor(other.threadId, reply.text(["Half ", hold]));
    const talk = `/threads/${other.threadId}/turns`;
    const { turnId: otherTurn } = await ada.post<{ turnId: string }>(talk, { input: "Talk" });
    const answer = { key: request.key, decision: "accept" };
    const crossed = ada.post(`/turns/${otherTurn}/answers`, answer);
    await expect(crossed).rejects.toMatchObject(refused(404, "NOT_FOUND"));
    expect(isGranted()).toBe(false);
    hold.release();
    await ada.post(answers, answer);
    expect(await untilPart(reading, "tool-end")).toMatchObject({ status: "completed", origin });
    await untilEnd(reading);
    expect(isGranted()).toBe(true);
  });
});

describe("for the session, where viewers may decide that,", () => {
  test.each(["a command", "a change of a file", "a tool of an MCP server"] as const)(
    "%s is asked about once, and later done unasked",
    async (name) => {
      const { settings, script, isGranted }: Asking = kinds[name];
      const marker = (each: string) =>
        path.join(stage.project, `${name.replaceAll(" ", "-")}-${each}`);
      const file = marker("one");
      // A command and a file are the same only by their names.
      const again = name === "a tool of an MCP server" ? marker("two") : file;
      const asked = await ask(
        {
          settings,
          script: (threadId) => {
            script(threadId, file);
          },
          shown: {},
          isGranted: () => isGranted(file, ""),
        },
        { allowForSession: true },
      );
      const { ada, threadId, reading, request, answers } = asked;
      await ada.post(answers, { key: request.key, decision: "acceptForSession" });
      await untilEnd(reading);
      expect(asked.isGranted()).toBe(true);
      await rm(file);
      script(threadId, again);
      const next = `/threads/${threadId}/turns`;
      const { turnId } = await ada.post<{ turnId: string }>(next, { input: "Again" });
      const types: string[] = [];
      for await (const { type } of ada.read(turnId)) types.push(type);
      expect(types).not.toContain("request");
      expect(existsSync(again)).toBe(true);
    },
  );

  test("a form is no decision for later, and stays open", async () => {
    const asked = await ask(kinds["the form of an MCP server"], { allowForSession: true });
    const { ada, reading, request, answers, isGranted } = asked;
    const forSession = ada.post(answers, { key: request.key, decision: "acceptForSession" });
    await expect(forSession).rejects.toMatchObject(refused(400, "BAD_REQUEST"));
    await ada.post(answers, { key: request.key, decision: "cancel" });
    await untilEnd(reading);
    expect(isGranted()).toBe(false);
  });
});

test("a command that is cancelled ends the turn", async () => {
  const { ada, reading, request, answers, isGranted } = await ask(kinds["a command"]);
  await ada.post(answers, { key: request.key, decision: "cancel" });
  expect(await untilEnd(reading)).toMatchObject({ status: "interrupted" });
  expect(isGranted()).toBe(false);
});
