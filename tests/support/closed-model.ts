// Run in a process of its own, which can only end by itself when the closed model left nothing open.
import { configFor, reply, startLoopbackModel } from "../../lib/testing/index.js";

const model = await startLoopbackModel();
await configFor(model);
model.enqueue(reply.hold(), reply.hang(), reply.delay(2 ** 30), [
  reply.unfinishedText("Half"),
  reply.drop(),
]);
const ask = () => fetch(`${model.url}/responses`, { method: "POST", body: "{}" });
const answers = [await ask(), await ask(), await ask(), await ask()];
const ends = Promise.allSettled(answers.map((answer) => answer.text()));
await model.close();
await ends;
console.log("closed");
