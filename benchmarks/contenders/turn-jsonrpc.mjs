// node turn-jsonrpc.mjs <server command…>: the same lines, each message dispatched by vscode-jsonrpc.
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  AbstractMessageReader,
  AbstractMessageWriter,
  createMessageConnection,
} from "vscode-jsonrpc/node";
import { DeltaCounter, measure } from "./measure.mjs";

class LineReader extends AbstractMessageReader {
  #input;
  #rest = "";

  constructor(input) {
    super();
    this.#input = input;
  }

  listen(callback) {
    this.#input.setEncoding("utf8").on("data", (chunk) => {
      let start = 0;
      for (let end = chunk.indexOf("\n"); end !== -1; end = chunk.indexOf("\n", start)) {
        const message = JSON.parse(this.#rest + chunk.slice(start, end));
        this.#rest = "";
        start = end + 1;
        message.jsonrpc = "2.0";
        callback(message);
      }
      this.#rest += chunk.slice(start);
    });
    return { dispose: () => undefined };
  }
}

class LineWriter extends AbstractMessageWriter {
  #output;

  constructor(output) {
    super();
    this.#output = output;
  }

  write(message) {
    return new Promise((resolve) => this.#output.write(`${JSON.stringify(message)}\n`, resolve));
  }

  end() {
    this.#output.end();
  }
}

const [command, ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ["pipe", "pipe", "ignore"] });
const connection = createMessageConnection(
  new LineReader(child.stdout),
  new LineWriter(child.stdin),
);
const counter = new DeltaCounter();
let complete;
const completed = new Promise((resolve) => (complete = resolve));
connection.onNotification("item/agentMessage/delta", (params) =>
  counter.add({ method: "item/agentMessage/delta", params }),
);
connection.onNotification("turn/completed", () => complete());
connection.onNotification(() => undefined);
connection.listen();
await connection.sendRequest("initialize", {});
await connection.sendNotification("initialized");
const { thread } = await connection.sendRequest("thread/start", {});

await measure(async () => {
  await connection.sendRequest("turn/start", { threadId: thread.id, input: [] });
  await completed;
  return counter;
});
child.stdin.end();
await once(child, "close");
