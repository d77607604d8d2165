import type { Codex, CodexStatus } from "../index.js";
import type { TurnStreams } from "./turn-streams.js";

/** What a health check answers. */
export interface Health {
  /** 200: send requests; 503: send them to another instance. */
  readonly status: 200 | 503;
  readonly body: HealthBody;
}

export interface HealthBody {
  /** `"ok"`, or why requests should go elsewhere. */
  readonly health: "ok" | "draining" | "closed" | "lost";
  /** The state of the app-server: see `codex.currentStatus`. */
  readonly state: CodexStatus["state"];
  /** How many turns run or wait. */
  readonly runningTurns: number;
}

/**
 * Says whether an instance of an application should get requests. It reads what the `Codex` knows: it starts nothing,
 * sends nothing, and answers at once.
 *
 * Only what no request could change is 503: `draining`, `closed`, and `lost` with `restart: false`. In every other state the next request heals what
 * is wrong, by starting the server or by waiting for it, and fails by itself, with a 503 of its own, if that does not
 * help. An instance that called itself ill until its server is back would get no request, and so would never start one.
 *
 * @param streams those of the instance, if it has any: once they are closing, it is `draining`, too.
 */
export function health(
  codex: Pick<Codex, "currentStatus" | "runningTurns">,
  streams?: Pick<TurnStreams, "isClosing">,
): Health {
  const { currentStatus, runningTurns } = codex;
  const known = unhealthy(currentStatus);
  const why = known === "ok" && streams?.isClosing ? "draining" : known;
  return {
    status: why === "ok" ? 200 : 503,
    body: { health: why, state: currentStatus.state, runningTurns: runningTurns.length },
  };
}

/** The same as a fetch `Response`, for handlers of the form `Request → Response`. */
export function healthResponse(
  codex: Pick<Codex, "currentStatus" | "runningTurns">,
  streams?: Pick<TurnStreams, "isClosing">,
): Response {
  const { status, body } = health(codex, streams);
  return Response.json(body, { status, headers: { "cache-control": "no-store" } });
}

function unhealthy(status: CodexStatus): HealthBody["health"] {
  switch (status.state) {
    case "draining":
    case "closed":
      return status.state;
    case "lost":
      return status.mayRestart ? "ok" : "lost";
    default:
      return "ok";
  }
}
