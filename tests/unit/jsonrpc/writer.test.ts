import { expect, test } from "@jest/globals";
import { Writable } from "node:stream";
import { EncodedJson } from "../../../lib/jsonrpc/encoded.js";
import { LineMessageWriter } from "../../../lib/jsonrpc/writer.js";

/** A writer, and the chunks of each write that reached the system. */
function writing(fail = false) {
  const writes: string[][] = [];
  const failures: Error[] = [];
  const output = new Writable({
    decodeStrings: false,
    write: (chunk: string, _encoding, done) => {
      writes.push([chunk]);
      done(fail ? new Error("EPIPE") : null);
    },
    writev: (chunks, done) => {
      writes.push(chunks.map(({ chunk }) => chunk as string));
      done(fail ? new Error("EPIPE") : null);
    },
  });
  output.on("error", () => undefined);
  return { writes, failures, writer: new LineMessageWriter(output, (e) => failures.push(e)) };
}

const request = (id: number, json = "{}") => ({
  jsonrpc: "2.0",
  id,
  method: "config/read",
  params: new EncodedJson(json),
});

test("lines of one turn of the event loop go out together, each a chunk of its own", async () => {
  const { writes, writer } = writing();
  await Promise.all([writer.write(request(1)), writer.write(request(2))]);
  expect(writes).toEqual([
    [
      '{"id":1,"method":"config/read","params":{}}\n',
      '{"id":2,"method":"config/read","params":{}}\n',
    ],
  ]);
  await writer.write(request(3));
  expect(writes[1]).toEqual(['{"id":3,"method":"config/read","params":{}}\n']);
});

test("each kind of message is written without what the server does not use", async () => {
  const { writes, writer } = writing();
  const jsonrpc = "2.0";
  await writer.write(request(1, '{"a":null}'));
  await writer.write({ jsonrpc, method: "initialized" });
  await writer.write({ jsonrpc, method: "noted", params: new EncodedJson("{}") } as never);
  await writer.write({ jsonrpc, id: "x", result: null } as never);
  await writer.write({ jsonrpc, id: 0, error: { code: 1, message: "no" } } as never);
  expect(writes.flat()).toEqual([
    '{"id":1,"method":"config/read","params":{"a":null}}\n',
    '{"method":"initialized"}\n',
    '{"method":"noted","params":{}}\n',
    '{"id":"x","result":null}\n',
    '{"id":0,"error":{"code":1,"message":"no"}}\n',
  ]);
  expect(writer.lastRequestId).toBe(1);
});

test("a write that fails is told to the sender of each line in it", async () => {
  const { failures, writer } = writing(true);
  const sent = [writer.write(request(1)), writer.write(request(2))];
  const outcomes = await Promise.allSettled(sent);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(failures.map(({ message }) => message)).toEqual(["EPIPE", "EPIPE"]);
});

test("a server that does not read is given up at 16,384 messages", async () => {
  const { writer, failures } = stuck();
  for (let id = 0; id < 16_384; id += 1) void writer.write(answer(id));
  expect(writer.failed).toBe(false);
  await expect(writer.write(answer(16_384))).rejects.toMatchObject({ code: "PROTOCOL_ERROR" });
  expect(writer.failed).toBe(true);
  expect(failures).toHaveLength(1);
});

test("and at 256 MiB of answers, whose number it decides; not of requests, which are ours", async () => {
  const { writer, failures } = stuck();
  const long = "x".repeat(64 * 1_048_576);
  void writer.write(request(1, JSON.stringify(long)));
  for (let id = 0; id < 4; id += 1) void writer.write(answer(id, long));
  void writer.write(request(2));
  expect(failures).toEqual([]);
  await expect(writer.write(answer(4))).rejects.toMatchObject({ code: "PROTOCOL_ERROR" });
  expect(failures).toHaveLength(1);
});

/** A writer to a server that takes nothing. */
function stuck() {
  const failures: Error[] = [];
  const output = new Writable({ decodeStrings: false, write: () => undefined });
  return { failures, writer: new LineMessageWriter(output, (error) => failures.push(error)) };
}

function answer(id: number, result = "") {
  return { jsonrpc: "2.0", id, result };
}
