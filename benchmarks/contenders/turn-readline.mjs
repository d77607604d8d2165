// node turn-readline.mjs <server command…>: what most clients do; lines from node:readline.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { DeltaCounter, measure } from "./measure.mjs";

const [command, ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ["pipe", "pipe", "ignore"] });
const lines = createInterface({ input: child.stdout });
const counter = new DeltaCounter();
child.stdin.write('{"id":1,"method":"initialize"}\n');
await once(lines, "line");

await measure(async () => {
  const completed = new Promise((resolve) => {
    lines.on("line", (line) => {
      const message = JSON.parse(line);
      counter.add(message);
      if (message.method === "turn/completed") resolve();
    });
  });
  child.stdin.write('{"id":2,"method":"turn/start"}\n');
  await completed;
  return counter;
});
child.stdin.end();
await once(child, "close");
