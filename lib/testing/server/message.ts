/** A message of the client, as it came: a request, a notification, or an answer. */
export interface ReceivedMessage {
  readonly id?: string | number | null;
  /** Missing in an answer. */
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
  /** The W3C trace context that came beside the params. */
  readonly trace?: unknown;
}

/** A request of the client. */
export interface ReceivedRequest extends ReceivedMessage {
  readonly id: string | number;
  readonly method: string;
}

/** What a handler throws to refuse a request with an error of its own choice. */
export class ResponseError extends Error {
  /** The JSON-RPC code, such as `-32600`. */
  readonly code: number;
  readonly data: unknown;

  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.name = "ResponseError";
    this.code = code;
    this.data = data;
  }
}

/** The `error` member of the answer that tells of what a handler threw. */
export function toErrorMember(thrown: unknown): {
  code: number;
  message: string;
  data?: unknown;
} {
  const { code, message, data } = Object(thrown) as Partial<ResponseError>;
  return {
    code: typeof code === "number" ? code : -32_603,
    message: typeof message === "string" ? message : String(thrown),
    ...(data === undefined ? {} : { data }),
  };
}

export function toLine(message: unknown): string {
  return `${JSON.stringify(message)}\n`;
}
