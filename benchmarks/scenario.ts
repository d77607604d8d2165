import type { Contender } from "./fresh-process.js";

export type Unit = "µs" | "ms" | "KiB" | "MiB";

/** What a contender is to reach; in the scenario's unit where it is not a factor. */
export type Target =
  | { readonly timesBaseline: number }
  | { readonly overBaseline: number }
  | { readonly atMost: number };

/** Contenders that do the same work, and are compared with one of them. */
export interface Scenario {
  readonly title: string;
  readonly contenders: readonly Contender[];
  /** The name of the contender that the others are compared with. */
  readonly baseline: string;
  /** What the times are divided by: messages, requests or lines in one run. */
  readonly operations: number;
  /** A time is measured in µs or ms; memory on the heap in KiB, that of all processes in MiB. */
  readonly unit: Unit;
  readonly rounds: number;
  /** By the name of the contender. */
  readonly targets?: Readonly<Record<string, Target>>;
  /** How many messages each contender must have seen, if it counts them. */
  readonly messages?: number;
}
