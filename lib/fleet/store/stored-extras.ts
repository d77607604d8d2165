import type { LogEntry } from "../../http/streams/log-entry.js";

/** What an entry of a log has beside its event, as text; empty when that is nothing. */
export function toExtras({ ends, lost }: LogEntry): string {
  if (!ends && !lost) return "";
  return JSON.stringify({ ends, lost: lost && [...lost] });
}

export function fromExtras(extras: string): Pick<LogEntry, "ends" | "lost"> {
  if (extras === "") return {};
  const { ends, lost } = JSON.parse(extras) as { ends?: number[]; lost?: [string, number][] };
  return { ...(ends && { ends }), ...(lost && { lost: new Map(lost) }) };
}
