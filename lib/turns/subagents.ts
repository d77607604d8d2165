import type { CollabAgentState, ThreadItem } from "../../generated/types.js";
import type { TracedTurn, TurnCaller } from "../diagnostics/turn-operation.js";
import { agentsIn } from "../messages/agents-in.js";
import { fieldOf, textOf } from "../messages/field-of.js";
import { turnIdOf } from "../messages/message-ids.js";
import type { Session } from "../session/session.js";
import type { TurnFollower } from "../session/turn-follower.js";
import type { TurnEvent } from "../protocol.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import type { TurnState } from "../results/turn-state.js";
import type { SomeEvent } from "../messages/superseding.js";
import { gapEvent, TurnGap } from "./turn-inbox.js";
import { TurnProgress } from "./turn-progress.js";
import { isItem } from "./turn-state.js";
import { contentOf, isTurnTraced, TurnTrace } from "./turn-trace.js";

/** The turn that an event comes from: the turn itself, or one of its sub-agents. */
export interface EventOrigin {
  readonly threadId: string;
  readonly turnId: string;
  /** The thread that started this one; `null` for the turn's own events. */
  readonly parentThreadId: string | null;
  /** 0 for the turn itself, 1 for the sub-agents it has started, 2 for theirs, and so on. */
  readonly depth: number;
}

/** An event of a sub-agent, on its way to whoever iterates the turn. */
export type SubagentEvent = TurnEvent & { readonly origin: EventOrigin };

/**
 * The event with its origin. Spreading an event of the usual shape costs more than reading it does: V8 copies
 * a time in milliseconds, which is no small integer, by its slow way.
 */
export function withOrigin<Event extends SomeEvent>(
  event: Event,
  origin: EventOrigin,
): Event & { readonly origin: EventOrigin } {
  const { method, params, emittedAtMs } = event as Event & { readonly emittedAtMs?: unknown };
  const isUsual = emittedAtMs !== undefined && Object.keys(event).length === 3;
  if (!isUsual) return { ...event, origin };
  return { method, params, emittedAtMs, origin } as unknown as ReturnType<typeof withOrigin<Event>>;
}

/** Whether an event is a sub-agent's. */
export function isOfSubagent(event: SomeEvent): event is SubagentEvent {
  return ((event as Partial<SubagentEvent>).origin?.depth ?? 0) > 0;
}

/** A sub-agent of a turn, at one moment. */
export interface Subagent {
  readonly threadId: string;
  readonly parentThreadId: string;
  /** 1 for those that the turn has started itself, 2 for theirs, and so on. */
  readonly depth: number;
  /** The task that it was given, as far as the server told. */
  readonly prompt: string | null;
  /** The newest state that the server has told of it; `null` before the first. */
  readonly state: CollabAgentState | null;
  /** Its own turns, oldest first, each as far as it has come. */
  readonly turns: readonly TurnState[];
}

/** Who is told what the sub-agents of a turn do. It must not throw. */
interface SubagentListener {
  subagentEvent(event: SubagentEvent): void;
}

interface Parent {
  readonly threadId: string;
  readonly depth: number;
}

interface Child {
  readonly threadId: string;
  readonly parent: Parent;
  readonly depth: number;
  readonly turns: Map<string, SubagentTurn>;
  prompt: string | null;
  state: CollabAgentState | null;
  model: string | undefined;
  /** The turn that has started it, or spoken to it last, for its tracing channel. */
  caller: TurnCaller;
}

/** More than a turn can make use of; bounds for servers that go on and on. */
const maxChildren = 1_024;
const maxTurns = 8_192;

/**
 * The sub-agents that a turn starts, and theirs. They run under threads of their own, on the same
 * connection; the items of whoever started them tell which.
 */
export class Subagents {
  readonly #session: Session;
  readonly #listener: SubagentListener;
  readonly #children = new Map<string, Child>();
  /** The sub-agents that are being started, by thread and item, with what ends the wait for the name. */
  readonly #spawning = new Map<string, Map<string, () => void>>();
  readonly #unwatch: (() => void)[] = [];
  /** How many turns of sub-agents there were. */
  #turnCount = 0;

