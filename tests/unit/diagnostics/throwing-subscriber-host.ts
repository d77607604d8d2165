/** A process of its own: every subscriber throws, and a turn goes on to its end. Prints how it ended. */
import { subscribe } from "node:diagnostics_channel";
import type { TurnOperation } from "../../../lib/index.js";
import { linkedThread } from "../../support/linked-server.js";
import { textMessages, turnCompleted, turnStarted } from "../../support/turn-messages.js";

let uncaught = 0;
process.on("uncaughtException", () => (uncaught += 1));

for (const name of ["request", "turn", "item", "server-request", "tool"]) {
  for (const phase of ["start", "end", "asyncStart", "asyncEnd", "error"]) {
    subscribe(`tracing:codex-app-server-sdk:${name}:${phase}`, (operation) => {
      // This one throws as well, and does not carry anything out.
      if (phase === "start") {
        (operation as TurnOperation).within(() => {
          throw new Error("A subscriber failed later.");
        });
      }
      throw new Error("A subscriber failed.");
    });
  }
}

const ids = { threadId: "thread-1", turnId: "turn-1" };
await using pair = await linkedThread({ onApproval: "accept" });
const turn = pair.thread.turn("Hi");
await turn.started;
const approval = { ...ids, itemId: "cmd", command: "ls" };
pair.server.send(turnStarted(ids), ...textMessages({ ...ids, text: "Hi." }));
pair.server.send({ id: 1, method: "item/commandExecution/requestApproval", params: approval });
pair.server.send(turnCompleted(ids));
const { status, finalResponse } = await turn.run();
console.log(JSON.stringify({ status, finalResponse, hasThrown: uncaught > 0 }));
