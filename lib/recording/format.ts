/**
 * A recording is lines of JSON. Each connection begins with a head; then come its messages, in the order in
 * which they were read and written; last, how the server ended, when it was not the client that closed.
 */
export interface RecordingHead {
  /** The version of this format. */
  readonly recording: 1;
  /** The release of the server; `null` when it had not answered the handshake. */
  readonly server: string | null;
  /** The version of this package; `null` where something else has recorded. */
  readonly sdk: string | null;
  /** When the connection began, as ISO 8601 in UTC. */
  readonly date: string;
}

/** `"out"`: from the client to the server; `"in"`: from the server to the client. */
export type RecordedMessage =
  | { readonly dir: "in" | "out"; readonly message: Readonly<Record<string, unknown>> }
  /** A line that was no message. */
  | { readonly dir: "in" | "out"; readonly text: string };

export interface RecordedEnd {
  readonly end: { readonly exitCode: number | null; readonly signal: string | null };
}

export type RecordingLine = RecordingHead | RecordedMessage | RecordedEnd;

/** One connection of a recording. */
export interface RecordedConnection {
  readonly head: RecordingHead;
  /** Each with its number in the file, from 1. */
  readonly messages: readonly (RecordedMessage & { readonly line: number })[];
  /** Undefined when the client closed the connection, or the recording stops before its end. */
  readonly end: RecordedEnd["end"] | undefined;
}

/** Reads a whole recording. @throws Error which names the line that does not belong in one. */
export function parseRecording(text: string): RecordedConnection[] {
  const connections: {
    head: RecordingHead;
    messages: (RecordedMessage & { line: number })[];
    end: RecordedEnd["end"] | undefined;
  }[] = [];
  for (const [index, source] of text.split("\n").entries()) {
    if (source === "") continue;
    const line = parseLine(source, index + 1);
    const current = connections.at(-1);
    if ("recording" in line) connections.push({ head: line, messages: [], end: undefined });
    else if (!current) throw notARecording(1, "has no head");
    else if ("end" in line) current.end = line.end;
    else current.messages.push({ ...line, line: index + 1 });
  }
  return connections;
}

function parseLine(source: string, number: number): RecordingLine {
  let line:
    | (Partial<Omit<RecordingHead, "recording"> & RecordedEnd & { dir: string }> & {
        recording?: unknown;
      })
    | null;
  try {
    line = JSON.parse(source) as typeof line;
  } catch {
    throw notARecording(number, "is not JSON");
  }
  if (typeof line?.recording === "number" && line.recording !== 1) {
    throw notARecording(number, `is of version ${line.recording} of the format`);
  }
  const isKnown = line?.recording === 1 || line?.end || line?.dir === "in" || line?.dir === "out";
  if (!isKnown) throw notARecording(number, "is no part of a recording");
  return line as RecordingLine;
}

function notARecording(number: number, problem: string): Error {
  return new Error(`The recording cannot be read: line ${number} ${problem}.`);
}
