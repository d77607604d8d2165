import type { ServerRequests } from "../../../generated/methods.js";
import type { LinkedServer } from "../../support/linked-server.js";
import type { Message, Params } from "../../support/turn-messages.js";

type Id = string | number;

/** The questions of a linked server, and what the client answers. */
export class Asking {
  /** Every answer so far, in order. */
  readonly answers: Message[] = [];
  readonly #server: LinkedServer;
  readonly #waiting: (() => void)[] = [];
  #lastId = -1;
  #probes = 0;

  constructor(server: LinkedServer) {
    this.#server = server;
    let rest = "";
    server.transport.output.on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      const messages = lines.map((line) => JSON.parse(line) as Message);
      this.answers.push(...messages.filter(({ method }) => method === undefined));
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  /** Sends a request, and returns its id. */
  ask(method: string, params: unknown, id: Id = (this.#lastId += 1)): Id {
    this.#server.send({ id, method, params });
    return id;
  }

  /** The answer to a request, without its id. */
  async answerTo(id: Id): Promise<Params> {
    for (;;) {
      const found = this.answers.find((answer) => answer["id"] === id);
      if (found) {
        const { id: own, ...answer } = found;
        return own === id ? answer : {};
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Sends a request and waits for its answer. */
  answer(method: string, params: unknown): Promise<Params> {
    return this.answerTo(this.ask(method, params));
  }

  /** The ids of everything that was answered by now, in order. */
  async answered(): Promise<unknown[]> {
    // One more question: whatever was going to be answered before it has been.
    await this.answerTo(this.ask("test/unknown", {}, `probe-${(this.#probes += 1)}`));
    return this.answers.map(({ id }) => id).filter((id) => !String(id).startsWith("probe-"));
  }
}

const ids = { threadId: "thread-1", turnId: "turn-1", itemId: "item-1" };

/** Params as the server sends them, of a turn that the tests call `turn-1`. */
export const requests = {
  command: {
    ...ids,
    kind: "command",
    startedAtMs: 1_767_225_600_000,
    environmentId: "local",
    command: "touch marker.txt",
    cwd: "/home/user/project",
    commandActions: [],
    proposedExecpolicyAmendment: ["touch", "marker.txt"],
    availableDecisions: ["accept", "cancel"],
  },
  fileChange: { ...ids, startedAtMs: 1_767_225_600_000, reason: null, grantRoot: null },
  permissions: {
    ...ids,
    environmentId: "local",
    startedAtMs: 1_767_225_600_000,
    cwd: "/home/user/project",
    reason: "To look it up",
    permissions: { network: { enabled: true }, fileSystem: null },
  },
  userInput: {
    ...ids,
    questions: [
      {
        id: "colour",
        header: "Colour",
        question: "Which?",
        isOther: false,
        isSecret: false,
        options: null,
      },
    ],
    isBlocking: true,
    autoResolutionMs: null,
  },
  toolCall: {
    threadId: "thread-1",
    turnId: "turn-1",
    callId: "item-1",
    namespace: null,
    tool: "weather",
    arguments: { city: "Ulm" },
  },
  form: {
    mode: "form",
    threadId: "thread-1",
    turnId: "turn-1",
    serverName: "asking",
    environmentId: null,
    _meta: null,
    message: "How many?",
    requestedSchema: { type: "object", properties: { count: { type: "number" } } },
  },
  url: {
    mode: "url",
    threadId: "thread-1",
    turnId: null,
    serverName: "asking",
    environmentId: null,
    _meta: null,
    message: "Please sign in",
    url: "https://example.com/sign-in",
    elicitationId: "elicitation-1",
  },
  toolApproval: {
    mode: "form",
    threadId: "thread-1",
    turnId: "turn-1",
    serverName: "asking",
    environmentId: null,
    _meta: {
      codex_approval_kind: "mcp_tool_call",
      persist: ["session", "always"],
      tool_name: "act",
      tool_params: { file: "a" },
    },
    message: "Allow?",
    requestedSchema: { type: "object", properties: {} },
  },
  tokens: { reason: "unauthorized", previousAccountId: "account-1" },
  attestation: {},
  time: { threadId: "thread-1" },
  patch: {
    conversationId: "thread-1",
    callId: "item-1",
    fileChanges: {},
    reason: null,
    grantRoot: null,
  },
  exec: {
    conversationId: "thread-1",
    callId: "item-1",
    approvalId: null,
    command: ["ls"],
    cwd: "/home/user/project",
    reason: null,
    parsedCmd: [],
  },
} as const;

export const methods = {
  command: "item/commandExecution/requestApproval",
  fileChange: "item/fileChange/requestApproval",
  permissions: "item/permissions/requestApproval",
  userInput: "item/tool/requestUserInput",
  toolCall: "item/tool/call",
  form: "mcpServer/elicitation/request",
  url: "mcpServer/elicitation/request",
  toolApproval: "mcpServer/elicitation/request",
  tokens: "account/chatgptAuthTokens/refresh",
  attestation: "attestation/generate",
  time: "currentTime/read",
  patch: "applyPatchApproval",
  exec: "execCommandApproval",
} as const satisfies Record<keyof typeof requests, keyof ServerRequests>;
