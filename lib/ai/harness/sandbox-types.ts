// The shapes of the AI SDK's sandboxes (`HarnessV1SandboxProvider` and `Experimental_SandboxSession`), as far as they
// are read and written here; tests/ai-7 holds them against the real ones.

export interface SandboxPath {
  readonly abortSignal?: AbortSignal | undefined;
  /** Absolute, or relative to the directory of the sandbox. */
  readonly path: string;
}

export interface SandboxContent<Content> extends SandboxPath {
  readonly content: Content;
}

export interface SandboxCommand {
  readonly abortSignal?: AbortSignal | undefined;
  /** A command line of `/bin/sh`. */
  readonly command: string;
  readonly workingDirectory?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
}

export interface SandboxProcess {
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  wait(): Promise<{ exitCode: number }>;
  kill(): Promise<void>;
}

/** What tools of the host get as `experimental_sandbox`. */
export interface SandboxFilesAndCommands {
  readonly description: string;
  readFile(options: SandboxPath): Promise<ReadableStream<Uint8Array> | null>;
  readBinaryFile(options: SandboxPath): Promise<Uint8Array | null>;
  /** `startLine` and `endLine` count from 1, and are both part of the text. */
  readTextFile(
    options: SandboxPath & {
      readonly encoding?: string | undefined;
      readonly startLine?: number | undefined;
      readonly endLine?: number | undefined;
    },
  ): Promise<string | null>;
  writeFile(options: SandboxContent<ReadableStream<Uint8Array>>): Promise<void>;
  writeBinaryFile(options: SandboxContent<Uint8Array>): Promise<void>;
  writeTextFile(
    options: SandboxContent<string> & { readonly encoding?: string | undefined },
  ): Promise<void>;
  spawn(options: SandboxCommand): Promise<SandboxProcess>;
  run(options: SandboxCommand): Promise<{ exitCode: number; stdout: string; stderr: string }>;
}

export type SandboxNetworkPolicy =
  { readonly mode: "allow-all" } | { readonly mode: "deny-all" } | { readonly mode: "custom" };

export interface HarnessSandboxSession extends SandboxFilesAndCommands {
  readonly id: string;
  readonly defaultWorkingDirectory: string;
  /** None: nothing of it is exposed. */
  readonly ports: readonly number[];
  getPortEndpoint(options: { port: number }): Promise<{ url: string }>;
  getPortUrl(options: { port: number }): Promise<string>;
  /** Ends the commands that run. */
  stop(): Promise<void>;
  /** Does the same: the files are yours. */
  destroy(): Promise<void>;
  setNetworkPolicy(policy: SandboxNetworkPolicy): Promise<void>;
  restricted(): SandboxFilesAndCommands;
}

/** What `HarnessAgent` takes as `sandbox`. */
export interface HarnessSandbox {
  readonly specificationVersion: "harness-sandbox-v1";
  readonly providerId: string;
  createSession(options?: {
    readonly sessionId?: string | undefined;
    readonly abortSignal?: AbortSignal | undefined;
    readonly identity?: string | undefined;
    readonly onFirstCreate?:
      | ((
          session: SandboxFilesAndCommands,
          options: { abortSignal?: AbortSignal },
        ) => Promise<void>)
      | undefined;
  }): Promise<HarnessSandboxSession>;
  resumeSession(options: {
    readonly sessionId: string;
    readonly abortSignal?: AbortSignal | undefined;
  }): Promise<HarnessSandboxSession>;
}
