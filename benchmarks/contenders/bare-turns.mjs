import { BareClient } from "./bare-client.mjs";
import { args, command } from "./server-options.mjs";

/** Threads and turns on the real server by hand: no more than the protocol needs. */
export class BareTurns {
  #client;
  #completed = new Map();

  static async start() {
    const turns = new BareTurns();
    await turns.#client.handshake();
    return turns;
  }

  constructor() {
    this.#client = new BareClient(command, args, ({ method, params }) => {
      if (method === "turn/completed") this.#completed.get(params.threadId)();
    });
  }

  async startThread() {
    const { thread } = await this.#client.request("thread/start");
    return thread.id;
  }

  async run(threadId, text) {
    const completed = new Promise((resolve) => this.#completed.set(threadId, resolve));
    const input = [{ type: "text", text, text_elements: [] }];
    await this.#client.request("turn/start", { threadId, input });
    await completed;
  }

  close() {
    return this.#client.close();
  }
}
