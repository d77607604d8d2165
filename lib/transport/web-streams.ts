import { Readable, Writable } from "node:stream";
import { isError } from "../async/realms.js";

/** The part of a web stream that this library needs: every `ReadableStream` of bytes has it. */
export interface WebReadable {
  readonly locked: boolean;
  getReader(): {
    read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
    cancel(reason?: unknown): Promise<void>;
  };
}

/** The part of a web stream that this library needs: every `WritableStream` of bytes has it. */
export interface WebWritable {
  readonly locked: boolean;
  getWriter(): {
    write(chunk: Uint8Array): Promise<void>;
    close(): Promise<void>;
    abort(reason?: unknown): Promise<void>;
  };
}

/** Reads a web stream as one of Node's; destroying it cancels it. */
export function fromWebReadable(stream: WebReadable): Readable {
  const reader = stream.getReader();
  const readable = new Readable({
    read: () => {
      reader.read().then(
        ({ done, value }) => {
          // Node takes a chunk without bytes for none at all, and would not ask again.
          if (!done && value?.length === 0) readable._read(0);
          else readable.push(done ? null : value);
        },
        (error: unknown) => {
          readable.destroy(toError(error));
        },
      );
    },
    destroy: (error, done) => {
      reader.cancel(error).catch(() => undefined);
      done(error);
    },
  });
  return readable;
}

/** Writes a web stream as one of Node's; destroying it aborts it. */
export function fromWebWritable(stream: WebWritable): Writable {
  const writer = stream.getWriter();
  const settle = (step: Promise<void>, done: (error?: Error | null) => void): void => {
    step.then(
      () => {
        done();
      },
      (error: unknown) => {
        done(toError(error));
      },
    );
  };
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      settle(writer.write(chunk), done);
    },
    final: (done) => {
      settle(writer.close(), done);
    },
    destroy: (error, done) => {
      writer.abort(error).catch(() => undefined);
      done(error);
    },
  });
}

/** Web streams fail with anything. */
function toError(reason: unknown): Error {
  return isError(reason) ? reason : new Error("the stream failed", { cause: reason });
}
