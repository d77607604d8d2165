import { expect, test } from "@jest/globals";
import * as fc from "fast-check";
import {
  PostgresFleetStore,
  RedisFleetStore,
  type PostgresFleetStoreOptions,
  type RedisFleetStoreOptions,
} from "../../../lib/fleet/index.js";
import { encodeId } from "../../../lib/fleet/store/encode-id.js";
import { loadPg } from "../../../lib/fleet/store/postgres/load-pg.js";
import { loadIoredis } from "../../../lib/fleet/store/redis/load-ioredis.js";
import { fromStoredJson, toStoredJson } from "../../../lib/fleet/store/stored-json.js";

test("options that cannot work are refused before anything is connected to", () => {
  const redis = "redis://localhost";
  const wrong: readonly [Record<string, unknown>, string][] = [
    [{}, "redis"],
    [{ redis: "localhost:6379" }, "redis"],
    [{ redis: [] }, "redis"],
    [{ redis, prefix: "a{b}" }, "prefix"],
    [{ redis, prefix: "" }, "prefix"],
    [{ redis, callTimeoutMs: 0 }, "callTimeoutMs"],
    [{ redis, keepJobsMs: Infinity }, "keepJobsMs"],
    [{ redis, keepSilentStreamsMs: 0 }, "keepSilentStreamsMs"],
    [{ redis, keepThreadsMs: "1" }, "keepThreadsMs"],
    [{ redis, prefx: "a" }, "prefx"],
  ];
  for (const [options, argument] of wrong) {
    const make = () => new RedisFleetStore(options as unknown as RedisFleetStoreOptions);
    expect(make).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", argument }));
  }
  const postgres = "postgres://localhost/app";
  const wrongHere: readonly [Record<string, unknown>, string][] = [
    [{}, "postgres"],
    [{ postgres: "mysql://localhost" }, "postgres"],
    [{ postgres, schema: 'a"; drop schema public' }, "schema"],
    [{ postgres, schema: "A" }, "schema"],
    [{ postgres, maxConnections: 0 }, "maxConnections"],
  ];
  for (const [options, argument] of wrongHere) {
    const make = () => new PostgresFleetStore(options as unknown as PostgresFleetStoreOptions);
    expect(make).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT", argument }));
  }
});

test("a store that was never used has nothing to close", async () => {
  await new RedisFleetStore({ redis: "redis://localhost:1" }).close();
  await new PostgresFleetStore({ postgres: "postgres://localhost:1/app" }).close();
});

test("a package that is not installed is named, with the way to install it", async () => {
  const missing = () => Promise.reject(new Error("Cannot find package"));
  await expect(loadIoredis(missing)).rejects.toMatchObject({
    code: "MISSING_DEPENDENCY",
    dependency: "ioredis",
  });
  await expect(loadPg(missing)).rejects.toThrow("npm install pg@8");
  // Some bundlers put an empty module in its place.
  const empty = () => Promise.resolve({});
  await expect(loadIoredis(empty)).rejects.toThrow("npm install ioredis@5");
  await expect(loadPg(empty)).rejects.toMatchObject({ dependency: "pg" });
});

test("no two ids have the same key, and none leaves its place in one", () => {
  const id = fc.oneof(
    fc.string({ unit: "binary", minLength: 1 }),
    fc.string({ unit: fc.constantFrom("{", "}", ":", "%", "+", "~", "\u0000", "é") }),
    fc.string({ unit: "grapheme", minLength: 150, maxLength: 400 }),
  );
  const fits = id.filter((each) => each !== "" && each.isWellFormed());
  fc.assert(
    fc.property(fits, fits, (one, other) => {
      const [key, another] = [encodeId("id", one), encodeId("id", other)];
      expect(key).toMatch(/^[\w!'()*.~%+-]{1,200}$/);
      expect(key === another).toBe(one === other);
    }),
  );
});

test("what is stored as JSON comes back, bytes and all", () => {
  const value = {
    text: "\u0000\ud83d\ude00",
    bytes: new Uint8Array([0, 255]),
    list: [new Uint8Array(), null, { deep: Buffer.from("hi") }],
  };
  const read = fromStoredJson(toStoredJson("value", value)) as typeof value;
  expect(read.text).toBe(value.text);
  expect([...read.bytes]).toEqual([0, 255]);
  expect(read.list[0]).toBeInstanceOf(Uint8Array);
  expect([...(read.list[2] as { deep: Uint8Array }).deep]).toEqual([104, 105]);
  const round: Record<string, unknown> = {};
  round["self"] = round;
  for (const bad of [undefined, round, () => 1, 1n]) {
    expect(() => toStoredJson("value", bad)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", argument: "value" }),
    );
  }
});
