import type { ServerResponse } from "node:http";
import { isAppServerError } from "../errors/base.js";
import { WebError } from "./web-errors.js";

/** What a browser is told of an error, as `application/problem+json`. */
export interface WebProblem {
  readonly status: number;
  readonly code: string;
  readonly title: string;
}

/** Nothing of what an error says goes out, unless it was written for users. */
export function problemOf(error: unknown): WebProblem {
  if (error instanceof WebError) {
    const { status, code, title } = error;
    return { status, code, title };
  }
  const code = isAppServerError(error) ? error.code : "INTERNAL_ERROR";
  return { status: 500, code, title: "Something went wrong. Please try again." };
}

const headers = { "content-type": "application/problem+json", "cache-control": "no-store" };

/** A fetch response that tells of an error. */
export function problemResponse(error: unknown): Response {
  const problem = problemOf(error);
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}

/** The same for Node. What has begun can only be broken off. */
export function writeProblem(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const problem = problemOf(error);
  response.writeHead(problem.status, headers).end(JSON.stringify(problem));
}
