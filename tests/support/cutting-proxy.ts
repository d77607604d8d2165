import { once } from "node:events";
import {
  connect,
  createServer,
  type AddressInfo,
  type NetConnectOpts,
  type Server,
  type Socket,
} from "node:net";
import { FrameSplitter } from "./frame-splitter.js";

/** Who sends a message: we, or the server behind the proxy. */
export type Sender = "client" | "server";

interface Cut {
  readonly sender: Sender;
  readonly matches: (text: string) => boolean;
  readonly when: "before" | "after";
  done(): void;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

/**
 * Stands between a client and a server that speak WebSocket, and cuts their connections: at once, or
 * at a certain message, which then still arrives (`"after"`) or does not (`"before"`).
 */
export class CuttingProxy implements AsyncDisposable {
  /** How many connections were let through. */
  connections = 0;
  readonly #target: NetConnectOpts;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #cuts = new Set<Cut>();
  #isOpen = true;

  static async start(target: NetConnectOpts): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(target);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  private constructor(target: NetConnectOpts) {
    this.#target = target;
    this.#server = createServer((client) => {
      if (this.#isOpen) this.#join(client);
      else client.destroy();
    });
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Cuts every connection there is. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.destroy();
      server.destroy();
    }
    this.#pairs.clear();
  }

  /** Cuts, and lets nobody in until `open()`. */
  shut(): void {
    this.#isOpen = false;
    this.cut();
  }

  open(): void {
    this.#isOpen = true;
  }

  /** Cuts the connection on which a message that matches comes by; resolves when it has. */
  cutAt(sender: Sender, when: Cut["when"], pattern: RegExp): Promise<void> {
    return new Promise((done) => {
      this.#cuts.add({ sender, when, matches: (text) => pattern.test(text), done });
    });
  }

  /** Cuts the next connection behind so many messages of its server; resolves when it has. */
  cutBehind(messages: number): Promise<void> {
    let left = messages;
    const matches = (): boolean => (left -= 1) === 0;
    return new Promise((done) => {
      this.#cuts.add({ sender: "server", when: "after", matches, done });
    });
  }

  /** Cuts nowhere any more. */
  spare(): void {
    this.#cuts.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.shut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(client: Socket): void {
    const pair = { client, server: connect(this.#target) };
    this.connections += 1;
    this.#pairs.add(pair);
    this.#forward("client", pair);
    this.#forward("server", pair);
  }

  #forward(sender: Sender, pair: Pair): void {
    const source = pair[sender];
    const sink = pair[sender === "client" ? "server" : "client"];
    const splitter = new FrameSplitter();
    source.on("data", (chunk: Buffer) => {
      for (const { bytes, text } of splitter.push(chunk)) {
        const cut = this.#cutFor(sender, text);
        if (cut?.when !== "before" && !sink.destroyed) sink.write(bytes);
        if (!cut) continue;
        this.#cuts.delete(cut);
        this.#pairs.delete(pair);
        // What was written arrives first, and the other direction is gone at once.
        sink.destroySoon();
        source.destroy();
        cut.done();
        return;
      }
    });
    source.on("error", () => undefined);
    source.once("close", () => {
      sink.destroySoon();
      this.#pairs.delete(pair);
    });
  }

  #cutFor(sender: Sender, text: string): Cut | undefined {
    return [...this.#cuts].find((cut) => cut.sender === sender && cut.matches(text));
  }
}
