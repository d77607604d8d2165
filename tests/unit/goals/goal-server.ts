import type { AppServerClient } from "../../../lib/client.js";
import type { ConnectionSettings } from "../../../lib/options/options.js";
import type { Thread } from "../../../lib/thread.js";
import type { GoalEvent } from "../../../lib/goals/goal-state.js";
import {
  later,
  linkedThread,
  ResponseError,
  type ClientRequest,
  type LinkedServer,
} from "../../support/linked-server.js";
import {
  textMessages,
  turnCompleted,
  turnStarted,
  type Params,
} from "../../support/turn-messages.js";

export const threadId = "thread-1";

export function goalRecord(fields: Params = {}): Params {
  const counts = { tokenBudget: null, tokensUsed: 0, timeUsedSeconds: 0 };
  const times = { createdAt: 1_767_225_600, updatedAt: 1_767_225_600 };
  return { threadId, objective: "Reach it", status: "active", ...counts, ...times, ...fields };
}

/** A server with goals, whose turns the test starts and ends. */
export class GoalServer {
  readonly server: LinkedServer;
  /** The thread's goal, as `thread/goal/get` gives it. */
  goal: Params | null = null;
  /** The turn that the server runs, whether it has said so or not. */
  running: string | undefined;
  /** What the turns were steered with. */
  readonly steered: [turnId: string, text: string][] = [];

  constructor(server: LinkedServer) {
    this.server = server;
    server.handle("thread/goal/get", () => ({ goal: this.goal }));
    server.handle("thread/goal/set", (_, request) => {
      this.answerSet(request);
      return later;
    });
    server.handle("thread/goal/clear", (_, request) => {
      server.respond(request, { cleared: this.goal !== null });
      if (this.goal) this.cleared();
      return later;
    });
    server.handle("turn/steer", (params) => this.#steer(params));
    server.handle("turn/interrupt", ({ turnId }, request) => {
      if (this.running !== turnId) throw new ResponseError(-32_600, "no active turn to interrupt");
      server.respond(request, {});
      this.end({ status: "interrupted" });
      return later;
    });
  }

  /** What the server does with `thread/goal/set`: the answer first, then the notification. */
  answerSet({ id, method, params }: ClientRequest): void {
    const { threadId: thread, ...fields } = params;
    if (!this.goal && fields.objective === undefined) {
      this.server.refuse({ id, method, params }, -32_600, "cannot update goal: no goal exists");
      return;
    }
    this.goal = { ...(this.goal ?? goalRecord()), ...fields, threadId: thread };
    this.server.respond({ id, method, params }, { goal: this.goal });
    this.updated({});
  }

  updated(fields: Params, turnId: string | null = this.running ?? null): void {
    this.goal = { ...(this.goal ?? goalRecord()), ...fields };
    this.server.notify("thread/goal/updated", { threadId, turnId, goal: this.goal });
  }

  cleared(): void {
    this.goal = null;
    this.server.notify("thread/goal/cleared", { threadId });
  }

  /** Starts a turn, which the server does not announce before `announce()`. */
  begin(turnId: string): void {
    this.running = turnId;
  }

  announce(): void {
    this.server.send(turnStarted(this.#ids()));
  }

  start(turnId: string): void {
    this.begin(turnId);
    this.announce();
  }

  say(text: string, itemId?: string): void {
    this.server.send(...textMessages({ ...this.#ids(), text }, itemId));
  }

  /** One model response of so many tokens; `total` counts all of the thread. */
  use(tokens: number, total = tokens): void {
    const count = (totalTokens: number) => ({
      totalTokens,
      inputTokens: totalTokens,
      cachedInputTokens: 0,
      cacheWriteInputTokens: 0,
      outputTokens: 0,
      reasoningOutputTokens: 0,
    });
    const tokenUsage = { total: count(total), last: count(tokens), modelContextWindow: null };
    this.server.notify("thread/tokenUsage/updated", { ...this.#ids(), tokenUsage });
  }

  end(fields: Params = {}): void {
    const ids = this.#ids();
    this.running = undefined;
    this.server.send(turnCompleted(ids, fields));
  }

  #ids() {
    return { threadId, turnId: this.running ?? "none" };
  }

  #steer({ expectedTurnId, input }: Params): Params {
    if (this.running === undefined) throw new ResponseError(-32_600, "no active turn to steer");
    if (expectedTurnId !== this.running) {
      const found = `expected active turn id \`none\` but found \`${this.running}\``;
      throw new ResponseError(-32_600, found);
    }
    this.steered.push([this.running, (input as [{ text: string }])[0].text]);
    return { turnId: this.running };
  }
}

interface GoalPair extends AsyncDisposable {
  readonly client: AppServerClient;
  readonly server: LinkedServer;
  readonly thread: Thread;
  readonly goals: GoalServer;
}

/** A linked thread on a server with goals. */
export async function goalThread(options: ConnectionSettings = {}): Promise<GoalPair> {
  const pair = await linkedThread(options);
  return { ...pair, goals: new GoalServer(pair.server) };
}

/** What a test compares of an event: its method, and what tells it from others of the kind. */
export function brief(event: GoalEvent): string {
  const { goal, turn, delta } = event.params as {
    goal?: { status: string };
    turn?: { id: string };
    delta?: string;
  };
  return [event.method, goal?.status ?? turn?.id ?? delta ?? ""].join(" ").trim();
}

/** The methods of the requests since the thread was there, but for looks at the goal. */
export function sent(server: LinkedServer): string[] {
  const methods = server.requests.map(({ method }) => method);
  return methods.slice(2).filter((method) => method !== "thread/goal/get");
}

/** Whether nothing is left of any goal in the client. */
export function isTidy(client: AppServerClient): boolean {
  return client.session.turns.size === 0 && !client.session.thread(threadId).slots.isBusy;
}
