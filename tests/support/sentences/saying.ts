import { expect } from "@jest/globals";
import type { HeardServer } from "../heard-server.js";
import { rejection, type RealStage } from "../real.js";

/** What the server was made to say. */
export interface Saying {
  /** Its own words, as they were sent. */
  readonly text: string;
  /** Fails unless this library has decided what the table says. Only called where the server says it. */
  readonly decides: () => unknown;
}

/** Makes a server say it: one that others of its kind have used before, on a stage that they share. */
export type Shared = (server: HeardServer, stage: RealStage) => Promise<Saying>;

/** The same, on a stage of its own that has no server yet. */
export type Alone = (stage: RealStage) => Promise<Saying>;

export type ErrorClass = abstract new (...args: never[]) => Error;

/** The id of no thread. */
export const nobody = "019a0000-0000-7000-8000-000000000001";

/** A request that is refused: with which words, and which error the caller gets. */
export async function refusal(
  server: HeardServer,
  call: Promise<unknown>,
  type: ErrorClass,
  fields: Readonly<Record<string, unknown>> = {},
): Promise<Saying> {
  const error = await rejection(call);
  return {
    text: server.refusals.at(-1) ?? "",
    decides: () => {
      expect(error).toBeInstanceOf(type);
      expect(error).toMatchObject(fields);
    },
  };
}
