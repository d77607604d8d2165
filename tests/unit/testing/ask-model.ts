import type { JsonObject, LoopbackModel, ModelEvent } from "../../../lib/testing/index.js";

export interface Asking {
  readonly headers?: Record<string, string>;
  readonly body?: JsonObject;
  readonly signal?: AbortSignal;
}

/** Asks the model as the server would, without a server. */
export function ask(model: LoopbackModel, asking: Asking = {}): Promise<Response> {
  return fetch(`${model.url}/responses`, {
    method: "POST",
    headers: { "content-type": "application/json", ...asking.headers },
    body: JSON.stringify(asking.body ?? {}),
    ...(asking.signal ? { signal: asking.signal } : {}),
  });
}

/** The events of a streamed answer, read to its end. */
export async function eventsOf(response: Response): Promise<ModelEvent[]> {
  const blocks = (await response.text()).split("\n\n").filter((block) => block !== "");
  return blocks.map((block) => {
    const [name, data] = block.split("\n");
    const event = JSON.parse(data?.replace(/^data: /u, "") ?? "") as ModelEvent;
    if (name !== `event: ${event.type}`) throw new Error(`bad block: ${block}`);
    return event;
  });
}

/** The text that the deltas of an answer join to. */
export async function deltasOf(response: Response): Promise<string[]> {
  return textDeltas(await eventsOf(response));
}

export function textDeltas(events: readonly ModelEvent[]): string[] {
  return events.flatMap(({ type, delta }) =>
    type === "response.output_text.delta" && typeof delta === "string" ? [delta] : [],
  );
}
