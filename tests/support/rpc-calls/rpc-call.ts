import { jest } from "@jest/globals";
import { createServer, type AddressInfo } from "node:net";
import {
  JsonRpcError,
  type AppServerClient,
  type ClientRequestMethod,
  type Rpc,
} from "../../../lib/index.js";
import { Connection } from "../../../lib/jsonrpc/connection.js";
import { reply } from "../../../lib/testing/index.js";
import { RealStage } from "../real.js";
import { validateResult } from "../schemas.js";

/** A real server with a thread that has run a turn, and what the calls leave for later ones. */
export interface Scene extends AsyncDisposable {
  readonly client: AppServerClient;
  readonly rpc: Rpc;
  readonly modelUrl: string;
  /** An empty directory that is nobody else's. */
  readonly dir: string;
  readonly threadId: string;
  readonly turnId: string;
  /** Made on the way. */
  spareId: string;
  forkId: string;
  sectionId: string;
  projectId: string;
  /** Where the server wanted to connect to, the model excepted. */
  readonly attempts: readonly string[];
  close(): Promise<void>;
}

/** An id that nothing has. */
export const nobody = "01900000-0000-7000-8000-000000000000";

type Call = (scene: Scene) => Promise<unknown>;

/** How to call a method: so that it succeeds, or so that the server says why not. */
export type RpcCall = Call | { readonly call: Call; readonly refusal: RegExp };

/** Calls by their methods. They are made one after the other. */
export type RpcCalls = Readonly<Partial<Record<ClientRequestMethod, RpcCall>>>;

/** The server has understood the params when it refuses with this sentence. */
export function refused(refusal: RegExp, call: Call): RpcCall {
  return { call, refusal };
}

export async function openScene(experimentalApi: boolean): Promise<Scene> {
  const tripwire = await startTripwire();
  const stage = await RealStage.open({
    env: { HTTP_PROXY: tripwire.url, HTTPS_PROXY: tripwire.url, ALL_PROXY: tripwire.url },
    config: { feedback: { enabled: false } },
  });
  stage.model.respond(() => reply.text("Hello!"));
  const client = await stage.client({ experimentalApi });
  const thread = await client.startThread();
  const { id: turnId } = await thread.run("Hello?");
  const close = async () => {
    await stage.close();
    await tripwire.close();
  };
  return {
    client,
    rpc: client.rpc,
    modelUrl: stage.model.url,
    dir: stage.project,
    threadId: thread.id,
    turnId,
    spareId: "",
    forkId: "",
    sectionId: "",
    projectId: "",
    attempts: tripwire.attempts,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Makes the calls in order; tells of each, in a line, whether it was sent and how it went. */
export async function outcomesOf(calls: RpcCalls, scene: Scene): Promise<string[]> {
  const sending = jest.spyOn(Connection.prototype, "request");
  try {
    const outcomes: string[] = [];
    for (const [method, entry] of Object.entries(calls)) {
      sending.mockClear();
      const outcome = await outcomeOf(typeof entry === "function" ? entry : entry.call, scene);
      // The client may have sent something of its own, too.
      const sent = sending.mock.calls.some(([each]) => each === method);
      outcomes.push(`${method}: ${sent ? describe(method, outcome) : "was not sent"}`);
    }
    return outcomes;
  } finally {
    sending.mockRestore();
  }
}

type Outcome = { readonly result: unknown } | { readonly refusal: string };

async function outcomeOf(call: Call, scene: Scene): Promise<Outcome> {
  try {
    return { result: await call(scene) };
  } catch (error) {
    if (error instanceof JsonRpcError) return { refusal: error.message };
    throw error;
  }
}

function describe(method: string, outcome: Outcome): string {
  if ("refusal" in outcome) return outcome.refusal;
  return validateResult(method, outcome.result).join("; ") || answered;
}

/** What is said of an answer that is as the protocol describes it. */
export const answered = "answered";

/** A proxy that lets nobody through, and remembers who tried. */
async function startTripwire() {
  const attempts: string[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (data) => {
      attempts.push(data.toString("latin1").split("\r\n", 1)[0] ?? "");
      socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    attempts,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
