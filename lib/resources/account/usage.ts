import type { AsyncIteration } from "../../async/async-iteration.js";
import { checkOptions } from "../../errors/check-options.js";
import { checkSignal } from "../../errors/check-values.js";
import { SlowConsumerError } from "../../errors/slow-consumer-error.js";
import { Following } from "../../jsonrpc/following.js";
import type { ParamsOf, ResultOf } from "../../protocol.js";
import type { TurnUsageRecord } from "../../results/turn-tokens.js";
import type { UsageLedger } from "../../usage/usage-ledger.js";

/** What was used: by the account, as the server knows it, and by the turns of this client. */
export interface Usage {
  /**
   * Reads the tokens that the account has used; with a `threadId`, also the estimated cost of that thread,
   * as `threadUsage` (`account/usage/read`). Works with ChatGPT logins only.
   */
  (options?: ParamsOf<"account/usage/read">): Promise<ResultOf<"account/usage/read">>;
  /**
   * Iterates what the turns of this client use, from now on: one record for each that ends, however it ends. That is
   * every turn of its handles and its goals, of queues and of requests made by hand, and every turn of their
   * sub-agents, with the id of the turn that it works for. On a server that other clients use, too, their turns have
   * none, unless somebody here follows them.
   *
   * Each token is in one record, once. When the server tells more of a turn that has its record, another record with
   * the same `turnId` and a higher `revision` takes its place: so store records by `turnId`. A server that is
   * restarted, or a connection that is restored, changes nothing. See docs/usage.md.
   *
   * It starts nothing, and ends when the client is closed. It throws `signal.reason`, and a SlowConsumerError when
   * more than 10,000 records wait to be read; for an `AppServerClient`, also a TransportClosedError.
   */
  turns(options?: { signal?: AbortSignal | undefined }): AsyncIteration<TurnUsageRecord>;
}

/** Where the records come from, and what ends them. */
export interface UsageSource {
  readonly ledger: UsageLedger;
  /** Aborts when no more records come; its reason is a TransportClosedError. */
  readonly over: AbortSignal;
}

/** Far more than end within a moment. */
const maxWaiting = 10_000;

export function createUsage(
  read: (options?: ParamsOf<"account/usage/read">) => Promise<ResultOf<"account/usage/read">>,
  source: () => UsageSource,
): Usage {
  const turns: Usage["turns"] = (options = {}) => {
    checkOptions("usage.turns()", options, { signal: true });
    checkSignal(options.signal);
    return followTurns(source(), options.signal);
  };
  return Object.assign((options?: ParamsOf<"account/usage/read">) => read(options), { turns });
}

function followTurns(
  { ledger, over }: UsageSource,
  signal: AbortSignal | undefined,
): AsyncIteration<TurnUsageRecord> {
  const records = new Following<TurnUsageRecord>({
    maxWeight: maxWaiting,
    weigh: () => 1,
    overflow: () =>
      new SlowConsumerError(`${maxWaiting} records`, "Store each record as it comes."),
  });
  const unfollow = ledger.follow((record) => {
    records.push(record);
  });
  records.holds(unfollow);
  records.stopOn(signal);
  records.endWith(over);
  return records;
}
