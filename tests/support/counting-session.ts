import type { AppServerClient } from "../../lib/client.js";
import type { RateLimitsHolder } from "../../lib/session/rate-limits-holder.js";
import type { GetSession, Session } from "../../lib/session/session.js";

interface CountingSession {
  readonly session: Session;
  readonly getSession: GetSession;
  /** How many listeners its user has on it at this moment. */
  readonly listeners: () => number;
}

/** The session of a client, which counts the listeners that its user has on it. */
export function countingSession(client: AppServerClient): CountingSession {
  let count = 0;
  const counted = (stop: () => void): (() => void) => {
    count += 1;
    let stopped = false;
    return () => {
      if (!stopped) count -= 1;
      stopped = true;
      stop();
    };
  };
  const real = client.session;
  const rateLimits = withMembers(real.rateLimits, {
    onChange: (...args) => counted(real.rateLimits.onChange(...args)),
  } satisfies Partial<RateLimitsHolder>);
  const session = withMembers(real, {
    on: (...args) => counted(real.on(...args)),
    get rateLimits() {
      return rateLimits;
    },
  } satisfies Partial<Session>);
  return { session, getSession: () => Promise.resolve(session), listeners: () => count };
}

/** `real`, some of whose members are replaced for whoever looks from outside. */
function withMembers<T extends object>(real: T, members: Partial<T>): T {
  return new Proxy(real, {
    get(_, key) {
      if (key in members) return Reflect.get(members, key) as unknown;
      const value = Reflect.get(real, key) as unknown;
      return typeof value === "function" ? (value.bind(real) as unknown) : value;
    },
  });
}
