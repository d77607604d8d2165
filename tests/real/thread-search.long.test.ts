import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { AppServerClient, MethodNotFoundError, type Codex, type Thread } from "../../lib/index.js";
import type { ThreadSearchResult } from "../../generated/types.js";
import { reply } from "../../lib/testing/index.js";
import { collect, settled } from "../support/collect.js";
import { offers, testWhere } from "../support/offers.js";
import { configArgs, nativeCodexPath } from "../support/raw-client.js";
import { RealStage, rejection } from "../support/real.js";

const method = "thread/search/stream";
const searchTest = await testWhere(method);

let stage: RealStage;
let codex: Codex;
let threads: Thread[];

beforeAll(async () => {
  stage = await RealStage.open();
  stage.model.respond(() => reply.text("I see."));
  codex = stage.codex();
  threads = [];
  for (const input of ["A quick otter", "A slow OTTER", "An otter that sleeps", "A bear"]) {
    const thread = await codex.startThread();
    await thread.run(input);
    threads.push(thread);
  }
});
afterAll(() => stage.close());

const idsOf = (results: readonly ThreadSearchResult[]) => results.map(({ thread }) => thread.id);

/** What the server says, as far as it matters here. */
interface Line {
  readonly method?: string;
  readonly params?: { readonly data: readonly ThreadSearchResult[] };
  readonly result?: { readonly data?: readonly ThreadSearchResult[] };
  readonly error?: { readonly message: string };
}

interface TappedServer extends AsyncDisposable {
  readonly client: AppServerClient;
  readonly child: ChildProcessWithoutNullStreams;
  /** Every line of the server so far. */
  readonly lines: readonly Line[];
  /** The answer to the only search since then, once the server has given it. */
  searched(): Promise<Line>;
}

/** A client of its own, on the stage's threads, that shows what its server says. */
async function tapped(): Promise<TappedServer> {
  const { config = {}, env, cwd } = stage.options();
  const child = spawn(
    process.env.CODEX_PATH || nativeCodexPath(),
    [...configArgs(config), "app-server"],
    {
      cwd,
      env: { ...process.env, ...env },
    },
  );
  const exited = once(child, "exit");
  child.stderr.resume();
  const readable = child.stdout.pipe(new PassThrough());
  const lines: Line[] = [];
  let rest = "";
  child.stdout.on("data", (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) lines.push(JSON.parse(part) as Line);
    child.emit("lines");
  });
  const searched = async (): Promise<Line> => {
    for (let from = lines.length; ; await once(child, "lines")) {
      for (; from < lines.length; from += 1) {
        const line = lines[from] as Line;
        if (line.error ?? line.result?.data) return line;
      }
    }
  };
  const client = await AppServerClient.connect({ transport: { readable, writable: child.stdin } });
  return {
    ...{ client, child, lines, searched },
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGCONT");
      await client.close();
      await exited;
    },
  };
}

describe("searching threads while they are found", () => {
  searchTest("yields each thread in which the text occurs, once, and ends", async () => {
    const found = await collect(codex.threadSearch("otter"));
    const expected = new Map([
      [threads[0]?.id, "A quick otter"],
      [threads[1]?.id, "A slow OTTER"],
      [threads[2]?.id, "An otter that sleeps"],
    ]);
    expect(new Map(found.map(({ thread, snippet }) => [thread.id, snippet]))).toEqual(expected);
    expect(found).toHaveLength(3);
    expect(await collect(codex.threadSearch("wolverine"))).toEqual([]);
  });

  searchTest("goes through all pages, and its first page is that of a list", async () => {
    const options = { limit: 1, sortKey: "updated_at", sortDirection: "asc" } as const;
    const search = codex.threadSearch("otter", options);
    const found = idsOf(await collect(search));
    const listed = await codex.searchThreads("otter", options);
    const all = idsOf(await collect(listed));
    expect(found).toHaveLength(3);
    expect(found.toSorted()).toEqual(all.toSorted());
    const first = await search.firstPage;
    expect(first.data).toEqual(listed.data);
    expect(first.nextCursor).toBe(listed.nextCursor);
    expect(idsOf(await collect(first))).toEqual(all);
  });

  searchTest("tells two searches at once apart", async () => {
    const [otters, bears] = await Promise.all([
      collect(codex.threadSearch("otter")),
      collect(codex.threadSearch("bear")),
    ]);
    expect(otters).toHaveLength(3);
    expect(idsOf(bears)).toEqual([threads[3]?.id]);
  });

  searchTest("tells of threads before the page is there", async () => {
    await using server = await tapped();
    // What is found early is at the server's discretion: it is looked for until that has happened.
    for (let attempt = 0; ; attempt += 1) {
      expect(attempt).toBeLessThan(50);
      const from = server.lines.length;
      const found = await collect(server.client.threadSearch("otter"));
      expect(found).toHaveLength(3);
      const early = server.lines
        .slice(from)
        .flatMap(({ method, params }) =>
          method === "thread/search/partial" ? (params?.data ?? []) : [],
        );
      if (early.length === 0) continue;
      expect(idsOf(found).slice(0, early.length)).toEqual(idsOf(early));
      return;
    }
  });

  for (const how of ["leaving it", "its signal"]) {
    searchTest(`is cancelled on the server by ${how}`, async () => {
      await using server = await tapped();
      // One that is done before the server reads on is not cancelled any more.
      for (let attempt = 0; ; attempt += 1) {
        expect(attempt).toBeLessThan(50);
        const abort = new AbortController();
        server.child.kill("SIGSTOP");
        const answer = server.searched();
        const search = server.client.threadSearch("otter", { signal: abort.signal });
        const outcome = search.next().catch((error: unknown) => error);
        // The search and what ends it wait in the pipe before the server goes on.
        await settled();
        if (how === "its signal") abort.abort(new Error("enough"));
        const left = search.close();
        await settled();
        server.child.kill("SIGCONT");
        await left;
        const end = { value: undefined, done: true };
        expect(await outcome).toEqual(how === "its signal" ? abort.signal.reason : end);
        if ((await answer).error?.message === "thread search cancelled") break;
      }
      expect(await collect(server.client.threadSearch("otter"))).toHaveLength(3);
    });
  }

  searchTest("throws when the server dies meanwhile", async () => {
    await using server = await tapped();
    server.child.kill("SIGSTOP");
    const waiting = rejection(server.client.threadSearch("otter").next());
    await new Promise(setImmediate);
    server.child.kill("SIGKILL");
    expect(await waiting).toMatchObject({ code: "TRANSPORT_CLOSED", reason: { kind: "exited" } });
  });

  searchTest("works again after the server was lost", async () => {
    const own = stage.codex();
    const others = new Set(await stage.processes());
    expect(await collect(own.threadSearch("otter"))).toHaveLength(3);
    const [pid = 0] = (await stage.processes()).filter((each) => !others.has(each));
    process.kill(pid, "SIGKILL");
    for await (const { state } of own.status()) if (state === "lost") break;
    expect(await collect(own.threadSearch("otter"))).toHaveLength(3);
  });
});

// The pinned release has it.
if (!(await offers(method))) {
  test("a server without the method refuses the search at once", async () => {
    expect(await rejection(codex.threadSearch("otter").next())).toBeInstanceOf(MethodNotFoundError);
  });
}
