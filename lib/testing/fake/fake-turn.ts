import type { ServerNotifications, ServerRequests } from "../../../generated/methods.js";
import type {
  CodexErrorInfo,
  ThreadItem,
  TokenUsageBreakdown,
  Turn,
  UserInput,
} from "../../../generated/types.js";
import type {
  ParamsOf,
  ServerRequestMethod,
  TurnEventMethod,
  TurnRequestMethod,
} from "../../protocol.js";
import type { FakeThread } from "./fake-thread.js";
import {
  commandItem,
  fileChangeItem,
  messageItem,
  reasoningItem,
  toolCallItem,
  userMessageItem,
  words,
  type CommandOutcome,
  type FileChanges,
} from "./items.js";
import { newTurn, nowSeconds, turnError } from "./records.js";

/** The ids that every notification and request of a turn carries; the fake fills them in. */
type WithoutIds<P> = Omit<P, "threadId" | "turnId">;

type CommandDecision =
  ServerRequests["item/commandExecution/requestApproval"]["result"]["decision"];
type FileChangeDecision = ServerRequests["item/fileChange/requestApproval"]["result"]["decision"];
type ToolAnswer = ServerRequests["item/tool/call"]["result"];

/** What the fake server does in a turn. It may take its time: the turn goes on until it has returned. */
export type TurnScript = (turn: FakeTurn) => unknown;

/** What a turn needs of its server. */
export interface TurnSurroundings {
  readonly thread: FakeThread;
  /** The next number that no item and no request of the server has. */
  nextNumber(): number;
  crash(): void;
}

/**
 * One turn of a fake server, for its script to fill: what it says, the commands that it seems to run, what
 * it asks, and how it ends. The methods can be chained. A turn whose script returns is completed; one whose
 * script throws fails with the error's message.
 *
 * Once the client has interrupted the turn, nothing more of it is sent, and what the script awaits here
 * rejects.
 */
export class FakeTurn {
  readonly id: string;
  readonly threadId: string;
  /** The params of the `turn/start`. */
  readonly params: ParamsOf<"turn/start">;
  readonly #thread: FakeThread;
  readonly #surroundings: TurnSurroundings;
  readonly #over = new AbortController();
  #turn: Turn;
  #isSteered: (() => void) | undefined;
  readonly #inputs: UserInput[][] = [];

  /** @internal */
  constructor(id: string, params: ParamsOf<"turn/start">, surroundings: TurnSurroundings) {
    this.id = id;
    this.params = params;
    this.#thread = surroundings.thread;
    this.threadId = this.#thread.id;
    this.#surroundings = surroundings;
    this.#turn = newTurn(id);
    this.#thread.update(this.#turn);
  }

  /** What the client has sent: the input of the start, then that of each steer. */
  get inputs(): readonly (readonly UserInput[])[] {
    return this.#inputs;
  }

  /** The text of the input that the turn was started with. */
  get text(): string {
    return this.params.input
      .flatMap((part) => (part.type === "text" ? [part.text] : []))
      .join("\n");
  }

  /** Aborts when the turn is over: interrupted, failed, crashed or completed. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** @internal The record as `turn/start` answers it. */
  get record(): Turn {
    return this.#turn;
  }

  /** Streams a final answer: a text word by word, an array piece by piece. */
  reply(text: string | readonly string[]): this {
    return this.#message(text, "final_answer");
  }

  /** The same, for a text whose pieces matter. */
  deltas(pieces: readonly string[]): this {
    return this.reply(pieces);
  }

  /** Streams a remark on the way to the answer. */
  commentary(text: string | readonly string[]): this {
    return this.#message(text, "commentary");
  }

