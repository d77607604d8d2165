import type { ServerResponse } from "node:http";
import { toProblem } from "./to-problem.js";

/** Answers a request of Node that failed. A response that has begun can only be broken off. */
export function writeProblem(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { status, headers, body } = toProblem(error);
  response.writeHead(status, headers).end(JSON.stringify(body));
}
