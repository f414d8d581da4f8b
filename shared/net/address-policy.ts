/**
 * Decides whether an IP address is on the public internet. What would break if this were loosened: a client could
 * make the worker read the metadata service (169.254.169.254) or any machine of its private network.
 *
 * An IPv6 address that carries an IPv4 address inside it (mapped, compatible, 6to4, NAT64, Teredo, ISATAP) is refused
 * and not judged by what it carries: real servers publish an A record, and each of these forms is a way around the
 * IPv4 rules wherever a translator stands on the path. So a subnet that reaches IPv4 only through DNS64 cannot fetch.
 */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

const globalUnicast: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3];

/** `address`: the strict textual form (no short, octal or hex IPv4, no zone); anything else is not public. */
export function isPublicAddress(address: string): boolean {
  // ipaddr.js alone would also read 010.8.8.8 and 127.1, which other software reads as other addresses.
  if (isIP(address) === 0 || address.includes('%')) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== 'unicast') return false;
  if (parsed.kind() === 'ipv4') return true;
  // To ipaddr.js "unicast" is what no special range names; only 2000::/3 has ever been given out.
  const ipv6 = ipaddr.IPv6.parse(address);
  return ipv6.match(globalUnicast) && !isIsatap(ipv6);
}

/** RFC 5214: the interface id is 00-00-5e-fe or 02-00-5e-fe (the group bit is ignored too), then an IPv4 address. */
function isIsatap(address: ipaddr.IPv6): boolean {
  const [, , , , high = 0, low = 0] = address.parts;
  return (high & 0xfcff) === 0 && low === 0x5efe;
}
