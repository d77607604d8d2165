import type { TurnEvent } from "../../lib/protocol.js";
import { threadIdOf, turnIdOf } from "../../lib/messages/message-ids.js";
import type { NotificationMessage } from "../../lib/jsonrpc/message.js";
import type { EventOrigin } from "../../lib/turns/subagents.js";
import { recordedMessages } from "./transcripts.js";

export type EventWithOrigin = TurnEvent & { readonly origin: EventOrigin };

/** A turn of a transcript as `turn.stream({ subagents: true })` would have shown it. */
export interface RecordedStream {
  readonly threadId: string;
  readonly turnId: string;
  readonly events: readonly EventWithOrigin[];
}

interface Stream {
  readonly origin: EventOrigin;
  readonly events: EventWithOrigin[];
  isOver: boolean;
}

interface Incoming {
  readonly method: string;
  readonly id?: string | number;
  readonly params: Readonly<Record<string, unknown>>;
}

/**
 * The streams of the turns of a transcript, in the order in which they were first heard of. Requests of the
 * server are among the events, with keys that are made of their ids; those of sub-agents stand in the stream
 * of the turn that has started them.
 */
export function recordedStreams(name: string): RecordedStream[] {
  const streams = new Map<string, Stream>();
  const requests = new Map<unknown, Stream>();
  const parents = new Map<string, EventOrigin>();
  for (const { dir, message } of recordedMessages(name)) {
    if (dir !== "in" || message.method === undefined) continue;
    const { method, id, params } = message as unknown as Incoming;
    const stream = method === "serverRequest/resolved" ? requests.get(params["requestId"]) : find();
    if (!stream || stream.isOver) continue;
    if (id !== undefined) requests.set(id, stream);
    for (const child of childrenIn(params)) parents.set(child, stream.origin);
    const asked = id === undefined ? {} : { requestId: id, key: `request-${id}` };
    stream.events.push({ method, params, ...asked, origin: stream.origin } as never);
    if (method === "turn/completed") {
      stream.isOver = true;
      if (stream.origin.depth === 0) endChildren(stream);
    }

    function find(): Stream | undefined {
      const notification = { method, params } as NotificationMessage;
      const [threadId, turnId] = [threadIdOf(notification), turnIdOf(notification)];
      if (threadId === undefined || turnId === undefined) return undefined;
      const key = `${threadId} ${turnId}`;
      const known = streams.get(key);
      if (known) return known;
      const parent = parents.get(threadId);
      const root = parent && streams.get(`${parent.threadId} ${parent.turnId}`);
      const origin: EventOrigin = {
        threadId,
        turnId,
        parentThreadId: parent?.threadId ?? null,
        depth: parent ? parent.depth + 1 : 0,
      };
      const made = { origin, events: root?.events ?? [], isOver: root?.isOver ?? false };
      streams.set(key, made);
      return made;
    }
  }

  function endChildren(root: Stream): void {
    for (const stream of streams.values()) if (stream.events === root.events) stream.isOver = true;
  }

  return [...streams.values()].flatMap(({ origin, events }) =>
    origin.depth === 0 && events.at(-1)?.method === "turn/completed" ? [{ ...origin, events }] : [],
  );
}

/** The sub-agents that an item names. */
function childrenIn({ item }: Incoming["params"]): readonly string[] {
  const { receiverThreadIds = [] } = (item ?? {}) as { receiverThreadIds?: readonly string[] };
  return receiverThreadIds;
}
