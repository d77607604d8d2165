import { paramsKeys } from "../../generated/methods.js";
import { checkOptions } from "../errors/check-options.js";
import type { RequestOptions } from "../jsonrpc/connection.js";
import { pageAt, Pages, type PageAnswer } from "../options/pages.js";
import type { ClientRequestMethod, ParamsOf, ResultOf } from "../protocol.js";
import { callLoaded } from "../session/call-loaded.js";
import type { GetSession, Session } from "../session/session.js";
import { connectedFor } from "../session/until-connected.js";

/** The methods that list something page by page. */
type ListMethod = {
  [M in ClientRequestMethod]: ResultOf<M> extends PageAnswer<unknown> ? M : never;
}[ClientRequestMethod];
/** What such a method lists. */
export type EntryOf<M extends ListMethod> =
  ResultOf<M> extends PageAnswer<infer Entry> ? Entry : never;

type ParamsKeys = typeof paramsKeys;
/** The options of a call that are no params of its method. */
type OtherKey<M extends keyof ParamsKeys, Options> = Exclude<keyof Options, keyof ParamsKeys[M]>;

/** Refuses options that are neither params of `method` nor among `more`, which must name all others. */
export function checkParams<M extends keyof ParamsKeys, Options extends object>(
  call: string,
  method: M,
  options: Options,
  ...[more]: [OtherKey<M, Options>] extends [never]
    ? []
    : [more: Record<OtherKey<M, Options>, true>]
): void {
  checkOptions(call, options, { ...paramsKeys[method], ...more });
}

/**
 * What sends requests in its methods: a client, a thread, and what they offer in fields, such as
 * `codex.skills`. Each call asks for the session of that moment, which starts a server if there is none.
 */
export abstract class Resource {
  readonly #getSession: GetSession;

  /** @internal */
  constructor(getSession: GetSession) {
    this.#getSession = getSession;
  }

  /** @internal */
  protected get getSession(): GetSession {
    return this.#getSession;
  }

  /**
   * Sends a request over the session of this moment. The `signal` and the `timeoutMs` of `options` also
   * hold while the server is being started.
   *
   * @internal
   */
  protected async call<M extends ClientRequestMethod>(
    method: M,
    params: ParamsOf<M>,
    options?: RequestOptions,
  ): Promise<ResultOf<M>> {
    const [session, left] = await this.#sessionFor(method, options);
    return session.call(method, params, left);
  }

  /**
   * The same for what the server offers only for a loaded thread: loads the thread that `params` name, if
   * they name one.
   *
   * @internal
   */
  protected async callLoaded<M extends ClientRequestMethod>(
    method: M,
    params: ParamsOf<M> & { readonly threadId?: string | null | undefined },
    options?: RequestOptions,
  ): Promise<ResultOf<M>> {
    const [session, left] = await this.#sessionFor(method, options);
    return callLoaded(session, method, params, left);
  }

  /**
   * What `method` lists, page by page; `loaded`: only for a loaded thread, as `callLoaded` does.
   *
   * @internal
   */
  protected pages<M extends ListMethod>(
    method: M,
    params: Omit<ParamsOf<M>, "cursor">,
    { loaded = false } = {},
  ): Pages<EntryOf<M>> {
    return new Pages(async (cursor) => {
      const page = pageAt(params, cursor) as ParamsOf<M>;
      const answer = loaded ? this.callLoaded(method, page) : this.call(method, page);
      return (await answer) as PageAnswer<unknown> as PageAnswer<EntryOf<M>>;
    });
  }

  async #sessionFor(
    method: string,
    options: RequestOptions | undefined,
  ): Promise<[Session, RequestOptions?]> {
    if (options === undefined) return [await this.#getSession()];
    return connectedFor(this.#getSession, method, options);
  }
}
