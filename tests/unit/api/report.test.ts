import { describe, expect, test } from "@jest/globals";
import { entryPointsOf } from "../../../scripts/api/entry-points.js";
import { renderReport } from "../../../scripts/api/report.js";

const declarations = {
  "lib/index.ts": `
    export { Client, type Options as ClientOptions } from "./client.js";
    export { start } from "./start.js";
    export type * as protocol from "../generated/types.js";
    export type { Requests } from "../generated/methods.js";
  `,
  "lib/client.ts": `
    import type { Inner } from "./inner.js";
    import { EventEmitter } from "node:events";
    /** Talks. */
    export declare class Client extends EventEmitter {
      #private;
      /** How often. */
      readonly count: number;
      inner(): Inner;
    }
    export interface Options {
      readonly inner: import("./inner.js").Other;
      readonly Client: string;
    }
    export interface Unused { readonly never: true }
  `,
  "lib/inner.ts": `
    export interface Inner { readonly deeper: Deeper }
    interface Deeper { readonly text: string }
    export type Other = 1 | 2;
  `,
  "lib/start.ts": `
    export declare function start(name: string): void;
    export declare function start(count: number): void;
  `,
  "generated/types.ts": `export interface Model { readonly id: string }`,
  "generated/methods.ts": `import type { Model } from "./types.js"; export interface Requests { a: Model }`,
};

const report = (changes: Partial<typeof declarations> = {}) =>
  renderReport(new Map(Object.entries({ ...declarations, ...changes })), [
    { specifier: "talk", source: "lib/index.ts" },
  ]);

describe("the report of the public surface", () => {
  test("shows each export as it is declared, in the order of the names, without comments", async () => {
    const [, exported = "", hidden = ""] = (await report()).split("```");
    expect(exported.trim().split("\n")).toEqual([
      "ts",
      "export declare class Client extends EventEmitter {",
      "  readonly count: number;",
      "  inner(): Inner;",
      "}",
      "",
      "// as ClientOptions",
      "export interface Options {",
      '  readonly inner: import("./inner.js").Other;',
      "  readonly Client: string;",
      "}",
      "",
      "// Requests: as in generated/methods.ts",
      "",
      "// protocol: everything in generated/types.ts",
      "",
      "export declare function start(name: string): void;",
      "export declare function start(count: number): void;",
    ]);
    expect(hidden.trim()).toBe("Not exported, but part of what is:");
  });

  test("shows what the exports mention without exporting it, however deep", async () => {
    const [, , , hidden = ""] = (await report()).split("```");
    expect(hidden.match(/(?:interface|type|class) \w+/g)).toEqual([
      "interface Deeper",
      "interface Inner",
      "type Other",
    ]);
  });

  test("changes when a signature changes, and not when a comment or the order does", async () => {
    const before = await report();
    const reworded = declarations["lib/client.ts"].replace("Talks.", "Speaks.");
    expect(await report({ "lib/client.ts": reworded })).toBe(before);
    const shuffled = declarations["lib/index.ts"].trim().split("\n").reverse().join("\n");
    expect(await report({ "lib/index.ts": shuffled })).toBe(before);
    const changed = declarations["lib/inner.ts"].replace("text: string", "text?: string");
    expect(await report({ "lib/inner.ts": changed })).not.toBe(before);
  });

  test("says which export is declared nowhere", async () => {
    const broken = { "lib/index.ts": 'export { Gone } from "./client.js";' };
    await expect(report(broken)).rejects.toThrow("lib/index.ts exports Gone, which is declared");
  });
});

test("entry points are the exports of the package that have types", () => {
  const manifest = {
    name: "talk",
    exports: {
      ".": { types: "./dist/lib/index.d.ts", default: "./dist/lib/index.js" },
      "./testing": {
        import: { types: "./dist/lib/testing/index.d.ts", default: "./dist/lib/testing/index.js" },
        require: { types: "./dist/lib/testing/index.d.cts" },
      },
      "./schemas/*": "./generated/schemas/*",
    },
  };
  expect(entryPointsOf(manifest)).toEqual([
    { specifier: "talk", source: "lib/index.ts" },
    { specifier: "talk/testing", source: "lib/testing/index.ts" },
  ]);
});
