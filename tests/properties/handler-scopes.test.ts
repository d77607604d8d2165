import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { RequestHandlers } from "../../lib/index.js";
import { linked } from "../support/linked-server.js";
import { turnCompleted } from "../support/turn-messages.js";
import { Asking, methods, requests } from "../unit/server-requests/asking.js";

const types = ["command", "fileChange"] as const;
type Type = (typeof types)[number];
const decisions = ["decline", "accept", "acceptForSession"] as const;
type Decision = (typeof decisions)[number];

/** One way to say what is decided: for which types, and in which of the forms that options have. */
interface Saying {
  readonly form: "preset" | "function" | "presets" | "functions" | "raw" | "undefined";
  readonly decision: Decision;
  readonly names: readonly Type[];
}

const saying = fc.record<Saying>({
  form: fc.constantFrom("preset", "function", "presets", "functions", "raw", "undefined"),
  decision: fc.constantFrom(...decisions),
  names: fc.subarray([...types]),
});

/** What one handle is given: raw handlers beside the others, at most once each. */
const given = fc.array(saying, { maxLength: 2 });

function toHandlers(sayings: readonly Saying[]): RequestHandlers {
  const handlers: RequestHandlers = {};
  for (const { form, decision, names } of sayings) {
    const each = <T>(value: T) => Object.fromEntries(names.map((name) => [name, value]));
    if (form === "preset") handlers.onApproval = decision;
    else if (form === "function") handlers.onApproval = () => decision;
    else if (form === "presets") handlers.onApproval = each(decision);
    else if (form === "functions") handlers.onApproval = each(() => decision);
    else if (form === "raw") {
      const raw = names.map((name) => [methods[name], () => ({ decision })]);
      handlers.handlers = Object.fromEntries(raw) as RequestHandlers["handlers"];
    } else {
      handlers.onApproval ??= each(undefined);
      handlers.handlers ??= Object.fromEntries(names.map((name) => [methods[name], undefined]));
    }
  }
  return handlers;
}

/** What is decided about a type; undefined when it is not named. The model, in few words. */
function decided(sayings: readonly Saying[], type: Type): Decision | undefined {
  const raw = sayings.findLast(({ form }) => form === "raw");
  if (raw?.names.includes(type)) return raw.decision;
  const typed = sayings.findLast(({ form }) => form !== "raw" && form !== "undefined");
  if (!typed) return undefined;
  const isForAll = typed.form === "preset" || typed.form === "function";
  return isForAll || typed.names.includes(type) ? typed.decision : undefined;
}

describe("whatever handles of a thread are made and used, in whatever order", () => {
  test("the latest one in the narrowest scope that named the kind decides", async () => {
    const scopes = fc.record({
      client: given,
      first: given,
      others: fc.array(given, { maxLength: 3 }),
      turn: given,
      uses: fc.array(fc.nat(3), { maxLength: 4 }),
      archived: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(scopes, async ({ client, first, others, turn, uses, archived }) => {
        await using pair = await linked(toHandlers(client));
        const asking = new Asking(pair.server);
        let turns = 0;
        const run = async (thread: typeof started, handlers: RequestHandlers = {}) => {
          const running = thread.turn("Hi", handlers);
          await running.started;
          return `turn-${(turns += 1)}`;
        };
        const started = await pair.client.startThread(toHandlers(first));
        const threads = others.map((each) => pair.client.thread("thread-1", toHandlers(each)));
        const order = [first];
        for (const use of uses) {
          const thread = threads[use] ?? started;
          const own = others[use] ?? first;
          if (!order.includes(own)) order.push(own);
          const turnId = await run(thread);
          pair.server.send(turnCompleted({ threadId: "thread-1", turnId }));
        }
        if (archived) pair.server.notify("thread/archived", { threadId: "thread-1" });
        const turnId = await run(started, toHandlers(turn));
        for (const type of types) {
          const params = { ...requests[type], turnId };
          const byNarrowness = [turn, ...order.toReversed(), client];
          const expected = byNarrowness.map((each) => decided(each, type)).find(Boolean);
          expect(await asking.answer(methods[type], params)).toEqual({
            result: { decision: expected ?? "decline" },
          });
        }
      }),
      { numRuns: 60 },
    );
  });
});