  constructor(session: Session, listener: SubagentListener) {
    this.#session = session;
    this.#listener = listener;
  }

  list(): readonly Subagent[] {
    const children = [...this.#children.values()];
    return children.map(({ threadId, parent, depth, turns, prompt, state }) => ({
      ...{ threadId, depth, prompt, state },
      parentThreadId: parent.threadId,
      turns: [...turns.values()].map((turn) => turn.state),
    }));
  }

  /** Learns from an event of the turn itself, or of one of its sub-agents. */
  observe(event: SomeEvent, parent: Parent): void {
    if (event.method === "turn/completed") this.#stopExpecting(parent.threadId);
    if (event.method !== "item/started" && event.method !== "item/completed") return;
    const item = fieldOf(event.params, "item");
    if (!isItem(item)) return;
    const call = item.type === "collabAgentToolCall" ? item : undefined;
    const { agents } = agentsIn(item);
    if (agents.length > 0) {
      const caller = this.#callerIn(event, parent);
      for (const threadId of agents) this.#learn(threadId, parent, caller, call);
    }
    if (call) this.#expect(call, parent.threadId, event.method === "item/started");
  }

  /** The turn is over: what its sub-agents still do is no part of it. */
  stop(): void {
    for (const unwatch of this.#unwatch.splice(0)) unwatch();
    for (const threadId of this.#spawning.keys()) this.#stopExpecting(threadId);
    for (const { turns } of this.#children.values()) for (const turn of turns.values()) turn.lost();
  }

  /** How the tracing channel shows a turn of a sub-agent; undefined while nobody subscribes. */
  trace(child: Child, turnId: string, state: () => TurnState): TurnTrace | undefined {
    if (!isTurnTraced()) return undefined;
    const { threadId, caller } = child;
    const trace = new TurnTrace({
      threadId,
      model: child.model ?? this.#session.memory.modelOf(threadId),
      caller,
      joined: this.#session.turns.followersOf(threadId, turnId).length > 0,
      content: () => contentOf(undefined, state()),
    });
    trace.operation.turnId = turnId;
    trace.begin(() => undefined);
    return trace;
  }

  show(event: SubagentEvent): void {
    this.#listener.subagentEvent(event);
  }

  unfollow({ threadId, turnId }: EventOrigin, turn: TurnFollower): void {
    this.#session.turns.unfollow(threadId, turnId, turn);
  }

  #callerIn(event: SomeEvent, { threadId, depth }: Parent): TurnCaller {
    const turnId = turnIdOf(event);
    const followers = turnId === undefined ? [] : this.#session.turns.followersOf(threadId, turnId);
    const operation = followers.find((follower) => follower.operation)?.operation;
    return { threadId, turnId, depth, operation };
  }

  /** Between the start and the end of this call, a thread may begin that nobody has named yet. */
  #expect(item: CollabCall, by: string, isStart: boolean): void {
    if (item.tool !== "spawnAgent") return;
    const spawning = this.#spawning.get(by) ?? new Map<string, () => void>();
    this.#spawning.set(by, spawning);
    spawning.get(item.id)?.();
    spawning.delete(item.id);
    if (isStart) spawning.set(item.id, this.#session.turns.keepStrays());
  }

  /** What a turn has not started by its end, such as an interrupted call, it will not. */
  #stopExpecting(threadId: string): void {
    for (const settle of this.#spawning.get(threadId)?.values() ?? []) settle();
    this.#spawning.delete(threadId);
  }

  #learn(threadId: string, parent: Parent, caller: TurnCaller, call?: CollabCall): void {
    const known = this.#children.get(threadId);
    if (!known && (this.#children.size >= maxChildren || this.#isAbove(threadId, parent))) return;
    const child = known ?? newChild(threadId, parent, caller);
    child.prompt ??= call?.prompt ?? null;
    child.state = stateIn(call?.agentsStates, threadId) ?? child.state;
    child.caller = caller;
    // The start of the call that starts a sub-agent has an empty one.
    child.model ??= textOf(call, "model") || undefined;
    for (const { operation } of child.turns.values()) {
      if (operation) operation.model ??= child.model;
    }
    if (known) return;
    this.#children.set(threadId, child);
    // Last: what the sub-agent did before it was named arrives at once, and is told with all of the above.
    this.#watch(child);
  }

  /** Whether a sub-agent names somebody that it works for: it may speak to them. */
  #isAbove(threadId: string, parent: Parent): boolean {
    let above: Parent | undefined = parent;
    while (above && above.threadId !== threadId) above = this.#children.get(above.threadId)?.parent;
    return above !== undefined;
  }

  #watch(child: Child): void {
    const { threadId } = child;
    const unwatch = this.#session.turns.watch(threadId, (turnId, event) => {
      // Late events of a turn that has ended are no new turn.
      if (child.turns.has(turnId) || !/^(turn|item)\/started$/.test(event.method)) return undefined;
      if (this.#turnCount >= maxTurns) return undefined;
      this.#turnCount += 1;
      const turn = new SubagentTurn(this, child, turnId);
      child.turns.set(turnId, turn);
      return turn;
    });
    this.#unwatch.push(unwatch);
  }
}

/** A turn of a sub-agent, as its events tell of it. */
class SubagentTurn implements TurnFollower {
  readonly #subagents: Subagents;
  readonly #child: Child;
  readonly #origin: EventOrigin;
  readonly #progress: TurnProgress;
  readonly #trace: TurnTrace | undefined;
  #gap: TurnGap | undefined;
  #isGapTold = true;

