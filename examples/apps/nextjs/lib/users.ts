/** Stands for your sessions: whoever brings the token of a user is that user. */
import { randomBytes } from "node:crypto";

// Next loads this file once for each route, and anew after each change.
const held = globalThis as { users?: ReadonlyMap<string, string> };

/** Names by their tokens; more of them with `USERS=ann:<token>,ben:<token>`. */
export const users = (held.users ??= new Map(
  (process.env["USERS"] ?? `you:${randomBytes(24).toString("base64url")}`)
    .split(",")
    .map((user) => user.split(":").reverse() as [token: string, name: string]),
));

export function userOf(cookie: string | null): string | null {
  const [, token = ""] = /(?:^|;\s*)token=([\w-]+)/.exec(cookie ?? "") ?? [];
  return users.get(token) ?? null;
}
