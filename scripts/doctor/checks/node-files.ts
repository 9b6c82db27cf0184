/** Node: the files that the operator places, which no deploy carries: gossip key, authorities, registry credentials. */
import type { X509Certificate } from "node:crypto";
import { nomadPaths } from "../../../constructs/cluster/paths";
import type { Environment } from "../../../environments/schema";
import { fail, inconclusive, pass, type Outcome } from "../check";
import type { FileFacts, NodeFacts } from "../probe/facts";
import type { ProbedNode } from "../probe/plan";
import { MIN_AUTHORITY_LIFE } from "../thresholds";

const OTHERS = 0o077;
/** AES-128, AES-192, AES-256: the sizes that Consul's gossip takes. */
const GOSSIP_KEY_BYTES = [16, 24, 32];

const HIDDEN = "Give the login sudo without a password (see the check login)";

/** A file that holds a secret is for root alone. */
function secretFile(path: string, facts: FileFacts | undefined, mendAbsent: string): Outcome | undefined {
  if (!facts || facts.state === "hidden") return inconclusive(`${path} could not be looked at`, HIDDEN);
  if (facts.state === "absent") return fail(`${path} is not there`, mendAbsent);
  if (facts.isFolder) return fail(`${path} is a folder`, `sudo rm -r ${path}; ${mendAbsent}`);
  if ((facts.mode & OTHERS) !== 0) return fail(`${path} has mode 0${facts.mode.toString(8)}, and holds a secret`, `sudo chmod 0600 ${path}`);
  return undefined;
}

export function gossipKeyOutcome({ consul }: Pick<Environment, "consul">, { files, gossipKeyBytes }: NodeFacts): Outcome {
  const path = consul.gossipKeyFile;
  const mend = `Copy it from a Consul server or a node that has it: ssh OTHER sudo cat ${path} | ssh THIS 'sudo sh -c "umask 077; cat >${path}"' (one line, base64; the servers have it in their configuration as "encrypt")`;
  const wrong = secretFile(path, files.get(path), mend);
  if (wrong) return wrong;
  if (gossipKeyBytes === undefined) return inconclusive(`${path} could not be read`, HIDDEN);
  return GOSSIP_KEY_BYTES.includes(gossipKeyBytes) ? pass(`${path}, a key of ${gossipKeyBytes * 8} bits`) : fail(`${path} holds no gossip key: it decodes to ${gossipKeyBytes} bytes instead of ${GOSSIP_KEY_BYTES.join(", ")}`, mend);
}

/** @param whose certificates the authority signed, for sentences */
export function authorityOutcome(path: string, whose: string, { files, certificates }: NodeFacts): Outcome {
  const mend = `Copy the authority (PEM) that signed the ${whose} certificates to ${path}, mode 0644`;
  const facts = files.get(path);
  if (!facts || facts.state === "hidden") return inconclusive(`${path} could not be looked at`, HIDDEN);
  if (facts.state === "absent") return fail(`${path} is not there`, mend);
  return certificateOutcome(path, certificates.get(path) ?? [], mend);
}

export function certificateOutcome(path: string, certificates: readonly Pick<X509Certificate, "validTo">[], mend: string, now: Date = new Date()): Outcome {
  if (certificates.length === 0) return fail(`${path} holds no certificate`, mend);
  // A file may hold a former authority beside the present one.
  const lasts = Math.max(...certificates.map((certificate) => Date.parse(certificate.validTo)));
  const until = new Date(lasts).toISOString().slice(0, 10);
  return lasts - now.getTime() < MIN_AUTHORITY_LIFE.milliseconds ? fail(`${path} ends on ${until}`, `Renew the authority, then: ${mend}`) : pass(`${path}, until ${until}`);
}

/** Of the node's Nomad agent, which a deploy of foundation renews in the environment's time before its end. */
export function agentCertificateOutcome({ nomad }: Pick<Environment, "nomad">, { files, certificates }: NodeFacts, now: Date = new Date()): Outcome {
  const path = nomadPaths({ nomad }).certificate;
  const facts = files.get(path);
  if (!facts || facts.state === "hidden") return inconclusive(`${path} could not be looked at`, HIDDEN);
  if (facts.state === "absent") return pass("none yet: foundation makes it");
  const [certificate] = certificates.get(path) ?? [];
  const mend = "Deploy foundation, which renews it, one node after the other: npx cdktf deploy foundation";
  if (!certificate) return fail(`${path} holds no certificate, so that the agent would not start again`, mend);
  const ends = Date.parse(certificate.validTo);
  const until = new Date(ends).toISOString().slice(0, 10);
  return ends - now.getTime() < nomad.certificateRenewal.milliseconds ? fail(`ends on ${until}: without a deploy until then the servers would refuse each other`, mend) : pass(`until ${until}`);
}

/** How the node itself logs in to the registry: Nomad's Docker driver reads this, not the login's own configuration. */
export function registryCredentialsOutcome({ images }: Pick<Environment, "images">, node: ProbedNode, { files, registryListed, credentialHelper }: NodeFacts): Outcome {
  const { host, credentials } = images.registry;
  if (credentials.delivery === "none") return pass(`${host} needs none, the environment says`);
  if (credentials.delivery === "credential-helper") {
    const program = `docker-credential-${credentials.helper}`;
    return credentialHelper ? pass(credentialHelper) : fail(`${program} is not on root's PATH`, `On ${node.name}: install ${program} into /usr/local/bin`);
  }
  const { path } = credentials;
  const mend = `docker login ${host} on this machine, then: ssh ${node.name} 'sudo sh -c "umask 077; cat >${path}"' <~/.docker/config.json (it must hold the password itself, no "credsStore")`;
  const wrong = secretFile(path, files.get(path), mend);
  if (wrong) return wrong;
  if (registryListed === undefined) return inconclusive(`${path} could not be read`, HIDDEN);
  return registryListed ? pass(`${path}, for ${host}`) : fail(`${path} has no entry for ${host}`, mend);
}