  constructor(subagents: Subagents, child: Child, turnId: string) {
    const { threadId, depth, parent } = child;
    this.#subagents = subagents;
    this.#child = child;
    this.#origin = { threadId, turnId, parentThreadId: parent.threadId, depth };
    this.#progress = new TurnProgress(threadId);
    this.#progress.state = { ...this.#progress.state, id: turnId };
    this.#trace = subagents.trace(child, turnId, () => this.state);
  }

  get state(): TurnState {
    return this.#progress.state;
  }

  get operation(): TracedTurn | undefined {
    return this.#trace?.operation;
  }

  /** What was missed is not read: of a sub-agent it is enough to know that something was. */
  dropped(): void {
    this.#gap ??= new TurnGap();
    this.#gap.reopen();
    this.#isGapTold = false;
  }

  restored(): Promise<void> {
    this.#tellGap();
    return Promise.resolve();
  }

  receive(message: NotificationMessage): void {
    const event = message as TurnEvent;
    this.#tellGap();
    if (this.#gap && !this.#gap.admits(event)) return;
    this.#progress.add(event);
    this.#trace?.observe(event);
    this.#subagents.observe(event, this.#child);
    this.#show(event);
    if (event.method === "turn/completed") this.lost();
  }

  lost(failure?: () => Error): void {
    this.#trace?.ended(this.state, failure);
    this.#subagents.unfollow(this.#origin, this);
  }

  #tellGap(): void {
    if (this.#isGapTold) return;
    this.#isGapTold = true;
    this.#show(gapEvent(this.state));
  }

  #show(event: TurnEvent): void {
    this.#subagents.show(withOrigin(event, this.#origin));
  }
}

function newChild(threadId: string, parent: Parent, caller: TurnCaller): Child {
  const unknown = { prompt: null, state: null, model: undefined };
  return { threadId, parent, depth: parent.depth + 1, caller, turns: new Map(), ...unknown };
}

type CollabCall = Extract<ThreadItem, { type: "collabAgentToolCall" }>;

function stateIn(states: unknown, threadId: string): CollabAgentState | undefined {
  if (!Object.hasOwn(Object(states) as object, threadId)) return undefined;
  return (states as Record<string, CollabAgentState>)[threadId];
}
