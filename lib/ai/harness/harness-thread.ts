import type { Codex, StartThreadOptions, Thread, Tool, ToolContext } from "../../index.js";
import { InvalidArgumentError } from "../../errors/invalid-argument-error.js";
import type { HarnessPermissions } from "./harness-permissions.js";
import { addedTool, howToCall, toolForAdded } from "./added-tool.js";
import { fingerprint, provideSkills } from "./harness-skills.js";
import type {
  HarnessSkill,
  HarnessStateData,
  HarnessToolSpec,
  HarnessTurnSettings,
} from "./harness-types.js";
import type { HarnessTurns } from "./harness-turns.js";
import { unsupported } from "./unsupported.js";

/** What the harness needs of a `Codex`. */
export type HarnessSource = Pick<
  Codex,
  "startThread" | "resumeThread" | "thread" | "exec" | "files"
>;

/** Settings of the threads of a harness. The sandbox session, the permission mode and each turn say the rest. */
export type HarnessThreadOptions = Omit<StartThreadOptions, HarnessOwnSetting>;

/** What sessions of `HarnessAgent` decide themselves. */
export type HarnessOwnSetting =
  | "tools"
  | "dynamicTools"
  | "cwd"
  | "approvalsReviewer"
  | "onApproval"
  | "onUserInput"
  | "onElicitation"
  | "handlers"
  | "ephemeral";

export const harnessOwnSettings: readonly HarnessOwnSetting[] = [
  "tools",
  "dynamicTools",
  "cwd",
  "approvalsReviewer",
  "onApproval",
  "onUserInput",
  "onElicitation",
  "handlers",
  "ephemeral",
];

export interface HarnessThreadSettings {
  readonly codex: HarnessSource;
  readonly options: HarnessThreadOptions;
  readonly permissions: HarnessPermissions;
  readonly turns: HarnessTurns;
  readonly cwd: string;
  /** Whether tools that are new may be called through a tool that the thread has from its start. */
  readonly toolsMayChange: boolean;
}

const nothingTold: HarnessStateData["told"] = {
  instructions: fingerprint(undefined),
  skills: fingerprint([]),
  tools: {},
};

/**
 * The thread of a session. Instructions, skills and tools may be others with each turn: the thread stays, and is told
 * what has changed.
 */
export class HarnessThread {
  readonly #settings: HarnessThreadSettings;
  #threadId: string | null;
  #told: HarnessStateData["told"];
  #model: string | undefined;
  #cwd: string | undefined;
  /** Whether the thread has the settings of this session. */
  #isOpened = false;

  constructor(settings: HarnessThreadSettings, state: HarnessStateData | undefined) {
    this.#settings = settings;
    this.#threadId = state?.threadId ?? null;
    this.#told = state?.told ?? nothingTold;
  }

