import type pg from "pg";
import { MissingDependencyError } from "../../../index.js";
import { requireInstead } from "../require-instead.js";

/** What is used of the optional package. */
export type Pg = Pick<typeof pg, "Client" | "Pool">;

/** @throws MissingDependencyError when pg is not installed. */
export async function loadPg(load: () => Promise<object> = importPg): Promise<Pg> {
  const purpose = "To keep a fleet in PostgreSQL";
  let loaded: Partial<Pg> & { default?: Partial<Pg> };
  try {
    loaded = await load();
  } catch (cause) {
    throw new MissingDependencyError("pg", "pg@8", purpose, { cause });
  }
  const { Client, Pool } = loaded.default ?? loaded;
  if (Client && Pool) return { Client, Pool };
  throw new MissingDependencyError("pg", "pg@8", purpose);
}

async function importPg(): Promise<object> {
  try {
    // Bundlers let a package be missing that is imported, and awaited, right in a `try`.
    return await import("pg");
  } catch (error) {
    return requireInstead("pg", error);
  }
}
