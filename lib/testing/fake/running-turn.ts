import type { ServerNotifications, ServerRequests } from "../../../generated/methods.js";
import type { ThreadItem, Turn, UserInput } from "../../../generated/types.js";
import type { ParamsOf, TurnEventMethod, TurnRequestMethod } from "../../protocol.js";
import type { FakeThread } from "./fake-thread.js";
import { userMessageItem } from "./items.js";
import { newTurn, nowSeconds } from "./records.js";

/** What a message of a turn says besides the ids, which the fake fills in. */
export type WithoutIds<Params> = Omit<Params, "threadId" | "turnId">;

/** The life of a turn on the fake server: what was said in it, and how it ended. It ends once. */
export class RunningTurn {
  readonly id: string;
  readonly thread: FakeThread;
  readonly params: ParamsOf<"turn/start">;
  /** The input of the start, then that of each steer. */
  readonly inputs: UserInput[][] = [];
  readonly #nextNumber: () => number;
  readonly #over = new AbortController();
  #record: Turn;
  #isSteered: (() => void) | undefined;

  constructor(
    id: string,
    params: ParamsOf<"turn/start">,
    thread: FakeThread,
    nextNumber: () => number,
  ) {
    this.id = id;
    this.params = params;
    this.thread = thread;
    this.#nextNumber = nextNumber;
    this.#record = newTurn(id);
    thread.update(this.#record);
  }

  /** As `turn/start` answers it. */
  get record(): Turn {
    return this.#record;
  }

  /** Aborts when the turn is over. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  begin(): void {
    this.#record = { ...this.#record, startedAt: nowSeconds() };
    this.thread.update(this.#record);
    this.thread.setStatus({ type: "active", activeFlags: [] });
    this.thread.notify("turn/started", { threadId: this.thread.id, turn: this.#record });
    this.take(this.params.input, this.params.clientUserMessageId);
  }

  /** Takes in input of the user, at the start or by a steer. */
  take(input: readonly UserInput[], clientId: string | null | undefined): void {
    this.inputs.push([...input]);
    const item = userMessageItem(this.newItemId("user"), [...input], clientId ?? null);
    this.itemStarted(item);
    this.itemCompleted(item);
    this.#isSteered?.();
  }

  /** Resolves with the input of the next steer. */
  async steered(): Promise<readonly UserInput[]> {
    const steer = new Promise<void>((resolve) => {
      this.#isSteered = resolve;
    });
    await this.unlessOver(steer);
    return this.inputs.at(-1) ?? [];
  }

  notify<M extends TurnEventMethod>(
    method: M,
    params: WithoutIds<ServerNotifications[M]["params"]>,
  ): void {
    if (this.signal.aborted) return;
    const whole = { ...params, threadId: this.thread.id, turnId: this.id };
    this.thread.notify(method, whole);
  }

  async request<M extends TurnRequestMethod>(
    method: M,
    params: WithoutIds<ServerRequests[M]["params"]>,
  ): Promise<ServerRequests[M]["result"]> {
    this.signal.throwIfAborted();
    const { thread } = this;
    const flag = waitingFor(method);
    const requestId = this.#nextNumber();
    if (flag) thread.setStatus({ type: "active", activeFlags: [flag] });
    const whole = { ...params, threadId: thread.id, turnId: this.id };
    const answer = await this.unlessOver(thread.ask(requestId, method, whole));
    if (method !== "item/tool/call") {
      thread.notify("serverRequest/resolved", { threadId: thread.id, requestId });
    }
    if (flag) thread.setStatus({ type: "active", activeFlags: [] });
    return answer as ServerRequests[M]["result"];
  }

  newItemId(kind: string): string {
    return `${kind}-${this.#nextNumber()}`;
  }

  itemStarted(item: ThreadItem): void {
    this.notify("item/started", { item, startedAtMs: Date.now() });
  }

  itemCompleted(item: ThreadItem): void {
    if (this.signal.aborted) return;
    this.thread.turns.find(({ turn }) => turn.id === this.id)?.items.push(item);
    this.notify("item/completed", { item, completedAtMs: Date.now(), contentTokenCount: null });
  }

  end(status: "completed" | "interrupted" | "failed", fields: Partial<Turn> = {}): void {
    if (this.signal.aborted) return;
    const completedAt = nowSeconds();
    this.#record = { ...this.#record, status, completedAt, durationMs: 0, ...fields };
    this.thread.update(this.#record);
    this.thread.setStatus({ type: "idle" });
    this.thread.notify("turn/completed", { threadId: this.thread.id, turn: this.#record });
    this.#finish();
  }

  /** The process is gone, and its turn with it: listed as interrupted, and never completed. */
  lost(): void {
    this.#record = { ...this.#record, status: "interrupted", completedAt: null };
    this.thread.update(this.#record);
    this.thread.setStatus({ type: "idle" });
    this.#finish();
  }

  /** Settles with `promise`; rejects when the turn is over before. */
  async unlessOver<T>(promise: Promise<T>): Promise<T> {
    const { signal } = this;
    signal.throwIfAborted();
    let stop: (() => void) | undefined;
    const over = new Promise<never>((_, reject) => {
      stop = () => {
        reject(signal.reason as Error);
      };
      signal.addEventListener("abort", stop, { once: true });
    });
    try {
      return await Promise.race([promise, over]);
    } finally {
      if (stop) signal.removeEventListener("abort", stop);
    }
  }

  #finish(): void {
    this.thread.questions.clear();
    this.#over.abort(new Error("The turn is over."));
  }
}

function waitingFor(
  method: TurnRequestMethod,
): "waitingOnApproval" | "waitingOnUserInput" | undefined {
  if (method.endsWith("requestApproval")) return "waitingOnApproval";
  return method === "item/tool/requestUserInput" ? "waitingOnUserInput" : undefined;
}
