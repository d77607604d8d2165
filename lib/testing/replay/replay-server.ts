import { readFile } from "node:fs/promises";
import { parseRecording, type RecordedConnection } from "../../recording/format.js";
import type { InProcessServer, Transport } from "../../transport/transport.js";
import { InProcessLink } from "../server/in-process.js";
import { MessageServer, noAnswer } from "../server/message-server.js";
import { ReplayedConnection } from "./replayed-connection.js";

/**
 * Reads a recording, which the option `record` of a client has made, and gives a server that answers from
 * it: for `new Codex({ server })` and `AppServerClient.connect(server)`.
 *
 * Rejects when the file cannot be read, and when it is no recording.
 */
export async function replayServer(file: string): Promise<ReplayServer> {
  return new ReplayServer(parseRecording(await readFile(file, "utf8")));
}

/**
 * A server that answers from a recording. Requests are matched by their methods, in the order of the
 * recording; their params may differ. It takes no time: what the server sent goes out as soon as all has
 * come that was sent to it before.
 */
export class ReplayServer implements InProcessServer {
  /** The requests that the recording did not have at their place, in sentences. The client got each as an error. */
  readonly mismatches: readonly string[];
  readonly #mismatches: string[] = [];
  readonly #recorded: readonly RecordedConnection[];
  readonly #replayed: ReplayedConnection[] = [];

  /** @internal */
  constructor(recorded: readonly RecordedConnection[]) {
    this.#recorded = recorded;
    this.mismatches = this.#mismatches;
  }

  /** The requests of the connections so far that have not come yet, each with its line in the file. */
  get unused(): readonly { readonly method: string; readonly line: number }[] {
    return this.#replayed.flatMap(({ unused }) => unused);
  }

  /** @throws Error when something of the recording did not come, or something else did. */
  assertDone(): void {
    const missing = this.unused.map(
      ({ method, line }) => `The recording expects ${method} (line ${line}), and it did not come.`,
    );
    const problems = [...this.#mismatches, ...missing];
    if (problems.length > 0) throw new Error(problems.join("\n"));
  }

  /** Makes the next connection of the recording. @throws Error when there is none left. */
  connect(): Transport {
    const recorded = this.#recorded[this.#replayed.length];
    if (!recorded) {
      throw new Error(
        `The recording has ${this.#recorded.length} connections, and the client makes one more.`,
      );
    }
    const server = new MessageServer();
    const link = new InProcessLink(server);
    const replayed = new ReplayedConnection(recorded, {
      write: (line) => {
        link.write(line);
      },
      end: ({ exitCode, signal }) => {
        link.crash({ exitCode, signal: signal as NodeJS.Signals | null });
      },
      mismatch: (problem) => this.#mismatches.push(problem),
    });
    this.#replayed.push(replayed);
    server.onReceived = (message) => {
      replayed.receive(message);
    };
    server.onDisconnected = () => {
      replayed.over();
    };
    server.on("*", () => noAnswer);
    return link.transport;
  }
}
