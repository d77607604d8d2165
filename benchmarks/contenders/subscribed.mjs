// node subscribed.mjs <nobody|storage|channels|telemetry> <script> <arguments of the script…>
// Runs another contender, while nobody listens, also in an AsyncLocalStorage of the application's, a function listens to every channel, or telemetry records all.
import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";

const [, , who, script] = process.argv;
process.argv.splice(2, 2);

if (who === "channels") {
  for (const name of ["start", "request", "turn", "item", "server-request", "tool"]) {
    for (const phase of ["start", "end", "asyncStart", "asyncEnd", "error"]) {
      subscribe(`tracing:codex-app-server-sdk:${name}:${phase}`, () => {});
    }
  }
} else if (who === "telemetry") {
  const { AsyncLocalStorageContextManager } = await import("@opentelemetry/context-async-hooks");
  const { context } = await import("@opentelemetry/api");
  const { BasicTracerProvider, BatchSpanProcessor } = await import("@opentelemetry/sdk-trace-base");
  const { instrument } = await import("codex-app-server-sdk/telemetry");
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const exporter = {
    export: (_, done) => done({ code: 0 }),
    shutdown: () => Promise.resolve(),
    forceFlush: () => Promise.resolve(),
  };
  const spanProcessors = [new BatchSpanProcessor(exporter)];
  instrument({ tracerProvider: new BasicTracerProvider({ spanProcessors }) });
}

const run = () => import(`./${script}`);
await (who === "storage" ? new AsyncLocalStorage().run("request-1", run) : run());
