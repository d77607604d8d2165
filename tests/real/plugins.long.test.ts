import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { InvalidRequestError, type AppServerClient } from "../../lib/index.js";
import { mcpConfig } from "../support/mcp-config.js";
import { RealStage, rejection } from "../support/real.js";

const nowhere = "http://127.0.0.1:1";

let stage: RealStage;
let client: AppServerClient;
/** A directory that is a marketplace, `shop`, with one plugin, `greeter`. */
let shop: string;
let marketplacePath: string;

beforeEach(async () => {
  stage = await RealStage.open((model) => ({
    // With plugins on, the server looks for the public ones on GitHub. Nothing listens there.
    env: { http_proxy: nowhere, https_proxy: nowhere, HTTP_PROXY: nowhere, HTTPS_PROXY: nowhere },
    config: {
      // The backend that plugins and apps ask is the model server, which knows nothing of them.
      chatgpt_base_url: new URL("/backend-api/", model.url).href,
      features: { plugins: true, apps: true },
    },
  }));
  client = await stage.client();
  shop = path.join(stage.project, "shop");
  marketplacePath = path.join(shop, ".agents", "plugins", "marketplace.json");
  await put(marketplacePath, {
    name: "shop",
    interface: { displayName: "The Shop" },
    plugins: [
      {
        name: "greeter",
        source: { source: "local", path: "./plugins/greeter" },
        policy: { installation: "AVAILABLE", authentication: "ON_USE" },
        category: "Tools",
      },
    ],
  });
  const greeter = path.join(shop, "plugins", "greeter");
  const about = { name: "greeter", version: "1.2.3", description: "Greets people" };
  await put(path.join(greeter, ".codex-plugin", "plugin.json"), about);
  await put(path.join(greeter, ".mcp.json"), { mcpServers: { helper: mcpConfig("mcp-server") } });
  const skill = "---\nname: greet\ndescription: Greets\n---\nSay hello.\n";
  await put(path.join(greeter, "skills", "greet", "SKILL.md"), skill);
});
afterEach(() => stage.close());

async function put(file: string, content: string | object): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, typeof content === "string" ? content : JSON.stringify(content));
}

const plugin = () => ({ pluginName: "greeter", marketplacePath });

describe("marketplaces", () => {
  test("are added, with what they offer, and taken away again", async () => {
    const { marketplaces } = client.plugins;
    expect(await marketplaces.add(shop)).toEqual({
      marketplaceName: "shop",
      installedRoot: shop,
      alreadyAdded: false,
    });
    expect(await marketplaces.add(shop)).toMatchObject({ alreadyAdded: true });
    expect(await client.plugins.list()).toMatchObject({
      marketplaces: [
        {
          name: "shop",
          path: marketplacePath,
          interface: { displayName: "The Shop" },
          plugins: [{ id: "greeter@shop", installed: false, localVersion: "1.2.3" }],
        },
      ],
      marketplaceLoadErrors: [],
    });

    await marketplaces.remove("shop");
    expect((await client.plugins.list()).marketplaces).toEqual([]);
    expect(await rejection(marketplaces.remove("shop"))).toBeInstanceOf(InvalidRequestError);
  });

  test("that cannot be read are told beside the others", async () => {
    await client.plugins.marketplaces.add(shop);
    await writeFile(marketplacePath, "{");
    const { marketplaces, marketplaceLoadErrors } = await client.plugins.list();
    expect(marketplaces).toEqual([]);
    expect(marketplaceLoadErrors).toMatchObject([{ marketplacePath }]);
  });

  test("that are not Git repositories have nothing to upgrade", async () => {
    const { marketplaces } = client.plugins;
    await marketplaces.add(shop);
    const nothing = { selectedMarketplaces: [], upgradedRoots: [], errors: [] };
    expect(await marketplaces.upgrade()).toEqual(nothing);
    const error = await rejection(marketplaces.upgrade("shop"));
    expect(error).toBeInstanceOf(InvalidRequestError);
    expect(error.message).toContain("not configured as a Git marketplace");
  });

  test("that are not there are refused", async () => {
    const added = client.plugins.marketplaces.add(path.join(stage.project, "missing"));
    expect(await rejection(added)).toBeInstanceOf(InvalidRequestError);
  });
});

describe("plugins", () => {
  beforeEach(() => client.plugins.marketplaces.add(shop));

  test("are read and found", async () => {
    expect(await client.plugins.read(plugin())).toMatchObject({
      marketplaceName: "shop",
      description: "Greets people",
      summary: { id: "greeter@shop", authPolicy: "ON_USE" },
      skills: [{ name: "greeter:greet", description: "Greets" }],
      mcpServers: ["helper"],
    });
    const missing = client.plugins.read({ ...plugin(), pluginName: "missing" });
    expect((await rejection(missing)).message).toContain("was not found in marketplace");

    const found = await client.plugins.search("greet").all();
    expect(found).toMatchObject([{ plugin: { id: "greeter@shop" }, marketplaceName: "shop" }]);
    expect(await client.plugins.search("nothing like it").all()).toEqual([]);
  });

  test("are installed with their skills and MCP servers, and uninstalled", async () => {
    const skills = async () =>
      (await client.skills.list()).flatMap((entry) => entry.skills.map(({ pluginId }) => pluginId));
    const installed = async () =>
      (await client.plugins.installed()).marketplaces.flatMap((entry) => entry.plugins);
    expect(await installed()).toEqual([]);

    const { id: threadId } = await client.startThread();
    expect(await client.plugins.install(plugin())).toEqual({
      authPolicy: "ON_USE",
      appsNeedingAuth: [],
    });
    expect(await installed()).toMatchObject([
      { id: "greeter@shop", installed: true, enabled: true },
    ]);
    expect(await skills()).toContain("greeter@shop");
    await client.mcp.reload();
    const call = { threadId, server: "helper", tool: "shout", arguments: { text: "hello" } };
    expect(await client.mcp.callTool(call)).toMatchObject({ content: [{ text: "HELLO" }] });

    await client.plugins.uninstall("greeter@shop");
    expect(await installed()).toEqual([]);
    expect(await skills()).not.toContain("greeter@shop");
    await client.plugins.uninstall("greeter@shop");
  });
});

describe("apps", () => {
  test("are none without a ChatGPT account, and unknown ids are told", async () => {
    const { id: threadId } = await client.startThread();
    expect(await client.apps.list({ threadId }).all()).toEqual([]);
    expect(await client.apps.installed({ threadId })).toEqual([]);
    expect(await client.apps.read(["calendar"], { threadId, includeTools: true })).toEqual({
      apps: [],
      missingAppIds: ["calendar"],
    });
  });
});
