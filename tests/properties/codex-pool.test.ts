import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { CodexPool } from "../../lib/fleet/index.js";
import type { Codex, InProcessServer, Turn } from "../../lib/index.js";
import { FakeAppServer } from "../../lib/testing/index.js";

/** A server for each tenant, which counts its connections; its turns run until they are told to end. */
class Tenants {
  live = 0;
  mostLive = 0;
  readonly #servers = new Map<string, FakeAppServer>();
  readonly #ends = new Set<() => void>();

  of(key: string): InProcessServer {
    const server = this.#server(key);
    return {
      connect: () => {
        this.live += 1;
        this.mostLive = Math.max(this.mostLive, this.live);
        const transport = server.connect();
        void transport.ended.then(() => (this.live -= 1));
        return transport;
      },
    };
  }

  crash(key: string): void {
    this.#server(key).crash();
  }

  endTurns(): void {
    for (const end of [...this.#ends]) end();
    this.#ends.clear();
  }

  async close(): Promise<void> {
    this.endTurns();
    for (const server of this.#servers.values()) await server.close();
  }

  #server(key: string): FakeAppServer {
    const known = this.#servers.get(key);
    if (known) return known;
    const server = new FakeAppServer().addThread(`thread-${key}`);
    server.onTurn(async (turn) => {
      await new Promise<void>((resolve) => this.#ends.add(resolve));
      turn.reply("Done.");
    });
    this.#servers.set(key, server);
    return server;
  }
}

const key = fc.constantFrom("a", "b", "c", "d", "e");
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("ask" as const), key }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("begin" as const), key }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("end" as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("crash" as const), key }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("suspend" as const), key }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("pause" as const), key }) },
);

test("however tenants come and go, there are never too many servers, none that works is ended, and nobody waits for ever", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 25 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 4 }),
      async (steps, maxServers, maxTurns) => {
        const tenants = new Tenants();
        const pool = new CodexPool({
          maxServers,
          maxTurns,
          maxTurnsPerTenant: 2,
          waitMs: Infinity,
          idleMs: 40,
          optionsFor: (name) => ({ server: tenants.of(name), restart: { minDelayMs: 0 } }),
        });
        const crashed = new Set<string>();
        const outcomes: Promise<{ name: string; error?: unknown }>[] = [];
        const follow = (name: string, work: Promise<unknown>): void => {
          outcomes.push(
            work.then(
              () => ({ name }),
              (error: unknown) => ({ name, error }),
            ),
          );
        };
        for (const { do: what, key: name } of steps) {
          const codex: Codex = await pool.get(name);
          if (what === "ask") follow(name, codex.models().all());
          else if (what === "begin") {
            const turn: Turn = codex.thread(`thread-${name}`).turn("Go");
            follow(name, turn.run());
          } else if (what === "end") tenants.endTurns();
          else if (what === "suspend") void codex.suspend();
          else if (what === "crash") {
            crashed.add(name);
            tenants.crash(name);
          } else await new Promise((resolve) => setTimeout(resolve, 5));
          const { servers, turns } = pool.stats();
          expect(servers).toBeLessThanOrEqual(maxServers);
          expect(turns).toBeLessThanOrEqual(maxTurns);
        }
        const ending = setInterval(() => {
          tenants.endTurns();
        }, 5);
        const settled = await Promise.all(outcomes);
        clearInterval(ending);
        // Only a crash ends what runs.
        const failed = settled.filter(({ name, error }) => error && !crashed.has(name));
        expect(failed).toEqual([]);
        expect(tenants.mostLive).toBeLessThanOrEqual(maxServers);
        expect(pool.stats()).toMatchObject({ waitingForServer: 0, waitingForTurn: 0, turns: 0 });
        await pool.close();
        expect(pool.stats()).toMatchObject({ tenants: 0, servers: 0 });
        await tenants.close();
        expect(tenants.live).toBe(0);
      },
    ),
    { numRuns: 25 },
  );
});
