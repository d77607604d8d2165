import { checkOptions, type KeysOf } from "../../errors/check-options.js";
import { check, checkFields, milliseconds, notBlank, oneOf } from "../../errors/check-values.js";
import { InvalidArgumentError } from "../../errors/invalid-argument-error.js";
import type { PartVisibility } from "../../parts/part-options.js";
import { collectResult } from "./collect-result.js";
import { markRetryable } from "./mark-retryable.js";
import { ModelThreads, type ModelSource, type ModelThreadOptions } from "./model-threads.js";
import type { CodexLanguageModel, ModelVersion } from "./model-types.js";
import { OpenTurns } from "./open-turns.js";
import { startStep, type ProviderState } from "./start-step.js";

export interface CodexProviderOptions<Version extends ModelVersion = "v4"> {
  /** The client that runs the threads. It stays yours to close. */
  readonly codex: ModelSource;
  /**
   * Which models to make: `"v4"` (default) for `ai` 7, `"v3"` for `ai` 6, which refuses others. A model can say
   * one version only; all else is the same.
   */
  readonly specificationVersion?: Version | undefined;
  /**
   * Settings of the threads: directory, sandbox, who answers approvals (`onApproval`), and so on. Without
   * `ephemeral: true` the threads are stored, and can be continued later.
   */
  readonly thread?: ModelThreadOptions | undefined;
  /** What is shown of the tools of Codex, and of its reasoning. */
  readonly show?: PartVisibility | undefined;
  /**
   * How long a turn waits for the results of your tools, a person's approval of the call included (ms; default
   * 600,000). Then it is interrupted, and results that come later begin another turn.
   */
  readonly toolResultTimeoutMs?: number | undefined;
}

/** Makes language models of Codex. */
export interface CodexProvider<Version extends ModelVersion = "v4"> {
  /** `model`: a name such as `"gpt-5"`; without it, the model of the configuration. */
  (model?: string): CodexLanguageModel<Version>;
  /** The same, as registries of providers call it. */
  languageModel(model: string): CodexLanguageModel<Version>;
}

const keys: KeysOf<CodexProviderOptions> = {
  codex: true,
  specificationVersion: true,
  thread: true,
  show: true,
  toolResultTimeoutMs: true,
};

/**
 * Codex as a provider of language models for `generateText()`, `streamText()` and their like of the AI SDK. Make
 * one, and keep it: it knows the turns that wait for results of your tools.
 *
 * ```ts
 * const model = createCodex({ codex: new Codex() });
 * const { text } = await generateText({ model: model("gpt-5"), prompt: "Why does the build fail?" });
 * ```
 *
 * @throws InvalidArgumentError
 */
export function createCodex<Version extends ModelVersion = "v4">(
  options: CodexProviderOptions<Version>,
): CodexProvider<Version> {
  checkOptions("createCodex()", options, keys);
  const { codex, thread = {}, show, toolResultTimeoutMs = 600_000 } = options;
  const version = options.specificationVersion ?? ("v4" as Version);
  check("codex", codex, { fits: isSource, problem: "must be a Codex, or what behaves like one" });
  check("specificationVersion", version, oneOf("v3", "v4"));
  checkFields({ toolResultTimeoutMs }, { toolResultTimeoutMs: milliseconds });
  if ("tools" in thread || "dynamicTools" in thread) {
    throw new InvalidArgumentError("thread", "must have no tools; pass them to generateText()");
  }
  const threads = new ModelThreads(codex, thread);
  const state = { threads, turns: new OpenTurns(), show, toolResultTimeoutMs };
  const languageModel = (model?: string) => new CodexModel(state, version, model);
  return Object.assign((model?: string) => languageModel(model), { languageModel });
}

class CodexModel<Version extends ModelVersion> implements CodexLanguageModel<Version> {
  readonly specificationVersion: Version;
  readonly provider = "codex";
  readonly modelId: string;
  readonly supportedUrls = {};
  readonly #state: ProviderState;
  readonly #model: string | undefined;

  constructor(state: ProviderState, version: Version, model: string | undefined) {
    if (model !== undefined) check("model", model, notBlank);
    this.#state = state;
    this.specificationVersion = version;
    this.#model = model;
    this.modelId = model ?? "default";
  }

  readonly doGenerate: CodexLanguageModel["doGenerate"] = async (call) => {
    const { stream } = await this.doStream(call);
    return collectResult(stream);
  };

  readonly doStream: CodexLanguageModel["doStream"] = async (call) => {
    try {
      return { stream: await startStep(this.#state, this.#model, call) };
    } catch (error) {
      throw markRetryable(error);
    }
  };
}

function isSource(value: unknown): boolean {
  const { startThread, resumeThread, thread } = (value ?? {}) as Partial<ModelSource>;
  return [startThread, resumeThread, thread].every((each) => typeof each === "function");
}
