/** The two kinds of handlers that AWS Lambda knows. Both take `{ input, thread? }` as JSON. */
import { pipeline } from "node:stream/promises";
import { TurnView } from "codex-app-server-sdk/browser";
import {
  BadRequestError,
  toProblem,
  UnauthorizedError,
  type TurnPart,
} from "codex-app-server-sdk/http";
import type { FunctionAnswer, FunctionContext, FunctionEvent } from "./platform.ts";
import { beginTurn, type BegunTurn, type Question } from "./turns.ts";

/** The answer as a whole. One that the time was too short for has `status` "failed", and what there is. */
export async function handler(
  event: FunctionEvent,
  context: FunctionContext,
): Promise<FunctionAnswer> {
  try {
    const { thread, parts } = await begin(event, context);
    let view = TurnView.empty;
    for await (const part of parts) view = TurnView.apply(view, part);
    const messages = view.entries.flatMap((entry) => (entry.type === "message" ? entry.text : []));
    const { status, error } = view.end ?? { status: "lost" };
    return {
      statusCode: 200,
      headers: { "content-type": "application/json", "cache-control": "no-store" },
      body: JSON.stringify({ thread, status, error, answer: messages.join("\n\n") }),
    };
  } catch (error) {
    return problemOf(error);
  }
}

/** The answer as server-sent events: the thread, then the parts of the turn as they come. */
export const stream = globalThis.awslambda?.streamifyResponse(async (event, response, context) => {
  try {
    const turn = await begin(event, context);
    const headers = { "content-type": "text/event-stream", "cache-control": "no-store" };
    const body = awslambda.HttpResponseStream.from(response, { statusCode: 200, headers });
    await pipeline(eventsOf(turn), body);
  } catch (error) {
    if (response.destroyed || response.writableEnded) return;
    const { body, ...head } = problemOf(error);
    awslambda.HttpResponseStream.from(response, head).end(body);
  }
});

async function* eventsOf({ thread, parts }: BegunTurn): AsyncGenerator<string> {
  const frame = (data: TurnPart | { type: "thread"; thread: string }) =>
    `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
  yield frame({ type: "thread", thread });
  for await (const part of parts) yield frame(part);
}

function begin(event: FunctionEvent, context: FunctionContext): Promise<BegunTurn> {
  const user = event.requestContext.authorizer?.jwt?.claims.sub;
  if (!user) throw new UnauthorizedError();
  return beginTurn(user, questionOf(event), context.getRemainingTimeInMillis());
}

function questionOf({ body = "", isBase64Encoded }: FunctionEvent): Question {
  const { input, thread } = parse(isBase64Encoded ? Buffer.from(body, "base64").toString() : body);
  if (typeof input !== "string" || input.trim() === "") {
    throw new BadRequestError("The body needs an input.");
  }
  if (thread !== undefined && typeof thread !== "string") {
    throw new BadRequestError("The thread must be that of an earlier answer.");
  }
  return { input, thread };
}

function parse(body: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(body)) as Record<string, unknown>;
  } catch {
    throw new BadRequestError("The body is not JSON.");
  }
}

function problemOf(error: unknown): FunctionAnswer {
  const { status, headers, body } = toProblem(error);
  if (status >= 500) console.error(error);
  return { statusCode: status, headers, body: JSON.stringify(body) };
}
