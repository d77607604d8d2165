import { describeAffected, mergeAffected } from "./describe-affected.js";
import { describeChanges } from "./describe-change.js";
import type { AffectedByChange } from "./find-affected.js";
import { groupAlike } from "./group-alike.js";
import type { ProtocolChange, ProtocolChanges } from "./protocol-changes.js";
import { bullet } from "./wrap-text.js";

/** What is said when two releases have the same protocol. */
export const unchanged = "The protocol did not change.";

const headings = [
  "Breaking",
  "Requests",
  "Notifications",
  "Server requests",
  "Types and fields",
  "Values",
] as const;

/**
 * The changes for people: Markdown that reads well in a terminal, too, with one bullet for each change, or
 * for those that are alike. What breaks comes first. The text ends without a line feed.
 */
export function renderChanges(
  { before, after, changes, notes }: ProtocolChanges,
  affected: AffectedByChange,
): string {
  if (changes.length === 0) return [unchanged, ...renderNotes(after, notes)].join("\n\n");
  const breaking = changes.filter((change) => change.breaking).length;
  const total = `${changes.length} ${changes.length === 1 ? "change" : "changes"}`;
  const count = breaking === 0 ? "none is breaking" : `${breaking} breaking`;
  const blocks = [`The protocol from codex ${before} to ${after}: ${total}, ${count}.`];
  for (const heading of headings) {
    const groups = groupAlike(changes.filter((change) => headingOf(change) === heading));
    if (groups.length === 0) continue;
    const bullets = groups.map((group) => {
      const touched = mergeAffected(group.map(({ id }) => affected.get(id)));
      return bullet(`${describeChanges(group)}${touched ? ` ${describeAffected(touched)}` : ""}`);
    });
    blocks.push(`#### ${heading}`, bullets.join("\n"));
  }
  return [...blocks, ...renderNotes(after, notes)].join("\n\n");
}

function headingOf(change: ProtocolChange): (typeof headings)[number] {
  if (change.breaking) return "Breaking";
  if (change.kind === "value") return "Values";
  if (change.kind !== "method") return "Types and fields";
  switch (change.messageKind) {
    case "clientRequests":
      return "Requests";
    case "serverRequests":
      return "Server requests";
    default:
      return "Notifications";
  }
}

/** Of the older release nothing new is to be learnt. */
function renderNotes(after: string, notes: readonly string[]): string[] {
  const own = notes.filter((note) => note.startsWith(`${after}: `));
  if (own.length === 0) return [];
  const bullets = own.map((note) => bullet(`${note.slice(after.length + 2)}.`));
  return ["#### Not known for certain", bullets.join("\n")];
}