  get state(): Omit<HarnessStateData, "turn"> {
    return { threadId: this.#threadId, told: this.#told };
  }

  /** The model of the configuration, as the server has named it. */
  get model(): string | undefined {
    return this.#model;
  }

  /** Its directory, as the server names it. */
  get cwd(): string {
    return this.#cwd ?? this.#settings.cwd;
  }

  /** The thread, without anything of a turn; undefined before the first prompt. */
  get handle(): Thread | undefined {
    return this.#threadId === null ? undefined : this.#settings.codex.thread(this.#threadId);
  }

  /** Loads the thread of a state, under the settings of this session. */
  async resume(): Promise<void> {
    if (this.#threadId === null) return;
    this.#settings.turns.checkFree(this.#threadId);
    const { codex, options, permissions, cwd } = this.#settings;
    const { approvalPolicy, approvalsReviewer, sandbox, config } = permissions.thread;
    const { model, modelProvider, serviceTier, baseInstructions, trace } = options;
    const thread = await codex.resumeThread(this.#threadId, {
      ...{ model, modelProvider, serviceTier, baseInstructions, trace },
      ...{ approvalPolicy, approvalsReviewer, sandbox, config, cwd },
    });
    this.#opened(thread);
  }

  /** A handle for a turn that runs already. */
  handleFor({ tools = [] }: HarnessTurnSettings): Thread | undefined {
    const { codex } = this.#settings;
    const bound = this.#bind(tools);
    return this.#threadId === null ? undefined : codex.thread(this.#threadId, { tools: bound });
  }

  /** Makes the thread fit for the next turn, and starts it if there is none. */
  async prepare(turn: HarnessTurnSettings): Promise<Thread> {
    const { instructions, skills = [], tools = [] } = turn;
    const told = {
      instructions: fingerprint(instructions),
      skills: fingerprint(skills),
      tools: Object.fromEntries(tools.map((tool) => [tool.name, fingerprint(tool)])),
    };
    if (this.#threadId === null) return this.#start(turn, told);
    // A turn that the session went on with had kept the settings that it began with.
    if (!this.#isOpened) await this.resume();
    this.#settings.turns.checkFree(this.#threadId);
    const thread = this.#settings.codex.thread(this.#threadId, { tools: this.#bind(tools) });
    const news: string[] = this.#newsOfTools(tools, told.tools);
    if (told.instructions !== this.#told.instructions) {
      const text = instructions ?? "None.";
      news.push(`These instructions replace all earlier ones of this application:\n\n${text}`);
    }
    if (told.skills !== this.#told.skills) news.push(await this.#provide(skills));
    if (news.length > 0) await thread.injectItems(news.map(developerMessage));
    // The model still knows the tools that it was told before.
    this.#told = { ...told, tools: { ...this.#told.tools, ...told.tools } };
    return thread;
  }

  async #start(
    { instructions, skills = [], tools = [], model }: HarnessTurnSettings,
    told: HarnessStateData["told"],
  ): Promise<Thread> {
    const { codex, options, permissions, cwd } = this.#settings;
    const skillList = skills.length > 0 ? await this.#provide(skills) : undefined;
    const all = [options.developerInstructions, instructions, skillList].filter(
      (text) => text !== undefined && text !== null && text !== "",
    );
    const thread = await codex.startThread({
      ...options,
      ...permissions.thread,
      cwd,
      ...(all.length > 0 ? { developerInstructions: all.join("\n\n") } : undefined),
      ...(model === undefined ? undefined : { model }),
      tools: this.#bind(tools),
    });
    this.#opened(thread);
    this.#told = told;
    return thread;
  }

  #opened(thread: Thread): void {
    this.#threadId = thread.id;
    this.#isOpened = true;
    this.#model = thread.opened?.model;
    this.#cwd = thread.opened?.cwd;
  }

  #provide(skills: readonly HarnessSkill[]): Promise<string> {
    const { codex, permissions, cwd } = this.#settings;
    // Beside the directory, so that the repository in it has nothing new.
    const directory = `${cwd}.skills`;
    const canRead = permissions.has("bash");
    return provideSkills(skills, { files: codex.files, directory, canRead });
  }

  /** What the model is to know of tools that are new, or were changed. */
  #newsOfTools(
    tools: readonly HarnessToolSpec[],
    told: Readonly<Record<string, string>>,
  ): string[] {
    const changed = tools.filter(({ name }) => told[name] !== this.#told.tools[name]);
    if (changed.length === 0) return [];
    if (!this.#settings.toolsMayChange) {
      const names = changed.map(({ name }) => name).join(", ");
      throw unsupported(
        "tools",
        `are not those that the thread was started with (${names}); make the harness with toolsMayChange, or begin another session`,
      );
    }
    return changed.map(howToCall);
  }

  /** The functions of the tools of a turn: each waits for the result that the host gives. */
  #bind(tools: readonly HarnessToolSpec[]): Tool[] {
    const { turns, toolsMayChange } = this.#settings;
    if (tools.some(({ name }) => name === addedTool))
      throw new InvalidArgumentError("tools", `must not name ${addedTool}`);
    const bound = tools.map(({ name, description, inputSchema }): Tool => ({
      name,
      description: description ?? "",
      inputSchema: (inputSchema ?? { type: "object" }) as Tool["inputSchema"],
      execute: (_: unknown, context: ToolContext) => turns.call(name, context),
    }));
    return toolsMayChange ? [...bound, toolForAdded(bound)] : bound;
  }
}

function developerMessage(text: string) {
  return { type: "message", role: "developer", content: [{ type: "input_text", text }] };
}
