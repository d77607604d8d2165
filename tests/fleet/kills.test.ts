import { expect, test } from "@jest/globals";
import { killRun } from "./kills/kill-run.js";

// npm run test:fleet-kills does the same with 500 turns on 100 threads.
test("under kills of each kind no turn starts twice, none is lost, and viewers miss nothing", async () => {
  const report = await killRun({
    turns: 60,
    threads: 12,
    kills: 5,
    killEveryMs: 500,
    lockDuration: 4_000,
  });
  const { outcomes, startedTwice, outOfOrder, neverRan, badViewers } = report;
  expect({ startedTwice, outOfOrder, neverRan, badViewers }).toEqual({
    startedTwice: [],
    outOfOrder: [],
    neverRan: [],
    badViewers: [],
  });
  const counted = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
  expect(counted).toBe(60);
  // What was cut off by the end of its server, and what nobody can know, says so; nothing else goes wrong.
  const known = ["completed", "TURN_LOST", "TURN_UNKNOWN", "TRANSPORT_CLOSED"];
  expect(known).toEqual(expect.arrayContaining(Object.keys(outcomes)));
}, 300_000);
