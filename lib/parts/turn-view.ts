import type {
  AskedRequest,
  PartOrigin,
  PartPhase,
  RequestOutcome,
  ToolCall,
  ToolStatus,
} from "./part-types.js";
import type { PartOf, TurnPart } from "./turn-part.js";

/** One thing that a view shows, told apart by `type`. */
export type ViewEntry =
  | PartOf<"user-message" | "warning" | "compaction" | "other">
  | {
      readonly type: "message";
      readonly id: string;
      readonly phase: PartPhase | null;
      readonly text: string;
      /** `"cut"`: it broke off, and `text` is what came of it. */
      readonly state: "open" | "whole" | "cut";
    }
  | {
      readonly type: "reasoning";
      readonly id: string;
      /** The sections of its summary. */
      readonly sections: readonly string[];
      /** Those of the raw reasoning. */
      readonly raw: readonly string[];
      readonly open: boolean;
    }
  | {
      readonly type: "tool";
      readonly id: string;
      readonly tool: ToolCall;
      readonly status: ToolStatus | "running";
      readonly output: string;
      readonly progress?: string;
      readonly exitCode?: number;
      readonly durationMs?: number;
      readonly error?: string;
    }
  | {
      readonly type: "request";
      /** Its key. */
      readonly id: string;
      readonly toolId?: string;
      readonly request: AskedRequest;
      /** `null` while it waits for an answer. */
      readonly outcome: RequestOutcome | null;
    };

/** A turn as far as its parts have come: what a page shows. */
export interface TurnView {
  readonly threadId: string | null;
  readonly turnId: string | null;
  /** Messages, reasoning, tool calls, requests and so on, in the order in which they began. */
  readonly entries: readonly ViewEntry[];
  readonly plan: PartOf<"plan"> | null;
  readonly diff: string | null;
  readonly usage: PartOf<"usage"> | null;
  /** There while the server tries to reach the model again. */
  readonly retry: PartOf<"retry"> | null;
  /** The turns of sub-agents, in the order in which they began. */
  readonly agents: readonly { readonly origin: PartOrigin; readonly view: TurnView }[];
  /** There once the turn is over. */
  readonly end: PartOf<"end"> | null;
}

/**
 * Folds the parts of a turn into what a page shows. Views never change; `apply()` gives another one. It runs
 * in browsers, and fits reducers: `useReducer(TurnView.apply, TurnView.empty)`.
 */
export const TurnView: {
  /** The view before the first part. */
  readonly empty: TurnView;
  /** The view with one more part. Parts of types that it does not know change nothing. */
  readonly apply: (view: TurnView, part: TurnPart) => TurnView;
} = {
  empty: {
    threadId: null,
    turnId: null,
    entries: [],
    plan: null,
    diff: null,
    usage: null,
    retry: null,
    agents: [],
    end: null,
  },
  apply,
};

type Entry<Type extends ViewEntry["type"]> = Extract<ViewEntry, { readonly type: Type }>;
type WithId = Extract<ViewEntry, { readonly id: string }>;

function apply(view: TurnView, part: TurnPart): TurnView {
  const { origin, ...body } = part;
  if (origin) return { ...view, agents: applyToAgent(view.agents, origin, body) };
  switch (part.type) {
    case "start":
      return { ...view, threadId: part.threadId, turnId: part.turnId };
    case "user-message":
    case "warning":
    case "compaction":
      return { ...view, entries: [...view.entries, part] };
    case "other":
      return begin(view, part);
    case "message-start":
      return begin(view, {
        type: "message",
        id: part.id,
        phase: part.phase,
        text: "",
        state: "open",
      });
    case "message-delta":
      return change(view, "message", part.id, ({ text }) => ({ text: text + part.delta }));
    case "message-reset":
      return {
        ...view,
        entries: view.entries.filter((entry) => !isEntry(entry, "message", part.id)),
      };
    case "message-end":
      return change(view, "message", part.id, () => ({
        phase: part.phase,
        state: part.cut ? "cut" : "whole",
      }));
    case "reasoning-start":
      return begin(view, { type: "reasoning", id: part.id, sections: [], raw: [], open: true });
    case "reasoning-delta":
      return change(view, "reasoning", part.id, (entry) => {
        const kind = part.raw ? "raw" : "sections";
        const texts = [...entry[kind]];
        texts[part.section] = (texts[part.section] ?? "") + part.delta;
        return { [kind]: texts };
      });
    case "reasoning-end":
      return change(view, "reasoning", part.id, () => ({ open: false }));
    case "tool-start":
      return begin(view, {
        type: "tool",
        id: part.id,
        tool: part.tool,
        status: "running",
        output: "",
      });
    case "tool-output":
      return change(view, "tool", part.id, ({ output }) => ({ output: output + part.delta }));
    case "tool-progress":
      return change(view, "tool", part.id, () => ({ progress: part.message }));
    case "tool-update":
    case "tool-end":
      return change(view, "tool", part.id, () => ({ ...body, type: "tool" }));
    case "request": {
      const { key, ...request } = part;
      return begin(view, { ...request, id: key, outcome: null });
    }
    case "request-end":
      return change(view, "request", part.key, () => ({ outcome: part.outcome }));
    case "diff":
      return { ...view, diff: part.diff };
    case "plan":
    case "usage":
    case "retry":
    case "end":
      return { ...view, [part.type]: part };
    case "retry-end":
      return { ...view, retry: null };
    default:
      return view;
  }
}

function isEntry<Type extends ViewEntry["type"]>(
  entry: ViewEntry,
  type: Type,
  id: string,
): entry is Entry<Type> {
  return entry.type === type && (entry as WithId).id === id;
}

/** What begins once more takes its own place. */
function begin(view: TurnView, entry: WithId): TurnView {
  const { entries } = view;
  const at = entries.findIndex((one) => isEntry(one, entry.type, entry.id));
  return {
    ...view,
    entries:
      at < 0 ? [...entries, entry] : entries.map((one, index) => (index === at ? entry : one)),
  };
}

function change<Type extends ViewEntry["type"]>(
  view: TurnView,
  type: Type,
  id: string,
  changes: (entry: Entry<Type>) => object,
): TurnView {
  return {
    ...view,
    entries: view.entries.map((one) =>
      isEntry(one, type, id) ? { ...one, ...changes(one) } : one,
    ),
  };
}

function applyToAgent(
  agents: TurnView["agents"],
  origin: PartOrigin,
  part: TurnPart,
): TurnView["agents"] {
  const isSame = ({ origin: { threadId, turnId } }: TurnView["agents"][number]): boolean =>
    threadId === origin.threadId && turnId === origin.turnId;
  const known = agents.some(isSame) ? agents : [...agents, { origin, view: TurnView.empty }];
  return known.map((agent) =>
    isSame(agent) ? { ...agent, view: apply(agent.view, part) } : agent,
  );
}
