import type { Writable } from "node:stream";
import { AbstractMessageWriter, type Message, type MessageWriter } from "vscode-jsonrpc/node";
import { EncodedParams } from "./encoded-params.js";

/** Writes newline-delimited JSON without the `jsonrpc` member, which the server does not use. */
export class LineMessageWriter extends AbstractMessageWriter implements MessageWriter {
  readonly #output: Writable;
  readonly #onFailure: (error: Error) => void;
  #lastRequestId: number | undefined;

  /** `onFailure` learns of every message that could not be written, answers included. */
  constructor(output: Writable, onFailure: (error: Error) => void) {
    super();
    this.#output = output;
    this.#onFailure = onFailure;
  }

  /** The id that vscode-jsonrpc gave to the request it wrote last; it does not tell its caller. */
  get lastRequestId(): number | undefined {
    return this.#lastRequestId;
  }

  write(message: Message & { id?: unknown; method?: unknown }): Promise<void> {
    if (typeof message.id === "number" && message.method !== undefined) {
      this.#lastRequestId = message.id;
    }
    const line = encodeLine(message);
    return new Promise((resolve, reject) => {
      this.#output.write(line, (error) => {
        if (!error) {
          resolve();
          return;
        }
        this.#onFailure(error);
        reject(error);
      });
    });
  }

  end(): void {
    this.#output.end();
  }
}

function encodeLine(message: Message & { params?: unknown }): string {
  const { params, ...rest } = { ...message, jsonrpc: undefined };
  if (!(params instanceof EncodedParams)) {
    return `${JSON.stringify(params === undefined ? rest : { ...rest, params })}\n`;
  }
  return `${JSON.stringify(rest).slice(0, -1)},"params":${params.json}}\n`;
}
