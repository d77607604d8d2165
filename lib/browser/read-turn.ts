import type { TurnPart } from "../parts/turn-part.js";
import { pause } from "./pause.js";
import { readEvents } from "./read-events.js";
import { send, type RequestSettings } from "./send.js";
import { problemOf, WebProblemError } from "./web-problem.js";

export interface ReadTurnOptions extends RequestSettings {
  /** The id of the last event that is there already (default: none): see `TurnReading.lastEventId`. */
  readonly lastEventId?: string | undefined;
  /**
   * After how long without a sign of life the connection counts as lost (ms; default 45 s). The server gives one
   * every 15 s, unless it is told otherwise.
   */
  readonly silenceMs?: number | undefined;
  /** Told of each loss of the connection: how many there were since the last part that came. */
  readonly onReconnect?: ((losses: number) => void) | undefined;
}

/** One reading of a turn, for one `for await`. */
export interface TurnReading extends AsyncGenerator<TurnPart, undefined> {
  /** The id of the last event that came; `""` before the first. */
  readonly lastEventId: string;
}

/**
 * Reads a turn as its parts, up to the last one, `end`. A connection that is lost is made anew, with growing
 * pauses, and goes on behind the last part: none is missing, and none comes twice.
 *
 * ```ts
 * for await (const part of readTurn("/turns/abc/events")) show(part);
 * ```
 *
 * @throws WebProblemError when the server refuses: 404 when the stream does not exist (any more), or is
 * somebody else's; 401, 403. `signal.reason` when the signal aborts.
 */
export function readTurn(url: string, options: ReadTurnOptions = {}): TurnReading {
  const place: Place = { lastEventId: options.lastEventId ?? "", retryMs: 1_000 };
  const reading = read(url, options, place);
  return Object.defineProperty(reading, "lastEventId", {
    get: () => place.lastEventId,
  }) as TurnReading;
}

/** How far the reading has come. */
interface Place {
  lastEventId: string;
  /** How long to wait before the first attempt to connect anew (ms). */
  retryMs: number;
}

const maxPauseMs = 30_000;

async function* read(
  url: string,
  options: ReadTurnOptions,
  place: Place,
): AsyncGenerator<TurnPart, undefined> {
  const { signal = new AbortController().signal, onReconnect } = options;
  for (let losses = 1; ; losses += 1) {
    const before = place.lastEventId;
    let pauseMs = 0;
    try {
      signal.throwIfAborted();
      const outcome = yield* readOnce(url, options, place);
      if (outcome === "over") return;
      pauseMs = outcome;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof WebProblemError) throw error;
    }
    if (place.lastEventId !== before) losses = 1;
    onReconnect?.(losses);
    // Partly by chance: the clients of a server that was restarted must not come all at once.
    const growing = Math.min(place.retryMs * 2 ** (losses - 1), maxPauseMs);
    await pause(Math.max(pauseMs, growing * (0.5 + Math.random() / 2)), signal);
  }
}

/**
 * Reads what one connection brings. Returns how long the server wants to be left alone (ms), or that nothing
 * more comes.
 */
async function* readOnce(
  url: string,
  { signal, silenceMs = 45_000, ...settings }: ReadTurnOptions,
  place: Place,
): AsyncGenerator<TurnPart, "over" | number> {
  const connection = new AbortController();
  const leave = (): void => {
    connection.abort();
  };
  let silence: ReturnType<typeof setTimeout> | undefined;
  const heard = (): void => {
    clearTimeout(silence);
    silence = setTimeout(leave, silenceMs);
  };
  signal?.addEventListener("abort", leave);
  try {
    heard();
    const own: Record<string, string> = { accept: "text/event-stream" };
    if (place.lastEventId) own["last-event-id"] = place.lastEventId;
    const init = { headers: own, cache: "no-store", signal: connection.signal } as const;
    const response = await send(url, settings, init);
    const { status, body, headers } = response;
    if (status === 204) return "over";
    if (status >= 500 || status === 408 || status === 429) {
      return 1_000 * Number(headers.get("retry-after")) || 0;
    }
    const isStream = headers.get("content-type")?.startsWith("text/event-stream");
    if (!isStream || !body) throw await problemOf(response);
    for await (const { id, data, retry } of readEvents(body)) {
      heard();
      if (retry) place.retryMs = Number(retry) || place.retryMs;
      if (data === undefined) continue;
      const part = JSON.parse(data) as TurnPart;
      place.lastEventId = id ?? place.lastEventId;
      // Only the connection may be silent; the reader takes its time.
      clearTimeout(silence);
      yield part;
      if (part.type === "end" && !part.origin) return "over";
      heard();
    }
    return 0;
  } finally {
    clearTimeout(silence);
    signal?.removeEventListener("abort", leave);
    leave();
  }
}
