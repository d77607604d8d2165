/** Compile-time checks of the tree of methods; nothing here runs. */
import type {
  AppServerClient,
  ClientRequestMethod,
  Codex,
  ParamsArgument,
  ParamsOf,
  RequestOptions,
  ResultOf,
  Rpc,
  protocol,
} from "../../lib/index.js";

type Same<One, Other> = [One, Other] extends [Other, One] ? true : false;
type Hold<Checks extends true[]> = Checks;

/** What a tree has where a method's name leads. */
type At<Tree, Path extends string> = Path extends `${infer Head}/${infer Rest}`
  ? Head extends keyof Tree
    ? At<Tree[Head], Rest>
    : undefined
  : Path extends keyof Tree
    ? Tree[Path]
    : undefined;

/** The name of every method that a tree has. */
type Methods<Tree, Path extends string = ""> = {
  [Name in keyof Tree & string]:
    | (Tree[Name] extends (...args: never) => unknown ? `${Path}${Name}` : never)
    | Methods<Tree[Name], `${Path}${Name}/`>;
}[keyof Tree & string];

type Arguments<M extends ClientRequestMethod> = [...ParamsArgument<M>, options?: RequestOptions];

/** For each method, whether the tree has it and takes and gives what `request` does. */
type Fits = {
  [M in ClientRequestMethod]: At<Rpc, M> extends (...args: infer Args) => infer Result
    ? [
        Same<Args["length"], Arguments<M>["length"]>,
        Same<Args[0], ParamsOf<M> | ParamsArgument<M>[0]>,
        Same<Args[1], RequestOptions | undefined>,
        Same<Result, Promise<ResultOf<M>>>,
      ]
    : [false, M];
};

export type EveryMethodIsThere = Hold<
  [
    Same<Methods<Rpc>, ClientRequestMethod>,
    Same<Fits[ClientRequestMethod], [true, true, true, true]>,
    Same<AppServerClient["rpc"], Rpc>,
    Same<Codex["rpc"], Rpc>,
    Same<Awaited<Rpc>, Rpc>,
  ]
>;

export async function calls({ rpc }: AppServerClient, signal: AbortSignal): Promise<void> {
  const { goal }: { goal: protocol.ThreadGoal } = await rpc.thread.goal.set(
    { threadId: "t1", objective: "Ship it", status: undefined },
    { signal, timeoutMs: 1_000 },
  );
  await rpc.thread.archive({ threadId: goal.threadId });
  // What needs no params can be called without.
  await rpc.account.logout();
  await rpc.account.logout(undefined, { signal });
  await rpc.thread.list();
  await rpc.remoteControl.disable(null);
  // Methods that are groups too.
  await rpc.fuzzyFileSearch({ query: "a", roots: ["/"] });
  await rpc.fuzzyFileSearch.sessionStop({ sessionId: "s1" });

  // @ts-expect-error -- the thread is missing
  await rpc.thread.archive();
}
