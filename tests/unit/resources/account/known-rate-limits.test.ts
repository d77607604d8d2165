import { expect, test } from "@jest/globals";
import type { RateLimitSnapshot } from "../../../../generated/types.js";
import {
  knownFrom,
  mergeRateLimits,
  RateLimitsHolder,
} from "../../../../lib/session/rate-limits-holder.js";
import { deepFreeze } from "../../../support/deep-freeze.js";

const nothing: RateLimitSnapshot = {
  limitId: "codex",
  limitName: null,
  normalModelSlug: null,
  primary: null,
  secondary: null,
  credits: null,
  individualLimit: null,
  spendControlReached: null,
  planType: null,
  rateLimitReachedType: null,
};

function update(told: Partial<RateLimitSnapshot>): RateLimitSnapshot {
  return { ...nothing, ...told };
}

const full = deepFreeze(
  update({
    limitName: "Codex",
    primary: { usedPercent: 10, windowDurationMins: 300, resetsAt: 1_000 },
    secondary: { usedPercent: 20, windowDurationMins: 10_080, resetsAt: 2_000 },
    credits: { hasCredits: true, unlimited: false, balance: "5" },
    spendControlReached: false,
    planType: "pro",
  }),
);

test("the first update is what is known", () => {
  const known = mergeRateLimits(null, full);
  expect(known).toEqual({ rateLimits: full, rateLimitsByLimitId: { codex: full } });
});

test("what an update does not tell stays as it was", () => {
  const known = deepFreeze(mergeRateLimits(null, full));
  expect(mergeRateLimits(known, nothing)).toEqual(known);
  const { rateLimits } = mergeRateLimits(
    known,
    update({ primary: { usedPercent: 11, windowDurationMins: null, resetsAt: 1_500 } }),
  );
  expect(rateLimits).toEqual({
    ...full,
    primary: { usedPercent: 11, windowDurationMins: 300, resetsAt: 1_500 },
  });
});

test("false, zero and an empty text are told, and replace what was known", () => {
  const before = mergeRateLimits(null, update({ ...full, spendControlReached: true }));
  const { rateLimits } = mergeRateLimits(
    before,
    update({
      limitName: "",
      spendControlReached: false,
      primary: { usedPercent: 0, windowDurationMins: 300, resetsAt: 0 },
    }),
  );
  expect(rateLimits).toMatchObject({
    limitName: "",
    spendControlReached: false,
    primary: { usedPercent: 0, resetsAt: 0 },
  });
});

test("credits and spending limits are replaced as a whole", () => {
  const known = mergeRateLimits(null, full);
  const credits = { hasCredits: false, unlimited: false, balance: null };
  expect(mergeRateLimits(known, update({ credits })).rateLimits.credits).toEqual(credits);
});

test("each limit is merged with itself only", () => {
  const other = update({
    limitId: "other",
    primary: { usedPercent: 90, windowDurationMins: 60, resetsAt: null },
  });
  const both = mergeRateLimits(mergeRateLimits(null, full), other);
  expect(both).toEqual({ rateLimits: full, rateLimitsByLimitId: { codex: full, other } });
  const later = mergeRateLimits(both, update({ limitId: "other", planType: "team" }));
  expect(later.rateLimitsByLimitId["other"]).toEqual({ ...other, planType: "team" });
  expect(later.rateLimits).toEqual(full);
});

test("as long as the main limit is unknown, the latest stands for it", () => {
  const other = update({ limitId: "other", planType: "pro" });
  const third = update({ limitId: "third", planType: "team" });
  const known = mergeRateLimits(mergeRateLimits(null, other), third);
  expect(known.rateLimits).toEqual(third);
  expect(mergeRateLimits(known, full).rateLimits).toEqual(full);
});

test("a limit without a name is the main one", () => {
  const known = mergeRateLimits(null, full);
  const { rateLimits, rateLimitsByLimitId } = mergeRateLimits(
    known,
    update({ limitId: null, planType: "team" }),
  );
  expect(rateLimits).toEqual({ ...full, planType: "team" });
  expect(Object.keys(rateLimitsByLimitId)).toEqual(["codex"]);
});

test("fields that a newer server sends, and fields that an older one leaves out, are no harm", () => {
  const newer = { ...full, novelty: { depth: 1 } };
  const older = { limitId: "codex", primary: null } as RateLimitSnapshot;
  expect(mergeRateLimits(mergeRateLimits(null, newer), older).rateLimits).toEqual(newer);
});

test("an answer to a read replaces everything", () => {
  const byId = { codex: full, other: update({ limitId: "other" }) };
  const answer = { rateLimits: full, rateLimitsByLimitId: byId };
  expect(knownFrom(answer)).toEqual(answer);
  expect(knownFrom({ rateLimits: full, rateLimitsByLimitId: null })).toEqual({
    rateLimits: full,
    rateLimitsByLimitId: { codex: full },
  });
});

test("the holder takes in updates and reads, forgets with the account, and skips what is malformed", () => {
  const holder = new RateLimitsHolder();
  const seen: unknown[] = [];
  const stop = holder.onChange(() => seen.push(holder.current));
  const updated = (params: unknown) => {
    holder.observe({ method: "account/rateLimits/updated", params });
  };
  updated(undefined);
  updated({});
  updated({ rateLimits: null });
  holder.observe({ method: "turn/started", params: { rateLimits: full } });
  holder.answered("account/read", { rateLimits: full });
  for (const malformed of [undefined, null, {}])
    holder.answered("account/rateLimits/read", malformed);
  expect(holder.current).toBeNull();
  expect(seen).toEqual([]);

  updated({ rateLimits: full });
  holder.answered("account/rateLimits/read", { rateLimits: nothing });
  // The same account, of which the server knows more by now.
  holder.observe({ method: "account/updated", params: { reason: "workspaceRoutingReady" } });
  expect(holder.current).not.toBeNull();
  for (const params of [undefined, null, { reason: null }, { reason: "unknown" }]) {
    holder.observe({ method: "account/updated", params });
    expect(holder.current).toBeNull();
    expect(seen.pop()).toBeNull();
  }
  holder.observe({ method: "account/updated", params: {} });
  expect(seen).toEqual([
    { rateLimits: full, rateLimitsByLimitId: { codex: full } },
    { rateLimits: nothing, rateLimitsByLimitId: { codex: nothing } },
    null,
  ]);
  stop();
  updated({ rateLimits: full });
  expect(seen).toHaveLength(3);
});
