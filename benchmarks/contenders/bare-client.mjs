import { spawn } from "node:child_process";

/**
 * The least that can talk to a server: lines of JSON, and answers matched to requests by id. It
 * knows no errors, deadlines or limits: this is the floor, not an alternative.
 */
export class BareClient {
  #child;
  #onNotification;
  #pending = new Map();
  #nextId = 1;
  #rest = "";

  constructor(command, args, onNotification = () => undefined, env = process.env) {
    this.#onNotification = onNotification;
    this.#child = spawn(command, args, { stdio: ["pipe", "pipe", "ignore"], env });
    this.#child.stdout.setEncoding("utf8").on("data", (chunk) => this.#read(chunk));
  }

  request(method, params = {}) {
    const id = this.#nextId++;
    this.#child.stdin.write(`${JSON.stringify({ id, method, params })}\n`);
    return new Promise((resolve) => this.#pending.set(id, resolve));
  }

  async handshake() {
    const clientInfo = { name: "bare", title: null, version: "0.0.0" };
    await this.request("initialize", { clientInfo, capabilities: { experimentalApi: true } });
    this.#child.stdin.write('{"method":"initialized"}\n');
  }

  close() {
    return new Promise((resolve) => {
      this.#child.once("close", resolve);
      this.#child.stdin.end();
    });
  }

  #read(chunk) {
    let start = 0;
    for (let end = chunk.indexOf("\n"); end !== -1; end = chunk.indexOf("\n", start)) {
      this.#receive(JSON.parse(this.#rest + chunk.slice(start, end)));
      this.#rest = "";
      start = end + 1;
    }
    this.#rest += chunk.slice(start);
  }

  #receive(message) {
    if (message.id === undefined) return this.#onNotification(message);
    this.#pending.get(message.id)(message.result);
    this.#pending.delete(message.id);
  }
}
