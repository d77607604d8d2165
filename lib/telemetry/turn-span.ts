import { SpanKind, type Attributes, type Context } from "@opentelemetry/api";
import type { TurnOperation } from "../index.js";
import { attempt } from "./guarded.js";
import type { Sum } from "./instruments.js";
import { inputMessages, outputMessages } from "./message-content.js";
import { failedWith, OperationSpan } from "./operation-span.js";
import { secondsSince, type Recording } from "./recording.js";
import { attributes, own, spans } from "./semantic-conventions.js";

const agentName = "codex";

/** The `invoke_agent` span of a turn; of a sub-agent's, a child of its parent's. */
export class TurnSpan extends OperationSpan {
  readonly #recording: Recording;
  readonly #turn: TurnOperation;
  /** Counted down where it was counted up: a meter provider may be registered in between. */
  readonly #activeTurns: Sum;
  #toolCalls = 0;

  /** `active` is the context in which the turn was asked for. */
  constructor(recording: Recording, turn: TurnOperation, active: Context) {
    const options = {
      kind: turn.depth === 0 ? SpanKind.CLIENT : SpanKind.INTERNAL,
      startTime: turn.startedAtMs,
      attributes: { ...recording.provider, ...beginningOf(turn) },
    };
    const parent = recording.turnSpan(turn.parent)?.context ?? active;
    super(recording, `${spans.invokeAgent} ${agentName}`, options, parent);
    this.#recording = recording;
    this.#turn = turn;
    recording.turns.set(turn, this);
    this.#activeTurns = recording.instruments.current.activeTurns;
    this.#activeTurns.add(1);
  }

  toolBegun(): void {
    this.#toolCalls += 1;
  }

  ended(): void {
    const turn = this.#turn;
    const { turnId, joined, status, errorType } = turn;
    if (this.#recording.captureContent) {
      attempt(() => {
        this.set(contentOf(turn));
      });
    }
    const model = turn.model === undefined ? {} : { [attributes.requestModel]: turn.model };
    const known = {
      ...model,
      ...usageOf(turn),
      [own.turnStatus]: status,
      ...(turnId === undefined ? {} : { [own.turnId]: turnId }),
      ...(joined ? { [own.turnJoined]: true } : {}),
    };
    if (!this.end(known, errorType)) return;
    this.#measure({ ...this.#recording.provider, ...model }, failedWith(errorType));
  }

  override end(known: Attributes, errorType?: string): boolean {
    const isFirst = super.end(known, errorType);
    if (isFirst) this.#activeTurns.add(-1);
    return isFirst;
  }

  #measure(shared: Attributes, failed: Attributes): void {
    const turn = this.#turn;
    // Another handle's span has the same turn.
    if (turn.joined) return;
    const { current } = this.#recording.instruments;
    const ofTokens = { ...shared, [attributes.operation]: spans.invokeAgent };
    const common = { ...ofTokens, ...failed };
    const seconds = secondsSince(turn.startedAtMs);
    if (turn.depth === 0) current.operationDuration.record(seconds, common);
    const ofAgent = { ...common, [attributes.agentName]: agentName };
    current.agentDuration.record(seconds, ofAgent);
    current.agentToolCalls.record(this.#toolCalls, ofAgent);
    const { usage } = turn;
    if (!usage) return;
    const ofType = (type: string) => ({ ...ofTokens, [attributes.tokenType]: type });
    current.tokenUsage.record(usage.inputTokens, ofType("input"));
    current.tokenUsage.record(usage.outputTokens, ofType("output"));
    current.inputTokens.add(usage.inputTokens, ofTokens);
    current.outputTokens.add(usage.outputTokens, ofTokens);
    current.cachedInputTokens.add(usage.cachedInputTokens, ofTokens);
    current.reasoningOutputTokens.add(usage.reasoningOutputTokens, ofTokens);
  }
}

function beginningOf({ threadId, model, method, depth }: TurnOperation): Attributes {
  return {
    [attributes.operation]: spans.invokeAgent,
    [attributes.agentName]: agentName,
    [attributes.conversationId]: threadId,
    ...(model === undefined ? {} : { [attributes.requestModel]: model }),
    ...(method === undefined ? {} : { [own.turnMethod]: method }),
    ...(depth === 0 ? {} : { [own.depth]: depth }),
  };
}

function contentOf({ content, status }: TurnOperation): Attributes {
  const reason = status === "completed" ? "stop" : status;
  const [input, output] = [inputMessages(content), outputMessages(content, reason)];
  return {
    ...(input === undefined ? {} : { [attributes.inputMessages]: input }),
    ...(output === undefined ? {} : { [attributes.outputMessages]: output }),
  };
}

function usageOf({ usage }: TurnOperation): Attributes {
  if (!usage) return {};
  return {
    [attributes.inputTokens]: usage.inputTokens,
    [attributes.outputTokens]: usage.outputTokens,
    [attributes.cachedInputTokens]: usage.cachedInputTokens,
    [attributes.reasoningOutputTokens]: usage.reasoningOutputTokens,
  };
}
