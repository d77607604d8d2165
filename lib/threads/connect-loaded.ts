import type { Connect, Host } from "../host.js";

/** The connection, with the thread loaded, if one is named: the server knows only those that are. */
export async function connectLoaded(
  connect: Connect,
  threadId: string | null | undefined,
): Promise<Host> {
  const host = await connect();
  if (typeof threadId === "string") await host.load(threadId);
  return host;
}
