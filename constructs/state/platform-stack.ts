/** A stack in which only providers, and locals made for it, refer to other stacks. */
import { DefaultTokenResolver, StringConcat, TerraformLocal, TerraformProvider, TerraformStack, Tokenization } from "cdktf";

/** A value of another stack, for what is no provider: use its `expression`. */
export class FromOtherStack extends TerraformLocal {}

/**
 * Before it synthesizes, cdktf resolves every element once, only to find references to
 * other stacks, a quarter of the time of synth. Here they are looked for where they are:
 * in providers, since what crosses is the authority that a provider trusts, and in
 * `FromOtherStack`.
 * `danglingReferences` fails synth for one anywhere else.
 */
export abstract class PlatformStack extends TerraformStack {
  override prepareStack(): void {
    this.ensureBackendExists();
    const resolver = new DefaultTokenResolver(new StringConcat());
    for (const element of this.node.findAll()) {
      if (TerraformProvider.isTerraformProvider(element) || element instanceof FromOtherStack) Tokenization.resolve(element.toTerraform(), { scope: this, resolver, preparing: true });
    }
  }
}

interface Declared {
  readonly resource?: Readonly<Record<string, object>>;
  readonly data?: Readonly<Record<string, object>>;
}

/** Addresses of a stack's resources and data sources. */
function addresses(text: string): string[] {
  const { resource = {}, data = {} } = JSON.parse(text) as Declared;
  const of = (prefix: string, types: Readonly<Record<string, object>>) => Object.entries(types).flatMap(([type, names]) => Object.keys(names).map((name) => `${prefix}${type}.${name}`));
  return [...of("", resource), ...of("data.", data)];
}

/**
 * References that point nowhere: a stack names what only another one declares.
 * @param stacks id and synthesized text of each
 */
export function danglingReferences(stacks: readonly (readonly [id: string, text: string])[]): string[] {
  const declared = stacks.map(([id, text]) => [id, new Set(addresses(text))] as const);
  return stacks.flatMap(([id, text]) => {
    const own = declared.find(([other]) => other === id)![1];
    return declared.flatMap(([other, names]) =>
      other === id
        ? []
        : [...names]
            .filter((address) => !own.has(address) && text.includes(`${address}.`))
            .map((address) => `[cross-stack] ${id}: refers to ${address} of ${other}: what crosses is looked for in providers and in FromOtherStack, so this would point nowhere; pass it through one of them (constructs/state/platform-stack.ts)`),
    );
  });
}
