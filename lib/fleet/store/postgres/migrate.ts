import type { Client } from "pg";
import { StoreUnavailableError } from "../../../index.js";
import { schemaSteps, schemaVersion } from "./postgres-schema.js";

/**
 * Brings a schema to the newest version, whoever else does so at the same moment. What is there already needs no right to
 * make anything.
 *
 * @param client within whose session names are those of the schema.
 */
export async function migrate(client: Pick<Client, "query">, schema: string): Promise<void> {
  if ((await versionOf(client, schema)) === schemaVersion) return;
  await client.query("begin");
  try {
    await client.query("select pg_advisory_xact_lock(hashtextextended($1, 0))", [
      `${schema} steps`,
    ]);
    // What another session has made meanwhile, a look at the catalogue may miss; these do not.
    // It may be a word of SQL, such as `user`.
    await client.query(`create schema if not exists "${schema}"`);
    await client.query("create table if not exists migrations (version integer primary key)");
    const version = await newest(client);
    if (version > schemaVersion) {
      const problem = `has tables of a newer version (${version}, and not ${schemaVersion}). Update this package.`;
      throw new StoreUnavailableError(problem, false);
    }
    for (const [index, step] of schemaSteps.entries()) {
      if (index < version) continue;
      await client.query(step);
      await client.query("insert into migrations values ($1)", [index + 1]);
    }
    await client.query("commit");
  } catch (error) {
    await client.query("rollback");
    throw error;
  }
}

async function versionOf(client: Pick<Client, "query">, schema: string): Promise<number> {
  const { rows } = await client.query<{ known: string | null }>(
    "select to_regclass($1)::text as known",
    [`${schema}.migrations`],
  );
  return rows[0]?.known ? newest(client) : 0;
}

async function newest(client: Pick<Client, "query">): Promise<number> {
  const { rows } = await client.query<{ version: number | null }>(
    "select max(version) as version from migrations",
  );
  return rows[0]?.version ?? 0;
}
