/**
 * Which generation of each key of the cluster is in use. A key that several machines share is replaced
 * in three deploys: the next generation is accepted beside the one that is used, then used, then alone.
 */
import { z } from "zod";

/** Keys of foundation that every node has, and that are replaced while both generations are accepted. */
export const SHARED_KEYS = ["authority", "gossipKey"] as const;
export type SharedKey = (typeof SHARED_KEYS)[number];

export interface Generations {
  /** One, or two while a rotation is under way: the second follows the first. */
  readonly accepted: readonly number[];
  /** What certificates are signed, or gossip is encrypted, with. */
  readonly used: number;
}

export type Rotation = Readonly<Record<SharedKey, Generations>> & {
  /** Of the secret that the ACLs were turned on with; there is one at a time. */
  readonly managementToken: number;
};

/** A cluster in which nothing was ever rotated. */
export const FIRST_GENERATIONS: Rotation = { authority: { accepted: [1], used: 1 }, gossipKey: { accepted: [1], used: 1 }, managementToken: 1 };

/** What a deploy does: the next generation is accepted, it is used, the one before is no longer accepted. */
export const STEPS = ["accept", "use", "retire"] as const;
export type Step = (typeof STEPS)[number];

const generation = z.number().int().min(1);
const generationsSchema = z.strictObject({ accepted: z.array(generation).min(1).max(2), used: generation }).check(({ value: { accepted, used }, issues }) => {
  if (accepted.length === 2 && accepted[1] !== accepted[0] + 1) issues.push({ code: "custom", input: accepted, path: ["accepted"], message: `${accepted.join(" and ")} do not follow each other; a rotation accepts a generation and the next one, for example [1, 2]` });
  if (!accepted.includes(used)) issues.push({ code: "custom", input: used, path: ["used"], message: `${used} is used and not accepted: every node would refuse the others; use one of ${accepted.join(", ")}` });
});
const rotationSchema = z.strictObject({ authority: generationsSchema, gossipKey: generationsSchema, managementToken: generation });

/**
 * Reads a rotation file.
 * @param file its name, for the error
 * @throws Error that lists everything that is wrong with it
 */
export function parseRotation(text: string, file: string): Rotation {
  const parsed = rotationSchema.safeParse(parsedJson(text));
  if (!parsed.success) throw new Error(`${file} does not say which keys are in use, and nothing was done. It is written by gvfx rotate; take it back from git, or correct it:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

const CERTIFICATES = /^(-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n)+$/;

/**
 * Reads an authority's file: certificates as PEM, and nothing else.
 * @param file its name, for the error
 * @throws Error when it holds something else, a private key above all
 */
export function parseAuthority(text: string, file: string): string {
  if (text.includes("PRIVATE KEY")) throw new Error(`${file} holds a private key, and is committed: take it out of git and its history, and rotate the authority (gvfx rotate authority)`);
  if (!CERTIFICATES.test(text)) throw new Error(`${file} does not hold certificates as PEM alone, so that no provider would trust Nomad by it; write it again: gvfx authority`);
  return text;
}

/** Undefined when it is none: then nothing in it is right. */
function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The step that is deployed; undefined between two rotations. */
export function stepOf({ accepted, used }: Generations): Step | undefined {
  return accepted.length === 1 ? undefined : used === accepted[0] ? "accept" : "use";
}

/** What is deployed next, and what that is. After "retire" the rotation is done. */
export function nextOf({ accepted, used }: Generations): { readonly step: Step; readonly generations: Generations } {
  const [first, second = first + 1] = accepted;
  if (accepted.length === 1) return { step: "accept", generations: { accepted: [first, second], used } };
  if (used === first) return { step: "use", generations: { accepted, used: second } };
  return { step: "retire", generations: { accepted: [second], used } };
}

/** Name of a construct of a generation: the first has none of its own, so that a cluster which was never rotated keeps its names. */
export function ofGeneration(name: string, generationNumber: number): string {
  return generationNumber === 1 ? name : `${name}-${generationNumber}`;
}
