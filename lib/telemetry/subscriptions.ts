import { subscribe, tracingChannel, unsubscribe } from "node:diagnostics_channel";
import { context, ROOT_CONTEXT, type Context } from "@opentelemetry/api";
import type { Operation } from "../index.js";
import { attempt, guarded } from "./guarded.js";

/** What is done with the operations of one tracing channel. */
interface Listener<Traced extends Operation> {
  /**
   * Called at the start; `active` is the context in which the operation was asked for. Gives the one in which it is
   * carried out, if that is another.
   */
  readonly begin: (operation: Traced, active: Context) => Context | undefined;
  /** Called when it is over. */
  readonly end: (operation: Traced) => void;
}

/** The subscriptions of one `instrument()`, which end together. */
export class Subscriptions {
  readonly #stop: (() => void)[] = [];

  add<Traced extends Operation>(name: string, { begin, end }: Listener<Traced>): void {
    const { start, asyncEnd } = tracingChannel(`codex-app-server-sdk:${name}`);
    this.#on(start.name, (operation: Traced) => {
      const inner = begin(operation, attempt(() => context.active()) ?? ROOT_CONTEXT);
      if (!inner) return;
      operation.within(
        guarded((run) => {
          context.with(inner, run);
        }),
      );
    });
    this.#on(asyncEnd.name, end);
  }

  end(): void {
    for (const stop of this.#stop.splice(0)) stop();
  }

  #on(name: string | symbol, listener: (operation: never) => void): void {
    const onMessage = guarded((operation: unknown) => {
      listener(operation as never);
    });
    subscribe(name, onMessage);
    this.#stop.push(() => {
      unsubscribe(name, onMessage);
    });
  }
}
