/** What counts of the messages that `useChat` posts. */
export interface PostedMessages {
  /** The text of the newest message, if it is the user's; else undefined. */
  readonly text: string | undefined;
  /**
   * The texts and the files of the newest message, in their order, if it is the user's; else none. Nothing of it is
   * checked: give it to something that does.
   */
  readonly input: readonly PostedItem[];
  /**
   * The answers to approvals in the newest message, if it is the assistant's. They are a browser's word: answer
   * only those requests with them that are open (`codex.pendingRequests()`) in a turn of the same user.
   */
  readonly approvals: readonly PostedApproval[];
}

/** A text, or a file by its address, which mostly is a `data:` URL. */
export type PostedItem =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "file"; readonly url: string };

export interface PostedApproval {
  /** The key of the request. */
  readonly key: string;
  readonly approved: boolean;
  readonly reason: string | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads the body of a post of `useChat`. All but the newest message is what a browser says that was said: the
 * thread knows better, so it is not read.
 */
export function readPostedMessages(messages: unknown): PostedMessages {
  const newest: unknown = Array.isArray(messages) ? messages.at(-1) : undefined;
  const { role, parts } = fieldsOf(newest);
  const list = Array.isArray(parts) ? parts.map(fieldsOf) : [];
  if (role !== "user") {
    const approvals = role === "assistant" ? list.flatMap(approvalIn) : [];
    return { text: undefined, input: [], approvals };
  }
  const input = list.flatMap(itemIn);
  const texts = input.flatMap((item) => (item.type === "text" ? [item.text] : []));
  return { text: texts.length === 0 ? undefined : texts.join("\n"), input, approvals: [] };
}

function itemIn({ type, text, url }: Fields): PostedItem[] {
  if (type === "text" && typeof text === "string") return [{ type, text }];
  return type === "file" ? [{ type, url: typeof url === "string" ? url : "" }] : [];
}

function approvalIn({ state, approval }: Fields): PostedApproval[] {
  const { id, approved, reason } = fieldsOf(approval);
  if (state !== "approval-responded" || typeof id !== "string") return [];
  const why = typeof reason === "string" ? reason : undefined;
  // What is no clear yes is none.
  return [{ key: id, approved: approved === true, reason: why }];
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}