  /** Begins to stream an answer that never ends; put an end of the turn behind it. */
  unfinishedText(text: string | readonly string[]): this {
    const item = messageItem(this.#itemId("message"), "final_answer");
    this.#started(item);
    return this.#stream(item.id, text);
  }

  /** Streams the summary of some reasoning. */
  reasoning(summary: string): this {
    const item = reasoningItem(this.#itemId("reasoning"));
    this.#started(item);
    for (const delta of words(summary)) {
      this.notify("item/reasoning/summaryTextDelta", { itemId: item.id, summaryIndex: 0, delta });
    }
    return this.#completed({ ...item, summary: [summary] });
  }

  /** A command that runs without asking. Nothing really runs. Default: no output, exit code 0. */
  command(command: string, outcome: CommandOutcome = {}): this {
    const item = commandItem(this.#itemId("command"), command, this.#thread.settings.cwd);
    this.#started(item);
    return this.#runs(item, outcome);
  }

  /** Files that are changed without asking. Nothing is really written. */
  fileChange(changes: FileChanges): this {
    const item = fileChangeItem(this.#itemId("patch"), changes);
    return this.#started(item).#completed({ ...item, status: "completed" });
  }

  /**
   * Asks whether a command may run, and waits for the decision. Accepted, the command has its outcome;
   * declined, it is told to be so; a cancel also interrupts the turn, as the server does.
   */
  async askApproval(command: string, outcome: CommandOutcome = {}): Promise<CommandDecision> {
    const item = commandItem(this.#itemId("command"), command, this.#thread.settings.cwd);
    this.#started(item);
    const { decision } = await this.request("item/commandExecution/requestApproval", {
      kind: "command",
      itemId: item.id,
      startedAtMs: Date.now(),
      environmentId: null,
      command,
      cwd: item.cwd,
      commandActions: item.commandActions,
      availableDecisions: ["accept", "acceptForSession", "decline", "cancel"],
    });
    if (decision === "decline" || decision === "cancel") {
      this.#completed({ ...item, status: "declined" });
    } else this.#runs(item, outcome);
    if (decision === "cancel") this.end("interrupted");
    return decision;
  }

  /** Asks whether files may be changed, and goes on like `askApproval()`. */
  async askFileChange(changes: FileChanges): Promise<FileChangeDecision> {
    const item = fileChangeItem(this.#itemId("patch"), changes);
    this.#started(item);
    const { decision } = await this.request("item/fileChange/requestApproval", {
      itemId: item.id,
      startedAtMs: Date.now(),
    });
    const isRefused = decision === "decline" || decision === "cancel";
    this.#completed({ ...item, status: isRefused ? "declined" : "completed" });
    if (decision === "cancel") this.end("interrupted");
    return decision;
  }

  /** Calls a tool of the client; resolves with what it answers. */
  async callTool(
    tool: string,
    args: ServerRequests["item/tool/call"]["params"]["arguments"] = {},
  ): Promise<ToolAnswer> {
    const item = toolCallItem(this.#itemId("call"), tool, args);
    this.#started(item);
    const call = { callId: item.id, namespace: null, tool, arguments: args };
    const answer = await this.request("item/tool/call", call);
    const { contentItems, success } = answer;
    this.#completed({
      ...item,
      status: success ? "completed" : "failed",
      contentItems,
      success,
      durationMs: 0,
    });
    return answer;
  }

  /** Any other item, as it completes. */
  item(item: ThreadItem): this {
    return this.#started(item).#completed(item);
  }

  /** The tokens that the turn has cost: zero where nothing is given. */
  usage(counts: Partial<TokenUsageBreakdown>): this {
    const last = {
      totalTokens: (counts.inputTokens ?? 0) + (counts.outputTokens ?? 0),
      inputTokens: 0,
      cachedInputTokens: 0,
      cacheWriteInputTokens: 0,
      outputTokens: 0,
      reasoningOutputTokens: 0,
      ...counts,
    };
    const tokenUsage = { last, total: last, modelContextWindow: 100_000 };
    return this.notify("thread/tokenUsage/updated", { tokenUsage });
  }

  /** Any notification of a turn, without its ids. */
  notify<M extends TurnEventMethod>(
    method: M,
    params: WithoutIds<ServerNotifications[M]["params"]>,
  ): this {
    if (this.signal.aborted) return this;
    const whole = { ...params, threadId: this.threadId, turnId: this.id };
    this.#thread.notify(method, whole);
    return this;
  }

  /**
   * Any request of a turn, without its ids. Resolves with the client's result; rejects with its error, or
   * when the turn is over.
   */
  async request<M extends TurnRequestMethod>(
    method: M,
    params: WithoutIds<ServerRequests[M]["params"]>,
  ): Promise<ServerRequests[M]["result"]> {
    this.signal.throwIfAborted();
    const flag = waitingFor(method);
    const id = this.#surroundings.nextNumber();
    if (flag) this.#thread.setStatus({ type: "active", activeFlags: [flag] });
    const whole = { ...params, threadId: this.threadId, turnId: this.id };
    const answer = await this.#unlessOver(this.#thread.ask(id, method, whole));
    if (method !== "item/tool/call") {
      this.#thread.notify("serverRequest/resolved", { threadId: this.threadId, requestId: id });
    }
    if (flag) this.#thread.setStatus({ type: "active", activeFlags: [] });
    return answer as ServerRequests[M]["result"];
  }

  /** Says nothing more; settles, by rejecting, when the turn is over: interrupted, for example. */
  hang(): Promise<never> {
    return this.#unlessOver(new Promise<never>(() => undefined));
  }

  /** Resolves with the input of the next `turn/steer`. */
  async steered(): Promise<readonly UserInput[]> {
    await this.#unlessOver(
      new Promise<void>((resolve) => {
        this.#isSteered = resolve;
      }),
    );
    return this.#inputs.at(-1) ?? [];
  }

  /** Fails the turn. `info` is the class of the failure, such as `"usageLimitExceeded"`. */
  fail(message: string, info: CodexErrorInfo | null = null): this {
    if (this.signal.aborted) return this;
    const error = turnError(message, info);
    this.notify("error", { error, willRetry: false });
    return this.end("failed", { error });
  }

  /** The server dies in the middle of the turn. */
  crash(): this {
    this.#surroundings.crash();
    return this;
  }

  /** Ends the turn. A script that returns does so by itself. */
  end(status: "completed" | "interrupted" | "failed", fields: Partial<Turn> = {}): this {
    if (this.signal.aborted) return this;
    const completedAt = nowSeconds();
    const ended: Turn = { ...this.#turn, status, completedAt, durationMs: 0, ...fields };
    this.#turn = ended;
    this.#thread.update(ended);
    this.#thread.setStatus({ type: "idle" });
    this.#thread.notify("turn/completed", { threadId: this.threadId, turn: ended });
    this.#finish();
    return this;
  }

  /** @internal */
  async play(script: TurnScript): Promise<void> {
    this.#turn = { ...this.#turn, startedAt: nowSeconds() };
    this.#thread.update(this.#turn);
    this.#thread.setStatus({ type: "active", activeFlags: [] });
    this.#thread.notify("turn/started", { threadId: this.threadId, turn: this.#turn });
    this.take(this.params.input, this.params.clientUserMessageId);
    try {
      await script(this);
      this.end("completed");
    } catch (error) {
      this.fail(error instanceof Error ? error.message : String(error));
    }
  }

  /** @internal Input of the user, at the start or by a steer. */
  take(input: readonly UserInput[], clientId: string | null | undefined): void {
    this.#inputs.push([...input]);
    this.item(userMessageItem(this.#itemId("user"), [...input], clientId ?? null));
    this.#isSteered?.();
  }

  /** @internal The process is gone, and its turn with it. */
  lost(): void {
    this.#turn = { ...this.#turn, status: "interrupted", completedAt: null };
    this.#thread.update(this.#turn);
    this.#thread.setStatus({ type: "idle" });
    this.#finish();
  }

  #message(text: string | readonly string[], phase: "commentary" | "final_answer"): this {
    const item = messageItem(this.#itemId("message"), phase);
    this.#started(item).#stream(item.id, text);
    return this.#completed({ ...item, text: typeof text === "string" ? text : text.join("") });
  }

  #stream(itemId: string, text: string | readonly string[]): this {
    for (const delta of typeof text === "string" ? words(text) : text) {
      this.notify("item/agentMessage/delta", { itemId, delta });
    }
    return this;
  }

  #runs(
    item: Extract<ThreadItem, { type: "commandExecution" }>,
    { output = "", exitCode = 0 }: CommandOutcome,
  ): this {
    if (output !== "") {
      this.notify("item/commandExecution/outputDelta", { itemId: item.id, delta: output });
    }
    return this.#completed({
      ...item,
      status: exitCode === 0 ? "completed" : "failed",
      aggregatedOutput: output === "" ? null : output,
      exitCode,
      durationMs: 0,
    });
  }

  #started(item: ThreadItem): this {
    return this.notify("item/started", { item, startedAtMs: Date.now() });
  }

  #completed(item: ThreadItem): this {
    if (this.signal.aborted) return this;
    this.#thread.turns.find(({ turn }) => turn.id === this.id)?.items.push(item);
    return this.notify("item/completed", {
      item,
      completedAtMs: Date.now(),
      contentTokenCount: null,
    });
  }

  #itemId(kind: string): string {
    return `${kind}-${this.#surroundings.nextNumber()}`;
  }

  #finish(): void {
    this.#thread.questions.clear();
    this.#over.abort(new Error("The turn is over."));
  }

  async #unlessOver<T>(promise: Promise<T>): Promise<T> {
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
}

function waitingFor(
  method: ServerRequestMethod,
): "waitingOnApproval" | "waitingOnUserInput" | undefined {
  if (method.endsWith("requestApproval")) return "waitingOnApproval";
  return method === "item/tool/requestUserInput" ? "waitingOnUserInput" : undefined;
}
