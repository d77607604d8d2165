import { updated } from "../../scripts/update-artifacts/collect-changes.js";
import { runCommand } from "../../scripts/run-command.js";

export interface RehearsalStep {
  readonly command: string;
  readonly seconds: number;
  /** Which files it changed, or how many in a folder. */
  readonly changed: string;
  /** What it printed about the protocol; empty where it printed nothing. */
  readonly protocol: string;
}

/**
 * What people write, and how its tests are run; everything else is either made by the command or belongs to it.
 */
const sources = ["lib", "tests", "examples", "jest.config.js"];

/** A scratch clone in which updates are made as a user makes them, and judged. */
export class Rehearsal {
  readonly steps: RehearsalStep[] = [];
  /** The commit that is rehearsed. */
  #newest = "";
  readonly #folder: string;
  readonly #signal: AbortSignal;
  readonly #print: (text: string) => void;

  constructor(folder: string, signal: AbortSignal, print: (text: string) => void) {
    this.#folder = folder;
    this.#signal = signal;
    this.#print = print;
  }

  /**
   * Clones the last commit of a checkout, installs what it pins, and takes the sources from the commit
   * before that release was pinned; the scripts stay those of today.
   */
  async clone(root: string, pinned: string): Promise<void> {
    const options = { cwd: root, signal: this.#signal };
    const dirty = await runCommand("git", ["status", "--porcelain"], options);
    if (dirty !== "") this.#print("What is not committed is not rehearsed.");
    await runCommand("git", ["clone", "--quiet", "--no-hardlinks", root, this.#folder], options);
    await this.#git("config", "user.name", "rehearsal");
    await this.#git("config", "user.email", "rehearsal@localhost");
    this.#newest = (await this.#git("rev-parse", "HEAD")).trim();
    const pin = `"@openai/codex": "${pinned}"`;
    const log = ["log", "-1", "--format=%H", `-S${pin}`, "--", "package.json"];
    const moved = (await this.#git(...log)).trim();
    const isFirst =
      moved === "" || (await this.#git("rev-list", "--parents", "-1", moved)).trim() === moved;
    await this.#timed("npm ci", () => this.#run("npm", ["ci"]));
    if (!isFirst) await this.#takeSources(`${moved}~1`, "before the release was pinned");
  }

  /** Makes the start: the same sources with an older release. Its real tests are run by test:runtimes. */
  async goBack(release: string): Promise<void> {
    await this.#update("--channel", release);
    // Nobody has published the way back: the next step starts here.
    await this.#git("checkout", "HEAD", "--", "CHANGELOG.md");
    await this.#commit(`Start at ${release}`);
  }

  /**
   * Moves to a release. Throws when a real test fails, or when something else was changed. The tests of the
   * newest one are run with what people have changed by hand for it.
   */
  async update(release: string, isNewest: boolean): Promise<void> {
    if (isNewest) {
      await this.#move("--channel", release);
      await this.#commit(`Move to ${release}`);
      await this.#takeSources(this.#newest, "of today: this is what was done by hand");
      await this.#update("--channel", release, "--verify");
    } else {
      await this.#move("--channel", release, "--verify");
    }
    await this.#commit(`Verify ${release}`);
  }

  /** Moves to the release once more. Throws when that changes something. */
  async repeat(release: string): Promise<void> {
    const step = await this.#update("--channel", release);
    if (step.changed !== "nothing") {
      throw new Error(`${step.command}, the second time, changed ${step.changed}.`);
    }
  }

  async #move(...args: readonly string[]): Promise<void> {
    const step = await this.#update(...args);
    if (step.changed === "nothing") throw new Error(`${step.command} changed nothing.`);
  }

  /** Takes the sources and the tests of a commit. */
  async #takeSources(commit: string, which: string): Promise<void> {
    await this.#git("rm", "-r", "--quiet", ...sources);
    await this.#git("checkout", commit, "--", ...sources);
    // Of its tests about the scripts, those of today: the scripts are.
    const list = ["ls-tree", "-r", "--name-only", this.#newest, "--", "tests/real"];
    const today = new Set((await this.#git(...list)).split("\n"));
    const about = ["grep", "-lE", 'from "(\\.\\./)+scripts/', commit, "--", "tests/real"];
    const found = (await this.#git(...about)).trim().split("\n");
    const files = found.map((name) => name.slice(commit.length + 1));
    await this.#git("rm", "--quiet", "--force", ...files);
    // A test that takes long has since got a name that says so.
    const names = files.flatMap((name) => [name, name.replace(/\.test\.ts$/, ".long.test.ts")]);
    await this.#git("checkout", this.#newest, "--", ...names.filter((name) => today.has(name)));
    const changed = (await this.#git("diff", "--cached", "--shortstat")).trim();
    this.#print(`\n== The sources ${which} (${sources.join(", ")}): ${changed || "the same"}`);
    await this.#commit(`Take the sources ${which}`);
  }

  async #update(...args: readonly string[]): Promise<RehearsalStep> {
    const command = ["npm", "run", "--silent", "update-artifacts", "--", ...args];
    return this.#timed(`update-artifacts ${args.join(" ")}`, () =>
      this.#run("npm", command.slice(1)),
    );
  }

  async #timed(command: string, work: () => Promise<string>): Promise<RehearsalStep> {
    this.#print(`\n== ${command}`);
    const begun = performance.now();
    const output = await work();
    const seconds = (performance.now() - begun) / 1_000;
    const changed = judge(command, await this.#git("status", "--porcelain", "-uall"));
    const step = { command, seconds, changed, protocol: protocolIn(output) };
    this.steps.push(step);
    return step;
  }

  async #commit(message: string): Promise<void> {
    await this.#git("add", "--all");
    await this.#git("commit", "--quiet", "--allow-empty", "--message", message);
  }

  #git(...args: readonly string[]): Promise<string> {
    return runCommand("git", args, { cwd: this.#folder, signal: this.#signal });
  }

  #run(command: string, args: readonly string[]): Promise<string> {
    const onOutput = (text: string): void => void process.stdout.write(text);
    return runCommand(command, args, { cwd: this.#folder, signal: this.#signal, onOutput });
  }
}

/** What an update printed about the protocol. */
export function protocolIn(output: string): string {
  const [, text = ""] =
    /^(The protocol, codex .*:\n[\s\S]*?)\n+^CHANGELOG\.md /m.exec(output) ?? [];
  return text;
}

/** Says what a step changed, from git's status. Throws for what the command may not change. */
export function judge(command: string, status: string): string {
  const counts = new Map<string, number>();
  for (const line of status.split("\n").filter((each) => each !== "")) {
    const place = line.slice(3);
    const folder = updated.folders.find((each) => place.startsWith(`${each}/`));
    const isFile = updated.files.some((each) => each === place);
    if (folder === undefined && !isFile) throw new Error(`${command} changed ${place}.`);
    const name = folder === undefined ? place : `${folder}/`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const names = [...counts].map(([name, count]) =>
    name.endsWith("/") ? `${name} (${count})` : name,
  );
  return names.length === 0 ? "nothing" : names.join(", ");
}
