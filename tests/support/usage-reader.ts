import type { AppServerClient, Codex, TurnUsageRecord } from "../../lib/index.js";

/** The newest record of each turn: that of a sub-agent is revised when the server says late whose it is. */
export function newestOf(records: readonly TurnUsageRecord[]): TurnUsageRecord[] {
  return [...new Map(records.map((record) => [record.turnId, record])).values()];
}

/** Reads what the turns of a client use, from now on. */
export class UsageReader {
  readonly #records: AsyncIterator<TurnUsageRecord, undefined>;

  constructor(client: Codex | AppServerClient) {
    this.#records = client.usage.turns()[Symbol.asyncIterator]();
  }

  /** The next records, as soon as there are so many. */
  async next(count: number): Promise<TurnUsageRecord[]> {
    const records: TurnUsageRecord[] = [];
    while (records.length < count) {
      const { value } = await this.#records.next();
      if (value === undefined) throw new Error("there are no more records");
      records.push(value);
    }
    return records;
  }

  /** All that come until the client is closed. */
  async rest(): Promise<TurnUsageRecord[]> {
    const records: TurnUsageRecord[] = [];
    for (;;) {
      const { value } = await this.#records.next();
      if (value === undefined) return records;
      records.push(value);
    }
  }
}
