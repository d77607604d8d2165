import {
  context,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type UpDownCounter,
} from "@opentelemetry/api";
import type { TurnOperation } from "../index.js";
import { inputMessages, outputMessages } from "./message-content.js";
import { cutShortAttribute, type OpenSpan } from "./open-spans.js";
import { secondsSince, type Recording } from "./recording.js";
import { attributes, own, spans } from "./semantic-conventions.js";

const agentName = "codex";

/** The `invoke_agent` span of a turn; of a sub-agent's, a child of its parent's. */
export class TurnSpan implements OpenSpan {
  readonly context: Context;
  readonly span: Span;
  readonly #recording: Recording;
  readonly #turn: TurnOperation;
  /** Counted down where it was counted up: a meter provider may be registered in between. */
  readonly #activeTurns: UpDownCounter;
  #toolCalls = 0;
  #isOver = false;

  constructor(recording: Recording, turn: TurnOperation) {
    this.#recording = recording;
    this.#turn = turn;
    const parent = recording.turnSpan(turn.parent)?.context ?? context.active();
    const kind = turn.depth === 0 ? SpanKind.CLIENT : SpanKind.INTERNAL;
    const options = { kind, startTime: turn.startedAtMs, attributes: this.#beginning() };
    this.span = recording.tracer.startSpan(`${spans.invokeAgent} ${agentName}`, options, parent);
    this.context = trace.setSpan(parent, this.span);
    recording.turns.set(turn, this);
    recording.open.add(this);
    this.#activeTurns = recording.instruments.current.activeTurns;
    this.#activeTurns.add(1);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  toolBegun(): void {
    this.#toolCalls += 1;
  }

  ended(): void {
    const { span } = this;
    const turn = this.#turn;
    const { captureContent, provider } = this.#recording;
    if (!this.#close()) return;
    const model = turn.model === undefined ? {} : { [attributes.requestModel]: turn.model };
    span.setAttributes({ ...model, ...usageOf(turn), [own.turnStatus]: turn.status });
    if (turn.turnId !== undefined) span.setAttribute(own.turnId, turn.turnId);
    if (turn.joined) span.setAttribute(own.turnJoined, true);
    if (captureContent) this.#addContent();
    const failed = turn.errorType === undefined ? {} : { [attributes.errorType]: turn.errorType };
    if (turn.errorType !== undefined) {
      span.setAttributes(failed);
      span.setStatus({ code: SpanStatusCode.ERROR });
    }
    span.end();
    this.#measure({ ...provider, ...model }, failed);
  }

  cutShort(): void {
    if (!this.#close()) return;
    this.span.setAttributes(cutShortAttribute);
    this.span.end();
  }

  /** Returns false when it was closed before. */
  #close(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#recording.open.delete(this);
    this.#activeTurns.add(-1);
    return true;
  }

  #beginning(): Attributes {
    const { threadId, model, method, depth } = this.#turn;
    return {
      [attributes.operation]: spans.invokeAgent,
      ...this.#recording.provider,
      [attributes.agentName]: agentName,
      [attributes.conversationId]: threadId,
      ...(model === undefined ? {} : { [attributes.requestModel]: model }),
      ...(method === undefined ? {} : { [own.turnMethod]: method }),
      ...(depth === 0 ? {} : { [own.depth]: depth }),
    };
  }

  #addContent(): void {
    const { content, status } = this.#turn;
    const reason = status === "completed" ? "stop" : status;
    const [input, output] = [inputMessages(content), outputMessages(content, reason)];
    if (input !== undefined) this.span.setAttribute(attributes.inputMessages, input);
    if (output !== undefined) this.span.setAttribute(attributes.outputMessages, output);
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

function usageOf({ usage }: TurnOperation): Attributes {
  if (!usage) return {};
  return {
    [attributes.inputTokens]: usage.inputTokens,
    [attributes.outputTokens]: usage.outputTokens,
    [attributes.cachedInputTokens]: usage.cachedInputTokens,
    [attributes.reasoningOutputTokens]: usage.reasoningOutputTokens,
  };
}
