/** Reads templates as far as the rules need: which blocks enclose a place, and what is assigned there. */

const ACTION = /\{\{-?\s*([\s\S]*?)\s*-?\}\}/g;
/** Exactly a field of the secret that the block has read, with functions that take no argument: no constant to fall back on. */
const FIELD = String.raw`\{\{-?\s*(?:\.Data\.data\.\w+|index \.Data\.data "\w+")(?: \| \w+)*\s*-?\}\}`;
const A_FIELD = new RegExp(FIELD);
const ONLY_A_FIELD = new RegExp(`^(["']?)${FIELD}\\1\\s*(?:\\{\\{-?\\s*end\\s*-?\\}\\}\\s*)?$`);

/** Parts of a template that are inside a `with secret` block, as pairs of offsets. */
function insideSecrets(template: string): (readonly [from: number, to: number])[] {
  const open: { readonly at: number; secret: boolean }[] = [];
  const found: (readonly [number, number])[] = [];
  const close = (block: (typeof open)[number] | undefined, at: number): void => {
    if (block?.secret) found.push([block.at, at]);
  };
  for (const match of template.matchAll(ACTION)) {
    const [whole, action] = match;
    if (/^(if|range|with|define|block)\b/.test(action)) open.push({ at: match.index + whole.length, secret: /^with secret "[^"]+"$/.test(action) });
    else if (/^else\b/.test(action)) {
      // What follows is rendered when the secret is absent.
      const block = open.at(-1);
      close(block, match.index);
      if (block) block.secret = false;
    } else if (/^end\b/.test(action)) close(open.pop(), match.index);
  }
  return found;
}

/**
 * Keys that a template gives a value which it has not read from Vault.
 * @param keys what is secret
 * @param asEnv every line is an environment variable; otherwise it is a script or a configuration, in which a variable of the shell or of the program may be passed on
 */
export function plainlyAssigned(template: string, keys: ReadonlySet<string>, asEnv: boolean): string[] {
  const inside = insideSecrets(template);
  return [...template.matchAll(/(?<![\w.$])([A-Z][A-Z0-9_]{2,})(["']?)([ \t]*)([:=])[ \t]*([^\n]*)/g)].flatMap((match) => {
    const [, key, quote, space, sign, rest] = match;
    if (!keys.has(key) || rest.startsWith("=")) return [];
    const literal = !asEnv && (quote || space || sign === ":") ? /^["'`](?!["'`$])/.test(rest) : !/^["']?\$|^$/.test(rest);
    if (!asEnv && !literal) return [];
    if (asEnv && sign === ":") return [];
    const fromVault = inside.some(([from, to]) => match.index >= from && match.index < to) && (key.endsWith("_URL") ? A_FIELD : ONLY_A_FIELD).test(rest);
    return fromVault ? [] : [key];
  });
}

/** Paths of the Nomad variables that a template reads; undefined for a read whose path is not written out. */
export function variablesRead(template: string): (string | undefined)[] {
  return [...template.matchAll(ACTION)].flatMap(([, action]) => [...action.matchAll(/\bnomadVar(?:Exists)?\b(?:\s+"([^"]*)")?|\bnomadVarList\w*/g)].map(([, path]) => path as string | undefined));
}
