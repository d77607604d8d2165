import {
  configFor,
  startLoopbackModel,
  type LoopbackConfig,
  type LoopbackConfigOverrides,
  type LoopbackModel,
} from "../../lib/testing/index.js";
import { configArgs, serverUnderTest, RawClient, type RawMessage } from "./raw-client.js";
import { makeTempDir, type TempDir } from "./temp-dir.js";

export type Params = Record<string, unknown>;

export interface RawStageOptions {
  /** May depend on the model, whose address is not known before. */
  readonly overrides?:
    LoopbackConfigOverrides | ((model: LoopbackModel) => LoopbackConfigOverrides);
  /** Called with each process before anything is sent to it. */
  readonly onStart?: (client: RawClient) => void;
}

/** The real server, bare: a scripted model, a private home, an empty project directory. */
export class RawStage {
  readonly model: LoopbackModel;
  readonly options: LoopbackConfig;
  readonly #directory: TempDir;
  readonly #onStart: (client: RawClient) => void;
  #client: RawClient | undefined;

  static async open({ overrides, onStart }: RawStageOptions = {}): Promise<RawStage> {
    const model = await startLoopbackModel();
    const chosen = typeof overrides === "function" ? overrides(model) : overrides;
    const options = await configFor(model, chosen);
    const stage = new RawStage(model, options, await makeTempDir(), onStart);
    try {
      await stage.restart();
    } catch (error) {
      await stage.close();
      throw error;
    }
    return stage;
  }

  private constructor(
    model: LoopbackModel,
    options: LoopbackConfig,
    directory: TempDir,
    onStart: (client: RawClient) => void = () => undefined,
  ) {
    this.model = model;
    this.options = options;
    this.#directory = directory;
    this.#onStart = onStart;
  }

  get client(): RawClient {
    if (!this.#client) throw new Error("the stage has no server");
    return this.#client;
  }

  get project(): string {
    return this.#directory.path;
  }

  /** Ends the server, if one runs, and starts another on the same home. */
  async restart(): Promise<void> {
    await this.#client?.close();
    const { config, env } = this.options;
    const args = [...configArgs(config), "app-server"];
    this.#client = RawClient.start({ command: serverUnderTest(), args, env, cwd: this.project });
    this.#onStart(this.#client);
    await this.#client.initialize();
  }

  /** Starts a thread in the project directory and gives its id. */
  async startThread(params: Params = {}): Promise<string> {
    const { thread } = await this.client.request("thread/start", { cwd: this.project, ...params });
    return idOf(thread);
  }

  /** Starts a turn and gives its id. */
  async startTurn(threadId: string, text: string, params: Params = {}): Promise<string> {
    const input = [{ type: "text", text }];
    const { turn } = await this.client.request("turn/start", { threadId, input, ...params });
    return idOf(turn);
  }

  /** Waits for the end of a turn, and gives the turn. */
  async completed(turnId: string): Promise<Params> {
    const { params } = await this.seen("turn/completed", ({ turn }) => idOf(turn) === turnId);
    return params?.turn as Params;
  }

  /** A notification or a request of the server, past or future. */
  seen(method: string, fits: (params: Params) => boolean = () => true): Promise<RawMessage> {
    return this.client.waitFor(
      (message) => message.method === method && fits(message.params ?? {}),
    );
  }

  /** The items of a turn that completed so far, in order of arrival. */
  itemsOf(turnId: string): Params[] {
    return this.client.messages
      .filter(({ method, params }) => method === "item/completed" && params?.turnId === turnId)
      .map(({ params }) => params?.item as Params);
  }

  async close(): Promise<void> {
    await this.#client?.close();
    await this.model.close();
    await this.#directory.remove();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

export function idOf(value: unknown): string {
  return (value as { id: string }).id;
}
