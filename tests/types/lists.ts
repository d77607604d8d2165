/** Compile-time checks of lists and subscriptions; nothing here runs. */
import type {
  AppServerClient,
  Codex,
  CodexApi,
  ConnectionNotification,
  Page,
  Pages,
  protocol,
  ServerNotification,
  Thread,
} from "../../lib/index.js";

type Same<One, Other> = [One, Other] extends [Other, One] ? true : false;
type Hold<Checks extends true[]> = Checks;
type Models = ReturnType<Codex["models"]>;
type Of<List> = List extends AsyncIterable<infer Entry> ? Entry : never;

/** Awaiting a list gives a page; both are iterated for entries. */
export type ListsArePromisesOfPages = Hold<
  [
    Same<Models, Pages<protocol.Model>>,
    Same<Awaited<Models>, Page<protocol.Model>>,
    Same<Awaited<Models>["data"], readonly protocol.Model[]>,
    Same<Of<Models>, protocol.Model>,
    Same<Of<Awaited<Models>>, protocol.Model>,
    Models extends Promise<Page<protocol.Model>> ? true : false,
    Same<Of<Awaited<ReturnType<Thread["items"]>>>, protocol.ThreadItemEntry>,
  ]
>;

/** Both clients hear notifications in the same way, and what they give can be named. */
export type SubscriptionsAreAlike = Hold<
  [
    Same<Codex["on"], AppServerClient["on"]>,
    Same<
      Of<ReturnType<AppServerClient["notifications"]>>,
      ServerNotification | ConnectionNotification
    >,
    Codex extends CodexApi ? true : false,
    AppServerClient extends CodexApi ? true : false,
  ]
>;

export function hears(codex: Codex): () => void {
  // @ts-expect-error there is no such notification
  codex.on("turn/complete", () => undefined);
  // @ts-expect-error it has no such params
  codex.on("turn/completed", ({ params: { turns } }) => turns as unknown);
  return codex.on("turn/completed", ({ params }) => params.turn.id satisfies string);
}

export async function walks(codex: Codex): Promise<Page<protocol.Model>> {
  for await (const { id } of await codex.models()) id satisfies string;
  for await (const { data } of (await codex.models()).iterPages()) data[0]?.id satisfies unknown;
  // An async function that returns a list returns its first page.
  return codex.models({ limit: 1 });
}
