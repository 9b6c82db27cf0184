/**
 * Admin keys of a self-hosted Convex: `<instance>|<hex>`, computed from its
 * name and secret alone, as the backend's own generate_admin_key does
 * (get-convex/convex-backend, crates/keybroker). A key is as good as the
 * secret: it reads and replaces everything.
 */
import { createHmac, randomBytes } from "node:crypto";
import { gcmsiv } from "@noble/ciphers/aes";

const VERSION = Buffer.from([1]);
const NONCE_LENGTH = 12;
const SECRET_LENGTH = 32;
const TAG_LENGTH = 16;

/** What a key says of itself, once it was opened by the secret that made it. */
export interface AdminKeyIdentity {
  readonly instance: string;
  /** When it was made. */
  readonly issued: Date;
}

/** NIST SP 800-108 in counter mode; of one round of HMAC-SHA256 the first 16 bytes are AES's key. */
function sealingKey(secret: Buffer): Uint8Array {
  return createHmac("sha256", secret).update(Buffer.concat([Buffer.from([0, 0, 0, 1]), Buffer.from("admin key")])).digest().subarray(0, 16);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = BigInt(value); ; rest >>= 7n) {
    const low = Number(rest & 0x7fn);
    if (rest < 0x80n) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

/** @throws Error when the text is not 32 bytes of hex; the text itself is not repeated */
export function parseInstanceSecret(text: string): Buffer {
  const secret = text.trim();
  if (!/^[0-9a-fA-F]{64}$/.test(secret)) throw new Error(`INSTANCE_SECRET is not ${SECRET_LENGTH} bytes of hex (64 digits), so that neither Convex starts with it nor a key can be made; write a right one to Vault, for example of: openssl rand -hex 32`);
  return Buffer.from(secret, "hex");
}

/**
 * A key for an instance.
 * @param secret INSTANCE_SECRET, 32 bytes
 * @param issued seconds since 1970, at least 1: Convex takes a time of zero for no identity
 * @param nonce 12 bytes, never twice with one secret
 */
export function computeAdminKey(instance: string, secret: Buffer, issued = Math.floor(Date.now() / 1000), nonce: Uint8Array = randomBytes(NONCE_LENGTH)): string {
  if (secret.length !== SECRET_LENGTH) throw new Error(`the instance secret has ${secret.length} bytes; Convex wants ${SECRET_LENGTH}`);
  // Protobuf: field 1 the time of issue, field 3 (read-only) false.
  const plaintext = Uint8Array.from([0x08, ...varint(issued), 0x18, 0x00]);
  return `${instance}|${Buffer.concat([VERSION, nonce, gcmsiv(sealingKey(secret), nonce, VERSION).encrypt(plaintext)]).toString("hex")}`;
}

/** Opens a key; undefined when it was not made of this secret, or is none. */
export function openAdminKey(key: string, secret: Buffer): AdminKeyIdentity | undefined {
  const { instance, hex } = split(key) ?? {};
  if (instance === undefined || hex === undefined) return undefined;
  const bytes = Buffer.from(hex, "hex");
  const nonce = bytes.subarray(VERSION.length, VERSION.length + NONCE_LENGTH);
  let plaintext: Uint8Array;
  try {
    plaintext = gcmsiv(sealingKey(secret), nonce, VERSION).decrypt(bytes.subarray(VERSION.length + NONCE_LENGTH));
  } catch {
    return undefined;
  }
  if (plaintext[0] !== 0x08) return undefined;
  let issued = 0n;
  let shift = 0n;
  for (const byte of plaintext.subarray(1)) {
    issued |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
    if (byte < 0x80) break;
  }
  return issued === 0n ? undefined : { instance, issued: new Date(Number(issued) * 1_000) };
}

/** The instance that a key names; undefined when the text has not the form of a key. */
export function instanceOfAdminKey(key: string): string | undefined {
  return split(key)?.instance;
}

function split(key: string): { readonly instance: string; readonly hex: string } | undefined {
  const found = /^([a-zA-Z0-9][a-zA-Z0-9_-]*)\|(01(?:[0-9a-f]{2})+)$/.exec(key.trim());
  return found && found[2].length >= 2 * (VERSION.length + NONCE_LENGTH + TAG_LENGTH + 1) ? { instance: found[1], hex: found[2] } : undefined;
}
