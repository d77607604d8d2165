import { expect, test } from "@jest/globals";
import { HarnessAsks } from "../../../lib/ai/harness/harness-asks.js";
import type { HarnessPermissions } from "../../../lib/ai/harness/harness-permissions.js";
import { HarnessTurn } from "../../../lib/ai/harness/harness-turn.js";
import { SteppedTurn } from "../../../lib/ai/model/stepped-turn.js";
import type { Turn } from "../../../lib/index.js";
import { collect, rejection } from "../../support/collect.js";
import { linkedThread } from "../../support/linked-server.js";
import { turnCompleted, turnStarted } from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };
const all = { mode: "allow-all", has: () => true } as unknown as HarnessPermissions;

/** Reads a turn as the model of `ai`, and as its harness. */
const readers: readonly (readonly [name: string, read: (turn: Turn) => () => Promise<unknown>])[] =
  [
    [
      "a model",
      (turn) => {
        const stepped = new SteppedTurn({
          ...{ turn, modelId: "model", isCallersTool: () => false, holdsText: false },
          ...{ toolResultTimeoutMs: 60_000, show: {} },
        });
        return () => collect(stepped.step());
      },
    ],
    [
      "a harness",
      (turn) => {
        const asks = new HarnessAsks(all);
        const options = { turn, asks, holdsText: false, answerTimeoutMs: 60_000, show: {} };
        const harnessTurn = new HarnessTurn(options);
        return () => harnessTurn.attach({ emit: () => undefined }).done;
      },
    ],
  ];

test.each(readers)(
  "a turn that was read too slowly fails, whether it ended: %s",
  async (_, follow) => {
    for (const ends of [true, false]) {
      await using pair = await linkedThread();
      const { server, client } = pair;
      const turn = pair.thread.turn("Say it", { maxBacklogBytes: 1_000 });
      const read = follow(turn);
      await turn.started;
      const delta = { ...ids, itemId: "text", delta: "x".repeat(900) };
      const said = { method: "item/agentMessage/delta", params: delta };
      server.send(turnStarted(ids), said, said, said, ...(ends ? [turnCompleted(ids)] : []));
      const isHere = new Promise((resolve) => client.on("warning", resolve));
      server.notify("warning", { threadId: null, message: "here" });
      await isHere;
      expect(await rejection(read())).toMatchObject({ code: "SLOW_CONSUMER" });
      // Nobody would answer what it asks.
      if (!ends) expect(await server.nextRequest("turn/interrupt")).toMatchObject({ params: ids });
    }
  },
);
