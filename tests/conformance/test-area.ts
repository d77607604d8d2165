import { afterAll, describe, expect, test } from "@jest/globals";
import { type Area, areas } from "./areas.js";
import { ConformanceHost } from "./conformance-host.js";

/**
 * One test for each scenario of an area, and one for the processes that they were run in. Scenarios
 * wait more than they work, so several run at the same time, each in a process of its own.
 */
export function testArea(area: Area): void {
  const idle: ConformanceHost[] = [];
  const endAll = () => Promise.all(idle.splice(0).map((host) => host.end()));

  afterAll(endAll);

  describe(area, () => {
    for (const scenario of areas[area]) {
      test.concurrent(`${scenario.name}: a client must ${scenario.client}`, async () => {
        const host = idle.pop() ?? new ConformanceHost();
        const { problems } = await host.run(scenario);
        idle.push(host);
        expect(problems).toEqual([]);
      });
    }

    test("nothing keeps the processes alive in which all this was done", async () => {
      for (const end of await endAll()) expect(end).toEqual({ exitCode: 0, stderr: "" });
    });
  });
}
