import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { TurnEvent } from "../../lib/protocol.js";
import { parseRecording } from "../../lib/recording/format.js";
import type { ReceivedMessage } from "../../lib/testing/index.js";
import type { NotificationMessage } from "../../lib/jsonrpc/message.js";
import { threadIdOf, turnIdOf } from "../../lib/messages/message-ids.js";

const directory = path.join(import.meta.dirname, "../fixtures/transcripts");

export interface RecordedLine {
  readonly dir: "in" | "out";
  readonly message: ReceivedMessage;
}

/** One turn of a transcript: what the server told about it, up to and including its end. */
export interface RecordedTurn {
  readonly threadId: string;
  readonly turnId: string;
  readonly events: readonly TurnEvent[];
}

export function transcriptNames(): string[] {
  const files = readdirSync(directory).filter((name) => name.endsWith(".jsonl"));
  return files.map((name) => path.basename(name, ".jsonl"));
}

/** The file of a transcript: a recording, as the option `record` makes them. */
export function transcriptFile(name: string): string {
  return path.join(directory, `${name}.jsonl`);
}

/** The messages of a transcript in both directions, in order. */
export function recordedMessages(name: string): RecordedLine[] {
  const [connection] = parseRecording(readFileSync(transcriptFile(name), "utf8"));
  return (connection?.messages ?? []).flatMap((each) =>
    "message" in each ? [{ dir: each.dir, message: each.message }] : [],
  );
}

/** The server's notifications of a transcript, in order. */
export function recordedNotifications(name: string): NotificationMessage[] {
  return recordedMessages(name).flatMap(({ dir, message }) => {
    const isNotification = dir === "in" && message.method !== undefined && !("id" in message);
    return isNotification ? [message as unknown as NotificationMessage] : [];
  });
}

/** The turns of a transcript that ended in it, in the order in which they were first heard of. */
export function recordedTurns(name: string): RecordedTurn[] {
  const turns = new Map<string, { threadId: string; turnId: string; events: TurnEvent[] }>();
  const ended = new Set<string>();
  for (const message of recordedNotifications(name)) {
    const [threadId, turnId] = [threadIdOf(message), turnIdOf(message)];
    if (threadId === undefined || turnId === undefined) continue;
    const key = `${threadId} ${turnId}`;
    if (ended.has(key)) continue;
    const turn = turns.get(key) ?? { threadId, turnId, events: [] };
    turns.set(key, turn);
    turn.events.push(message as TurnEvent);
    if (message.method === "turn/completed") ended.add(key);
  }
  return [...turns].flatMap(([key, turn]) => (ended.has(key) ? [turn] : []));
}
