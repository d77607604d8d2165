import type { PartOrigin } from "../../parts/part-types.js";
import type { TurnPart } from "../../parts/turn-part.js";
import { sizeOf, type LogEntry } from "./log-entry.js";

/** How long merged text may become (characters): what is dropped later, is dropped in such pieces. */
const maxMergedLength = 16_384;

/** What is dropped first, when merging is not enough. */
const dropOrder: readonly (ReadonlySet<string> | undefined)[] = [
  new Set(["tool-output"]),
  new Set(["reasoning-delta"]),
  new Set(["message-delta"]),
  undefined,
];
/** Without these, nobody could tell whose events they are, and that they are over. */
const kept: ReadonlySet<string> = new Set(["start", "end", "gap"]);

const deltas: ReadonlySet<string> = new Set(["message-delta", "reasoning-delta", "tool-output"]);

/**
 * The entries of a stream, made to fit into `maxBytes`. First goes what a later part replaces: an older plan,
 * diff or usage, the text of a message that was taken back, the output that its call's end brings whole. Then
 * the adjacent deltas of one message or call become one entry. A reader misses nothing of either. When that is
 * not enough, the oldest deltas go, those of tool output before all others, and a `gap` in the place of the
 * last of them names what is missing.
 */
export function shrinkLog(entries: readonly LogEntry[], maxBytes: number): LogEntry[] {
  const merged = mergeDeltas(withoutSuperseded(entries.map(opened)));
  const bytes = merged.reduce((sum, { entry }) => sum + sizeOf(entry), 0);
  const fitting = bytes <= maxBytes ? merged : dropOldest(merged, bytes - maxBytes);
  return fitting.map(({ entry }) => entry);
}

interface Opened {
  readonly entry: LogEntry;
  readonly part: Loose;
  /** Whose part it is: the turn's own, or that of a sub-agent. */
  readonly agent: string;
}

/** A part of whatever type: newer ones pass through. */
interface Loose {
  readonly type: string;
  readonly id?: string;
  readonly delta?: string;
  readonly section?: number;
  readonly raw?: boolean;
  readonly output?: string;
  readonly origin?: PartOrigin;
}

function opened(entry: LogEntry): Opened {
  const part = JSON.parse(entry.data) as Loose;
  const { origin } = part;
  return { entry, part, agent: origin ? `${origin.threadId} ${origin.turnId}` : "" };
}

function withoutSuperseded(all: readonly Opened[]): Opened[] {
  const replaced = new Set<string>();
  const left: Opened[] = [];
  for (const each of all.toReversed()) {
    const { part, agent } = each;
    const key = (what: string): string => `${what} ${agent} ${part.id ?? ""}`;
    if (replaced.has(key(part.type))) continue;
    for (const what of replacedBy(part)) replaced.add(key(what));
    left.push(each);
  }
  return left.reverse();
}

/** The types of older parts of the same id that nobody needs beside this one. */
function replacedBy({ type, output }: Loose): readonly string[] {
  switch (type) {
    case "plan":
    case "diff":
    case "usage":
    case "tool-progress":
    case "tool-update":
      return [type];
    case "message-reset":
      return ["message-delta"];
    case "tool-end":
      return ["tool-update", "tool-progress", ...(output === undefined ? [] : ["tool-output"])];
    default:
      return [];
  }
}

function mergeDeltas(all: readonly Opened[]): Opened[] {
  const merged: Opened[] = [];
  let run: Opened[] = [];
  let length = 0;
  const close = (): void => {
    const [first] = run;
    if (first) merged.push(run.length === 1 ? first : joined(first, run));
    run = [];
    length = 0;
  };
  for (const each of all) {
    const size = each.part.delta?.length ?? 0;
    const [first] = run;
    if (first && !(isSameText(first, each) && length + size <= maxMergedLength)) close();
    run.push(each);
    length += size;
  }
  close();
  return merged;
}

function isSameText(one: Opened, other: Opened): boolean {
  return (
    deltas.has(one.part.type) &&
    one.part.type === other.part.type &&
    one.part.id === other.part.id &&
    one.part.section === other.part.section &&
    one.part.raw === other.part.raw &&
    one.agent === other.agent
  );
}

function joined(first: Opened, run: readonly Opened[]): Opened {
  const ends: number[] = [];
  let length = 0;
  for (const { entry, part } of run) {
    const own = entry.ends ?? [entry.seq, part.delta?.length ?? 0];
    for (let index = 0; index < own.length; index += 2) {
      ends.push(own[index] ?? 0, length + (own[index + 1] ?? 0));
    }
    length += part.delta?.length ?? 0;
  }
  const part = { ...first.part, delta: run.map((each) => each.part.delta ?? "").join("") };
  const { seq } = run.at(-1)?.entry ?? first.entry;
  const entry = { seq, type: part.type, data: JSON.stringify(part), ends };
  return { entry, part, agent: first.agent };
}

function dropOldest(all: readonly Opened[], excess: number): Opened[] {
  const dropped = new Set<Opened>();
  // The newest event stays, however large: its readers are mostly there.
  const candidates = all.slice(0, -1).filter(({ part }) => !kept.has(part.type));
  let left = excess;
  for (const types of dropOrder) {
    for (const each of candidates) {
      if (left <= 0) break;
      if (dropped.has(each) || (types && !types.has(each.part.type))) continue;
      dropped.add(each);
      left -= sizeOf(each.entry);
    }
  }
  return withGaps(all, dropped);
}

/** Puts a gap where the last of the dropped events was, for each agent; older gaps become a part of it. */
function withGaps(all: readonly Opened[], dropped: ReadonlySet<Opened>): Opened[] {
  const lostBy = new Map<string, Map<string, number>>();
  const placeOf = new Map<string, Opened>();
  for (const each of all) {
    const { entry, part, agent } = each;
    if (!dropped.has(each) && !entry.lost) continue;
    const lost = lostBy.get(agent) ?? new Map<string, number>();
    lostBy.set(agent, lost);
    for (const [id, seq] of entry.lost ?? [[part.id ?? "", entry.seq] as const]) lost.set(id, seq);
    placeOf.set(agent, each);
  }
  return all.flatMap((each) => {
    const { entry, part, agent } = each;
    if (!dropped.has(each) && !entry.lost) return [each];
    const lost = lostBy.get(agent);
    if (!lost || placeOf.get(agent) !== each) return [];
    const gap = gapPart([...lost.keys()], part.origin);
    const data = JSON.stringify(gap);
    return [{ entry: { seq: entry.seq, type: gap.type, data, lost }, part: gap, agent }];
  });
}

function gapPart(ids: readonly string[], origin: PartOrigin | undefined): TurnPart & Loose {
  const own = origin ? { origin } : {};
  return { type: "gap", ids: ids.filter((id) => id !== ""), ...own };
}
