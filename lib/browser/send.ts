/** How requests are made. */
export interface RequestSettings {
  /** In the place of `fetch`. */
  readonly fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined;
  /** Headers of each request, or a function that gives them, such as a token that is renewed. */
  readonly headers?: SentHeaders | (() => SentHeaders | Promise<SentHeaders>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type SentHeaders = Readonly<Record<string, string>>;

export async function send(
  url: string,
  { fetch: own, headers }: RequestSettings,
  init: Omit<RequestInit, "headers"> & { readonly headers: SentHeaders },
): Promise<Response> {
  const given = typeof headers === "function" ? await headers() : headers;
  return (own ?? fetch)(url, { ...init, headers: { ...given, ...init.headers } });
}
