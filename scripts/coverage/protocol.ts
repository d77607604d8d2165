import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** Who sends it, and whether an answer is expected. */
export type MessageKind =
  "clientRequests" | "clientNotifications" | "serverRequests" | "serverNotifications";

export interface Method {
  readonly kind: MessageKind;
  readonly method: string;
  readonly experimental: boolean;
}

type MethodIndex = Readonly<Record<MessageKind, Readonly<Record<string, Omit<Method, "kind">>>>>;

const kinds: readonly MessageKind[] = [
  "clientRequests",
  "clientNotifications",
  "serverRequests",
  "serverNotifications",
];

/** Every method and notification of the protocol, in the order of the kinds and names. */
export async function readProtocol(root: string): Promise<Method[]> {
  const text = await readFile(join(root, "generated/schemas/methods.json"), "utf8");
  const index = JSON.parse(text) as MethodIndex;
  return kinds.flatMap((kind) =>
    Object.entries(index[kind]).map(([method, { experimental }]) => ({
      kind,
      method,
      experimental,
    })),
  );
}
