import type { JsonObject, JsonValue } from "../json.js";
import { eventsPart, type HttpReply, type ReplyPart } from "./reply.js";

/**
 * The model reports a failure in its stream. Codes that the server knows: `server_error`,
 * `rate_limit_exceeded`, `context_length_exceeded`, `insufficient_quota`, `server_is_overloaded`,
 * `bio_policy`, `cyber_policy`, `invalid_prompt`; others are allowed.
 */
export function failed(code: string, message = `The model failed: ${code}`): ReplyPart {
  const failure = eventsPart((makeId) => [
    {
      type: "response.failed",
      response: { id: makeId("resp"), status: "failed", error: { code, message } },
    },
  ]);
  return { steps: (makeId) => [...failure.steps(makeId), { do: "stop", how: "end" }] };
}

/** The model stops before it is done, by its own account. */
export function incomplete(reason = "max_output_tokens"): ReplyPart {
  const ending = eventsPart((makeId) => [
    {
      type: "response.incomplete",
      response: { id: makeId("resp"), status: "incomplete", incomplete_details: { reason } },
    },
  ]);
  return { steps: (makeId) => [...ending.steps(makeId), { do: "stop", how: "end" }] };
}

/** Cuts the connection. */
export function drop(): ReplyPart {
  return { steps: () => [{ do: "stop", how: "drop" }] };
}

/** Never ends and never says anything more, until the server or the model server closes. */
export function hang(): ReplyPart {
  return { steps: () => [{ do: "stop", how: "hang" }] };
}

/** Ends the stream properly but without the event that completes the response. */
export function endEarly(): ReplyPart {
  return { steps: () => [{ do: "stop", how: "end" }] };
}

/** A plain HTTP answer instead of a stream, such as `http(401)` or `http(400, "bad request")`. */
export function http(
  status: number,
  body: JsonValue = { error: { message: `HTTP ${status}` } },
  headers: Readonly<Record<string, string>> = {},
): HttpReply {
  return { status, body, headers };
}

export interface UsageLimitOptions {
  /** Default: `"plus"`. */
  readonly planType?: string;
  /** When the limit ends, in Unix seconds. Default: left out. */
  readonly resetsAt?: number;
}

/** HTTP 429: the account's usage limit is reached. */
export function usageLimit(options: UsageLimitOptions = {}): HttpReply {
  const error: JsonObject = {
    type: "usage_limit_reached",
    message: "The usage limit has been reached",
    plan_type: options.planType ?? "plus",
    resets_at: options.resetsAt,
  };
  return http(429, { error });
}

/** HTTP 503: the model is overloaded. */
export function overloaded(): HttpReply {
  return http(503, { error: { code: "server_is_overloaded", message: "Overloaded" } });
}

/** HTTP 404: there is no such model. */
export function modelNotFound(): HttpReply {
  return http(404, { error: { code: "model_not_found", message: "The model does not exist" } });
}
