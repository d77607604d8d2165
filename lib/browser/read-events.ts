/** An event of a stream of server-sent events, or what it says of itself between them. */
export interface SseEvent {
  /** Undefined when only `retry` was told, or a comment came. */
  data?: string | undefined;
  type?: string | undefined;
  id?: string | undefined;
  /** Milliseconds. */
  retry?: string | undefined;
}

/** Reads server-sent events. Everything that ends with a blank line is told, comments included. */
export async function* readEvents(
  body: AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>,
): AsyncGenerator<SseEvent, undefined> {
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let event: SseEvent = {};
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      // Only what is new is searched, so that a long line costs no more than its length.
      const lines = decoder.decode(value, { stream: true }).split("\n");
      lines[0] = rest + (lines[0] ?? "");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const [, name, text] = /^([^:]*):? ?(.*?)\r?$/s.exec(line) ?? [];
        if (line === "" || line === "\r") {
          yield event;
          event = {};
        } else if (name === "data") {
          event.data = event.data === undefined ? text : `${event.data}\n${text ?? ""}`;
        } else if (name === "event") event.type = text;
        else if (name === "id" || name === "retry") event[name] = text;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
