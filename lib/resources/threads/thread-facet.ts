import type { GetSession } from "../../session/session.js";
import { Resource } from "../resource.js";

/** What a thread offers in a field, such as `thread.queue`. */
export abstract class ThreadFacet extends Resource {
  /** @internal */
  protected readonly threadId: string;

  /** @internal */
  constructor(getSession: GetSession, threadId: string) {
    super(getSession);
    this.threadId = threadId;
  }
}
