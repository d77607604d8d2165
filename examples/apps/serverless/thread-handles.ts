import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { NotFoundError } from "codex-app-server-sdk/http";

/** The same for all instances of the function, so that each takes the handles of the others. */
const secret = process.env["THREAD_SECRET"] ?? randomBytes(32).toString("base64");

/**
 * The name of a thread that its user gets. It says whose the thread is, since no instance of the function
 * remembers that for another one.
 */
export function handleOf(threadId: string, user: string): string {
  return `${threadId}.${mark(threadId, user)}`;
}

/** The thread of a handle. @throws NotFoundError when it is somebody else's, or made up. */
export function threadOf(handle: string, user: string): string {
  const [threadId = "", given = ""] = handle.split(".");
  const expected = Buffer.from(mark(threadId, user));
  const isOwn = given.length === expected.length && timingSafeEqual(Buffer.from(given), expected);
  if (!isOwn) throw new NotFoundError();
  return threadId;
}

function mark(threadId: string, user: string): string {
  return createHmac("sha256", secret)
    .update(JSON.stringify([threadId, user]))
    .digest("base64url");
}
