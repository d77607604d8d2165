import { afterAll, describe, expect, test } from "@jest/globals";
import { type Area, areas } from "./areas.js";
import { ConformanceHost } from "./conformance-host.js";

/** One test for each scenario of an area, and one for the process that they were run in. */
export function testArea(area: Area): void {
  const host = new ConformanceHost();

  afterAll(async () => {
    await host.end();
  });

  describe(area, () => {
    for (const scenario of areas[area]) {
      test(`${scenario.name}: a client must ${scenario.client}`, async () => {
        expect((await host.run(scenario)).problems).toEqual([]);
      });
    }

    test("nothing keeps the process alive in which all this was done", async () => {
      expect(await host.end()).toEqual({ exitCode: 0, stderr: "" });
    });
  });
}
