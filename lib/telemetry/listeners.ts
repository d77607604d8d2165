import { trace, type Span } from "@opentelemetry/api";
import type {
  ItemOperation,
  RequestOperation,
  ServerRequestOperation,
  StartOperation,
  ToolOperation,
  TurnOperation,
} from "../index.js";
import { approvalAnswered, approvalKind, approvalRequested } from "./approval-events.js";
import { CallSpan } from "./call-span.js";
import { attempt } from "./guarded.js";
import type { Recording } from "./recording.js";
import { toTraceContext } from "./request-trace.js";
import type { Subscriptions } from "./subscriptions.js";
import { toolCallOf, toolKey, ToolSpan } from "./tool-span.js";
import { TurnSpan } from "./turn-span.js";

/**
 * Subscribes to the library's channels, and makes spans and figures of what they show. Returns what finds the span of a
 * turn, over or not.
 */
export function listen(
  recording: Recording,
  subscriptions: Subscriptions,
): (turn: TurnOperation) => Span | undefined {
  const turns = new WeakMap<TurnOperation, TurnSpan>();
  listenToTurns(recording, subscriptions, turns);
  listenToTools(recording, subscriptions);
  listenToServerRequests(recording, subscriptions);
  listenToRequests(recording, subscriptions);
  return (turn) => turns.get(turn)?.span;
}

function listenToTurns(
  recording: Recording,
  subscriptions: Subscriptions,
  turns: WeakMap<TurnOperation, TurnSpan>,
): void {
  const tools = new WeakMap<ItemOperation, ToolSpan>();
  subscriptions.add<TurnOperation>("turn", {
    begin: (turn, active) => {
      const span = new TurnSpan(recording, turn, active);
      turns.set(turn, span);
      return span.context;
    },
    end: (turn) => turns.get(turn)?.ended(),
  });
  subscriptions.add<ItemOperation>("item", {
    begin: (item) => {
      const turn = turns.get(item.turn);
      const call = toolCallOf(item);
      // The handle that followed the turn first has its tools.
      if (!turn || !call || item.turn.joined) return undefined;
      turn.toolBegun();
      const tool = new ToolSpan(recording, call, turn.context);
      tools.set(item, tool);
      return tool.context;
    },
    end: (item) => tools.get(item)?.itemEnded(item),
  });
}

/** A tool in this process runs in the span of its item, or in one of its own where that is not shown. */
function listenToTools(recording: Recording, subscriptions: Subscriptions): void {
  const own = new WeakMap<ToolOperation, ToolSpan>();
  const ran = new WeakMap<ToolOperation, Pick<ToolSpan, "ran">>();
  subscriptions.add<ToolOperation>("tool", {
    begin: (operation, outer) => {
      const known = recording.tools.get(toolKey(operation.threadId, operation.callId));
      const { tool: name, callId, threadId, startedAtMs } = operation;
      const call = { name, type: "function", callId, threadId, startedAtMs } as const;
      const begun = (): ToolSpan => {
        const span = new ToolSpan(recording, call, outer);
        own.set(operation, span);
        return span;
      };
      const place = known ?? begun();
      ran.set(operation, place);
      return place.span && trace.setSpan(outer, place.span);
    },
    end: (operation) => {
      ran.get(operation)?.ran(operation);
      own.get(operation)?.ended();
    },
  });
}

/** A handler runs in the span of the tool call that it is asked about, or else of the turn. */
function listenToServerRequests(recording: Recording, subscriptions: Subscriptions): void {
  const spans = new WeakMap<ServerRequestOperation, Span>();
  subscriptions.add<ServerRequestOperation>("server-request", {
    begin: (request, outer) => {
      const tool = recording.tools.get(toolKey(request.threadId, request.itemId));
      const turn = recording.turnSpan(request.turn);
      const within = tool ?? (turn?.isOver ? undefined : turn);
      const span = within?.span ?? trace.getSpan(outer);
      if (!span) return undefined;
      spans.set(request, span);
      const kind = approvalKind(request);
      if (kind !== undefined) approvalRequested(span, request, kind);
      return trace.setSpan(outer, span);
    },
    end: (request) => {
      const kind = approvalKind(request);
      if (kind !== undefined) approvalAnswered(recording, spans.get(request), request, kind);
    },
  });
}

/** Each request goes out with the trace of the span that it is sent in. */
function listenToRequests(recording: Recording, subscriptions: Subscriptions): void {
  const calls = new WeakMap<object, CallSpan>();
  subscriptions.add<RequestOperation>("request", {
    begin: (request, active) => {
      const call = recording.requestSpans
        ? CallSpan.ofRequest(recording, request, active)
        : undefined;
      if (call) calls.set(request, call);
      request.trace ??= attempt(() => toTraceContext(call?.context ?? active));
      return call?.context;
    },
    end: (request) => calls.get(request)?.requestEnded(request),
  });
  subscriptions.add<StartOperation>("start", {
    begin: (start, active) => {
      const call = CallSpan.ofStart(recording, start, active);
      calls.set(start, call);
      return call.context;
    },
    end: (start) => calls.get(start)?.startEnded(start),
  });
}
