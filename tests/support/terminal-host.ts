/**
 * A host that runs in a terminal: `terminal-host.ts <scenario> <options>`. It prints what happens as
 * lines of JSON, and goes on until it is ended.
 */
import {
  AppServerClient,
  Codex,
  HandshakeError,
  TransportClosedError,
  type CodexOptions,
} from "../../lib/index.js";

const print = (event: object): void => {
  process.stdout.write(`${JSON.stringify(event)}\n`);
};

const scenarios = {
  /** Runs a turn with a command. The first Ctrl-C interrupts the turn. */
  async turn(options: CodexOptions) {
    const codex = new Codex(options);
    const thread = await codex.startThread({
      sandbox: "danger-full-access",
      approvalPolicy: "never",
    });
    const turn = thread.turn("Go");
    process.once("SIGINT", () => void turn.interrupt());
    for await (const { method, params } of turn) {
      if (method === "item/started" && params.item.type === "commandExecution") {
        print({ host: process.pid });
      }
    }
    const { status } = await turn.run();
    const stored = await thread.turns().all();
    print({ status, stored: stored.map((each) => each.status) });
  },

  /** Has a server, and no handler for anything. */
  async waits(options: CodexOptions) {
    await AppServerClient.start(options);
    print({ host: process.pid });
  },

  /** Has a handler for Ctrl-C, and tells how its server ends. */
  async watches(options: CodexOptions) {
    process.on("SIGINT", () => undefined);
    const client = await AppServerClient.start(options);
    print({ host: process.pid });
    const { kind, signal } = await client.closed;
    print({ kind, signal });
  },

  /** Starts what is no server, and tells how it ends. */
  async starts(options: CodexOptions) {
    const error = await AppServerClient.start(options).then(
      () => undefined,
      (reason: unknown) => (reason instanceof HandshakeError ? reason.cause : reason),
    );
    print({ exitCode: error instanceof TransportClosedError ? error.exitCode : undefined });
  },
};

const [scenario, options] = process.argv.slice(2) as [keyof typeof scenarios, string];
await scenarios[scenario](JSON.parse(options) as CodexOptions);
