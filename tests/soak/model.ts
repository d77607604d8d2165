/**
 * The model of the real server's soak, in a process of its own: it keeps every request that it gets,
 * which must not be taken for growth of the client. Prints the options that lead to it, and ends with
 * its stdin.
 */
import { once } from "node:events";
import {
  configFor,
  reply,
  startLoopbackModel,
  type ModelRequest,
} from "../../lib/testing/index.js";
import type { Reply } from "../../lib/testing/index.js";

await using model = await startLoopbackModel({ respond });
console.log(JSON.stringify(await configFor(model)));
await once(process.stdin.resume(), "end");

/** Does what the turn's input says. */
function respond({ lastUserText, input }: ModelRequest): Reply {
  const last = input.at(-1)?.type;
  const answered = typeof last === "string" && last.endsWith("_output");
  const done = reply.text(["That ", "is ", "all."]);
  switch (lastUserText) {
    case "fail":
      return reply.failed("invalid_prompt", "as asked");
    case "hang":
      return [reply.unfinishedText(["Wait"]), reply.hang()];
    case "flood":
      return reply.text(Array.from({ length: 300 }, (_, word) => `word ${word} `));
    case "approve":
      return answered ? done : reply.shell("mkdir -p .");
    case "tool":
      return answered ? done : reply.functionCall("look");
    default:
      return done;
  }
}
