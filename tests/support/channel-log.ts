import { subscribe, tracingChannel, unsubscribe } from "node:diagnostics_channel";

const phases = ["start", "end", "asyncStart", "asyncEnd", "error"] as const;

export type Phase = (typeof phases)[number];

interface Entry {
  readonly channel: string;
  readonly phase: Phase;
  readonly operation: Readonly<Record<string, unknown>>;
}

/** What tracing channels of the library have published since this was made; dispose of it to stop. */
export class ChannelLog implements Disposable {
  readonly entries: Entry[] = [];
  readonly #stop: (() => void)[] = [];

  constructor(...channels: readonly string[]) {
    for (const channel of channels) {
      for (const phase of phases) {
        const name = `tracing:codex-app-server-sdk:${channel}:${phase}`;
        const note = (operation: unknown): void => {
          this.entries.push({ channel, phase, operation: operation as Entry["operation"] });
        };
        subscribe(name, note);
        this.#stop.push(() => unsubscribe(name, note));
      }
    }
  }

  /** The operations of a channel, in the order in which they began. */
  operations<Operation = Entry["operation"]>(channel: string): Operation[] {
    const entries = this.entries.filter((entry) => entry.channel === channel);
    return entries
      .filter(({ phase }) => phase === "start")
      .map((one) => one.operation as Operation);
  }

  /** What was published for one operation. */
  phasesOf(operation: object): Phase[] {
    return this.entries.filter((entry) => entry.operation === operation).map(({ phase }) => phase);
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stop.splice(0)) stop();
  }
}

/** Binds a store to what runs within the operations of a channel; returns what stops that. */
export function bindStore(
  channel: string,
  store: { run<Result>(value: unknown, callback: () => Result): Result },
  valueOf: (operation: Readonly<Record<string, unknown>>) => unknown,
): () => void {
  const { start } = tracingChannel<unknown, Record<string, unknown>>(
    `codex-app-server-sdk:${channel}`,
  );
  start.bindStore(store as never, valueOf);
  return () => void start.unbindStore(store as never);
}
