/**
 * Stands for the platform of a function: `function-host.ts <bundle>`. It gives the bundle the global that AWS
 * Lambda gives, invokes it as the parent says, one invocation at a time, and ends the process when an invocation
 * takes longer than its limit.
 */
import { createRequire } from "node:module";
import { Writable } from "node:stream";
import type {
  FunctionAnswer,
  FunctionContext,
  FunctionEvent,
  StreamHandler,
} from "../../../examples/apps/serverless/platform.js";

export interface Invocation {
  readonly kind: "plain" | "stream";
  readonly event: FunctionEvent;
  /** After how long the platform ends the process (ms). */
  readonly limitMs: number;
}

/** What the parent is told of an invocation; `done` comes last. */
export type Told =
  | { readonly type: "head"; readonly head: Pick<FunctionAnswer, "statusCode" | "headers"> }
  | { readonly type: "chunk"; readonly text: string }
  | { readonly type: "done"; readonly answer?: FunctionAnswer; readonly leftMs: number };

interface Bundle {
  readonly handler: (event: FunctionEvent, context: FunctionContext) => Promise<FunctionAnswer>;
  readonly stream: StreamHandler;
}

globalThis.awslambda = {
  streamifyResponse: (handler) => handler,
  HttpResponseStream: {
    from(response, head) {
      tell({ type: "head", head });
      return response;
    },
  },
};

const { handler, stream } = createRequire(import.meta.url)(process.argv[2] ?? "") as Bundle;

function tell(message: Told): void {
  process.send?.(message);
}

async function invoke({ kind, event, limitMs }: Invocation): Promise<void> {
  const endsAt = performance.now() + limitMs;
  const leftMs = (): number => endsAt - performance.now();
  const limit = setTimeout(() => process.exit(124), limitMs);
  const context: FunctionContext = { getRemainingTimeInMillis: leftMs };
  if (kind === "plain") {
    tell({ type: "done", answer: await handler(event, context), leftMs: leftMs() });
  } else {
    await stream(event, responseStream(), context);
    tell({ type: "done", leftMs: leftMs() });
  }
  clearTimeout(limit);
}

function responseStream(): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      tell({ type: "chunk", text: chunk.toString() });
      done();
    },
  });
}

process.on("message", (invocation: Invocation) => void invoke(invocation));
