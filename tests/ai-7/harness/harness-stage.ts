import { HarnessAgent, type HarnessAgentSession } from "@ai-sdk/harness/agent";
import path from "node:path";
import {
  createCodexHarness,
  createCodexSandbox,
  type CodexHarness,
  type CodexHarnessOptions,
  type CodexSandboxOptions,
} from "../../../lib/ai/index.js";
import type { Codex } from "../../../lib/index.js";
import type { LoopbackModel } from "../../../lib/testing/index.js";
import { RealStage } from "../../support/real.js";

type Settings = ConstructorParameters<typeof HarnessAgent<CodexHarness>>[0];

export interface AgentOptions extends Partial<Omit<Settings, "harness" | "sandbox">> {
  readonly codex?: Codex;
  readonly harness?: CodexHarness;
  readonly options?: Partial<CodexHarnessOptions>;
  readonly sandbox?: Partial<CodexSandboxOptions>;
}

/** The real `HarnessAgent` on the real server, with a scripted model. */
export class HarnessStage {
  readonly real: RealStage;
  readonly codex: Codex;

  static async open(...given: Parameters<typeof RealStage.open>): Promise<HarnessStage> {
    return new HarnessStage(await RealStage.open(...given));
  }

  private constructor(real: RealStage) {
    this.real = real;
    this.codex = real.codex();
  }

  get model(): LoopbackModel {
    return this.real.model;
  }

  harness(options: Partial<CodexHarnessOptions> = {}): CodexHarness {
    // What is tested here is what is asked, not the sandbox of the system.
    const thread = { sandbox: "danger-full-access", ...options.thread } as const;
    return createCodexHarness({ codex: this.codex, ...options, thread });
  }

  agent({ codex = this.codex, harness, options, sandbox, ...settings }: AgentOptions = {}) {
    return new HarnessAgent<CodexHarness>({
      harness: harness ?? this.harness({ codex, ...options }),
      sandbox: createCodexSandbox({
        codex,
        directory: this.real.project,
        commands: "danger-full-access",
        ...sandbox,
      }),
      ...settings,
    } as unknown as Settings);
  }

  /** The directory of a session. */
  directoryOf({ sessionId }: HarnessAgentSession): string {
    return path.join(this.real.project, `codex-${sessionId}`);
  }

  close(): Promise<void> {
    return this.real.close();
  }
}

/** A part of what `stream()` gives, as far as the tests look at it. */
export interface SeenPart {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Reads a stream of the AI SDK to its end. */
export async function partsIn(result: { readonly fullStream: unknown }): Promise<SeenPart[]> {
  const parts: SeenPart[] = [];
  for await (const part of result.fullStream as AsyncIterable<SeenPart>) parts.push(part);
  return parts;
}

/** The first part of a type; there must be one. */
export function partOf(parts: readonly SeenPart[], type: string): SeenPart {
  const part = parts.find((each) => each.type === type);
  if (!part) throw new Error(`there is no ${type} in ${parts.map((each) => each.type).join(", ")}`);
  return part;
}

export function textOf(parts: readonly SeenPart[]): string {
  return parts.map((part) => (part.type === "text-delta" ? String(part["text"]) : "")).join("");
}
