/** What counts of the messages that `useChat` posts. */
export interface PostedMessages {
  /** The text of the newest message, if it is the user's; else undefined. */
  readonly text: string | undefined;
  /**
   * The answers to approvals in the newest message, if it is the assistant's. They are a browser's word: answer
   * only those requests with them that are open (`codex.pendingRequests()`) in a turn of the same user.
   */
  readonly approvals: readonly PostedApproval[];
}

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
    return { text: undefined, approvals: role === "assistant" ? list.flatMap(approvalIn) : [] };
  }
  const texts = list.flatMap(({ type, text }) =>
    type === "text" && typeof text === "string" ? [text] : [],
  );
  return { text: texts.length === 0 ? undefined : texts.join("\n"), approvals: [] };
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
