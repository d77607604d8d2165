import { subscribe, tracingChannel, unsubscribe } from "node:diagnostics_channel";
import { context, type Context } from "@opentelemetry/api";
import { ContextStore, guarded, outerContext } from "./context-store.js";

/** What is done with the operations of one tracing channel. */
interface Listener<Operation> {
  /** Called at the start; gives the context in which the operation is carried out, if that changes. */
  readonly begin: (operation: Operation) => Context | undefined;
  /** Called when it is over. */
  readonly end?: (operation: Operation) => void;
}

/** The subscriptions of one `instrument()`, which end together. */
export class Subscriptions {
  readonly #stop: (() => void)[] = [];

  add<Operation extends object>(
    name: string,
    { begin, end = () => undefined }: Listener<Operation>,
  ): void {
    const { start, asyncEnd } = tracingChannel<Context, Operation>(`codex-app-server-sdk:${name}`);
    // Each channel has a store of its own, and so takes the context of the operation that it shows.
    const store = new ContextStore();
    const contextOf = (operation: Operation): Context => {
      outerContext(operation);
      let inner: Context | undefined;
      guarded(() => (inner = begin(operation)))();
      return inner ?? context.active();
    };
    const ended = guarded((operation: unknown) => {
      end(operation as Operation);
    });
    start.bindStore(store, contextOf);
    subscribe(asyncEnd.name, ended);
    this.#stop.push(() => {
      start.unbindStore(store);
      unsubscribe(asyncEnd.name, ended);
    });
  }

  end(): void {
    for (const stop of this.#stop.splice(0)) stop();
  }
}
