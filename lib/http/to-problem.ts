import { isAppServerError, type AnyAppServerError } from "../app-server-errors.js";
import { refusalOfFramework } from "./framework-refusals.js";
import {
  cutOff,
  loginNeeded,
  problemsByCode,
  problemsByReason,
  timeLimit,
  unknownProblem,
  type ProblemKind,
} from "./problem-table.js";
import { MethodNotAllowedError, WebError } from "./web-errors.js";

/** The body of an HTTP answer that tells of a problem (RFC 9457), fit for the eyes of a user. */
export interface ProblemDetails {
  /** `"urn:codex-app-server-sdk:problem:"` and the code; behind it `":"` and the reason, if there is one. */
  readonly type: string;
  /** A sentence for users. */
  readonly title: string;
  /** The HTTP status. */
  readonly status: number;
  /** The error's `code`, as in docs/errors.md; `"UNKNOWN"` for what is no error of this library. */
  readonly code: string;
  /** Why a turn or a goal failed: one of the reasons in docs/web.md, `"other"` for any that is not listed there. */
  readonly reason?: string;
}

/** An HTTP answer that tells of a problem. */
export interface Problem {
  readonly status: number;
  /**
   * `content-type`, `cache-control`, `retry-after` (seconds) where a later attempt may succeed, and `allow` where
   * another method does.
   */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ProblemDetails;
}

/**
 * Says what to answer to a request that failed with `error`, which may be anything, also what a body parser of
 * Express, Fastify or Hono has thrown. The body has a sentence for users and the code; nothing of the error's own words, of paths, of stderr or of what was asked. Log the error itself.
 *
 * ```ts
 * const { status, headers, body } = toProblem(error);
 * response.writeHead(status, headers).end(JSON.stringify(body));
 * ```
 */
export function toProblem(error: unknown): Problem {
  const { kind, code, reason } = classify(error);
  const name = reason === undefined ? code : `${code}:${reason}`;
  const retryAfter = retryAfterOf(error) ?? kind.retryAfter;
  return {
    status: kind.status,
    headers: {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      ...(retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }),
      ...(error instanceof MethodNotAllowedError ? { allow: error.allow } : {}),
    },
    body: {
      type: `urn:codex-app-server-sdk:problem:${name}`,
      title: kind.title,
      status: kind.status,
      code,
      ...(reason === undefined ? {} : { reason }),
    },
  };
}

/** The same as a fetch `Response`, for handlers of the form `Request → Response`. */
export function toProblemResponse(error: unknown): Response {
  const { status, headers, body } = toProblem(error);
  return new Response(JSON.stringify(body), { status, headers });
}

interface Classified {
  readonly kind: ProblemKind;
  readonly code: string;
  readonly reason?: string;
}

function classify(error: unknown): Classified {
  if (error instanceof WebError) {
    const { status, code, title } = error;
    return { kind: { status, title, ...(status === 503 ? { retryAfter: 1 } : {}) }, code };
  }
  const refusal = refusalOfFramework(error);
  if (refusal) return classify(refusal);
  if (!isAppServerError(error)) {
    return { kind: isTimeout(error) ? timeLimit : unknownProblem, code: "UNKNOWN" };
  }
  const { code } = error;
  // Another copy of the package may have codes that this one does not know.
  const kind = Object.hasOwn(problemsByCode, code) ? problemsByCode[code] : unknownProblem;
  const failure = failureOf(error);
  if (failure) return { ...failure, code, kind: failure.kind ?? kind };
  if (code === "CONNECT_FAILED" && !error.retryable) return { kind: unknownProblem, code };
  // It may have been carried out: whether to repeat it is for a person to decide.
  if (code === "TRANSPORT_CLOSED" && error.sent) return { kind: cutOff, code };
  return { kind, code };
}

/** Why a turn failed, or the last turn of a goal. */
function failureOf(
  error: AnyAppServerError,
): { readonly kind: ProblemKind | undefined; readonly reason: string } | undefined {
  if (error.code !== "TURN_FAILED" && error.code !== "GOAL_FAILED") return undefined;
  // The server's own names; what is none that is known is not repeated.
  const reason = Object.hasOwn(problemsByReason, error.reason) ? error.reason : "other";
  return { kind: needsLogin(error) ? loginNeeded : problemsByReason[reason], reason };
}

/** The model provider has not accepted the login of whoever runs the application. */
function needsLogin(error: Extract<AnyAppServerError, { code: "TURN_FAILED" | "GOAL_FAILED" }>) {
  const { httpStatusCode } = error as { httpStatusCode?: unknown };
  return httpStatusCode === 401 || httpStatusCode === 403;
}

function retryAfterOf(error: unknown): number | undefined {
  if (!isAppServerError(error) || error.code !== "RESTART_LIMIT") return undefined;
  const seconds = Math.ceil(error.retryAfterMs / 1_000);
  return Number.isFinite(seconds) ? Math.max(1, seconds) : undefined;
}

/** The reason of `AbortSignal.timeout()`, of whatever realm. */
function isTimeout(error: unknown): boolean {
  return typeof error === "object" && error !== null && "name" in error
    ? error.name === "TimeoutError"
    : false;
}
