import { expect, test } from "@jest/globals";
import { InvalidArgumentError } from "../../../../lib/errors/invalid-argument-error.js";
import { rejection } from "../../../support/collect.js";
import { linked } from "../../../support/linked-server.js";

test("a plugin of a remote marketplace is named by that", async () => {
  await using pair = await linked();
  const { client, server } = pair;
  const plugin = { pluginName: "docs", remoteMarketplaceName: "company" };
  server.handle("plugin/read", () => ({ plugin: { marketplaceName: "company" } }));
  expect(await client.plugins.read(plugin)).toEqual({ marketplaceName: "company" });
  await client.plugins.install(plugin);
  expect(server.paramsOf("plugin/read")).toEqual([plugin]);
  expect(server.paramsOf("plugin/install")).toEqual([plugin]);
});

test("a Git marketplace is added with its branch and directories, and upgraded by name", async () => {
  await using pair = await linked();
  const { client, server } = pair;
  const { marketplaces } = client.plugins;
  await marketplaces.add("owner/repo", { refName: "main", sparsePaths: ["plugins"] });
  expect(server.paramsOf("marketplace/add")).toEqual([
    { source: "owner/repo", refName: "main", sparsePaths: ["plugins"] },
  ]);
  const errors = [{ marketplaceName: "shop", message: "not reachable" }];
  server.handle("marketplace/upgrade", () => ({
    selectedMarketplaces: ["shop"],
    upgradedRoots: [],
    errors,
  }));
  expect(await marketplaces.upgrade("shop")).toMatchObject({ errors });
  expect(server.paramsOf("marketplace/upgrade")).toEqual([{ marketplaceName: "shop" }]);
});

test("what cannot work is told before anything is sent", async () => {
  await using pair = await linked();
  const { plugins } = pair.client;
  const marketplacePath = "/shop/marketplace.json";
  const mistakes: [Promise<unknown>, string][] = [
    [plugins.read({ pluginName: "", marketplacePath }), "pluginName"],
    [plugins.install({ pluginName: "docs", marketplacePath: "shop" }), "marketplacePath"],
    [plugins.install({ pluginName: "docs", remoteMarketplaceName: "" }), "remoteMarketplaceName"],
    [plugins.uninstall(""), "pluginId"],
    [plugins.marketplaces.add(""), "source"],
    [plugins.marketplaces.remove(""), "marketplaceName"],
    [plugins.marketplaces.upgrade(""), "marketplaceName"],
  ];
  for (const [promise, argument] of mistakes) {
    const error = await rejection(promise);
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error).toMatchObject({ argument });
  }
  expect(() => plugins.search("")).toThrow(InvalidArgumentError);
  expect(pair.server.requests).toHaveLength(1);
});
