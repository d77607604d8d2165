import type { FleetChecks } from "./fleet-checks.js";
import { eventually, same } from "./check-helpers.js";

/** The promises about threads and hosts. */
export const threadChecks: FleetChecks = {
  async "jobs of a thread stand in line in the order in which they came"({ here, there, id }) {
    same(await here.firstInLine(id), undefined);
    await here.joinLine(id, "a");
    await there.joinLine(id, "b");
    await here.joinLine(id, "c");
    same(await there.firstInLine(id), "a");
    same(await here.leaveLine(id, "a"), "b");
    same(await there.leaveLine(id, "b"), "c");
    same(await there.leaveLine(id, "c"), undefined);
    same(await here.firstInLine(id), undefined);
  },

  async "a job that is in line keeps its place, and may leave from anywhere"({ here, there, id }) {
    for (const job of ["a", "b", "c"]) await here.joinLine(id, job);
    await there.joinLine(id, "a");
    same(await here.firstInLine(id), "a");
    same(await here.leaveLine(id, "b"), "a");
    same(await there.leaveLine(id, "never came"), "a");
    same(await there.leaveLine(id, "a"), "c");
    await here.joinLine(id, "a");
    same(await here.firstInLine(id), "c");
    same(await here.firstInLine(`${id}-other`), undefined);
  },

  async "whoever was first in line stays it while others come"({ here, there, id }) {
    const jobs = Array.from({ length: 40 }, (_, index) => `job-${index}`);
    const firsts = await Promise.all(
      jobs.map(async (job, index) => {
        const store = index % 2 ? here : there;
        await store.joinLine(id, job);
        return store.firstInLine(id);
      }),
    );
    same(new Set(firsts).size, 1);
    const order: string[] = [];
    let first = await here.firstInLine(id);
    while (first !== undefined) {
      order.push(first);
      first = await there.leaveLine(id, first);
    }
    same([order[0], [...order].sort()], [firsts[0], [...jobs].sort()]);
  },

  async "a thread lies on the host that was first"({ here, there, id }) {
    same(await here.hostOf(id), undefined);
    const hosts = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (index % 2 ? here : there).settleThread(id, `host-${index}`),
      ),
    );
    same(new Set(hosts).size, 1);
    same(await there.hostOf(id), hosts[0]);
  },

  async "a thread is moved by one of those who move it, from where it lies"({ here, there, id }) {
    same(await here.moveThread(id, "a", "b"), false);
    same(await here.hostOf(id), undefined);
    await here.settleThread(id, "a");
    same(await there.moveThread(id, "b", "c"), false);
    const moved = await Promise.all(
      ["b", "c", "d"].map((to, index) => (index % 2 ? here : there).moveThread(id, "a", to)),
    );
    same(moved.filter((each) => each).length, 1);
    same(await there.hostOf(id), ["b", "c", "d"][moved.indexOf(true)]);
  },

  async "a host is alive for as long as it was said"({ here, there, id }) {
    const [one, other] = [`${id}-one`, `${id}-other`];
    await here.hostIsAlive(one, 60_000);
    await there.hostIsAlive(other, 150);
    // Another worker of the same host takes nothing back.
    await there.hostIsAlive(one, 1);
    const own = async () => (await here.hosts()).filter((host) => [one, other].includes(host));
    await eventually(async () => !(await own()).includes(other));
    same(await own(), [one]);
    await there.hostIsAlive(other, 60_000);
    same([...(await own())].sort(), [one, other].sort());
  },
};
