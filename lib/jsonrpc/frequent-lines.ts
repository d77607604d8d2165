import type { NotificationMessage } from "./message.js";

/** Reads lines of a kind that comes often faster than `JSON.parse` does, and exactly as it does. */
export interface FrequentLines {
  /** The notification whose line is `lines.slice(start, end)`; undefined for every other line. */
  read(lines: string, start: number, end: number): NotificationMessage | undefined;
  /** Learns from a notification that was read otherwise: more like it may follow. */
  learn(message: NotificationMessage): void;
}
