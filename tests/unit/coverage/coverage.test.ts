import { describe, expect, test } from "@jest/globals";
import { checkCoverage } from "../../../scripts/coverage/check-coverage.js";
import { typeOfOffer } from "../../../scripts/coverage/check-offers.js";
import { chooseTest } from "../../../scripts/coverage/choose-test.js";
import {
  readCoverage,
  renderCoverage,
  type CoverageRow,
} from "../../../scripts/coverage/coverage-table.js";
import { offersOf } from "../../../scripts/coverage/offers.js";
import { readProtocol, type Method } from "../../../scripts/coverage/protocol.js";
import type { TestFile } from "../../../scripts/coverage/recordings.js";

const nameSet: Method = { kind: "clientRequests", method: "thread/name/set", experimental: false };
const offers = ["thread.setName()"];

function testFile(file: string, requests: readonly string[], text = ""): TestFile {
  const touched = { clientNotifications: [], serverRequests: [], serverNotifications: [] };
  return { file, text, touched: { clientRequests: requests, ...touched } };
}

describe("choosing the test that stands for a method", () => {
  const about = ["thread/name/set", "thread/start"];
  const choose = (files: readonly TestFile[], before?: string) =>
    chooseTest(nameSet, files, offers, before);

  test("prefers real over contract over unit, and finds nothing where nothing touches it", () => {
    const unit = testFile("tests/unit/a.test.ts", about);
    const contract = testFile("tests/contract/a.test.ts", about);
    const real = testFile("tests/real/z.test.ts", about);
    expect(choose([unit, contract, real])).toBe(real.file);
    expect(choose([unit, contract])).toBe(contract.file);
    expect(choose([unit])).toBe(unit.file);
    expect(choose([testFile("tests/real/other.test.ts", ["thread/start"])])).toBeUndefined();
  });

  test("prefers a file that names the method, then one that calls what is offered, then a small one", () => {
    const large = testFile("tests/real/a.test.ts", [...about, "turn/start"]);
    const small = testFile("tests/real/b.test.ts", about);
    const byMethod = testFile("tests/real/c.test.ts", [...about, "x", "y"], '"thread/name/set"');
    const byOffer = testFile("tests/real/d.test.ts", [...about, "x"], "await thread.setName(name)");
    expect(choose([large, small])).toBe(small.file);
    expect(choose([large, small, byOffer])).toBe(byOffer.file);
    expect(choose([large, small, byOffer, byMethod])).toBe(byMethod.file);
  });

  test("takes the test that goes through all methods only when there is no other", () => {
    const all = testFile("tests/real/rpc-methods.long.test.ts", about, '"thread/name/set"');
    const large = testFile("tests/real/z.test.ts", [...about, "x", "y"]);
    expect(choose([all])).toBe(all.file);
    expect(choose([all], all.file)).toBe(all.file);
    expect(choose([all, large], all.file)).toBe(large.file);
  });

  test("keeps the one of before, unless it no longer touches it or a better folder has one", () => {
    const before = testFile("tests/real/z.test.ts", [...about, "x"]);
    const better = testFile("tests/real/a.test.ts", about, ".setName(");
    expect(choose([better, before], before.file)).toBe(before.file);
    expect(choose([better, testFile(before.file, ["x"])], before.file)).toBe(better.file);
    const unit = testFile("tests/unit/a.test.ts", about);
    expect(choose([better, unit], unit.file)).toBe(better.file);
  });
});

const rows: CoverageRow[] = [
  { ...nameSet, offers, test: "tests/real/a.test.ts", reason: undefined },
  {
    kind: "serverNotifications",
    method: "thread/archived",
    experimental: true,
    offers: ["client.on()", "thread.archive()"],
    test: undefined,
    reason: "the moon is not right",
  },
];

describe("the table", () => {
  test("says of each method how it is offered and which test touches it", () => {
    const text = renderCoverage(rows).replace(/ +/g, " ");
    expect(text).toContain("| `thread/name/set` | `thread.setName()` | `tests/real/a.test.ts` |");
    expect(text).toContain("| `thread/archived` \\* | `client.on()`, `thread.archive()` | none |");
    expect(text).toContain("| `thread/archived` | the moon is not right |");
    expect(text).toContain("| Client requests | 1 | 0 | 1 | 1 |");
    expect(text).toContain("| Server notifications | 1 | 1 | 0 | 0 |");
  });

  test("can be read back", () => {
    expect([...readCoverage(renderCoverage(rows))]).toEqual([
      ["clientRequests thread/name/set", "tests/real/a.test.ts"],
      ["serverNotifications thread/archived", undefined],
    ]);
  });
});

describe("checking the table", () => {
  const files = [testFile("tests/real/a.test.ts", ["thread/name/set"])];
  const check = (changed: readonly CoverageRow[], recorded = files) =>
    checkCoverage(changed, readCoverage(renderCoverage(rows)), recorded);

  test("finds nothing wrong with one that holds", () => {
    expect(check(rows)).toEqual([]);
  });

  test("finds methods that are missing, and rows of methods that are gone", () => {
    const [first, second] = rows as [CoverageRow, CoverageRow];
    expect(check([first, second, { ...first, method: "thread/new" }])).toEqual([
      "it does not list clientRequests thread/new",
    ]);
    expect(check([first])).toEqual([
      "it lists serverNotifications thread/archived, which the protocol does not have",
    ]);
  });

  test("finds tests that did not run or did not touch the method", () => {
    expect(check(rows, [])).toEqual([
      "clientRequests thread/name/set: tests/real/a.test.ts did not run, or does not exist",
    ]);
    expect(check(rows, [testFile("tests/real/a.test.ts", ["thread/start"])])).toEqual([
      "clientRequests thread/name/set: tests/real/a.test.ts did not touch it",
    ]);
  });

  test("wants a reason for every gap", () => {
    expect(check(rows.map((row) => ({ ...row, reason: undefined })))).toEqual([
      "serverNotifications thread/archived: no real test, and no reason in not-real.ts",
    ]);
  });
});

describe("what the library offers", () => {
  test("is written as an expression, which leads to a type of the public surface", () => {
    expect(typeOfOffer("thread.setName()")).toBe('NonNullable<lib.Thread>["setName"]');
    expect(typeOfOffer("client.rpc.model.list()")).toBe(
      'NonNullable<NonNullable<NonNullable<lib.AppServerClient>["rpc"]>["model"]>["list"]',
    );
    expect(typeOfOffer("TurnOptions.signal")).toBe('NonNullable<lib.TurnOptions>["signal"]');
    expect(typeOfOffer("retryOnOverload()")).toBe("typeof lib.retryOnOverload");
  });

  test("is something for each method of the protocol", async () => {
    const methods = await readProtocol(process.cwd());
    expect(methods.length).toBeGreaterThan(280);
    expect(methods.filter((method) => offersOf(method).length === 0)).toEqual([]);
  });
});
