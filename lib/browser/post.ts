import { send, type RequestSettings } from "./send.js";
import { problemOf } from "./web-problem.js";

/**
 * Posts a value as JSON, and resolves with the JSON that comes back, or with nothing.
 *
 * @throws WebProblemError when the server refuses it.
 */
export async function post(
  url: string,
  body: unknown,
  settings: RequestSettings = {},
): Promise<unknown> {
  const response = await send(url, settings, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: settings.signal ?? null,
  });
  if (!response.ok) throw await problemOf(response);
  return response.status === 204 ? undefined : await response.json();
}
