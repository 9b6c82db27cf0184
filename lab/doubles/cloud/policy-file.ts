/** The policy file as Tailscale reads it: JSON with comments and trailing commas, which tests itself whenever it is posted. */

interface Grant { readonly src: readonly string[]; readonly dst: readonly string[]; readonly ip?: readonly string[] }
interface Test { readonly src: string; readonly proto?: string; readonly accept?: readonly string[]; readonly deny?: readonly string[] }
export interface PolicyFile { readonly grants?: readonly Grant[]; readonly tests?: readonly Test[]; readonly tagOwners?: Readonly<Record<string, unknown>> }

/**
 * Reads JSON with comments and trailing commas (HuJSON).
 * @throws SyntaxError for anything else
 */
export function parsePolicy(text: string): PolicyFile {
  // A string is taken whole, so that what looks like a comment inside one stays.
  const plain = text.replace(/("(?:[^"\\]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (_all, string: string | undefined) => string ?? " ");
  return JSON.parse(plain.replace(/("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])/g, (_all, string: string | undefined) => string ?? "")) as PolicyFile;
}

/** What Tailscale answers of a test that fails. */
export interface FailedTest { readonly user: string; readonly errors: readonly string[] }

/** Tests that want something otherwise than the policy's grants make it. Groups and tags are compared by name. */
export function failedTests({ grants = [], tests = [] }: PolicyFile): FailedTest[] {
  return tests.flatMap(({ src, proto = "tcp", accept = [], deny = [] }) => {
    const reaches = (target: string): boolean => {
      const [, host, port] = /^(.*):(\d+)$/.exec(target) ?? [];
      return grants.some((grant) => named(grant.src, src) && named(grant.dst, host) && (grant.ip ?? []).some((entry) => admits(entry, proto, Number(port))));
    };
    const errors = [...accept.filter((target) => !reaches(target)).map((target) => `address "${target}": want: Accept, got: Drop`), ...deny.filter(reaches).map((target) => `address "${target}": want: Drop, got: Accept`)];
    return errors.length > 0 ? [{ user: src, errors }] : [];
  });
}

const named = (names: readonly string[], name: string): boolean => names.includes(name) || names.includes("*");

function admits(entry: string, proto: string, port: number): boolean {
  if (entry === "*") return true;
  const [, entryProto, low, high] = /^(?:(\w+):)?(\d+)(?:-(\d+))?$/.exec(entry) ?? [];
  return (entryProto ?? proto) === proto && Number(low) <= port && port <= Number(high ?? low);
}
