import type { AsyncIteration } from "../../async/async-iteration.js";
import { checkOptions } from "../../errors/check-options.js";
import type { AppInfo, InstalledApp } from "../../../generated/types.js";
import type { Pages } from "../../options/pages.js";
import type { ParamsOf, ResultOf } from "../../protocol.js";
import { followKeys, followNotifications, type FollowOptions } from "./follow-notifications.js";
import { checkParams, Resource } from "../resource.js";

/** The apps to list, as in `app/list`. */
export type ListAppsOptions = Omit<ParamsOf<"app/list">, "cursor">;
/** The thread to list for, and how fresh the answer must be, as in `app/installed`. */
export type InstalledAppsOptions = ParamsOf<"app/installed">;
/** The thread to read for, and whether to include tools, as in `app/read`. */
export type ReadAppsOptions = Omit<ParamsOf<"app/read">, "appIds">;
/** The apps that were found, and the ids of those that were not. */
export type AppsRead = ResultOf<"app/read">;

/**
 * Apps (connectors) of the ChatGPT account that is logged in. They need the feature `apps`; without
 * such an account the lists are empty. A thread that is named here is loaded first if need be.
 */
export class Apps extends Resource {
  /** Lists the available apps, and which of them the account can use (`app/list`). */
  list(options: ListAppsOptions = {}): Pages<AppInfo> {
    checkParams("apps.list()", "app/list", options);
    return this.pages("app/list", options, { loaded: true });
  }

  /** Lists the connected apps, and whether a thread may call them (`app/installed`). */
  async installed(options: InstalledAppsOptions = {}): Promise<InstalledApp[]> {
    checkParams("apps.installed()", "app/installed", options);
    return (await this.callLoaded("app/installed", options)).apps;
  }

  /** Reads details of these apps; unknown ids are no error (`app/read`). */
  async read(appIds: readonly string[], options: ReadAppsOptions = {}): Promise<AppsRead> {
    checkParams("apps.read()", "app/read", options);
    return this.callLoaded("app/read", { ...options, appIds: [...appIds] });
  }

  /**
   * Iterates the whole list, once for each change that the server notices, from now on
   * (`app/list/updated`). The iteration ends when the client is closed, and throws when the connection is
   * lost.
   */
  updates(options: FollowOptions = {}): AsyncIteration<AppInfo[]> {
    checkOptions("apps.updates()", options, followKeys);
    return followNotifications(this.getSession, "app/list/updated", ({ data }) => data, options);
  }
}
