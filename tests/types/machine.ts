/** Compile-time checks of commands, watches, files and searches; nothing here runs. */
import type {
  AppServerClient,
  AsyncIteration,
  Codex,
  CommandHandle,
  CommandResult,
  FileSearch,
  FileSearchResults,
  OutputStream,
  Pages,
  protocol,
  Watch,
  WatchEvent,
} from "../../lib/index.js";

type Same<One, Other> = [One, Other] extends [Other, One] ? true : false;
type Hold<Checks extends true[]> = Checks;
type Not<Check extends boolean> = Check extends true ? false : true;

/** Handles can be disposed of, and awaiting one gives the handle itself. */
export type HandlesAreNoPromises = Hold<
  [
    Same<Awaited<CommandHandle>, CommandHandle>,
    Same<Awaited<Watch>, Watch>,
    Same<Awaited<FileSearch>, FileSearch>,
    Same<CommandHandle["exit"], Promise<CommandResult>>,
    Not<CommandHandle extends AsyncIterable<unknown> ? true : false>,
    CommandHandle extends AsyncDisposable ? true : false,
    Watch extends AsyncIterable<WatchEvent> & AsyncDisposable ? true : false,
    FileSearch extends AsyncIterable<FileSearchResults> & AsyncDisposable ? true : false,
    OutputStream extends AsyncIterable<Uint8Array> ? true : false,
  ]
>;

export async function commands(codex: Codex, signal: AbortSignal): Promise<void> {
  const command = codex.exec(["git", "status"], {
    cwd: "sub",
    env: { A: "1", B: null, C: undefined },
    sandbox: "read-only",
    stdin: new Uint8Array(),
    timeoutMs: undefined,
    signal,
  });
  const { exitCode } = await command.exit;
  exitCode satisfies number;
  for await (const chunk of command.stdout) chunk satisfies Uint8Array;
  for await (const piece of command.stdout.text()) piece satisfies string;
  for await (const line of command.stderr.lines()) line satisfies string;
  await command.write("text");
  await command.write(Buffer.from("bytes"));
  await command.resize({ cols: 80, rows: 24 });
  codex.exec(["ls"] as const);
  codex.spawn(["ls"], { cwd: "/", tty: true, size: { cols: 80, rows: 24 } });

  // @ts-expect-error -- no shell takes a command apart
  codex.exec("git status");
  // @ts-expect-error -- a process must be told where to run
  codex.spawn(["ls"]);
  // @ts-expect-error -- a process has no sandbox
  codex.spawn(["ls"], { cwd: "/", sandbox: "read-only" });
  // @ts-expect-error -- sandboxes have the same names as on threads
  codex.exec(["ls"], { sandbox: "readOnly" });
  // @ts-expect-error -- the id of the process is chosen here
  codex.exec(["ls"], { processId: "mine" });
  // @ts-expect-error -- only bytes and text can be written
  await command.write([1, 2, 3]);
}

export async function watching(codex: Codex): Promise<void> {
  for await (const { changedPaths } of codex.watch("/dir")) {
    changedPaths satisfies readonly string[];
    // @ts-expect-error -- what was told is not to be changed
    changedPaths satisfies string[];
  }
  const search = codex.fileSearch({ roots: ["/dir"], query: "a" });
  for await (const { files, complete, query } of search) {
    files satisfies readonly protocol.FuzzyFileSearchResult[];
    complete satisfies boolean;
    await search.update(`${query}b`);
  }
  (await codex.searchFiles("a")) satisfies protocol.FuzzyFileSearchResult[];
}

export async function searchThreads(codex: Codex, client: AppServerClient): Promise<void> {
  await using search = codex.threadSearch("a", { limit: 5, archived: true, timeoutMs: Infinity });
  for await (const { thread, snippet } of search) {
    thread satisfies protocol.Thread;
    snippet satisfies string;
  }
  (await search.firstPage).data satisfies readonly protocol.ThreadSearchResult[];
  client.threadSearch("a") satisfies AsyncIteration<protocol.ThreadSearchResult>;
  // @ts-expect-error -- a page is named in lists only
  codex.threadSearch("a", { cursor: "x" });
  (await codex.modelProviders.setDefault("mock")).status satisfies protocol.WriteStatus;
  const entries: Pages<protocol.ThreadRealtimeEntry> = codex
    .thread("t")
    .realtimeItems({ order: "position" });
  await entries;
}

export async function files({ files: all }: Codex): Promise<void> {
  (await all.read("/f")) satisfies Uint8Array;
  (await all.readText("/f", { timeoutMs: 5 })) satisfies string;
  await all.write("/f", "text");
  await all.write("/f", new Uint8Array());
  (await all.stat("/f")).modifiedAtMs satisfies number;
  for (const { fileName } of await all.readDir("/d")) fileName satisfies string;
  await all.remove("/d", { recursive: true, force: undefined });
  // @ts-expect-error -- a file of numbers there is not
  await all.write("/f", 7);
}
