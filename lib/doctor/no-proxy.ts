import { BlockList, isIP } from "node:net";

/** Whether NO_PROXY, a list such as `"localhost,.example.com,10.0.0.0/8"`, names a host. */
export function isInNoProxy(hostname: string, noProxy: string): boolean {
  const host = plain(hostname);
  return noProxy.split(",").some((entry) => {
    const written = plain(entry.trim());
    const named = isIP(written) === 0 ? written.replace(/:\d+$/, "") : written;
    if (named === "") return false;
    if (named === "*") return true;
    if (isIP(host) !== 0) return named === host || isInSubnet(host, named);
    const domain = named.replace(/^\*?\./, "");
    return host === domain || host.endsWith(`.${domain}`);
  });
}

function plain(host: string): string {
  return host.toLowerCase().replace(/^\[(.*)\]$/, "$1");
}

function isInSubnet(host: string, subnet: string): boolean {
  const [network = "", bits] = subnet.split("/");
  const kind = isIP(network);
  if (bits === undefined || kind === 0 || kind !== isIP(host)) return false;
  const family = kind === 4 ? "ipv4" : "ipv6";
  const length = Number(bits);
  if (!Number.isInteger(length) || length < 0 || length > (kind === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(network, length, family);
  return list.check(host, family);
}
