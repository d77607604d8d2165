import { ChangedFiles } from "./changed-files.js";
import { fieldsOf, listOf, numberOf, textOf, textsOf, type Fields } from "./loose-fields.js";
import { MessageParts } from "./message-parts.js";
import type { Visibility } from "./part-options.js";
import type { TokenCounts } from "./part-types.js";
import { PlanTextParts } from "./plan-text-parts.js";
import { ReasoningParts } from "./reasoning-parts.js";
import { ToolParts } from "./tool-parts.js";
import type { PartBody, PartEndStatus } from "./turn-part.js";
import { problemOfTurn, type TurnEnding } from "./turn-problem.js";
import { visibleDiff } from "./visible-diff.js";
import type { SomeEvent } from "../messages/superseding.js";
import { TurnProgress } from "../turns/turn-progress.js";
import { toTurnResult } from "../turns/turn-result.js";
import { isCall, isItem } from "../turns/turn-state.js";
import type { TurnEvent } from "../protocol.js";

const nothing: readonly PartBody[] = [];

/** The parts of one turn: of the one that is followed, or of a sub-agent's. */
export class SingleTurnParts {
  readonly #visibility: Visibility;
  readonly #messages = new MessageParts();
  readonly #plans = new PlanTextParts();
  readonly #reasoning: ReasoningParts;
  readonly #tools: ToolParts;
  /**
   * What the answer, the usage and the attempts to reach the model are read from: it sees no other items, but for one
   * that shows that the model has answered.
   */
  readonly #progress = new TurnProgress("");
  readonly #changed: ChangedFiles;
  #diff = "";
  #isRetrying = false;
  #hasCalled = false;
  #hasStarted = false;
  #isOver = false;

  constructor(visibility: Visibility) {
    this.#visibility = visibility;
    this.#reasoning = new ReasoningParts(visibility);
    this.#tools = new ToolParts(visibility);
    this.#changed = new ChangedFiles(visibility.paths);
  }

