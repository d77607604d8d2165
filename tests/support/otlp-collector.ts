import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

/** A span as OTLP writes it in JSON. */
export interface OtlpSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty or missing for the root of a trace. */
  readonly parentSpanId?: string;
}

interface OtlpBody {
  readonly resourceSpans?: readonly {
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

/** Takes spans on the loopback, by OTLP over HTTP, written as JSON. Dispose of it to end it. */
export class OtlpCollector implements AsyncDisposable {
  readonly spans: OtlpSpan[] = [];
  readonly #server: Server;

  static async start(): Promise<OtlpCollector> {
    const collector = new OtlpCollector();
    collector.#server.listen(0, "127.0.0.1");
    await once(collector.#server, "listening");
    return collector;
  }

  private constructor() {
    this.#server = createServer((request, response) => {
      void json(request).then((body) => {
        const { resourceSpans = [] } = body as OtlpBody;
        const scopes = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans);
        this.spans.push(...scopes.flatMap(({ spans }) => spans));
        response.setHeader("content-type", "application/json");
        response.end("{}");
      });
    });
  }

  /** The server's configuration that has it export its spans here. */
  get config() {
    const { port } = this.#server.address() as AddressInfo;
    const endpoint = `http://127.0.0.1:${port}/v1/traces`;
    return { otel: { trace_exporter: { "otlp-http": { endpoint, protocol: "json" } } } };
  }

  /** The spans of this name, in a trace. */
  named(name: string, traceId: string): OtlpSpan[] {
    return this.spans.filter((span) => span.name === name && span.traceId === traceId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
