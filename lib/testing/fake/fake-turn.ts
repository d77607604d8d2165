import type { ServerNotifications, ServerRequests } from "../../../generated/methods.js";
import type {
  CodexErrorInfo,
  ThreadItem,
  TokenUsageBreakdown,
  UserInput,
} from "../../../generated/types.js";
import type { ParamsOf, TurnEventMethod, TurnRequestMethod } from "../../protocol.js";
import {
  commandItem,
  fileChangeItem,
  messageItem,
  reasoningItem,
  toolCallItem,
  words,
  type CommandOutcome,
  type FileChanges,
} from "./items.js";
import { turnError } from "./records.js";
import type { RunningTurn, WithoutIds } from "./running-turn.js";

/** What a client decides of a command. */
export type CommandDecision =
  ServerRequests["item/commandExecution/requestApproval"]["result"]["decision"];
/** What a client decides of changes of files. */
export type FileChangeDecision =
  ServerRequests["item/fileChange/requestApproval"]["result"]["decision"];
/** What a client answers to a call of one of its tools. */
export type ToolAnswer = ServerRequests["item/tool/call"]["result"];

/** What the fake server does in a turn. It may take its time: the turn goes on until it has returned. */
export type TurnScript = (turn: FakeTurn) => unknown;

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
  readonly #turn: RunningTurn;
  readonly #crash: () => void;

  /** @internal */
  constructor(turn: RunningTurn, crash: () => void) {
    this.id = turn.id;
    this.threadId = turn.thread.id;
    this.params = turn.params;
    this.#turn = turn;
    this.#crash = crash;
  }

  /** What the client has sent: the input of the start, then that of each steer. */
  get inputs(): readonly (readonly UserInput[])[] {
    return this.#turn.inputs;
  }

  /** The text of the input that the turn was started with. */
  get text(): string {
    return this.params.input
      .flatMap((part) => (part.type === "text" ? [part.text] : []))
      .join("\n");
  }

  /** Aborts when the turn is over: interrupted, failed, crashed or completed. */
  get signal(): AbortSignal {
    return this.#turn.signal;
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
    const item = messageItem(this.#turn.newItemId("message"), "final_answer");
    this.#started(item);
    return this.#stream(item.id, text);
  }

  /** Streams the summary of some reasoning. */
  reasoning(summary: string): this {
    const item = reasoningItem(this.#turn.newItemId("reasoning"));
    this.#started(item);
    for (const delta of words(summary)) {
      this.notify("item/reasoning/summaryTextDelta", { itemId: item.id, summaryIndex: 0, delta });
    }
    return this.#completed({ ...item, summary: [summary] });
  }

  /** A command that runs without asking. Nothing really runs. Default: no output, exit code 0. */
  command(command: string, outcome: CommandOutcome = {}): this {
    const item = commandItem(
      this.#turn.newItemId("command"),
      command,
      this.#turn.thread.settings.cwd,
    );
    this.#started(item);
    return this.#runs(item, outcome);
  }

  /** Files that are changed without asking. Nothing is really written. */
  fileChange(changes: FileChanges): this {
    const item = fileChangeItem(this.#turn.newItemId("patch"), changes);
    return this.#started(item).#completed({ ...item, status: "completed" });
  }

  /**
   * Asks whether a command may run, and waits for the decision. Accepted, the command has its outcome;
   * declined, it is told to be so; a cancel also interrupts the turn, as the server does.
   */
  async askApproval(command: string, outcome: CommandOutcome = {}): Promise<CommandDecision> {
    const item = commandItem(
      this.#turn.newItemId("command"),
      command,
      this.#turn.thread.settings.cwd,
    );
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
    if (decision === "cancel") this.#turn.end("interrupted");
    return decision;
  }

  /** Asks whether files may be changed, and goes on like `askApproval()`. */
  async askFileChange(changes: FileChanges): Promise<FileChangeDecision> {
    const item = fileChangeItem(this.#turn.newItemId("patch"), changes);
    this.#started(item);
    const { decision } = await this.request("item/fileChange/requestApproval", {
      itemId: item.id,
      startedAtMs: Date.now(),
    });
    const isRefused = decision === "decline" || decision === "cancel";
    this.#completed({ ...item, status: isRefused ? "declined" : "completed" });
    if (decision === "cancel") this.#turn.end("interrupted");
    return decision;
  }

  /** Calls a tool of the client; resolves with what it answers. */
  async callTool(
    tool: string,
    args: ServerRequests["item/tool/call"]["params"]["arguments"] = {},
  ): Promise<ToolAnswer> {
    const item = toolCallItem(this.#turn.newItemId("call"), tool, args);
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

  /** The tokens of a response of the model: zero where nothing is given. A turn may have several. */
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
    const total = this.#turn.thread.use(last);
    const tokenUsage = { last, total, modelContextWindow: 100_000 };
    return this.notify("thread/tokenUsage/updated", { tokenUsage });
  }

  /** Any notification of a turn, without its ids. */
  notify<M extends TurnEventMethod>(
    method: M,
    params: WithoutIds<ServerNotifications[M]["params"]>,
  ): this {
    this.#turn.notify(method, params);
    return this;
  }

  /**
   * Any request of a turn, without its ids. Resolves with the client's result; rejects with its error, or
   * when the turn is over.
   */
  request<M extends TurnRequestMethod>(
    method: M,
    params: WithoutIds<ServerRequests[M]["params"]>,
  ): Promise<ServerRequests[M]["result"]> {
    return this.#turn.request(method, params);
  }

  /** Says nothing more; settles, by rejecting, when the turn is over: interrupted, for example. */
  hang(): Promise<never> {
    return this.#turn.unlessOver(new Promise<never>(() => undefined));
  }

  /** Resolves with the input of the next `turn/steer`. */
  steered(): Promise<readonly UserInput[]> {
    return this.#turn.steered();
  }

  /** Fails the turn. `info` is the class of the failure, such as `"usageLimitExceeded"`. */
  fail(message: string, info: CodexErrorInfo | null = null): this {
    const error = turnError(message, info);
    this.#turn.notify("error", { error, willRetry: false });
    this.#turn.end("failed", { error });
    return this;
  }

  /** The server dies in the middle of the turn. */
  crash(): this {
    this.#crash();
    return this;
  }

  #message(text: string | readonly string[], phase: "commentary" | "final_answer"): this {
    const item = messageItem(this.#turn.newItemId("message"), phase);
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
    this.#turn.itemStarted(item);
    return this;
  }

  #completed(item: ThreadItem): this {
    this.#turn.itemCompleted(item);
    return this;
  }
}