  next(event: SomeEvent): readonly PartBody[] {
    if (this.#isOver) return nothing;
    const { method } = event;
    const isText = method === "item/agentMessage/delta";
    if (isText && this.#hasStarted && !this.#isRetrying) return this.#messages.next(event);
    const params = fieldsOf(event.params);
    const parts = [...this.#start(params), ...this.#learn(event, params)];
    if (isText) parts.push(...this.#messages.next(event));
    else if (method.startsWith("item/")) parts.push(...this.#itemEvent(event, params));
    else parts.push(...this.#turnEvent(event, params));
    return parts;
  }

  /** Closes what is open. Nothing comes of what follows. */
  end({ status, error }: TurnEnding): readonly PartBody[] {
    if (this.#isOver) return nothing;
    this.#isOver = true;
    const { finalResponse, durationMs } = toTurnResult(this.#progress.state);
    return [
      ...(this.#isRetrying ? [{ type: "retry-end" } as const] : []),
      ...this.#messages.end(),
      ...this.#plans.end(),
      ...this.#reasoning.end(),
      ...this.#tools.end(status === "completed" ? "background" : "interrupted"),
      {
        type: "end",
        status,
        finalResponse: textOf(finalResponse) ?? null,
        usage: this.#usage()?.turn ?? null,
        durationMs: numberOf(durationMs),
        ...(error ? { error } : {}),
      },
    ];
  }

  #start(params: Fields): readonly PartBody[] {
    if (this.#hasStarted) return nothing;
    const threadId = textOf(params["threadId"]);
    const turnId = textOf(params["turnId"]) ?? textOf(fieldsOf(params["turn"])["id"]);
    if (threadId === undefined || turnId === undefined) return nothing;
    this.#hasStarted = true;
    return [{ type: "start", threadId, turnId }];
  }

  /** Keeps the state up to date, and tells of attempts to reach the model. */
  #learn(event: SomeEvent, params: Fields): readonly PartBody[] {
    this.#learnOfCall(event, params);
    if (!this.#isRetrying && !isOfState(event.method, params)) return nothing;
    const before = this.#progress.state;
    this.#progress.add(event as TurnEvent);
    const { retry, usage } = this.#progress.state;
    const parts: PartBody[] = [];
    if (retry && retry !== before.retry) {
      const { attempt, maxAttempts, reason } = retry;
      parts.push(...this.#reasoning.end());
      parts.push({ type: "retry", attempt, maxAttempts, reason: textOf(reason) ?? "other" });
    }
    if (!retry && this.#isRetrying) parts.push({ type: "retry-end" });
    this.#isRetrying = retry !== null;
    const counts = usage === before.usage ? undefined : this.#usage();
    if (counts) parts.push({ type: "usage", ...counts });
    return parts;
  }

  /** An item that the model has called for shows that a response of it is complete: one is enough. */
  #learnOfCall({ method }: SomeEvent, params: Fields): void {
    if (this.#hasCalled || method !== "item/started") return;
    const { type, id } = fieldsOf(params["item"]);
    if (!isCall({ type })) return;
    this.#hasCalled = true;
    this.#progress.add({
      method,
      params: { ...params, item: { type, id } },
    } as unknown as TurnEvent);
  }

  #itemEvent(event: SomeEvent, params: Fields): readonly PartBody[] {
    const id = textOf(params["itemId"]) ?? "";
    const delta = textOf(params["delta"]) ?? "";
    switch (event.method) {
      case "item/started":
      case "item/completed":
        return this.#item(event, params["item"]);
      case "item/plan/delta":
        return this.#plans.delta(id, delta);
      case "item/reasoning/summaryTextDelta":
        return this.#reasoning.delta(id, "summary", params["summaryIndex"], delta);
      case "item/reasoning/textDelta":
        return this.#reasoning.delta(id, "raw", params["contentIndex"], delta);
      case "item/commandExecution/outputDelta":
        return this.#tools.output(id, delta);
      case "item/mcpToolCall/progress":
        return this.#tools.progress(id, textOf(params["message"]) ?? "");
      case "item/fileChange/patchUpdated":
        this.#changed.add(params["changes"]);
        return this.#tools.changed(id, params["changes"]);
      default:
        return this.#asked(event, params);
    }
  }

  #item(event: SomeEvent, item: unknown): readonly PartBody[] {
    if (!isItem(item)) return nothing;
    const { id } = item;
    const fields: Fields = { ...item };
    if (item.type === "fileChange") this.#changed.add(item.changes);
    const ended = event.method === "item/completed";
    switch (item.type) {
      case "agentMessage":
        return [...(ended ? nothing : this.#reasoning.end()), ...this.#messages.next(event)];
      case "userMessage":
        return ended ? this.#userMessage(id, fields) : nothing;
      case "plan":
        return ended ? this.#plans.completed(id, fields) : this.#plans.started(id);
      case "reasoning":
        return ended ? this.#reasoning.completed(id, fields) : this.#reasoning.started(id);
      case "contextCompaction":
        return ended ? [{ type: "compaction", id }] : nothing;
      default: {
        const parts = ended ? this.#tools.completed(id, fields) : this.#tools.started(id, fields);
        return parts ?? [{ type: "other", id, item: item.type, ended }];
      }
    }
  }

  #userMessage(id: string, { content }: Fields): readonly PartBody[] {
    const texts = listOf(content).flatMap((each) => textOf(fieldsOf(each)["text"]) ?? []);
    return [{ type: "user-message", id, text: texts.join("\n") }];
  }

  #asked({ method, ...event }: SomeEvent, params: Fields): readonly PartBody[] {
    const { key, requestId } = fieldsOf(event);
    return typeof key === "string"
      ? this.#tools.asked({ method, key, requestId, params })
      : nothing;
  }

  #turnEvent(event: SomeEvent, params: Fields): readonly PartBody[] {
    const { show, paths } = this.#visibility;
    switch (event.method) {
      case "turn/plan/updated":
        return [planOf(params)];
      case "turn/diff/updated": {
        const diff = textOf(params["diff"]);
        // The server sends the same one again and again.
        if (diff === undefined || !show.diffs || diff === this.#diff) return nothing;
        this.#diff = diff;
        const visible = paths.showsAll
          ? diff
          : visibleDiff(diff, (path) => this.#changed.show(path));
        return [{ type: "diff", diff: visible }];
      }
      case "warning":
      case "guardianWarning": {
        const message = textOf(params["message"]);
        return message !== undefined && show.warnings ? [{ type: "warning", message }] : nothing;
      }
      case "error":
        return this.#messages.next(event);
      case "serverRequest/resolved":
        return this.#tools.resolved(params["requestId"]);
      case "connection/gap":
        this.#tools.missed();
        return [{ type: "gap", ids: textsOf(params["itemIds"]) }];
      case "turn/completed":
        return this.#completed(event);
      default:
        return this.#asked(event, params);
    }
  }

  #completed(event: SomeEvent): readonly PartBody[] {
    // Its copy of the turn may have messages whose completion did not come.
    const messages = this.#messages.next(event);
    const { status, error } = this.#progress.state;
    const known = isEnd(status) ? status : "lost";
    const problem = status === "failed" ? { error: problemOfTurn(error) } : {};
    return [...messages, ...this.end({ status: known, ...problem })];
  }

  #usage(): { turn: TokenCounts; thread: TokenCounts; contextWindow: number | null } | undefined {
    const { usage } = this.#progress.state;
    if (!usage || !this.#visibility.show.usage) return undefined;
    return {
      turn: countsOf(usage.turn),
      thread: countsOf(usage.total),
      contextWindow: numberOf(usage.modelContextWindow),
    };
  }
}

/** A newer server may have other ways to end; of a turn in an unknown shape, the state does not know the end. */
function isEnd(status: string): status is PartEndStatus {
  return status === "completed" || status === "interrupted" || status === "failed";
}

/** Whether the event says something of what is read from the state. */
function isOfState(method: string, { item }: Fields): boolean {
  switch (method) {
    case "turn/started":
    case "turn/completed":
    case "thread/tokenUsage/updated":
    case "error":
      return true;
    case "item/started":
    case "item/completed": {
      const { type } = fieldsOf(item);
      return type === "agentMessage" || type === "contextCompaction";
    }
    default:
      return false;
  }
}

function planOf({ explanation, plan }: Fields): PartBody {
  const steps = listOf(plan).flatMap((each) => {
    const { step, status } = fieldsOf(each);
    return typeof step === "string" ? [{ step, status: textOf(status) ?? "pending" }] : [];
  });
  return { type: "plan", explanation: textOf(explanation) ?? null, steps };
}

function countsOf(value: unknown): TokenCounts {
  const counts = fieldsOf(value);
  const count = (name: string): number => numberOf(counts[name]) ?? 0;
  return {
    input: count("inputTokens"),
    cachedInput: count("cachedInputTokens"),
    output: count("outputTokens"),
    reasoning: count("reasoningOutputTokens"),
    total: count("totalTokens"),
  };
}
