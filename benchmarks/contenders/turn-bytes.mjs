// node turn-bytes.mjs <server command…>: only reads; what the pipe and the server can do at most.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { measure } from "./measure.mjs";

const [command, ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ["pipe", "pipe", "ignore"] });
child.stdin.write('{"id":1,"method":"initialize"}\n');
await once(child.stdout, "data");

await measure(async () => {
  let last = Buffer.alloc(0);
  child.stdout.on("data", (chunk) => {
    last = chunk;
    // `turn/completed` is the last line of all.
    if (last.subarray(-300).includes('"turn/completed"')) child.stdin.end();
  });
  child.stdin.write('{"id":2,"method":"turn/start"}\n');
  await once(child.stdout, "end");
});
